"""Raw text and numbers come in; parsed values and the reason why a row cannot be used go out.

Every rule is an Ibis expression, so that it runs where the data lies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from duramen.errors import InputError
from duramen.language import marked

if TYPE_CHECKING:
    import ibis
    from ibis import ir

# A column of which more than this share cannot be read is the wrong column or in a wrong form, not a dirty one.
MOST_UNREADABLE = 0.05
# Four decimals are kept; rounding must not change more than this share of the money.
MOST_ROUNDED = 1e-3
# Earlier days are what systems write for "unknown", such as 0001-01-01.
EARLIEST_DAY = date(1900, 1, 1)
NO_CUSTOMER = marked("missing customer id")
UNREADABLE_DATE = marked("unreadable date")
TOO_EARLY = marked("date before 1900")
FUTURE_DATE = marked("future date")
NOT_NUMERIC = marked("amount is not numeric")
INTERNAL_CUSTOMER = marked("internal customer")
OTHER_CURRENCY = marked("other currency")
LEFT_OUT = marked("left out by `where`")
# How sources write that a text is missing, in lower case; and an id, a day or a number, which are never the region NA.
MISSING_TEXT = ("", "nan", "null", "(null)", "none", "<na>", "n/a", "#n/a", "#nv", r"\n", r"\\n")
MISSING_WORDS = (*MISSING_TEXT, "na", "-")


def parse_text(column: ir.Column, missing: Iterable[str] = MISSING_TEXT) -> ir.Column:
    """Return a value as text without space around it, null where it is missing."""
    import ibis

    stripped = column.cast("string").strip()
    return ibis.cases(
        (_is_one_of(stripped.lower(), missing), ibis.null("string")),
        else_=stripped,
    )


def parse_currency(column: ir.Column) -> ir.StringValue:
    """Return currencies without space around them, null where missing; eur and EUR are one code."""
    text = parse_text(column)
    return text.re_search("^[a-zA-Z]{3}$").ifelse(text.upper(), text)


def parse_code(currency: str) -> str:
    """Return the currency that a user named, by the rule of ``parse_currency``.

    Examples
    --------
    >>> parse_code(" eur"), parse_code("Euro")
    ('EUR', 'Euro')
    """
    name = currency.strip()
    return name.upper() if len(name) == 3 and name.isascii() and name.isalpha() else name


def _is_one_of(text: ir.StringValue, words: Iterable[str]) -> ir.BooleanValue:
    """Tell which texts are one of the words: ``isin`` is a join to DuckDB, done for every row before any case."""
    import ibis

    return ibis.or_(*(text == word for word in words))


def reason_set_aside(rows: ibis.Table, today: date, currency: str | None) -> ir.StringColumn:
    """Return why each row cannot be used, null where it can; the first reason that applies is the one counted."""
    import ibis

    reasons: list[tuple[ir.BooleanValue, str]] = [
        (rows.customer_id.isnull(), NO_CUSTOMER),
        (rows.date.isnull(), UNREADABLE_DATE),
        (rows.date < ibis.literal(EARLIEST_DAY), TOO_EARLY),
        (rows.date > ibis.literal(today), FUTURE_DATE),
        (rows.amount.isnull(), NOT_NUMERIC),
    ]
    if "kind" in rows.columns:
        reasons.append((rows.kind.cast("string").lower().strip() == "internal", INTERNAL_CUSTOMER))
    if "left_out" in rows.columns:
        reasons.insert(0, (rows.left_out, LEFT_OUT))
    if "currency" in rows.columns and currency is not None:
        reasons.append((parse_currency(rows.currency) != parse_code(currency), OTHER_CURRENCY))
    return ibis.cases(
        *[(holds.fill_null(False), ibis.literal(reason)) for holds, reason in reasons], else_=None
    )


def refuse_unreadable(
    rows: ibis.Table, counts: Mapping[str | None, int], columns: Mapping[str, str], where: str
) -> None:
    """Refuse a source whose amount or date column is mostly unreadable, or that leaves no row at all."""
    total = sum(counts.values()) - counts.get(LEFT_OUT, 0)
    for reason, role, remedy in (
        (
            NOT_NUMERIC,
            "amount",
            "write plain numbers (12.50), give `decimal` ',' or name another column with `amount`",
        ),
        (UNREADABLE_DATE, "date", "write YYYY-MM-DD or name another column with `date`"),
    ):
        count = counts.get(reason, 0)
        if count > MOST_UNREADABLE * total:
            examples = quote_examples(rows.filter(rows.reason == reason), f"raw_{role}")
            if role == "amount" and "order" in columns and examples in ("empty", "''"):
                remedy = "give `amount_per` order if the total of an order is on one of its lines alone"
            raise InputError(
                f"column {columns[role]!r} of {where}: {count:,} of {total:,} rows, {reason} "
                f"(for example {examples}); {remedy}."
            )
    if not counts.get(None, 0):
        stated = ", ".join(f"{reason} {count:,}" for reason, count in counts.items())
        raise InputError(
            f"{where} leaves no row to use: {stated or 'it has a header and no rows'}; check the columns."
        )


def refuse_finer_amounts(
    rows: ibis.Table, counts: Mapping[str, Any], columns: Mapping[str, str], where: str
) -> None:
    """Refuse amounts of which the four decimals that are kept would be a rough rounding.

    ``counts`` holds the ``money`` of the rows to use, all signs as plus, and how much rounding changes, ``rounded``.
    """
    money, rounded = counts["money"] or 0.0, counts["rounded"] or 0.0
    if rounded > MOST_ROUNDED * money:
        usable = rows.filter(rows.reason.isnull() & (rows.amount != rows.amount.round(4)))
        examples = quote_examples(usable, "raw_amount")
        raise InputError(
            f"column {columns['amount']!r} of {where} has amounts with more than the four decimals that are kept (for "
            f"example {examples}), and {rounded / money:.2%} of the money would be rounding; "
            "give them in a smaller unit, for example thousandths."
        )


def choose_currency(rows: ibis.Table, column: str, given: str | None, where: str) -> str | None:
    """Return the one currency to use; of a source that mixes them one must be given.

    Rows that are left out (``left_out``) do not count.
    """
    if "left_out" in rows.columns:
        rows = rows.filter(~rows.left_out)
    counted = rows.group_by(name=parse_currency(rows.currency)).aggregate(rows=rows.count())
    counted = counted.filter(counted.name.notnull()).order_by(counted.rows.desc(), counted.name)
    held = {row["name"]: row["rows"] for row in counted.to_pyarrow().to_pylist()}
    given = None if given is None else parse_code(given)
    if given is not None and given not in held:
        raise InputError(f"column {column!r} of {where} has no currency {given!r}; it has {', '.join(held)}.")
    if given is None and len(held) > 1:
        stated = ", ".join(f"{name} in {rows:,} rows" for name, rows in list(held.items())[:5])
        raise InputError(
            f"column {column!r} of {where} mixes currencies ({stated}); say which to use with `currency`."
        )
    return given or next(iter(held), None)


def quote_examples(rows: ibis.Table, column: str, most: int = 3) -> str:
    """Return a few different values of a column, as a sentence shows them."""
    values = rows.select(value=rows[column].cast("string")).distinct().order_by("value").limit(most)
    return ", ".join(
        "empty" if value is None else repr(value) for value in values.to_pyarrow()["value"].to_pylist()
    )
