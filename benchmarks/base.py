"""Time and memory of `duramen base`, as a command, on data sets and on simulated orders.

In: nothing; CDNOW and Complete Journey, simulated orders of two years, and a file where one is named. Out: a printed
table, a line for each. Called by hand: `python benchmarks/base.py [--customers 1000000] [--orders FILE]`. Each run has
a process of its own; seconds and memory are those of the whole process, with reading the orders and writing the page.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from features import simulate
from train import KNOWN, SOURCE, measure

COMMAND = "from duramen.cli.app import main; main()"


def main() -> None:
    """Read the options and print a table."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--customers", type=int, nargs="*", default=[1_000_000])
    options.add_argument("--orders", nargs="*", default=[], help="files of orders")
    chosen = options.parse_args()
    print(f"{'orders':40}{'wall s':>10}{'CPU s':>10}{'peak GB':>10}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        orders = [
            "dataset:cdnow",
            "dataset:complete_journey",
            *(str(Path(file).resolve()) for file in chosen.orders),
        ]
        for customers in chosen.customers:
            path = folder / f"{customers}.parquet"
            simulate(path, int(customers / KNOWN))
            orders.append(str(path))
        for place in orders:
            run = measure(["-c", COMMAND, "base", place, "--out", str(folder / "base")], SOURCE, folder)
            print(
                f"{Path(place).name:40}{run['wall_s']:10.1f}{run['cpu_s']:10.1f}{run['memory_gb']:10.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
