"""An audit comes in; one HTML page that needs no network and its table go out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np
import pandas as pd

from duramen._version import __version__
from duramen.analysis.joined import listed
from duramen.errors import InputError
from duramen.io.atomic import atomic_file
from duramen.io.files import write_scores
from duramen.language import marked, say, say_joined, translated
from duramen.report import charts, numbers
from duramen.report.html import page_lang, render_template

if TYPE_CHECKING:
    from markupsafe import Markup

    from duramen.analysis.segmentation_audit import Audit

# More segments than these are not drawn; they are in the table.
DRAWN = 12
TABLES = (".csv", ".parquet")
LEADS = {
    "fails": marked("fails {questions}"),
    "passes": marked("passes {questions}"),
    "inconclusive": marked("leaves open {questions}"),
}
BADGES = {"passes": "known", "fails": "failed", "inconclusive": "asked"}
# Measures that are drawn: how much of the label is recovered from each stand-in, and from behaviour.
STAND_INS = {
    "recovered from category": marked("category bought"),
    "recovered from product": marked("product bought"),
    "recovered from past spend": marked("past spend"),
    "recovered from joining date": marked("joining date"),
    "recovered from behaviour": marked("behaviour"),
}


def render_audit(audit: Audit) -> str:
    """Return an audit as the text of one HTML file that needs no network, script or font."""
    return render_template(
        "audit.html.j2",
        lang=page_lang(),
        audit=audit,
        version=__version__,
        lead=verdict_sentence(audit.findings),
        findings=audit.findings.to_dict("records"),
        badges=BADGES,
        segments=audit.segments.to_dict("records"),
        treated="treatment" in audit.segments,
        stand_ins=_stand_ins(audit.measures),
        stand_ins_finding=_stand_ins_finding(audit.measures),
        sizes=_sizes(audit.segments),
        sizes_finding=_sizes_finding(audit.segments),
        measures=[row | {"shown": _shown(row)} for row in audit.measures.to_dict("records")],
    )


def check_audit_path(path: Path, *inputs: object) -> None:
    """Raise ``InputError`` if the path cannot be written, or its table would replace an input."""
    if path.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"an audit is written as .html, not as {path.name!r}; change `out`.")
    if not path.parent.is_dir():
        raise InputError(
            f"there is no folder {path.parent} to write {path.name} to; create it or change `out`."
        )
    written = {path.with_suffix(ending).resolve() for ending in (path.suffix, *TABLES)}
    for given in inputs:
        if isinstance(given, str | Path) and Path(given).resolve() in written:
            raise InputError(
                f"the audit {path} and its table would replace {given}; give `out` another name."
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


def verdict_sentence(findings: pd.DataFrame) -> str:
    """Return a sentence with the questions that the segmentation passes, fails and leaves open."""
    said: list[str] = [
        say(text, questions=listed(codes))
        for verdict, text in LEADS.items()
        if (codes := list(findings.loc[findings["verdict"] == verdict, "code"]))
    ]
    verdicts = say_joined(marked("{one}; it {other}"), said)
    return say("This segmentation {verdicts}.", verdicts=verdicts)


def _drawn_measures(measures: pd.DataFrame) -> pd.DataFrame:
    rows = measures[measures["measure"].isin(STAND_INS)]
    names = [translated(STAND_INS[measure]) for measure in rows["measure"]]
    return rows.assign(name=names, own=np.where(rows["code"] == "A5", "own", "stand-in"))


def _stand_ins_finding(measures: pd.DataFrame) -> str:
    """Return from which stand-in most of the label is recovered."""
    rows = _drawn_measures(measures)
    rows = rows[rows["own"] == "stand-in"].dropna(subset="figure")
    if rows.empty:
        return say("Only behaviour could be measured.")
    most = rows.sort_values("figure", ascending=False, kind="stable").iloc[0]
    return say(
        "The segments are best reproduced by one known property, {name}: it recovers {share} of the label.",
        name=most["name"],
        share=numbers.share(most["figure"]),
    )


def _stand_ins(measures: pd.DataFrame) -> Markup | None:
    drawn = _drawn_measures(measures)
    if drawn.empty:
        return None
    parts = say_joined(
        marked("{one}; {other}"),
        [
            f"{name} {numbers.share(figure)}"
            for name, figure in zip(drawn["name"], drawn["figure"], strict=True)
        ],
    )
    return charts.in_both_widths(
        lambda width: _recovery(drawn, width),
        say("How much of the label is recovered from each: {parts}.", parts=parts),
    )


def _recovery(rows: pd.DataFrame, width: int) -> alt.LayerChart:
    """Draw the share recovered from each stand-in with its interval and the threshold."""
    from duramen.analysis.audit_questions import RELABELLED

    low = min(0.0, float(rows["low"].min()))
    title = say("share of the label recovered; 0\u202f% is chance")
    x = charts.percent("figure", title, alt.X, domain=[low, 1.02])
    y = charts.wrapped_names("name", rows["name"], width)
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
    parts = say_joined(
        marked("{one}; {other}"),
        [
            say(
                "{group} {customers} of customers, {spend} of spend",
                group=name,
                customers=numbers.share(customers),
                spend=numbers.share(spend),
            )
            for name, customers, spend in zip(
                groups["name"], groups["customers_share"], groups["value_share"], strict=True
            )
        ],
    )
    return charts.in_both_widths(
        lambda width: charts.share_pairs(groups, width),
        say("Customers and past spend by segment: {parts}.", parts=parts),
    )


def _sizes_finding(segments: pd.DataFrame) -> str:
    """Return which segment has most of the past spend."""
    most = segments.sort_values("past_spend_share", ascending=False, kind="stable").iloc[0]
    return say(
        "{segment}: {share} of customers, {spend} of past spend, the most of any segment.",
        segment=most["segment"],
        share=numbers.share(most["share"]),
        spend=numbers.share(most["past_spend_share"]),
    )


def _shown(row: dict[Any, Any]) -> str:
    """Return a measure in its own unit: a share, a count, a number of gaps."""
    measure, figure = row["measure"], row["figure"]
    if measure in ("different treatments", "age in days"):
        return numbers.count(figure)
    if "gaps" in measure or "Rand" in measure:
        return numbers.money(figure, 2)
    return numbers.share(figure)
