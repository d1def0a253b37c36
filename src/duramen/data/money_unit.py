"""The money units of a model and of orders come in; other units are refused before anything is compared."""

from __future__ import annotations

from collections.abc import Mapping

from duramen.data.checks import parse_code
from duramen.errors import InputError
from duramen.language import marked, say

# The unit of a source that does not name its currency.
NO_UNIT = marked("currency units")
_MARGIN = " margin"


def unit_of(currency: str | None, *, margin: bool) -> str:
    """Return the unit of amounts that are revenue, or what is left of it after costs.

    Examples
    --------
    >>> unit_of("EUR", margin=True), unit_of(None, margin=False)
    ('EUR margin', 'currency units')
    """
    return (parse_code(currency) if currency else NO_UNIT) + _MARGIN * margin


def unit_in_words(unit: str) -> str:
    """Return a unit in the language that is set; the name of a currency stays as it is.

    Examples
    --------
    >>> unit_in_words("EUR"), unit_in_words("currency units margin")
    ('EUR', 'currency units margin')
    """
    if unit.endswith(_MARGIN):
        return say("{currency} margin", currency=unit_in_words(unit.removesuffix(_MARGIN)))
    return say(NO_UNIT) if unit == NO_UNIT else unit


def unit_beside(
    marks: Mapping[str, str], roles: Mapping[str, str], given: str | None, where: str, assumed: list[str]
) -> str | None:
    """Return the currency of a source without a column for it: the one named, or written beside the amounts.

    Parameters
    ----------
    marks : mapping of column name to currency
    roles : mapping of role to column name
    given : str, optional
        The currency that the user named.
    where : str
        How messages call the source.
    assumed : list of str
        Gains a sentence where the currency was found.

    Raises
    ------
    InputError
        If another currency is written than named.
    """
    columns = [roles[role] for role in ("amount", "price", "revenue") if roles.get(role) in marks]
    if "currency" in roles or not columns:
        return given
    mark = marks[columns[0]]
    if given is not None and parse_code(given) != mark:
        raise InputError(
            f"the numbers of column {columns[0]!r} of {where} are written in {mark}, and `currency` is {given}; give "
            f"`currency` {mark}, or leave it out."
        )
    if given is None:
        assumed.append(
            say(
                "amounts are in {currency}, which column {column} has beside the numbers",
                currency=mark,
                column=repr(columns[0]),
            )
        )
    return mark


def compare_units(model: str, orders: str, source: str) -> str | None:
    """Return a note where it is not known whether a model and orders have one unit of money, or None.

    Parameters
    ----------
    model, orders : str
        The unit of the model and of the orders.
    source : str
        How messages call the orders.

    Raises
    ------
    InputError
        If they have different units.

    Examples
    --------
    >>> compare_units("EUR", "EUR", "orders.csv")
    >>> compare_units("EUR", "currency units", "orders.csv")
    'orders.csv names no currency; its amounts are taken as EUR, the unit of the model.'
    """
    if model.casefold() == orders.casefold():
        return None
    if model.endswith(_MARGIN) != orders.endswith(_MARGIN):
        first, second = ("margin", "revenue") if model.endswith(_MARGIN) else ("revenue", "margin")
        raise InputError(
            f"the model was trained on {first} ({model}) and the amounts of {source} are {second} ({orders}); give the "
            f"same `amount`, or train a model on {second}."
        )
    if orders.removesuffix(_MARGIN) == NO_UNIT:
        return say(
            "{source} names no currency; its amounts are taken as {unit}, the unit of the model.",
            source=source,
            unit=unit_in_words(model),
        )
    if model.removesuffix(_MARGIN) == NO_UNIT:
        return say(
            "the model names no currency; it is taken to be {unit}, the unit of {source}.",
            unit=unit_in_words(orders),
            source=source,
        )
    raise InputError(
        f"the model was trained on {model} and {source} is in {orders}: use orders in {model}, convert them by "
        f"`exchange_rates` with `currency` {model}, or train a model on {orders}."
    )
