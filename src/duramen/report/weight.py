"""The weight of growth and how it was chosen: the judged curve comes in, a sentence and a drawing go out.

Called by the page.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from duramen.report import curves
from duramen.report.charts import in_both_widths
from duramen.report.numbers import THIN, money, share
from duramen.scoring.growth_weight import DEFAULT_GROWTH_WEIGHT, TOP_SHARE, choose_growth_weight


@dataclass(frozen=True)
class Weight:
    """What the page says of the weight of growth.

    Parameters
    ----------
    used : float
        The weight in the score.
    sentence : str
        Why it is this one.
    drawn : Markup or None
        The curve, where one was judged.
    """

    used: float
    sentence: str
    drawn: Markup | None


def weight_of(used: float, curve: pd.DataFrame | None) -> Weight:
    """Say why growth has the weight it has.

    Parameters
    ----------
    used : float
        The weight in the score.
    curve : DataFrame or None
        What ``duramen.scoring.growth_weight.growth_weight_curve`` returns; no rows where history shows nothing, None
        where it was not asked since the weight was given.

    Returns
    -------
    Weight
    """
    if curve is None:
        return Weight(
            used, f"The weight, {used:g}, was given by the user. It was not judged on the history.", None
        )
    if curve.empty:
        return Weight(used, _unjudged(used), None)
    return Weight(used, _judged(used, curve), _drawn(used, curve))


def _unjudged(used: float) -> str:
    return (
        f"The weight is the default, {used:g}: the history before the cutoff is too short to show what growth is worth "
        "after a horizon."
    )


def _judged(used: float, curve: pd.DataFrame) -> str:
    best = curve.iloc[int(curve["captured"].to_numpy().argmax())]
    default = f"the default, {DEFAULT_GROWTH_WEIGHT:g}"
    by = (
        f"{share(best['captured'])} of the money, {_points(best['difference'])} points against the "
        f"default (95{THIN}% interval {_points(best['low'])} to {_points(best['high'])})"
    )
    fitted = choose_growth_weight(curve)
    if used != fitted:
        return f"The weight, {used:g}, was given by the user; the history would have chosen {fitted:g}."
    if used != DEFAULT_GROWTH_WEIGHT:
        return f"The weight is {used:g}, which is clearly better than {default}: it captured {by}."
    if best["weight"] == used:
        return f"The weight is {default}: no other captured more than its {share(best['captured'])} of the money."
    return (
        f"The weight is {default}, kept because nothing clearly beats it: {best['weight']:g} captured most, {by}, and "
        "chance can explain as much."
    )


def _points(difference: float) -> str:
    return money(100 * difference, 2, plus=True)


def _drawn(used: float, curve: pd.DataFrame) -> Markup:
    # Every row tells it: what it captured, less its difference to the default.
    default = float((curve["captured"] - curve["difference"]).iloc[0])
    ends = curve.assign(from_=default + curve["low"], to=default + curve["high"])
    told = "; ".join(
        f"weight {weight:g} captured {share(captured)}, {_points(low)} to {_points(high)} points against the "
        "default"
        for weight, captured, low, high in curve[["weight", "captured", "low", "high"]].itertuples(
            index=False
        )
    )
    return in_both_widths(
        lambda width: curves.weight_curve(ends, used, default, width),
        f"Share of later money captured by the first {share(TOP_SHARE, 0)} of customers by weight of growth: {told}.",
    )
