"""What each step of scoring costs a core, on DuckDB and on Spark: processor seconds and memory, for plans of clusters.

In: nothing; the orders are simulated. Out: a printed table. Called by hand:
`python benchmarks/spark.py --customers 500000 --engine spark --master 'local[2]'`.

Processor seconds of this program and of every process below it (Java, Python workers) are counted, and not the clock's:
what else runs on the machine does not change them. Each step is computed to its end before the next one begins.
"""

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
from features import simulate

from duramen.data.customers import customer_table
from duramen.data.reading import read_transactions
from duramen.data.windows import Window
from duramen.scoring.model import CoreCustomerModel

CUTOFF = date(2024, 1, 1)
HORIZON = 91
# Customers that the model is fitted to; rates of scoring do not depend on them.
TAUGHT = 20_000
TICKS, PAGE = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Measure the steps of one engine."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--customers", type=int, default=200_000)
    options.add_argument("--engine", choices=("duckdb", "spark"), default="spark")
    options.add_argument("--master", default="local[2]")
    options.add_argument("--memory", default="4g")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path, taught = Path(folder) / "orders.parquet", Path(folder) / "taught.parquet"
        rows = simulate(path, given.customers)
        simulate(taught, TAUGHT)
        model = CoreCustomerModel(growth_weight=0.1).fit(read_transactions(taught), Window(CUTOFF, HORIZON))
        # Spark reads no nanoseconds, and splits a file by its row groups.
        pq.write_table(pq.read_table(path), path, coerce_timestamps="us", row_group_size=500_000)
        steps = on_spark(path, model, given) if given.engine == "spark" else on_duckdb(path, model)
        print(f"{given.engine}: {given.customers:,} customers, {rows:,} rows")
        print(f"{'step':<28}{'clock s':>9}{'core s':>9}{'rows/core s':>13}{'customers/core s':>18}{'MB':>8}")
        for what, clock, core, memory in steps:
            print(
                f"{what:<28}{clock:>9.1f}{core:>9.1f}{rows / core:>13,.0f}{given.customers / core:>18,.0f}"
                f"{memory / 1e6:>8,.0f}"
            )


def on_duckdb(path: Path, model: CoreCustomerModel) -> list[tuple[str, float, float, float]]:
    """Measure the steps in this process."""
    from duramen.scoring.ranking import rank_core_customers

    steps: list[tuple[str, float, float, float]] = []
    with measured("reading and days", steps):
        tx = read_transactions(path)
    with measured("customer table", steps):
        customers = customer_table(tx, CUTOFF)
    with measured("scores", steps):
        scores = model.predict(customers, with_reasons=False)
    with measured("rank and tiers", steps):
        ranking = rank_core_customers(scores, model.tiers)
    with measured("writing", steps):
        ranking.to_parquet(path.with_name("ranking.parquet"), index=False)
    with measured("scores with reasons", steps):
        model.predict(customers, with_reasons=True)
    return steps


def on_spark(
    path: Path, model: CoreCustomerModel, given: argparse.Namespace
) -> list[tuple[str, float, float, float]]:
    """Measure the steps on Spark, each of which keeps its result."""
    from duramen.data.spark_customers import customer_frame
    from duramen.data.spark_session import read_orders, spark_session
    from duramen.data.windows import parse_day
    from duramen.forecast.spark_elasticities import elasticities_on_spark
    from duramen.io.hadoop import write_folder
    from duramen.scoring.spark_ranks import rank_on_spark
    from duramen.scoring.spark_scores import score_on_spark

    steps: list[tuple[str, float, float, float]] = []
    with spark_session(given.master, given.memory) as session:
        with measured("start", steps):
            # Workers that have imported what they need, and Java that has compiled what it runs.
            few = customer_frame(read_transactions(read_orders(session, str(path)).limit(20_000)), CUTOFF)
            rank_on_spark(score_on_spark(model, few, CUTOFF), model.tiers).count()
        session.catalog.clearCache()
        with measured("reading and days", steps):
            tx = read_transactions(read_orders(session, str(path)))
        with measured("customer table", steps):
            customers = customer_frame(tx, CUTOFF).persist()
            customers.count()
        with measured("scores", steps):
            scores = score_on_spark(model, customers, CUTOFF, with_reasons=False).persist()
            scores.count()
        with measured("market elasticities", steps):
            groups = scores.select("customer_id", "segment")
            market, elasticities = elasticities_on_spark(tx, parse_day(CUTOFF), groups)
            if elasticities is not None:
                scores = scores.join(elasticities, "customer_id")
        with measured("rank and tiers", steps):
            ranking = rank_on_spark(scores, model.tiers, market)
            ranking.write.format("noop").mode("overwrite").save()
        with measured("writing", steps):
            write_folder(ranking, str(path.with_name("ranking")))
        with measured("scores with reasons", steps):
            score_on_spark(model, customers, CUTOFF).write.format("noop").mode("overwrite").save()
    return steps


@contextmanager
def measured(what: str, steps: list[tuple[str, float, float, float]]) -> Iterator[None]:
    """Note the clock, the processor seconds, and the most memory of a step."""
    most, stop = [0.0], threading.Event()

    def watch() -> None:
        while not stop.wait(0.2):
            most[0] = max(most[0], processes()[1])

    watcher = threading.Thread(target=watch)
    watcher.start()
    clock, core = time.perf_counter(), processes()[0]
    yield
    steps.append((what, time.perf_counter() - clock, max(processes()[0] - core, 0.01), most[0]))
    stop.set()
    watcher.join()
    print(
        f"{what}: {steps[-1][1]:.1f} s by the clock, {steps[-1][2]:.1f} core s, {most[0] / 1e6:,.0f} MB",
        flush=True,
    )


def processes() -> tuple[float, float]:
    """Return processor seconds and resident bytes of this process and of all below it, also of those that ended."""
    parents, facts = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[1])
            facts[int(entry.name)] = (sum(map(int, fields[11:15])) / TICKS, int(fields[21]) * PAGE)
    ours, size = {os.getpid()}, 0
    while len(ours) > size:
        size = len(ours)
        ours |= {process for process, parent in parents.items() if parent in ours}
    known = [facts[process] for process in ours if process in facts]
    return sum(seconds for seconds, _ in known), sum(memory for _, memory in known)


if __name__ == "__main__":
    main()
