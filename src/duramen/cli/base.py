"""Orders come in; why revenue changed, and how the customer base did, go out as sentences, a page and tables."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table

from duramen.cli.config.commands import BaseConfig
from duramen.cli.inputs import load_model, read_customers, read_features, read_orders, refuse_other_units
from duramen.cli.ranking import OPEN_REPORT
from duramen.cli.terminal import console, show_heading, show_place, step, warn
from duramen.report.numbers import sentence_of

if TYPE_CHECKING:
    import pandas as pd

    from duramen.analysis.base_costs import BaseCosts
    from duramen.analysis.base_over_time import CustomerBase
    from duramen.data.customer_file import CustomerFile


def base(config: BaseConfig) -> None:
    """Explain a change of revenue between two periods, and how the customer base developed."""
    from duramen.report.drawing import require_drawing

    require_drawing()
    from duramen.analysis.base_over_time import compared_periods, customer_base
    from duramen.analysis.campaigns import read_campaign
    from duramen.io.files import refuse_unwritable_folder
    from duramen.report.customer_base import write_base

    refuse_unwritable_folder(config.out, "out")
    campaign = read_campaign(config.campaign) if config.campaign else None
    model = load_model(config.model) if config.model else None
    about = read_customers(config)
    tx = read_orders(config.orders, config, about, read_features(config, [model] if model else ()))
    if model:
        refuse_other_units([model], tx)
    before, after = compared_periods(tx, config.first_day, config.last_day)
    with step(f"Comparing the {after} with the {before}"):
        found = customer_base(
            tx,
            before,
            after,
            model,
            _costs(config),
            complete_history=config.complete_history,
            campaign=campaign,
            referred_by=_referrers(about),
        )
    with step(f"Writing {config.out}"):
        page = write_base(found, config.out, config.in_flags)
    _show(found, config)
    show_place("page", page, OPEN_REPORT)
    show_place("tables", config.out, f"{len(found.tables())} CSV files with every figure")


def _costs(config: BaseConfig) -> BaseCosts:
    from duramen.analysis.base_costs import BaseCosts
    from duramen.analysis.break_even import ServiceCosts
    from duramen.forecast.retention_profit import RetentionOffer

    service = (config.order_cost, config.return_cost, config.customer_cost)
    offer = (config.offer_cost, config.contact_cost)
    return BaseCosts(
        margin=config.margin or 1.0,
        service=ServiceCosts(*service) if any(service) else None,
        acquisition=config.acquisition_cost,
        offer=RetentionOffer(*offer, acceptance=config.acceptance) if any(offer) else None,
        reward_budget=config.reward_budget,
        cheaper_service=config.cheaper_service,
        minimum_order=config.minimum_order,
    )


def _referrers(about: CustomerFile | None) -> Callable[[pd.Series[Any]], pd.Series[Any]] | None:
    """Return how to look up who referred customers, where the file about customers has it."""
    if about is None or "referred_by" not in about.table:
        return None
    return partial(about.of, "referred_by")


def _show(found: CustomerBase, config: BaseConfig) -> None:
    """Show what happened in sentences, and the parts of the change."""
    from duramen.analysis.counted import signed

    show_heading("Why revenue changed")
    _say(*found.change.sentences)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    parts = found.change.parts
    seasonal = (parts["money"] != parts["money_with_season"]).any()
    for name in ("part", found.unit, "of before", "customers", *(["with season"] if seasonal else [])):
        table.add_column(name, justify="left" if name == "part" else "right", no_wrap=True)
    for row in parts.to_dict("records"):
        with_season = [signed(row["money_with_season"])] if seasonal else []
        figures = (signed(row["money"]), f"{row['share_of_before']:+z,.1%}", f"{row['customers']:,.0f}")
        table.add_row(row["part"], *figures, *with_season)
    table.add_row("[bold]change of revenue[/]", f"[bold]{signed(found.change.change)}[/]")
    console.print(table)
    show_heading("How the base did")
    _say(*(sentence_of(config.in_flags(str(part))) for part in (found.structure, found.cohorts)))
    _show_economics(found, config)
    for note in found.change.notes:
        warn(config.in_flags(note))


def _say(*sentences: str) -> None:
    for sentence in sentences:
        console.print(sentence, highlight=False, markup=False)


def _show_economics(found: CustomerBase, config: BaseConfig) -> None:
    """Show what customers leave and what keeping them earns, or which setting would bring it."""
    economics = found.economics
    missing = dict.fromkeys(
        part for part in (*vars(economics).values(), found.campaign) if isinstance(part, str)
    )
    if not isinstance(economics.break_even, str):
        customers = economics.break_even.customers
        below = customers[customers["below_break_even"]]
        _say(
            f"{len(below):,} of {len(customers):,} customers are expected to cost more than they bring "
            f"({below['contribution'].sum():+,.0f} {found.unit} together)."
        )
    if not isinstance(economics.retention, str):
        _say(*economics.retention.sentences)
    if not isinstance(economics.rewards, str):
        grades = economics.rewards.grades
        _say(f"A club within the budget has {grades['customers'].sum():,} members in {len(grades)} grades.")
    if not isinstance(found.campaign, str):
        _say(*found.campaign.sentences)
    for reason in missing:
        warn(sentence_of(config.in_flags(reason)))
