"""Column names of a source come in; which column plays which role goes out."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from duramen.data.column_languages import E_MAIL, NAMES_BY_LANGUAGE, NAMES_BY_SHOP
from duramen.errors import InputError, suggest

REQUIRED = ("customer_id", "date", "amount")

# The usual names of each role as `plain_name` writes them, the surest first.
_ENGLISH: dict[str, tuple[str, ...]] = {
    "customer_id": (
        "customerid", "customer", "custid", "clientid", "client", "householdid", "household", "userid", "user",
        "memberid", "member", "buyerid", "accountid", "shopperid", "customernumber", "customerno",
    ),
    "date": (
        "date", "orderdate", "purchasedate", "invoicedate", "transactiondate", "transactiontimestamp", "timestamp",
        "datetime", "orderedat", "createdat", "day", "time", "transdate", "trandate", "saledate", "salesdate",
    ),
    "amount": (
        "amount", "netamount", "revenue", "salesvalue", "sales", "dollarvalue", "total", "totalamount", "ordertotal",
        "linetotal", "totalprice", "spend", "netsales", "value", "monetary", "extendedamount", "extamount",
        "extendedprice", "extprice",
    ),
    "order": (
        "orderid", "order", "invoiceno", "invoice", "invoiceid", "basketid", "transactionid", "receiptid", "orderno",
    ),
    "product": (
        "productid", "product", "stockcode", "sku", "itemid", "item", "articleid", "upc", "productname", "itemname",
        "description", "productdescription", "itemdescription", "title",
    ),
    "line": ("linenumber", "orderlineid", "lineid", "lineitemid", "orderlinenumber", "lineno", "orderitemid"),
    "category": ("category", "productcategory", "categoryid", "department", "productgroup"),
    "quantity": ("quantity", "qty", "units"),
    "price": (
        "unitprice", "priceperunit", "priceeach", "unitsellingprice", "sellingprice", "saleprice",
        "productprice", "price",
    ),
    "discount": ("discount", "discountamount", "discountvalue"),
    "discount_rate": ("discountrate", "discountpercent", "discountpercentage", "discountpct"),
    "cost": ("cost", "cogs", "costamount"),
    "currency": ("currency", "currencycode"),
    "status": ("status", "orderstatus", "paymentstatus"),
    "kind": ("kind", "customerkind", "customertype"),
}  # fmt: skip
USUAL_NAMES: dict[str, tuple[str, ...]] = {
    role: tuple(dict.fromkeys((*names, *NAMES_BY_SHOP.get(role, ()), *NAMES_BY_LANGUAGE.get(role, ()))))
    + E_MAIL * (role == "customer_id")
    for role, names in _ENGLISH.items()
}


def find_columns(
    available: Sequence[str],
    given: Mapping[str, str | None],
    where: str,
    usual: Mapping[str, Sequence[str]] = USUAL_NAMES,
    required: Sequence[str] = REQUIRED,
) -> dict[str, str]:
    """Return the source column of each role that the source has.

    Parameters
    ----------
    available : sequence of str
        Column names of the source.
    given : mapping of role to column name
        What the user named; ``None`` and absent roles are looked for among the usual names. An optional role
        given as an empty string is left out.
    where : str
        How messages call the source.
    usual : mapping of role to names
        The roles that the source may have, and the usual names of each, the surest first.
    required : sequence of str
        The roles that it must have.

    Raises
    ------
    InputError
        If a named column or role does not exist, a required column is not found, or one column plays two roles.

    Examples
    --------
    >>> find_columns(["Customer ID", "InvoiceDate", "revenue"], {}, "orders.csv")
    {'customer_id': 'Customer ID', 'date': 'InvoiceDate', 'amount': 'revenue'}
    """
    refuse_unknown_roles(given, usual)
    chosen: dict[str, str] = {}
    for role, names in usual.items():
        named = given.get(role)
        if named:
            chosen[role] = named_column(named, role, available, where)
        elif named is None:
            taken = {*filter(None, given.values()), *chosen.values()}
            if found := usual_column(names, available, taken):
                chosen[role] = found
    missing = [role for role in required if role not in chosen]
    if missing:
        parameters = " and ".join(f"`{role}`" for role in missing)
        raise InputError(
            f"{where} has no column that looks like {' or '.join(missing)}; its columns are "
            f"{', '.join(map(repr, available))}; name the right one with {parameters}."
        )
    shared = [role for role, column in chosen.items() if list(chosen.values()).count(column) > 1]
    if shared:
        raise InputError(
            f"column {chosen[shared[0]]!r} of {where} is named for {' and '.join(shared)}; name one column for each."
        )
    return chosen


def refuse_unknown_roles(roles: Iterable[str], known: Iterable[str] = USUAL_NAMES) -> None:
    """Refuse a role that no column has."""
    known = list(known)
    if unknown := [role for role in roles if role not in known]:
        raise InputError(f"{unknown[0]!r} is not a role of a column; {suggest(unknown[0], known)}")


def named_column(named: str, role: str, available: Sequence[str], where: str) -> str:
    """Return a column that the user named, or refuse it where the source has none of this name."""
    if named in available:
        return named
    near = difflib.get_close_matches(named, available, n=1)
    raise InputError(
        f"{where} has no column {named!r} for {role}; its columns are {', '.join(map(repr, available))}"
        + (f"; did you mean {near[0]!r}?" if near else ".")
    )


def plain_name(name: str) -> str:
    """Return a column name by its letters and digits alone, of any script, without case and accents.

    Examples
    --------
    >>> plain_name("Numéro_Client"), plain_name("Kunden-Nr."), plain_name("订单 金额")
    ('numeroclient', 'kundennr', '订单金额')
    """
    parts = unicodedata.normalize("NFKD", name)
    # The marks of Japanese letters are no accents.
    bare = "".join(part for part in parts if not unicodedata.combining(part) or part in "\u3099\u309a")
    return "".join(part for part in unicodedata.normalize("NFKC", bare).casefold() if part.isalnum())


def usual_column(names: Sequence[str], available: Sequence[str], taken: set[str]) -> str | None:
    """Return the column that has one of the usual names of a role, the surest first, and is not taken."""
    plain = {plain_name(column): column for column in reversed(available) if column not in taken}
    return next((plain[name] for name in names if name in plain), None)
