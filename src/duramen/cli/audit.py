"""Anybody's segments and the orders come in; a page and a table of what is wrong with them go out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from duramen.cli.inputs import given_orders
from duramen.cli.terminal import show_audit, step, tell
from duramen.errors import InputError


def audit(options: dict[str, Any]) -> None:
    """Examine anybody's segments by the seven ways in which segmentations go wrong."""
    from duramen.analysis.assignment import read_assignment
    from duramen.analysis.product_mix import bought_by_customer
    from duramen.analysis.segmentation_audit import audit as examine
    from duramen.analysis.segmentation_audit import choose_cutoff
    from duramen.report.audit import check_audit_path, write_audit

    out = Path(options.get("out", "audit.html"))
    check_audit_path(out, *(options.get(key) for key in ("segments", "orders", "previous", "treatment")))
    if "segments" not in options:
        raise InputError("no segments are given; name a CSV or Parquet file with customer_id and segment.")
    told = {key: options[key] for key in ("segment", "treatment", "assigned_on") if key in options}
    assignment = read_assignment(options["segments"], **told)
    segment = {"segment": options["segment"]} if "segment" in options else {}
    previous = read_assignment(options["previous"], **segment) if "previous" in options else None
    tx = given_orders(options)
    cutoff = choose_cutoff(tx, assignment, options.get("cutoff"))
    with step("Examining the segments"):
        written = {key: options[key] for key in ("date_format", "decimal") if key in options}
        examined = examine(
            tx,
            assignment,
            bought=bought_by_customer(options["orders"], tx, cutoff, **written),
            cutoff=cutoff,
            horizon=options.get("horizon"),
            previous=previous,
            seed=options.get("seed", 0),
        )
    with step(f"Writing {out}"):
        write_audit(examined, out)
    show_audit(examined)
    tell("audit", out, "open it in a browser; it needs no network")
    tell("table", out.with_suffix(".csv"), f"and {out.with_suffix('.parquet')}")
