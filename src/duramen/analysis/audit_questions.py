"""Labelled customers and the orders come in; the answers to the seven questions of an audit go out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial, reduce
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from duramen.analysis.assignment import ASSIGNED_ON, SEGMENT, TREATMENT, Assignment
from duramen.analysis.future_gain import can_predict, gain_in_activity, gain_in_value
from duramen.analysis.joined import as_sentence, in_a_row, listed
from duramen.analysis.label_dependence import (
    FEWEST_CUSTOMERS,
    MOST_CUSTOMERS,
    RESAMPLES,
    Estimate,
    estimate,
    explained_by_cells,
    large_segments,
    recovered,
)
from duramen.analysis.product_mix import item_shares, main_item
from duramen.data.customers import typical_basket
from duramen.data.outcomes import customer_outcomes
from duramen.data.windows import HORIZONS, Window, choose_horizon
from duramen.errors import InputError
from duramen.evaluation.bootstrap import draws
from duramen.evaluation.metrics import variance_explained
from duramen.language import Sentence, marked, say, say_count, translated
from duramen.segments.activity import words_by_silence
from duramen.segments.behaviour import base_gap, silence_in_gaps, trend, typical_gap
from duramen.segments.rfm import equal_groups, rfm_score

if TYPE_CHECKING:
    from duramen.data.transactions import Transactions

# One customer in twenty may be in segments without a treatment yet; with more, the segments are not in use.
USED = 0.95
# From half on, the stand-in explains more of the label than it leaves unexplained.
RELABELLED = 0.5
# Cohen's medium effect as a share of variance; smaller differences between groups do not show in single customers.
DIFFERENT = 0.06
# A hundredth of the variance is the least that matters for a plan.
PREDICTED = 0.01
# Once the activity of most customers has changed, the labels describe customers as they no longer are.
MOVED = 0.5
# A segmentation that is made again should be nearer to what it was than to chance.
ALIKE = 0.5
SPEND_CELLS = 20
PASSES, FAILS, INCONCLUSIVE = marked("passes"), marked("fails"), marked("inconclusive")
# The names of what is measured: of each stand-in, of each kind of behaviour and of each outcome.
STAND_INS = {
    marked("product"): (marked("shared with product cells"), marked("recovered from product")),
    marked("category"): (marked("shared with category cells"), marked("recovered from category")),
    "past spend": (marked("shared with past spend cells"), marked("recovered from past spend")),
    "joining date": (marked("shared with joining date cells"), marked("recovered from joining date")),
}
BETWEEN = {
    "typical gap": marked("between segments: typical gap"),
    "silence": marked("between segments: time since last purchase"),
    "trend": marked("between segments: trend"),
    "basket": marked("between segments: basket"),
}
GAINS = {
    marked("value"): (marked("gain in value"), marked("gain in value: RFM cells")),
    marked("activity"): (marked("gain in activity"), marked("gain in activity: RFM cells")),
}


@dataclass(frozen=True)
class Finding:
    """The answer to one question.

    Attributes
    ----------
    code : str
        A1 to A7.
    figure, low, high : float
        The figure, a share of one, with its 95 % interval; missing where it cannot be computed.
    threshold : float
    at_least : bool
        Whether the figure must reach the threshold to pass, or stay below it.
    verdict : str
        "passes", "fails" or "inconclusive".
    sentence : str
        What the figure is, or why there is none.
    """

    code: str
    figure: float
    low: float
    high: float
    threshold: float
    at_least: bool
    verdict: str
    sentence: str


class AuditData:
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
        # A segment with too few customers in the sample would be missing in a fold.
        self.sample = self.sample[large_segments(self.sample[SEGMENT])].sort_index()
        self.labels = self.sample[SEGMENT].to_numpy()
        self.small = known[SEGMENT].nunique() - self.sample[SEGMENT].nunique()
        self.measures: list[tuple[str, str, float, float, float]] = []

    @property
    def too_few(self) -> str | None:
        """Why segments cannot be compared, if they cannot."""
        if self.sample[SEGMENT].nunique() > 1:
            return None
        return say("fewer than two segments have {least} known customers or more", least=FEWEST_CUSTOMERS)

    def record(self, code: str, measure: str, found: Estimate) -> Estimate:
        """Keep a measured figure for the table, and return it."""
        self.measures.append((code, measure, found.figure, found.low, found.high))
        return found


def _verdict(
    code: str, found: Estimate, threshold: float, sentence: str, *, at_least: bool = False
) -> Finding:
    """Return the finding; its verdict is clear where the whole interval lies on one side of the threshold."""
    above, below = found.low >= threshold, found.high < threshold
    if above or below:
        verdict = PASSES if above == at_least else FAILS
    else:
        verdict = INCONCLUSIVE
        sentence = say(
            "{sentence}; the interval contains the threshold, so more customers are needed", sentence=sentence
        )
    return Finding(
        code,
        found.figure,
        found.low,
        found.high,
        threshold,
        at_least,
        verdict,
        as_sentence(sentence),
    )


def _inconclusive(code: str, threshold: float, reason: str, *, at_least: bool = False) -> Finding:
    return Finding(code, np.nan, np.nan, np.nan, threshold, at_least, INCONCLUSIVE, as_sentence(reason))


def _exact(figure: float) -> Estimate:
    """Return a figure of all customers, without sampling error."""
    return Estimate(float(figure), float(figure), float(figure))


def has_purpose(data: AuditData, previous: Assignment | None) -> Finding:
    """Answer A1 by the share of the customers in segments that have a treatment."""
    if TREATMENT not in data.known:
        reason = say("no treatment is given for any segment, so the purpose of each is unknown")
        return _inconclusive("A1", USED, reason, at_least=True)
    treatments = data.known[TREATMENT]
    kinds = treatments.nunique()
    share = data.record(
        "A1", marked("customers in segments that have a treatment"), _exact(treatments.notna().mean())
    )
    data.record("A1", marked("different treatments"), _exact(kinds))
    refreshed = previous is not None or (ASSIGNED_ON in data.known and data.known[ASSIGNED_ON].nunique() > 1)
    sentence = say(
        "{share} of the customers are in segments that have a treatment, and {treatments}; {refreshed}",
        share=f"{share.figure:.0%}",
        treatments=say_count("{n} different treatment is named", "{n} different treatments are named", kinds),
        refreshed=say("it has been refreshed")
        if refreshed
        else say("there is no sign that it was ever refreshed"),
    )
    if kinds < 2:
        # One treatment for all makes no use of the segments, however many customers it covers.
        stated = as_sentence(sentence)
        return Finding("A1", share.figure, share.low, share.high, USED, True, FAILS, stated)
    return _verdict("A1", share, USED, sentence, at_least=True)


def _relabelling(
    data: AuditData, code: str, stand_ins: Mapping[str, tuple[pd.DataFrame, np.ndarray]], what: Sentence
) -> Finding:
    """Answer whether stand-ins explain the label, each of them features for the trees and cells."""
    if data.too_few:
        return _inconclusive(code, RELABELLED, data.too_few)
    candidates = []
    for name, (features, cells) in stand_ins.items():
        of_cells, of_trees = STAND_INS.get(name, (f"shared with {name} cells", f"recovered from {name}"))
        shared = data.record(code, of_cells, _exact(explained_by_cells(data.labels, cells)))
        trees = data.record(code, of_trees, recovered(features, data.labels, data.seed))
        candidates += [shared, trees]
    most = max(candidates, key=lambda found: found.figure)
    sentence = say("{what} explains {share} of the label", what=what, share=f"{max(most.figure, 0.0):.0%}")
    return _verdict(code, most, RELABELLED, sentence)


def differs_from_product(data: AuditData, bought: Mapping[str, pd.DataFrame]) -> Finding:
    """Answer A2 by how much of the label the products or categories bought explain."""
    if not bought:
        return _inconclusive("A2", RELABELLED, say("the orders name no product and no category"))
    ids = data.sample["customer_id"]
    stand_ins = {role: (item_shares(of, ids), main_item(of, ids)) for role, of in bought.items()}
    names = reduce(_or, (translated(role) for role in bought))
    return _relabelling(data, "A2", stand_ins, say("the {names} bought", names=names))


def _or(names: str, name: str) -> str:
    return say("{names} or the {next_name}", names=names, next_name=name)


def differs_from_size(data: AuditData) -> Finding:
    """Answer A3 by how much of the label past spend explains."""
    spend = data.sample["net_spend"]
    cells = equal_groups(spend.to_numpy(), SPEND_CELLS)
    return _relabelling(data, "A3", {"past spend": (spend.to_frame(), cells)}, say("past spend alone"))


def differs_from_joining_date(data: AuditData) -> Finding:
    """Answer A4 by how much of the label the date of the first purchase explains."""
    age = data.sample["T"]
    joined = pd.Timestamp(data.cutoff) - pd.to_timedelta(age, unit="D")
    months = (12 * joined.dt.year + joined.dt.month).to_numpy()
    stand_ins = {"joining date": (age.to_frame(), months)}
    return _relabelling(data, "A4", stand_ins, say("the joining date alone"))


def behaviour(customers: pd.DataFrame, base: float) -> pd.DataFrame:
    """Return how customers act, without regard to calendar: typical gap, time since last purchase, trend and basket.

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


def differs_in_behaviour(data: AuditData) -> Finding:
    """Answer A5 by the share of the variance of behaviour that lies between segments."""
    if data.too_few:
        return _inconclusive("A5", DIFFERENT, data.too_few, at_least=True)
    features = behaviour(data.sample, data.base)
    codes, _ = pd.factorize(data.labels, sort=True)
    # Ranks, so that neither the unit nor outliers matter.
    ranks = features.rank().to_numpy()
    by_measure = _between(ranks, codes)
    for name, share in zip(features, by_measure, strict=True):
        data.record("A5", BETWEEN[str(name)], _exact(share))
    drawn = [_between(ranks, codes, weights).mean() for weights in draws(len(codes), RESAMPLES, data.seed)]
    mean = data.record("A5", marked("between segments: mean"), estimate(by_measure.mean(), np.array(drawn)))
    rng = np.random.default_rng(data.seed)
    chance = np.quantile([_between(ranks, rng.permutation(codes)).mean() for _ in range(RESAMPLES)], 0.975)
    data.record("A5", marked("between permuted segments: mean, 97.5 %"), _exact(float(chance)))
    trees = data.record("A5", marked("recovered from behaviour"), recovered(features, data.labels, data.seed))
    sentence = say(
        "{share} of the variance of typical gap, time since last purchase, trend and basket lies between segments "
        "(shuffled labels reach {chance}), behaviour explains {explained} of the label",
        share=f"{max(mean.figure, 0.0):.0%}",
        chance=f"{max(chance, 0.0):.1%}",
        explained=f"{max(trees.figure, 0.0):.0%}",
    )
    return _verdict("A5", mean, max(DIFFERENT, float(chance)), sentence, at_least=True)


def _between(values: np.ndarray, codes: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Return the share of each column's variance that lies between groups, less what chance gives.

    Epsilon squared, ``1 - (1 - eta2) (n - 1) / (n - k)`` for n rows in k groups, shape (p,).
    """
    eta = np.array([variance_explained(codes, column, weights) for column in values.T])
    # A measure that is the same for all customers does not differ between groups.
    eta = np.nan_to_num(eta, nan=0.0)
    counted = np.bincount(codes, weights=weights)
    n, groups = counted.sum(), (counted > 0).sum()
    epsilon: np.ndarray = 1 - (1 - eta) * (n - 1) / (n - groups)
    return epsilon


def predicts_outcomes(data: AuditData, horizon: int | str | None) -> Finding:
    """Answer A6 by what the label predicts of value and activity beyond past spend."""
    reason, window = _outcome_window(data, horizon)
    if window is None or data.too_few:
        return _inconclusive("A6", PREDICTED, data.too_few or reason, at_least=True)
    found = customer_outcomes(data.tx, window, data.sample)
    value, active = found["value"].to_numpy(), found["active"].to_numpy()
    spend = data.sample["net_spend"].to_numpy()
    score = rfm_score(data.sample)
    # Money breaks ties: the score has thirteen values.
    finer = score + data.sample["net_spend"].rank(pct=True).to_numpy() / 2
    rfm = equal_groups(finer, len(np.unique(data.labels)))
    in_value = partial(gain_in_value, basket=typical_basket(data.known))
    outcomes: dict[str, tuple[Callable[..., Estimate], np.ndarray]] = {"value": (in_value, value)}
    if can_predict(active):
        outcomes["activity"] = (gain_in_activity, active)
    gains, simple = {}, []
    for name, (gain, outcome) in outcomes.items():
        of_label, of_cells = GAINS[name]
        gains[name] = data.record("A6", of_label, gain(spend, data.labels, outcome, seed=data.seed))
        simple.append(data.record("A6", of_cells, gain(spend, rfm, outcome, seed=data.seed)))
    best = max(gains, key=lambda name: gains[name].low)
    # It may help with either; it fails where it helps with none.
    widest = (
        gains[best] if gains[best].low >= PREDICTED else max(gains.values(), key=lambda found: found.high)
    )
    predicted = [
        say("{gain} of {outcome}", gain=f"{gain.figure:+z.1%}", outcome=say(name))
        for name, gain in gains.items()
    ]
    sentence = say(
        "beyond past spend it predicts {gains} over {days} days from {day}; as many cells of the RFM score {of_rfm}",
        gains=listed(predicted),
        days=window.horizon,
        day=window.cutoff,
        of_rfm=listed([f"{gain.figure:+z.1%}" for gain in simple]),
    )
    return _verdict("A6", widest, PREDICTED, sentence, at_least=True)


def _outcome_window(data: AuditData, horizon: int | str | None) -> tuple[str, Window | None]:
    """Return the window of the outcomes, or why there is none."""
    assigned, day_after = data.assignment.assigned_on, data.tx.last_date + timedelta(days=1)
    ahead = (day_after - data.cutoff).days
    if assigned is not None and assigned > data.cutoff:
        return say(
            "the labels are of {day}, so they may have seen outcomes after the cutoff {cutoff}",
            day=assigned,
            cutoff=data.cutoff,
        ), None
    if horizon is None:
        fits = choose_horizon(data.tx.first_date, data.cutoff)
        usual = [days for days in HORIZONS if days <= min(ahead, fits)]
        if not usual:
            return say(
                "only {ahead} days of orders lie after the labels; give a cutoff or a day of assignment that leaves "
                "{least} days or more after it",
                ahead=ahead,
                least=HORIZONS[0],
            ), None
        horizon = usual[-1]
    window = Window(data.cutoff, horizon)
    if window.end > day_after:
        return say(
            "only {ahead} of the {days} days after {day} are in the orders",
            ahead=ahead,
            days=window.horizon,
            day=data.cutoff,
        ), None
    return "", window


def is_fresh(
    data: AuditData, today: pd.DataFrame, previous: Assignment | None, known_until: date | None
) -> Finding:
    """Answer A7 by the share of customers whose activity changed, and by how far an earlier assignment agrees."""
    found = list(_agreement(data, previous))
    dated = data.assignment.assigned_on or known_until
    if dated is None and not found:
        reason = say("neither a day of assignment nor an earlier assignment was given")
        return _inconclusive("A7", MOVED, reason)
    if dated is None:
        return found[0]
    age = max((data.tx.last_date - dated).days, 0)
    data.record("A7", marked("age in days"), _exact(age))
    gaps = data.record("A7", marked("age in gaps of the base"), _exact(age / data.base)).figure
    moved = _moved(data, today)
    data.record("A7", marked("changed between active, at risk and lapsed"), moved)
    values = {"days": f"{age:,}", "gaps": f"{gaps:.1f}", "share": f"{moved.figure:.0%}"}
    if dated <= data.tx.first_date:
        sentence = say(
            "the labels know the orders until {days} days, or {gaps} of the base's gaps, before the last; by the time "
            "since their last purchase, {share} of the customers have changed between active, at risk and lapsed since "
            "the beginning of the orders, before which the labels were made",
            **values,
        )
    else:
        sentence = say(
            "the labels are {days} days old ({gaps} typical gaps of the base), counted to the last "
            "order; since then, {share} of the customers have changed between active, at risk and "
            "lapsed, by the time since their last purchase",
            **values,
        )
    fresh = _verdict("A7", moved, MOVED, sentence)
    if not found:
        return fresh
    worst = min((fresh, found[0]), key=lambda finding: (FAILS, INCONCLUSIVE, PASSES).index(finding.verdict))
    other = found[0] if worst is fresh else fresh
    return replace(worst, sentence=in_a_row([worst.sentence, other.sentence]))


def _moved(data: AuditData, today: pd.DataFrame) -> Estimate:
    """Return the share of customers with another activity by the time since the last purchase, in typical gaps."""
    now = today.set_index("customer_id").loc[data.known["customer_id"]].reset_index()
    then, since = silence_in_gaps(data.known, data.base), silence_in_gaps(now, base_gap(today))
    other = words_by_silence(since) != words_by_silence(then)
    return estimate(
        other.mean(),
        np.array([(weights @ other) / len(other) for weights in draws(len(other), RESAMPLES, data.seed)]),
    )


def _agreement(data: AuditData, previous: Assignment | None) -> Iterator[Finding]:
    from sklearn.metrics import adjusted_rand_score

    if previous is None:
        return
    both = data.assignment.table.merge(previous.table, on="customer_id", validate="one_to_one")
    if both.empty:
        raise InputError(
            f"{data.assignment.source} and {previous.source} have no customer in common; check how the ids are written."
        )
    alike = data.record(
        "A7", marked("adjusted Rand index with the earlier assignment"),
        _exact(adjusted_rand_score(both["segment_x"], both["segment_y"])),
    )  # fmt: skip
    sentence = say(
        "redone, it agrees with the earlier assignment by an adjusted Rand index of {index} over {customers} customers",
        index=f"{alike.figure:.2f}",
        customers=f"{len(both):,}",
    )
    yield _verdict("A7", alike, ALIKE, sentence, at_least=True)
