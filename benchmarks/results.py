"""Run the benchmarks that have a peer, each in a process of its own, and write the medians to RESULTS.md.

Run it with: python benchmarks/results.py [--size small|moderate]. A row is a median over pairs in which duramen and the
peer take turns, so that a busy machine slows both. Small sizes only show that everything runs.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

BENCHMARKS = Path(__file__).parent
PACKAGES = ("duramen", "duckdb", "lifetimes", "lightgbm", "numpy", "pandas", "scikit-learn", "scipy", "shap")

# What the peers of the scoring rows are; `scripts.py` has them.
SCRIPTS = (
    "The `score` rows compare `duramen score`, as a whole process, with three notebook scripts in pandas. "
    "*Careful* has the model of duramen and fast group-bys; it computes features, scores, ranks and tiers, "
    "without reasons. *Usual* has lifetimes and two LightGBM models with their defaults; it has a third of the "
    "features, and no intervals, segments or growth. *Applied* is the usual script with the gaps between "
    "purchases computed by a function for each customer. *Reasons of core*: core customers are explained, by the "
    "scripts for one of their models; *reasons of none*: nobody is."
)


class Row(NamedTuple):
    """One line of the results."""

    work: str
    customers: str
    duramen: float
    peer: str
    its_figure: float
    unit: str
    more_is_better: bool = False

    def cells(self) -> list[str]:
        """Return the cells of the table; the last is how many times better duramen is."""
        ratio = self.duramen / self.its_figure if self.more_is_better else self.its_figure / self.duramen
        return [
            self.work, self.customers, figure(self.duramen), self.peer, figure(self.its_figure), self.unit,
            f"{ratio:.1f}",
        ]  # fmt: skip


class Benchmark(NamedTuple):
    """A script, its options by size, and what reads its printed table."""

    script: str
    options: dict[str, list[str]]
    rows: Callable[[str], Iterator[Row]]


def figure(value: float) -> str:
    """Write a figure with about three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def number(text: str) -> float:
    """Read a printed number."""
    return float(text.replace(",", ""))


def btyd(printed: str) -> Iterator[Row]:
    """Read the table of ``btyd.py``: models compared with lifetimes."""
    customers = re.search(r"^([\d,]+) customers", printed, re.M)[1]
    unit = "s"
    for line in printed.splitlines():
        if line.startswith("| peak memory"):
            unit = "MB"
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) >= 3 and re.fullmatch(r"[\d.]+", cells[1]):
            work, _, other = cells[0].partition(" fit, ")
            name = f"{work} fit" if other else f"{cells[0]}, peak memory" if unit == "MB" else cells[0]
            if number(cells[1]) > 0:
                yield Row(name, other or customers, number(cells[1]), "lifetimes", number(cells[2]), unit)


def features(printed: str) -> Iterator[Row]:
    """Read the table of ``features.py``: orders to customer table, compared with pandas."""
    customers = re.search(r"orders of ([\d,]+) customers", printed)[1]
    runs = {
        way: re.search(rf"^{way} +([\d.]+) +[\d.]+ +(\d+)", printed, re.M) for way in ("duramen", "pandas")
    }
    for at, (what, unit) in enumerate((("", "s"), (", peak memory", "MB")), start=1):
        ours, theirs = (number(runs[way][at]) for way in ("duramen", "pandas"))
        yield Row(f"orders to customer table{what}", customers, ours, "pandas group-bys", theirs, unit)


def explain(printed: str) -> Iterator[Row]:
    """Read the table of ``explain.py``: rows explained in a second, compared with TreeExplainer."""
    for line in re.findall(r"^ *([\d,]+) +(value|activity) +\d+ +([\d,]+) +([\d,]+) ", printed, re.M):
        customers, tree, ours, theirs = line
        yield Row(
            f"SHAP values of the {tree} trees", customers, number(ours), "shap.TreeExplainer", number(theirs),
            "rows/s", more_is_better=True,
        )  # fmt: skip


def segments(printed: str) -> Iterator[Row]:
    """Read the table of ``segments.py``: fitting segments, compared with k-means and the silhouette."""
    for customers, ours, theirs in re.findall(r"^ *(\d+) +([\d.]+) +[\d.]+ +([\d.]+) ", printed, re.M):
        peer = "k-means and silhouette"
        yield Row("fit segments", f"{int(customers):,}", number(ours), peer, number(theirs), "s")


def score(printed: str) -> Iterator[Row]:
    """Read the table of ``score.py``: ``duramen score`` as a process, compared with notebook scripts."""
    lines = re.findall(r"^ *([\d,]+) +[\d,]+ +(\w+, \w+) +[\d.]+ +[\d.]+ +([\d.]+) +([\d,]+)$", printed, re.M)
    ways: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for customers, way, memory, speed in lines:
        ways.setdefault(customers, {}).setdefault(way, []).append((number(speed), number(memory)))
    for customers, runs in ways.items():
        medians = {way: sorted(figures)[len(figures) // 2] for way, figures in runs.items()}
        for way, (theirs, its_memory) in medians.items():
            script, explained = way.split(", ")
            # A script that explains its core customers is compared with the run that does.
            ours, memory = medians[f"ours, {explained}"]
            if script != "ours":
                peer = f"{script} pandas script, reasons of {explained}"
                yield Row(
                    "score, as a process", customers, ours, peer, theirs, "customers/s", more_is_better=True
                )
                yield Row("score, peak memory", customers, memory, peer, its_memory, "GB")


RUNS = [
    Benchmark(
        "btyd.py",
        {"small": ["--customers", "2000", "--pairs", "1"], "moderate": ["--customers", "200000", "--pairs", "3"]},
        btyd,
    ),
    Benchmark(
        "features.py",
        {"small": ["--customers", "2000", "--pairs", "1"], "moderate": ["--customers", "300000", "--pairs", "5"]},
        features,
    ),
    Benchmark(
        "explain.py",
        {"small": ["--customers", "2000", "--pairs", "1"], "moderate": ["--customers", "100000", "--pairs", "5"]},
        explain,
    ),
    Benchmark(
        "segments.py",
        {"small": ["--customers", "2000", "--turns", "1"], "moderate": ["--customers", "100000", "--turns", "3"]},
        segments,
    ),
    Benchmark(
        "score.py",
        {
            "small": ["--customers", "2000", "--scripts", "2000"],
            "moderate": ["--customers", "100000", "--scripts", "100000", "--turns", "3"],
        },
        score,
    ),
]  # fmt: skip


def main() -> None:
    """Run every benchmark and write the page."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--size", choices=("small", "moderate"), default="moderate")
    options.add_argument("--out", type=Path, default=BENCHMARKS / "RESULTS.md")
    chosen = options.parse_args()
    rows: list[Row] = []
    calls = []
    for benchmark in RUNS:
        words = benchmark.options[chosen.size]
        print(f"{benchmark.script} {' '.join(words)}", flush=True)
        done = subprocess.run(
            [sys.executable, BENCHMARKS / benchmark.script, *words],
            env=os.environ | {"OMP_WAIT_POLICY": "PASSIVE"}, stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        found = list(benchmark.rows(done.stdout))
        if not found:
            raise ValueError(f"{benchmark.script} printed no table that is read here:\n{done.stdout}")
        rows += found
        calls.append(f"python benchmarks/{benchmark.script} {' '.join(words)}")
    chosen.out.write_text(page(rows, calls, chosen.size), encoding="utf-8")


def page(rows: list[Row], calls: list[str], size: str) -> str:
    """Return the Markdown of the results."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    header = ["work", "customers", "duramen", "peer", "its figure", "unit", "times better"]
    small = "**Small sizes: they show that the benchmarks run, not how fast anything is.**\n\n"
    return "\n".join(
        [
            "# Benchmarks",
            "",
            f"Written by `python benchmarks/results.py{' --size small' if size == 'small' else ''}` on "
            f"{datetime.datetime.now(tz=datetime.UTC):%Y-%m-%d}.",
            f"{len(os.sched_getaffinity(0))} cores, {memory:.0f} GB of memory, {platform.machine()}; "
            f"Python {platform.python_version()}, {versions}.",
            "",
            f"{small if size == 'small' else ''}Medians of pairs in which duramen and the peer take turns. "
            "Times better is the peer's figure over duramen's, or the other way round for rates; below 1 the peer "
            "is better.",
            "",
            SCRIPTS,
            "",
            f"| {' | '.join(header)} |",
            "| --- | --- | ---: | --- | ---: | --- | ---: |",
            *(f"| {' | '.join(row.cells())} |" for row in rows),
            "",
            "The scripts, with what each compares:",
            "",
            *(f"    {call}" for call in calls),
            "",
        ]
    )


if __name__ == "__main__":
    main()
