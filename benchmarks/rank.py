"""Time and memory of ranking scored customers, by number of customers, and of plain pandas.

In: nothing; the scores are those of CDNOW's customers, repeated under other ids. Out: a printed table of medians.
Called by hand: `python benchmarks/rank.py --customers 100000 1000000 --turns 5`.

Ours are ranks, tiers with the rising, ties by id and the columns of a scores file in their order, and P(core) apart;
the plain way gives ranks and tiers alone. They take turns, so that a busy machine slows both. Each run has a process
of its own; memory is what the work adds at its peak to a process with the scores in memory.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from duramen.data.customers import customer_table
from duramen.data.reading import read_transactions
from duramen.data.windows import Window
from duramen.scoring.model import CoreCustomerModel
from duramen.scoring.ranking import rank_core_customers
from explain import megabytes

WINDOW = Window("1998-04-01", 91)
WORKS = ("ours", "P(core)", "plain pandas")
# Seconds that ranking a million customers with P(core) may take.
BAR = 20.0


def rank_plainly(scores: pd.DataFrame) -> pd.DataFrame:
    """Rank and put into tiers by cumulative value, as one would in a notebook."""
    ranked = scores.sort_values("score", ascending=False, ignore_index=True)
    ranked["rank"] = ranked.index + 1
    value = ranked["predicted_value"].sort_values(ascending=False)
    share = value.cumsum() / value.sum()
    ranked["tier"] = pd.cut(share, [0, 0.4, 0.8, 0.95, np.inf], labels=["VIP", "main", "regular", "small"])
    return ranked


def repeated(scores: pd.DataFrame, customers: int) -> pd.DataFrame:
    """Return so many scored customers, in no order, each with an id of its own."""
    rng = np.random.default_rng(0)
    many = scores.iloc[rng.integers(0, len(scores), customers)].reset_index(drop=True)
    return many.assign(customer_id=[f"{number:08d}" for number in rng.permutation(customers)])


def measure(folder: Path, scores: Path, work: str) -> dict[str, float]:
    """Do one of the works; return its seconds, and the megabytes that it adds at its peak."""
    many, model = pd.read_parquet(scores), CoreCustomerModel.load(folder)
    # Linux forgets the peak of what was read.
    Path("/proc/self/clear_refs").write_text("5")
    used, started = megabytes("VmRSS"), time.perf_counter()
    if work == "ours":
        rank_core_customers(many)
    elif work == "plain pandas":
        rank_plainly(many)
    else:
        value, probability = many["predicted_value"].to_numpy(), many["probability_active"].to_numpy()
        model.forecast_.distribution_.probability_above(value, probability, model.core_money_)
    return {"seconds": time.perf_counter() - started, "added": megabytes("VmHWM") - used}


def in_a_process(*words: str | Path) -> dict[str, float]:
    """Measure in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--run", *words], capture_output=True, text=True, check=True
    )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> None:
    """Read the options and print a table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--customers", type=int, nargs="+", default=[100_000, 1_000_000])
    options.add_argument("--turns", type=int, default=5)
    options.add_argument("--run", nargs=3, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.run:
        print(json.dumps(measure(Path(chosen.run[0]), Path(chosen.run[1]), chosen.run[2])))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tx = read_transactions("dataset:cdnow")
        model = CoreCustomerModel().fit(tx, WINDOW)
        model.save(folder / "model")
        scores = model.predict(customer_table(tx, WINDOW.cutoff))
        print(f"{'customers':>10} {'work':>12} {'seconds':>8} {'adds, MB':>9}")
        for customers in chosen.customers:
            path = folder / f"{customers}.parquet"
            repeated(scores, customers).to_parquet(path)
            turns = [{work: in_a_process(folder / "model", path, work) for work in WORKS}
                     for _ in range(chosen.turns)]  # fmt: skip
            seconds, added = (
                {work: statistics.median(turn[work][figure] for turn in turns) for work in WORKS}
                for figure in ("seconds", "added")
            )
            for work in WORKS:
                print(f"{customers:>10,} {work:>12} {seconds[work]:>8.2f} {added[work]:>9,.0f}", flush=True)
            if seconds["ours"] + seconds["P(core)"] > BAR:
                print(f"{customers:>10,} above {BAR:g} s")


if __name__ == "__main__":
    main()
