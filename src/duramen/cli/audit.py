"""Segments of customers and the orders come in; a page and a table of what is wrong with the segments go out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.text import Text

from duramen.cli.config.audit import AuditConfig
from duramen.cli.inputs import read_customers, read_orders, show_assumed
from duramen.cli.next_commands import orders_command
from duramen.cli.progress import step
from duramen.cli.terminal import (
    new_table,
    show_bold,
    show_lines,
    show_next,
    show_notes,
    show_place,
    show_table,
)
from duramen.language import say, translated

if TYPE_CHECKING:
    from duramen.analysis.segmentation_audit import Audit

STYLES = {"passes": "green", "fails": "red"}
# Lines of a summary about a question.
SENTENCE_LINES = 2


def audit(config: AuditConfig) -> None:
    """Examine segments, however they were made, by the seven ways in which segmentations go wrong."""
    from duramen.report.drawing import require_drawing

    require_drawing()
    from duramen.analysis import segmentation_audit
    from duramen.analysis.assignment import read_assignment
    from duramen.report.audit import check_audit_path, write_audit

    out = config.out
    check_audit_path(out, config.segments, config.orders, config.previous, config.treatment)
    assignment = read_assignment(
        config.segments, segment=config.segment, treatment=config.treatment, assigned_on=config.assigned_on
    )
    previous = read_assignment(config.previous, segment=config.segment) if config.previous else None
    for one in filter(None, (assignment, previous)):
        show_assumed(one.assumed)
    tx = read_orders(config.orders, config, read_customers(config))
    with step(say("Examining the segments")):
        examined = segmentation_audit.audit(
            tx,
            assignment,
            cutoff=config.cutoff,
            horizon=config.horizon,
            previous=previous,
            seed=config.seed,
        )
    with step(say("Writing {place}", place=str(out))):
        write_audit(examined, out)
    _show(examined, verbose=config.verbose)
    show_place(say("audit"), out, say("for a browser; it needs no network"))
    show_place(say("table"), f"{out.with_suffix('.csv')}, {out.with_suffix('.parquet')}")
    show_next([orders_command("train", config.orders, config)])


def _show(examined: Audit, *, verbose: bool) -> None:
    """Show the seven questions with figure, threshold and verdict, and what the figures mean that do not pass."""
    from duramen.analysis.audit_questions import PASSES
    from duramen.report.audit import verdict_sentence

    show_bold(verdict_sentence(examined.findings))
    table = new_table("", say("question"), say("figure"), say("must be"), say("verdict"), left=(0, 1, 4))
    for row in examined.findings.to_dict("records"):
        threshold = f"{row['threshold']:.0%}"
        table.add_row(
            row["code"],
            translated(row["question"]),
            "" if math.isnan(row["figure"]) else f"{row['figure']:z.1%}",
            say("from {share}", share=threshold)
            if row["must_be"] == "at least"
            else say("below {share}", share=threshold),
            Text(translated(row["verdict"]), STYLES.get(row["verdict"], "yellow")),
        )
    show_table(table)
    for row in examined.findings.to_dict("records"):
        if verbose or row["verdict"] != PASSES:
            sentence = say("{code}: {sentence}", code=row["code"], sentence=row["sentence"])
            show_lines(sentence, None if verbose else SENTENCE_LINES)
    show_notes(examined.notes, verbose=verbose)
