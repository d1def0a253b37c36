"""Churn by segment comes in; a sentence, rows and a drawing go out."""

from __future__ import annotations

from typing import Any, NamedTuple

import altair as alt
import pandas as pd
from markupsafe import Markup

from duramen.language import say
from duramen.report import numbers
from duramen.report.charts import finish, in_both_widths, named_height, percent, wrapped_names
from duramen.segments.names_in_words import segment_in_words


class ChurnSection(NamedTuple):
    """What the page says of churn: a title that states the finding, a drawing, and rows of the page."""

    title: str
    drawn: Markup
    rows: list[dict[str, Any]]


def churn_section(churn: pd.DataFrame) -> ChurnSection:
    """Return which segments lost most customers.

    Parameters
    ----------
    churn : pandas.DataFrame
        What ``churn_by_segment`` returns; has rows.
    """
    churn = churn.assign(group=[segment_in_words(str(name)) for name in churn["group"]])
    highest, lowest = churn.iloc[0], churn.iloc[-1]
    title = say(
        "{most} of the segment \u201c{highest}\u201d bought nothing since the earlier cutoff, {least} of the segment "
        "\u201c{lowest}\u201d.",
        most=numbers.share(highest["rate"], 0),
        highest=highest["group"],
        least=numbers.share(lowest["rate"], 0),
        lowest=lowest["group"],
    )
    drawn = in_both_widths(lambda width: churn_chart(churn, width), title)
    return ChurnSection(title, drawn, numbers.rows(churn))


def churn_chart(churn: pd.DataFrame, width: int) -> alt.LayerChart:
    """Draw the share of each group that bought nothing, with its 95 % interval.

    Parameters
    ----------
    churn : pandas.DataFrame
        ``group``, ``rate``, ``rate_low`` and ``rate_high``.
    width : int
        Width of the drawing, pixels.
    """
    frame = churn[["group", "rate", "rate_low", "rate_high"]].assign(group=churn["group"].astype(str))
    base, y = alt.Chart(frame), wrapped_names("group", frame["group"], width)
    top = min(1.0, 1.1 * float(frame["rate_high"].max()))
    x = percent("rate", say("share that bought nothing"), alt.X, domain=[0, top])
    return finish(
        [
            # Higher than the point, which would cover a short one.
            base.mark_rule(strokeWidth=14, color="var(--sap)").encode(
                alt.X("rate_low:Q"), y, alt.X2("rate_high:Q")
            ),
            base.mark_point(filled=True, size=45, color="var(--heart)", opacity=1).encode(x, y),
        ],
        width,
        named_height(frame["group"], width, 40),
    )
