"""Orders that Spark reads and a saved model come in; the ranking goes out, written by Spark."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from duramen.cli.config.commands import ScoreConfig
from duramen.cli.groups import Group, for_each_group, groups_to_score
from duramen.cli.inputs import choose_cutoff, column_settings, load_models, show_orders
from duramen.cli.output_paths import group_path
from duramen.cli.ranking import show_group
from duramen.cli.score import refuse_without_model, tiers_of
from duramen.cli.terminal import console, show_place, show_quarantine, step
from duramen.data.reading import read_transactions

if TYPE_CHECKING:
    from duramen.scoring.model import CoreCustomerModel
    from duramen.scoring.tiers import Tiers


def score_on_spark(config: ScoreConfig) -> None:
    """Rank the customers of orders that Spark reads, and let Spark write the ranking, or that of each group."""
    from duramen.data.spark_session import read_orders, spark_session
    from duramen.scoring.spark import HadoopFolder, write_quarantine

    address, out = config.model, config.out
    models = load_models(address, config.kind)
    tiers = tiers_of(models, config)
    with spark_session(config.master, config.memory_limit) as session:
        for key in models:
            HadoopFolder(session, _sibling(out, key)).refuse_occupied()
        with step("Reading and checking the orders on Spark"):
            orders = read_orders(session, config.orders)
            tx = read_transactions(orders, name=config.orders, **column_settings(config))
        show_orders(tx)
        groups = groups_to_score(tx, config.kind, address, models)
        cutoff = choose_cutoff(tx, config.cutoff)

        def rank(group: Group) -> None:
            refuse_without_model(group, models, address)
            show_group(group)
            key = group.key
            _rank_on_spark(models[key], group, cutoff, _sibling(out, key), tiers[key], config.reasons)

        list(for_each_group(groups, rank, config.in_flags))
        if tx.set_aside:
            aside = _sibling(out, "quarantine")
            write_quarantine(tx, aside)
            show_quarantine(tx, aside)


def _rank_on_spark(
    model: CoreCustomerModel, group: Group, cutoff: date, out: str, tiers: Tiers, reasons: str
) -> None:
    """Score, rank and write one group."""
    from duramen.data.spark_customers import customer_frame
    from duramen.scoring.spark import explain_tiers, rank_on_spark, score_on_spark, tier_sums, write_folder

    facts = {
        "model_version": model.model_version_,
        "cutoff": cutoff.isoformat(),
        "source": group.tx.source,
        "rows_in": group.tx.rows_in,
        "set_aside": group.tx.set_aside,
        "engine": "spark",
    }
    with step("Scoring and ranking every customer on Spark, and writing"):
        customers = customer_frame(group.tx, cutoff)
        ranking = rank_on_spark(
            score_on_spark(model, customers, cutoff, with_reasons=reasons == "all"), tiers
        )
        # Before the reasons, which would be made once more for the sums.
        sums = tier_sums(ranking, tiers)
        if reasons != "all":
            explained = tiers.core_names if reasons == "core" else ()
            ranking = explain_tiers(model, ranking, customers, explained, cutoff)
        rows = write_folder(ranking, out, facts)
    for name, customers, value in sums:
        console.print(
            f"  {name:<18}{customers:>12,} customers {value:>16,.0f} {model.unit_}", highlight=False
        )
    show_place("scores", out, f"{rows:,} customers in Parquet files of Spark, best first")


def _sibling(out: str, key: str) -> str:
    """Return the place of another folder beside ``out``, which may be the address of a bucket."""
    head, slash, name = out.rpartition("/")
    return f"{head}{slash}{group_path(Path(name), key)}"
