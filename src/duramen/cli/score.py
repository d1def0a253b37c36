"""Orders and a saved model come in; the ranking goes out, into files or a table."""

from __future__ import annotations

import contextlib
import itertools
import shutil
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from duramen.cli.config.commands import ScoreConfig
from duramen.cli.groups import Group, for_each_group, groups_to_score
from duramen.cli.inputs import (
    PreviousScores,
    check_categories,
    check_costs,
    check_scenario,
    choose_cutoff,
    load_models,
    longest_horizon,
    read_costs_to_serve,
    read_customers,
    read_features,
    read_index,
    read_orders,
    read_previous_scores,
    refuse_other_units,
    refuse_without_model,
    tiers_of,
)
from duramen.cli.output_paths import (
    RankingFiles,
    check_tables,
    model_addresses,
    quarantine_path,
    ranking_files,
    refuse_shared_places,
    scores_place,
)
from duramen.cli.ranking import OPEN_REPORT, compare_groups, rank_customers, show_group, write_report
from duramen.cli.terminal import show_place, show_quarantine, show_ranking, step, warn
from duramen.data.transactions import Transactions

if TYPE_CHECKING:
    from duramen.analysis.scenario_summary import ScenarioSummary
    from duramen.data.customer_file import CustomerFile
    from duramen.scoring.incremental import Rescored
    from duramen.scoring.model import CoreCustomerModel
    from duramen.scoring.tiers import Tiers

DOING = {"all": "Scoring, explaining", "core": "Scoring, explaining the core", "none": "Scoring"}


class _Task(NamedTuple):
    """A group of customers to rank at a cutoff: with what, and where to."""

    group: Group
    cutoff: date
    model: CoreCustomerModel
    tiers: Tiers
    cost: pd.Series[float] | None
    previous: PreviousScores | None
    files: RankingFiles
    config: ScoreConfig
    market_index: pd.DataFrame | None

    @property
    def earlier(self) -> pd.DataFrame | None:
        """The earlier ranking, if one is given."""
        return None if self.previous is None else self.previous.ranking


def score(config: ScoreConfig) -> None:
    """Rank the customers of orders with a saved model, or each group with its own."""
    if config.engine == "spark":
        from duramen.cli.score_on_spark import score_on_spark

        score_on_spark(config)
        return
    address, with_cost = config.model, config.cost_to_serve is not None
    files = {key: ranking_files(config, key) for key in model_addresses(address, config.kind)}
    refuse_shared_places(config, files)
    check_tables(files, with_cost=with_cost)
    models = load_models(address, config.kind)
    tiers = tiers_of(models, config)
    check_costs(config.cost_to_serve)
    previous = {key: read_previous_scores(config, key) for key in models}
    check_scenario(config, models)
    index = read_index(config)
    customers = read_customers(config)
    tx = read_orders(config.orders, config, customers, read_features(config, models.values()))
    refuse_other_units(models.values(), tx)
    check_tables(files, with_cost=with_cost, tx=tx)
    groups = groups_to_score(tx, config.kind, address, models)
    cutoff = choose_cutoff(tx, config.cutoff, longest_horizon(models))
    check_categories(config, tx, cutoff)
    cost = read_costs_to_serve(config.cost_to_serve, groups, cutoff, config)

    def rank(group: Group) -> tuple[pd.DataFrame, Tiers]:
        refuse_without_model(group, models, address)
        show_group(group)
        key = group.key
        task = _Task(group, cutoff, models[key], tiers[key], cost, previous[key], files[key], config, index)
        ranked = _score_in_blocks(task) if task.files.report is None else _score_in_memory(task, customers)
        return ranked, task.tiers

    rankings = {group.kind: ranked for group, ranked in for_each_group(groups, rank, config.in_flags)}
    aside = quarantine_path(scores_place(config.out))
    if tx.set_aside:
        tx.write_quarantine(aside)
    show_quarantine(tx, aside)
    for key in models.keys() - {group.key for group in groups}:
        warn(f"{tx.source} has no {key} customers, so {files[key].out} is not written.")
    compare_groups(groups, rankings, tx.unit)


def _score_in_blocks(task: _Task) -> pd.DataFrame:
    """Score and rank customers of any number; return the part of the ranking that is kept in memory."""
    from duramen.data.customers import customer_blocks, customer_ids, sorted_by_customer
    from duramen.io.atomic import work_folder
    from duramen.scoring.batch import rank_in_blocks

    model, cutoff, files, reasons = task.model, task.cutoff, task.files, task.config.reasons
    with contextlib.ExitStack() as stack:
        days = stack.enter_context(sorted_by_customer(task.group.tx, cutoff))
        folder = stack.enter_context(work_folder(files.work, files.out))
        # Locked from the beginning: no other run may put other scores there that this one has begun to use.
        beside = stack.enter_context(work_folder(files.incremental)) if files.incremental else None
        cost = None if task.cost is None else task.cost.loc[customer_ids(days, cutoff).to_pandas()]
        with step(f"{DOING[reasons]} and ranking every customer"):
            ranked = rank_in_blocks(
                model,
                days,
                cutoff,
                folder,
                cost,
                task.tiers,
                reasons,
                earlier=files.incremental,
                previous=task.earlier,
                scenario=task.config.market.scenario(),
                market_index=task.market_index,
            )
        with step(f"Writing {files.out}"):
            head = _write_scores(task, ranked.blocks, folder, days)
        show_ranking(head, ranked.places, model, task.tiers, ranked.market, _scenario(task, ranked.places))
        show_place("scores", str(files.out), f"{len(ranked.places):,} customers, best first")
        if ranked.rescored is not None and files.incremental and beside:
            _keep_for_next_run(ranked.rescored, len(ranked.places), files.incremental, beside)
        if files.explanations is not None:
            _write_explanations(model, customer_blocks(days, cutoff), cost, files.explanations)
    return ranked.places


def _keep_for_next_run(rescored: Rescored, customers: int, path: Path, beside: Path) -> None:
    """Keep the scores with which the next run finds who changed, and show how many did in this one."""
    shutil.copyfile(rescored.scored.path, beside / path.name)
    (beside / path.name).replace(path)
    if rescored.why_all:
        show_place("kept", path, f"all were scored: {rescored.why_all}")
    else:
        show_place(
            "kept",
            path,
            f"{rescored.computed:,} of {customers:,} customers had other orders, and were scored",
        )


def _score_in_memory(task: _Task, customers: CustomerFile | None) -> pd.DataFrame:
    """Score and rank customers for a report, which draws from all columns of all of them; return the ranking."""
    from duramen.evaluation.scorecards import scorecard
    from duramen.io.atomic import work_folder
    from duramen.io.files import slices

    model, group, files = task.model, task.group, task.files
    assert files.report is not None
    ranked = rank_customers(
        model,
        group,
        task.cutoff,
        task.cost,
        task.tiers,
        task.earlier,
        scenario=task.config.market.scenario(),
        market_index=task.market_index,
    )
    with step(f"Writing {files.out}"), work_folder(files.work, files.out) as folder:
        _write_scores(task, slices(ranked.ranking), folder, group.tx)
    shown = ranked.ranking.assign(response=ranked.markets["response"].to_numpy())
    show_ranking(ranked.ranking, shown, model, task.tiers, ranked.market, _scenario(task, shown))
    show_place("scores", str(files.out), f"{len(ranked.ranking):,} customers, best first")
    if files.explanations is not None:
        _write_explanations(model, [ranked.customers], ranked.cost, files.explanations)
    axes = task.config.portfolio.axes()
    write_report(files.report, model, scorecard(model.holdout_), group, ranked, axes, customers)
    show_place("report", files.report, OPEN_REPORT)
    return ranked.ranking


def _scenario(task: _Task, places: pd.DataFrame) -> ScenarioSummary | None:
    """Return the core of the stated scenario, where there is one."""
    from duramen.analysis.scenario_summary import summarise_scenario

    scenario = task.config.market.scenario()
    if scenario is None:
        return None
    table = places.rename(columns={"predicted_value": "value"})
    return summarise_scenario(table, scenario.named(task.model.segment_names_), task.tiers.core_share)


def _write_scores(
    task: _Task, blocks: Iterator[pd.DataFrame], folder: Path, tx: Transactions
) -> pd.DataFrame:
    """Write the blocks of a ranking and their sidecar, files by way of a work folder; return the first block."""
    from duramen.io.files import write_blocks
    from duramen.io.sidecar import put_in_place
    from duramen.io.tables import write_table
    from duramen.scoring.provenance import provenance

    first, out = next(blocks), task.files.out
    everything = itertools.chain([first], blocks)
    made_of = provenance(
        task.model,
        tx,
        task.cutoff,
        reasons=task.config.reasons,
        cost_to_serve=task.config.cost_to_serve,
        previous_scores=None if task.previous is None else task.previous.recorded(),
        tiers=task.tiers,
        market=task.config.market.given(),
    )
    if isinstance(out, Path):
        rows = write_blocks(everything, folder / out.name)
        put_in_place(folder / out.name, out, rows, made_of)
    else:
        write_table(everything, out, made_of)
    return first


def _write_explanations(
    model: CoreCustomerModel, blocks: Iterable[pd.DataFrame], cost: pd.Series[float] | None, path: Path
) -> None:
    from duramen.io.files import write_explanations

    explanations = (rows for block in blocks for rows in model.explain_blocks(block, cost_to_serve=cost))
    with step(f"Writing {path}"):
        count = write_explanations(explanations, path)
    show_place("explained", path, f"{count:,} factors and terms, by customer")
