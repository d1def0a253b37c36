"""Time and memory of `duramen score` as a whole process, for ever more customers, beside the pandas script of a user.

In: nothing; the orders are simulated. Out: a printed table.
Called by hand: `python benchmarks/score.py --customers 100000 1000000 --reasons none core`.

Each run is a process of its own, from the command to its end; memory is the peak of what the system gave it. The model
is trained once, on the orders of the fewest customers. `--plain 1000000` runs two pandas scripts on so many, all
customers at once. "careful pandas" does what ours does: the vectorised group-bys of `features.py`, then scores by the
same model, ranks and tiers. "tutorial pandas" is what tutorials of lifetimes teach, and makes less: recency, frequency
and money by a function of each group, the summary of lifetimes, its forecasts and lifetime value with parameters that
are known, and quintiles.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

# The day after the last order.
CUTOFF, HORIZON = "2024-01-01", "182d"
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


def plainly(orders: Path, model: Path, out: Path) -> None:
    """Do it as one would in a notebook: everything in pandas, everybody at once."""
    from features import by_pandas
    from rank import rank_plainly

    from duramen.scoring.model import CoreCustomerModel

    table = by_pandas(orders)
    table.attrs["cutoff"] = CUTOFF
    scores = CoreCustomerModel.load(model).score(table, with_reasons=False)
    rank_plainly(scores).to_parquet(out)


def as_tutorials_do(orders: Path, model: Path, out: Path) -> None:
    """Do it as tutorials of lifetimes teach it; of the model only the horizon is taken."""
    from lifetimes import BetaGeoFitter, GammaGammaFitter
    from lifetimes.utils import summary_data_from_transaction_data

    from duramen.scoring.model import CoreCustomerModel

    horizon = CoreCustomerModel.load(model).window_.horizon
    rows = pd.read_parquet(orders)
    rows["date"] = pd.to_datetime(rows["date"])
    rows = rows[rows["amount"] > 0]
    snapshot = pd.Timestamp(CUTOFF)
    rfm = rows.groupby("customer_id").agg(
        days=("date", lambda days: (snapshot - days.max()).days),
        orders=("order_id", lambda ids: ids.nunique()),
        money=("amount", lambda money: money.sum()),
    )
    summary = summary_data_from_transaction_data(
        rows, "customer_id", "date", "amount", observation_period_end=CUTOFF
    )
    purchases, spend = BetaGeoFitter(), GammaGammaFitter()
    purchases.params_ = pd.Series({"r": 0.9, "alpha": 100.0, "a": 0.1, "b": 2.0})
    spend.params_ = pd.Series({"p": 2.0, "q": 3.0, "v": 40.0})
    # What fitting sets, and lifetime value asks for.
    purchases.predict = purchases.conditional_expected_number_of_purchases_up_to_time
    history = summary["frequency"], summary["recency"], summary["T"]
    table = summary.join(rfm).assign(
        purchases=purchases.conditional_expected_number_of_purchases_up_to_time(horizon, *history),
        alive=purchases.conditional_probability_alive(*history),
        value=spend.customer_lifetime_value(
            purchases, *history, summary["monetary_value"], time=horizon // 30, freq="D"
        ),
    )
    table = table.sort_values("value", ascending=False)
    table["quintile"] = pd.qcut(table["value"].rank(method="first"), 5, labels=False)
    table.reset_index().to_parquet(out)


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


PLAIN_WAYS = {"careful pandas": plainly, "tutorial pandas": as_tutorials_do}


def main() -> None:
    """Read the options, simulate, train, run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--reasons", nargs="+", default=["none", "core"])
    parser.add_argument("--plain", type=int, nargs="*", default=[])
    parser.add_argument("--memory-limit", default="1GB")
    parser.add_argument("--threads", default="2")
    parser.add_argument("--folder", type=Path, help="where orders and the model are kept and found again")
    parser.add_argument("--run-plainly", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run_plainly:
        way, *paths = options.run_plainly
        PLAIN_WAYS[way](*map(Path, paths))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = options.folder or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        model = folder / "model"
        print(
            f"{'customers':>10} {'orders':>11} {'way':>16} {'minutes':>8} {'cpu min':>8} {'GB':>6} {'customers/s':>12}"
        )
        for customers in sorted(options.customers):
            orders = folder / f"orders_{customers}.parquet"
            if not orders.exists():
                simulate(orders, customers)
            rows = pq.ParquetFile(orders).metadata.num_rows
            if not model.exists():
                subprocess.run([DURAMEN, "train", orders, "--cutoff", "2023-07-03", "--horizon", HORIZON,
                                "--model-out", model], cwd=folder, check=True, capture_output=True)  # fmt: skip
            runs = {f"reasons {reasons}": [
                DURAMEN, "score", orders, "--model", model, "--cutoff", CUTOFF, "--reasons", reasons,
                "--out", folder / "scores.parquet", "--memory-limit", options.memory_limit,
                "--threads", options.threads] for reasons in options.reasons}  # fmt: skip
            if customers in options.plain:
                for way in PLAIN_WAYS:
                    plain = [sys.executable, __file__, "--run-plainly", way]
                    runs[way] = [*plain, orders, model, folder / "plain.parquet"]
            for way, command in runs.items():
                seconds, cpu, peak = timed(command, folder)
                print(f"{customers:>10,} {rows:>11,} {way:>16} {seconds / 60:>8.2f} {cpu / 60:>8.2f} {peak:>6.2f} "
                      f"{customers / seconds:>12,.0f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
