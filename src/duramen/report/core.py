"""The core set in figures comes in; its headline, the descriptions of the tiers and the value curve go out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from duramen.analysis.core_summary import CoreSummary, value_curve
from duramen.report import charts
from duramen.report.numbers import chosen, count, share
from duramen.scoring.tiers import Tiers


def value_name(core: CoreSummary) -> str:
    """Return what the value by which tiers are cut is called."""
    return "predicted value after cost of those above break-even" if core.after_cost else "predicted value"


def headline(core: CoreSummary) -> str:
    """Return the first sentence of the report.

    Examples
    --------
    >>> core = CoreSummary(1, 4, 80.0, 100.0, active=2.5, stable=1, uncertain=0, simulated_size=1.2)
    >>> headline(core).replace(chr(0x202F), " ")
    '1 of 4 customers (25.0 %) accounts for 80 % of the predicted value.'
    """
    name = value_name(core)
    if not core.size:
        return f"No core can be named: the {name} of all {count(core.customers)} customers is not above zero."
    verb = "accounts" if core.size == 1 else "account"
    return (
        f"{count(core.size)} of {count(core.customers)} customers ({share(core.customers_share)}) {verb} for "
        f"{share(core.value_share, 0)} of the {name}."
    )


def tier_descriptions(tiers: Tiers, core: CoreSummary) -> str:
    """Return a sentence for each tier that says which customers are in it."""
    vip, main, rising, regular, small, below = tiers.names
    sentences = [
        f"{vip}: the fewest customers that account for {chosen(tiers.vip_share)} of the {value_name(core)}",
        f"{main}: with them, {chosen(tiers.core_share)}",
        f"{rising}: of the {chosen(tiers.rising_share)} outside the core who are most likely to grow, those who are "
        f"forecast to spend {_more_than(tiers.rising_growth)} than at their own past rate",
        f"{regular}: up to {chosen(tiers.regular_share)}",
        f"{small}: the rest",
    ]
    if not tiers.rising_share:
        sentences[2] = f"{rising}: no customer, by choice"
    if core.after_cost:
        sentences.append(
            f"{below}: customers whose predicted value is less than the cost to serve, however much they may grow; "
            "they count for nothing in it"
        )
    return ". ".join(text[:1].upper() + text[1:] for text in sentences) + "."


def _more_than(growth: float) -> str:
    return f"over {share(growth, 0)} more" if growth else "more"


def draw_value_curve(values: npt.NDArray[np.float64], core: CoreSummary) -> Markup | None:
    """Return the cumulative share of value by share of customers as a drawing; None where there is no core."""
    if not core.size:
        return None
    label = [
        f"{count(core.size)} customers",
        f"{share(core.customers_share)} of all",
        f"{share(core.value_share)} of value",
    ]
    curve = value_curve(values, core.size)
    description = (
        f"Curve of the cumulative share of {value_name(core)} by share of customers: " + " ".join(label) + "."
    )
    return charts.in_both_widths(
        lambda width: charts.value_curve(curve, (core.customers_share, core.value_share), label, width),
        description,
    )
