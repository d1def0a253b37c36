"""A challenger and its rival come in; a table of both goes out on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from duramen.cli.metric_names import difference_text, figure_text, short_metric
from duramen.cli.terminal import new_table, show_bold, show_dim, show_table
from duramen.language import say, translated

if TYPE_CHECKING:
    from duramen.evaluation.champion_challenger import Challenge

STYLES = {"better": "green", "worse": "red"}


def show_challenge(compared: Challenge) -> None:
    """Show each metric of challenger and champion, the difference with its interval, and what decided."""
    window = compared.window.in_words()
    show_bold(
        say("Challenger and champion compared with the outcomes: {window}.", window=window)
        if compared.against_champion
        else say("Challenger and simple ranking compared with the outcomes: {window}.", window=window)
    )
    show_table(_table(compared))
    show_dim(
        say(
            "* is the metric that decides. The simple ranking is by past spend for value and by "
            "recency for activity."
        )
    )


def _table(compared: Challenge) -> Table:
    # So narrow that a row fits into 80 columns.
    simple = say("simple\nranking")
    table = new_table(
        "", say("chal-\nlenger"), say("cham-\npion") if compared.against_champion else simple, say("differ-\nence"),
        say("{share} % interval", share=f"{100 * compared.rule.confidence:g}"), say("verdict"),
        *([simple] if compared.against_champion else []),
        left=(0, 5), padding=0,
    )  # fmt: skip
    metric = compared.rule.deciding_metric
    for row in compared.table.to_dict("records"):
        decides = (row["target"], row["metric"]) == (metric.target, metric.name)
        style = STYLES.get(row["verdict"], "") + " bold" * decides
        interval = say("{low} to {high}", low=difference_text(row["low"]), high=difference_text(row["high"]))
        table.add_row(
            short_metric(row["metric"]) + "*" * decides, figure_text(row["challenger"]), figure_text(row["rival"]),
            difference_text(row["difference"]), interval, translated(row["verdict"]),
            *([figure_text(row["baseline_figure"])] if compared.against_champion else []),
            style=style.strip(),
        )  # fmt: skip
    return table
