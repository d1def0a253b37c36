"""Orders come in; what they are, how they were read and what is unusual in them goes out, as text or JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeAlias

import typer

from duramen.cli.config.commands import CheckConfig
from duramen.cli.inputs import column_settings, read_customers

if TYPE_CHECKING:
    from duramen.data.time_check import TimeCheck
    from duramen.data.transactions import Transactions

EXAMPLES = 3
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
    as_text = _as_json if config.as_json else _as_text
    shown = as_text(tx, found, examples)
    typer.echo(shown if config.as_json else config.in_flags(shown))


def _as_text(tx: Transactions, found: TimeCheck, examples: Examples) -> str:
    lines = [str(tx)]
    for reason, rows in examples.items():
        lines += [_line("set aside", f"{reason}, for example {_row(row)}") for row in rows[:1]]
    lines += [_line("unusual", str(one)) for one in (*found.gaps, *found.level_shifts)]
    if not found.gaps and not found.level_shifts:
        lines.append(_line("over time", "no unusual gap and no sudden change of level"))
    return "\n".join(lines)


def _line(name: str, text: str) -> str:
    return f"  {name:<14}{text}"


def _row(row: dict[str, Any]) -> str:
    return ", ".join(f"{name} {'empty' if value is None else repr(value)}" for name, value in row.items())


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
