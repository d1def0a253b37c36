"""Tables of tiers, segments and stages come in; their rows and drawings go out."""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from duramen.report import charts, numbers

MEANS = ("predicted_value_mean", "cost_to_serve_mean")


def tier_rows(tiers: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of ``tier_table`` for the page."""
    return numbers.rows(tiers, *(name for name in MEANS if name in tiers))


def draw_tiers(tiers: pd.DataFrame) -> Markup | None:
    """Draw the share of customers and of value of each row of ``tier_table``."""
    names = {"tier": "name", "share_of_customers": "customers_share", "share_of_value": "value_share"}
    return share_pairs(tiers.rename(columns=names), "tier")


def draw_segments(segments: pd.DataFrame) -> Markup | None:
    """Draw the share of customers and of value of each segment."""
    if segments.empty:
        return None
    groups = segments.assign(
        customers_share=segments["customers"] / segments["customers"].sum(),
        value_share=segments["share_of_value"],
    )
    return share_pairs(groups, "segment")


def stage_rows(stages: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of ``sums_by_group`` for the page.

    Sums and means are of different sizes, so each has its own decimals.
    """
    sums, means = numbers.rows(stages, "value"), numbers.rows(stages, "value_mean")
    return [row | {"value_mean": mean["value_mean"]} for row, mean in zip(sums, means, strict=True)]


def draw_stages(stages: pd.DataFrame) -> Markup:
    """Draw the customers of each stage as bars."""
    texts = [
        f"{numbers.count(customers)} ({numbers.share(part)})"
        for customers, part in stages[["customers", "customers_share"]].itertuples(index=False)
    ]
    listed = "; ".join(f"{name} {text}" for name, text in zip(stages["name"], texts, strict=True))
    bars = stages.assign(text=texts)
    return charts.in_both_widths(
        lambda width: charts.count_bars(bars, width), f"Customers by life-cycle stage: {listed}."
    )


def share_pairs(groups: pd.DataFrame, kind: str) -> Markup | None:
    """Draw the share of customers and of value of each group (``name``); None where no value is above 0."""
    if groups["value_share"].isna().any():
        return None
    listed = "; ".join(
        f"{name} {numbers.share(customers)} of customers, {numbers.share(value)} of value"
        for name, customers, value in groups[["name", "customers_share", "value_share"]].itertuples(
            index=False
        )
    )
    return charts.in_both_widths(
        lambda width: charts.share_pairs(groups, width),
        f"Share of customers and of value by {kind}: {listed}.",
    )
