"""Orders and a saved model come in; lists of customers to act on go out, as CSV and as a workbook."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from duramen.cli.config.commands import ListsConfig
from duramen.cli.groups import Group, for_each_group, groups_to_score
from duramen.cli.inputs import (
    PreviousScores,
    check_costs,
    choose_cutoff,
    load_models,
    longest_horizon,
    read_costs_to_serve,
    read_customers,
    read_features,
    read_orders,
    read_previous_scores,
    refuse_other_units,
    refuse_without_model,
    tiers_of,
)
from duramen.cli.ranking import show_group
from duramen.cli.terminal import show_place, step, warn
from duramen.data.customers import customer_table

if TYPE_CHECKING:
    from duramen.analysis.list_files import WrittenLists
    from duramen.analysis.lists import CustomerLists
    from duramen.scoring.model import CoreCustomerModel
    from duramen.scoring.tiers import Tiers

IN_WORDS = {
    "call": "call",
    "win_back": "win back",
    "newly_rising": "rising",
    "below_break_even": "break-even",
}


def lists(config: ListsConfig) -> None:
    """Write the lists of the customers of orders, of each group in a folder of its own."""
    from duramen.analysis.list_files import write_lists
    from duramen.io.files import refuse_unwritable_folder

    refuse_unwritable_folder(config.out, "out")
    models = load_models(config.model, config.kind)
    tiers = tiers_of(models, config)
    check_costs(config.cost_to_serve)
    previous = {key: read_previous_scores(config, key) for key in models}
    tx = read_orders(config.orders, config, read_customers(config), read_features(config, models.values()))
    refuse_other_units(models.values(), tx)
    groups = groups_to_score(tx, config.kind, config.model, models)
    cutoff = choose_cutoff(tx, config.cutoff, longest_horizon(models))
    cost = read_costs_to_serve(config.cost_to_serve, groups, cutoff, config)

    def make(group: Group) -> tuple[CustomerLists, WrittenLists, str]:
        refuse_without_model(group, models, config.model)
        show_group(group)
        model = models[group.key]
        with step(f"Scoring {group.who} and making the lists"):
            made = _lists_of(group, model, tiers[group.key], cutoff, cost, previous[group.key], config)
            return made, write_lists(config.out / group.key, made), model.unit_

    for _, (made, written, unit) in for_each_group(groups, make, config.in_flags):
        _show(made, written, unit)


def _lists_of(
    group: Group,
    model: CoreCustomerModel,
    tiers: Tiers,
    cutoff: date,
    cost: pd.Series[float] | None,
    previous: PreviousScores | None,
    config: ListsConfig,
) -> CustomerLists:
    from duramen.analysis.lists import Budget, customer_lists
    from duramen.explain.changes import News
    from duramen.forecast.retention_profit import RetentionOffer
    from duramen.scoring.ranking import rank_core_customers

    news = None if previous is None else News(previous.ranking, group.tx, cutoff)
    customers = customer_table(group.tx, cutoff)
    ids = customers["customer_id"]
    own = None if cost is None else cost.loc[ids]
    ranking = rank_core_customers(model.predict(customers), tiers, own)
    if news is not None:
        ranking = news.first(ranking)
    offer, win_back = (
        RetentionOffer(config.offer_cost, config.contact_cost, acceptance=acceptance)
        for acceptance in (config.acceptance, config.win_back_acceptance or config.acceptance)
    )
    return customer_lists(
        ranking,
        offer,
        Budget(config.budget, config.contacts),
        win_back_offer=win_back,
        win_back_budget=Budget(config.win_back_budget, config.win_back_contacts),
        previous=None if previous is None else previous.ranking,
        tiers=tiers,
    )


def _show(made: CustomerLists, written: WrittenLists, unit: str) -> None:
    """Show how many customers each list has, and what contacting them costs and earns."""
    rows = made._asdict()
    for path in written.files:
        if path.stem not in IN_WORDS:
            show_place("workbook", path, "a sheet for each list")
            continue
        table = rows[path.stem]
        words = f"{len(table):,} customers"
        if "expected_profit" in table:
            words += f"; expected cost {table['cost'].sum():,.0f}, profit {table['expected_profit'].sum():,.0f} {unit}"
        show_place(IN_WORDS[path.stem], path, words)
    if made.below_break_even is None:
        warn("Without --cost-to-serve it is not known who is below break-even.")
    if written.note:
        warn(written.note)
