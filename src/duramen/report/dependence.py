"""Importance and dependence of features come in; their rows and drawings go out."""

from __future__ import annotations

from typing import Any

import pandas as pd

from duramen.explain.explainer import meaning
from duramen.report import curves
from duramen.report.charts import to_svg
from duramen.report.numbers import MINUS, count, factor, money

RANKED = 12  # features of each model in the table of importance
DRAWN = 6  # features of each part whose dependence is drawn


def importance_section(importance: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the strongest features of each model, with the length of their bars in per cent of the strongest.

    Parameters
    ----------
    importance : DataFrame
        ``CoreCustomerModel.importance_``.

    Returns
    -------
    list of dict
        One for each model: ``model``, ``unit``, ``all`` (how many features it has) and ``rows``.
    """
    sections = []
    for model, features in importance.groupby("model", sort=False):
        strongest = features.sort_values(["mean_abs_shap", "feature"], ascending=[False, True]).head(RANKED)
        most = float(strongest["mean_abs_shap"].iloc[0])
        bars = strongest.assign(
            bar=(100 * strongest["mean_abs_shap"] / most if most > 0 else 0.0),
            text=[money(figure, 3) for figure in strongest["mean_abs_shap"]],
        )
        unit = str(strongest["unit"].iloc[0])
        sections.append({"model": model, "unit": unit, "all": len(features), "rows": bars.to_dict("records")})
    return sections


def dependence_section(dependence: pd.DataFrame, unit: str) -> list[dict[str, Any]]:
    """Draw how predictions move with the strongest features of each part.

    Parameters
    ----------
    dependence : DataFrame
        ``CoreCustomerModel.dependence_``: a row for each bin with ``part`` ("value" or "activity"), ``feature`` (the
        strongest of a part first), ``value`` (mean of the feature in the bin; missing for customers without one),
        ``customers``, ``effect`` (mean), ``low`` and ``high`` (between which 80 % of the effects lie) and ``unit``
        ("times" or "log odds").
    unit : str
        Unit of money.

    Returns
    -------
    list of dict
        One for each part: ``part``, ``times`` (whether effects are factors), ``all`` (how many features it has) and
        ``features``, which have ``feature``, ``meaning``, ``drawn`` (None where the feature is missing for all) and
        ``missing`` (a sentence, or empty).
    """
    sections = []
    for part, bins in dependence.groupby("part", sort=False):
        names = list(dict.fromkeys(bins["feature"]))
        times = bool(bins["unit"].iloc[0] == "times")
        features = [
            _feature(name, bins[bins["feature"] == name], times=times, unit=unit) for name in names[:DRAWN]
        ]
        sections.append({"part": str(part), "times": times, "all": len(names), "features": features})
    return sections


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
            curves.dependence_curve(known, times=times, unit=measured),
            f"How {feature} moves the prediction: {write(lowest['effect'])} at {lowest['value']:,.4g} {measured} to "
            f"{write(highest['effect'])} at {highest['value']:,.4g}, over {len(known)} groups of customers.",
        )
    return {"feature": feature, "meaning": sentence, "drawn": drawn, "missing": without}


def _term(effect: float) -> str:
    text = f"{effect:+.2f}"
    return (text.replace("-", MINUS) if text.strip("+-0.") else "0") + " log odds"
