"""An audit comes in; one offline HTML page and its table go out. Called by the audit command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from duramen._version import __version__
from duramen.errors import InputError
from duramen.io.atomic import atomic_file
from duramen.io.files import write_scores
from duramen.report import charts, numbers

if TYPE_CHECKING:
    from markupsafe import Markup

    from duramen.analysis.segmentation_audit import Audit

# Segments beyond these are too many for a drawing, and stand in the table.
DRAWN = 12
TABLES = (".csv", ".parquet")
BADGES = {"passes": "known", "fails": "failed", "cannot be told": "asked"}
# What is drawn: how much of the label each stand-in tells, with behaviour beside them.
STAND_INS = {
    "recovered from category": "category bought",
    "recovered from product": "product bought",
    "recovered from past spend": "past spend",
    "recovered from joining date": "joining date",
    "recovered from behaviour": "behaviour",
}


def render_audit(audit: Audit) -> str:
    """Compose the page of an audit as the text of one HTML file that needs no network, script or font."""
    environment = Environment(
        loader=PackageLoader("duramen.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters |= {"count": numbers.count, "share": numbers.share, "day": numbers.day}
    return environment.get_template("audit.html.j2").render(
        audit=audit,
        version=__version__,
        lead=_lead(audit.findings),
        findings=audit.findings.to_dict("records"),
        badges=BADGES,
        segments=audit.segments.to_dict("records"),
        treated="treatment" in audit.segments,
        stand_ins=_stand_ins(audit.measures),
        sizes=_sizes(audit.segments),
        measures=[row | {"shown": _shown(row)} for row in audit.measures.to_dict("records")],
    )


def check_audit_path(path: Path, *inputs: object) -> None:
    """Refuse a path that cannot be written, or whose table would replace an input, before any work is done."""
    if path.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"an audit is written as .html, not as {path.name!r}; change --out.")
    if not path.parent.is_dir():
        raise InputError(
            f"there is no folder {path.parent} to write {path.name} to; create it or change --out."
        )
    written = {path.with_suffix(ending).resolve() for ending in (path.suffix, *TABLES)}
    for given in inputs:
        if isinstance(given, str | Path) and Path(given).resolve() in written:
            raise InputError(
                f"the audit {path} and its table would replace {given}; give --out another name."
            )


def write_audit(audit: Audit, path: Path) -> Path:
    """Write the page, and its table beside it as CSV and Parquet, each whole or not at all.

    Raises
    ------
    InputError
        If the path does not end in .html or its folder is missing.
    """
    check_audit_path(path)
    page = render_audit(audit)
    for ending in TABLES:
        write_scores(audit.findings, path.with_suffix(ending))
    with atomic_file(path) as beside:
        beside.write_text(page, encoding="utf-8")
    return path


def _lead(findings: pd.DataFrame) -> str:
    """Say in a sentence which questions it passes, fails, and leaves open."""
    told = []
    for verdict, words in (("fails", "fails"), ("passes", "passes"), ("cannot be told", "leaves open")):
        codes = list(findings.loc[findings["verdict"] == verdict, "code"])
        if codes:
            *first, last = codes
            told.append(f"{words} {', '.join(first)}{' and ' if first else ''}{last}")
    return f"This segmentation {'; it '.join(told)}."


def _stand_ins(measures: pd.DataFrame) -> Markup | None:
    rows = measures[measures["measure"].isin(STAND_INS)]
    if rows.empty:
        return None
    drawn = rows.assign(
        name=rows["measure"].map(STAND_INS), own=np.where(rows["code"] == "A5", "own", "stand-in")
    )
    told = "; ".join(
        f"{name} {numbers.share(figure)}" for name, figure in zip(drawn["name"], drawn["figure"], strict=True)
    )
    return charts.in_both_widths(
        lambda width: _recovery(drawn, width), f"How much of the label is recovered from each: {told}."
    )


def _recovery(rows: pd.DataFrame, width: int) -> alt.LayerChart:
    """Draw the share recovered from each stand-in with its interval, beside the threshold."""
    from duramen.analysis.segmentation_audit import RELABELLED

    low = min(0.0, float(rows["low"].min()))
    x = charts.percent("figure", "share of the label recovered; 0 % is chance", alt.X, domain=[low, 1.02])
    axis = alt.Axis(title=None, labelColor="var(--ink)", labelFontSize=13, labelLimit=130)
    y = alt.Y("name:N", sort=None, axis=axis, scale=alt.Scale(paddingOuter=0.3))
    base = alt.Chart(rows[["name", "own", "figure", "low", "high"]])
    line = alt.Chart(pd.DataFrame({"at": [RELABELLED]}))
    return charts.finish(
        [
            line.mark_rule(color="var(--muted)", strokeDash=[3, 4]).encode(x="at:Q"),
            base.mark_rule(strokeWidth=4, color="var(--sap)").encode(x="low:Q", x2="high:Q", y=y),
            base.transform_filter(alt.datum.own == "stand-in")
            .mark_point(filled=True, size=95, color="var(--heart)", opacity=1)
            .encode(x=x, y=y),
            base.transform_filter(alt.datum.own == "own")
            .mark_point(filled=True, size=95, color="var(--paper)", stroke="var(--muted)", strokeWidth=2, opacity=1)
            .encode(x=x, y=y),
        ],
        width,
        60 + 32 * len(rows),
    )  # fmt: skip


def _sizes(segments: pd.DataFrame) -> Markup | None:
    if len(segments) > DRAWN:
        return None
    groups = segments.rename(
        columns={"segment": "name", "share": "customers_share", "past_spend_share": "value_share"}
    )
    told = "; ".join(
        f"{name} {numbers.share(customers)} of customers, {numbers.share(spend)} of spend"
        for name, customers, spend in zip(
            groups["name"], groups["customers_share"], groups["value_share"], strict=True
        )
    )
    return charts.in_both_widths(
        lambda width: charts.share_pairs(groups, width), f"Customers and past spend by segment: {told}."
    )


def _shown(row: dict[Any, Any]) -> str:
    """Write a measure in its own unit: a share, a count, a number of gaps."""
    measure, figure = row["measure"], row["figure"]
    if measure in ("different treatments", "age in days"):
        return numbers.count(figure)
    if "gaps" in measure or "Rand" in measure:
        return numbers.money(figure, 2)
    return numbers.share(figure)
