"""A ranking comes in; how many customers there are by predicted value and growth goes out."""

from __future__ import annotations

import numpy as np
import pandas as pd

# Steps of a tenfold value, and steps of growth; growth above MOST_GROWTH counts as this.
STEPS_A_DECADE, GROWTH_STEP, MOST_GROWTH = 8, 0.1, 2.0


def value_growth_cells(ranking: pd.DataFrame) -> pd.DataFrame:
    """Return the customers with a predicted value above 0, gathered in cells of similar value and growth.

    Parameters
    ----------
    ranking : pandas.DataFrame
        What ``rank_core_customers`` returns.

    Returns
    -------
    pandas.DataFrame
        ``quadrant``, ``value`` (middle of the cell, in money), ``growth`` (middle, at most ``MOST_GROWTH``) and
        ``customers``.
    """
    known = ranking[(ranking["predicted_value"] > 0) & ranking["growth_rate"].notna()]
    value = np.floor(STEPS_A_DECADE * np.log10(known["predicted_value"].to_numpy(dtype=float)))
    growth = np.floor(
        np.minimum(known["growth_rate"].to_numpy(dtype=float), MOST_GROWTH) / GROWTH_STEP + 1e-9
    )
    cells = pd.DataFrame({"quadrant": known["quadrant"].to_numpy(), "value": value, "growth": growth})
    counted = cells.groupby(list(cells), observed=True).size().rename("customers").reset_index()
    return counted.assign(
        value=10 ** ((counted["value"] + 0.5) / STEPS_A_DECADE),
        growth=(counted["growth"] + 0.5) * GROWTH_STEP,
    )
