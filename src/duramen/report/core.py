"""The core set in figures comes in; its headline, the descriptions of the tiers and the value curve go out."""

from __future__ import annotations

import pandas as pd
from markupsafe import Markup

from duramen.analysis.core_summary import HALF, STABLE, CoreSummary
from duramen.analysis.joined import in_a_row
from duramen.language import Sentence, say, say_count, translated
from duramen.report import charts
from duramen.report.numbers import capital, chosen, count, share
from duramen.scoring.tiers import Tiers


def value_name(core: CoreSummary) -> Sentence:
    """Return what the value by which tiers are cut is called."""
    if core.after_cost:
        return say("predicted value after cost of those above break-even")
    return say("predicted value")


def headline(core: CoreSummary) -> Sentence:
    """Return the first sentence of the report.

    Examples
    --------
    >>> core = CoreSummary(1, 4, 80.0, 100.0, active=2.5, stable=1, uncertain=0, simulated_size=1.2)
    >>> headline(core).replace(chr(0x202F), " ")
    '1 of 4 customers (25.0 %) accounts for 80 % of the predicted value.'
    """
    name = value_name(core)
    if not core.size:
        return say(
            "No core can be named: the {value} of all {n} customers is not above zero.",
            value=name,
            n=count(core.customers),
        )
    return say_count(
        "{n} of {all} customers ({share}) accounts for {value_share} of the {value}.",
        "{n} of {all} customers ({share}) account for {value_share} of the {value}.",
        core.size,
        all=count(core.customers),
        share=share(core.customers_share),
        value_share=share(core.value_share, 0),
        value=name,
    )


def certainty(core: CoreSummary) -> str:
    """Return how sure it is that the members of the core are core.

    Examples
    --------
    >>> core = CoreSummary(10, 20, 80.0, 100.0, active=9.5, stable=1, uncertain=3, simulated_size=6.2)
    >>> certainty(core).split(",")[-1]
    ' and 6 in less than half.'
    """
    return say(
        "How sure: {stable} of the {size} core customers are core in at least {share} of simulated outcomes, "
        "{uncertain} in {half} to {share}, and {rest} in less than half.",
        stable=count(core.stable),
        size=count(core.size),
        uncertain=count(core.uncertain),
        rest=count(core.size - core.stable - core.uncertain),
        share=chosen(STABLE),
        half=chosen(HALF),
    )


def tier_descriptions(tiers: Tiers, core: CoreSummary) -> str:
    """Return a sentence for each tier that says which customers are in it."""
    vip, main, rising, regular, small, below = (capital(translated(name)) for name in tiers.names)
    sentences = [
        say(
            "{tier}: the fewest customers that account for {share} of the {value}.",
            tier=vip,
            share=chosen(tiers.vip_share),
            value=value_name(core),
        ),
        say("{tier}: with them, {share}.", tier=main, share=chosen(tiers.core_share)),
        _who_is_rising(rising, tiers),
        say("{tier}: up to {share}.", tier=regular, share=chosen(tiers.regular_share)),
        say("{tier}: the rest.", tier=small),
    ]
    if core.after_cost:
        sentences.append(
            say(
                "{tier}: customers whose predicted value is less than the cost to serve, however much they may "
                "grow; their value is not counted.",
                tier=below,
            )
        )
    return in_a_row(sentences)


def _who_is_rising(name: str, tiers: Tiers) -> Sentence:
    if not tiers.rising_share:
        return say("{tier}: no customer, by choice.", tier=name)
    values = {"tier": name, "share": chosen(tiers.rising_share)}
    if not tiers.rising_growth:
        return say(
            "{tier}: of the {share} outside the core who are most likely to grow, those who are neither at risk nor "
            "lapsed and are forecast to spend at least as much as at their own past rate.",
            **values,
        )
    return say(
        "{tier}: of the {share} outside the core who are most likely to grow, those who are neither at risk nor lapsed "
        "and are forecast to spend at least {growth} more than at their own past rate.",
        **values,
        growth=share(tiers.rising_growth, 0),
    )


def concentration(core: CoreSummary) -> Sentence:
    """Return how concentrated the value is, as a finding."""
    return say(
        "{share} of the customers account for {value_share} of the {value}.",
        share=share(core.customers_share),
        value_share=share(core.value_share),
        value=value_name(core),
    )


def draw_value_curve(curve: pd.DataFrame, core: CoreSummary) -> Markup:
    """Return the cumulative share of value by share of customers as a drawing; there is a core."""
    label = [
        say_count("{n} customer", "{n} customers", core.size),
        say("{share} of all", share=share(core.customers_share)),
        say("{share} of value", share=share(core.value_share)),
    ]
    description = say(
        "Curve of the cumulative share of {value} by share of customers. {finding}",
        value=value_name(core),
        finding=concentration(core),
    )
    return charts.in_both_widths(
        lambda width: charts.value_curve(curve, (core.customers_share, core.value_share), label, width),
        description,
    )
