"""A ranking and the price of an offer come in; what lower churn costs and saves, and whom to contact, go out.

Every figure is the risk times the value under the success rate that the offer assumes: how many of those who would
leave stay because of the contact. Only a randomised experiment shows that rate (``campaign_effect``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from duramen.analysis.lists import contactable
from duramen.data.money_unit import NO_UNIT, unit_in_words
from duramen.errors import InputError
from duramen.forecast.retention_profit import break_even_acceptance, campaign_choices, campaign_profit
from duramen.language import Sentence, marked, say, translated
from duramen.scoring.tiers import DEFAULT_TIERS, Tiers

if TYPE_CHECKING:
    from duramen.forecast.retention_profit import RetentionOffer

POINT = 0.01
# Profits drawn for an interval, its level, and the spread of what a customer who is kept brings.
DRAWS = 4_000
INTERVAL_80 = (0.1, 0.9)
VALUE_SPREAD = 1.0
# Points of the curve of profit by number contacted.
CURVE_POINTS = 200
BY_PROFIT, BY_RISK = marked("expected profit"), marked("churn probability")
WIN_BACK, LET_GO = marked("win back"), marked("release")
NOBODY = marked("nobody")


class RetentionEconomics(NamedTuple):
    """What retention and win-back are expected to cost and earn, under the success rate of the offers.

    Attributes
    ----------
    by_tier, by_segment : pandas.DataFrame
        What ``churn_point`` returns.
    choices : pandas.DataFrame
        What ``contact_choices`` returns.
    curve : pandas.DataFrame
        What ``contact_curve`` returns.
    win_back : pandas.DataFrame
        What ``win_back_or_release`` returns.
    sentences : tuple of str
        What the figures mean.
    """

    by_tier: pd.DataFrame
    by_segment: pd.DataFrame
    choices: pd.DataFrame
    curve: pd.DataFrame
    win_back: pd.DataFrame
    sentences: tuple[str, ...]


def summarise_retention(
    ranking: pd.DataFrame,
    offer: RetentionOffer,
    *,
    win_back_offer: RetentionOffer | None = None,
    tiers: Tiers = DEFAULT_TIERS,
    unit: str = NO_UNIT,
    seed: int = 0,
) -> RetentionEconomics:
    """Return what lower churn costs and saves, whom to contact, and whom to win back or release.

    Parameters
    ----------
    ranking : pandas.DataFrame
        What ``rank_core_customers`` returns.
    offer : RetentionOffer
        The offer to customers who may leave. Its acceptance is the success rate: the share of the customers who would
        leave who stay because of the contact.
    win_back_offer : RetentionOffer, optional
        The offer to lapsed customers; by default the same one.
    tiers : Tiers
        The tiers of the ranking.
    unit : str
        Unit of money, for the sentences.
    seed : int
        Seed of the intervals.

    Raises
    ------
    InputError
        If a column of the ranking is missing, or no customer could be contacted.
    """
    choices = contact_choices(ranking, offer, tiers=tiers, seed=seed)
    win_back = win_back_or_release(ranking, win_back_offer or offer, tiers=tiers)
    by_tier = churn_point(ranking, offer, "tier", tiers=tiers)
    return RetentionEconomics(
        by_tier,
        churn_point(ranking, offer, "segment", tiers=tiers),
        choices,
        contact_curve(ranking, offer, tiers=tiers),
        win_back,
        (
            _assumption(offer),
            _on_choices(choices, unit),
            _on_points(by_tier, unit),
            _on_win_back(win_back, win_back_offer or offer, unit),
        ),
    )


def churn_point(
    ranking: pd.DataFrame, offer: RetentionOffer, by: str = "tier", *, tiers: Tiers = DEFAULT_TIERS
) -> pd.DataFrame:
    """Return what it costs to lower the churn of each group by one point, beside the value that this saves.

    One point is one customer in a hundred of the group. It is bought where it earns most: contacts are taken by the
    expected profit per customer kept, the highest first, until one in a hundred is expected to be kept.

    Parameters
    ----------
    ranking, offer, tiers
        As in ``summarise_retention``.
    by : str
        Column of the groups: "tier", "segment" or another column of the ranking.

    Returns
    -------
    pandas.DataFrame
        A row for each group, the highest profit of a point first: the group, ``customers`` (not lapsed, not released
        and above break-even), ``churn_rate`` (expected share who leave, without a campaign), ``most_points`` (points
        by which contacting all of them lowers churn), and of one point ``contacted`` (customers; a part of one where
        the group is small), ``cost``, ``saved`` and ``profit`` (money over the horizon). The figures of a point are
        missing where contacting everybody lowers churn by less.

    Raises
    ------
    InputError
        If a column is missing, or no customer could be contacted.
    """
    could = _contactable(ranking, offer, tiers)
    if by not in could:
        raise InputError(f"the ranking has no column {by!r} to group by; give tier, segment or another one.")
    rows = [
        {by: name} | _one_point(group, offer)
        for name, group in could.groupby(by, observed=True, dropna=False, sort=True)
    ]
    return pd.DataFrame(rows).sort_values(
        "profit", ascending=False, kind="stable", na_position="last", ignore_index=True
    )


def contact_choices(
    ranking: pd.DataFrame,
    offer: RetentionOffer,
    *,
    tiers: Tiers = DEFAULT_TIERS,
    value_spread: float = VALUE_SPREAD,
    seed: int = 0,
) -> pd.DataFrame:
    """Return what it is expected to earn to contact the customers who are worth it, others, all or nobody.

    The interval covers what is random once the model is right: the success rate (where it is a Beta distribution),
    who leaves, who accepts, and how much a customer who is kept brings. It does not cover an error in the churn
    probabilities or a success rate outside its distribution.

    Parameters
    ----------
    ranking, offer, tiers, seed
        As in ``summarise_retention``.
    value_spread : float
        Standard deviation of what a customer who is kept brings, as a share of the money at stake.

    Returns
    -------
    pandas.DataFrame
        The rows of ``campaign_profit`` ("worth contacting", "most likely to leave": as many by risk alone,
        "everybody") and "nobody", with its columns and ``profit_low`` and ``profit_high`` (80 %), and
        ``break_even_success_rate``: the success rate at which the choice earns nothing, missing where none does.

    Raises
    ------
    InputError
        As ``churn_point`` does, and if the spread is negative.
    """
    if not 0 <= value_spread < np.inf:
        raise InputError(f"value_spread is {value_spread!r}; give a number from 0, such as 1.")
    could = _contactable(ranking, offer, tiers)
    risk, stake = (could[name].to_numpy() for name in ("churn_probability", "money_at_stake"))
    table = campaign_profit(risk, stake, offer)
    nobody = {"contacted": 0, "churn_rate": risk.mean(), "cost_per_kept": np.nan}
    nobody |= dict.fromkeys(("kept", "cost", "saved", "profit"), 0.0)
    table = pd.concat([table, pd.DataFrame([{"choice": NOBODY, **nobody}])], ignore_index=True)
    intervals = [
        _interval(risk[chosen], stake[chosen], offer, value_spread, seed)
        for chosen in (*campaign_choices(risk, stake, offer).values(), np.zeros(len(risk), dtype=bool))
    ]
    table[["profit_low", "profit_high", "break_even_success_rate"]] = intervals
    return table


def contact_curve(
    ranking: pd.DataFrame, offer: RetentionOffer, *, tiers: Tiers = DEFAULT_TIERS
) -> pd.DataFrame:
    """Return the expected profit by the number of customers contacted, by expected profit and by risk alone.

    Returns
    -------
    pandas.DataFrame
        ``order`` ("expected profit" or "churn probability"), ``contacted`` (customers, from 0 to all who could be),
        and ``cost`` and ``profit`` (money over the horizon) of that many from the top of the order.

    Raises
    ------
    InputError
        As ``churn_point`` does.
    """
    could = _contactable(ranking, offer, tiers)
    at = np.unique(np.linspace(0, len(could), CURVE_POINTS + 1).round().astype(int))
    at = np.union1d(at, [(could["expected_profit"] > 0).sum()])
    parts = []
    for order, column in ((BY_PROFIT, "expected_profit"), (BY_RISK, "churn_probability")):
        ordered = could.sort_values(column, ascending=False, kind="stable")
        cost, profit = (
            np.concatenate([[0.0], ordered[name].cumsum()])[at] for name in ("cost", "expected_profit")
        )
        parts.append(pd.DataFrame({"order": order, "contacted": at, "cost": cost, "profit": profit}))
    return pd.concat(parts, ignore_index=True)


def win_back_or_release(
    ranking: pd.DataFrame, offer: RetentionOffer, *, tiers: Tiers = DEFAULT_TIERS
) -> pd.DataFrame:
    """Return for each lapsed customer whether to win them back or release them, and at which success rate it turns.

    Customers to win back are those of ``win_back_list`` without a budget.

    Returns
    -------
    pandas.DataFrame
        Lapsed customers who are not released by their treatment and not below break-even, the highest expected profit
        first: ``customer_id``, ``rank``, ``tier``, ``churn_probability``, ``money_at_stake``, ``cost``,
        ``expected_profit`` (money over the horizon), ``break_even_success_rate`` (missing where no success rate earns
        anything) and ``decision`` ("win back" or "release").

    Raises
    ------
    InputError
        If a column of the ranking is missing.
    """
    could = contactable(ranking, offer, tiers, lapsed=True)
    rate = np.full(len(could), np.nan)
    if len(could):
        rate = break_even_acceptance(could["churn_probability"], could["money_at_stake"], offer)
    listed = could[
        ["customer_id", "rank", "tier", "churn_probability", "money_at_stake", "cost", "expected_profit"]
    ].assign(
        break_even_success_rate=np.where(np.isfinite(rate), rate, np.nan),
        decision=np.where(could["expected_profit"] > 0, WIN_BACK, LET_GO),
    )
    return listed.sort_values(
        ["expected_profit", "rank"], ascending=[False, True], kind="stable", ignore_index=True
    )


def _contactable(ranking: pd.DataFrame, offer: RetentionOffer, tiers: Tiers) -> pd.DataFrame:
    could = contactable(ranking, offer, tiers)
    if could.empty:
        raise InputError(
            say(
                "none of the {customers} customers of the ranking could be contacted: all are lapsed, released or "
                "below break-even; use win_back_or_release for lapsed customers.",
                customers=f"{len(ranking):,}",
            )
        )
    return could


def _one_point(group: pd.DataFrame, offer: RetentionOffer) -> dict[str, float]:
    """Return the figures of ``churn_point`` for one group."""
    kept = offer.mean_acceptance * group["churn_probability"].to_numpy()
    profit, cost = group["expected_profit"].to_numpy(), group["cost"].to_numpy()
    # Customers who are certain to stay cost money and keep nobody.
    per_kept = np.divide(profit, kept, out=np.full(len(group), -np.inf), where=kept > 0)
    order = np.argsort(-per_kept, kind="stable")
    reached, needed = np.cumsum(kept[order]), POINT * len(group)
    row = {
        "customers": len(group),
        "churn_rate": group["churn_probability"].mean(),
        "most_points": 100 * kept.mean(),
    }
    if reached[-1] < needed:
        return row | dict.fromkeys(("contacted", "cost", "saved", "profit"), np.nan)
    whole = int(np.searchsorted(reached, needed))
    before = reached[whole - 1] if whole else 0.0
    share = np.zeros(len(group))
    share[order[:whole]] = 1.0
    share[order[whole]] = (needed - before) / kept[order[whole]]
    spent, earned = float(share @ cost), float(share @ profit)
    return row | {"contacted": share.sum(), "cost": spent, "saved": spent + earned, "profit": earned}


def _interval(
    risk: np.ndarray, stake: np.ndarray, offer: RetentionOffer, spread: float, seed: int
) -> tuple[float, float, float]:
    """Return the 80 % interval of the profit of contacting customers, and the success rate at which it is 0.

    Given the success rate the profit is a sum over independent customers, so it is drawn as normal with the exact mean
    and variance: of one customer, ``g (v - d) p - f p - (1 - p)(d + f)`` and the mean square of the three outcomes.
    """
    if not len(risk):
        return 0.0, 0.0, np.nan
    rng = np.random.default_rng(seed)
    rate = np.full(DRAWS, offer.mean_acceptance)
    if offer.acceptance is None:
        rate = rng.beta(offer.acceptance_alpha, offer.acceptance_beta, DRAWS)
    d, f = offer.offer_cost, offer.contact_cost
    slope = risk * (stake - d)
    fixed = -risk * f - (1 - risk) * (d + f)
    mean = slope.sum() * rate + fixed.sum()
    accepted = risk * ((stake - d - f) ** 2 + (spread * stake) ** 2 - f**2)
    square = accepted.sum() * rate + (risk * f**2 + (1 - risk) * (d + f) ** 2).sum()
    squared_mean = (slope**2).sum() * rate**2 + 2 * (slope @ fixed) * rate + (fixed**2).sum()
    drawn = mean + np.sqrt(np.maximum(square - squared_mean, 0.0)) * rng.standard_normal(DRAWS)
    low, high = np.quantile(drawn, INTERVAL_80)
    even = -fixed.sum() / slope.sum() if slope.sum() > 0 else np.nan
    return float(low), float(high), float(even) if even <= 1 else np.nan


def _assumption(offer: RetentionOffer) -> Sentence:
    rate = f"{offer.mean_acceptance:.0%}"
    return say(
        "All figures are for an assumed success rate of {rate}: that share of the customers who would leave stays "
        "because of the contact. Only a randomised experiment shows the true rate.",
        rate=rate if offer.acceptance is not None else say("{rate} on average", rate=rate),
    )


def _written(money: float, unit: str) -> str:
    return f"{money:z,.0f} {unit_in_words(unit)}"


def _on_choices(choices: pd.DataFrame, unit: str) -> Sentence:
    best, risk, everybody, _ = (row for _, row in choices.iterrows())
    if not best["contacted"]:
        return say(
            "Under the assumed success rate no contact is expected to earn money; contacting everybody would earn "
            "{profit}.",
            profit=_written(everybody["profit"], unit),
        )
    return say(
        "Under the assumed success rate it is best to contact {customers} customers: expected profit {profit} (80 % "
        "interval {low} to {high}). Contacting the same number by churn probability earns {by_risk}, contacting "
        "everybody {of_everybody}, and nobody 0.",
        customers=f"{best['contacted']:,}",
        profit=_written(best["profit"], unit),
        low=f"{best['profit_low']:z,.0f}",
        high=f"{best['profit_high']:z,.0f}",
        by_risk=_written(risk["profit"], unit),
        of_everybody=_written(everybody["profit"], unit),
    )


def _on_points(by_tier: pd.DataFrame, unit: str) -> Sentence:
    known = by_tier.dropna(subset=["profit"])
    if known.empty:
        return say(
            "Under the assumed success rate no group's churn can be lowered by one point, even by contacting "
            "everybody."
        )
    best = known.iloc[0]
    return say(
        "Under the assumed success rate lowering churn by one percentage point pays for itself in {pays} of {tiers} "
        "tiers; it earns most in '{tier}', where it costs {cost} and saves {saved}.",
        pays=int((known["profit"] > 0).sum()),
        tiers=len(by_tier),
        tier=translated(best["tier"]),
        cost=_written(best["cost"], unit),
        saved=_written(best["saved"], unit),
    )


def _on_win_back(listed: pd.DataFrame, offer: RetentionOffer, unit: str) -> Sentence:
    chosen = listed[listed["decision"] == WIN_BACK]
    rate = f"{offer.mean_acceptance:.0%}"
    if chosen.empty:
        return say(
            "Under an assumed success rate of {rate} contacting any of the {customers} lapsed customers who may be "
            "contacted is expected to cost more than it earns; release them.",
            rate=rate,
            customers=f"{len(listed):,}",
        )
    return say(
        "Under an assumed success rate of {rate}, {chosen} of {customers} lapsed customers who could be contacted are "
        "worth winning back: expected profit {profit} at a cost of {cost}.",
        rate=rate,
        chosen=f"{len(chosen):,}",
        customers=f"{len(listed):,}",
        profit=_written(chosen["expected_profit"].sum(), unit),
        cost=_written(chosen["cost"].sum(), unit),
    )
