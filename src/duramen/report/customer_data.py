"""A ranking and the details of its customers come in; the data that the page searches, sorts and draws go out.

Columns are compressed as one block of JSON. A page in the browser unpacks it and shows every entry as text.
"""

from __future__ import annotations

import base64
import gzip
import itertools
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from duramen.analysis.consistency import differs_from_segment
from duramen.analysis.lists import expected_loss
from duramen.forecast.next_purchase import NEXT_PURCHASE_COLUMNS
from duramen.language import translated
from duramen.report.lists import NAMES, ListInTable
from duramen.segments.lifecycle_stage import STAGES
from duramen.segments.names_in_words import segment_in_words

if TYPE_CHECKING:
    from duramen.analysis.customer_details import CustomerDetails

# The first customers by rank are in the page, and no more purchases than these; it stays below 5 MB with both.
MOST_CUSTOMERS, MOST_MONTHS = 25_000, 250_000
REASONS = ("reason_1", "reason_2", "reason_3")
BY = ("score", "predicted_value")
MONEY = ("predicted_value_low", "predicted_value_high", "past_value", "cost_to_serve")
SHARES = ("growth_rate", "probability_active", "probability_core", "probability_growing")
WORDS = ("tier", "lifecycle_stage", "quadrant", "treatment", "segment")
# Factors are kept in thousandths of their logarithm.
FINE = 1_000
# Money of a month below this is kept with two decimals.
SMALL = 10
# From this on, two decimals are four digits or more.
FOUR_DIGITS = 10


def customer_data(
    ranking: pd.DataFrame, details: CustomerDetails | None, lists: Sequence[ListInTable]
) -> dict[str, Any]:
    """Return the first customers by rank, column by column.

    Parameters
    ----------
    ranking : pandas.DataFrame
        What ``rank_core_customers`` returns, in rank order.
    details : CustomerDetails or None
    lists : sequence of ListInTable

    Returns
    -------
    dict
        ``columns`` (lists in rank order; a word as its place among ``words``; ``rank`` as the step from the one before;
        ``differs`` is 1 where the stage of a customer is not typical of the segment; ``lists`` has a bit for each of
        ``lists``, the lowest for the first), ``words`` (the entries of each column of words, in the language that is
        set), ``lists`` (``key``, ``name``, ``customers``, ``sort`` and ``up`` of each), ``groups`` (names of the
        columns of ``details.groups``), ``all`` (how many customers are ranked) and, with details, ``typical``,
        ``themes``, ``factors``, ``months`` and ``what_if``.
    """
    first = ranking.head(MOST_CUSTOMERS)
    columns: dict[str, list[Any]] = {"customer_id": [str(name) for name in first["customer_id"]]}
    # Nearly all steps are 1, which takes no room.
    columns["rank"] = np.diff(first["rank"], prepend=0).tolist()
    # What customers are ranked by is saved as in the ranking, other money to the cent.
    columns |= {name: _numbers(first[name], 4) for name in BY if name in first}
    columns |= {name: _amounts(first[name]) for name in MONEY if name in first}
    columns |= {name: _numbers(first[name], 4) for name in SHARES if name in first}
    columns["expected_loss"] = _amounts(expected_loss(first))
    columns["lists"] = sum(
        (first["customer_id"].isin(shown.ids).to_numpy().astype(int) << at for at, shown in enumerate(lists)),
        start=np.zeros(len(first), dtype=int),
    ).tolist()
    columns |= {
        name: _days(first[name]) for name in ("last_purchase", *NEXT_PURCHASE_COLUMNS) if name in first
    }
    columns |= {name: _texts(first[name]) for name in REASONS if name in first}
    if {"segment", "lifecycle_stage"} <= set(first):
        columns["differs"] = differs_from_segment(first).astype(int).tolist()
    words: dict[str, list[str]] = {}
    for name in WORDS:
        if name in first:
            columns[name], words[name] = _coded(
                first[name], segment_in_words if name == "segment" else translated
            )
    data: dict[str, Any] = {"all": len(ranking), "columns": columns, "words": words, "groups": []}
    data["lists"] = [
        {
            "key": shown.key,
            "name": translated(NAMES[shown.key]),
            "customers": len(shown.ids),
            "sort": shown.sort,
            "up": shown.up,
        }
        for shown in lists
    ]
    return data if details is None else data | _details(data, first["customer_id"], details)


def pack(data: dict[str, Any]) -> str:
    """Return data as text that stands in a page as it is: JSON, compressed, in letters and digits."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(gzip.compress(text.encode(), compresslevel=9, mtime=0)).decode("ascii")


def _details(data: dict[str, Any], ids: pd.Series[str], details: CustomerDetails) -> dict[str, Any]:
    """Return what is known beside the ranking, in the order of ``ids``."""
    for name in details.groups:
        codes, entries = _coded(details.groups[name].reindex(ids), str)
        data["columns"][str(name)], data["words"][str(name)] = codes, entries
    factors = details.factors.reindex(ids).to_numpy()
    by_customer = dict(zip(details.what_if["customer_id"], details.what_if["sentence"], strict=True))
    return {
        "groups": list(map(str, details.groups)),
        "typical": details.typical_value,
        "themes": list(map(str, details.factors)),
        "factors": np.rint(FINE * np.nan_to_num(factors)).astype(int).T.tolist(),
        "months": _months(ids, details.months),
        "what_if": {str(place): by_customer[name] for place, name in enumerate(ids) if name in by_customer},
    }


def _months(ids: pd.Series[str], months: pd.DataFrame) -> dict[str, Any]:
    """Return each customer's months as steps from the one before, for as many customers as there is room."""
    if months.empty:
        return {"start": "", "end": "", "steps": [], "net": []}
    start = months["month"].min()
    years = pd.to_datetime(months["month"]).dt
    at = (12 * years.year + years.month - 12 * start.year - start.month).to_numpy(dtype=int)
    places = pd.Index(ids).get_indexer(pd.Index(months["customer_id"]))
    order = np.argsort(places, kind="stable")[np.count_nonzero(places < 0) :]
    ends = np.cumsum(np.bincount(places[order], minlength=len(ids)))
    ends = ends[ends <= MOST_MONTHS]
    is_first = np.diff(places[order], prepend=-1) > 0
    steps = np.where(is_first, at[order], np.diff(at[order], prepend=0)).tolist()
    money = [
        round(net) if abs(net) >= SMALL else round(net, 2) for net in months["net"].to_numpy()[order].tolist()
    ]
    rows = [slice(first, end) for first, end in itertools.pairwise([0, *ends.tolist()])]
    return {
        "start": f"{start:%Y-%m}",
        "end": f"{months['month'].max():%Y-%m}",
        "steps": [steps[one] for one in rows],
        "net": [money[one] for one in rows],
    }


def _numbers(column: pd.Series[float], digits: int) -> list[float | None]:
    """Return numbers rounded to so many decimals, and None for missing ones."""
    # A small number keeps its first digits, or it would be 0.
    return [
        float(f"{value:.{digits}g}")
        if 0 < abs(value) < 1
        else round(value, digits)
        if np.isfinite(value)
        else None
        for value in column.astype(float).tolist()
    ]


def _amounts(column: pd.Series[float]) -> list[float | None]:
    """Return money with two decimals, or with four digits where those are more, and None for missing amounts."""
    return [
        (round(value, 2) if abs(value) >= FOUR_DIGITS else float(f"{value:.4g}"))
        if np.isfinite(value)
        else None
        for value in column.astype(float).tolist()
    ]


def _days(column: pd.Series[Any]) -> list[int | None]:
    """Return dates as days since 1970, None where there is none."""
    days = (pd.to_datetime(column) - pd.Timestamp("1970-01-01")) / pd.Timedelta("1D")
    return [None if np.isnan(value) else int(value) for value in days.tolist()]


def _place(entry: Any) -> int:
    """Return the place of a stage or of a numbered segment; 0 for any other, so that sorting leaves their order."""
    number = str(entry).split(" ", 1)[0]
    return int(number) if number.isdecimal() else STAGES.index(entry) if entry in STAGES else 0


def _texts(column: pd.Series[str]) -> list[str]:
    return ["" if pd.isna(text) else str(text) for text in column]


def _coded(column: pd.Series[Any], say: Any) -> tuple[list[int], list[str]]:
    """Return the place of each entry among the different ones, -1 for a missing one, and those in words.

    Stages are in their own order, segments in that of their numbers; others in that of the customers.
    """
    entries = sorted(column.dropna().unique(), key=_place)
    codes = pd.Index(entries).get_indexer(column) if entries else np.full(len(column), -1)
    return codes.tolist(), [say(str(entry)) for entry in entries]
