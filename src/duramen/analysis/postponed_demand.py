"""Customers' purchases in two periods come in; how much of the missing money is postponed and comes back goes out."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from duramen.analysis.return_times import ReturnTimes
from duramen.analysis.revenue_parts import FREQUENCY, LOST, STAYED, UNITS, frequency_effect, spending
from duramen.data.customers import customer_table
from duramen.data.outcomes import customer_outcomes
from duramen.data.windows import Window
from duramen.errors import InputError
from duramen.language import marked
from duramen.segments.activity import ActivityLevels

if TYPE_CHECKING:
    from datetime import date

    from duramen.data.transactions import Transactions
    from duramen.scoring.model import CoreCustomerModel

UNCERTAIN, POSTPONED = marked("uncertain"), marked("postponed")
# Money that is not missing, of customers who bought more often.
MORE_OFTEN = marked("bought more often")
# Earlier cutoffs at which the money expected back is compared with what came; of quarters, a whole year.
EARLIER = 4
# Eight outcomes in ten are between the tails.
TAIL = 0.1


def missing_customers(
    tx: Transactions,
    before: Window,
    after: Window,
    model: CoreCustomerModel | None = None,
    customers: pd.DataFrame | None = None,
    scores: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return lost customers and those of both periods, the money that each misses, and what becomes of it.

    Demand is postponed where the time since the last purchase is within the customer's usual range of gaps (see
    ``ReturnTimes``) and a purchase in the next period is more likely than not; otherwise its return is
    uncertain.

    Parameters
    ----------
    tx : Transactions
    before, after : Window
    model : CoreCustomerModel, optional
        A model with the horizon of ``after``, learned before its end, whose ``probability_active`` and
        ``predicted_value`` are used. Without one, both follow from the gaps and the past spend of the customers.
    customers : pandas.DataFrame, optional
        What ``spending`` returns for the periods, if it is known.
    scores : pandas.DataFrame, optional
        What a model predicts at the end of ``after`` over a horizon of its length, if it is known, such as the
        ranking: ``customer_id``, ``probability_active`` and ``predicted_value``.

    Returns
    -------
    pandas.DataFrame
        ``customer_id``, ``from`` ("lost customers" or "purchase frequency", of those who bought in both periods),
        ``demand`` ("uncertain" or "postponed"), ``missing`` (money: all that a lost customer spent; of others what
        fewer purchase days took, below 0 where they bought more often), ``spent_after`` (money),
        ``probability_active`` (of a purchase in the next period) and ``if_active`` (money expected in the next period
        from one who buys).

    Raises
    ------
    InputError
        If the model has another horizon, or learned from days after the end of the second period.
    """
    if customers is None:
        customers = spending(tx, before, after)
    rows = _missing_money(customers)
    times = ReturnTimes.fit(tx, after.end)
    gap = times.typical_gap(rows["purchases"], rows["first"] - rows["last"])
    if scores is None and model is not None:
        scores = _scores(model, tx, after)
    if scores is None:
        active = times.probability(rows["purchases"], gap, rows["last"], after.horizon)
        spends = _past_spend(rows, after.horizon)
    else:
        active, spends = _by_scores(scores, rows)
    usual = times.within_usual(rows["purchases"], gap, rows["last"])
    demand = np.where(usual & (active >= ActivityLevels().active_from), POSTPONED, UNCERTAIN)
    return pd.DataFrame(
        {
            "customer_id": rows["customer_id"],
            "from": rows["kind"].map({LOST: LOST, STAYED: FREQUENCY}),
            "demand": demand,
            "missing": rows["missing"],
            "spent_after": rows["spent_after"] / UNITS,
            "probability_active": active,
            "if_active": spends,
        }
    ).reset_index(drop=True)


def _missing_money(customers: pd.DataFrame) -> pd.DataFrame:
    """Return lost customers and those of both periods, with the money that is missing of each."""
    lost, stayed = (customers[customers["kind"] == kind] for kind in (LOST, STAYED))
    lost = lost.assign(missing=lost["spent_before"] / UNITS)
    stayed = stayed.assign(missing=-frequency_effect(stayed) / UNITS)
    return pd.concat([lost, stayed]).sort_index()


def _past_spend(rows: pd.DataFrame, horizon: int) -> np.ndarray:
    """Return what a customer who buys spends over the horizon at the own past rate: at least one purchase day."""
    spent = rows["spent"].to_numpy() / UNITS
    rate = spent / np.maximum(rows["first"].to_numpy(), horizon) * horizon
    spend: np.ndarray = np.maximum(rate, spent / rows["purchases"].to_numpy())
    return spend


def _scores(model: CoreCustomerModel, tx: Transactions, after: Window) -> pd.DataFrame:
    """Return the forecasts of a model at the end of a period, over as many days."""
    if model.window_.horizon != after.horizon:
        raise InputError(
            f"the model forecasts {model.window_.horizon} days and the periods have {after.horizon}; give a model with "
            "the horizon of the periods."
        )
    if model.window_.cutoff > after.end:
        raise InputError(
            f"the model learned before {model.window_.cutoff}, which includes days after the period that ends at "
            f"{after.end}; give one that was fitted before it."
        )
    return model.predict(customer_table(tx, after.end), with_reasons=False)


def _by_scores(scores: pd.DataFrame, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return P(active) and the money of customers who buy, by the forecasts of a model."""
    columns = ["customer_id", "probability_active", "predicted_value"]
    known = rows[["customer_id"]].merge(scores[columns], on="customer_id", how="left", validate="one_to_one")
    active = known["probability_active"].fillna(0.0).to_numpy(dtype=float)
    value = known["predicted_value"].fillna(0.0).to_numpy(dtype=float)
    return active, np.divide(value, active, out=np.zeros_like(value), where=active > 0)


def missing_demand(
    tx: Transactions,
    before: Window,
    after: Window,
    model: CoreCustomerModel | None = None,
    customers: pd.DataFrame | None = None,
    scores: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return how much of the money missing in the second period is postponed, and how much is expected back.

    Money is missing of lost customers, and of customers of both periods who bought less often. Those who bought more
    often have a row of their own, so that the money adds up to the parts "lost customers" and "purchase frequency" of
    ``explain_revenue_change``, with the sign changed.

    The money expected back is the sum, over the customers, of what each is expected to spend in the next period above
    the second one, at most what is missing times the probability of a purchase. What a customer is expected to spend is
    the predicted value of the model. Without one it is the probability of a purchase times the money of a purchaser,
    times the median of money spent / money expected at up to four earlier cutoffs, each a period before the next. The
    80 % interval covers who will buy and how much these ratios differ (without a model, so that none learned from what
    it forecasts).

    Parameters
    ----------
    tx, before, after, model, customers, scores
        As ``missing_customers`` takes them.

    Returns
    -------
    pandas.DataFrame
        A row for each origin ("lost customers", "purchase frequency") and kind of demand ("uncertain", "postponed"),
        and a last one for customers who "bought more often": ``from``, ``demand``, ``customers``, ``money`` (missing,
        0 or more; in the last row what more often brought, 0 or less), ``expected_back``, ``back_low`` and
        ``back_high`` (money in the next period; missing in the last row).
    """
    rows = missing_customers(tx, before, after, model, customers, scores)
    corrected = model is not None or scores is not None
    ratios = _earlier_ratios(tx, before, after)
    table = []
    for (origin, demand), group in _groups(rows):
        level, miss, quantile = _level_of(ratios.get((origin, demand), []))
        back, low, high = _expected_back(group, 1.0 if corrected else level, miss, quantile)
        table.append(
            {
                "from": origin,
                "demand": demand,
                "customers": len(group),
                "money": float(group["missing"].sum()),
                "expected_back": back,
                "back_low": low,
                "back_high": high,
            }
        )
    more = rows.loc[rows["missing"] < 0, "missing"]
    last = {"from": FREQUENCY, "demand": MORE_OFTEN, "customers": len(more), "money": float(more.sum())}
    return pd.DataFrame([*table, last])


def _expected_back(
    group: pd.DataFrame, level: float, miss: float, quantile: float
) -> tuple[float, float, float]:
    """Return the money expected back of some customers and its interval, each customer at most what is missing.

    At the ends of the interval all customers are expected to spend less, or more, by the same factor.

    Examples
    --------
    A lost customer who will come back half of the time is not expected to bring all that is missing, however much a
    purchase may bring, and the forecast of one customer does not bring back the money of another.

    >>> two = {"missing": [100.0, 10.0], "spent_after": 0.0}
    >>> forecast = {"probability_active": [0.5, 1.0], "if_active": [40.0, 500.0]}
    >>> _expected_back(pd.DataFrame(two | forecast), 1.0, 0.0, 0.0)[0]
    30.0
    """
    active, money = group["probability_active"].to_numpy(), level * group["if_active"].to_numpy()
    expected = active * money
    chance = float((active * (1 - active)) @ money**2)
    total = float(expected.sum())
    spread = quantile * float(np.sqrt(chance / total**2 + miss**2)) if total > 0 else 0.0
    missing, spent = group["missing"].to_numpy(), group["spent_after"].to_numpy()

    def back(factor: float) -> float:
        most = np.minimum(factor * active, 1.0) * missing
        return float(np.clip(factor * expected - spent, 0.0, most).sum())

    return back(1.0), back(max(1.0 - spread, 0.0)), back(1.0 + spread)


def _groups(rows: pd.DataFrame) -> list[tuple[tuple[str, str], pd.DataFrame]]:
    """Return the customers of whom money is missing by origin and kind of demand, also where there is none."""
    fewer = rows[rows["missing"] > 0]
    return [
        ((origin, demand), fewer[(fewer["from"] == origin) & (fewer["demand"] == demand)])
        for origin in (LOST, FREQUENCY)
        for demand in (UNCERTAIN, POSTPONED)
    ]


def _earlier_ratios(tx: Transactions, before: Window, after: Window) -> dict[tuple[str, str], list[float]]:
    """Return money spent / money expected in the period after earlier cutoffs, all known at the end of ``after``."""
    ratios: dict[tuple[str, str], list[float]] = {}
    for periods in range(1, EARLIER + 1):
        earlier, later = (period.earlier(periods * after.horizon) for period in (before, after))
        if earlier.cutoff < tx.first_date:
            break
        for group, row in _outcomes(tx, earlier, later, None):
            if row["expected_spend"] > 0 and row["spent_next"] > 0:
                ratios.setdefault(group, []).append(row["spent_next"] / row["expected_spend"])
    return ratios


def _level_of(ratios: list[float]) -> tuple[float, float, float]:
    """Return the median ratio, the relative standard deviation of the next one, and the quantile of the interval.

    Few ratios give the spread of the next one poorly, which Student's distribution allows for.
    """
    from scipy.stats import norm, t

    if len(ratios) < 2:
        level = ratios[0] if ratios else 1.0
        return level, abs(1.0 - level), float(norm.isf(TAIL))
    # One exceptional period must not change what is usual.
    level = float(np.median(ratios))
    spread = float(np.std(ratios, ddof=1)) * np.sqrt(1 + 1 / len(ratios))
    return level, spread / level if level > 0 else 0.0, float(t.isf(TAIL, len(ratios) - 1))


def postponed_outcomes(
    tx: Transactions, before: Window, after: Window, model: CoreCustomerModel | None = None
) -> pd.DataFrame:
    """Return how many customers called postponed at the end of the second period came back, and how many others.

    Parameters
    ----------
    tx : Transactions
        With the whole next period after the end of ``after``.
    before, after, model
        As ``missing_customers`` takes them; they learn from nothing after the end of ``after``.

    Returns
    -------
    pandas.DataFrame
        A row for each origin and kind of demand: ``from``, ``demand``, ``customers`` (of whom money is missing),
        ``came_back`` (those with a purchase in the next period), ``share_back``, ``expected_share_back`` (their mean
        probability), and their money: ``money`` (missing), ``money_back`` (what each spent in the next period above
        the second, at least 0 and at most what is missing), ``spent_next`` and ``expected_spend`` (in the next period,
        uncorrected). Shares of no customers are missing.

    Raises
    ------
    InputError
        If the next period is not complete.
    """
    check_complete(tx, Window(after.end, after.horizon))
    rows = [
        {"from": origin, "demand": demand, **row}
        for (origin, demand), row in _outcomes(tx, before, after, model)
    ]
    return pd.DataFrame(rows)


def check_complete(tx: Transactions, period: Window) -> None:
    """Refuse a period that the transactions do not cover."""
    last: date = period.end - timedelta(days=1)
    if period.cutoff < tx.first_date or last > tx.last_date:
        raise InputError(
            f"the period from {period.cutoff} to {last} is not inside the transactions of {tx.source}, which run from "
            f"{tx.first_date} to {tx.last_date}; choose periods inside them."
        )


def _outcomes(
    tx: Transactions, before: Window, after: Window, model: CoreCustomerModel | None
) -> list[tuple[tuple[str, str], dict[str, float]]]:
    rows = missing_customers(tx, before, after, model)
    outcomes = customer_outcomes(tx, Window(after.end, after.horizon), rows)
    rows = rows.assign(active=outcomes["active"], spent_next=outcomes["value"])
    rows["expected_spend"] = rows["probability_active"] * rows["if_active"]
    return [(name, _outcome_of(group)) for name, group in _groups(rows)]


def _outcome_of(group: pd.DataFrame) -> dict[str, float]:
    sums = group[["missing", "spent_after", "spent_next", "expected_spend"]].sum()
    back = (group["spent_next"] - group["spent_after"]).clip(0.0, group["missing"]).sum()
    return {
        "customers": len(group),
        "came_back": int(group["active"].sum()),
        "share_back": float(group["active"].mean()),
        "expected_share_back": float(group["probability_active"].mean()),
        "money": float(sums["missing"]),
        "money_back": float(back),
        "spent_next": float(sums["spent_next"]),
        "expected_spend": float(sums["expected_spend"]),
    }
