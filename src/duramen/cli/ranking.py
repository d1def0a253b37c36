"""A model and a group of customers come in; their ranking and its report go out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from duramen.cli.config.train import TrainConfig
from duramen.cli.groups import Group
from duramen.cli.inputs import credit_of
from duramen.cli.progress import step
from duramen.cli.ranking_inputs import Task
from duramen.data.customers import customer_table
from duramen.data.transactions import Transactions
from duramen.language import marked, say

if TYPE_CHECKING:
    from duramen.analysis.portfolio_axes import Axes
    from duramen.data.customer_file import CustomerFile
    from duramen.scoring.customer_ranking import Ranked
    from duramen.scoring.market_scenarios import MarketScenario
    from duramen.scoring.model import CoreCustomerModel
    from duramen.scoring.tiers import Tiers


# The files of a ranking that are written with a model.
RANKING = "ranking"
NOT_DRAWN = marked("to draw, install duramen with its extra: duramen[report]")


def rank_customers(
    model: CoreCustomerModel,
    group: Group,
    cutoff: date,
    cost: pd.Series[float] | None,
    tiers: Tiers,
    previous: pd.DataFrame | None = None,
    *,
    scenario: MarketScenario | None = None,
    market_index: pd.DataFrame | None = None,
) -> Ranked:
    """Return the ranking of a group, with reasons and markets, in memory."""
    with step(say("Scoring, explaining and ranking every customer"), "rank", group.customers):
        return ranking_of(
            model, group, cutoff, cost, tiers, previous, scenario=scenario, market_index=market_index
        )


def ranking_of(
    model: CoreCustomerModel,
    group: Group,
    cutoff: date,
    cost: pd.Series[float] | None,
    tiers: Tiers,
    previous: pd.DataFrame | None = None,
    *,
    scenario: MarketScenario | None = None,
    market_index: pd.DataFrame | None = None,
) -> Ranked:
    """Return what ``rank_customers`` does, and show nothing."""
    from duramen.scoring.customer_ranking import rank_with_inputs

    customers = customer_table(group.tx, cutoff)
    own = None if cost is None else cost.loc[customers["customer_id"]]
    return rank_with_inputs(
        model, group.tx, customers, own, tiers, previous, scenario=scenario, market_index=market_index
    )


def rank_task(task: Task) -> Ranked:
    """Return the ranking of a task, with reasons and markets, in memory."""
    return rank_customers(
        task.model,
        task.group,
        task.cutoff,
        task.cost,
        task.tiers,
        task.earlier,
        scenario=task.config.market.scenario(),
        market_index=task.market_index,
    )


def places_of(ranked: Ranked) -> pd.DataFrame:
    """Return a ranking that is in memory, with the response of each customer to the market."""
    return ranked.ranking.assign(response=ranked.markets["response"].to_numpy())


def write_ranking(
    folder: Path,
    model: CoreCustomerModel,
    group: Group,
    cutoff: date,
    cost: pd.Series[float] | None,
    config: TrainConfig,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rank customers of any number, and write the ranking beside their model.

    Returns
    -------
    head : pandas.DataFrame
        The first rows of the ranking.
    places : pandas.DataFrame
        ``RankedBlocks.places``.
    """
    from duramen.data.customers import customer_ids, sorted_by_customer
    from duramen.io.atomic import work_folder
    from duramen.scoring.batch import rank_in_blocks

    with ExitStack() as stack:
        days = stack.enter_context(sorted_by_customer(group.tx, cutoff))
        work = stack.enter_context(work_folder(folder / "ranking"))
        own = None if cost is None else cost.loc[customer_ids(days, cutoff).to_pandas()]
        ranked = rank_in_blocks(model, days, cutoff, work, own, model.tiers, config.reasons)
        head = _write_ranking_files(folder, work, ranked.blocks, model, days, cutoff, config)
    return head, ranked.places


def write_ranked(
    folder: Path, ranked: Ranked, model: CoreCustomerModel, group: Group, config: TrainConfig
) -> None:
    """Write a ranking that is in memory beside its model."""
    from duramen.io.atomic import work_folder
    from duramen.io.files import slices

    with work_folder(folder / "ranking") as work:
        _write_ranking_files(folder, work, slices(ranked.ranking), model, group.tx, ranked.cutoff, config)


def _write_ranking_files(
    folder: Path,
    work: Path,
    blocks: Iterator[pd.DataFrame],
    model: CoreCustomerModel,
    tx: Transactions,
    cutoff: date,
    config: TrainConfig,
) -> pd.DataFrame:
    """Write ranking.parquet, its sidecar and ranking.csv; return the first block."""
    from duramen.io.files import write_blocks
    from duramen.io.sidecar import put_in_place
    from duramen.scoring.provenance import provenance

    first = next(blocks)
    name = f"{RANKING}.parquet"
    rows = write_blocks(chain([first], blocks), work / name, folder / f"{RANKING}.csv")
    made_of = provenance(
        model, tx, cutoff, tiers=model.tiers, reasons=config.reasons, cost_to_serve=config.cost_to_serve
    )
    put_in_place(work / name, folder / name, rows, made_of)
    return first


def write_report(
    path: Path,
    model: CoreCustomerModel,
    card: pd.DataFrame,
    group: Group,
    ranked: Ranked,
    axes: Axes,
    customers: CustomerFile | None = None,
) -> Path:
    """Draw the report of a group; return where it is."""
    from duramen.report.model_report import write_ranked_report

    with step(say("Drawing the report"), "draw", group.customers):
        credit = credit_of(customers, ranked.customers["customer_id"])
        write_ranked_report(path, model, group.tx, ranked, card, credit=credit, axes=axes)
    return path
