"""Customer ids as sources write them come in; one id per customer goes out, by one rule for every file.

The number 7, the float 7.0 and the texts "7", " 7 " and "7.0" (as pandas writes a column of whole ids of which one is
missing) are one customer, and so are e-mail addresses that differ in case alone. Leading zeros stay, and other case:
"007" is not 7, and "007.0", which nothing writes for a number, is neither of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from duramen.data.checks import MISSING_WORDS, parse_text
from duramen.data.frames import to_arrow
from duramen.data.workspace import open_workspace
from duramen.errors import InputError

if TYPE_CHECKING:
    import ibis
    import numpy as np
    import pandas as pd
    from ibis import ir

# An id without space, point and @, longer than each word for a missing one but "(null)": as it should be, as most are.
_PLAIN = r"^[!-')-\-/-?A-~][!-\-/-?A-~]{4,}$"
# Letters beyond Latin-1 may become others in each engine.
_EMAIL = "^[!-?A-~\u00a1-\u00ff]+@[!-?A-~\u00a1-\u00ff]+$"
# Bytes of plain text without marks that engines escape.
_TEXT_IN_HEX = r"^(?:2[013-689a-f]|[346][0-9a-f]|5[0-9abd-f]|7[0-9a-e])*$"
_WHOLE_NUMBER = r"^(-?[1-9][0-9]*|0)\.0+$"


def parse_id(column: ir.Column) -> ir.Column:
    """Return the ids of a source in the type that they came in, null where they are missing.

    Parameters
    ----------
    column : ibis column
        Numbers, text, or any type that can be cast to text.
    """
    import ibis

    if column.type().is_string():
        # Each look at the lines comes by here, and to strip and compare texts is most of what it takes.
        return ibis.cases(
            (column.re_search(_PLAIN), column),
            (column.re_search(_WHOLE_NUMBER), column.re_replace(_WHOLE_NUMBER, r"\1")),
            else_=as_written_once(parse_text(column, MISSING_WORDS)),
        )
    if column.type().is_floating():
        return ibis.cases((column.isnan(), ibis.null(column.type())), else_=column)
    if column.type().is_binary():
        return _bytes_as_text(column)
    return column.cast("string") if column.type().is_uuid() else column


def as_written_once(text: ir.Column) -> ir.StringColumn:
    """Return text in the one way to write it: 7.0 is 7, and an e-mail address is in small letters."""
    once: ir.StringColumn = is_email(text).ifelse(text.lower(), text.re_replace(_WHOLE_NUMBER, r"\1"))
    return once


def is_email(text: ir.Column) -> ir.BooleanColumn:
    """Return which texts are e-mail addresses."""
    found: ir.BooleanColumn = text.re_search(_EMAIL)
    return found


def _bytes_as_text(column: ir.Column) -> ir.Column:
    """Return bytes as the text that they are, or as hexadecimal digits where any of the column is none."""
    import ibis
    import ibis.expr.datatypes as dt

    hexadecimal = ibis.udf.scalar.builtin(
        lambda _bytes: None, name="hex", signature=((dt.binary,), dt.string)
    )
    digits = hexadecimal(column).lower()
    table = column.name("id").as_table()
    strange = ~hexadecimal(table.id).lower().re_search(_TEXT_IN_HEX)
    if table.aggregate(strange=strange.any()).to_pyarrow()["strange"][0].as_py():
        return digits
    return parse_id(column.cast("string"))


def id_text(ids: ir.Column) -> ir.Column:
    """Return what ``parse_id`` returns as text, by which ids of different types are compared."""
    if ids.type().is_string():
        return ids
    text = ids.cast("string")
    if ids.type().is_floating():
        # Engines write large floats in forms of their own, such as 1.0E7.
        whole = ids.try_cast("int64")
        return (whole.cast("float64") == ids).fill_null(False).ifelse(whole.cast("string"), text)
    return text.re_replace(_WHOLE_NUMBER, r"\1") if ids.type().is_decimal() else text


def id_of_type(ids: ir.Column, dtype: Any) -> ir.Column:
    """Return what ``parse_id`` returns in another type, null where an id is none of that type."""
    if ids.type() == dtype:
        return ids
    text = id_text(ids)
    found = text.try_cast(dtype)
    return (id_text(found) == text).ifelse(found, None)


def ids_as_text(ids: Iterable[Any]) -> pd.Series[Any]:
    """Return ids that are no table yet as text, in their order and with the index of a Series.

    Examples
    --------
    >>> ids_as_text([7, 8.0, "007", " a ", None]).tolist()
    ['7', '8', '007', 'a', None]
    """
    import pandas as pd

    given = ids if isinstance(ids, pd.Series) else pd.Series(list(ids))
    table = id_table(given)
    text = open_workspace().to_pyarrow(table.select(text=id_text(table.customer_id)))["text"].to_pandas()
    found: pd.Series[Any] = text.astype(object).set_axis(given.index)
    return found.where(found.notna(), None)


def id_table(ids: Iterable[Any]) -> ibis.Table:
    """Return ids as a table of memory with the column ``customer_id``, as ``parse_id`` reads them."""
    import ibis
    import pandas as pd
    import pyarrow as pa

    if not isinstance(ids, pa.ChunkedArray):
        ids = to_arrow(ids if isinstance(ids, pd.Series) else pd.Series(list(ids)))
    table = ibis.memtable(pa.table({"customer_id": ids}))
    if table.customer_id.type().is_null():
        table = table.cast({"customer_id": "string"})
    return table.select(customer_id=parse_id(table.customer_id))


def find_ids(ids: Iterable[Any], known: Iterable[Any], name: str) -> np.ndarray:
    """Return the position of each id among known ones, -1 where it is not among them.

    Parameters
    ----------
    ids, known : iterable
    name : str
        What the known ids are those of, for the sentence of an error.

    Raises
    ------
    InputError
        If a customer is among the known ones twice.

    Examples
    --------
    >>> find_ids(["8", 7.0, "007"], [7, 8], "credit").tolist()
    [1, 0, -1]
    """
    import numpy as np
    import pandas as pd

    wanted, among = (some if isinstance(some, pd.Index) else pd.Index(some) for some in (ids, known))
    if among.is_unique:
        found: np.ndarray = among.get_indexer(wanted)
        if found.min(initial=0) >= 0:
            return found
    # Types differ, or some are not known.
    wanted, among = pd.Index(ids_as_text(wanted)), pd.Index(ids_as_text(among))
    if not among.is_unique:
        twice = among[among.duplicated()]
        raise InputError(
            f"{name} has {len(twice):,} customers twice (for example {twice[0]!r}); give each one value."
        )
    return np.asarray(among.get_indexer(wanted))
