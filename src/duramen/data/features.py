"""One definition of every customer feature, from the table of days to one row per customer at a cutoff.

In: the `days` table (one row per customer and day) and a cutoff. Out: an Ibis table, customer_id and float64
features, the same on DuckDB and Spark. Called where models learn
from past cutoffs and where batches are scored.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from functools import reduce
from typing import TYPE_CHECKING, Any

from duramen.data.feature_list import FEATURES, LOG_SCALE, SEASON, WINDOWS
from duramen.data.windows import YEAR

if TYPE_CHECKING:
    import datetime

    import ibis

# A window has at most 455 days, and a life of purchases on every day fills 15 bits after 89 years.
WINDOW_BITS, COUNT_BITS = 9, 15

__all__ = ["FEATURES", "customer_features", "feature_names"]


def customer_features(days: ibis.Table, cutoff: datetime.date) -> ibis.Table:
    """Describe every customer by what happened before the cutoff.

    Parameters
    ----------
    days : ibis.Table
        One row per customer and day: customer_id, date, net, returned, lines, orders, gap, purchase,
        and optionally quantity, products, new_products, categories, new_categories, discount, cost.
    cutoff : datetime.date
        Only rows with date < cutoff are read.

    Returns
    -------
    ibis.Table
        One row per customer with at least one purchase day before the cutoff: customer_id as it came, then
        the float64 columns that `feature_names` lists. What is undefined is null, which pandas shows as NaN.
        The rows come in no particular order.
    """
    return features_of_history(days_before(days, cutoff))


def days_before(days: ibis.Table, cutoff: datetime.date) -> ibis.Table:
    """Keep the rows before the cutoff; number their days backwards, `before` being 1 on the last, and mark weekends."""
    import ibis

    rows = days.filter(days.date < ibis.literal(cutoff))
    rows = rows.mutate(before=ibis.literal(cutoff).delta(rows.date, unit="day").cast("int32"))
    # Monday is 0; the multiple of seven, beyond any calendar, keeps the remainder positive on every engine.
    return rows.mutate(weekend=(cutoff.weekday() + 7_000_000 - rows.before) % 7 >= 5)


def features_of_history(rows: ibis.Table) -> ibis.Table:
    """Describe every customer by the days before a cutoff, which `days_before` gives; the cutoff is in no formula."""
    sums = _customer_sums(rows)
    columns = {name: FEATURES[name].formula(sums).cast("float64") for name in feature_names(rows.columns)}
    return sums.select("customer_id", **columns)


def feature_names(columns: Iterable[str]) -> list[str]:
    """Name the features that a table of days with these columns has.

    Parameters
    ----------
    columns : iterable of str
        Column names of a `days` table.

    Returns
    -------
    list of str
        Keys of `FEATURES`, in the order of the customer table.

    Examples
    --------
    >>> feature_names(["customer_id", "date", "net"])[:3]
    ['frequency', 'recency', 'T']
    >>> "discount_share" in feature_names(["customer_id", "date", "net", "discount"])
    True
    """
    present = set(columns)
    return [name for name, feature in FEATURES.items() if present.issuperset(feature.needs)]


def _customer_sums(rows: ibis.Table) -> ibis.Table:
    """Collapse the history to one row of sums per customer who has bought.

    One GROUP BY of conditional aggregates, without windows, joins, quantiles or sums of floats: sums of
    integers and decimals do not depend on the order in which threads or machines add them.
    """
    sums = (
        _purchase_sums(rows) | _gap_sums(rows) | _basket_sums(rows) | _money_sums(rows) | _optional_sums(rows)
    )
    windows = {f"purchases_{length}": rows.purchase & (rows.before <= length) for length in WINDOWS}
    counts = {"purchases": rows.purchase, "return_days": rows.returned > 0} | _season_days(rows)
    packed = {"windows": _pack(windows, WINDOW_BITS), "counts": _pack(counts, COUNT_BITS)}
    table = rows.group_by("customer_id").aggregate(**sums, **packed)
    # The sums are exact; what follows from them is faster in floats than in decimals of 38 digits.
    money = {name: table[name].cast("float64") for name in sums if table[name].type().is_decimal()}
    unpacked = _unpack(table.windows, windows, WINDOW_BITS) | _unpack(table.counts, counts, COUNT_BITS)
    return table.mutate(**money, **unpacked).filter(lambda t: t.purchases > 0)


def _pack(conditions: dict[str, Any], bits: int) -> Any:
    """Count the rows of several conditions in one whole number, so many bits each: a GROUP BY pays by the sum."""
    terms = [condition.ifelse(1 << (bits * place), 0) for place, condition in enumerate(conditions.values())]
    return reduce(operator.add, terms).cast("int64").sum().cast("int64")


def _unpack(packed: Any, conditions: dict[str, Any], bits: int) -> dict[str, Any]:
    """Take the counts apart again."""
    return {name: (packed >> (bits * place)) & ((1 << bits) - 1) for place, name in enumerate(conditions)}


def _purchase_sums(rows: ibis.Table) -> dict[str, Any]:
    """Count the purchase days and say where in the life of the customer they lie."""
    return {
        "first": _only(rows.before, rows.purchase).max(),
        "last": _only(rows.before, rows.purchase).min(),
        "before": _sum(rows.before, rows.purchase),
        "lines": _sum(rows.lines, rows.purchase),
        "orders": _sum(rows.orders, rows.purchase),
    }


def _gap_sums(rows: ibis.Table) -> dict[str, Any]:
    """Sum what the spacing of the purchase days needs; their plain sum is first - last."""
    # A gap looks back only, so that no row at or after the cutoff can change one before it.
    return {
        "gap_squares": (rows.gap.cast("int64") * rows.gap).sum(),
        "gap_logs": _whole_logs(rows.gap).sum(),
        "gap_longest": rows.gap.max(),
        "gap_last": rows.gap.argmax(rows.date, where=rows.gap.notnull()),
    }


def _basket_sums(rows: ibis.Table) -> dict[str, Any]:
    """Sum the net spend of purchase days, each of which is a basket."""
    weighted = rows.net * rows.before.cast("decimal(5, 0)")
    return {
        "basket": _sum(rows.net, rows.purchase),
        "basket_182": _sum(rows.net, rows.purchase & (rows.before <= 182)),
        "basket_first": _sum(rows.net, rows.purchase & rows.gap.isnull()),
        "basket_last": rows.net.argmax(rows.date, where=rows.purchase),
        "basket_largest": _only(rows.net, rows.purchase).max(),
        "basket_logs": _whole_logs(_only(rows.net, rows.purchase)).sum(),
        "basket_before": _sum(weighted, rows.purchase),
    }


def _money_sums(rows: ibis.Table) -> dict[str, Any]:
    """Sum the money of all days, purchase days or not, and what came back."""
    return {
        "net": rows.net.sum(),
        "returned": rows.returned.sum(),
        "return_last": _only(rows.before, rows.returned > 0).min(),
        **{f"net_{length}": _sum(rows.net, rows.before <= length) for length in WINDOWS},
    }


def _season_days(rows: ibis.Table) -> dict[str, Any]:
    """Tell the purchase days on weekends, and those in the weeks of the year that follow the cutoff."""
    weeks_ahead = (rows.before - 1) % YEAR >= YEAR - SEASON
    return {"weekends": rows.purchase & rows.weekend, "seasons": rows.purchase & weeks_ahead}


def _optional_sums(rows: ibis.Table) -> dict[str, Any]:
    """Sum the columns that only some sources have."""
    present = set(rows.columns)
    sums: dict[str, Any] = {}
    for column in sorted(
        present & {"products", "new_products", "categories", "new_categories", "discount", "cost"}
    ):
        sums[column] = rows[column].sum()
    for column in sorted(present & {"products", "categories", "quantity"}):
        sums[f"{column}_basket"] = _sum(rows[column], rows.purchase)
    for column in sorted(present & {"products", "new_products"}):
        sums[f"{column}_91"] = _sum(rows[column], rows.before <= 91)
    if "discount" in present:
        sums["discount_days"] = (rows.purchase & (rows.discount > 0)).sum()
    if "cost" in present:
        sums["cost_364"] = _sum(rows.cost, rows.before <= YEAR)
    return sums


def _only(column: Any, where: Any) -> Any:
    """Keep the values where the condition is true, which is faster than a filter on each aggregate."""
    return where.ifelse(column, None)


def _sum(column: Any, where: Any) -> Any:
    """Sum where the condition is true; a customer without such a day spent 0 there, which is not missing."""
    return where.ifelse(column, 0).sum()


def _whole_logs(column: Any) -> Any:
    """Take the logarithm as a whole number of `LOG_SCALE` parts."""
    return (column.cast("float64").ln() * LOG_SCALE).round().cast("int64")
