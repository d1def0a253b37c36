"""A backtest comes in; tables of its figures and comparisons go out on the terminal."""

from __future__ import annotations

import math

import pandas as pd
from rich.table import Table

from duramen.cli.metric_names import difference_text, figure_text, model_heading, short_metric
from duramen.cli.terminal import new_table, show_bold, show_dim, show_lines, show_table
from duramen.data.money_unit import unit_in_words
from duramen.evaluation.backtesting import Backtest
from duramen.evaluation.registry import metric
from duramen.language import say, say_list, translated

# So narrow that a model and seven others fit side by side into 80 columns.
MOST_BESIDE = 7
STYLES = {"better": "green", "worse": "red"}


def show_figures(tested: Backtest) -> None:
    """Show each metric by model in the mean over the cutoffs, the best marked."""
    mean = tested.mean_figures()
    cutoffs = say_list(str(window.cutoff) for window in tested.windows)
    show_bold(say("Mean over the holdouts from {cutoffs}; * is best.", cutoffs=cutoffs))
    for target, rows in mean.groupby("target", sort=False):
        # The model first, then as many others as fit beside it.
        own, *others = rows["model"].unique()
        tables = -(-len(others) // MOST_BESIDE) or 1
        beside = -(-len(others) // tables)
        for part in range(tables):
            models = [own, *others[part * beside : (part + 1) * beside]]
            show_table(_figures_by_model(str(target), rows, models))


def _figures_by_model(target: str, rows: pd.DataFrame, models: list[str]) -> Table:
    """Return a table of the figures of some models, a row a metric, the best of all marked."""
    table = new_table(translated(target), *map(model_heading, models), padding=0)
    for name, of_metric in rows.groupby("metric", sort=False):
        by_model = of_metric.set_index("model")
        figures, best = by_model["figure"].reindex(models), by_model["best"].reindex(models, fill_value=False)
        marked = (
            figure_text(figure) + "*" * bool(is_best) for figure, is_best in zip(figures, best, strict=True)
        )
        table.add_row(short_metric(str(name)), *marked)
    return table


def show_comparisons(tested: Backtest, *, verbose: bool) -> None:
    """Show the model against the best baseline by each metric, or by those of a scorecard, and what that says."""
    mean = tested.comparisons[tested.comparisons["cutoff"].isna()]
    if not verbose:
        pairs = zip(mean["target"], mean["metric"], strict=True)
        mean = mean[[metric(target, name).in_scorecard for target, name in pairs]]
    counts = mean["verdict"].value_counts()
    show_bold(
        say(
            "Against the best baseline, {model} is better by {better} of {all} metrics, level by {level} and worse by "
            "{worse}.",
            model="duramen", better=counts.get("better", 0), all=len(mean), level=counts.get("level", 0),
            worse=counts.get("worse", 0),
        )
    )  # fmt: skip
    table = new_table(
        say("metric"), say("best baseline"), say("difference"), say("95 % interval"), say("verdict"),
        left=(0, 1, 4), padding=0,
    )  # fmt: skip
    for row in mean.to_dict("records"):
        baseline = translated(row["baseline"].replace(" x gamma-gamma", ""))
        interval = say("{low} to {high}", low=difference_text(row["low"]), high=difference_text(row["high"]))
        name = short_metric(row["metric"]).removeprefix("normalised ")
        if row["target"] != "value":
            name = say("{target}: {metric}", target=translated(row["target"]), metric=name)
        verdict = translated(row["verdict"])
        table.add_row(
            name,
            baseline,
            difference_text(row["difference"]),
            interval,
            verdict,
            style=STYLES.get(row["verdict"]),
        )
    show_table(table)
    inside = tested.coverage.groupby("group")["inside"].mean()
    show_dim(
        say(
            "{share} of the customers were inside their 80 % interval, {likely} of those whose probability to be "
            "active is above 20 %.",
            share=f"{inside['all']:.0%}",
            likely=f"{inside['positive interval']:.0%}",
        )
    )
    if not verbose:
        return
    unit = unit_in_words(tested.unit)
    show_dim(say("Where nearest to zero is best, absolute values are compared; money in {unit}.", unit=unit))
    show_lines(_next_purchase(tested.next_purchase), style="dim")
    if tested.seeds is not None:
        show_lines(_seeds(tested.seeds), style="dim")


def _seeds(seeds: pd.DataFrame) -> str:
    """Say how far ranks and values differ with other seeds."""
    mean = seeds[["spearman", "top_10", "value_change"]].mean()
    return say(
        "With {n} other seeds {share} of the first tenth stay there, ranks correlate by {correlation}, and half of the "
        "values change by less than {change}.",
        n=len(seeds), share=f"{mean['top_10']:.0%}", correlation=f"{mean['spearman']:.3f}",
        change=f"{mean['value_change']:.1%}",
    )  # fmt: skip


def _next_purchase(errors: pd.DataFrame) -> str:
    """Say how far the dates of the next purchase were off, in the mean over the cutoffs."""
    own, gap = (rows.mean(numeric_only=True) for _, rows in errors.groupby("model", sort=False))
    sentence = say(
        "Date of the next purchase: for buyers with a forecast date, the median error is {median} days "
        "({gap_median} days when each customer's mean gap is used instead). For all customers, with "
        "dates capped at the end of the horizon, the mean error is {mean} days ({gap_mean} days with the "
        "mean gap)",
        median=f"{own['median_error']:,.0f}", gap_median=f"{gap['median_error']:,.0f}",
        mean=f"{own['mean_error']:,.0f}", gap_mean=f"{gap['mean_error']:,.0f}",
    )  # fmt: skip
    if math.isnan(own["inside"]):
        return say("{sentence}.", sentence=sentence)
    return say(
        "{sentence}; {share} were inside their 80 % interval.",
        sentence=sentence,
        share=f"{own['inside']:.0%}",
    )
