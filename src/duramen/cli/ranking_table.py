"""The head of a ranking comes in; a table as wide as the terminal goes out."""

from __future__ import annotations

from typing import Any

import pandas as pd
from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from duramen.cli.short_ids import SHORTEST, short_ids
from duramen.cli.terminal import console
from duramen.language import marked, say, translated

HEADINGS = (
    marked("rank"), marked("customer"), marked("tier"), marked("score"), marked("value"), marked("low to high"),
    marked("growth"), marked("P(core)"),
)  # fmt: skip
# Spaces after each column, and whether tiers and intervals go over two lines; the first that fits is taken.
LAYOUTS = ((1, False), (0, False), (0, True))


def ranking_table(head: pd.DataFrame) -> Table:
    """Return the head as a table that cuts no figure: where it is too wide, it shortens ids and moves closer."""
    cells: dict[str, list[str]] = {name: [] for name in HEADINGS}
    interval = marked("{low} to {high}")
    for row in head.itertuples(index=False):
        figures = (
            f"{row.rank:,}", "", translated(str(row.tier)), f"{row.score:,.0f}", f"{row.predicted_value:,.0f}",
            say(interval, low=f"{row.predicted_value_low:,.0f}", high=f"{row.predicted_value_high:,.0f}"),
            f"{row.growth_rate:+z.0%}".replace("+0%", "0%"), f"{row.probability_core:.2f}",
        )  # fmt: skip
        for name, figure in zip(HEADINGS, figures, strict=True):
            cells[name].append(figure)
    widths: dict[str, int] = {}
    for padding, wrapped in LAYOUTS:
        widths = {name: _width([translated(name), *cells[name]], wrapped=wrapped) for name in cells}
        # A space at each end, and one between columns.
        others = sum(widths.values()) - widths["customer"] + len(widths) * (1 + padding) + 1
        room = console.width - others
        cells["customer"] = short_ids(head["customer_id"].tolist(), max(room, SHORTEST))
        widths["customer"] = _width([translated("customer"), *cells["customer"]], wrapped=False)
        if widths["customer"] <= room:
            break
    else:
        # Ids that are too alike to be shortened so far go on in the next line.
        widths["customer"] = min(widths["customer"], max(room, SHORTEST))
    table = Table(
        box=box.SIMPLE_HEAD, padding=(0, padding, 0, 0), width=others + widths["customer"], show_edge=False
    )
    for name, width in widths.items():
        justify: Any = "left" if name in ("customer", "tier") else "right"
        table.add_column(translated(name), justify=justify, width=width, overflow="fold")
    # Texts and not strings: an id may look like markup.
    for texts in zip(*cells.values(), strict=True):
        table.add_row(*map(Text, texts))
    return table


def _width(texts: list[str], *, wrapped: bool) -> int:
    """Return the width of a column that cuts no word; where it is wrapped, "to" follows a figure in its line."""
    to = say("{low} to {high}", low="", high="").rstrip()
    parts = [text.replace(to, f"_{to.strip()}").split() if wrapped else [text] for text in texts]
    return max(cell_len(part) for words in parts for part in words or [""])
