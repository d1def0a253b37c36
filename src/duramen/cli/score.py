"""Orders and a saved model come in; the ranking goes out, into files or a table."""

from __future__ import annotations

import contextlib
import itertools
import shutil
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from duramen.cli.groups import Group, groups_to_score, work_through
from duramen.cli.inputs import (
    choose_cutoff,
    given_axes,
    given_costs,
    given_models,
    given_orders,
    given_tiers,
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
from duramen.cli.terminal import show_ranking, step, tell, tell_quarantine, warn
from duramen.data.transactions import Transactions
from duramen.errors import InputError

if TYPE_CHECKING:
    from duramen.io.tables import Table
    from duramen.scoring.incremental import Rescored
    from duramen.scoring.model import CoreCustomerModel
    from duramen.scoring.tiers import Tiers


def score(options: dict[str, Any]) -> None:
    """Rank the customers of orders with a saved model, or each group with its own."""
    if options.get("engine") == "spark":
        from duramen.cli.score_on_spark import score_on_spark

        score_on_spark(options)
        return
    from threadpoolctl import threadpool_limits

    address, kind = str(options.get("model", "model")), options.get("kind")
    files = {key: ranking_files(options, key) for key in model_addresses(address, kind)}
    refuse_shared_places(options, files)
    check_tables(files, options)
    given_tiers(options)
    given_axes(options)
    models = given_models(address, kind)
    tx = given_orders(options)
    check_tables(files, options, tx)
    groups = groups_to_score(tx, kind, address, models)
    cutoff = choose_cutoff(tx, options)
    cost = given_costs(groups, cutoff, options)

    def rank(group: Group) -> tuple[pd.DataFrame, Tiers]:
        if group.key not in models:
            raise InputError(f"{address} holds no model of {group.who}; train one with them.")
        show_group(group)
        model, places = models[group.key], files[group.key]
        tiers = given_tiers(options, model.tiers) or model.tiers
        in_a_way = _score_in_blocks if places.report is None else _score_in_memory
        return in_a_way(model, group, cutoff, cost, tiers, places, options), tiers

    # DuckDB has its own threads; these are those of the trees.
    with threadpool_limits(options.get("threads")):
        rankings = {group.kind: ranked for group, ranked in work_through(groups, rank, warn)}
    aside = quarantine_path(scores_place(options))
    if tx.set_aside:
        tx.write_quarantine(aside)
    tell_quarantine(tx, aside)
    for key in models.keys() - {group.key for group in groups}:
        warn(f"{tx.source} holds no {key} customers, so {files[key].out} is not written.")
    compare_groups(groups, rankings, tx.unit)


def _score_in_blocks(
    model: CoreCustomerModel,
    group: Group,
    cutoff: date,
    cost: pd.Series[float] | None,
    tiers: Tiers,
    places: RankingFiles,
    options: dict[str, Any],
) -> pd.DataFrame:
    """Score and rank customers of any number; return what memory holds of the ranking."""
    from duramen.analysis.ranked import rank_in_blocks
    from duramen.data.customers import customer_blocks, customer_ids, sorted_by_customer
    from duramen.io.atomic import work_folder

    told = {"all": "Scoring, explaining", "core": "Scoring, explaining the core", "none": "Scoring"}
    reasons = options.get("reasons", "all")
    with contextlib.ExitStack() as held:
        days = held.enter_context(sorted_by_customer(group.tx, cutoff))
        folder = held.enter_context(work_folder(places.work, places.out))
        # Held from the beginning: no other run may put other scores there that this one has begun to use.
        beside = held.enter_context(work_folder(places.incremental)) if places.incremental else None
        if cost is not None:
            cost = cost.loc[customer_ids(days, cutoff).to_pandas()]
        with step(f"{told[reasons]} and ranking every customer"):
            ranked = rank_in_blocks(
                model, days, cutoff, folder, cost, tiers, reasons, earlier=places.incremental
            )
        with step(f"Writing {places.out}"):
            head = _write_scores(ranked.blocks, folder, places.out, model, days, cutoff, tiers, options)
        show_ranking(head, ranked.places, model, tiers, ranked.market)
        tell("scores", str(places.out), f"{len(ranked.places):,} customers, best first")
        if ranked.rescored is not None and places.incremental and beside:
            _keep_for_next_run(ranked.rescored, len(ranked.places), places.incremental, beside)
        if places.explanations is not None:
            _write_explanations(model, customer_blocks(days, cutoff), cost, places.explanations)
    return ranked.places


def _keep_for_next_run(rescored: Rescored, customers: int, path: Path, beside: Path) -> None:
    """Keep the scores by which the next run knows who changed, and say who did in this one."""
    shutil.copyfile(rescored.scored.path, beside / path.name)
    (beside / path.name).replace(path)
    told = f"{rescored.computed:,} of {customers:,} customers had other orders, and were scored"
    if rescored.why_all:
        told = f"all were scored: {rescored.why_all}"
    tell("kept", path, told)


def _score_in_memory(
    model: CoreCustomerModel,
    group: Group,
    cutoff: date,
    cost: pd.Series[float] | None,
    tiers: Tiers,
    places: RankingFiles,
    options: dict[str, Any],
) -> pd.DataFrame:
    """Score and rank customers for a report, which draws from all columns of all of them; return the ranking."""
    from duramen.evaluation.scorecards import scorecard
    from duramen.io.atomic import work_folder
    from duramen.io.files import slices

    report = places.report
    assert report is not None
    ranked = rank_customers(model, group, cutoff, cost, tiers)
    with step(f"Writing {places.out}"), work_folder(places.work, places.out) as folder:
        _write_scores(slices(ranked.ranking), folder, places.out, model, group.tx, cutoff, tiers, options)
    show_ranking(ranked.ranking, ranked.ranking, model, tiers, ranked.market)
    tell("scores", str(places.out), f"{len(ranked.ranking):,} customers, best first")
    if places.explanations is not None:
        _write_explanations(model, [ranked.customers], ranked.cost, places.explanations)
    write_report(report, model, scorecard(model.holdout_), group, ranked, options)
    tell("report", report, OPEN_REPORT)
    return ranked.ranking


def _write_scores(
    blocks: Iterator[pd.DataFrame],
    folder: Path,
    out: Path | Table,
    model: CoreCustomerModel,
    tx: Transactions,
    cutoff: date,
    tiers: Tiers,
    options: dict[str, Any],
) -> pd.DataFrame:
    """Write the blocks of a ranking and their sidecar, files by way of a work folder; return the first block."""
    from duramen.io.files import write_blocks
    from duramen.io.sidecar import put_in_place
    from duramen.io.tables import write_table
    from duramen.scoring.provenance import provenance

    first = next(blocks)
    everything = itertools.chain([first], blocks)
    chosen = {
        "reasons": options.get("reasons", "all"),
        "cost_to_serve": options.get("cost_to_serve"),
        "tiers": tiers.to_dict(),
    }
    told = provenance(model, tx, cutoff, chosen)
    if isinstance(out, Path):
        rows = write_blocks(everything, folder / out.name)
        put_in_place(folder / out.name, out, rows, told)
    else:
        write_table(everything, out, told)
    return first


def _write_explanations(
    model: CoreCustomerModel, blocks: Iterable[pd.DataFrame], cost: pd.Series[float] | None, path: Path
) -> None:
    from duramen.io.files import write_explanations

    told = (rows for block in blocks for rows in model.explain_blocks(block, cost_to_serve=cost))
    with step(f"Writing {path}"):
        count = write_explanations(told, path)
    tell("explained", path, f"{count:,} factors and terms, by customer")
