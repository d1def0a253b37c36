"""What the user named and the columns of a source come in; the column of the amount, or its parts, goes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from duramen.data.amounts import parse_amount, unit_price_total
from duramen.data.columns import USUAL_NAMES, find_columns, named_column, plain_name, usual_column
from duramen.errors import InputError
from duramen.language import say

if TYPE_CHECKING:
    import ibis
    from ibis import ir

# Columns of numbers, in which one rule finds the decimal mark.
NUMBERS = ("amount", "price", "quantity", "discount", "discount_rate", "cost", "revenue", "cost_in_margin")
MARGIN_NAMES = ("margin", "profit", "grossmargin", "grossprofit")
PARTS = ("quantity", "price")


def find_order_columns(
    available: Sequence[str], given: Mapping[str, str | None], where: str, assumed: list[str]
) -> dict[str, str]:
    """Return the source column of each role; an amount made of quantity and price is named ``Quantity*Price``.

    Parameters
    ----------
    available : sequence of str
        Column names of the source.
    given : mapping of role to column name
        As ``find_columns`` takes it. ``amount`` may name two columns to multiply: ``Quantity*Price``.
    where : str
        How messages call the source.
    assumed : list of str
        Is given a sentence where quantity and price were found to make the amount.

    Raises
    ------
    InputError
        As ``find_columns``, and if the named amount is a price per unit beside a quantity.
    """
    amount = given.get("amount")
    if amount and plain_name(amount) in MARGIN_NAMES:
        return _of_margin(amount, available, given, where, assumed)
    if amount and "*" in amount and amount not in available:
        return _of_parts(available, given, _named_parts(amount, available, given, where), where)
    if amount:
        _refuse_unit_price(amount, available, given)
    elif given.get("price") or not usual_column(USUAL_NAMES["amount"], available, _taken(given)):
        parts = {role: _column_of(role, available, given, where) for role in PARTS}
        if all(parts.values()):
            roles = _of_parts(available, given, {role: name or "" for role, name in parts.items()}, where)
            assumed.append(
                say(
                    "the amount of a row is column {quantity} times column {price} (`amount` names another)",
                    quantity=repr(roles["quantity"]),
                    price=repr(roles["price"]),
                )
            )
            return roles
        if price := parts["price"]:
            raise InputError(
                f"{where} has no column that looks like amount, and column {price!r} looks like a price per unit, "
                "without a column for the quantity; name the quantity by `columns`, or give "
                f"`amount` {price!r} if it is the money of the row."
            )
    # A price beside an amount is not needed, and one column more to keep.
    return find_columns(available, {**given, "price": ""}, where)


def is_of_parts(roles: Mapping[str, str]) -> bool:
    """Return whether the amount is made of quantity and price."""
    return "price" in roles


def is_margin(roles: Mapping[str, str]) -> bool:
    """Return whether the amount is what is left of revenue after costs."""
    return plain_name(roles["amount"]) in MARGIN_NAMES


def is_computed(roles: Mapping[str, str]) -> bool:
    """Return whether the amount is made of two columns."""
    return is_of_parts(roles) or "cost_in_margin" in roles


def parse_line_amount(raw: ibis.Table, roles: Mapping[str, str], forms: Mapping[str, str]) -> ir.Column:
    """Return the amount of each row, null where it or a part of it is not numeric."""

    def number(role: str) -> ir.Column:
        return parse_amount(raw[roles[role]], forms[roles[role]])

    if is_of_parts(roles):
        revenue = unit_price_total(number("quantity"), number("price"))
    else:
        revenue = number("revenue" if "revenue" in roles else "amount")
    return revenue - number("cost_in_margin") if "cost_in_margin" in roles else revenue


def amount_as_it_came(raw: ibis.Table, roles: Mapping[str, str]) -> ir.Column:
    """Return the column of the amount, or its parts as a text such as ``2 * 4.95``."""
    if not is_computed(roles):
        return raw[roles["amount"]]

    def text(role: str) -> ir.StringColumn:
        return raw[roles[role]].cast("string").fill_null("")

    revenue = text("quantity") + " * " + text("price") if is_of_parts(roles) else text("revenue")
    return revenue + " - " + text("cost_in_margin") if "cost_in_margin" in roles else revenue


def _of_margin(
    amount: str, available: Sequence[str], given: Mapping[str, str | None], where: str, assumed: list[str]
) -> dict[str, str]:
    """Return the roles where the amount is the margin: a column of the source, or revenue less cost."""
    if plain_name(amount) in map(plain_name, available):
        # The costs are taken off already; as costs they would count twice.
        return find_columns(available, {**given, "price": "", "cost": ""}, where)
    # Revenue is found as an amount is that nobody named.
    roles = find_order_columns(available, {**given, "amount": None}, where, [])
    if "cost" not in roles:
        raise InputError(
            f"{where} has no column {amount!r} and none that looks like cost, so that no margin is known; name the "
            "column of the cost of a row by `columns`, or another `amount`."
        )
    assumed.append(
        say(
            "the amount of a row is column {revenue} less column {cost} (`amount` {amount})",
            revenue=repr(roles["amount"]),
            cost=repr(roles["cost"]),
            amount=repr(amount),
        )
    )
    revenue, cost = roles.pop("amount"), roles.pop("cost")
    of_revenue = {} if is_of_parts(roles) else {"revenue": revenue}
    return {**roles, **of_revenue, "cost_in_margin": cost, "amount": amount}


def _taken(given: Mapping[str, str | None]) -> set[str]:
    return {name for name in given.values() if name}


def _column_of(
    role: str, available: Sequence[str], given: Mapping[str, str | None], where: str
) -> str | None:
    if named := given.get(role):
        return named_column(named, role, available, where)
    return None if named == "" else usual_column(USUAL_NAMES[role], available, _taken(given))


def _named_parts(
    amount: str, available: Sequence[str], given: Mapping[str, str | None], where: str
) -> dict[str, str]:
    names = [_named_part(name.strip(), available, given, where) for name in amount.split("*")]
    if len(names) != 2:
        raise InputError(
            f"`amount` {amount!r} multiplies {len(names)} columns; give two, such as 'Quantity*Price'."
        )
    # The quantity is also kept as such: the second name may be it.
    if names[1] in (given.get("quantity"), usual_column(USUAL_NAMES["quantity"], names, set())):
        names.reverse()
    for role, name in zip(PARTS, names, strict=True):
        if given.get(role, name) != name:
            raise InputError(
                f"`amount` {amount!r} multiplies {name!r}, and `columns` names {given[role]!r} for {role}; name "
                "the same column."
            )
    return dict(zip(PARTS, names, strict=True))


def _named_part(name: str, available: Sequence[str], given: Mapping[str, str | None], where: str) -> str:
    """Return the column of a name, or of a role: ``quantity*price`` are the columns found for them."""
    if name not in available and name in PARTS and (found := _column_of(name, available, given, where)):
        return found
    return named_column(name, "amount", available, where)


def _of_parts(
    available: Sequence[str], given: Mapping[str, str | None], parts: Mapping[str, str], where: str
) -> dict[str, str]:
    named = {**given, **parts, "amount": ""}
    required = ("customer_id", "date")
    roles = find_columns(available, named, where, required=required)
    return {**roles, "amount": f"{parts['quantity']}*{parts['price']}"}


def _refuse_unit_price(amount: str, available: Sequence[str], given: Mapping[str, str | None]) -> None:
    """Refuse a price per unit as the amount where a quantity says how many units a row has."""
    if amount not in available or not usual_column(USUAL_NAMES["price"], [amount], set()):
        return
    quantity = given.get("quantity")
    if quantity is None:
        quantity = usual_column(USUAL_NAMES["quantity"], available, {*_taken(given), amount})
    if quantity:
        raise InputError(
            f"column {amount!r} looks like a price per unit, and column {quantity!r} says how many; give `amount` "
            f"'{quantity}*{amount}' to multiply them, or leave the quantity out (`columns` quantity=) to take "
            f"{amount!r} as the money of the row."
        )
