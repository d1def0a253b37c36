"""A ranking comes in; the rows and the drawing of its map of value and growth go out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from duramen.report import numbers
from duramen.report.groups import share_pairs
from duramen.scoring.value_growth import value_growth_map


@dataclass(frozen=True)
class ValueGrowthSection:
    """What the page says of value and growth.

    Parameters
    ----------
    sentence : str
    rows : list of dict
        Rows of ``value_growth_map`` with money as text.
    drawn : Markup or None
        The share of customers and of value of each quadrant; None where no value is above 0.
    """

    sentence: str
    rows: list[dict[str, Any]]
    drawn: Markup | None


def value_growth_section(ranking: pd.DataFrame) -> ValueGrowthSection:
    """Return the map of value and growth of a ranking."""
    table = value_growth_map(ranking)
    rows = numbers.rows(table, "past_value", "predicted_value")
    for row, change in zip(rows, table["change"], strict=True):
        row["change"] = numbers.share(change, 0, plus=True) if pd.notna(change) else numbers.DASH
    growing, declining, rising, _ = map(numbers.count, table["customers"])
    sentence = (
        f"{growing} core customers are forecast to spend more than before and {declining} to spend less; {rising} "
        "customers outside the core are rising."
    )
    names = {
        "quadrant": "name",
        "share_of_customers": "customers_share",
        "share_of_value": "value_share",
    }
    return ValueGrowthSection(sentence, rows, share_pairs(table.rename(columns=names), "quadrant"))
