"""Orders and a saved model come in; the ranking goes out, into files or a table."""

from __future__ import annotations

import contextlib
import itertools
import shutil
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from duramen.cli.config.ranking import ScoreConfig
from duramen.cli.details import HEAD, compare_groups, show_task
from duramen.cli.groups import Group, for_each_group
from duramen.cli.next_commands import orders_command, ranking_command
from duramen.cli.output_paths import (
    RankingFiles,
    check_tables,
    model_addresses,
    quarantine_path,
    ranking_files,
    refuse_shared_places,
    scores_place,
)
from duramen.cli.progress import step
from duramen.cli.ranking import places_of, rank_task, write_report
from duramen.cli.ranking_inputs import Task, read_ranking_inputs
from duramen.cli.summary import say_without, show_report, show_scores, show_set_aside
from duramen.cli.terminal import show_next, show_notes, show_place
from duramen.data.transactions import Transactions
from duramen.data.windows import Window
from duramen.language import marked, say

if TYPE_CHECKING:
    from duramen.forecast.elasticities import MarketElasticities
    from duramen.io.tables import Table
    from duramen.scoring.incremental import Rescored
    from duramen.scoring.model import CoreCustomerModel

DOING = {
    "all": marked("Scoring, explaining and ranking every customer"),
    "core": marked("Scoring and ranking every customer, and explaining the core"),
    "none": marked("Scoring and ranking every customer"),
}


class Scored(NamedTuple):
    """The ranking of a group: its head, and the columns of all its customers that are kept.

    ``explained`` counts factors and terms that were written, and ``rescored`` the scores of an earlier run.
    """

    task: Task
    head: pd.DataFrame
    places: pd.DataFrame
    market: MarketElasticities
    explained: int
    rescored: Rescored | None


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
    inputs = read_ranking_inputs(config)
    tx = inputs.tx
    check_tables(files, with_cost=with_cost, tx=tx)

    def rank(group: Group) -> Scored:
        task, own = inputs.task(group), files[group.key]
        return _score_in_memory(task, own, config) if own.report else _score_in_blocks(task, own, config)

    scored = list(for_each_group(inputs.groups, rank, config.in_flags))
    aside = quarantine_path(scores_place(config.out))
    if tx.set_aside:
        tx.write_quarantine(aside)
    for _, one in scored:
        show_task(one.task, one.head, one.places, one.market)
    missing = inputs.models.keys() - {group.key for group in inputs.groups}
    show_notes(say_without(tx.source, ((key, files[key].out) for key in missing)), verbose=True)
    if config.verbose:
        rankings = {group.kind: (one.places, one.task.tiers) for group, one in scored}
        compare_groups(inputs.groups, rankings, tx.unit)
    for group, one in scored:
        _show_files(one, files[group.key])
    show_set_aside(tx, aside)
    show_next(_next_commands(scored[0][1].task, config))


def _show_files(scored: Scored, files: RankingFiles) -> None:
    """Show where the files of a group are."""
    customers = len(scored.places)
    show_scores(files.out, customers)
    if files.report is not None:
        show_report(files.report)
    if files.explanations is not None:
        count = say(
            "{n} factors and terms, by customer",
            n=f"{scored.explained:,}",
        )
        show_place(say("explained"), files.explanations, count)
    if scored.rescored is not None and files.incremental is not None:
        show_place(say("kept"), files.incremental, _who_was_scored(scored.rescored, customers))


def _who_was_scored(rescored: Rescored, customers: int) -> str:
    if rescored.why_all:
        return say("all were scored: {reason}", reason=rescored.why_all)
    return say(
        "{changed} of {customers} customers had other orders, and were scored",
        changed=f"{rescored.computed:,}",
        customers=f"{customers:,}",
    )


def _next_commands(task: Task, config: ScoreConfig) -> list[str]:
    """Return the command of the report, where there is none, and that which compares files with what follows."""
    commands = [] if config.report else [ranking_command("report", config, "report.html")]
    if isinstance(scores_place(config.out), Path):
        kind = [] if config.kind is None else ["--kind", config.kind]
        words = ["--model", config.model, *kind, "--scores", config.out]
        last = Window(task.cutoff, task.model.window_.horizon).end - timedelta(days=1)
        later = say("with orders up to {day}", day=last.isoformat())
        if not task.group.apart:
            commands.append(f"{orders_command('monitor', config.orders, config, *words)}  # {later}")
    return commands


def _score_in_blocks(task: Task, files: RankingFiles, config: ScoreConfig) -> Scored:
    """Score and rank customers of any number; return the part of the ranking that is kept in memory."""
    from duramen.data.customers import customer_blocks, customer_ids, sorted_by_customer
    from duramen.io.atomic import work_folder
    from duramen.scoring.batch import rank_in_blocks

    model, cutoff, reasons = task.model, task.cutoff, config.reasons
    explained = 0
    with contextlib.ExitStack() as stack:
        days = stack.enter_context(sorted_by_customer(task.group.tx, cutoff))
        folder = stack.enter_context(work_folder(files.work, files.out))
        # Locked from the beginning: no other run may put other scores there that this one has begun to use.
        beside = stack.enter_context(work_folder(files.incremental)) if files.incremental else None
        cost = None if task.cost is None else task.cost.loc[customer_ids(days, cutoff).to_pandas()]
        with step(say(DOING[reasons])):
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
                scenario=config.market.scenario(),
                market_index=task.market_index,
            )
        with step(say("Writing {place}", place=str(files.out))):
            head = _write_scores(task, files.out, ranked.blocks, folder, days, reasons)
        if ranked.rescored is not None and files.incremental and beside:
            _keep_for_next_run(ranked.rescored, files.incremental, beside)
        if files.explanations is not None:
            explained = _write_explanations(model, customer_blocks(days, cutoff), cost, files.explanations)
    return Scored(task, head.head(HEAD), ranked.places, ranked.market, explained, ranked.rescored)


def _keep_for_next_run(rescored: Rescored, path: Path, beside: Path) -> None:
    """Keep the scores with which the next run finds who changed."""
    shutil.copyfile(rescored.scored.path, beside / path.name)
    (beside / path.name).replace(path)


def _score_in_memory(task: Task, files: RankingFiles, config: ScoreConfig) -> Scored:
    """Score and rank customers for a report, which draws from all columns of all of them; return the ranking."""
    from duramen.evaluation.scorecards import scorecard
    from duramen.io.atomic import work_folder
    from duramen.io.files import slices

    model, group = task.model, task.group
    assert files.report is not None
    explained = 0
    ranked = rank_task(task)
    with (
        step(say("Writing {place}", place=str(files.out))),
        work_folder(files.work, files.out) as folder,
    ):
        _write_scores(task, files.out, slices(ranked.ranking), folder, group.tx, config.reasons)
    if files.explanations is not None:
        explained = _write_explanations(model, [ranked.customers], ranked.cost, files.explanations)
    axes = config.portfolio.axes()
    write_report(files.report, model, scorecard(model.holdout_), group, ranked, axes, task.customers)
    return Scored(task, ranked.ranking.head(HEAD), places_of(ranked), ranked.market, explained, None)


def _write_scores(
    task: Task,
    out: Path | Table,
    blocks: Iterator[pd.DataFrame],
    folder: Path,
    tx: Transactions,
    reasons: str,
) -> pd.DataFrame:
    """Write the blocks of a ranking and their sidecar, files by way of a work folder; return the first block."""
    from duramen.io.files import write_blocks
    from duramen.io.sidecar import put_in_place
    from duramen.io.tables import write_table
    from duramen.scoring.provenance import provenance

    first = next(blocks)
    everything = itertools.chain([first], blocks)
    made_of = provenance(
        task.model,
        tx,
        task.cutoff,
        reasons=reasons,
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
) -> int:
    from duramen.io.files import write_explanations

    explanations = (rows for block in blocks for rows in model.explain_blocks(block, cost_to_serve=cost))
    with step(say("Writing {place}", place=str(path))):
        return write_explanations(explanations, path)
