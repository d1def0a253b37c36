"""Options come in; the orders, models and settings that they name go out, read and checked. Called by the commands."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from duramen.cli.groups import Group
from duramen.cli.output_paths import model_addresses
from duramen.cli.terminal import console, step
from duramen.data.reading import read_transactions
from duramen.data.transactions import Transactions
from duramen.data.windows import Window, choose_horizon, parse_day
from duramen.errors import InputError

if TYPE_CHECKING:
    from duramen.analysis.portfolio_axes import Axes
    from duramen.scoring.model import CoreCustomerModel
    from duramen.scoring.tiers import Tiers


READ_OPTIONS = (
    "customer_id",
    "date",
    "amount",
    "columns",
    "customers",
    "date_format",
    "decimal",
    "currency",
    "memory_limit",
    "threads",
)


def given_orders(options: dict[str, Any]) -> Transactions:
    """Read the orders, and tell what they are."""
    if "orders" not in options:
        raise InputError(
            "no orders are given; name a file, a folder or a table, or set orders in the --config file."
        )
    with step("Reading and checking the orders"):
        tx = read_transactions(
            options["orders"], **{key: options[key] for key in READ_OPTIONS if key in options}
        )
    console.print(str(tx), highlight=False, markup=False, soft_wrap=True)
    return tx


def choose_cutoff(tx: Transactions, options: dict[str, Any]) -> date:
    """Return the cutoff that is given, or the day after the last row."""
    after_the_last = tx.last_date + timedelta(days=1)
    if "cutoff" not in options:
        return after_the_last
    cutoff = parse_day(options["cutoff"])
    if not tx.first_date < cutoff <= after_the_last:
        raise InputError(
            f"the cutoff {cutoff} lies outside the data: column {tx.columns['date']!r} of {tx.source} runs from "
            f"{tx.first_date} to {tx.last_date} in {tx.rows_used:,} rows; choose a day in it or the day after it."
        )
    return cutoff


def choose_window(tx: Transactions, options: dict[str, Any]) -> Window:
    """Return cutoff and horizon, and tell how a horizon that is not given was chosen."""
    cutoff = choose_cutoff(tx, options)
    if "horizon" in options:
        window = Window(cutoff, options["horizon"])
        console.print(f"History before {cutoff}, forecast over {window.horizon} days.")
    else:
        window = Window(cutoff, choose_horizon(tx.first_date, cutoff))
        console.print(
            f"History before {cutoff}, forecast over {window.horizon} days: the longest usual horizon that fits three "
            f"times into {(cutoff - tx.first_date).days} days of history (--horizon sets another)."
        )
    return window


def given_tiers(options: dict[str, Any], base: Tiers | None = None) -> Tiers | None:
    """Return the tiers that are set, with those of ``base`` where nothing is."""
    from duramen.scoring.tiers import Tiers

    return Tiers.from_dict(options["tiers"], base) if "tiers" in options else None


def given_axes(options: dict[str, Any]) -> Axes:
    """Return the axes of the portfolio, refused before any work is done where they are no such thing."""
    from duramen.analysis.portfolio_axes import Axes

    return Axes.from_dict(options.get("portfolio", {}))


def given_costs(groups: list[Group], cutoff: date, options: dict[str, Any]) -> pd.Series[float] | None:
    """Return the cost to serve of each customer, refused before any model is fitted where it is not sound."""
    from duramen.data.costs import read_costs
    from duramen.scoring.ranking import costs_of

    if "cost_to_serve" not in options:
        return None
    bought = [group.tx.history(cutoff).filter(lambda days: days.purchase) for group in groups]
    ids = pd.concat([days.customer_id.as_table().distinct().to_pandas() for days in bought])["customer_id"]
    cost = read_costs(options["cost_to_serve"], ids, decimal=options.get("decimal", "."))
    costs_of(ids.to_frame("customer_id"), cost)
    return cost


def given_credit(ids: pd.Series[Any], options: dict[str, Any]) -> pd.Series[Any] | None:
    """Return the credit of each customer, where the file about customers tells any."""
    from duramen.data.customer_file import read_customer_file

    if "customers" not in options:
        return None
    known = read_customer_file(options["customers"])
    return known.of("credit", ids) if "credit" in known.table else None


def given_models(address: str, kind: str | None) -> dict[str, CoreCustomerModel]:
    """Return the model of each group by its key."""
    return {key: load_model(place) for key, place in model_addresses(address, kind).items()}


def load_model(address: str) -> CoreCustomerModel:
    """Return the model of a folder, a run or the registry."""
    from duramen.scoring.model import CoreCustomerModel

    with step(f"Loading the model {address}"):
        if address.startswith(("models:/", "runs:/")):
            from duramen.tracking.store import load_model

            return load_model(address)
        return CoreCustomerModel.load(address)
