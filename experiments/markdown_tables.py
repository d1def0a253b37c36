"""Cells and figures come in; lines of Markdown go out."""

from __future__ import annotations

import pandas as pd


def table(head: list[str], body: list[list[str]]) -> list[str]:
    """Return the lines of a Markdown table."""
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *body)]


def number(figure: float) -> str:
    """Write a figure in four digits or so, and a missing one as nothing."""
    return "" if pd.isna(figure) else f"{figure:,.{1 if abs(figure) >= 10 else 4}f}"
