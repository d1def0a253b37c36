"""The weight of growth and its curve come in; why it was chosen goes out as a sentence and a drawing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from duramen.report import curves
from duramen.report.charts import in_both_widths
from duramen.report.numbers import THIN, money, share
from duramen.scoring.growth_weight import MARGIN, TOP_SHARES


@dataclass(frozen=True)
class WeightSection:
    """What the page says of the weight of growth.

    Parameters
    ----------
    used : float
        The weight in the score.
    sentence : str
        Why this weight is used.
    drawn : Markup or None
        The curve, where there is one.
    """

    used: float
    sentence: str
    drawn: Markup | None


def weight_section(used: float, curve: pd.DataFrame | None) -> WeightSection:
    """Return why growth has the weight that it has.

    Parameters
    ----------
    used : float
        The weight in the score.
    curve : DataFrame or None
        What ``duramen.scoring.growth_weight.growth_weight_curve`` returns; no rows where the history is too
        short, None where the weight was given by the user.

    Returns
    -------
    WeightSection
    """
    if curve is None:
        sentence = f"The weight, {used:g}, was given by the user. It was not evaluated on the history."
        return WeightSection(used, sentence, None)
    if curve.empty:
        sentence = (
            f"The weight is the default, {used:g}: the history before the cutoff is too short to show what growth is "
            "worth after a horizon."
        )
        return WeightSection(used, sentence, None)
    return WeightSection(used, _evaluated(used, curve), _drawn(used, curve))


def _evaluated(used: float, curve: pd.DataFrame) -> str:
    by_weight: dict[Any, Any] = curve.set_index("weight").to_dict(orient="index")
    alone = by_weight[0.0]
    if not used or used not in by_weight:
        return (
            f"Growth has no weight: with any weight the order may have captured over {share(MARGIN, 1)} less than the "
            f"{share(alone['captured'])} of the money that value alone did."
        )
    row = by_weight[used]
    return (
        f"The weight is {used:g}, the largest that loses less than {share(MARGIN, 1)} of the money that value alone "
        f"captured: {share(row['captured'])} of the money, {_points(row['difference'])} points against value alone "
        f"(95{THIN}% interval {_points(row['low'])} to {_points(row['high'])}).{_growth(row)}"
    )


def _growth(row: dict[str, float]) -> str:
    if pd.isna(row.get("growth_captured")):
        return ""
    return (
        f" Of the growth, money above each customer's own past rate, it captured {share(row['growth_captured'])}, "
        f"{_points(row['growth_difference'])} points against value alone ({_points(row['growth_low'])} to "
        f"{_points(row['growth_high'])})."
    )


def _points(difference: float) -> str:
    return money(100 * difference, 2, plus=True)


def _drawn(used: float, curve: pd.DataFrame) -> Markup:
    # The same in every row: what it captured, less its difference to value alone.
    by_value = float((curve["captured"] - curve["difference"]).iloc[0])
    ends = curve.assign(from_=by_value + curve["low"], to=by_value + curve["high"])
    listed = "; ".join(
        f"weight {weight:g} captured {share(captured)}, {_points(low)} to {_points(high)} points against value alone"
        for weight, captured, low, high in curve[["weight", "captured", "low", "high"]].itertuples(
            index=False
        )
    )
    return in_both_widths(
        lambda width: curves.weight_curve(ends, used, by_value, width),
        f"Share of later money captured by the first {share(TOP_SHARES[0], 0)} to {share(TOP_SHARES[-1], 0)} of "
        f"customers, in the mean, by weight of growth: {listed}.",
    )
