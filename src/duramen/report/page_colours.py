"""A chart of the page comes in; the same chart with the page's light colours goes out, for a notebook."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import altair as alt

_STYLE = Path(__file__).parent / "templates" / "page.css"


def in_page_colours(chart: alt.LayerChart) -> alt.LayerChart:
    """Return a chart of the report with colours of its own, so that it can be shown outside the page.

    The charts of the report name the CSS variables of the page as colours, which are unknown in a notebook.

    Parameters
    ----------
    chart : altair.LayerChart
        What a chart function of ``duramen.report`` returns, such as ``sankey_chart`` or ``waterfall_chart``.

    Returns
    -------
    altair.LayerChart
        On the background of the page.
    """
    # The first value of a variable is that of light screens.
    colours = dict(reversed(re.findall(r"--(\w+): (#[0-9a-f]+)", _STYLE.read_text(encoding="utf-8"))))
    drawn: alt.LayerChart = type(chart).from_dict(_coloured(chart.to_dict(), colours))
    drawn.config.background = colours["paper"]
    return drawn


def _coloured(part: Any, colours: dict[str, str]) -> Any:
    """Return a part of a chart's specification with the colours in place of the variables that name them."""
    if isinstance(part, dict):
        return {name: _coloured(inner, colours) for name, inner in part.items()}
    if isinstance(part, list):
        return [_coloured(inner, colours) for inner in part]
    if isinstance(part, str):
        return re.sub(r"var\(--(\w+)\)", lambda found: colours.get(found[1], found[0]), part)
    return part
