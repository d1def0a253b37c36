"""Time and memory of ranking ever more scored customers, beside what one would write in pandas.

In: nothing; the scores are those of CDNOW's customers, repeated under other ids. Out: a printed table of medians.
Called by hand: `python benchmarks/rank.py --customers 100000 1000000 --turns 5`.

Ours are ranks, tiers with the rising, ties by id, all columns of a scores file, and P(core) apart; the plain way gives
ranks and tiers alone. They take turns, so that a busy machine slows both. Memory is what ranking adds at its
peak to a process that holds the scores already.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from explain import megabytes

from duramen.data.customers import customer_table
from duramen.data.transactions import read_transactions
from duramen.data.windows import Window
from duramen.scoring.model import CoreCustomerModel
from duramen.scoring.ranking import rank_core_customers

WINDOW = Window("1998-04-01", 91)
# Seconds that ranking a million customers with P(core) may take.
BAR = 20.0


def rank_plainly(scores: pd.DataFrame) -> pd.DataFrame:
    """Rank and put into tiers by cumulative value, as one would in a notebook."""
    ranked = scores.sort_values("score", ascending=False, ignore_index=True)
    ranked["rank"] = ranked.index + 1
    value = ranked["predicted_value"].sort_values(ascending=False)
    held = value.cumsum() / value.sum()
    ranked["tier"] = pd.cut(held, [0, 0.4, 0.8, 0.95, np.inf], labels=["VIP", "main", "regular", "small"])
    return ranked


def repeated(scores: pd.DataFrame, customers: int) -> pd.DataFrame:
    """Return so many scored customers, in no order, each with an id of its own."""
    rng = np.random.default_rng(0)
    many = scores.iloc[rng.integers(0, len(scores), customers)].reset_index(drop=True)
    return many.assign(customer_id=[f"{number:08d}" for number in rng.permutation(customers)])


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds of some work, and the megabytes that it adds at its peak."""
    # Linux forgets the peak of what came before.
    Path("/proc/self/clear_refs").write_text("5")
    held = megabytes("VmRSS")
    started = time.perf_counter()
    work()
    return time.perf_counter() - started, megabytes("VmHWM") - held


def main() -> None:
    """Read the options and print a table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--customers", type=int, nargs="+", default=[100_000, 1_000_000])
    options.add_argument("--turns", type=int, default=5)
    chosen = options.parse_args()
    tx = read_transactions("dataset:cdnow")
    model = CoreCustomerModel().fit(tx, WINDOW)
    scores = model.score(customer_table(tx, WINDOW.cutoff))
    print(f"{'customers':>10} {'work':>12} {'seconds':>8} {'adds, MB':>9}")
    for customers in chosen.customers:
        many = repeated(scores, customers)
        value, probability = many["predicted_value"].to_numpy(), many["probability_active"].to_numpy()
        works: dict[str, Callable[[], object]] = {
            "ours": lambda many=many: rank_core_customers(many),
            "P(core)": lambda value=value, probability=probability: model.distribution_.probability_above(
                value, probability, model.core_money_
            ),
            "plain pandas": lambda many=many: rank_plainly(many),
        }
        runs: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
        for _ in range(chosen.turns):
            for name, work in works.items():
                runs[name].append(measured(work))
        medians = {name: [statistics.median(figures) for figures in zip(*of_work, strict=True)]
                   for name, of_work in runs.items()}  # fmt: skip
        late = medians["ours"][0] + medians["P(core)"][0] > BAR
        for name, (seconds, added) in medians.items():
            above = f" above {BAR:g} s" if late and name != "plain pandas" else ""
            print(f"{customers:>10,} {name:>12} {seconds:>8.2f} {added:>9,.0f}{above}", flush=True)


if __name__ == "__main__":
    main()
