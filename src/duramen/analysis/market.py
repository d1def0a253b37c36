"""Transactions and scores come in; who is core in a rising and who in a falling market goes out.

Called by whoever must know for which market a core set holds. A customer's response to the market is an elasticity:
1 moves with the market, 2 twice as much, 0 not at all. Responses that the history does not show to come again are
not told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from duramen.data.customers import customer_ids, slices_of_customers
from duramen.data.windows import parse_day
from duramen.errors import InputError
from duramen.io.score_columns import RANKING_COLUMNS
from duramen.scoring.tiers import CORE_SHARE, smallest_set, value_after_cost

if TYPE_CHECKING:
    import ibis
    import pyarrow as pa
    from numpy.typing import NDArray

    from duramen.data.transactions import Transactions

    FloatArray = NDArray[np.float64]

# Whole weeks, so that every period holds the same weekdays.
PERIOD = 28
# Both halves must show ups and downs about a trend of their own; beyond three years a business is another one.
LEAST_PERIODS, MOST_PERIODS = 12, 39
# Purchases of known customers without which a period's level is no more than noise.
LEAST_PURCHASES = 30
# The level moves if chance would move it so in one history of a thousand.
CHANCE = 1e-3
# The markets in which a customer can be core.
CORE_IN = ("every market", "up only", "down only", "as it is only", "up and down only", "none")
# Customers whose purchases are weighed at once, so that memory holds no more of them as floats.
WEIGHED_AT_ONCE = 65_536
# The spread of responses counts if it lies this many standard errors above none.
CLEAR = 3.0


@dataclass(frozen=True)
class MarketElasticities:
    """Each customer's response to the market's level, from the purchase days before a cutoff.

    Attributes
    ----------
    cutoff : date
    customers : pandas.DataFrame
        A row for each customer, by id: ``customer_id``, ``group``, ``purchases`` (days that tell of the response),
        ``response`` (percent by which the customer's purchases change where the market's change by one), and its
        ``standard_error``. Where nothing is identified, every response is 1 and its standard error missing.
    level : pandas.DataFrame
        A row for each period of 28 days: ``start``, ``known_customers`` (who had bought before it), ``purchases`` of
        theirs, ``level`` (their purchases against those usual at their ages, 1 on its trend) and ``standard_error``.
    swing : float
        Typical change of the level from a period to the next beyond chance, as a share; 0 where none is seen.
    spread : float
        Standard deviation of true responses, as far as they come again; 0 where none is seen.
    identified : bool
        Whether responses differ in a way that the second half of the history shows as the first does.
    reason : str
        Why not, in a sentence; empty where they do.
    """

    cutoff: date
    customers: pd.DataFrame
    level: pd.DataFrame
    swing: float
    spread: float
    identified: bool
    reason: str

    def __str__(self) -> str:
        if not self.identified:
            return f"Responses to the market before {self.cutoff}: none. {self.reason}"
        return (
            f"Responses to the market before {self.cutoff}: spread {self.spread:.2f} about 1 over {len(self.level)} "
            f"periods of {PERIOD} days; the level typically changes by {self.swing:.0%}."
        )


def market_elasticities(
    tx: Transactions, cutoff: date | str, groups: pd.Series[str] | None = None
) -> MarketElasticities:
    """Learn how each customer's purchases respond to the market's level.

    The market's level of a period is the number of purchase days of the customers known at its start, against what
    is usual at their ages (time since the first purchase), about its own log-linear trend. Newcomers do not raise it
    and ageing does not lower it; a steady rise or fall of all cannot be told from ageing, and is taken for it. Season
    is part of the level.

    Given a customer's purchases of each half of the history, those of period p are expected in proportion to
    usual(age) level(p)^response. The response is read from the level without the customer's own purchases, and
    beside a log-linear trend of the customer's own in each half, so that growing and leaving are not taken for it.
    It is shrunk towards the group's mean by the spread of responses that come again: that which the first half
    of the history and the second have in common.

    Parameters
    ----------
    tx : Transactions
    cutoff : date or str
        Only purchase days before it are used.
    groups : pandas.Series, optional
        The group of each customer, such as the segment, indexed by customer id; one group by default.

    Returns
    -------
    MarketElasticities
        ``identified`` is False where fewer than 12 periods of 28 days hold 30 purchases of known customers, where the
        level moves no more than by chance, or where responses do not come again.

    Raises
    ------
    InputError
        If no purchase lies before the cutoff, or a customer has no group or several.

    References
    ----------
    Morris, C. N. (1983), "Parametric empirical Bayes inference: theory and applications", JASA 78(381).
    McCullagh, P. and Nelder, J. A. (1989), "Generalized linear models", 2nd edition, chapters 6 and 9.
    """
    cutoff = parse_day(cutoff)
    ids = customer_ids(tx, cutoff)
    return responses_of(tx, cutoff, ids, _groups_of(ids.to_pandas(), groups))


def responses_of(
    tx: Transactions, cutoff: date, ids: pa.ChunkedArray, group: NDArray[np.object_] | pd.Categorical
) -> MarketElasticities:
    """Learn the responses of ``market_elasticities`` where ids and groups stand beside each other.

    Parameters
    ----------
    tx : Transactions
    cutoff : date
        Only purchase days before it are used.
    ids : pyarrow.ChunkedArray of shape (n,)
        ``customer_ids`` of ``tx`` at the cutoff.
    group : array of shape (n,)
        The group of each.
    """
    counts, cohorts, starts = _purchases_by_period(tx, cutoff, ids)
    known, purchases, head, expected = _level(counts, cohorts)
    usable = purchases >= LEAST_PURCHASES
    level = np.log(np.where(usable, purchases, 1) / np.where(usable, expected, 1))
    level -= _trend(level, (purchases * usable).astype(float))
    periods = pd.DataFrame(
        {"start": pd.to_datetime(starts), "known_customers": known, "purchases": purchases}
    )
    periods["level"] = np.where(usable, np.exp(level), np.nan)

    def customers(response: FloatArray | float = 1.0, error: FloatArray | float = np.nan) -> pd.DataFrame:
        # Made last, when what responses are estimated from fills no memory any more.
        tell = (counts[:, p] * (cohorts < p) for p in np.flatnonzero(usable))
        table = {"customer_id": ids.to_pandas(), "group": group}
        table["purchases"] = sum(tell, np.zeros(len(ids), np.uint64))
        return pd.DataFrame(table | {"response": response, "standard_error": error})

    if usable.sum() < LEAST_PERIODS:
        reason = (
            f"Only {usable.sum()} periods of {PERIOD} days hold at least {LEAST_PURCHASES} purchases of known "
            f"customers each, and {LEAST_PERIODS} are needed to see responses and whether they come again."
        )
        periods["standard_error"] = np.nan
        return MarketElasticities(cutoff, customers(), periods, 0.0, 0.0, False, reason)

    halves = _Halves(counts, cohorts, purchases * usable, level, head)
    estimate, information = halves.estimate(np.zeros(len(ids), dtype=np.int64), np.ones(1))
    clumping, spread, error, _ = _spreads(estimate, information)
    del estimate, information
    variance = clumping / np.maximum(purchases, 1)
    periods["standard_error"] = periods["level"] * np.sqrt(variance)
    swing = _swing(level[usable], variance[usable])
    reason = _why_not(level[usable], variance[usable], swing, spread, error)
    if reason:
        return MarketElasticities(cutoff, customers(), periods, swing, 0.0, False, reason)
    responses = customers(*_shrink(halves, group, spread))
    return MarketElasticities(cutoff, responses, periods, swing, float(np.sqrt(spread)), True, "")


def core_by_market_scenario(
    scores: pd.DataFrame,
    responses: MarketElasticities,
    swing: float | None = None,
    core_share: float = CORE_SHARE,
) -> pd.DataFrame:
    """Return who is core in the market as it is, in a rising one and in a falling one.

    Parameters
    ----------
    scores : pandas.DataFrame
        What ``CoreCustomerModel.predict`` or the ranking returns: ``customer_id`` and ``predicted_value``; where it has
        ``cost_to_serve``, this is taken off the value in each market, which it does not move with.
    responses : MarketElasticities
    swing : float, optional
        How far the market moves, as a share of its level, above 0 and below 1; the typical change by default.
    core_share : float
        The share of value that the core holds, as of the tiers.

    Returns
    -------
    pandas.DataFrame
        A row for each customer in the order of ``scores``: ``customer_id``, ``value`` (money over the horizon),
        ``value_up`` and ``value_down`` = value x (1 +/- swing)^response, ``core``, ``core_up``, ``core_down`` (in the
        smallest set that holds the core's share of that value, after cost), and ``core_in``: "every market", "up only"
        (in a rising market and not in a falling one), "down only" (the reverse), "as it is only", "up and down only",
        or "none".
        A customer without a response of its own moves with the market. Without identified responses all move alike,
        so that the three sets are one.

    Raises
    ------
    InputError
        If a column is missing, a customer has two rows, or the swing is not between 0 and 1.
    """
    missing = [name for name in ("customer_id", "predicted_value") if name not in scores]
    if missing:
        raise InputError(
            f"the scores lack {' and '.join(missing)}; give what CoreCustomerModel.predict returns."
        )
    if swing is None:
        swing = usual_swing(responses)
    elif not 0 < swing < 1:
        raise InputError(f"swing {swing!r} is not above 0 and below 1; write 0.2 for 20 %.")
    own = responses.customers.set_index("customer_id")["response"]
    if scores["customer_id"].duplicated().any():
        again = scores.loc[scores["customer_id"].duplicated(), "customer_id"]
        raise InputError(
            f"{len(again):,} customers have two rows in the scores, for example {again.iloc[0]}; give one each."
        )
    response = scores["customer_id"].map(own).fillna(1.0).to_numpy(dtype=float)
    table = core_by_response(
        scores["predicted_value"].to_numpy(dtype=float),
        response,
        swing,
        cost=scores["cost_to_serve"].to_numpy(dtype=float) if "cost_to_serve" in scores else None,
        core_share=core_share,
        identified=responses.identified,
    )
    table.insert(0, "customer_id", scores["customer_id"].array)
    return table


def usual_swing(responses: MarketElasticities) -> float:
    """Return how far the market is taken to move where nothing is said: the typical change of its level."""
    return min(responses.swing, 0.99)


def core_by_response(
    value: FloatArray,
    response: FloatArray,
    swing: float,
    *,
    cost: FloatArray | None = None,
    core_share: float = CORE_SHARE,
    identified: bool = True,
) -> pd.DataFrame:
    """Return ``core_by_market_scenario`` without the id, from arrays of shape (n,) whose order breaks ties."""
    table = pd.DataFrame(
        {
            "value": value,
            "value_up": value * (1 + swing) ** response,
            "value_down": value * (1 - swing) ** response,
        }
    )

    def core_of(name: str) -> NDArray[np.bool_]:
        return smallest_set(value_after_cost(table[name].to_numpy(), cost), core_share)

    if not identified:
        # Who is core only after a move of all alike would be so by cost, and no response of the customer's own.
        now = up = down = core_of("value")
    else:
        now, up, down = map(core_of, ("value", "value_up", "value_down"))
    table["core"], table["core_up"], table["core_down"] = now, up, down
    place = np.select([now & up & down, up & ~down, down & ~up, now, up], range(5), default=5)
    table["core_in"] = np.array(CORE_IN, dtype=object)[place]
    return table


def with_core_in(
    ranking: pd.DataFrame, responses: MarketElasticities, core_share: float = CORE_SHARE
) -> pd.DataFrame:
    """Return a ranking with ``core_in``, in which market each customer is core, after ``probability_core``.

    Without identified responses the core is the same in every market, as far as the data can tell.
    """
    told = ranking.assign(
        core_in=core_by_market_scenario(ranking, responses, core_share=core_share)["core_in"].to_numpy()
    )
    return told[[column for column in RANKING_COLUMNS if column in told]]


def _purchases_by_period(
    tx: Transactions, cutoff: date, ids: pa.ChunkedArray
) -> tuple[NDArray[np.uint8], NDArray[np.int64], list[date]]:
    """Return purchase days by customer and period, the period of the first purchase, and the periods' starts.

    Periods are counted back from the cutoff; the first purchase lies in period -1 where it is before all of them.
    """
    import ibis

    periods = min((cutoff - tx.first_date).days // PERIOD, MOST_PERIODS)
    starts = [cutoff - timedelta(days=PERIOD * (periods - p)) for p in range(periods)]

    def counted(days: ibis.Table, cutoff: date) -> ibis.Table:
        days = days.filter((days.date < cutoff) & days.purchase)
        days = days.mutate(back=(ibis.literal(cutoff).delta(days.date, unit="day") - 1) // PERIOD)
        # A period of 28 days holds no more purchase days than a byte counts.
        counts = {
            f"period_{p}": days.count(where=days.back == periods - 1 - p).cast("uint8")
            for p in range(periods)
        }
        return days.group_by("customer_id").aggregate(first=days.date.min(), **counts)

    counts, age = np.empty((len(ids), periods), dtype=np.uint8), np.empty(len(ids), dtype=np.int64)
    start = 0
    for inside, found in slices_of_customers(tx, cutoff, counted, ids):
        order = found["customer_id"].to_pandas().argsort(kind="stable").to_numpy()
        rows, start = slice(start, start + len(inside)), start + len(inside)
        for p in range(periods):
            counts[rows, p] = found[f"period_{p}"].to_numpy()[order]
        first = found["first"].to_numpy()[order].astype("datetime64[D]")
        age[rows] = (np.datetime64(cutoff) - first).astype(np.int64)
    cohorts = np.maximum(periods - 1 - (age - 1) // PERIOD, -1)
    return counts, cohorts, starts


def _groups_of(ids: pd.Series[str], groups: pd.Series[str] | None) -> NDArray[np.object_]:
    if groups is None:
        return np.full(len(ids), "all", dtype=object)
    if not groups.index.is_unique:
        again = groups.index[groups.index.duplicated()]
        raise InputError(f"{len(again):,} customers have two groups, for example {again[0]}; give one each.")
    group = ids.map(groups)
    if group.isna().any():
        raise InputError(
            f"{group.isna().sum():,} of {len(ids):,} customers have no group, for example {ids[group.isna()].iloc[0]}; "
            "give a Series of groups indexed by customer id."
        )
    return group.to_numpy(dtype=object)


def _level(
    counts: NDArray[np.uint8], cohorts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], FloatArray, FloatArray]:
    """Return known customers, their purchases, what is usual at each age, and the purchases expected by age.

    Purchases of cohort c in period p are Poisson with mean customers(c) usual(age) level(p), fitted by scaling
    rows and columns in turn. Ages count in doublings, and those from before the periods are one; a row of the third
    result is a cohort, a column a period, 0 where the cohort was not yet known.
    """
    periods = counts.shape[1]
    cohort, period = np.arange(-1, periods)[:, None], np.arange(periods)[None, :]
    known = period > cohort
    size = np.bincount(cohorts + 1, minlength=periods + 1)[:, None] * known
    bought = np.zeros((periods + 1, periods))
    for p in range(periods):
        bought[:, p] = np.bincount(cohorts + 1, weights=counts[:, p], minlength=periods + 1)
    bought *= known
    age = np.where(cohort < 0, 0, 1 + np.log2(np.maximum(period - cohort, 1)).astype(int))
    ages = int(age.max(initial=0)) + 1

    def by_age(table: FloatArray) -> FloatArray:
        return np.bincount(age.ravel(), weights=table.ravel(), minlength=ages).astype(float)

    usual, level = np.ones(ages), np.ones(periods)
    for _ in range(200):
        level = bought.sum(axis=0) / np.maximum((size * usual[age]).sum(axis=0), 1e-9)
        usual = by_age(bought) / np.maximum(by_age(size * level), 1e-9)
    head = usual[age] * known
    return size.sum(axis=0), bought.sum(axis=0).astype(np.int64), head, (size * head).sum(axis=0)


def _trend(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the weighted least-squares line through values at 0, 1, ... along the last axis."""
    time = np.arange(values.shape[-1], dtype=float)
    total = np.maximum(weights.sum(axis=-1, keepdims=True), 1e-300)
    time = time - (weights * time).sum(axis=-1, keepdims=True) / total
    mean = (weights * values).sum(axis=-1, keepdims=True) / total
    slope = (weights * time * values).sum(axis=-1, keepdims=True)
    line: FloatArray = (
        mean + slope / np.maximum((weights * time**2).sum(axis=-1, keepdims=True), 1e-300) * time
    )
    return line


class _Halves:
    """The purchases of known customers in each half of the usable periods, and what they tell of responses."""

    def __init__(
        self,
        counts: NDArray[np.uint8],
        cohorts: NDArray[np.int64],
        purchases: NDArray[np.int64],
        level: FloatArray,
        head: FloatArray,
    ) -> None:
        self.counts, self.cohorts = counts, cohorts + 1
        self.halves = np.array_split(np.flatnonzero(purchases), 2)
        self.purchases, self.level, self.head = purchases, level, head

    def estimate(self, group: NDArray[np.int64], centre: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return each customer's response less its group's ``centre`` in each half, and the information of each.

        Both have shape (n, 2). The response is one Newton step from the centre; the information is that of Poisson
        purchases, 0 where a half tells nothing.
        """
        score, information = np.zeros((len(group), 2)), np.zeros((len(group), 2))
        key = group * len(self.head) + self.cohorts
        order = np.argsort(key, kind="stable")
        for rows in np.split(order, np.flatnonzero(np.diff(key[order])) + 1):
            cohort, middle = self.cohorts[rows[0]], centre[group[rows[0]]]
            for half, periods in enumerate(self.halves):
                known = periods[self.head[cohort, periods] > 0]
                # A line of one's own leaves nothing of two periods.
                if len(known) > 2:
                    for some in np.array_split(rows, len(rows) // WEIGHED_AT_ONCE + 1):
                        score[some, half], information[some, half] = self._score(some, known, cohort, middle)
        return np.divide(score, information, out=score, where=information > 0), information

    def _score(
        self, rows: NDArray[np.int64], periods: NDArray[np.int64], cohort: int, centre: float
    ) -> tuple[FloatArray, FloatArray]:
        level = self.level[periods]
        share = self.head[cohort, periods] * np.exp(centre * level)
        share /= share.sum()
        moved = level - _trend(level, share)
        bought = self.counts[np.ix_(rows, periods)].astype(float)
        total = bought.sum(axis=1)
        information = total * (share @ moved**2)
        bought -= total[:, None] * share
        # To first order, the level without the customer is lower by the own surplus as a share of all purchases.
        return bought @ moved - bought**2 @ (1 / self.purchases[periods]), information


def _spreads(estimate: FloatArray, information: FloatArray) -> tuple[float, float, float, float]:
    """Return clumping, the variance of responses that comes again, its standard error, and that which does not.

    An estimate of a half has the variance clumping / information + passing + again about the centre; what the two
    halves have in common is ``again``.
    """
    known = information > 0
    x, squares = information[known], estimate[known] ** 2 * information[known]
    clumping, all_spread = max(float(squares.mean()), 1e-9) if len(x) else 1.0, 0.0
    for _ in range(10):
        weight = (clumping + all_spread * x) ** -2
        mean_x, mean = np.average(x, weights=weight), np.average(squares, weights=weight)
        across = np.average((x - mean_x) ** 2, weights=weight)
        slope = np.average((x - mean_x) * (squares - mean), weights=weight) / across if across > 0 else 0.0
        all_spread = max(float(slope), 0.0)
        clumping = max(float(mean - all_spread * mean_x), 1e-3 * float(mean), 1e-9)
    both = known.all(axis=1)
    weight = np.prod(1 / (clumping / information[both] + all_spread), axis=1)
    product = estimate[both].prod(axis=1)
    if not weight.sum() > 0:
        return clumping, 0.0, np.inf, all_spread
    again = float(np.average(product, weights=weight))
    error = float(np.sqrt(np.sum((weight * (product - again)) ** 2)) / weight.sum())
    return clumping, again, error, max(all_spread - again, 0.0)


def _swing(level: FloatArray, variance: FloatArray) -> float:
    """Return the root mean square change of the log level beyond chance, as a share."""
    beyond = np.mean(np.diff(level) ** 2 - variance[1:] - variance[:-1])
    return float(np.expm1(np.sqrt(max(float(beyond), 0.0))))


def _why_not(level: FloatArray, variance: FloatArray, swing: float, spread: float, error: float) -> str:
    from scipy.stats import chi2

    if swing == 0 or chi2.sf(np.sum(level**2 / variance), len(level) - 2) > CHANCE:
        return f"Over {len(level)} periods of {PERIOD} days the market's level moves no more than by chance."
    if not spread > CLEAR * error:
        return (
            "Responses of the first half of the history do not come again in the second: what they have in common is "
            f"{spread / error:.1f} standard errors above none, and {CLEAR:.0f} are asked for."
        )
    return ""


def _shrink(
    halves: _Halves, group: NDArray[np.object_] | pd.Categorical, spread: float
) -> tuple[FloatArray, FloatArray]:
    """Return each customer's response shrunk towards its group's mean, and its standard error."""
    code, names = pd.factorize(group)
    centre, uncertainty = np.ones(len(names)), np.zeros(len(names))
    estimate, information = halves.estimate(code, centre)
    # The mean of all is 1, since the level is theirs; means of groups spread no more than customers do.
    for _ in range(3 if len(names) > 1 else 0):
        weight, mean = _combine(estimate, information)
        told = np.bincount(code, weights=weight)
        away = np.bincount(code, weights=weight * mean) - (centre - 1) / spread
        uncertainty = 1 / (told + 1 / spread)
        centre = centre + away * uncertainty
        estimate, information = halves.estimate(code, centre)
    if len(names) > 1:
        spread = max(_spreads(estimate, information)[1], 0.0)
    weight, mean = _combine(estimate, information)
    own = weight * spread / (1 + weight * spread)
    error = np.sqrt((1 - own) * spread + (1 - own) ** 2 * uncertainty[code])
    return centre[code] + own * mean, error


def _combine(estimate: FloatArray, information: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return precision and mean of the two halves of each customer, about the customer's lasting response."""
    clumping, _, _, passing = _spreads(estimate, information)
    # A half without information has no weight.
    weight = information / (clumping + passing * information)
    total = weight.sum(axis=1)
    return total, (weight * estimate).sum(axis=1) / np.maximum(total, 1e-300)
