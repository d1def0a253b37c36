"""Rows explained per second, by duramen and by shap.TreeExplainer on the same trees, and memory by number of customers.

In: nothing; the orders are simulated and the default models fitted to them. Out: a printed table of medians of pairs.
Called by hand: `python benchmarks/explain.py --customers 100000 1000000 --pairs 5`.

TreeExplainer is slow, so it explains a sample of the customers. The two take turns, so that a busy machine slows both.
Our time includes the comparison with LightGBM's own values. Memory is what explaining adds to a process that
has the customers in memory already.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
from features import simulate

from duramen.data.customers import customer_table
from duramen.data.reading import read_transactions
from duramen.data.windows import Window
from duramen.explain.tree_shap import TreeShap
from duramen.forecast.folds import model_features
from duramen.scoring.model import CoreCustomerModel

# Two years of orders are simulated from 2022 on, and the trees learn from as many customers as by default.
WINDOW = Window("2023-07-03", 182)
LEARNED_FROM = 100_000
# Customers that TreeExplainer explains: some seconds of work.
SAMPLED = 20_000
BAR = 8.0


def prepare(folder: Path) -> pd.DataFrame:
    """Fit the default models, keep their trees, and return what these see of the customers."""
    simulate(folder / "orders.parquet", LEARNED_FROM)
    tx = read_transactions(folder / "orders.parquet")
    model = CoreCustomerModel().fit(tx, WINDOW)
    for name, booster in model.boosters().items():
        booster.save_model(folder / f"{name}.txt")
    customers = customer_table(tx, WINDOW.cutoff)
    return model_features(customers, model.forecast_.btyd_, WINDOW.horizon, model.forecast_.money_unit_)


def explain_all(booster: lgb.Booster, features: pd.DataFrame) -> float:
    """Explain a block at a time, as one would who writes them to a file; return the seconds."""
    started = time.perf_counter()
    for _ in TreeShap(booster).blocks(features):
        pass
    return time.perf_counter() - started


def explain_sample(booster: lgb.Booster, features: pd.DataFrame) -> float:
    """Explain by shap.TreeExplainer; return the seconds."""
    import shap

    started = time.perf_counter()
    shap.TreeExplainer(booster).shap_values(features)
    return time.perf_counter() - started


def compare(booster: lgb.Booster, features: pd.DataFrame, pairs: int) -> tuple[float, float, float]:
    """Return the median rows a second of ours and of TreeExplainer, and the median of their ratio."""
    sample = features.iloc[:: max(1, len(features) // SAMPLED)].reset_index(drop=True)
    for explain in (explain_all, explain_sample):
        explain(booster, sample.head(100))
    ours, theirs = [], []
    for pair in range(pairs):
        turns = [lambda: ours.append(len(features) / explain_all(booster, features)),
                 lambda: theirs.append(len(sample) / explain_sample(booster, sample))]  # fmt: skip
        for turn in turns[:: 1 if pair % 2 else -1]:
            turn()
    ratios = [fast / slow for fast, slow in zip(ours, theirs, strict=True)]
    return statistics.median(ours), statistics.median(theirs), statistics.median(ratios)


def memory_of(path: Path, trees: list[Path]) -> dict[str, float]:
    """Return the megabytes of a process with the customers in memory, and what explaining adds at its peak."""
    features = pd.read_parquet(path)
    boosters = [lgb.Booster(model_file=tree) for tree in trees]
    # The libraries are paid for once, however many customers there are.
    for booster in boosters:
        explain_all(booster, features.head(1000))
    # Linux forgets the peak of what was read.
    Path("/proc/self/clear_refs").write_text("5")
    used = megabytes("VmRSS")
    for booster in boosters:
        explain_all(booster, features)
    return {"used": used, "added": megabytes("VmHWM") - used}


def megabytes(kind: str) -> float:
    """Return a figure of this process's memory."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(kind)) / 1024


def main() -> None:
    """Read the options and print two tables."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--customers", type=int, nargs="+", default=[100_000, 1_000_000])
    options.add_argument("--pairs", type=int, default=5)
    options.add_argument("--memory", nargs="+", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.memory:
        print(json.dumps(memory_of(Path(chosen.memory[0]), [Path(tree) for tree in chosen.memory[1:]])))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        known = prepare(folder)
        trees = [
            folder / f"{part}.txt" for part in ("value", "activity") if (folder / f"{part}.txt").exists()
        ]
        print(
            f"{'customers':>10} {'model':>9} {'trees':>6} {'ours/s':>9} {'TreeExplainer/s':>16} {'times':>6}"
        )
        for customers in chosen.customers:
            features = known.iloc[np.arange(customers) % len(known)].reset_index(drop=True)
            for tree in trees:
                booster = lgb.Booster(model_file=tree)
                ours, theirs, times = compare(booster, features, chosen.pairs)
                print(
                    f"{customers:>10,} {tree.stem:>9} {booster.num_trees():>6} {ours:>9,.0f} {theirs:>16,.0f} "
                    f"{times:>6.1f}{'' if times >= BAR else f' below {BAR:g}'}",
                    flush=True,
                )
            features.to_parquet(folder / f"{customers}.parquet")
        del features
        print(f"{'customers':>10} {'they take, MB':>14} {'explaining adds, MB':>20}")
        for customers in chosen.customers:
            done = subprocess.run(
                [
                    sys.executable,
                    __file__,
                    "--memory",
                    str(folder / f"{customers}.parquet"),
                    *map(str, trees),
                ],
                env=os.environ | {"OMP_WAIT_POLICY": "PASSIVE"},
                capture_output=True,
                text=True,
                check=True,
            )
            run = json.loads(done.stdout.splitlines()[-1])
            print(f"{customers:>10,} {run['used']:>14,.0f} {run['added']:>20,.0f}", flush=True)


if __name__ == "__main__":
    main()
