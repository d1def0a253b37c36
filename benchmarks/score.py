"""Time and memory of `duramen score` as a whole process, by number of customers, and of pandas scripts.

In: nothing; the orders are simulated. Out: a printed table.
Called by hand: `python benchmarks/score.py --customers 100000 1000000 --reasons none core --scripts 1000000`.

Each run is a process of its own, from the command to its end; memory is the peak of what the system gave it. All
models are trained before, on the orders of the fewest customers. `--scripts` names for how many customers those of
`scripts.py` run too. `--turns` repeats the table, so that all take turns on a machine that is not always as fast.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

# The day after the last order.
CUTOFF = "2024-01-01"
# What the models are trained to forecast, before it.
TRAINING_CUTOFF, DAYS_AHEAD = "2023-07-03", 182
DAYS, AT_ONCE = 730, 500_000
DURAMEN = Path(sys.executable).with_name("duramen")
# Minutes and gigabytes for ten million customers without reasons, and how much longer those of the core may take.
BARS = (15, 4, 1.5)


def simulate(path: Path, customers: int) -> int:
    """Write two years of orders, about six a customer, 3 % of them returned, in no order of customers; return the rows.

    Customers are drawn some at a time, and each one's rows lie where those of others of its block do; the ids of a
    block are spread over all of them, as numbers of customers are in a shop's table.
    """
    random, rows = np.random.default_rng(11), 0
    ids = random.permutation(customers)
    schema = pa.schema([("customer_id", pa.string()), ("date", pa.date32()), ("amount", pa.float64()),
                        ("order_id", pa.int64())])  # fmt: skip
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, customers, AT_ONCE):
            own = ids[start : start + AT_ONCE]
            orders = np.maximum(random.poisson(random.gamma(0.9, 5.9 / 0.9, len(own))), 1)
            customer = np.repeat(own, orders)
            first = random.integers(0, 700, len(own)).repeat(orders)
            day = first + (random.random(len(customer)) * (DAYS - first)).astype(int)
            amount = random.lognormal(3.3, 0.8, len(customer)).round(2)
            amount *= np.where(random.random(len(customer)) < 0.03, -1, 1)
            order = np.argsort(day, kind="stable")
            text = np.char.add("C", np.char.zfill(customer[order].astype("U9"), 9))
            dates = (np.datetime64("2022-01-01") + day[order]).astype("datetime64[D]")
            columns = [text, dates, amount[order], np.arange(rows, rows + len(customer))]
            writer.write_table(pa.table([pa.array(column) for column in columns], schema=schema))
            rows += len(customer)
    return rows


def timed(command: list[str | Path], folder: Path) -> tuple[float, float, float]:
    """Run a command to its end; return seconds, those of the processors, and the gigabytes of its peak."""
    started = time.perf_counter()
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env=os.environ | {"OMP_WAIT_POLICY": "PASSIVE"}
        )
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{command} ended with {process.returncode}:\n{(folder / 'log.txt').read_text()}")
    return time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20


def by_script(way: str, orders: str, models: str, out: str) -> None:
    """Run one of the scripts in this process."""
    import scripts

    ways = {
        "careful, none": scripts.careful,
        "usual, none": scripts.usual,
        "usual, core": functools.partial(scripts.usual, reasons=True),
        "applied, none": functools.partial(scripts.usual, applied=True),
        "applied, core": functools.partial(scripts.usual, applied=True, reasons=True),
    }
    ways[way](Path(orders), Path(models), CUTOFF, Path(out))


SCRIPTS = ("careful, none", "usual, none", "usual, core", "applied, none", "applied, core")


def train(orders: Path, folder: Path) -> None:
    """Train what is not there yet: our model, and those of the scripts."""
    if not (folder / "model").exists():
        subprocess.run([DURAMEN, "train", orders, "--cutoff", TRAINING_CUTOFF, "--horizon", f"{DAYS_AHEAD}d",
                        "--model-out", folder / "model"], cwd=folder, check=True, capture_output=True)  # fmt: skip
    if not (folder / "usual").exists():
        import scripts

        scripts.train_usual(orders, folder, TRAINING_CUTOFF, DAYS_AHEAD)


def main() -> None:
    """Read the options, simulate, train, run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--reasons", nargs="+", default=["none", "core"])
    parser.add_argument("--scripts", type=int, nargs="*", default=[])
    parser.add_argument("--turns", type=int, default=1)
    parser.add_argument("--memory-limit", default="1GB")
    parser.add_argument("--threads", default="2")
    parser.add_argument("--folder", type=Path, help="where orders and the model are kept and found again")
    parser.add_argument("--run-script", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run_script:
        by_script(*options.run_script)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = options.folder or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        print(
            f"{'customers':>10} {'orders':>11} {'way':>16} {'minutes':>8} {'cpu min':>8} {'GB':>6} {'customers/s':>12}"
        )
        for customers, turn in itertools.product(sorted(options.customers), range(options.turns)):
            orders = folder / f"orders_{customers}.parquet"
            if not orders.exists():
                simulate(orders, customers)
            rows = pq.ParquetFile(orders).metadata.num_rows
            train(orders, folder)
            runs = {f"ours, {reasons}": [
                DURAMEN, "score", orders, "--model", folder / "model", "--cutoff", CUTOFF, "--reasons", reasons,
                "--out", folder / "scores.parquet", "--memory-limit", options.memory_limit,
                "--threads", options.threads] for reasons in options.reasons}  # fmt: skip
            if customers in options.scripts:
                script = [sys.executable, "-W", "ignore", __file__, "--run-script"]
                runs |= {way: [*script, way, orders, folder, folder / "script.parquet"] for way in SCRIPTS}
            for way in sorted(runs, reverse=bool(turn % 2)):
                seconds, cpu, peak = timed(runs[way], folder)
                print(f"{customers:>10,} {rows:>11,} {way:>16} {seconds / 60:>8.2f} {cpu / 60:>8.2f} {peak:>6.2f} "
                      f"{customers / seconds:>12,.0f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
