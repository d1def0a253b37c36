"""Evaluate the weight of growth at every cutoff with two horizons before and after it, compared with value alone.

At each cutoff the customers are ranked by models that know nothing later; the money is that of the horizon after the
forecast one. A weight is chosen at one cutoff and then evaluated at the cutoff two horizons later, whose money it has
not seen.

Run it with: python experiments/growth_weight.py SOURCE HORIZON [HORIZON ...]
"""

from __future__ import annotations

import sys
from datetime import date, timedelta

import numpy as np
import pandas as pd

from duramen.data.customers import customer_table
from duramen.data.outcomes import customer_outcomes
from duramen.data.reading import read_transactions
from duramen.data.transactions import Transactions
from duramen.data.windows import Window
from duramen.errors import InputError
from duramen.evaluation.metrics import captured
from duramen.scoring.growth_weight import choose_growth_weight, growth_weight_curve
from duramen.scoring.model import CoreCustomerModel

FIFTH = 0.2


def main(source: str, horizons: list[int]) -> None:
    """Print a row a cutoff, and the means."""
    tx = read_transactions(source)
    rows = []
    for horizon in horizons:
        curves: dict[date, pd.DataFrame] = {}
        for window in windows_of(tx, horizon):
            curve = evaluate(tx, window)
            if curve is None:
                continue
            curves[window.cutoff] = curve
            row = {
                "cutoff": window.cutoff,
                "days": horizon,
                "fitted here": choose_growth_weight(curve.reset_index()),
            }
            row["gain here"] = curve.loc[row["fitted here"], "difference"]
            earlier = curves.get(window.cutoff - timedelta(days=2 * horizon))
            if earlier is not None:
                row["fitted before"] = choose_growth_weight(earlier.reset_index())
                later = curve.loc[row["fitted before"]]
                row |= {"gain": later["difference"], "low": later["low"], "high": later["high"]}
                row["gain at 20 %"] = later["fifth"] - curve.loc[0.0, "fifth"]
            rows.append(row)
            print(row, flush=True)
    table = pd.DataFrame(rows)
    print(table.round(5).to_string(index=False))
    print(table.drop(columns="cutoff").mean().round(5).to_string())


def windows_of(tx: Transactions, horizon: int) -> list[Window]:
    """Return windows half a horizon apart, the earliest first, with a horizon before and two after their cutoffs."""
    last = tx.last_date + timedelta(days=1 - 2 * horizon)
    windows = []
    # Halves of an odd horizon are rounded, but four of them are two horizons.
    while (
        (cutoff := last - timedelta(days=round(len(windows) * horizon / 2))) - tx.first_date
    ).days >= horizon:
        windows.append(Window(cutoff, horizon))
    return windows[::-1]


def evaluate(tx: Transactions, window: Window) -> pd.DataFrame | None:
    """Return the curve at a cutoff by weight, with what the first fifth captured; None where nothing can be fitted."""
    customers = customer_table(tx, window.cutoff)
    try:
        scores = CoreCustomerModel(growth_weight=0.0).fit(tx, window).predict(customers, with_reasons=False)
    except InputError as error:
        print(f"{window}: {error}")
        return None
    scores = scores.set_index("customer_id").loc[customers["customer_id"]]
    value, potential, past = (
        scores[name].to_numpy() for name in ("predicted_value", "growth_potential", "past_value")
    )
    money = customer_outcomes(tx, Window(window.end, window.horizon), customers)["value"].to_numpy()
    curve = growth_weight_curve(value, potential, money, past).set_index("weight")
    curve["fifth"] = [captured(value + weight * potential, money, FIFTH) for weight in np.array(curve.index)]
    return curve


if __name__ == "__main__":
    main(sys.argv[1], [int(word) for word in sys.argv[2:]])
