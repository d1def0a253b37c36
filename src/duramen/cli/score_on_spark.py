"""Orders that Spark reads and a saved model come in; the ranking goes out, written by Spark."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from duramen.cli.groups import Group, groups_to_score, work_through
from duramen.cli.inputs import READ_OPTIONS, choose_cutoff, given_models, given_tiers
from duramen.cli.output_paths import group_path
from duramen.cli.ranking import show_group
from duramen.cli.terminal import console, step, tell, tell_quarantine, warn
from duramen.data.reading import read_transactions
from duramen.errors import InputError

if TYPE_CHECKING:
    from duramen.scoring.model import CoreCustomerModel


def score_on_spark(options: dict[str, Any]) -> None:
    """Rank the customers of orders that Spark reads, and let Spark write the ranking, or that of each group."""
    from duramen.data.spark_session import read_orders, spark_session
    from duramen.scoring.spark import HadoopFolder, refuse_not_on_spark, write_quarantine

    refuse_not_on_spark(options)
    address, kind = str(options.get("model", "model")), options.get("kind")
    out = str(options.get("out", "scores.parquet"))
    given_tiers(options)
    models = given_models(address, kind)
    with spark_session(options.get("master"), options.get("memory_limit")) as session:
        for key in models:
            HadoopFolder(session, _sibling(out, key)).refuse_occupied()
        with step("Reading and checking the orders on Spark"):
            given = {key: options[key] for key in READ_OPTIONS if key in options}
            orders = read_orders(session, options["orders"])
            tx = read_transactions(orders, name=options["orders"], **given)
        console.print(str(tx), highlight=False, markup=False, soft_wrap=True)
        groups = groups_to_score(tx, kind, address, models)
        cutoff = choose_cutoff(tx, options)

        def rank(group: Group) -> None:
            if group.key not in models:
                raise InputError(f"{address} holds no model of {group.who}; train one with them.")
            show_group(group)
            _rank_on_spark(models[group.key], group, cutoff, _sibling(out, group.key), options)

        list(work_through(groups, rank, warn))
        if tx.set_aside:
            aside = _sibling(out, "quarantine")
            write_quarantine(tx, aside)
            tell_quarantine(tx, aside)


def _rank_on_spark(
    model: CoreCustomerModel, group: Group, cutoff: date, out: str, options: dict[str, Any]
) -> None:
    """Score, rank and write one group."""
    from duramen.data.spark_customers import customer_frame
    from duramen.scoring.spark import explain_tiers, rank_on_spark, score_on_spark, tier_sums, write_folder

    tiers = given_tiers(options, model.tiers) or model.tiers
    reasons = options.get("reasons", "all")
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
    tell("scores", out, f"{rows:,} customers in Parquet files of Spark, best first")


def _sibling(out: str, key: str) -> str:
    """Return the place of another folder beside ``out``, which may be the address of a bucket."""
    head, slash, name = out.rpartition("/")
    return f"{head}{slash}{group_path(Path(name), key)}"
