"""Time and memory from a file of orders to the customer table, by this package and by pandas group-bys.

In: nothing; the orders are simulated. Out: a printed table of medians; an error where the two differ.
Called by hand: `python benchmarks/features.py --customers 1000000 --pairs 3`.

Each run has a process of its own, timed after the imports. The two ways take turns, so that a busy machine
slows both.
"""

import argparse
import datetime
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import ibis.backends.duckdb  # noqa: F401  loaded before the clock starts, as pandas is
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from duramen.data.customers import customer_table
from duramen.data.reading import read_transactions

# The day after the last order: both ways have to look at every row.
CUTOFF = datetime.date(2024, 1, 1)
MEMORY = "1GB"


def simulate(path: Path, customers: int) -> int:
    """Write two years of orders, about six a customer, 3 % of them returned and 1 % reversed at once, by date."""
    random = np.random.default_rng(11)
    orders = np.maximum(random.poisson(random.gamma(0.9, 5.9 / 0.9, customers)), 1)
    customer = np.repeat(np.arange(customers), orders)
    start = random.integers(0, 700, customers)[customer]
    day = start + (random.random(customer.size) * (730 - start)).astype(int)
    amount = np.round(random.lognormal(3.3, 0.8, customer.size), 2)
    reversal = random.random(customer.size) < 0.01
    customer, day = np.append(customer, customer[reversal]), np.append(day, day[reversal])
    amount = np.append(amount * np.where(random.random(amount.size) < 0.03, -1, 1), -amount[reversal])
    order = np.argsort(day, kind="stable")
    columns = {
        "customer_id": customer[order],
        "date": (np.datetime64("2022-01-01") + day[order]).astype("datetime64[ms]"),
        "amount": amount[order],
        "order_id": np.arange(customer.size),
    }
    pq.write_table(pa.table(columns), path)
    return customer.size


def by_duramen(path: Path) -> pd.DataFrame:
    """Read and check every row, and make the table."""
    tx = read_transactions(path, memory_limit=MEMORY, threads=2)
    return customer_table(tx, CUTOFF)


def by_pandas(path: Path) -> pd.DataFrame:
    """From file to table with vectorised group-bys, as a careful analyst writes them."""
    orders = pd.read_parquet(path)
    orders["date"] = pd.to_datetime(orders["date"])
    orders = orders[orders["date"] < pd.Timestamp(CUTOFF)]
    # The same checks: values that are missing or not numeric, and duplicate lines.
    orders = orders[orders["customer_id"].notna() & np.isfinite(orders["amount"])].drop_duplicates()
    orders["bought"] = orders["amount"].clip(lower=0)
    orders["returned"] = (-orders["amount"]).clip(lower=0)
    orders["line"] = orders["amount"] > 0
    orders["order_id"] = orders["order_id"].where(orders["line"])
    days = orders.groupby(["customer_id", "date"], as_index=False).agg(
        net=("amount", "sum"),
        bought=("bought", "sum"),
        returned=("returned", "sum"),
        lines=("line", "sum"),
        orders=("order_id", "nunique"),
    )
    days = without_reversals(days, orders)
    del orders
    days["orders"] = days["orders"].clip(lower=1)
    days["net"] = days["net"].round(2)
    days["before"] = (pd.Timestamp(CUTOFF) - days["date"]).dt.days
    buys = days[days["net"] > 0].copy()
    buys["gap"] = buys.groupby("customer_id")["date"].diff().dt.days
    buys["log_gap"] = np.log(buys["gap"])
    buys["log_net"] = np.log(buys["net"])
    buys["weighted"] = buys["net"] * buys["before"]
    buys["weekend"] = buys["date"].dt.dayofweek >= 5
    buys["season"] = (buys["before"] - 1) % 364 >= 273

    customer = buys.groupby("customer_id")
    t = customer.agg(
        n=("net", "size"),
        T=("before", "max"),
        time_since_last=("before", "min"),
        before=("before", "sum"),
        basket=("net", "sum"),
        basket_first=("net", "first"),
        basket_last=("net", "last"),
        basket_largest=("net", "max"),
        log_net=("log_net", "mean"),
        weighted=("weighted", "sum"),
        gap_mean=("gap", "mean"),
        gap_std=("gap", "std"),
        log_gap=("log_gap", "mean"),
        gap_longest=("gap", "max"),
        lines=("lines", "sum"),
        orders=("orders", "sum"),
        weekend_share=("weekend", "mean"),
        season_share=("season", "mean"),
    )
    # The last purchase day's gap may be missing only where it is the first, so `last` finds the right one.
    t["gap_last"] = customer["gap"].last()
    t[["net_spend", "bought", "returned"]] = days.groupby("customer_id")[["net", "bought", "returned"]].sum()
    returns = days[days["returned"] > 0].groupby("customer_id")["before"].agg(["size", "min"])
    t["return_days"] = returns["size"]
    t["return_days"] = t["return_days"].fillna(0)
    t["time_since_return"] = returns["min"]

    def spend(low, high, rows=days):
        inside = rows[(rows["before"] > low) & (rows["before"] <= high)]
        return inside.groupby("customer_id")["net"].sum().reindex(t.index, fill_value=0)

    def count(low, high):
        inside = buys[(buys["before"] > low) & (buys["before"] <= high)]
        return inside.groupby("customer_id").size().reindex(t.index, fill_value=0)

    def change(recent, earlier, age):
        return ((recent - earlier) / (recent.abs() + earlier.abs())).where(t["T"] >= age)

    f = pd.DataFrame(index=t.index)
    f["frequency"] = t["n"] - 1
    f["recency"] = t["T"] - t["time_since_last"]
    f["T"] = t["T"]
    repeat = f["frequency"].where(f["frequency"] > 0)
    f["monetary_value"] = (t["basket"] - t["basket_first"]) / repeat
    f["time_since_last"] = t["time_since_last"]
    f["active_share"] = f["recency"] / f["T"]
    for window in (28, 91, 182, 364):
        f[f"purchase_days_{window}"] = count(0, window)
    f["purchase_rate"] = f["frequency"] / f["T"]
    f["net_spend"] = t["net_spend"]
    for window in (28, 91, 182, 364):
        f[f"net_spend_{window}"] = spend(0, window)
    f["net_spend_per_day"] = f["net_spend"] / f["T"]
    f["lines"] = t["lines"]
    f["orders"] = t["orders"]
    f["lines_per_order"] = t["lines"] / t["orders"]
    f["basket_mean"] = t["basket"] / t["n"]
    f["basket_geometric_mean"] = np.exp(t["log_net"])
    f["basket_evenness"] = f["basket_geometric_mean"] / f["basket_mean"]
    f["basket_first"] = t["basket_first"]
    f["basket_last"] = t["basket_last"]
    f["basket_largest"] = t["basket_largest"]
    f["basket_last_ratio"] = t["basket_last"] / f["basket_mean"]
    f["gap_mean"] = t["gap_mean"]
    f["gap_geometric_mean"] = np.exp(t["log_gap"])
    f["gap_last"] = t["gap_last"]
    f["gap_longest"] = t["gap_longest"]
    population = np.sqrt((f["frequency"] - 1) / repeat)
    f["gap_variation"] = t["gap_std"] * population / t["gap_mean"]
    f["overdue"] = t["time_since_last"] / t["gap_mean"]
    f["overdue_geometric"] = t["time_since_last"] / f["gap_geometric_mean"]
    f["overdue_longest"] = t["time_since_last"] / t["gap_longest"]
    spend_before, spend_half = spend(91, 182), spend(182, 364)
    f["purchase_trend_91"] = change(f["purchase_days_91"], count(91, 182), 182)
    f["purchase_trend_182"] = change(f["purchase_days_182"], count(182, 364), 364)
    f["spend_trend_91"] = change(f["net_spend_91"], spend_before, 182)
    f["spend_trend_182"] = change(f["net_spend_182"], spend_half, 364)
    f["spend_change_per_day"] = ((f["net_spend_91"] - spend_before) / 91).where(t["T"] >= 182)
    f["purchase_position"] = (t["n"] * t["T"] - t["before"]) / (repeat * t["T"])
    f["spend_position"] = (1 - t["weighted"] / t["basket"] / t["T"]).where(repeat.notna())
    f["basket_recent_ratio"] = spend(0, 182, buys) / f["purchase_days_182"] / f["basket_mean"]
    f["season_net_spend"] = spend(273, 364).where(t["T"] >= 364)
    f["season_purchase_days"] = count(273, 364).where(t["T"] >= 364)
    f["season_share"] = t["season_share"].where(t["T"] >= 364)
    f["spend_trend_year"] = change(f["net_spend_91"], spend(364, 455), 455)
    f["weekend_share"] = t["weekend_share"]
    f["returned"] = t["returned"]
    f["return_rate"] = t["returned"] / t["bought"]
    f["return_days"] = t["return_days"]
    f["time_since_return"] = t["time_since_return"]
    return f.astype("float64").reset_index()


def without_reversals(days: pd.DataFrame, orders: pd.DataFrame) -> pd.DataFrame:
    """Take a sale and a return of the same amount on the same day out of what was bought and returned."""
    key = ["customer_id", "date"]
    seen = orders.merge(orders.loc[orders["amount"] < 0, key].drop_duplicates(), on=key)
    sizes = seen.groupby([*key, seen["amount"].abs()])["line"].agg(["sum", "size"])
    pairs = np.minimum(sizes["sum"], sizes["size"] - sizes["sum"])
    money = (pairs * sizes.index.get_level_values("amount")).groupby(level=key).sum().rename("cancelled")
    counted = pairs.groupby(level=key).sum().rename("pairs")
    days = days.merge(pd.concat([money, counted], axis=1).reset_index(), on=key, how="left")
    days[["bought", "returned"]] = days[["bought", "returned"]].sub(days["cancelled"].fillna(0), axis=0)
    days["returned"] = days["returned"].round(2)
    days["lines"] -= days["pairs"].fillna(0)
    return days


WAYS: dict[str, Callable] = {"duramen": by_duramen, "pandas": by_pandas}


def run_once(way: str, path: Path, keep: Path) -> None:
    """Run one way in this process, print its figures as JSON and keep its table."""
    wall, cpu = time.perf_counter(), time.process_time()
    table = WAYS[way](path)
    figures = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    figures["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    table.to_parquet(keep)
    print(json.dumps(figures))


def assert_equal(folder: Path) -> None:
    """Compare the two tables, column by column."""
    found, wanted = (pd.read_parquet(folder / f"{way}.parquet") for way in ("duramen", "pandas"))
    assert list(found.columns) == list(wanted.columns)
    assert (found["customer_id"] == wanted["customer_id"]).all()
    for name in found.columns:
        # Sums of floats differ in the last digits, geometric means by the millionths that are summed.
        np.testing.assert_allclose(found[name], wanted[name], rtol=2e-6, atol=1e-7, err_msg=name)
    print(f"equal: {len(found):,} customers, {len(found.columns) - 1} features")


def main() -> None:
    """Simulate, run the pairs, compare and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--run", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        run_once(options.run, options.folder / "orders.parquet", options.folder / f"{options.run}.parquet")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = simulate(folder / "orders.parquet", options.customers)
        print(f"{rows:,} orders of {options.customers:,} customers, {os.cpu_count()} cores")
        figures: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
        for pair in range(options.pairs):
            for way in sorted(WAYS, reverse=bool(pair % 2)):
                command = [sys.executable, __file__, "--run", way, "--folder", name]
                output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                figures[way].append(json.loads(output.splitlines()[-1]))
        assert_equal(folder)
    print(f"{'':10}{'wall s':>10}{'cpu s':>10}{'peak MB':>10}   medians of {options.pairs}")
    for way, runs in figures.items():
        medians = [statistics.median(run[key] for run in runs) for key in ("wall", "cpu", "peak")]
        print(f"{way:10}{medians[0]:10.1f}{medians[1]:10.1f}{medians[2]:10.0f}")


if __name__ == "__main__":
    main()
