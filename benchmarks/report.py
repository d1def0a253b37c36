"""Time, size and opening of the report.

In: nothing; CDNOW, and 25,000 simulated customers. Out: a printed table, a line for each. Called by hand:
`python benchmarks/report.py [--customers 25000]`. Seconds are those of gathering the tables and of drawing the page;
the page is opened several times in Chromium, and the median is until its customers can be searched.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

from features import simulate
from playwright.sync_api import sync_playwright
from train import KNOWN

import duramen as dm
from duramen.analysis.report_contents import report_tables
from duramen.report.page import render_page
from duramen.scoring.customer_ranking import rank_with_inputs

OPENED = 5
CHROMIUM = "/usr/bin/chromium"


def main() -> None:
    """Read the options and print a table."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--customers", type=int, default=25_000)
    chosen = options.parse_args()
    print(f"{'orders':24}{'customers':>10}{'tables s':>10}{'page s':>10}{'MB':>8}{'open s':>8}")
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "simulated.parquet"
        simulate(path, int(chosen.customers / KNOWN))
        for orders in ("dataset:cdnow", str(path)):
            row = measure(orders, Path(name) / "report.html")
            customers, tables, page, size, opened = row
            print(
                f"{Path(orders).name:24}{customers:>10,}{tables:>10.1f}{page:>10.1f}{size:>8.2f}{opened:>8.2f}"
            )


def measure(orders: str, path: Path) -> tuple[int, float, float, float, float]:
    """Return customers, seconds of tables and page, megabytes, and the median seconds of opening it."""
    tx = dm.read_transactions(orders)
    model = dm.CoreCustomerModel().fit(tx, dm.Window(tx.last_date, "182d"))
    ranked = rank_with_inputs(model, tx, dm.customer_table(tx, model.window_.cutoff))
    started = time.perf_counter()
    tables = report_tables(model, tx, ranked, dm.scorecard(model.holdout_))
    gathered = time.perf_counter()
    path.write_text(render_page(tables), encoding="utf-8")
    drawn = time.perf_counter()
    seconds = gathered - started, drawn - gathered
    return len(ranked.ranking), *seconds, path.stat().st_size / 1e6, open_page(path)


def open_page(path: Path) -> float:
    """Return the median seconds until the customers of a page can be searched."""
    times = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for _ in range(OPENED):
            page = browser.new_page()
            started = time.perf_counter()
            page.goto(path.as_uri())
            page.wait_for_selector("html[data-ready]", state="attached")
            times.append(time.perf_counter() - started)
            page.close()
        browser.close()
    return median(times)


if __name__ == "__main__":
    main()
