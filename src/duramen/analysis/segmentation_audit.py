"""Anybody's segments and the orders come in; seven questions with a figure, a threshold and a verdict go out.

Called by the audit command. The questions are the seven ways in which segmentations go wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from duramen.analysis.assignment import ASSIGNED_ON, SEGMENT, TREATMENT, Assignment
from duramen.analysis.future_gain import can_foretell, gain_in_activity, gain_in_value
from duramen.analysis.label_dependence import (
    FEWEST_CUSTOMERS,
    MOST_CUSTOMERS,
    RESAMPLES,
    Estimate,
    estimate,
    large_segments,
    recovered,
    told_by_cells,
)
from duramen.analysis.product_mix import bought_by_customer, item_shares, main_item
from duramen.data.customers import customer_table, typical_basket
from duramen.data.ids import ids_as_text
from duramen.data.outcomes import customer_outcomes
from duramen.data.windows import HORIZONS, Window, choose_horizon, parse_day
from duramen.errors import InputError
from duramen.evaluation.bootstrap import draws
from duramen.evaluation.metrics import variance_explained
from duramen.io.autologging import without_autologging
from duramen.segments.behaviour import base_gap, silence_in_gaps, trend, typical_gap
from duramen.segments.lifecycle_stage import lifecycle_stage
from duramen.segments.rfm import equal_groups, rfm_score

if TYPE_CHECKING:
    from duramen.data.transactions import Transactions

# One customer in twenty may stand in segments that nobody has a plan for yet; beyond that the plan is not the segments.
USED = 0.95
# Half: from there on more of the label is told by the stand-in than is left over.
RELABELLED = 0.5
# Cohen's medium effect as a share of variance; below it groups differ in ways that nobody notices in single customers.
DIFFERENT = 0.06
# A hundredth of what varies is the least that a plan could tell from noise.
FORETOLD = 0.01
# Once most customers stand in another stage of life, the labels describe people who are no longer there.
MOVED = 0.5
# Redone, a segmentation should be nearer to what it was than to chance.
ALIKE = 0.5
SPEND_CELLS = 20
PASSES, FAILS, UNKNOWN = "passes", "fails", "inconclusive"
QUESTIONS = {
    "A1": "Does each segment have a purpose?",
    "A2": "Is it more than the product bought?",
    "A3": "Is it more than size or assets?",
    "A4": "Is it more than the joining date?",
    "A5": "Does behaviour differ between segments?",
    "A6": "Does it predict value and churn?",
    "A7": "Is it still fresh?",
}


@dataclass(frozen=True)
class Finding:
    """The answer to one question.

    Attributes
    ----------
    code : str
        A1 to A7.
    figure, low, high : float
        What was measured, a share of one, with its 95 % interval; missing where it could not be.
    threshold : float
    at_least : bool
        Whether the figure must reach the threshold to pass, or stay below it.
    verdict : str
        "passes", "fails", or "inconclusive".
    sentence : str
        What the figure is, and why there is none.
    """

    code: str
    figure: float
    low: float
    high: float
    threshold: float
    at_least: bool
    verdict: str
    sentence: str


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Attributes
    ----------
    findings : pandas.DataFrame
        A row a question: ``code``, ``question``, ``figure``, ``low``, ``high`` (95 %), ``threshold``, ``must_be``
        ("at least" or "below" the threshold to pass), ``verdict`` and ``sentence``; figures are shares of one.
    measures : pandas.DataFrame
        Everything that was measured: ``code``, ``measure``, ``figure``, ``low`` and ``high``.
    segments : pandas.DataFrame
        By falling size: ``segment``, ``customers``, ``share``, ``past_spend_share`` and, where known, ``treatment``.
    notes : tuple of str
        Who was left out, and why.
    cutoff : date
        Everything but A6 and A7 is measured on what lies before it.
    source, orders : str
        How the labels and the orders are called.
    """

    findings: pd.DataFrame
    measures: pd.DataFrame
    segments: pd.DataFrame
    notes: tuple[str, ...]
    cutoff: date
    source: str
    orders: str

    def verdict(self, code: str) -> str:
        """Return the verdict on a question, such as ``"A3"``."""
        return str(self.findings.set_index("code").at[code, "verdict"])

    def __str__(self) -> str:
        lines = (f"  {row.code} {row.verdict:<14} {row.sentence}" for row in self.findings.itertuples())
        return "\n".join([f"Audit of {self.source} before {self.cutoff}", *lines])


@without_autologging()
def audit(
    tx: Transactions,
    assignment: Assignment,
    *,
    bought: Mapping[str, pd.DataFrame] | None = None,
    cutoff: date | str | None = None,
    horizon: int | str | None = None,
    previous: Assignment | None = None,
    seed: int = 0,
) -> Audit:
    """Examine an assignment of customers to segments by the seven ways in which segmentations go wrong.

    Parameters
    ----------
    tx : Transactions
    assignment : Assignment
        What ``read_assignment`` returns.
    bought : mapping of str to pandas.DataFrame, optional
        Money by customer and item for A2, in the form of ``bought_by_customer``; by default that of the products and
        categories of the orders before the cutoff.
    cutoff : date or str, optional
        The first day that the labels know nothing of. By default the day of assignment, or, where that is not known,
        the day after the last order, so that no outcome is left to foretell.
    horizon : int or str, optional
        Days over which value and churn should be foretold; by default the longest usual one that the orders hold.
    previous : Assignment, optional
        An earlier assignment, for how much of it has stayed.
    seed : int

    Raises
    ------
    InputError
        If the cutoff lies outside the orders, none of the customers is known before it, or they are all in one
        segment.
    """
    day_after = tx.last_date + timedelta(days=1)
    cutoff = choose_cutoff(tx, assignment, cutoff)
    customers = customer_table(tx, cutoff)
    today = customer_table(tx, day_after)
    known, notes = _labelled(customers, today, assignment)
    facts = _Facts(tx, assignment, known, cutoff, seed)
    if facts.small:
        notes.append(
            f"Segments with fewer than {FEWEST_CUSTOMERS} customers among those examined: {facts.small:,}; they are "
            "left out of A2 to A6."
        )
    found = [
        _purpose(facts, previous),
        _product(facts, bought_by_customer(tx, cutoff) if bought is None else bought),
        _size(facts),
        _joining(facts),
        _behaves(facts),
        _foretells(facts, horizon),
        _fresh(facts, today, previous, cutoff if cutoff < day_after else None),
    ]
    findings = pd.DataFrame([finding.__dict__ for finding in found])
    findings.insert(1, "question", findings["code"].map(QUESTIONS))
    findings.insert(6, "must_be", np.where(findings.pop("at_least"), "at least", "below"))
    measures = pd.DataFrame(facts.measures, columns=["code", "measure", "figure", "low", "high"])
    return Audit(
        findings, measures, _segment_table(facts), tuple(notes), cutoff, assignment.source, tx.source
    )


def choose_cutoff(tx: Transactions, assignment: Assignment, cutoff: date | str | None) -> date:
    """Return the first day that the labels know nothing of, inside the orders or the day after them."""
    day_after = tx.last_date + timedelta(days=1)
    if cutoff is None:
        # Labels older than the orders are compared with the first that the orders tell of their customers.
        assigned = assignment.assigned_on
        return day_after if assigned is None or assigned <= tx.first_date else min(assigned, day_after)
    day = parse_day(cutoff)
    if not tx.first_date < day <= day_after:
        raise InputError(
            f"the cutoff {day} lies outside the orders, which run from {tx.first_date} to {tx.last_date}; choose a day "
            "in them or the day after."
        )
    return day


class _Facts:
    """The labelled customers at the cutoff, and a sample of them to measure on.

    Attributes
    ----------
    known : pandas.DataFrame
        Customer table with the columns of the assignment.
    sample : pandas.DataFrame
        At most `MOST_CUSTOMERS` of them, in segments that are large enough.
    measures : list of tuple
        Everything measured so far: code, measure, figure, low, high.
    """

    def __init__(
        self, tx: Transactions, assignment: Assignment, known: pd.DataFrame, cutoff: date, seed: int
    ) -> None:
        self.tx, self.assignment, self.known, self.cutoff, self.seed = tx, assignment, known, cutoff, seed
        self.base = base_gap(known)
        large = known[large_segments(known[SEGMENT])]
        self.sample = (
            large if len(large) <= MOST_CUSTOMERS else large.sample(MOST_CUSTOMERS, random_state=seed)
        )
        # A segment that the sample holds too few of would leave a fold without it.
        self.sample = self.sample[large_segments(self.sample[SEGMENT])].sort_index()
        self.labels = self.sample[SEGMENT].to_numpy()
        self.small = known[SEGMENT].nunique() - self.sample[SEGMENT].nunique()
        self.measures: list[tuple[str, str, float, float, float]] = []

    @property
    def too_few(self) -> str | None:
        """Why segments cannot be compared, if they cannot."""
        if self.sample[SEGMENT].nunique() > 1:
            return None
        return f"fewer than two segments hold {FEWEST_CUSTOMERS} known customers or more"

    def note(self, code: str, measure: str, found: Estimate) -> Estimate:
        """Keep a measured figure for the table, and return it."""
        self.measures.append((code, measure, found.figure, found.low, found.high))
        return found


def _labelled(
    customers: pd.DataFrame, today: pd.DataFrame, assignment: Assignment
) -> tuple[pd.DataFrame, list[str]]:
    """Return the known customers who have a label, and sentences on those who were left out."""
    known = customers.assign(customer_key=ids_as_text(customers["customer_id"])).merge(
        assignment.table.rename(columns={"customer_id": "customer_key"}),
        on="customer_key",
        how="inner",
        validate="one_to_one",
    )
    ids = assignment.table["customer_id"]
    unknown = ids[~ids.isin(ids_as_text(today["customer_id"]))]
    later = len(ids) - len(unknown) - len(known)
    if known.empty:
        raise InputError(
            f"none of the {len(ids):,} customers of {assignment.source} bought before the cutoff (for example "
            f"{', '.join(map(repr, ids.head(3)))}); give their own orders, or check that the ids are written alike."
        )
    if known[SEGMENT].nunique() == 1:
        raise InputError(
            f"all {len(known):,} customers of {assignment.source} who bought before the cutoff are in the segment "
            f"{known[SEGMENT].iloc[0]!r}; an audit needs two segments or more."
        )
    notes = []
    if len(unknown):
        examples = ", ".join(map(repr, unknown.head(3)))
        notes.append(
            f"Labels of customers who have no purchase in the orders: {len(unknown):,} (for example {examples}); they "
            "are left out."
        )
    if later:
        notes.append(
            f"Labels of customers who first bought on the cutoff or later: {later:,}; they are left out."
        )
    if len(customers) > len(known):
        notes.append(
            f"Customers who bought before the cutoff and have no label: {len(customers) - len(known):,}."
        )
    return known, notes


def _segment_table(facts: _Facts) -> pd.DataFrame:
    by_segment = facts.known.groupby(SEGMENT)
    table = pd.DataFrame({"customers": by_segment.size()})
    table["share"] = table["customers"] / len(facts.known)
    table["past_spend_share"] = by_segment["net_spend"].sum() / facts.known["net_spend"].sum()
    if TREATMENT in facts.known:
        table["treatment"] = by_segment[TREATMENT].first()
    return table.sort_values("customers", ascending=False, kind="stable").reset_index()


def _judge(code: str, found: Estimate, threshold: float, sentence: str, *, at_least: bool = False) -> Finding:
    """Return the verdict: on the side of the threshold where the whole interval lies."""
    above, below = found.low >= threshold, found.high < threshold
    if above or below:
        verdict = PASSES if above == at_least else FAILS
    else:
        verdict = UNKNOWN
        sentence = f"{sentence}; the interval holds the threshold, so it takes more customers to tell"
    return Finding(
        code,
        found.figure,
        found.low,
        found.high,
        threshold,
        at_least,
        verdict,
        sentence[0].upper() + sentence[1:] + ".",
    )


def _untold(code: str, threshold: float, reason: str, *, at_least: bool = False) -> Finding:
    sentence = reason[0].upper() + reason[1:] + "."
    return Finding(code, np.nan, np.nan, np.nan, threshold, at_least, UNKNOWN, sentence)


def _sure(figure: float) -> Estimate:
    """Return a count of all customers, which no sampling blurs."""
    return Estimate(float(figure), float(figure), float(figure))


def _purpose(facts: _Facts, previous: Assignment | None) -> Finding:
    if TREATMENT not in facts.known:
        return _untold("A1", USED, "no treatment was given for any segment, so nobody can say what each is for",
                       at_least=True)  # fmt: skip
    treatments = facts.known[TREATMENT]
    kinds = treatments.nunique()
    share = facts.note("A1", "customers in segments that have a treatment", _sure(treatments.notna().mean()))
    facts.note("A1", "different treatments", _sure(kinds))
    refreshed = previous is not None or (
        ASSIGNED_ON in facts.known and facts.known[ASSIGNED_ON].nunique() > 1
    )
    told = (
        f"{share.figure:.0%} of the customers are in segments that have a treatment, and {kinds} different "
        f"{'treatment is' if kinds == 1 else 'treatments are'} named; "
        f"{'it has been refreshed' if refreshed else 'nothing says that it was ever refreshed'}"
    )
    if kinds < 2:
        # One plan for all makes no use of segments, however many customers it covers.
        return Finding("A1", share.figure, share.low, share.high, USED, True, FAILS, f"{told}.")
    return _judge("A1", share, USED, told, at_least=True)


def _relabels(
    facts: _Facts, code: str, stand_ins: Mapping[str, tuple[pd.DataFrame, np.ndarray]], what: str
) -> Finding:
    """Judge whether the label is told by stand-ins, each of them features for the trees, and cells."""
    if facts.too_few:
        return _untold(code, RELABELLED, facts.too_few)
    candidates = []
    for name, (features, cells) in stand_ins.items():
        told = facts.note(code, f"shared with {name} cells", _sure(told_by_cells(facts.labels, cells)))
        trees = facts.note(code, f"recovered from {name}", recovered(features, facts.labels, facts.seed))
        candidates += [told, trees]
    most = max(candidates, key=lambda found: found.figure)
    return _judge(code, most, RELABELLED, f"{what} tells {max(most.figure, 0.0):.0%} of the label")


def _product(facts: _Facts, bought: Mapping[str, pd.DataFrame]) -> Finding:
    if not bought:
        return _untold("A2", RELABELLED, "the orders name no product and no category")
    ids = facts.sample["customer_id"]
    stand_ins = {role: (item_shares(of, ids), main_item(of, ids)) for role, of in bought.items()}
    return _relabels(facts, "A2", stand_ins, f"the {' or the '.join(bought)} bought")


def _size(facts: _Facts) -> Finding:
    spend = facts.sample["net_spend"]
    cells = equal_groups(spend.to_numpy(), SPEND_CELLS)
    return _relabels(facts, "A3", {"past spend": (spend.to_frame(), cells)}, "past spend alone")


def _joining(facts: _Facts) -> Finding:
    age = facts.sample["T"]
    joined = pd.Timestamp(facts.cutoff) - pd.to_timedelta(age, unit="D")
    months = (12 * joined.dt.year + joined.dt.month).to_numpy()
    return _relabels(facts, "A4", {"joining date": (age.to_frame(), months)}, "the joining date alone")


def behaviour(customers: pd.DataFrame, base: float) -> pd.DataFrame:
    """Return how customers act: typical gap, silence, trend and basket, all without regard to calendar.

    Parameters
    ----------
    customers : pandas.DataFrame
        Customer table.
    base : float
        ``base_gap`` in days.
    """
    return pd.DataFrame(
        {
            "typical gap": -np.log(typical_gap(customers, base)),
            "silence": silence_in_gaps(customers, base),
            "trend": trend(customers),
            "basket": customers["basket_geometric_mean"],
        }
    )


def _behaves(facts: _Facts) -> Finding:
    if facts.too_few:
        return _untold("A5", DIFFERENT, facts.too_few, at_least=True)
    acts = behaviour(facts.sample, facts.base)
    codes, _ = pd.factorize(facts.labels, sort=True)
    # Ranks, so that neither the unit nor a few wild customers matter.
    ranks = acts.rank().to_numpy()
    by_measure = _between(ranks, codes)
    for name, share in zip(acts, by_measure, strict=True):
        facts.note("A5", f"between segments: {name}", _sure(share))
    drawn = [_between(ranks, codes, weights).mean() for weights in draws(len(codes), RESAMPLES, facts.seed)]
    mean = facts.note("A5", "between segments: mean", estimate(by_measure.mean(), np.array(drawn)))
    rng = np.random.default_rng(facts.seed)
    chance = np.quantile([_between(ranks, rng.permutation(codes)).mean() for _ in range(RESAMPLES)], 0.975)
    facts.note("A5", "between permuted segments: mean, 97.5 %", _sure(float(chance)))
    trees = facts.note("A5", "recovered from behaviour", recovered(acts, facts.labels, facts.seed))
    told = (
        f"{max(mean.figure, 0.0):.0%} of what varies in typical gap, silence, trend and basket lies between segments "
        f"(shuffled labels reach {max(chance, 0.0):.1%}), and behaviour tells {max(trees.figure, 0.0):.0%} of the label"
    )
    return _judge("A5", mean, max(DIFFERENT, float(chance)), told, at_least=True)


def _between(values: np.ndarray, codes: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Return the share of each column's variance that lies between groups, less what chance puts there.

    Epsilon squared, ``1 - (1 - eta2) (n - 1) / (n - k)`` for n rows in k groups, shape (p,).
    """
    eta = np.array([variance_explained(codes, column, weights) for column in values.T])
    # A measure that is the same for everybody differs between no groups.
    eta = np.nan_to_num(eta, nan=0.0)
    counted = np.bincount(codes, weights=weights)
    n, groups = counted.sum(), (counted > 0).sum()
    epsilon: np.ndarray = 1 - (1 - eta) * (n - 1) / (n - groups)
    return epsilon


def _foretells(facts: _Facts, horizon: int | str | None) -> Finding:
    reason, window = _outcome_window(facts, horizon)
    if window is None or facts.too_few:
        return _untold("A6", FORETOLD, facts.too_few or reason, at_least=True)
    came = customer_outcomes(facts.tx, window, facts.sample)
    value, active = came["value"].to_numpy(), came["active"].to_numpy()
    spend = facts.sample["net_spend"].to_numpy()
    score = rfm_score(facts.sample)
    # Money breaks ties: the score has thirteen values.
    finer = score + facts.sample["net_spend"].rank(pct=True).to_numpy() / 2
    rfm = equal_groups(finer, len(np.unique(facts.labels)))
    in_value = partial(gain_in_value, basket=typical_basket(facts.known))
    outcomes: dict[str, tuple[Callable[..., Estimate], np.ndarray]] = {"value": (in_value, value)}
    if can_foretell(active):
        outcomes["activity"] = (gain_in_activity, active)
    gains = {}
    for name, (gain, outcome) in outcomes.items():
        gains[name] = facts.note("A6", f"gain in {name}", gain(spend, facts.labels, outcome, seed=facts.seed))
        facts.note("A6", f"gain in {name}: RFM cells", gain(spend, rfm, outcome, seed=facts.seed))
    best = max(gains, key=lambda name: gains[name].low)
    # It may help with either; it fails where it helps with none.
    widest = gains[best] if gains[best].low >= FORETOLD else max(gains.values(), key=lambda found: found.high)
    told = " and ".join(f"{found.figure:+z.1%} of {name}" for name, found in gains.items())
    beside = {measure: figure for _, measure, figure, _, _ in facts.measures if measure.endswith("RFM cells")}
    of_rfm = " and ".join(f"{figure:+z.1%}" for figure in beside.values())
    return _judge(
        "A6", widest, FORETOLD,
        f"beyond past spend it predicts {told} over {window.horizon} days from {window.cutoff}; as many cells of the "
        f"RFM score {of_rfm}", at_least=True,
    )  # fmt: skip


def _outcome_window(facts: _Facts, horizon: int | str | None) -> tuple[str, Window | None]:
    """Return the window to look ahead into, or why there is none."""
    assigned, day_after = facts.assignment.assigned_on, facts.tx.last_date + timedelta(days=1)
    ahead = (day_after - facts.cutoff).days
    if assigned is not None and assigned > facts.cutoff:
        return (
            f"the labels are of {assigned}, so they may have seen what came after the cutoff {facts.cutoff}",
            None,
        )
    if horizon is None:
        fits = choose_horizon(facts.tx.first_date, facts.cutoff)
        usual = [days for days in HORIZONS if days <= min(ahead, fits)]
        if not usual:
            return (
                f"only {ahead} days of orders lie after the labels; give a cutoff or a day of assignment that leaves "
                f"{HORIZONS[0]} days or more after it"
            ), None
        horizon = usual[-1]
    window = Window(facts.cutoff, horizon)
    if window.end > day_after:
        return f"only {ahead} of the {window.horizon} days after {facts.cutoff} are in the orders", None
    return "", window


def _fresh(
    facts: _Facts, today: pd.DataFrame, previous: Assignment | None, known_until: date | None
) -> Finding:
    """Judge the age by how many customers have moved on since, and the stability by an earlier assignment."""
    found = list(_kept(facts, previous))
    dated = facts.assignment.assigned_on or known_until
    if dated is None and not found:
        return _untold("A7", MOVED, "neither a day of assignment nor an earlier assignment was given")
    if dated is None:
        return found[0]
    age = max((facts.tx.last_date - dated).days, 0)
    facts.note("A7", "age in days", _sure(age))
    gaps = facts.note("A7", "age in gaps of the base", _sure(age / facts.base)).figure
    told = f"the labels know the orders until {age:,} days, or {gaps:.1f} of the base's gaps, before the last"
    moved = _moved(facts, today)
    note = "in another stage of life today"
    facts.note("A7", note, moved)
    told = f"{told}; {moved.figure:.0%} of the customers are {note}"
    if dated <= facts.tx.first_date:
        told = f"{told} than in the beginning of the orders, before which the labels were made"
    fresh = _judge("A7", moved, MOVED, told)
    if not found:
        return fresh
    worst = min((fresh, found[0]), key=lambda finding: (FAILS, UNKNOWN, PASSES).index(finding.verdict))
    other = found[0] if worst is fresh else fresh
    return Finding(**{**worst.__dict__, "sentence": f"{worst.sentence} {other.sentence}"})


def _moved(facts: _Facts, today: pd.DataFrame) -> Estimate:
    now = today.set_index("customer_id").loc[facts.known["customer_id"]].reset_index()
    other = lifecycle_stage(now, base_gap(today)) != lifecycle_stage(facts.known, facts.base)
    return estimate(
        other.mean(),
        np.array([(weights @ other) / len(other) for weights in draws(len(other), RESAMPLES, facts.seed)]),
    )


def _kept(facts: _Facts, previous: Assignment | None) -> Iterator[Finding]:
    from sklearn.metrics import adjusted_rand_score

    if previous is None:
        return
    both = facts.assignment.table.merge(previous.table, on="customer_id", validate="one_to_one")
    if both.empty:
        raise InputError(
            f"{facts.assignment.source} and {previous.source} have no customer in common; check that the ids are alike."
        )
    alike = facts.note(
        "A7", "adjusted Rand index with the earlier assignment",
        _sure(adjusted_rand_score(both["segment_x"], both["segment_y"])),
    )  # fmt: skip
    yield _judge(
        "A7", alike, ALIKE,
        f"redone, it agrees with the earlier assignment by an adjusted Rand index of {alike.figure:.2f} over "
        f"{len(both):,} customers", at_least=True,
    )  # fmt: skip
