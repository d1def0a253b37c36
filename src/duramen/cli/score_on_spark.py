"""Orders that Spark reads and a saved model come in; the ranking goes out, written by Spark."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from duramen.cli.config.ranking import ScoreConfig
from duramen.cli.groups import Group, for_each_group, groups_to_score
from duramen.cli.inputs import (
    choose_cutoff,
    column_settings,
    load_models,
    longest_horizon,
    refuse_other_units,
    refuse_without_model,
    tiers_of,
)
from duramen.cli.output_paths import group_path
from duramen.cli.progress import step
from duramen.cli.summary import show_group, show_market, show_read, show_scores, show_set_aside
from duramen.cli.terminal import new_table, show_table
from duramen.data.money_unit import unit_in_words
from duramen.data.reading import read_transactions
from duramen.language import say, translated

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from duramen.scoring.model import CoreCustomerModel
    from duramen.scoring.tiers import Tiers


def score_on_spark(config: ScoreConfig) -> None:
    """Rank the customers of orders that Spark reads, and let Spark write the ranking, or that of each group."""
    from duramen.data.spark_customers import read_costs_on_spark
    from duramen.data.spark_session import read_orders, spark_session
    from duramen.io.hadoop import HadoopFolder, write_folder

    address, out = config.model, config.out
    models = load_models(address, config.kind)
    tiers = tiers_of(models, config)
    with spark_session(config.master, config.memory_limit) as session:
        for key in models:
            HadoopFolder(session, _sibling(out, key)).refuse_occupied()
        with step(say("Reading and checking the orders on Spark")):
            orders = read_orders(session, config.orders)
            tx = read_transactions(orders, name=config.orders, **column_settings(config))
        show_read(tx, config)
        refuse_other_units(models.values(), tx)
        groups = groups_to_score(tx, config.kind, address, models)
        cutoff = choose_cutoff(tx, config.cutoff, longest_horizon(models))
        costs: dict[str, DataFrame] = {}
        if address_of_costs := config.cost_to_serve:
            costs = {
                group.key: read_costs_on_spark(
                    group.tx, cutoff, address_of_costs, config.decimal, config.hash_ids
                )
                for group in groups
            }

        def rank(group: Group) -> None:
            refuse_without_model(group, models, address)
            show_group(group)
            key = group.key
            _rank_on_spark(models[key], group, cutoff, _sibling(out, key), tiers[key], costs.get(key), config)

        list(for_each_group(groups, rank, config.in_flags))
        if tx.set_aside:
            aside = _sibling(out, "quarantine")
            write_folder(tx.days.get_backend().frame(tx.rejected), aside, {"source": tx.source})
            show_set_aside(tx, aside)


def _rank_on_spark(
    model: CoreCustomerModel,
    group: Group,
    cutoff: date,
    out: str,
    tiers: Tiers,
    cost: DataFrame | None,
    config: ScoreConfig,
) -> None:
    """Score, rank and write one group."""
    from duramen.io.hadoop import write_folder
    from duramen.scoring.provenance import provenance
    from duramen.scoring.spark import rank_customers_on_spark

    with step(say("Scoring and ranking every customer on Spark, and writing")):
        ranked = rank_customers_on_spark(model, group.tx, cutoff, cost, tiers, config.reasons)
        made_of = provenance(
            model, group.tx, cutoff, tiers=tiers, reasons=config.reasons, cost_to_serve=config.cost_to_serve
        )
        rows = write_folder(ranked.ranking, out, made_of)
    by_tier = ranked.sums.groupby("tier")[["customers", "predicted_value"]].sum()
    table = new_table(
        say("tier"), say("customers"), say("predicted value in {unit}", unit=unit_in_words(model.unit_))
    )
    for name, customers, value in by_tier.reindex(tiers.names).dropna().itertuples():
        table.add_row(translated(name), f"{customers:,.0f}", f"{value:,.0f}")
    show_table(table)
    in_market = ranked.sums.groupby("core_in")["customers"].sum()
    show_market(in_market, ranked.market, verbose=config.verbose)
    show_scores(out, rows)


def _sibling(out: str, key: str) -> str:
    """Return the place of another folder beside ``out``, which may be the address of a bucket."""
    head, slash, name = out.rpartition("/")
    return f"{head}{slash}{group_path(Path(name), key)}"
