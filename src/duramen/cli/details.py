"""Rankings, scorecards and groups come in; all that is known of them goes out on the terminal, for ``--verbose``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from duramen.cli.groups import Group
from duramen.cli.metric_names import model_heading, short_metric
from duramen.cli.ranking_inputs import Task
from duramen.cli.ranking_table import ranking_table
from duramen.cli.summary import show_group, show_headline, show_market, show_result, why_first
from duramen.cli.terminal import new_table, show_bold, show_dim, show_lines, show_notes, show_table
from duramen.data.money_unit import unit_in_words
from duramen.language import say, say_list, translated
from duramen.report.ranking import next_purchase
from duramen.scoring.model_summary import total_sentence

if TYPE_CHECKING:
    from duramen.analysis.scenario_summary import ScenarioSummary
    from duramen.forecast.elasticities import MarketElasticities
    from duramen.scoring.tiers import Tiers

HEAD, REASONS_SHOWN = 15, 3


def show_task(task: Task, head: pd.DataFrame, places: pd.DataFrame, market: MarketElasticities) -> None:
    """Show the ranking of a group, in a few lines or all that is known of it."""
    scenario = task.scenario(places)
    if task.config.verbose:
        show_group(task.group)
        show_ranking(head, places, task.model, task.tiers, market, scenario)
    else:
        show_result(task.model, task.tiers, head, places, task.group)
        # Who gives an index asks what it shows.
        asked = task.market_index is not None
        show_market(places["core_in"].value_counts(), market, scenario, verbose=asked)


def show_ranking(
    head: pd.DataFrame,
    places: pd.DataFrame,
    model: Any,
    tiers: Tiers,
    market: MarketElasticities,
    scenario: ScenarioSummary | None = None,
) -> None:
    """Show the head of a ranking, why its first customers are there, its tiers, and its markets.

    ``places`` has tier, predicted value, core_in and the cost to serve, if any, of all that are ranked.
    """
    show_headline(places, model, tiers, head["cutoff"].iloc[0])
    show_table(ranking_table(head.head(HEAD)))
    growth = model.growth_weight_
    score = (
        say(
            "The score is the predicted value plus {weight} times the part of it above the customer's "
            "past rate.",
            weight=f"{growth:g}",
        )
        if growth
        else say("Score is value alone: the weight of growth is 0.")
    )
    about = say(
        "Growth is compared with the customer's past rate. Money in {unit}; 8 in 10 outcomes are "
        "expected between low and high.",
        unit=unit_in_words(model.unit_),
    )
    show_dim(say("{sentence} {next_sentence}", sentence=score, next_sentence=about))
    for _, row in head.head(REASONS_SHOWN).iterrows():
        if why := why_first(row):
            show_lines(why)
        dates = next_purchase(row["next_purchase"], row["next_purchase_low"], row["next_purchase_high"])
        show_lines(
            say(
                "Expected next purchase of {customer}: {dates}.",
                customer=str(row["customer_id"]),
                dates=dates,
            )
        )
    sizes = places["tier"].value_counts()
    counted = [f"{sizes[name]:,} {translated(name)}" for name in tiers.names if name in sizes]
    show_lines(say("Tiers: {counts}.", counts=say_list(counted)))
    show_market(places["core_in"].value_counts(), market, scenario, verbose=True)


def show_scorecard(card: pd.DataFrame, model: Any) -> None:
    """Show the holdout figures of the model and of the baselines, and what the data could not support."""
    show_bold(
        say("Holdout: {window}, on purchases that the models had not seen.", window=model.holdout_window_)
    )
    if total := total_sentence(model.forecast_):
        show_lines(say("Total forecast: {total}.", total=total))
    # A table for each target: all models side by side would not fit into 80 columns.
    for target in card["target"].unique():
        rows = card[card["target"] == target]
        wide = rows.pivot_table(index="metric", columns="model", values="figure", sort=False)
        table = new_table(translated(str(target)), *(model_heading(str(name)) for name in wide.columns))
        for metric, row in wide.iterrows():
            figures = ("" if pd.isna(figure) else f"{figure:,.3f}" for figure in row)
            table.add_row(short_metric(str(metric)), *figures)
        show_table(table)
    show_notes(model.notes_, verbose=True)


def show_changes(changes: pd.DataFrame) -> None:
    """Show how the segments of the previous model changed, if there was one."""
    if changes.empty:
        return
    show_bold(say("Changes from the segments of the previous model"))
    table = new_table(
        say("segment"), say("change"), say("previous"), say("overlap"), say("customers"), left=(1, 2)
    )
    for row in changes.itertuples(index=False):
        table.add_row(
            str(row.segment), translated(str(row.change)), str(row.previous), f"{row.overlap:.2f}",
            f"{row.customers:,}",
        )  # fmt: skip
    show_table(table)


def compare_groups(
    groups: list[Group], rankings: Mapping[str, tuple[pd.DataFrame, Tiers]], unit: str
) -> None:
    """Show the groups side by side, where there are several.

    Parameters
    ----------
    groups : list of Group
    rankings : mapping
        Tier and predicted value of all that are ranked, and the tiers, by the kind of each group that could be.
    unit : str
        Unit of money.
    """
    if not groups[0].apart:
        return
    show_bold(say("Side by side"))
    table = new_table(
        say("group"), say("customers"), say("core"), say("predicted value"), say("share of all")
    )
    total = sum(places["predicted_value"].sum() for places, _ in rankings.values())
    for kind, (places, tiers) in rankings.items():
        value = places["predicted_value"].sum()
        core = int(places["tier"].isin(tiers.core_names).sum())
        share = f"{value / total:.0%}" if total > 0 else ""
        table.add_row(translated(kind), f"{len(places):,}", f"{core:,}", f"{value:,.0f}", share)
    for group in groups:
        if group.kind not in rankings:
            table.add_row(translated(group.kind), f"{group.customers:,}", say("left out"), "", "")
    show_table(table)
    show_dim(say("Money in {unit}; each group has its own core.", unit=unit_in_words(unit)))
