"""The weight of growth and its curve come in; why it was chosen goes out as a sentence and a drawing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from duramen.analysis.joined import in_a_row
from duramen.language import marked, say, say_joined
from duramen.report import curves
from duramen.report.charts import in_both_widths
from duramen.report.numbers import money, share
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
    title : str
        What the weight in use captured beside value alone, or empty.
    drawn : Markup or None
        The curve, where there is one.
    """

    used: float
    sentence: str
    title: str
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
        sentence = say(
            "The weight, {weight}, was given by the user. It was not evaluated on the history.",
            weight=f"{used:g}",
        )
        return WeightSection(used, sentence, "", None)
    if curve.empty:
        sentence = say(
            "The weight is the default, {weight}: the history before the cutoff is too short to show what growth is "
            "worth after a horizon.",
            weight=f"{used:g}",
        )
        return WeightSection(used, sentence, "", None)
    return WeightSection(used, _evaluated(used, curve), _title(used, curve), _drawn(used, curve))


def _evaluated(used: float, curve: pd.DataFrame) -> str:
    by_weight: dict[Any, Any] = curve.set_index("weight").to_dict(orient="index")
    alone = by_weight[0.0]
    if not used or used not in by_weight:
        return say(
            "Growth does not count in the score (weight 0). Ranking by value alone captured {share} of "
            "the later money, and with any weight above 0 the loss could exceed {margin}.",
            margin=share(MARGIN, 1),
            share=share(alone["captured"]),
        )
    row = by_weight[used]
    sentence = say(
        "The growth weight is {weight}: the largest weight that costs less than {margin} of the money "
        "captured by ranking on value alone. It captured {share} of the later money, {points} points "
        "compared with value alone (95\u202f% interval {low} to {high}).",
        weight=f"{used:g}",
        margin=share(MARGIN, 1),
        share=share(row["captured"]),
        points=_points(row["difference"]),
        low=_points(row["low"]),
        high=_points(row["high"]),
    )
    if pd.isna(row.get("growth_captured")):
        return sentence
    return in_a_row([sentence, _growth(row)])


def _title(used: float, curve: pd.DataFrame) -> str:
    by_weight: dict[Any, Any] = curve.set_index("weight")["captured"].to_dict()
    if not used or used not in by_weight:
        return say("Value alone captured {share} of later money.", share=share(by_weight[0.0]))
    return say(
        "With a growth weight of {weight}, the ranking captured {share} of the later money; by value "
        "alone, {alone}.",
        weight=f"{used:g}",
        share=share(by_weight[used]),
        alone=share(by_weight[0.0]),
    )


def _growth(row: dict[str, float]) -> str:
    return say(
        "This ranking also captured {share} of the growth (money above each customer's past rate). "
        "Compared with ranking by value alone, that is {points} points ({low} to {high}).",
        share=share(row["growth_captured"]),
        points=_points(row["growth_difference"]),
        low=_points(row["growth_low"]),
        high=_points(row["growth_high"]),
    )


def _points(difference: float) -> str:
    return money(100 * difference, 2, plus=True)


def _drawn(used: float, curve: pd.DataFrame) -> Markup:
    # The same in every row: what it captured, less its difference to value alone.
    by_value = float((curve["captured"] - curve["difference"]).iloc[0])
    ends = curve.assign(from_=by_value + curve["low"], to=by_value + curve["high"])
    listed = say_joined(
        marked("{one}; {other}"),
        [
            say(
                "weight {weight} captured {share}, {low} to {high} points against value alone",
                weight=f"{weight:g}",
                share=share(captured),
                low=_points(low),
                high=_points(high),
            )
            for weight, captured, low, high in curve[["weight", "captured", "low", "high"]].itertuples(
                index=False
            )
        ],
    )
    description = say(
        "Share of later money captured by the first {first} to {last} of customers, in the mean, by weight of growth: "
        "{weights}.",
        first=share(TOP_SHARES[0], 0),
        last=share(TOP_SHARES[-1], 0),
        weights=listed,
    )
    return in_both_widths(lambda width: curves.weight_curve(ends, used, by_value, width), description)
