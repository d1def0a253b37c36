"""Orders and a saved model come in; lists of customers to act on go out, as CSV and as a workbook."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from duramen.analysis.list_files import SHEETS
from duramen.cli.config.lists import ListsConfig
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
from duramen.cli.next_commands import orders_command
from duramen.cli.progress import step
from duramen.cli.summary import show_group
from duramen.cli.terminal import new_table, show_dim, show_next, show_place, show_table, warn
from duramen.data.customers import customer_table
from duramen.data.money_unit import unit_in_words
from duramen.language import say, translated

if TYPE_CHECKING:
    from duramen.analysis.list_files import WrittenLists
    from duramen.analysis.lists import CustomerLists
    from duramen.forecast.retention_profit import RetentionOffer
    from duramen.scoring.model import CoreCustomerModel
    from duramen.scoring.tiers import Tiers


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
        model = models[group.key]
        with step(say("Scoring {who} and making the lists", who=group.who)):
            made = _lists_of(group, model, tiers[group.key], cutoff, cost, previous[group.key], config)
            return made, write_lists(config.out / group.key, made), unit_in_words(model.unit_)

    done = list(for_each_group(groups, make, config.in_flags))
    for group, (made, written, unit) in done:
        show_group(group)
        _show(made, written, unit, config)
    common = ["--model", config.model, *([] if config.kind is None else ["--kind", config.kind])]
    common += [] if config.cutoff is None else ["--cutoff", config.cutoff.isoformat()]
    show_next([orders_command("report", config.orders, config, *common, "--out", "report.html")])


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
    from duramen.scoring.ranking import rank_core_customers

    news = None if previous is None else News(previous.ranking, group.tx, cutoff)
    customers = customer_table(group.tx, cutoff)
    ids = customers["customer_id"]
    own = None if cost is None else cost.loc[ids]
    ranking = rank_core_customers(model.predict(customers), tiers, own)
    if news is not None:
        ranking = news.first(ranking)
    offer, win_back = _offers(config)
    return customer_lists(
        ranking,
        offer,
        Budget(config.budget, config.contacts),
        win_back_offer=win_back,
        win_back_budget=Budget(config.win_back_budget, config.win_back_contacts),
        previous=None if previous is None else previous.ranking,
        tiers=tiers,
    )


def _offers(config: ListsConfig) -> tuple[RetentionOffer, RetentionOffer]:
    """Return the offers to customers who may leave, and to lapsed ones."""
    from duramen.forecast.retention_profit import RetentionOffer

    rates = (config.acceptance, config.win_back_acceptance or config.acceptance)
    leaving, lapsed = (
        RetentionOffer(config.offer_cost, config.contact_cost, acceptance=rate) for rate in rates
    )
    return leaving, lapsed


def _show(made: CustomerLists, written: WrittenLists, unit: str, config: ListsConfig) -> None:
    """Show how many customers each list has, in which order, and what contacting them costs and earns."""
    from duramen.analysis.lists import order_in_words

    leaving, lapsed = _offers(config)
    table = new_table(
        say("list"), say("customers"), say("cost in {unit}", unit=unit), say("profit in {unit}", unit=unit)
    )
    for name, rows in made._asdict().items():
        if rows is None:
            continue
        with_profit = "expected_profit" in rows
        figures = [rows["cost"].sum(), rows["expected_profit"].sum()] if with_profit else []
        table.add_row(translated(SHEETS[name]), f"{len(rows):,}", *(f"{figure:,.0f}" for figure in figures))
    show_table(table)
    show_dim(order_in_words(made))
    show_dim(
        say(
            "Cost and profit are expected, if {acceptance} of the leaving and {win_back} of the lapsed "
            "customers accept.",
            acceptance=f"{leaving.mean_acceptance:.0%}",
            win_back=f"{lapsed.mean_acceptance:.0%}",
        )
    )
    if config.previous_scores is None and len(made.new_in_rising_tier):
        show_dim(say("Without --previous-scores everybody in the rising tier counts as new."))
    if made.below_break_even is None:
        warn(say("Without --cost-to-serve it is not known who is below break-even."))
    if written.note:
        warn(written.note)
    show_place(say("lists"), ", ".join(str(path) for path in written.files if path.stem in SHEETS))
    for path in written.files:
        if path.stem not in SHEETS:
            show_place(say("workbook"), path, say("a sheet for each list"))
