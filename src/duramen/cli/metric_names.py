"""Models, metrics and their figures come in; texts so short that a table fits into 80 columns go out."""

from __future__ import annotations

import math

from rich.cells import cell_len

from duramen.language import translated

# So narrow that a model and seven others fit side by side into 80 columns.
HEADINGS = {
    "duramen": "dura-\nmen",
    "past spend": "past\nspend",
    "past rate": "past\nrate",
    "past trend": "past\ntrend",
    "RFM score": "RFM",
    "recency": "re-\ncency",
    "BG/NBD x gamma-gamma": "BG/NBD\nx GG",
    "Pareto/NBD x gamma-gamma": "Pareto\nx GG",
    "Pareto/NBD": "Pareto\n/NBD",
    "last horizon": "last\nhoriz.",
    "plain LightGBM": "Light\nGBM",
    "hurdle LightGBM": "hur-\ndle",
    "BTYD x gamma-gamma": "BTYD\nx GG",
    "LightGBM": "Light\nGBM",
    "LightGBM two-stage": "two-\nstage",
}
# Cells of a heading in one line.
WIDEST = 6


def model_heading(model: str) -> str:
    """Return the name of a model as a heading, in two lines where it is long.

    Examples
    --------
    >>> model_heading("past spend").split(), model_heading("RFM score")
    (['past', 'spend'], 'RFM')
    """
    name = translated(model)
    if name == model:
        return HEADINGS.get(model, model)
    if cell_len(name) <= WIDEST:
        return name
    half = -(-len(name) // 2)
    at = name.rfind(" ") + 1 or half
    return f"{name[:at].rstrip()}\n{name[at:]}"


def short_metric(metric: str) -> str:
    """Return the name of a metric without what its table says already."""
    name = translated(metric)
    if name != metric:
        return name
    short = metric.removeprefix("value ").removeprefix("retention ").replace(" at top ", " top ")
    return short.replace("calibration error", "calibration")


def figure_text(figure: float) -> str:
    """Write a figure in three digits or four, and a missing one as nothing."""
    return "" if math.isnan(figure) else f"{figure:,.{_decimals(figure, 3)}f}"


def difference_text(figure: float) -> str:
    """Write a difference with its sign."""
    return f"{figure:+z,.{_decimals(figure, 4)}f}"


def _decimals(figure: float, most: int) -> int:
    return most if abs(figure) < 10 else 1 if abs(figure) < 1000 else 0
