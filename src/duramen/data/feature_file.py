"""A table of further columns about customers comes in; what was known of each customer before a day goes out.

Each row is known from a day on, and a cutoff sees only the rows of earlier days, as it does of orders.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from duramen.data.amounts import choose_forms, parse_amount
from duramen.data.checks import MISSING_WORDS, parse_text, quote_examples
from duramen.data.columns import find_columns
from duramen.data.customer_file import USUAL_COLUMNS as OF_CUSTOMERS
from duramen.data.customer_file import CustomerFile
from duramen.data.dates import date_format_beside, parse_date
from duramen.data.feature_list import FEATURES
from duramen.data.file_columns import Opened
from duramen.data.frames import is_spark_frame
from duramen.data.hashed_ids import id_as_text
from duramen.data.ids import id_text, ids_as_text
from duramen.data.sources import open_source, source_name
from duramen.data.workspace import open_workspace
from duramen.errors import InputError
from duramen.io.score_columns import SCORE_COLUMNS
from duramen.language import Sentence, say

if TYPE_CHECKING:
    import ibis
    import pandas as pd
    from ibis import ir

KNOWN_FROM = "known_from"
# The usual names of the two columns that are no features, letters and digits only, the surest first.
USUAL_COLUMNS: dict[str, tuple[str, ...]] = {
    "customer_id": OF_CUSTOMERS["customer_id"],
    KNOWN_FROM: ("knownfrom", "knownsince", "validfrom", "asof", "date"),
}
NUMERIC, CATEGORICAL = "numeric", "categorical"
# More texts than this are names or comments, not categories.
MOST_CATEGORIES = 50
# Between the name of a column and one of its categories, where models speak of it.
IS = " = "
# What duramen calls something else in the customer table, in models and in explanations.
_TAKEN = {*FEATURES, *SCORE_COLUMNS, "customer_id", KNOWN_FROM, "base", "cost_to_serve"}


@dataclass(frozen=True)
class FeatureFile:
    """Further columns about customers, such as demographics, contacts or web visits.

    Attributes
    ----------
    table : pandas.DataFrame
        ``customer_id`` as text, ``known_from`` (the day from which the row is known) where the source has it, and the
        columns: float64 where numeric, categories where text; in order of day and customer.
    source : str
        How messages call the source.
    kinds : dict of str to str
        "numeric" or "categorical" by the name of each column.
    assumed : tuple of str
        What the reading decided by itself, in sentences.
    notes : tuple of str
        How many customers of the orders it has, in a sentence.
    """

    table: pd.DataFrame
    source: str
    kinds: dict[str, str]
    assumed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def known_before(self, cutoff: date) -> pd.DataFrame:
        """Return the latest row of each customer with a day before the cutoff, by ``customer_id`` as text."""
        import pandas as pd

        rows = self.table
        if KNOWN_FROM in rows:
            rows = rows[rows[KNOWN_FROM] < pd.Timestamp(cutoff)].drop(columns=KNOWN_FROM)
        return rows.drop_duplicates("customer_id", keep="last").set_index("customer_id")

    def categories(self, cutoff: date) -> dict[str, list[str]]:
        """Return the categories that each categorical column had before the cutoff, sorted."""
        import pandas as pd

        rows = self.table
        if KNOWN_FROM in rows:
            rows = rows[rows[KNOWN_FROM] < pd.Timestamp(cutoff)]
        return {
            name: sorted(rows[name].dropna().unique().tolist())
            for name, kind in self.kinds.items()
            if kind == CATEGORICAL
        }

    def digest(self, cutoff: date) -> str:
        """Return a fingerprint of what was known before the cutoff, which no order of rows changes."""
        import pandas as pd

        known = self.known_before(cutoff).sort_index()
        found = hashlib.sha256("\n".join(f"{name} {kind}" for name, kind in self.kinds.items()).encode())
        found.update(pd.util.hash_pandas_object(known).to_numpy().tobytes())
        return found.hexdigest()[:12]

    def compared_with(self, days: ibis.Table, customers: CustomerFile | None = None) -> FeatureFile:
        """Return the same with a note of how many customers of the orders have a row.

        Parameters
        ----------
        days : ibis.Table
            Has ``customer_id``.
        customers : CustomerFile, optional
            The households that members were rolled up to.

        Raises
        ------
        InputError
            If none has, or rows are of members whose household is the customer.
        """
        self._refuse_members(customers)
        text = days.select(customer_id=id_text(days.customer_id)).distinct()
        ids = text.to_pyarrow()["customer_id"].to_pandas()
        own = self.table["customer_id"].drop_duplicates()
        met = int(ids.isin(own).sum())
        if not met:
            raise InputError(
                f"none of the {len(own):,} customers of {self.source} (for example {own.iloc[0]!r}) is among the "
                f"{len(ids):,} of the orders (for example {ids.min()!r}); give the ids that the orders have."
            )
        note = say(
            "{source} has {columns} of {known} of {customers} customers ({share}){when}; missing for the others",
            source=self.source,
            columns=", ".join(self.kinds),
            known=f"{met:,}",
            customers=f"{len(ids):,}",
            share=f"{met / len(ids):.0%}",
            when=self._when_known(),
        )
        return replace(self, notes=(note,))

    def _when_known(self) -> str:
        """Return between which days the rows were known, as a clause."""
        if KNOWN_FROM not in self.table:
            return ""
        first, last = (day.date() for day in (self.table[KNOWN_FROM].min(), self.table[KNOWN_FROM].max()))
        if last > first:
            return say(", known from {first} to {last}", first=first, last=last)
        return say(", known from {first}", first=first)

    def _refuse_members(self, customers: CustomerFile | None) -> None:
        if customers is None or "household" not in customers.table:
            return
        in_households = customers.table.dropna(subset=["household"])
        members = in_households[in_households["customer_id"] != in_households["household"]]["customer_id"]
        found = members[members.isin(self.table["customer_id"])]
        if len(found):
            raise InputError(
                f"{len(found):,} customers of {self.source} (for example {found.iloc[0]!r}) are members of a household "
                f"by {customers.source}, and the household is the customer; give its features by the id of the "
                "household."
            )


def refuse_features_on_spark(features: FeatureFile | None, source: Any) -> None:
    """Refuse further columns beside orders that lie on Spark."""
    if features is not None and is_spark_frame(source):
        raise InputError(
            f"features of {features.source} are joined where DuckDB reads the orders, and not on Spark; leave out "
            "`features`, or give the orders as files."
        )


def with_known_features(customers: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Add to customers by their ``customer_id`` what ``FeatureFile.known_before`` returned, missing where nothing is.

    Numbers are float64, categories text.
    """
    rows = known.reindex(ids_as_text(customers["customer_id"]))
    added: dict[str, Any] = {}
    for name, column in rows.items():
        if column.dtype == float:
            added[str(name)] = column.to_numpy()
        else:
            text = column.astype(object)
            added[str(name)] = text.where(text.notna(), None).to_numpy()
    return customers.assign(**added)


def read_feature_file(
    source: Any,
    *,
    columns: Mapping[str, str] | None = None,
    decimal: str | None = None,
    date_format: str | None = None,
    hash_ids: str | Path | None = None,
) -> FeatureFile:
    """Read and check a table of further columns about customers, one row for each customer and day of a change.

    Parameters
    ----------
    source : str, Path, pandas.DataFrame, pyarrow.Table or ibis.Table
        What ``read_transactions`` takes.
    columns : mapping, optional
        Names of the columns by role: customer_id, and known_from, the day from which a row is known; found by
        themselves where the names are usual. All others are features: numbers, true and false, or text of at most 50
        categories.
    decimal : str, optional
        Decimal mark of numbers in text; found by itself where the numbers show it.
    date_format : str, optional
        As of ``read_transactions``, used where days and months could be either way round.
    hash_ids : str or Path, optional
        The file of salt by which the ids of the orders are hashed.

    Raises
    ------
    InputError
        If there is no column of ids or no feature, an id or a day is missing, a customer has two rows of one day, a
        name is one of duramen's own, or a column is a date or mixes numbers and text.

    Examples
    --------
    >>> import pandas as pd
    >>> visits = pd.DataFrame({"customer_id": [7, 7], "known_from": ["2024-01-01", "2024-02-01"], "visits": [1, 5]})
    >>> read_feature_file(visits).known_before(date(2024, 2, 1))["visits"].to_dict()
    {'7': 1.0}
    """
    where = source_name(source)
    if is_spark_frame(source):
        raise InputError(f"{where} is a table of Spark; give features as a file, or a pandas or Arrow frame.")
    assumed: list[str] = []
    raw = open_source(open_workspace(), source, Opened(assumed))
    roles = find_columns(raw.columns, columns or {}, where, USUAL_COLUMNS, required=())
    names = [name for name in raw.columns if name not in roles.values()]
    if "customer_id" not in roles or not names:
        raise InputError(
            f"{where} has no column of customer ids, or no other beside it; its columns are "
            f"{', '.join(map(repr, raw.columns))}; name that of the ids customer_id."
        )
    _refuse_names(names, where)
    parsed, kinds = _parse_features(raw, names, KNOWN_FROM in roles, decimal, where, assumed)
    parsed["customer_id"] = id_as_text(hash_ids)(raw[roles["customer_id"]])
    if day := roles.get(KNOWN_FROM):
        form = date_format_beside(raw, day, date_format, where)
        parsed[KNOWN_FROM] = parse_date(raw[day], form).cast("timestamp")
    table = raw.select(**parsed).to_pyarrow().to_pandas()
    _refuse_rows(table, where)
    keys = ["customer_id"] if KNOWN_FROM not in table else [KNOWN_FROM, "customer_id"]
    table = table.sort_values(keys, ignore_index=True)
    left_out = _left_out(table, kinds, where)
    kept = [name for name in names if name not in left_out]
    if not kept:
        why = "; ".join(reason.template.format(**reason.values) for reason in left_out.values())
        raise InputError(f"{where} has no column to use as a feature: {why}.")
    table = table[["customer_id", *keys[:-1], *kept]].astype(
        {name: "category" if kinds[name] == CATEGORICAL else "float64" for name in kept}
    )
    return FeatureFile(
        table,
        where,
        {name: kinds[name] for name in kept},
        (*assumed, *_assumed(table, kept, left_out, where)),
    )


def _refuse_names(names: list[str], where: str) -> None:
    taken = {name.lower() for name in _TAKEN}
    clashing = [name for name in names if name.lower() in taken or name.lower().startswith("btyd_")]
    if clashing:
        raise InputError(
            f"{len(clashing)} columns of {where} have a name that duramen uses itself (for example {clashing[0]!r}); "
            "rename them."
        )
    if unfit := [name for name in names if IS in name or not name.strip()]:
        raise InputError(f"column {unfit[0]!r} of {where} has no usable name; rename it.")


def _parse_features(
    raw: ibis.Table, names: list[str], dated: bool, decimal: str | None, where: str, assumed: list[str]
) -> tuple[dict[str, ir.Column], dict[str, str]]:
    """Return the parsed columns and their kinds, by name."""
    counts = raw.aggregate(
        **{
            f"{what} {place}": condition.fill_null(False).sum()
            for place, name in enumerate(names)
            for what, condition in _conditions(raw[name], decimal, where).items()
        }
    )
    row = {key: int(count or 0) for key, count in counts.to_pyarrow().to_pylist()[0].items()}
    parsed: dict[str, ir.Column] = {}
    kinds: dict[str, str] = {}
    for place, name in enumerate(names):
        filled, numbers, words, codes, dates = (
            row[f"{what} {place}"] for what in ("filled", "numbers", "words", "codes", "dates")
        )
        if filled and dates == filled:
            _refuse_date(name, where, dated=dated)
        if numbers == filled and not codes:
            form = choose_forms(raw, [name], decimal, where, assumed)[name]
            parsed[name], kinds[name] = parse_amount(raw[name], form), NUMERIC
            _refuse_other_mark(raw, name, parsed[name], where)
        elif words == filled:
            parsed[name], kinds[name] = (parse_text(raw[name]).lower() == "true").cast("float64"), NUMERIC
        else:
            if numbers >= filled / 2 and not codes:
                _refuse_mixed(raw, name, filled - numbers, decimal, where)
            parsed[name], kinds[name] = parse_text(raw[name]), CATEGORICAL
    return parsed, kinds


def _refuse_other_mark(raw: ibis.Table, name: str, number: ir.Column, where: str) -> None:
    """Refuse numbers of which some have another decimal mark than the rest: they would be missing."""
    if not raw[name].type().is_string():
        return
    lost = raw.filter(parse_text(raw[name], MISSING_WORDS).notnull() & number.isnull())
    count = lost.count().to_pyarrow().as_py()
    if count:
        raise InputError(
            f"{count:,} numbers in column {name!r} of {where} have another decimal mark than the others (for example "
            f"{quote_examples(lost, name)}); write them alike."
        )


def _conditions(column: ir.Column, decimal: str | None, where: str) -> dict[str, Any]:
    """Return which values of a column are filled, numbers, true or false, codes with a zero in front, and dates."""
    import ibis

    kind = column.type()
    text = parse_text(column, MISSING_WORDS)
    filled, never = text.notnull(), ibis.literal(False) & text.notnull()
    if kind.is_date() or kind.is_timestamp():
        return {"filled": filled, "numbers": never, "words": never, "codes": never, "dates": filled}
    if not (kind.is_string() or kind.is_numeric() or kind.is_boolean()):
        raise InputError(
            f"column {column.get_name()!r} of {where} has {kind}, neither numbers nor text; leave it out."
        )
    if kind.is_numeric():
        return {"filled": filled, "numbers": filled, "words": never, "codes": never, "dates": never}
    dates = [parse_date(text, form).notnull() for form in ("iso", "day-first", "month-first")]
    return {
        "filled": filled,
        "numbers": never if kind.is_boolean() else filled & _is_number(text, decimal),
        "words": text.lower().isin(["true", "false"]),
        "codes": text.re_search("^0[0-9]"),
        "dates": ibis.or_(*dates),
    }


def _is_number(text: ir.Column, decimal: str | None) -> ir.BooleanColumn:
    """Return which texts are numbers with the decimal mark, or with either where none is given."""
    import ibis

    return ibis.or_(*(parse_amount(text, mark).notnull() for mark in ([decimal] if decimal else [".", ","])))


def _refuse_date(name: str, where: str, *, dated: bool) -> None:
    raise InputError(
        f"column {name!r} of {where} is a date, which is no feature; "
        + ("leave it out, or give a number of days." if dated else "call it known_from where rows are known from it, "
           "or leave it out.")
    )  # fmt: skip


def _refuse_mixed(raw: ibis.Table, name: str, count: int, decimal: str | None, where: str) -> None:
    strange = raw.filter(parse_text(raw[name], MISSING_WORDS).notnull() & ~_is_number(raw[name], decimal))
    example = strange[name].cast("string").min().to_pyarrow().as_py()
    raise InputError(
        f"column {name!r} of {where} has numbers, and {count:,} values that are not numeric (for example {example!r}); "
        "write plain numbers, or leave what is not known empty."
    )


def _refuse_rows(table: pd.DataFrame, where: str) -> None:
    for name, what in (("customer_id", "customer id"), (KNOWN_FROM, "readable day in its column of dates")):
        if name in table and (table.empty or table[name].isna().any()):
            raise InputError(
                f"{table[name].isna().sum():,} of {len(table):,} rows of {where} have no {what}; give each row one."
            )
    keys = [name for name in ("customer_id", KNOWN_FROM) if name in table]
    again = table[table.duplicated(keys)]
    if len(again):
        example = again.iloc[0]
        which = f"{example['customer_id']!r}" + (
            f" on {example[KNOWN_FROM].date()}" if KNOWN_FROM in table else ""
        )
        what_to_do = (
            "give one row" if KNOWN_FROM in table else "give one row, or the day of each by known_from"
        )
        raise InputError(
            f"{again['customer_id'].nunique():,} customers of {where} have two rows"
            f"{' of one day' if KNOWN_FROM in table else ''} (for example {which}); {what_to_do}."
        )


def _left_out(table: pd.DataFrame, kinds: dict[str, str], where: str) -> dict[str, Sentence]:
    """Return why columns cannot be features, by name."""
    reasons: dict[str, Sentence] = {}
    for name in kinds:
        distinct = table[name].nunique()
        if not distinct:
            reasons[name] = say("column {column} of {source} is empty", column=repr(name), source=where)
        elif kinds[name] == CATEGORICAL and distinct > MOST_CATEGORIES:
            reasons[name] = say(
                "column {column} of {source} has {texts} different texts and at most {most} are used",
                column=repr(name),
                source=where,
                texts=f"{distinct:,}",
                most=MOST_CATEGORIES,
            )
    return reasons


def _assumed(
    table: pd.DataFrame, kept: list[str], left_out: dict[str, Sentence], where: str
) -> tuple[str, ...]:
    """Return in sentences what is left out, what explains nothing, and from when the rows count."""
    assumed: list[str] = [say("{reason}, so it is left out", reason=reason) for reason in left_out.values()]
    assumed += [
        say(
            "column {column} of {source} has one value throughout, which explains nothing",
            column=repr(name),
            source=where,
        )
        for name in kept
        if table[name].nunique() == 1 and table[name].notna().all()
    ]
    if KNOWN_FROM not in table:
        assumed.append(
            say(
                "the rows of {source} have no day from which they are known and count as known from the beginning: a "
                "column made with later knowledge, such as a total to date, would show the models the future; add a "
                "column known_from where there is one",
                source=where,
            )
        )
    return tuple(assumed)
