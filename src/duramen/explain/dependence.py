"""The effects of features on customers come in; how each effect moves as its feature rises goes out.

The dependence is read from the exact effects of real customers, not of generated ones.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from duramen.explain.effects import TIMES, Effects

# Bins of about as many customers each; what many customers share has a bin of its own.
BINS = 10
# Eight in ten effects of a bin lie between these.
LOW, HIGH = 0.1, 0.9

DEPENDENCE_COLUMNS = ("part", "feature", "from_", "to", "value", "customers", "effect", "low", "high", "unit")


def dependence_of(explained: Effects, known: pd.DataFrame) -> pd.DataFrame:
    """Return how the effect of each feature moves with the feature, a row a bin.

    Parameters
    ----------
    explained : Effects
        Of the customers from whom the dependence is read.
    known : pandas.DataFrame
        What the same customers have of each feature, in columns of the same names.

    Returns
    -------
    pandas.DataFrame
        ``part``; ``feature``, the strongest first (mean size of the effect), those without effect left out;
        ``from_``, ``to`` and ``value`` (least, most and mean of the feature in the bin; all missing in the last bin,
        of those for whom the feature is missing); ``customers``; ``effect`` (mean over them; a factor, the geometric
        mean, where the part multiplies), ``low`` and ``high`` (eight in ten effects lie between), ``unit`` ("times" or
        that of the terms).
    """
    strength = explained.effects.abs().mean().sort_values(ascending=False, kind="stable")
    multiplies = explained.part == "value"
    tables = []
    for feature in strength.index[strength > 0]:
        values = known[feature].to_numpy(dtype=float)
        binned = pd.DataFrame(
            {"bin": _bins(values), "value": values, "effect": explained.effects[feature].to_numpy()}
        )
        by = binned.groupby("bin")
        effects = {
            "effect": by["effect"].mean(),
            "low": by["effect"].quantile(LOW),
            "high": by["effect"].quantile(HIGH),
        }
        table = pd.DataFrame(
            {
                "part": explained.part,
                "feature": feature,
                "from_": by["value"].min(),
                "to": by["value"].max(),
                "value": by["value"].mean(),
                "customers": by.size(),
                **{name: np.exp(effect) if multiplies else effect for name, effect in effects.items()},
                "unit": TIMES if multiplies else explained.unit,
            }
        )
        tables.append(table)
    if not tables:
        return pd.DataFrame(columns=list(DEPENDENCE_COLUMNS))
    return pd.concat(tables, ignore_index=True)


def _bins(values: np.ndarray) -> np.ndarray:
    """Return the bin of each value, ascending; missing ones are in the last."""
    known = ~np.isnan(values)
    distinct = np.unique(values[known])
    if len(distinct) > BINS:
        starts = np.sort(values[known])[np.arange(BINS) * known.sum() // BINS]
        starts, times = np.unique(starts, return_counts=True)
        # Behind a value that fills a bin the next one begins.
        behind = np.searchsorted(distinct, starts[times > 1], side="right")
        distinct = np.union1d(starts, distinct[behind[behind < len(distinct)]])
    bins: np.ndarray = np.where(known, np.searchsorted(distinct, values, side="right") - 1, len(distinct))
    return bins
