"""Run the backtests and the published comparisons whose data is there, and write the results to RESULTS.md.

Run it with: python experiments/results.py [grocery=PATH] [online_retail_ii=PATH]
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import pandas as pd
from markdown_tables import number, table
from published import published_sections

from duramen.data.datasets import open_dataset
from duramen.errors import InputError
from duramen.evaluation.comparison import mean_figures

EXPERIMENTS = Path(__file__).parent
DURAMEN = Path(sys.executable).with_name("duramen")
INTRODUCTION = """# Results

How good the forecasts of each experiment are, compared with simple baselines on the same customers. Written by
`python experiments/results.py grocery=PATH online_retail_ii=PATH`; the metrics and how to read them are in
[the list of metrics](../docs/reference/metrics.md).
Figures are means over the cutoffs, of total bias its size; the best of a row is bold. A difference is duramen less the
best baseline, with its 95 % interval over resampled customers. Last come figures that others published, beside those of
duramen on the same data.
"""


def main(words: list[str]) -> None:
    """Run the experiments and comparisons; ``NAME=PATH`` gives the data of one that does not ship."""
    given = dict(word.split("=", 1) for word in words)
    sections = [INTRODUCTION]
    for config in sorted(EXPERIMENTS.glob("*.toml")):
        orders = given.get(config.stem) or tomllib.loads(config.read_text(encoding="utf-8")).get("orders", "")
        if not is_there(orders):
            print(f"{config.stem} is left out: its data is not here.")
            continue
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "backtest"
            subprocess.run([DURAMEN, "backtest", orders, "--config", config, "--out", out], check=True)
            sections.append(section(config, out))
    sections += published_sections(given)
    (EXPERIMENTS / "RESULTS.md").write_text("\n".join(sections), encoding="utf-8")


def is_there(orders: str) -> bool:
    """Return whether the orders of an experiment can be read here."""
    if not orders.startswith("dataset:"):
        return bool(orders)
    try:
        open_dataset(orders.removeprefix("dataset:"))
    except InputError:
        return False
    return True


def section(config: Path, backtest: Path) -> str:
    """Return the Markdown of one backtest."""
    settings = json.loads((backtest / "backtest.json").read_text(encoding="utf-8"))
    tables = {path.stem: pd.read_parquet(path) for path in backtest.glob("*.parquet")}
    windows = ", ".join(
        f"{window['horizon_days']} days from {window['cutoff']}" for window in settings["windows"]
    )
    customers = tables["coverage"].query("group == 'all'")["customers"]
    lines = [
        f"## {config.stem}",
        "",
        config.read_text(encoding="utf-8").splitlines()[0].removeprefix("# "),
        "",
        f"{windows}; {' and '.join(f'{count:,}' for count in customers.unique())} customers; money in "
        f"{settings['unit']}; seed {settings['seed']}, {settings['resamples']:,} resamples.",
        "",
    ]
    figures = mean_figures(tables["figures"])
    for target, rows in figures.groupby("target", sort=False):
        lines += [*metric_by_model(str(target), rows), ""]
    lines += [*against_the_best(tables["comparisons"]), ""]
    lines += [*intervals(tables["coverage"]), ""]
    lines += [*core(tables["core"]), ""]
    lines += [*past_spend(tables["past_spend"]), ""]
    if len(tables["stability"]):
        lines += [*stability(tables["stability"]), ""]
    return "\n".join(lines)


def metric_by_model(target: str, rows: pd.DataFrame) -> list[str]:
    """Return a table of the figures of one target, the best in bold."""
    models = list(rows["model"].unique())
    body = []
    for metric, of_metric in rows.groupby("metric", sort=False):
        figures = of_metric.set_index("model")["figure"].reindex(models)
        texts = [number(figure) for figure in figures]
        best = number(of_metric.loc[of_metric["best"], "figure"].iloc[0])
        body.append([str(metric), *(f"**{text}**" if text == best else text for text in texts)])
    return table([target, *models], body)


def against_the_best(comparisons: pd.DataFrame) -> list[str]:
    """Return a table of duramen against the best baseline by each metric, in the mean over the cutoffs."""
    body = [
        [
            row.target, row.metric, number(row.figure), row.baseline, number(row.baseline_figure),
            difference(row.difference), f"{difference(row.low)} to {difference(row.high)}", row.verdict,
        ]
        for row in comparisons[comparisons["cutoff"].isna()].itertuples()
    ]  # fmt: skip
    return table(
        ["target", "metric", "duramen", "best baseline", "its figure", "difference", "95 %", "verdict"], body
    )


def intervals(coverage: pd.DataFrame) -> list[str]:
    """Return a table of the mean coverage of the 80 % interval, by tenth of predicted value."""
    inside = coverage.groupby("group", sort=False)["inside"].mean()
    return table(
        ["inside the 80 % interval", *inside.index], [["customers", *(f"{share:.1%}" for share in inside)]]
    )


def core(bands: pd.DataFrame) -> list[str]:
    """Return a table of P(core) given and of who was in the core of the outcomes, in bands of a tenth."""
    sums = bands.assign(**{name: bands[name] * bands["customers"] for name in ("predicted", "actual")})
    of_band = sums.groupby("from_")[["predicted", "actual", "customers"]].sum()
    shares = of_band[["predicted", "actual"]].div(of_band["customers"], axis=0)
    return table(
        ["P(core)", *(f"{low:.1f}-{low + 0.1:.1f}" for low in of_band.index)],
        [
            ["given", *(f"{share:.2f}" for share in shares["predicted"])],
            ["in the core of the outcomes", *(f"{share:.2f}" for share in shares["actual"])],
            ["customers", *(f"{count:,}" for count in of_band["customers"])],
        ],
    )


def past_spend(chosen: pd.DataFrame) -> list[str]:
    """Return a table of whom score and past spend put into the first fifth, and what they then spent."""
    body = [
        [
            f"{row.cutoff:%Y-%m-%d}", row.chosen_by, f"{row.customers:,}", number(row.past_spend),
            number(row.then_spent),
        ]
        for row in chosen.itertuples()
    ]  # fmt: skip
    return table(["cutoff", "in the first fifth by", "customers", "mean past spend", "mean then spent"], body)


def stability(between: pd.DataFrame) -> list[str]:
    """Return a table of how stable the ranking is from one cutoff to the next."""
    body = [
        [
            f"{row.earlier:%Y-%m-%d}", f"{row.later:%Y-%m-%d}", f"{row.customers:,}", number(row.spearman),
            number(row.overlap_10), number(row.overlap_20),
        ]
        for row in between.itertuples()
    ]  # fmt: skip
    return table(
        ["cutoff", "next", "customers", "Spearman of the score", "overlap of top 10 %", "of top 20 %"], body
    )


def difference(figure: float) -> str:
    """Write a difference with its sign."""
    return f"{figure:+z,.{1 if abs(figure) >= 10 else 4}f}"


if __name__ == "__main__":
    main(sys.argv[1:])
