"""Importance and dependence of features come in; their rows and drawings go out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from duramen.explain.explainer import meaning
from duramen.forecast.extra_features import column_of
from duramen.language import marked, say, say_count, translated
from duramen.report import curves
from duramen.report.charts import to_svg
from duramen.report.numbers import MINUS, brief, factor, money, spaced

RANKED = 12  # features of each part in the table of importance
PARTS = {
    "value": lambda: say("Predicted value"),
    "activity": lambda: say("Probability of a purchase"),
}
MONEY_UNITS: dict[str, Callable[[str], str]] = {
    "money": str,
    "money per day": lambda unit: say("{unit} per day", unit=unit),
    "money per unit": lambda unit: say("{unit} per unit", unit=unit),
}
# What is said of a feature that moves the prediction up (1), down (-1) or both ways (0).
HIGHER = {
    1: marked("Higher values raise {outcome}: {effect} at {value}, {last_effect} at {last_value} ({unit})."),
    -1: marked("Higher values lower {outcome}: {effect} at {value}, {last_effect} at {last_value} ({unit})."),
    0: marked(
        "The effect on {outcome} is lowest at {value}, {effect}, and highest at {last_value}, {last_effect} ({unit})."
    ),
}
YES = {
    1: marked("Yes raises {outcome}: {last_effect} for yes, {effect} for no."),
    -1: marked("Yes lowers {outcome}: {last_effect} for yes, {effect} for no."),
}
# Effects that differ by less, in logarithms or in log odds, are called the same.
LEAST_DIFFERENCE = 0.005
MOST_BACK = 0.2  # of the range of effects, that an effect may turn back and still be said to rise or to fall
DRAWN = 6  # features of each part whose dependence is drawn


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
        One for each part: ``part``, ``title``, ``caption``, ``times`` (whether effects are factors), ``all`` (how many
        features it has), ``ranked`` (rows of the strongest, with ``text`` and ``bar``, in per cent of the first) and
        ``features``, which have ``feature``, ``finding``, ``meaning``, ``drawn`` (None where the feature is missing
        for all) and ``missing`` (a sentence, or empty). Both are in one order, by mean effect.
    """
    sections = []
    for part, bins in dependence.groupby("part", sort=False):
        times = bool(bins["unit"].iloc[0] == "times")
        strength = _strength(bins, times=times)
        names = list(strength.index)
        features = [
            _feature(name, bins[bins["feature"] == name], times=times, unit=unit) for name in names[:DRAWN]
        ]
        measured = say("times the predicted value") if times else say("log odds of a purchase")
        shown, of = min(RANKED, len(names)), len(names)
        caption = say("The strongest {n} of {all} factors; in {unit}.", n=shown, all=of, unit=measured)
        sections.append(
            {
                "part": str(part),
                "title": PARTS[str(part)]() if str(part) in PARTS else str(part),
                "caption": caption if shown < of else say("All factors; in {unit}.", unit=measured),
                "times": times,
                "all": len(names),
                "ranked": _ranked(strength.head(RANKED), times=times),
                "features": features,
            }
        )
    return sections


def _strength(bins: pd.DataFrame, *, times: bool) -> pd.Series[float]:
    """Return the mean size of the effect of each feature over the customers, the strongest first."""
    effect = np.abs(np.log(bins["effect"]) if times else bins["effect"])
    sums = (effect * bins["customers"]).groupby(bins["feature"], sort=False).sum()
    strength: pd.Series[float] = sums / bins.groupby("feature", sort=False)["customers"].sum()
    return strength.sort_values(ascending=False, kind="stable")


def _ranked(strength: pd.Series[float], *, times: bool) -> list[dict[str, Any]]:
    # An effect that reads as none has no bar.
    most = max(float(strength.iloc[0]), 0.01)
    return [
        {
            "feature": name,
            "meaning": spaced(meaning(str(name))[1]),
            "text": factor(float(np.exp(size))) if times else money(size, 2),
            "bar": 100 * size / most,
        }
        for name, size in strength.items()
    ]


def _feature(feature: str, bins: pd.DataFrame, *, times: bool, unit: str) -> dict[str, Any]:
    write = factor if times else _term
    measured, sentence = meaning(feature)
    sentence = spaced(sentence)
    measured = MONEY_UNITS[measured](unit) if measured in MONEY_UNITS else translated(measured)
    known, missing = bins[bins["value"].notna()], bins[bins["value"].isna()]
    without = "".join(
        say_count(
            "Missing for {n} customer: {effect}.",
            "Missing for {n} customers: {effect} on average.",
            int(customers),
            effect=write(effect),
        )
        for customers, effect in missing[["customers", "effect"]].itertuples(index=False)
    )
    drawn, finding = None, ""
    if len(known):
        lowest, highest = known.iloc[0], known.iloc[-1]
        yes_no = column_of(feature)[1] is not None
        finding = _finding(known, measured, times=times, yes_no=yes_no)
        drawn = to_svg(
            curves.dependence_curve(known, times=times, unit=measured, yes_no=yes_no),
            say(
                "{meaning} Effect on the prediction: {effect} at {value} {unit} to {last_effect} at {last_value}, over "
                "{groups} groups of customers.",
                meaning=sentence,
                effect=write(lowest["effect"]),
                value=brief(lowest["value"]),
                unit=measured,
                last_effect=write(highest["effect"]),
                last_value=brief(highest["value"]),
                groups=len(known),
            ),
        )
    return {"feature": feature, "finding": finding, "meaning": sentence, "drawn": drawn, "missing": without}


def _finding(known: pd.DataFrame, unit: str, *, times: bool, yes_no: bool) -> str:
    """Return in words which way a feature moves the prediction, with the effects that show it."""
    effects = known["effect"].to_numpy(dtype=float)
    terms = np.log(effects) if times else effects
    write = factor if times else _term
    if np.ptp(terms) < LEAST_DIFFERENCE:
        return say("The effect is the same at every value, {effect}.", effect=write(effects[0]))
    way = _way(terms)
    first, last = (0, -1) if way else (terms.argmin(), terms.argmax())
    return say(
        (YES if yes_no and way else HIGHER)[way],
        outcome=say("the predicted value") if times else say("the probability of a purchase"),
        effect=write(effects[first]),
        value=brief(known["value"].iloc[first]),
        last_effect=write(effects[last]),
        last_value=brief(known["value"].iloc[last]),
        unit=unit,
    )


def _way(terms: np.ndarray) -> int:
    """Return 1 where terms rise, -1 where they fall and 0 where they do both; a small turn back does not count.

    Examples
    --------
    >>> [_way(np.array(terms)) for terms in ([0, 3, 2.9, 5], [2, 1, 0], [0, 4, 1])]
    [1, -1, 0]
    """
    way = 1 if terms[-1] > terms[0] else -1
    back = np.max(np.maximum.accumulate(way * terms) - way * terms)
    return way if back <= MOST_BACK * np.ptp(terms) else 0


def _term(effect: float) -> str:
    text = f"{effect:+.2f}"
    return say("{term} log odds", term=text.replace("-", MINUS) if text.strip("+-0.") else "0")
