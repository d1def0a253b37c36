"""Tables of tiers, segments and stages come in; their rows and drawings go out."""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from duramen.analysis.core_summary import CoreSummary
from duramen.language import Sentence, marked, say, say_joined, translated
from duramen.report import charts, numbers
from duramen.report.core import value_name
from duramen.scoring.tiers import Tiers
from duramen.segments.names_in_words import rule_in_words, segment_in_words

MEANS = ("predicted_value_mean", "cost_to_serve_mean")


def tier_rows(tiers: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of ``tier_table`` for the page."""
    rows = numbers.rows(tiers, *(name for name in MEANS if name in tiers))
    return [
        row | {"name": translated(str(row["tier"])), "service": translated(str(row["service"]))}
        for row in rows
    ]


def draw_tiers(tiers: pd.DataFrame) -> Markup | None:
    """Draw the share of customers and of value of each row of ``tier_table``."""
    names = {"tier": "name", "share_of_customers": "customers_share", "share_of_value": "value_share"}
    groups = tiers.rename(columns=names)
    groups["name"] = [translated(str(name)) for name in groups["name"]]
    return share_pairs(groups)


def treatment_rows(treatments: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of ``treatment_table`` for the page, its lists of tiers and stages in words."""
    rows = numbers.rows(treatments, "predicted_value")
    for row in rows:
        row["treatment"] = translated(str(row["treatment"]))
        for name in ("tiers", "stages"):
            row[name] = translated(", ").join(translated(word) for word in row[name].split(", "))
    return rows


def tier_finding(tiers: Tiers, core: CoreSummary) -> Sentence:
    """Return what the core tiers account for."""
    if not core.size:
        return say("No customer is in the core.")
    return say(
        "{vip} and {main}, {share} of customers, account for {value_share} of {value}.",
        vip=translated(tiers.vip.name),
        main=translated(tiers.main.name),
        share=numbers.share(core.customers_share, 0),
        value_share=numbers.share(core.value_share, 0),
        value=value_name(core),
    )


def segment_rows(segments: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of segments for the page, with numbered names, rules and treatments in words."""
    rows = numbers.rows(segments, "predicted_value_mean")
    for row in rows:
        row["name"] = segment_in_words(str(row["segment"]))
        row["rule"] = numbers.spaced(rule_in_words(str(row["rule"])))
        row["treatment"] = translated(str(row["treatment"]))
    return rows


def draw_segments(segments: pd.DataFrame) -> Markup | None:
    """Draw the share of customers and of value of each segment."""
    if segments.empty:
        return None
    return share_pairs(_segment_shares(segments))


def segment_finding(segments: pd.DataFrame) -> Sentence | None:
    """Return which segment has most value; None where there are no segments or no value is above 0."""
    if segments.empty or segments["share_of_value"].isna().any():
        return None
    first = _segment_shares(segments).sort_values("value_share", ascending=False, kind="stable").iloc[0]
    return say(
        "Segment \u201c{segment}\u201d: {share} of customers, {value_share} of predicted value, the most of any "
        "segment.",
        segment=first["name"],
        share=numbers.share(first["customers_share"], 0),
        value_share=numbers.share(first["value_share"], 0),
    )


def _segment_shares(segments: pd.DataFrame) -> pd.DataFrame:
    return segments.assign(
        name=[segment_in_words(str(name)) for name in segments["segment"]],
        customers_share=segments["customers"] / segments["customers"].sum(),
        value_share=segments["share_of_value"],
    )


def stage_rows(stages: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of ``sums_by_group`` for the page.

    Sums and means are of different sizes, so each has its own decimals.
    """
    sums, means = numbers.rows(stages, "value"), numbers.rows(stages, "value_mean")
    return [
        row | {"name": translated(str(row["name"])), "value_mean": mean["value_mean"]}
        for row, mean in zip(sums, means, strict=True)
    ]


def stage_finding(stages: pd.DataFrame) -> Sentence:
    """Return the stage of most customers."""
    first = stages.sort_values("customers", ascending=False, kind="stable").iloc[0]
    values = {"stage": say(str(first["name"])), "share": numbers.share(first["customers_share"], 0)}
    if first["customers_share"] > 0.5:
        return say("Most customers are in the stage \u201c{stage}\u201d: {share} of all.", **values)
    return say(
        "More customers are in the stage \u201c{stage}\u201d than in any other: {share} of all.", **values
    )


def draw_stages(stages: pd.DataFrame) -> Markup:
    """Draw the customers of each stage as bars."""
    texts = [
        say("{n} ({share})", n=numbers.count(customers), share=numbers.share(part))
        for customers, part in stages[["customers", "customers_share"]].itertuples(index=False)
    ]
    bars = stages.assign(text=texts, name=[translated(str(name)) for name in stages["name"]])
    listed = say_joined(
        marked("{one}; {other}"), [f"{name} {text}" for name, text in zip(bars["name"], texts, strict=True)]
    )
    return charts.in_both_widths(
        lambda width: charts.count_bars(bars, width),
        say("Customers by life-cycle stage: {stages}.", stages=listed),
    )


def share_pairs(groups: pd.DataFrame) -> Markup | None:
    """Draw the share of customers and of value of each group (``name``); None where no value is above 0."""
    if groups["value_share"].isna().any():
        return None
    listed = say_joined(
        marked("{one}; {other}"),
        [
            say(
                "{group} {customers} of customers, {value} of value",
                group=name,
                customers=numbers.share(customers),
                value=numbers.share(value),
            )
            for name, customers, value in groups[["name", "customers_share", "value_share"]].itertuples(
                index=False
            )
        ],
    )
    return charts.in_both_widths(
        lambda width: charts.share_pairs(groups, width),
        say("Share of customers and of value: {groups}.", groups=listed),
    )
