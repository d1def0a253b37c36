"""How each feature moves a prediction: binned effects come in, small drawings with their meaning go out.

Called by the page.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from duramen.explain.explainer import meaning
from duramen.report import curves
from duramen.report.charts import to_svg
from duramen.report.numbers import MINUS, count, factor

SHOWN = 6  # features of each part


def shapes_of(shapes: pd.DataFrame, unit: str) -> list[dict[str, Any]]:
    """Draw the strongest features of each part.

    Parameters
    ----------
    shapes : DataFrame
        ``part``, ``feature``, ``value``, ``customers``, ``effect``, ``low``, ``high`` and ``unit`` ("times" or
        "log odds"), a row a bin; the strongest feature of a part first, a bin without a value holds the customers
        for whom the feature is missing.
    unit : str
        Unit of money.

    Returns
    -------
    list of dict
        A part each: ``part``, ``times`` (whether effects are factors), ``all`` (how many features it has) and
        ``features``, which have ``feature``, ``meaning``, ``drawn`` (None where it is missing for all) and
        ``missing`` (a sentence, or empty).
    """
    found = []
    for part, told in shapes.groupby("part", sort=False):
        names = list(dict.fromkeys(told["feature"]))
        first = names[:SHOWN]
        times = bool(told["unit"].iloc[0] == "times")
        features = [_feature(name, told[told["feature"] == name], times=times, unit=unit) for name in first]
        found.append({"part": str(part), "times": times, "all": len(names), "features": features})
    return found


def _feature(feature: str, bins: pd.DataFrame, *, times: bool, unit: str) -> dict[str, Any]:
    write = factor if times else _term
    measured, sentence = meaning(feature)
    measured = measured.replace("money", unit)
    known, missing = bins[bins["value"].notna()], bins[bins["value"].isna()]
    without = "".join(
        f"Missing for {count(customers)} customers: {write(effect)} on average."
        for customers, effect in missing[["customers", "effect"]].itertuples(index=False)
    )
    drawn = None
    if len(known):
        lowest, highest = known.iloc[0], known.iloc[-1]
        drawn = to_svg(
            curves.shape(known, times=times, unit=measured),
            f"How {feature} moves the prediction: {write(lowest['effect'])} at {lowest['value']:,.4g} {measured} to "
            f"{write(highest['effect'])} at {highest['value']:,.4g}, over {len(known)} groups of customers.",
        )
    return {"feature": feature, "meaning": sentence, "drawn": drawn, "missing": without}


def _term(effect: float) -> str:
    text = f"{effect:+.2f}"
    return (text.replace("-", MINUS) if text.strip("+-0.") else "0") + " log odds"
