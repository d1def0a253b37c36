"""Orders come in; why revenue changed, and how the customer base did, go out as sentences, a page and tables."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from rich.text import Text

from duramen.analysis.counted import signed
from duramen.cli.config.base import BaseConfig
from duramen.cli.inputs import load_model, read_customers, read_features, read_orders, refuse_other_units
from duramen.cli.next_commands import orders_command
from duramen.cli.progress import step
from duramen.cli.summary import more_lines
from duramen.cli.terminal import (
    new_table,
    show_heading,
    show_lines,
    show_next,
    show_notes,
    show_place,
    show_table,
)
from duramen.data.money_unit import unit_in_words
from duramen.language import say, translated
from duramen.report.numbers import capital

if TYPE_CHECKING:
    import pandas as pd

    from duramen.analysis.base_costs import BaseCosts
    from duramen.analysis.base_over_time import CustomerBase
    from duramen.data.customer_file import CustomerFile

# Sentences of a summary about the change of revenue, and lines of each.
SENTENCES, SENTENCE_LINES = 2, 3
# Lines of the notes.
NOTE_LINES = 4


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
    words = say("Comparing the {after} with those before", after=after.in_words())
    with step(words):
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
    with step(say("Writing {place}", place=str(config.out))):
        page = write_base(found, config.out, config.in_flags)
    _show(found, config, brief=bool(more_lines(tx)))
    show_place(say("page"), page, say("for a browser; it needs no network"))
    show_place(say("tables"), config.out, say("{n} CSV files with every figure", n=len(found.tables())))
    show_next(_next_commands(config))


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


def _show(found: CustomerBase, config: BaseConfig, *, brief: bool) -> None:
    """Show what happened in sentences, and the parts of the change; brief where much was said of the orders."""
    verbose = config.verbose
    lines = None if verbose else SENTENCE_LINES - brief
    if verbose:
        show_heading(say("Why revenue changed"))
    sentences = found.change.sentences
    for sentence in sentences if verbose else sentences[: SENTENCES - brief]:
        show_lines(sentence, lines)
    _show_parts(found)
    if verbose:
        show_heading(say("How the base did"))
    for part in (found.structure, found.cohorts) if verbose else (found.structure,):
        show_lines(capital(config.in_flags(str(part))), lines)
    _show_economics(found, lines, verbose=verbose)
    # What is wrong with a campaign that was given is the first note.
    parts = [*vars(found.economics).values(), found.campaign]
    parts = parts[::-1] if config.campaign else parts
    missing = dict.fromkeys(part for part in parts if isinstance(part, str))
    notes = [*(capital(reason) for reason in missing), *found.change.notes]
    show_notes((config.in_flags(note) for note in notes), verbose=verbose, lines=NOTE_LINES // (1 + brief))


def _show_parts(found: CustomerBase) -> None:
    """Show the parts of the change of revenue as a table."""
    parts = found.change.parts
    seasonal = (parts["money"] != parts["money_with_season"]).any()
    table = new_table(
        say("part"),
        unit_in_words(found.unit),
        say("of before"),
        say("customers"),
        *([say("with season")] if seasonal else []),
    )
    for row in parts.to_dict("records"):
        with_season = [signed(row["money_with_season"])] if seasonal else []
        figures = (signed(row["money"]), f"{row['share_of_before']:+z,.1%}", f"{row['customers']:,.0f}")
        table.add_row(translated(row["part"]), *figures, *with_season)
    table.add_row(Text(say("change of revenue"), "bold"), Text(signed(found.change.change), "bold"))
    show_table(table)


def _show_economics(found: CustomerBase, lines: int | None, *, verbose: bool) -> None:
    """Show what customers leave and what keeping them earns, as far as it is known."""
    economics = found.economics
    if not isinstance(economics.break_even, str):
        customers = economics.break_even.customers
        below = customers[customers["below_break_even"]]
        show_lines(
            say(
                "{below} of {all} customers are expected to cost more than they bring ({money} {unit} together).",
                below=f"{len(below):,}", all=f"{len(customers):,}", money=signed(below["contribution"].sum()),
                unit=unit_in_words(found.unit),
            )
        )  # fmt: skip
    measured = not isinstance(found.campaign, str)
    # What a campaign changed says more than what is expected of one.
    if not isinstance(economics.retention, str) and (verbose or not measured):
        # The first sentence is what all of them assume, which the next one says too.
        sentences = economics.retention.sentences
        for sentence in sentences if verbose else sentences[1:2]:
            show_lines(sentence, lines)
    if verbose and not isinstance(economics.rewards, str):
        grades = economics.rewards.grades
        show_lines(
            say(
                "A club within the budget has {members} members in {grades} grades.",
                members=f"{grades['customers'].sum():,}",
                grades=len(grades),
            )
        )
    if not isinstance(found.campaign, str):
        for sentence in found.campaign.sentences if verbose else found.campaign.sentences[:1]:
            show_lines(sentence, lines)


def _next_commands(config: BaseConfig) -> list[str]:
    """Return the commands that add what is expected of the base, or act on it."""
    if config.model is None:
        shown = ["--out", str(config.out), "--model", "model"]
        return [
            orders_command("train", config.orders, config, "--model-out", "model"),
            orders_command("base", config.orders, config, *shown),
        ]
    costs = [
        word
        for name, cost in (("offer", config.offer_cost), ("contact", config.contact_cost))
        if cost
        for word in (f"--{name}-cost", f"{cost:g}")
    ]
    if not config.offer_cost:
        return [
            orders_command("report", config.orders, config, "--model", config.model, "--out", "report.html")
        ]
    return [orders_command("lists", config.orders, config, "--model", config.model, *costs, "--out", "lists")]
