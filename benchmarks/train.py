"""Time and memory of training, alone or beside other work, by this code or beside that of another checkout.

In: nothing; the orders are CDNOW's, or simulated. Out: a printed table, a line for each training and checkout.
Called by hand: `python benchmarks/train.py` with the simulated `--customers 10000 100000 1000000`, with `--samples`
(what a larger training sample would gain), with `--cdnow` or with `--demo` (all that `duramen demo` does).
`--busy` keeps a processor busy meanwhile. `--against /tmp/before/src --pairs 3` trains with the code of that folder
too; the two take turns, and the table has the median of each.

Each run has a process of its own. Wall and CPU seconds and memory at the peak are those of the whole process.
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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from features import simulate

import duramen
from duramen.data.customers import customer_table
from duramen.data.datasets import cdnow
from duramen.data.outcomes import customer_outcomes
from duramen.data.reading import read_transactions
from duramen.data.windows import Window
from duramen.evaluation.metrics import area_under_roc, normalised_gini
from duramen.forecast.settings import ForecastSettings
from duramen.scoring.model import CoreCustomerModel

# Two years of orders are simulated from 2022 on: the last half year is forecast, and its outcomes are known.
WINDOW = Window("2023-07-03", 182)
OF_CDNOW = Window("1998-04-01", 91)
# Part of the simulated customers who have bought by its cutoff.
KNOWN = 0.62
SAMPLES = (7_500, 15_000, 30_000, 60_000, 120_000)
SAMPLED_CUSTOMERS = 300_000
DEFAULT_SAMPLE = ForecastSettings().training_customers
SOURCE = Path(duramen.__file__).parents[1]
# Headings and formats of the figures of a run; those of `train` are missing where the command line trains.
FIGURES = {
    "customers": ("customers", ",.0f"),
    "wall_s": ("wall s", ".1f"),
    "cpu_s": ("CPU s", ".1f"),
    "read_s": ("read s", ".1f"),
    "fit_s": ("train s", ".1f"),
    "memory_gb": ("peak GB", ".2f"),
    "gini": ("Gini", ".4f"),
    "auc": ("AUC", ".4f"),
}


def train(orders: str, sample: int) -> dict[str, float]:
    """Fit all models at the rolling cutoffs; return seconds, and what the forecasts were worth."""
    started = time.perf_counter()
    of_cdnow = orders == "cdnow"
    tx = read_transactions(cdnow() if of_cdnow else orders)
    window = OF_CDNOW if of_cdnow else WINDOW
    read = time.perf_counter()
    model = CoreCustomerModel(forecast=ForecastSettings(training_customers=sample)).fit(tx, window)
    fitted = time.perf_counter()
    customers = customer_table(tx, window.cutoff)
    scores = model.predict(customers, with_reasons=False)
    outcomes = customer_outcomes(tx, window, customers)
    return {
        "customers": len(customers),
        "read_s": read - started,
        "fit_s": fitted - read,
        "gini": normalised_gini(scores["predicted_value"].to_numpy(), outcomes["value"].to_numpy()),
        "auc": area_under_roc(scores["probability_active"].to_numpy(), outcomes["active"].to_numpy()),
    }


def measure(words: Sequence[str], source: Path, folder: Path) -> dict[str, float]:
    """Run Python in a process of its own, with the package of a source folder; return the figures of the run."""
    # Threads that spin while they wait slow everything on a machine with few cores; the command line sets this too.
    environment = os.environ | {"PYTHONPATH": str(source), "OMP_WAIT_POLICY": "PASSIVE"}
    with (folder / "printed").open("w+") as printed, (folder / "errors").open("w+") as errors:
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *words], env=environment, cwd=folder, stdout=printed, stderr=errors
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        printed.seek(0)
        errors.seek(0)
        if status:
            raise SystemExit(errors.read())
        last = printed.read().splitlines()[-1]
    return {
        "wall_s": wall,
        "cpu_s": used.ru_utime + used.ru_stime,
        "memory_gb": used.ru_maxrss / 2**20,
    } | (json.loads(last) if last.startswith("{") else {})


@contextmanager
def busy_processor() -> Iterator[None]:
    """Keep one processor busy, by a process that ends with the block."""
    spinning = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        spinning.kill()
        spinning.wait()


def trainings(chosen: argparse.Namespace, folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Give the name of each training that was asked for, and the words that make Python do it."""
    this = str(Path(__file__).resolve())
    if chosen.demo:
        command = "from duramen.cli.app import main; main()"
        yield "demo", ["-c", command, "demo", "--out", str(folder / "demo")]
    if chosen.cdnow:
        yield "CDNOW", [this, "--run", "cdnow", str(DEFAULT_SAMPLE)]
    if chosen.demo or chosen.cdnow:
        return
    sizes = [SAMPLED_CUSTOMERS] if chosen.samples else chosen.customers
    for customers in sizes:
        path = folder / f"{customers}.parquet"
        simulate(path, int(customers / KNOWN))
        for sample in SAMPLES if chosen.samples else [DEFAULT_SAMPLE]:
            yield f"sample of {sample:,}", [this, "--run", str(path), str(sample)]


def print_line(name: str, source: str, runs: Sequence[dict[str, float]]) -> None:
    """Print the medians of some runs."""
    cells = [
        f"{statistics.median(run[key] for run in runs):{form}}" if key in runs[0] else "-"
        for key, (_, form) in FIGURES.items()
    ]
    print(f"{name:18}" + "".join(f"{cell:>10}" for cell in cells) + f"  {source}", flush=True)


def main() -> None:
    """Read the options and print a table."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--customers", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    options.add_argument("--samples", action="store_true", help="vary the training sample instead")
    options.add_argument("--cdnow", action="store_true", help="train on CDNOW instead")
    options.add_argument("--demo", action="store_true", help="time `duramen demo` instead")
    options.add_argument("--busy", action="store_true", help="beside a process that keeps one processor busy")
    options.add_argument("--against", type=Path, metavar="SRC", help="source folder of another checkout")
    options.add_argument("--pairs", type=int, default=1, help="runs of each, of which the median is printed")
    options.add_argument("--run", nargs=2, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.run:
        print(json.dumps(train(chosen.run[0], int(chosen.run[1]))))
        return
    sources = [SOURCE, *([chosen.against.resolve()] if chosen.against else [])]
    print(f"{'':18}" + "".join(f"{heading:>10}" for heading, _ in FIGURES.values()))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for training, words in trainings(chosen, folder):
            runs: dict[Path, list[dict[str, float]]] = {source: [] for source in sources}
            for _ in range(chosen.pairs):
                for source in sources:
                    with busy_processor() if chosen.busy else nullcontext():
                        runs[source].append(measure(words, source, folder))
            for source in sources:
                print_line(training, str(source), runs[source])


if __name__ == "__main__":
    main()
