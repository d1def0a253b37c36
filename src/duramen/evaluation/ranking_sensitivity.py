"""Transactions and a window come in; how the ranking changes with the weight, horizon, seed and sample goes out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from duramen.data.customers import customer_table
from duramen.data.transactions import Transactions
from duramen.data.windows import Window, holdout_window
from duramen.errors import InputError
from duramen.evaluation.metrics import spearman
from duramen.evaluation.top_customers import first_count, hit_rate
from duramen.scoring.growth_weight import GROWTH_WEIGHTS
from duramen.scoring.model import CoreCustomerModel

# The first shares of the customers that are compared.
TOPS = (0.1, 0.2)
# The part of the customers that a refit learns from: a half varies as a bootstrap sample of all does.
PART = 0.5
PART_TABLE = "days_of_part"
# Eight in ten ranks lie between these.
LOW, HIGH = 0.1, 0.9


@dataclass(frozen=True)
class Sensitivity:
    """How the ranking changes with what the customers have not done.

    Attributes
    ----------
    variations : pandas.DataFrame
        A row a variation: ``varied`` ("growth weight", "seed", "horizon", "customers"), ``setting``, ``top_10`` and
        ``top_20`` (share of the ranking's first 10 and 20 % that are also first there), ``spearman`` (rank correlation
        of the scores over all customers).
    ranks : pandas.DataFrame
        A row a customer, by rank: ``customer_id``, ``rank``; ``refit_low`` and ``refit_high``, between which 80 % of
        the ranks lie under this and other seeds and halves of the customers; ``top_20_refits``, the share of those
        rankings that put the customer among the first 20 %; ``drawn_low`` and ``drawn_high``, the same interval of
        the rank by money in draws of the predictive distribution.
    notes : list of str
        What the data could not support.
    """

    variations: pd.DataFrame
    ranks: pd.DataFrame
    notes: list[str]

    def __str__(self) -> str:
        first = self.ranks.head(first_count(len(self.ranks), TOPS[-1]))
        always = int((first["top_20_refits"] == 1).sum())
        width, drawn_width = (
            (first[f"{kind}_high"] - first[f"{kind}_low"]).median() for kind in ("refit", "drawn")
        )
        sentences = [
            f"{always:,} of the first {len(first):,} customers are among the first 20 % in every refit by seed and "
            "half of the customers.",
            f"Half of them keep their rank within {width:,.0f} places there, and within {drawn_width:,.0f} in draws "
            "of the predicted money.",
        ]
        return "\n".join([self.variations.round(3).to_string(index=False), *sentences, *self.notes])


def sensitivity(
    tx: Transactions,
    window: Window,
    model: CoreCustomerModel | None = None,
    *,
    seeds: int = 4,
    parts: int = 8,
    draws: int = 100,
) -> Sensitivity:
    """Rank the customers again under other weights, seeds, horizons and training customers, and compare.

    - growth weight: other weights on the same forecasts;
    - seed: refits that differ in nothing but the seed;
    - horizon: refits to half and twice the horizon, where the history is long enough to evaluate such a forecast;
    - customers: refits on a random half of them, drawn without replacement; all of them are ranked. It stands for a
      bootstrap of the customers. With replacement a customer would be drawn twice, and with a copy on each side of the
      comparison that chooses the trees, these would fit the copies. Without, a mean over the share s of the customers
      varies by sqrt(1 / s - 1) of its standard error: by one of them, as in a bootstrap, where s is a half. So does,
      to first order, every smooth function of the customers (Buja and Stuetzle, 2006). Models of half the customers are
      a little worse than the model of all, so these ranks vary a bit too much and their intervals are a bit wide.

    Ranks in draws are by the drawn money alone, and customers who bring nothing share the middle of their ranks: a
    customer who buys with a probability below 0.1 is among them in nearly every draw, whatever the rank. These
    intervals show what cannot be known of a customer; more data or another seed would not narrow them.

    Parameters
    ----------
    tx : Transactions
    window : Window
    model : CoreCustomerModel, optional
        Whose parameters are used; it is not changed.
    seeds, parts : int
        Number of refits; each takes as long as training.
    draws : int
        Draws of the predictive distribution.

    Raises
    ------
    InputError
        If the model cannot be fitted to the window, or there are no refits or draws for an interval.

    References
    ----------
    Buja, A. and Stuetzle, W. (2006), "Observations on bagging", Statistica Sinica 16, 323-351.
    """
    if seeds < 0 or parts < 0 or seeds + parts < 1 or draws < 1:
        raise InputError(
            f"rank intervals of {seeds} seeds, {parts} parts and {draws} draws cannot be taken; give at least one "
            "refit and one draw."
        )
    given = CoreCustomerModel() if model is None else model
    customers = customer_table(tx, window.cutoff)
    plain = _fitted(given, tx, window, given.seed)
    # One growth weight for all refits: how much it matters is measured apart.
    given = given.clone(growth_weight=plain.growth_weight_)
    scores = plain.predict(customers, with_reasons=False)
    horizons, notes = _other_horizons(tx, window)
    rankings = {
        ("growth weight", f"{weight:g}"): _weighted(scores, weight)
        for weight in dict.fromkeys((*GROWTH_WEIGHTS, plain.growth_weight_))
    }
    variations = _variations(given, tx, window, customers, seeds, horizons, parts)
    for varied, setting, orders, at, seed in variations:
        try:
            refit = _fitted(given, orders, at, seed)
        except InputError as refusal:
            notes.append(f"No ranking by {varied} ({setting}): {refusal}")
        else:
            rankings[varied, setting] = refit.predict(customers, with_reasons=False)["score"].to_numpy()

    refits = [score for (varied, _), score in rankings.items() if varied in ("seed", "customers")]
    if not refits:
        raise InputError(f"no refit of the model shows how far ranks vary: {notes[-1]}")
    return Sensitivity(
        _compare(scores["score"].to_numpy(), rankings),
        _rank_intervals(scores, refits, _drawn_ranks(plain, scores, draws)),
        notes,
    )


def _variations(
    given: CoreCustomerModel,
    tx: Transactions,
    window: Window,
    customers: pd.DataFrame,
    seeds: int,
    horizons: list[int],
    parts: int,
) -> Iterator[tuple[str, str, Transactions, Window, int]]:
    """Give what each refit varies, its setting, and the transactions, the window and the seed to fit with."""
    for seed in range(given.seed + 1, given.seed + 1 + seeds):
        yield "seed", str(seed), tx, window, seed
    for horizon in horizons:
        yield "horizon", f"{horizon} days", tx, Window(window.cutoff, horizon), given.seed
    for number in range(1, parts + 1):
        part = _part(tx, customers, given.seed, number)
        yield "customers", f"half of the customers, draw {number}", part, window, given.seed
    tx.days.get_backend().drop_table(PART_TABLE, force=True)


def _fitted(given: CoreCustomerModel, tx: Transactions, window: Window, seed: int) -> CoreCustomerModel:
    """Return a new model with the parameters given, fitted."""
    return given.clone(seed=seed).fit(tx, window)


def _weighted(scores: pd.DataFrame, weight: float) -> np.ndarray:
    money: np.ndarray = (scores["predicted_value"] + weight * scores["growth_potential"]).to_numpy()
    return money


def _other_horizons(tx: Transactions, window: Window) -> tuple[list[int], list[str]]:
    """Return half and twice the horizon where the history suffices, and a note on those where it does not."""
    horizons, notes = [], []
    if window.horizon > 1:
        horizons.append(window.horizon // 2)
    else:
        notes.append("A horizon of 1 day has no half.")
    twice, history = 2 * window.horizon, (window.cutoff - tx.first_date).days
    if holdout_window(Window(window.cutoff, twice), tx.first_date).horizon == twice:
        horizons.append(twice)
    else:
        notes.append(
            f"No ranking over {twice} days: the history of {history} days is too short to evaluate such a forecast; "
            f"{twice * 5 // 2} days or more are needed."
        )
    return horizons, notes


def _part(tx: Transactions, customers: pd.DataFrame, seed: int, number: int) -> Transactions:
    """Return the days of a random half of the customers, in a table of their own."""
    import ibis
    import pyarrow as pa

    rng = np.random.default_rng((seed, number))
    rows = np.sort(rng.choice(len(customers), first_count(len(customers), PART), replace=False))
    ids = ibis.memtable(pa.table({"customer_id": pa.array(list(customers["customer_id"].iloc[rows]))}))
    days = tx.days.get_backend().create_table(
        PART_TABLE, tx.days.semi_join(ids, "customer_id"), overwrite=True
    )
    return replace(tx, days=days)


def _compare(by_default: np.ndarray, found: dict[tuple[str, str], np.ndarray]) -> pd.DataFrame:
    """Return the share of the first customers who stay first, and the rank correlation, a row a variation."""
    return pd.DataFrame(
        {
            "varied": varied,
            "setting": setting,
            **{f"top_{100 * share:.0f}": hit_rate(money, by_default, share) for share in TOPS},
            "spearman": spearman(money, by_default),
        }
        for (varied, setting), money in found.items()
    )


def _ranks(money: np.ndarray) -> np.ndarray:
    """Return ranks from 1, the most money first, ties by the order given."""
    ranks = np.empty(len(money), dtype=np.int64)
    ranks[np.argsort(-money, kind="stable")] = np.arange(1, len(money) + 1)
    return ranks


def _drawn_ranks(model: CoreCustomerModel, scores: pd.DataFrame, draws: int) -> np.ndarray:
    """Return each customer's rank by drawn money, a row a draw; equal money shares its mean rank."""
    from scipy.stats import rankdata

    rng = np.random.default_rng(model.seed)
    value, probability = scores["predicted_value"].to_numpy(), scores["probability_active"].to_numpy()
    # Single precision halves what a million customers take.
    ranks = np.empty((draws, len(scores)), dtype=np.float32)
    for row in ranks:
        row[:] = rankdata(-model.forecast_.distribution_.sample(value, probability, rng))
    return ranks


def _rank_intervals(scores: pd.DataFrame, refits: Sequence[np.ndarray], drawn: np.ndarray) -> pd.DataFrame:
    ranks = _ranks(scores["score"].to_numpy())
    # The seed of the ranking itself is one of many.
    refitted = np.array([ranks, *map(_ranks, refits)])
    refit_low, refit_high = np.quantile(refitted, [LOW, HIGH], axis=0)
    drawn_low, drawn_high = np.quantile(drawn, [LOW, HIGH], axis=0)
    table = pd.DataFrame(
        {
            "customer_id": scores["customer_id"],
            "rank": ranks,
            "refit_low": refit_low,
            "refit_high": refit_high,
            "top_20_refits": (refitted <= first_count(len(scores), TOPS[-1])).mean(axis=0),
            "drawn_low": drawn_low,
            "drawn_high": drawn_high,
        }
    )
    return table.sort_values("rank", ignore_index=True)
