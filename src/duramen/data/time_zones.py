"""Moments in time come in; their calendar days in a time zone go out, computed where the data lie."""

from __future__ import annotations

import difflib
import zoneinfo
from datetime import date
from typing import TYPE_CHECKING, Any

from duramen.errors import InputError

if TYPE_CHECKING:
    from ibis import ir

# A time that ends in Z, UTC, GMT or the hours and minutes that its clock is ahead of UTC.
_OFFSET = r"(?:[zZ]|UTC|GMT|([+-])(\d{2}):?(\d{2})?)$"
_HAS_OFFSET = r"(?:[zZ]|UTC|GMT|[T:]\d[^+-]*[+-]\d{2}:?(?:\d{2})?)$"
_CLOCK = r"[tT,\s](\d{1,2}):?([0-5]\d)[^AaPp+-]*([AaPp]?)[^+-]*"
_DAY_SECONDS = 86_400


def refuse_unknown_zone(time_zone: str) -> None:
    """Refuse a name that no time zone has.

    Examples
    --------
    >>> refuse_unknown_zone("Europe/Berlin")
    >>> refuse_unknown_zone("Europe/Berlyn")
    Traceback (most recent call last):
    duramen.errors.InputError: 'Europe/Berlyn' is not a time zone; did you mean 'Europe/Berlin'?
    """
    try:
        zoneinfo.ZoneInfo(time_zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        near = difflib.get_close_matches(time_zone, sorted(zoneinfo.available_timezones()), n=1)
        hint = f"did you mean {near[0]!r}?" if near else "write a name such as 'Europe/Berlin' or 'UTC'."
        raise InputError(f"{time_zone!r} is not a time zone; {hint}") from None


def day_in_zone(seconds: ir.Column, time_zone: str | None) -> ir.Column:
    """Return the day of moments in seconds since 1970, in UTC where no zone is given."""
    moment = seconds.as_timestamp("s")
    if time_zone in (None, "UTC"):
        return moment.date()
    return _clock_in(moment, time_zone).date()


def _clock_in(moment: ir.Column, time_zone: str | None) -> Any:
    """Return what the clocks of a zone show at moments in UTC, by the function that each engine has for it."""
    import ibis
    import ibis.expr.datatypes as dt

    on_spark = moment.get_backend().name == "pyspark"
    name, kinds = (
        ("from_utc_timestamp", (dt.timestamp, dt.string))
        if on_spark
        else ("timezone", (dt.string, dt.timestamp))
    )
    clock = ibis.udf.scalar.builtin(lambda _first, _second: None, name=name, signature=(kinds, dt.timestamp))
    return clock(moment, time_zone) if on_spark else clock(time_zone, moment)


def has_offset(text: ir.StringColumn) -> ir.BooleanColumn:
    """Return which times are written with their offset from UTC."""
    return text.re_search(_HAS_OFFSET)


def offset_day(day: ir.Column, text: ir.StringColumn, time_zone: str) -> ir.Column:
    """Return the day in a zone of times that are written with an offset, from the day as written."""
    pattern = _CLOCK + _OFFSET

    def number(group: int) -> Any:
        return text.re_extract(pattern, group).try_cast("int64").fill_null(0)

    half = text.re_extract(pattern, 3).lower()
    hour = half.isin(["a", "p"]).ifelse(number(1) % 12 + (half == "p").ifelse(12, 0), number(1))
    ahead = (text.re_extract(pattern, 4) == "-").ifelse(-1, 1) * (number(5) * 60 + number(6))
    minutes = hour * 60 + number(2) - ahead
    return day_in_zone(day.delta(date(1970, 1, 1), unit="day") * _DAY_SECONDS + minutes * 60, time_zone)
