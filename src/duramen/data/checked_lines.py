"""Parsed lines with the reason why each is set aside come in; purchase days and the rows set aside go out, kept.

Every row is either used or set aside for one reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from duramen.data.checks import NOT_NUMERIC, parse_currency, refuse_finer_amounts, refuse_unreadable
from duramen.data.doubtful_ids import describe_emails, describe_ids
from duramen.data.ids import is_email, parse_id
from duramen.data.lone_dates import LONE_DATE, find_lone_dates
from duramen.data.losses import refuse_patterns
from duramen.data.order_totals import repeated_total
from duramen.data.purchase_days import MONEY, collapse_to_days, lines_of_shared_days
from duramen.language import marked

if TYPE_CHECKING:
    import ibis

DUPLICATE = marked("duplicate line")


class Checked(NamedTuple):
    """Lines to use and rows set aside, each row in one of them."""

    lines: ibis.Table
    rejected: ibis.Table
    rows_in: int
    set_aside: dict[str, int]
    set_aside_money: dict[str, float]
    has_returns: bool


class KeptDays(NamedTuple):
    """What is kept of the lines, in tables of the workspace."""

    days: ibis.Table
    lines: ibis.Table
    rejected: ibis.Table
    kinds: ibis.Table | None
    rows_in: int
    set_aside: dict[str, int]
    set_aside_money: dict[str, float]
    assumed: list[str]


def check_lines(rows: ibis.Table, roles: Mapping[str, str], called: str) -> Checked:
    """Separate the rows by their reason, and refuse a source that is unusable as a whole."""
    currencies = {}
    if "currency" in rows.columns:
        currencies = {"currencies": parse_currency(rows.currency).collect(distinct=True)}
    counted = rows.group_by("reason").aggregate(
        **currencies,
        rows=rows.count(),
        returns=(rows.amount < 0).sum(),
        money=rows.amount.abs().sum(),
        # Exact, and of nothing for the rows to use: their money is that of the days.
        lost=rows.reason.notnull().ifelse(rows.amount, None).round(4).cast(MONEY).sum(),
        rounded=(rows.amount - rows.amount.round(4)).abs().sum(),
    )
    by_reason = {row["reason"]: row for row in counted.to_pyarrow().to_pylist()}
    counts = {reason: row["rows"] for reason, row in by_reason.items()}
    refuse_unreadable(rows, counts, roles, called)
    refuse_patterns(rows, counts, roles, called)
    refuse_finer_amounts(rows, by_reason[None], roles, called)
    set_aside = {
        reason: count
        for reason, count in sorted(counts.items(), key=lambda item: (-item[1], item[0] or ""))
        if reason
    }
    return Checked(
        lines=rows.filter(rows.reason.isnull()).drop("reason"),
        rejected=_as_it_came(rows.filter(rows.reason.notnull()), roles),
        rows_in=sum(counts.values()),
        set_aside=set_aside,
        set_aside_money={
            reason: float(by_reason[reason]["lost"])
            for reason in set_aside
            if _has_known_money(reason, by_reason[reason], by_reason[None])
        },
        has_returns=bool(by_reason[None]["returns"]),
    )


def _has_known_money(reason: str, row: Mapping[str, Any], used: Mapping[str, Any]) -> bool:
    """Return whether the money of rows set aside is known in the unit of the rows to use."""
    if row["lost"] is None or reason == NOT_NUMERIC:
        return False
    others = set(row.get("currencies") or ()) - set(used.get("currencies") or ())
    return not others


def keep_days(
    workspace: Any,
    checked: Checked,
    roles: Mapping[str, str],
    amount_per: str | None,
    unit: str,
    *,
    hashed: bool = False,
) -> KeptDays:
    """Collapse the lines to days without copies, and keep them and the rows set aside in the workspace."""
    lines, rejected, set_aside = checked.lines, checked.rejected, dict(checked.set_aside)
    money = dict(checked.set_aside_money)
    assumed: list[str] = []
    if lone := find_lone_dates(lines):
        assumed, set_aside[LONE_DATE], money[LONE_DATE] = [lone.in_words()], lone.rows, lone.money
        far = lines.filter(lines.date > lone.last_day).mutate(reason=_text(LONE_DATE))
        rejected, lines = rejected.union(_as_it_came(far, roles)), lines.filter(lines.date <= lone.last_day)
    used = lines
    shared = workspace.create_table("shared", lines_of_shared_days(lines))
    assumed += [] if amount_per else repeated_total(shared, roles["amount"])
    # A copy of a line whose order counts once adds no money.
    if amount_per != "order" and ("line" in roles or {"order", "product"} <= set(roles)):
        copies = workspace.create_table("copies", _copied_lines(shared))
        surplus, worth = _surplus(copies)
        if surplus:
            set_aside[DUPLICATE], money[DUPLICATE] = surplus, worth
            rejected = rejected.union(_as_it_came(_repeat(copies).mutate(reason=_text(DUPLICATE)), roles))
            shared, used = shared.distinct(), lines.distinct()
    days = workspace.create_table("days", collapse_to_days(lines, shared, checked.has_returns))
    workspace.drop_table("shared")
    # A copy, since the source may be gone when the quarantine is asked for; of nothing, where that needs no look.
    rejected = workspace.create_table("rejected", rejected if set_aside else rejected.limit(0))
    kinds = workspace.create_table("kinds", _kinds(lines)) if "kind" in lines.columns else None
    assumed += _describe_ids(days, used, roles["customer_id"], unit, hashed=hashed)
    return KeptDays(days, used, rejected, kinds, checked.rows_in, set_aside, money, assumed)


def _describe_ids(days: ibis.Table, lines: ibis.Table, column: str, unit: str, *, hashed: bool) -> list[str]:
    """Return what is doubtful about the ids, as they came where they are hashed, which tell nothing."""
    if hashed:
        came = parse_id(lines.raw_customer_id)
        sales = (lines.amount > 0).cast("int64")
        days = lines.select(customer_id=came, lines=sales, net=lines.amount.cast(MONEY))
    sentences = describe_ids(days, column, unit, hidden=hashed)
    # Few sources have addresses, and the lines are many.
    if (
        days.customer_id.type().is_string()
        and days.filter(is_email(days.customer_id)).count().to_pyarrow().as_py()
    ):
        sentences += describe_emails(lines, hidden=hashed)
    return sentences


def _kinds(lines: ibis.Table) -> ibis.Table:
    """Return the kind of each customer of whom one is known."""
    known = lines.select("customer_id", kind=lines.kind.cast("string").lower().strip())
    return known.filter(known.kind.notnull() & (known.kind != "")).distinct()


def _copied_lines(lines: ibis.Table) -> ibis.Table:
    """Return the lines that occur more than once, with the number of ``copies``."""
    # Lines alike as they came are alike as they were read.
    came = [name for name in lines.columns if name.startswith("raw_")]
    counted = lines.group_by(came).aggregate(copies=lines.count(), worth=lines.amount.max())
    return counted.filter(counted.copies > 1)


def _surplus(copies: ibis.Table) -> tuple[int, float]:
    """Return how many lines are copies of others, and their money."""
    more = copies.copies - 1
    worth = (more * copies.worth.round(4).cast(MONEY)).sum()
    row = copies.aggregate(more=more.sum(), worth=worth).to_pyarrow().to_pylist()[0]
    return int(row["more"] or 0), float(row["worth"] or 0)


def _text(value: str) -> Any:
    import ibis

    return ibis.literal(value)


def _as_it_came(rows: ibis.Table, roles: Mapping[str, str]) -> ibis.Table:
    """Return the reason and the source's own columns, as text."""
    own = {name.lower() for name in roles.values()}
    label = next(name for name in ("reason", "set_aside_reason", "duramen_reason") if name not in own)
    return rows.select(
        rows.reason.name(label),
        *(rows[f"raw_{role}"].cast("string").name(name) for role, name in roles.items()),
    )


def _repeat(copies: ibis.Table) -> ibis.Table:
    """Return each line once for every copy beyond the first."""
    import ibis

    return copies.mutate(copy=ibis.range(0, copies.copies.cast("int64") - 1).unnest()).drop(
        "copy", "copies", "worth"
    )
