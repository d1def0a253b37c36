"""Small tables come in; Altair charts and their SVG text go out.

Colours are the CSS variables of the page, so one drawing serves light and dark screens and paper.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from textwrap import wrap
from typing import Any

import altair as alt
import pandas as pd
import vl_convert
from markupsafe import Markup

from duramen.language import ENGLISH, current_language, say
from duramen.report.numbers import per_cent

# The renderer includes Liberation Sans, so text has the same width everywhere; the page sets its own font.
_FONT = "Liberation Sans"
_CONFIG: dict[str, Any] = {
    "aria": False,
    "background": "transparent",
    "font": _FONT,
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--muted)",
        "titleColor": "var(--muted)",
        "titleFontWeight": "normal",
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titlePadding": 10,
        "labelPadding": 6,
        "gridColor": "var(--hair)",
        "domain": False,
        "ticks": False,
        "labelFlush": False,
        "labelLimit": 0,
        "titleLimit": 0,
    },
}
LABEL = 12.5
LINE = 16  # pixels, of a name over several lines
# One drawing for screens and paper and one for phones: scaled to fit both, its text would be unreadable.
HALF = 400
WIDTHS = {"wide": 860, "narrow": 330}


def to_svg(chart: alt.LayerChart, description: str) -> Markup:
    """Return a chart as one inline SVG element that needs no script and no font file.

    Parameters
    ----------
    chart : LayerChart
    description : str
        The text for screen readers.

    Returns
    -------
    Markup
        The element; texts from the data are escaped.
    """
    drawn = _lighter(vl_convert.vegalite_to_svg(chart.to_dict(), allowed_base_urls=[]))
    opening = Markup('<svg role="img" aria-label="{}" ').format(description)
    return opening + Markup(drawn.removeprefix("<svg "))


# A drawing is one picture to screen readers, and takes no clicks.
_WITHOUT_EFFECT = (
    r'role="graphics-[a-z]+"|aria-roledescription="[^"]*"|aria-hidden="true"|pointer-events="none"|opacity="1"|'
    r'font-weight="normal"|transform="translate\(0,0\)"|class="mark[^"]*"|xmlns:xlink="[^"]*"|version="1.1"|'
    r'stroke-width="1"|[xy]2="0"|text-anchor="start"'
)


def _lighter(drawn: str) -> str:
    """Return a drawing without what is not visible: empty paths, unused roles, fractions below a tenth of a pixel."""
    drawn = re.sub(r'<path class="(background|foreground)"[^>]*?/>', "", drawn)
    drawn = re.sub(rf" ({_WITHOUT_EFFECT})", "", drawn)
    drawn = _without_bare_groups(drawn)
    places = re.compile(r' (?:transform|d|x2|y2)="[^"<]*"')
    drawn = places.sub(lambda found: re.sub(r"(\.\d)\d+", r"\1", found[0]), drawn)
    return re.sub(r' d="([MLCZ\d.,-]+)"', lambda found: f' d="{_by_steps(found[1])}"', drawn)


def _without_bare_groups(drawn: str) -> str:
    """Return a drawing without groups that have no attributes.

    Examples
    --------
    >>> _without_bare_groups('<g><g id="a"><g><path/></g><g/></g></g>')
    '<g id="a"><path/><g/></g>'
    """
    kept: list[str] = []
    bare: list[bool] = []
    for part in re.split(r"(<g(?:\s[^>]*)?(?<!/)>|</g>)", drawn):
        if part == "</g>":
            kept.append("" if bare.pop() else part)
            continue
        if re.match(r"<g[\s>]", part):
            bare.append(part == "<g>")
        kept.append("" if part == "<g>" else part)
    return "".join(kept)


def _by_steps(path: str) -> str:
    """Return a path in relative steps of tenths of a pixel, which is half as long; rounding errors do not add up."""
    at, steps = (0, 0), []
    for letter, numbers in re.findall(r"([MLCZ])([^MLCZ]*)", path):
        tenths = [round(10 * float(number)) for number in numbers.split(",") if number]
        moved = [place - at[axis % 2] for axis, place in enumerate(tenths)]
        written = [
            f"{step / 10:g}".replace("0.", ".", 1) if abs(step) < 10 else f"{step / 10:g}" for step in moved
        ]
        steps.append(letter.lower() + re.sub(r",-", "-", ",".join(written)))
        at = (tenths[-2], tenths[-1]) if tenths else at
    return "".join(steps)


def in_both_widths(make: Callable[[int], alt.LayerChart], description: str) -> Markup:
    """Return a chart drawn twice, for wide screens and paper and for phones.

    Parameters
    ----------
    make : callable
        Returns the chart for a width in pixels.
    description : str
        The text for screen readers.

    Returns
    -------
    Markup
        Both drawings; the page's style shows the one that fits.
    """
    drawn = [
        Markup('<div class="{}">{}</div>').format(name, to_svg(make(width), description))
        for name, width in WIDTHS.items()
    ]
    # The page's style sets the font of its drawings, and a drawing inside a page needs no name of its format.
    page = Markup("").join(drawn).replace(f' font-family="{_FONT}"', "")
    return page.replace(' xmlns="http://www.w3.org/2000/svg"', "")


def in_half_width(make: Callable[[int], alt.LayerChart], description: str) -> Markup:
    """Return a chart drawn once, for two side by side on a screen and one on a phone."""
    drawn = to_svg(make(HALF), description).replace(f' font-family="{_FONT}"', "")
    return drawn.replace(' xmlns="http://www.w3.org/2000/svg"', "")


def percent(field: str, title: str, channel: type[Any], **scale: Any) -> Any:
    """Return an axis of shares."""
    axis = alt.Axis(labelExpr=f"format(datum.value * 100, '.3~g') + '{per_cent()}'", title=title, tickCount=5)
    return channel(f"{field}:Q", axis=axis, scale=alt.Scale(nice=False, **scale))


def large_amounts() -> str:
    """Return the expression that labels an axis of large amounts, with k and M or with the Chinese units."""
    if current_language() == ENGLISH:
        return "format(datum.value, '~s')"
    units = ((1e8, "\u4ebf"), (1e4, "\u4e07"))
    steps = (
        f"abs(datum.value) >= {size:g} ? format(datum.value / {size:g}, ',.6~r') + '{unit}' : "
        for size, unit in units
    )
    return f"{''.join(steps)}format(datum.value, ',.6~r')"


def text_width(text: str) -> int:
    r"""Return the width of a text in Latin letters; a letter of Chinese is as wide as two.

    Examples
    --------
    >>> text_width("core"), text_width("\u6838\u5fc3")
    (4, 4)
    """
    return sum(2 if letter >= "\u2e80" else 1 for letter in text)


def wrapped(text: str, letters: int, most_lines: int = 4) -> list[str]:
    """Return a name over several lines, each at most so many Latin letters wide.

    Chinese has no spaces: it is divided anywhere but before a punctuation mark.

    Examples
    --------
    >>> wrapped("at risk one-time buyers", 16)
    ['at risk one-time', 'buyers']
    """
    if text_width(text) == len(text):
        return wrap(text, letters, max_lines=most_lines, placeholder=" \u2026")
    lines = _divided(text, letters)
    # Lines of about one length leave no letter alone on the last of them.
    for fewer in range(letters - 1, letters // 2, -1):
        if len(narrower := _divided(text, fewer)) > len(lines):
            break
        lines = narrower
    if len(lines) > most_lines:
        lines[most_lines - 1 :] = [lines[most_lines - 1] + "\u2026"]
    return [line.strip() for line in lines]


def _divided(text: str, letters: int) -> list[str]:
    lines = [""]
    for piece in re.findall(r"[!-~]+ ?|.[\uff0c\u3001\u3002\uff09\uff1a\uff1b]?", text):
        if lines[-1] and text_width(lines[-1] + piece.rstrip()) > letters:
            lines.append("")
        lines[-1] += piece
    return lines


def wrapped_names(field: str, names: pd.Series[str], width: int) -> Any:
    """Return an axis of names, each over as many lines as it needs, so that none is cut in any font.

    Parameters
    ----------
    field : str
        The column of names.
    names : pandas.Series of str
    width : int
        Width of the drawing, pixels.
    """
    lines = _lines(names, width)
    words = f"({json.dumps(lines)})[datum.value]"
    axis = alt.Axis(
        title=None, labelColor="var(--ink)", labelFontSize=13, labelLimit=0, labelExpr=words, labelPadding=10
    )
    return alt.Y(f"{field}:N", sort=None, axis=axis, scale=alt.Scale(paddingOuter=0.3))


def named_height(names: pd.Series[str], width: int, least: int) -> int:
    """Return the height of a drawing whose rows have names, so that names over several lines do not overlap.

    Parameters
    ----------
    names : pandas.Series of str
    width : int
        Width of the drawing, pixels.
    least : int
        Height of a row whose name is short, pixels.
    """
    most = max(map(len, _lines(names, width).values()))
    return 30 + max(least, LINE * most + 10) * len(names)


def _lines(names: pd.Series[str], width: int) -> dict[str, list[str]]:
    letters = 26 if width > 500 else 16
    return {str(name): wrapped(str(name), letters) or [""] for name in names}


def value_curve(
    curve: pd.DataFrame, core: tuple[float, float], label: Sequence[str], width: int
) -> alt.LayerChart:
    """Draw the cumulative share of value, with the core set marked.

    Parameters
    ----------
    curve : DataFrame
        Columns ``customers`` and ``value``, shares of one.
    core : tuple of float
        The core's share of customers and of value.
    label : sequence of str
        The lines of text at the point of the core.
    width : int
        Width of the drawing, pixels.

    Returns
    -------
    LayerChart
    """
    top = max(1.0, float(curve["value"].max()))
    x = percent("customers", say("share of customers, highest predicted value first"), alt.X, domain=[0, 1])
    y = percent("value", say("cumulative share of predicted value"), alt.Y, domain=[0, top])
    at = pd.DataFrame({"customers": [core[0]], "value": [core[1]], "zero": [0.0]})
    base = alt.Chart(curve)
    left = core[0] > 0.55
    words = [
        alt.Chart(at)
        .mark_text(
            align="right" if left else "left",
            dx=-12 if left else 12,
            dy=(38 if left else 20) + 17 * line,
            fontSize=LABEL,
            fontWeight="bold" if line == 0 else "normal",
            color="var(--ink)",
        )
        .encode(x="customers:Q", y="value:Q", text=alt.value(text))
        for line, text in enumerate(label)
    ]
    return finish(
        [
            base.mark_area(color="var(--sap)", opacity=0.35).encode(x=x, y=y),
            alt.Chart(curve[curve["customers"] <= core[0]])
            .mark_area(color="var(--heart)", opacity=0.35)
            .encode(x=x, y=y),
            alt.Chart(pd.DataFrame({"customers": [0.0, 1.0], "value": [0.0, 1.0]}))
            .mark_line(color="var(--muted)", strokeDash=[3, 4], strokeWidth=1)
            .encode(x=x, y=y),
            base.mark_line(color="var(--heart)", strokeWidth=2.5).encode(x=x, y=y),
            alt.Chart(at)
            .mark_rule(color="var(--heart)", strokeDash=[2, 3])
            .encode(x="customers:Q", y="zero:Q", y2="value:Q"),
            alt.Chart(at)
            .mark_point(
                filled=True, size=90, color="var(--heart)", stroke="var(--paper)", strokeWidth=2, opacity=1
            )
            .encode(x="customers:Q", y="value:Q"),
            *words,
        ],
        width,
        300 if width > 500 else 260,
    )


def share_pairs(groups: pd.DataFrame, width: int) -> alt.LayerChart:
    """Draw each group's share of customers and its share of value.

    Parameters
    ----------
    groups : DataFrame
        Columns ``name``, ``customers_share`` and ``value_share``, a row for each group, drawn in this order.
    width : int
        Width of the drawing, pixels.

    Returns
    -------
    LayerChart
        A hollow point for customers, a filled point for value, and the distance between them.
    """
    frame = groups[["name", "customers_share", "value_share"]]
    top = float(frame[["customers_share", "value_share"]].max().max())
    low = min(0.0, float(frame[["customers_share", "value_share"]].min().min()))
    x = percent("customers_share", say("share of all"), alt.X, domain=[low, top * 1.08])
    y = wrapped_names("name", frame["name"], width)
    base = alt.Chart(frame)
    return finish(
        [
            base.mark_rule(strokeWidth=3, color="var(--sap)").encode(x=x, x2="value_share:Q", y=y),
            base.mark_point(
                filled=True, size=95, color="var(--paper)", stroke="var(--muted)", strokeWidth=2, opacity=1
            ).encode(x=x, y=y),
            base.mark_point(filled=True, size=115, color="var(--heart)", opacity=1).encode(
                x="value_share:Q", y=y
            ),
        ],
        width,
        named_height(frame["name"], width, 38),
    )


def count_bars(groups: pd.DataFrame, width: int) -> alt.LayerChart:
    """Draw the number of customers in each group, with the number at the end of the bar.

    Parameters
    ----------
    groups : DataFrame
        Columns ``name``, ``customers`` and ``text`` (what to write at the end), drawn in this order.
    width : int
        Width of the drawing, pixels.

    Returns
    -------
    LayerChart
    """
    frame = groups[["name", "customers", "text"]]
    room = 1.35 if width > 500 else 1.9
    x = alt.X("customers:Q", axis=None, scale=alt.Scale(domain=[0, room * float(frame["customers"].max())]))
    y = wrapped_names("name", frame["name"], width)
    base = alt.Chart(frame)
    return finish(
        [
            base.mark_bar(color="var(--sap)", height=16).encode(x=x, y=y),
            base.mark_text(align="left", dx=8, fontSize=LABEL, color="var(--muted)").encode(
                x=x, y=y, text="text:N"
            ),
        ],
        width,
        named_height(frame["name"], width, 30) - 30,
    )


def finish(layers: list[alt.Chart], width: int, height: int) -> alt.LayerChart:
    """Return the layers as one chart in the style of the page; the width includes axes and labels."""
    return alt.LayerChart(
        layer=layers,
        width=width,
        height=height,
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
        padding=4,
        config=_CONFIG,
    )
