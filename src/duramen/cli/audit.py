"""Segments of customers and the orders come in; a page and a table of what is wrong with the segments go out."""

from __future__ import annotations

from duramen.cli.config.commands import AuditConfig
from duramen.cli.inputs import read_customers, read_orders, show_assumed
from duramen.cli.ranking import OPEN_REPORT
from duramen.cli.terminal import show_audit, show_place, step


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
    with step("Examining the segments"):
        examined = segmentation_audit.audit(
            tx,
            assignment,
            cutoff=config.cutoff,
            horizon=config.horizon,
            previous=previous,
            seed=config.seed,
        )
    with step(f"Writing {out}"):
        write_audit(examined, out)
    show_audit(examined)
    show_place("audit", out, OPEN_REPORT)
    show_place("table", out.with_suffix(".csv"), f"and {out.with_suffix('.parquet')}")
