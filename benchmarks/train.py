"""Time and memory of training on ever more customers, and what a larger training sample would gain.

In: nothing; the orders are simulated. Out: a printed table.
Called by hand: `python benchmarks/train.py --customers 10000 100000 1000000`, or `--samples` for the second question.

Each run has a process of its own; memory is the peak of the whole process, with DuckDB's.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from features import simulate

from duramen.data.customers import customer_table
from duramen.data.outcomes import customer_outcomes
from duramen.data.reading import read_transactions
from duramen.data.windows import Window
from duramen.evaluation.metrics import area_under_roc, normalised_gini
from duramen.forecast.settings import ForecastSettings
from duramen.scoring.model import CoreCustomerModel

# Two years of orders are simulated from 2022 on: the last half year is forecast, and its outcomes are known.
WINDOW = Window("2023-07-03", 182)
# Part of the simulated customers who have bought by its cutoff.
KNOWN = 0.62
SAMPLES = (7_500, 15_000, 30_000, 60_000, 120_000)
SAMPLED_CUSTOMERS = 300_000


def train(path: Path, sample: int) -> dict[str, float]:
    """Fit all models at the rolling cutoffs; return seconds, gigabytes, and what the forecasts were worth."""
    started = time.perf_counter()
    tx = read_transactions(path)
    read = time.perf_counter()
    model = CoreCustomerModel(forecast=ForecastSettings(training_customers=sample)).fit(tx, WINDOW)
    fitted = time.perf_counter()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    customers = customer_table(tx, WINDOW.cutoff)
    scores = model.predict(customers, with_reasons=False)
    outcomes = customer_outcomes(tx, WINDOW, customers)
    return {
        "customers": len(customers),
        "read_s": read - started,
        "fit_s": fitted - read,
        "memory_gb": memory,
        "gini": normalised_gini(scores["predicted_value"].to_numpy(), outcomes["value"].to_numpy()),
        "auc": area_under_roc(scores["probability_active"].to_numpy(), outcomes["active"].to_numpy()),
    }


def in_a_process(path: Path, sample: int) -> dict[str, float]:
    """Train in a process of its own."""
    # Threads that spin while they wait slow everything on a machine with few cores; the command line sets this too.
    done = subprocess.run(
        [sys.executable, __file__, "--run", str(path), str(sample)],
        env=os.environ | {"OMP_WAIT_POLICY": "PASSIVE"},
        capture_output=True,
        text=True,
        check=True,
    )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> None:
    """Read the options and print a table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--customers", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    options.add_argument("--samples", action="store_true", help="vary the training sample instead")
    options.add_argument("--run", nargs=2, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.run:
        print(json.dumps(train(Path(chosen.run[0]), int(chosen.run[1]))))
        return
    default = ForecastSettings().training_customers
    runs = (
        [(SAMPLED_CUSTOMERS, sample) for sample in SAMPLES]
        if chosen.samples
        else [(customers, default) for customers in chosen.customers]
    )
    print(
        f"{'customers':>10} {'sample':>8} {'read s':>7} {'train s':>8} {'peak GB':>8} {'Gini':>7} {'AUC':>7}"
    )
    with tempfile.TemporaryDirectory() as folder:
        for customers, sample in runs:
            path = Path(folder) / f"{customers}.parquet"
            if not path.exists():
                simulate(path, int(customers / KNOWN))
            run = in_a_process(path, sample)
            print(
                f"{run['customers']:>10,} {sample:>8,} {run['read_s']:>7.1f} {run['fit_s']:>8.1f} "
                f"{run['memory_gb']:>8.2f} {run['gini']:>7.4f} {run['auc']:>7.4f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
