"""Orders come in; what they are, how they were read and what is unusual in them goes out, as text or JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeAlias

import typer

from duramen.cli.config.check import CheckConfig
from duramen.cli.inputs import column_settings, read_customers
from duramen.cli.next_commands import orders_command
from duramen.cli.summary import described
from duramen.cli.terminal import show_named, show_next
from duramen.language import say, say_list, translated

if TYPE_CHECKING:
    from duramen.data.time_check import TimeCheck
    from duramen.data.transactions import Transactions

EXAMPLES = 3
# Lines of a summary of the orders.
MOST_LINES = 36
# Rows set aside by reason; a row is its values by column.
Examples: TypeAlias = dict[str, list[dict[str, str | None]]]


def check(config: CheckConfig) -> None:
    """Read and check orders as every other command does, and show what was found."""
    from duramen.data.reading import read_transactions
    from duramen.data.time_check import check_over_time

    tx = read_transactions(
        config.orders,
        customers=read_customers(config),
        memory_limit=config.memory_limit,
        threads=config.threads,
        **column_settings(config),
    )
    found = check_over_time(tx)
    examples = tx.examples_set_aside(EXAMPLES)
    if config.hash_ids is not None:
        for row in (row for rows in examples.values() for row in rows):
            del row[tx.columns["customer_id"]]
    if config.as_json:
        typer.echo(_as_json(tx, found, examples))
        return
    lines = [*described(tx, config), *_lines(found, examples)]
    show_named(lines, None if config.verbose else MOST_LINES)
    show_next([orders_command("train", config.orders, config)])


def _lines(found: TimeCheck, examples: Examples) -> Iterator[tuple[str, str]]:
    """Give rows that were set aside, and what is unusual, each with its name."""
    for reason, rows in examples.items():
        for row in rows[:1]:
            yield (
                say("set aside"),
                say("{reason}, for example {row}", reason=translated(reason), row=_row(row)),
            )
    for one in (*found.gaps, *found.level_shifts):
        yield say("unusual"), str(one)
    if not found.gaps and not found.level_shifts:
        yield say("over time"), say("no unusual gap and no sudden change of level")


def _row(row: dict[str, Any]) -> str:
    return say_list(f"{name} {say('empty') if value is None else repr(value)}" for name, value in row.items())


def _as_json(tx: Transactions, found: TimeCheck, examples: Examples) -> str:
    summary = tx.summary()
    content = {
        **asdict(summary),
        "statuses": [status._asdict() for status in summary.statuses],
        "service_lines": [line._asdict() for line in summary.service_lines],
        "rows_used": summary.rows_used,
        "one_time_share": summary.one_time_share,
        "columns": tx.columns,
        "examples_set_aside": examples,
        "can_fit": summary.can_fit,
        "gaps": [{**asdict(gap), "days": gap.days} for gap in found.gaps],
        "level_shifts": [asdict(shift) for shift in found.level_shifts],
    }
    return json.dumps(content, indent=2, ensure_ascii=False, default=str)
