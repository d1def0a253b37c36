"""Dates as sources write them come in; calendar days go out, and the one form in which a column is written.

Every rule is an Ibis expression that reads the same on DuckDB and on Spark.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from duramen.data.checks import MISSING_WORDS, MOST_UNREADABLE
from duramen.data.time_zones import day_in_zone, has_offset, offset_day
from duramen.errors import InputError, suggest
from duramen.language import marked, say

if TYPE_CHECKING:
    import ibis
    from ibis import ir

# Each form by its name, with an example of it; the order breaks ties.
DATE_FORMATS = {
    "iso": "2011-06-13",
    "compact": "20110613",
    "day-first": "13.06.2011",
    "month-first": "6/13/2011",
    "year-first": "11-06-13",
    "month-name": "13-Jun-2011",
    "epoch": "1307923200",
    "excel": "40707",
}
# Forms that are plain numbers, of which the unit is said in a sentence.
COUNTED = {
    "epoch": marked("seconds since 1970 (13 digits: milliseconds, 16: microseconds)"),
    "excel": marked("days since 1900 as Excel counts them"),
}
# Any number may look like a counted day, and any two digits like a year, so the days must lie from here to next year.
EARLIEST_PLAUSIBLE = date(1970, 1, 1)
# The first letters of the months in English, German, French, Spanish, Italian, Portuguese and Dutch, without accents.
MONTHS = (
    "jan ene gen", "feb fev", "mar mrz mrt maa", "apr abr avr", "may mai mag mei", "jun giu", "jul lug", "aug ago aou",
    "sep set", "oct okt ott out", "nov", "dec dez dic",
)  # fmt: skip
_MONTH_NUMBERS = "".join(f"{name}{n:02d}" for n, names in enumerate(MONTHS, 1) for name in names.split())
_ACCENTS = ("éèêëûüùçäáàãâ", "eeeeuuucaaaaa")

# Ahead of a day that was found in the form; no text of a source has this character.
_FOUND = "\x01"
# A regular expression that can never go two ways is read in a third of the time, hence the shape of these.
_SPACE = "[\\s\u00a0\u202f]"
_OFFSET = r"(?:[zZ]|(?:UTC|GMT)?(?:[+-]\d{2}:?(?:\d{2})?)?)"
_CLOCK = (
    r"(?:[01]\d?|2[0-3]?|[3-9]):[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?"
    rf"{_SPACE}?(?:[AaPp]\.?{_SPACE}?[Mm]\.?{_SPACE}?)?{_OFFSET}"
)
_TIME = rf"(?:[tT,\s][,\s]*{_CLOCK})?$"
# What is left of a time before its first colon.
_HOUR = r"(?:[tT,\s][,\s]*\d{1,2})?$"
_COMPACT_TIME = rf"(?:[tT][0-2]\d[0-5]\d(?:[0-5]\d(?:[.,]\d+)?)?{_OFFSET}|[0-2]\d[0-5]\d[0-5]\d)?"
_YEAR = r"(\d{2}(?:\d{2})?)"
_NUMBERS = rf"^(\d{{1,2}})[./-](\d{{1,2}})[./-]{_YEAR}"
_BETWEEN = r"[\s./,-]*(?:de\s+)?"
_MONTH = r"(\p{L}{3,})"
# Each form that is written, as what turns it into year, month and day; @ is the place of a month, whose name is ahead.
_WRITTEN = {
    # Also 2011年6月13日.
    "iso": (r"^(\d{4})[./年-](\d{1,2})[./月-](\d{1,2})日?", r"\1-\2-\3"),
    "compact": (rf"^(\d{{4}})(\d{{2}})(\d{{2}}){_COMPACT_TIME}", r"\1-\2-\3"),
    "day-first": (_NUMBERS, r"\3-\2-\1"),
    "month-first": (_NUMBERS, r"\3-\1-\2"),
    "year-first": (r"^(\d{2})[./-](\d{1,2})[./-](\d{1,2})", r"\1-\2-\3"),
    "month-name": (
        rf"(?i)^(?:\p{{L}}{{2,10}}[.,]*\s+)?"
        rf"(?:(\d{{1,2}})(?:st|nd|rd|th|er|[ºª°])?{_BETWEEN}{_MONTH}{_BETWEEN}{_YEAR}"
        rf"|{_MONTH}[\s./-]*(\d{{1,2}})(?:st|nd|rd|th)?(?:[\s./-]+|,\s*){_YEAR}"
        rf"|(\d{{4}}){_BETWEEN}{_MONTH}{_BETWEEN}(\d{{1,2}}))",
        r"\2\4\8|\3\6\7-@-\1\5\9",
    ),
}
# Seconds since 1970 from 1973 on, and their thousandths, millionths and billionths: never as long as another form.
_EPOCH = r"^(\d{9,10}|\d{12,13}|\d{15,16}|\d{18,19})(?:\.\d*)?$"
_EXCEL = r"^(\d{5})(?:\.\d*)?$"
# The number of 1970-01-01.
_EXCEL_1970 = 25_569
_DAY_SECONDS = 86_400


class DateForm(NamedTuple):
    """The form in which a column of dates is written, and what was decided about it, in sentences."""

    name: str
    assumed: tuple[str, ...] = ()


def parse_date(column: ir.Column, form: str, time_zone: str | None = None) -> ir.Column:
    """Return the calendar day, null where unreadable.

    Parameters
    ----------
    column : ibis column
    form : str
        One of ``DATE_FORMATS``, for text and numbers.
    time_zone : str, optional
        The zone whose day counts for times that know their zone. By default that is UTC, and for times that are written
        with an offset it is the day as written.
    """
    dtype = column.type()
    if dtype.is_timestamp():
        if dtype.timezone is None:
            return column.date()
        return day_in_zone(column.epoch_seconds(), time_zone)
    if dtype.is_date():
        return column
    text = _as_text(column)
    day = _day_of_text(text, form, _TIME, time_zone)
    if time_zone is None or form in COUNTED or not dtype.is_string():
        return day
    return has_offset(text).ifelse(offset_day(day, text, time_zone), day)


def _as_text(column: ir.Column) -> ir.StringColumn:
    """Return text without space around it, and of a number its whole part."""
    dtype = column.type()
    if dtype.is_floating() or dtype.is_decimal():
        number = column.cast("float64")
        column = (number.abs() < float(2**62)).fill_null(False).ifelse(number, None).floor().cast("int64")
    text = column.cast("string")
    return text.strip() if dtype.is_string() else text


def _day_of_text(text: ir.StringColumn, form: str, tail: str, time_zone: str | None = None) -> ir.Column:
    if form == "epoch":
        number = text.re_extract(_EPOCH, 1).try_cast("int64")
        return day_in_zone(_seconds(number), time_zone)
    if form == "excel":
        number = text.re_extract(_EXCEL, 1).try_cast("int64")
        return day_in_zone((number - _EXCEL_1970) * _DAY_SECONDS, None)
    # A column that is used twice is computed and compiled twice, so each step uses the one before it once.
    written = _year_month_day(text, form, tail)
    if form not in ("iso", "compact"):
        written = written.re_replace(rf"^{_FOUND}([0-6]\d-)", rf"{_FOUND}20\1")
        written = written.re_replace(rf"^{_FOUND}([7-9]\d-)", rf"{_FOUND}19\1")
    return written.re_replace(rf"(?s)^(?:[^{_FOUND}].*|{_FOUND})", "").try_cast("date")


def _seconds(number: ir.Column) -> ir.Column:
    """Return seconds since 1970 from seconds or their parts, which as many digits tell apart."""
    import ibis

    return ibis.cases(
        (number < 10**11, number),
        (number < 10**14, (number / 10**3).floor().cast("int64")),
        (number < 10**17, (number / 10**6).floor().cast("int64")),
        else_=(number / 10**9).floor().cast("int64"),
    )


def _year_month_day(text: ir.StringColumn, form: str, tail: str) -> ir.StringColumn:
    """Return year, month and day behind a mark, the year as many digits as it has; other text as it is."""
    import ibis

    pattern, order = _WRITTEN[form]
    found = text.re_replace(pattern + tail, _FOUND + order)
    if form != "month-name":
        return found
    name = (
        found.re_extract(rf"^{_FOUND}(\p{{L}}+)", 1).lower().translate(*_ACCENTS).replace("jui", "ju").left(3)
    )
    numbers = ibis.literal(_MONTH_NUMBERS)
    # Of an unknown name this is missing, and so is a day made of it.
    month = numbers.substr(numbers.find(name) + 3, 2)
    return found.re_replace(rf"^{_FOUND}\p{{L}}+\|", _FOUND).replace("@", month)


def refuse_unknown_format(date_format: str) -> None:
    """Refuse a form in which no dates are read."""
    if date_format not in DATE_FORMATS:
        raise InputError(f"{date_format!r} is not a date format; {suggest(date_format, DATE_FORMATS)}")


def choose_date_format(
    raw: ibis.Table, column: str, given: str | None, where: str, time_zone: str | None = None
) -> DateForm:
    """Return the one form in which the dates of a text or number column are written.

    Raises
    ------
    InputError
        If the form is ambiguous (day, month or year first), mixed, or unknown.
    """
    if given is not None:
        refuse_unknown_format(given)
    import ibis

    dtype = raw[column].type()
    if dtype.is_date() or dtype.is_timestamp():
        zoned = dtype.is_timestamp() and dtype.timezone is not None and time_zone is None
        return DateForm(given or "iso", (_IN_UTC,) if zoned else ())
    if not (dtype.is_string() or (dtype.is_numeric() and not dtype.is_boolean())):
        raise InputError(
            f"column {column!r} of {where} has {dtype}, not dates; name the date column with `date`."
        )
    workspace, name = raw.get_backend(), ibis.util.gen_name("heads")
    heads = workspace.create_table(name, _heads(raw, column))
    counts = _count_forms(heads)
    filled = counts.pop("filled")
    best = given or max(counts, key=lambda form: counts[form])
    seen = _Seen(raw, column, where, filled, counts)
    if counts[best] < (1 - MOST_UNREADABLE) * filled:
        seen.refuse(best, given)
    if given is None:
        seen.refuse_ambiguous(best)
    assumed = _assumed(heads, best, given, time_zone) if filled else []
    if counts[best] < filled:
        assumed += _swapped(heads, best, column)
    workspace.drop_table(name)
    return DateForm(best, tuple(assumed))


def _swapped(heads: ibis.Table, form: str, column: str) -> list[str]:
    """Return a sentence where some days read with day and month the other way round alone."""
    other = {"day-first": "month-first", "month-first": "day-first"}.get(form)
    if other is None:
        return []
    strange = _reads(heads["head"], other) & ~_reads(heads["head"], form)
    rows = int(heads.aggregate(rows=heads.rows.sum(where=strange)).to_pyarrow()["rows"][0].as_py() or 0)
    if not rows:
        return []
    text = _DAY_FIRST if form == "day-first" else _MONTH_FIRST
    return [say(text, column=repr(column), rows=f"{rows:,}")]


def date_format_beside(raw: ibis.Table, column: str, date_format: str | None, where: str) -> str:
    """Return the form of the dates of a file beside the orders, whose form decides where it could be two."""
    try:
        return choose_date_format(raw, column, None, where).name
    except InputError as error:
        if date_format is None:
            raise InputError(
                f"{str(error).rpartition('; ')[0]}; write them as YYYY-MM-DD, or give the `date_format` that they and "
                "the orders have."
            ) from error
        return choose_date_format(raw, column, date_format, where).name


def _heads(raw: ibis.Table, column: str) -> ibis.Table:
    """Return the distinct values up to the minutes of their time, which are few.

    Each has its ``rows``, and whether one of them has an ``offset`` from UTC.
    """
    import ibis

    text = _as_text(raw[column])
    offset = has_offset(text) if raw[column].type().is_string() else ibis.literal(False)
    cut = raw.select(head=_before_colon(text), offset=offset)
    return cut.group_by("head").aggregate(rows=cut.count(), offset=cut.offset.any())


def _is_filled(head: ir.StringColumn) -> ir.BooleanColumn:
    return head.notnull() & ~head.lower().isin(MISSING_WORDS)


def _before_colon(text: ir.StringColumn) -> ir.StringColumn:
    colon = text.find(":")
    return (colon >= 0).ifelse(text.left(colon), text)


def _reads(head: ir.StringColumn, form: str) -> ir.BooleanColumn:
    """Return which heads are a day in a form, and a plausible one where anything may look like a day."""
    day = _day_of_text(head, form, _HOUR)
    plausible = day.between(EARLIEST_PLAUSIBLE, datetime.now(UTC).date() + timedelta(days=366))
    if form in COUNTED:
        return plausible.fill_null(False)
    if form in ("day-first", "month-first", "year-first"):
        return (plausible | ~_short_year(head, form)).fill_null(False) & day.notnull()
    return day.notnull()


def _short_year(head: ir.StringColumn, form: str) -> ir.BooleanColumn:
    return _year_month_day(head, form, _HOUR).re_search(rf"^{_FOUND}\d\d-").fill_null(False)


def _count_forms(heads: ibis.Table) -> dict[str, int]:
    counts = heads.aggregate(
        # As a filter, this would be asked of every row before they are grouped.
        filled=heads.rows.sum(where=_is_filled(heads["head"])),
        **{form: heads.rows.sum(where=_reads(heads["head"], form)) for form in DATE_FORMATS},
    )
    return {name: int(count or 0) for name, count in counts.to_pyarrow().to_pylist()[0].items()}


_IN_UTC = "times that know their zone count as their day in UTC; `time_zone` sets another"
_MOMENTS = marked("times counted from 1970 count as their day in UTC; `time_zone` sets another")
_AS_WRITTEN = marked(
    "times with an offset from UTC count as the day that is written; `time_zone` converts them"
)
_CENTURY = marked("years of two digits are those from 1970 to 2069")
_DAY_FIRST = marked(
    "dates of column {column} are read day first, and {rows} that read month first alone are set aside; others may be "
    "exchanged: write all days in one form"
)
_MONTH_FIRST = marked(
    "dates of column {column} are read month first, and {rows} that read day first alone are set aside; others may be "
    "exchanged: write all days in one form"
)


def _assumed(heads: ibis.Table, form: str, given: str | None, time_zone: str | None) -> list[str]:
    """Return what is decided about a column of this form that the user did not say."""
    said: list[str] = []
    if form in COUNTED:
        if given is None:
            usable = heads.filter(_reads(heads["head"], form))
            first = usable.select("head", day=_day_of_text(usable["head"], form, _HOUR)).order_by("head")
            row = first.limit(1).to_pyarrow().to_pylist()[0]
            said.append(
                say(
                    "dates are read as {form}, so that {text} is {day}; `date_format` sets another form",
                    form=say(COUNTED[form]),
                    text=row["head"],
                    day=row["day"],
                )
            )
        return [*said, say(_MOMENTS)] if form == "epoch" and time_zone is None else said
    if _any(heads, _short_year(heads["head"], form)):
        said.append(say(_CENTURY))
    if time_zone is None and _any(heads, heads.offset):
        said.append(say(_AS_WRITTEN))
    return said


def _any(table: ibis.Table, holds: ir.BooleanColumn) -> bool:
    return bool(table.aggregate(found=holds.any()).to_pyarrow()["found"][0].as_py())


class _Seen(NamedTuple):
    """What was counted in a column, for the sentences that refuse it."""

    raw: ibis.Table
    column: str
    where: str
    filled: int
    counts: dict[str, int]

    def refuse_ambiguous(self, best: str) -> None:
        """Refuse a column that reads in several forms, each as well as the others."""
        count = self.counts[best]
        ties = [form for form in self.counts if self.counts[form] == count > 0]
        if len(ties) < 2:
            return
        raise InputError(
            f"the dates in column {self.column!r} of {self.where} could be "
            f"{_either(form.replace('-', ' ') for form in ties)} in all {count:,} rows (for example "
            f"{self._examples(None)}); say which with `date_format` {_either(ties)}."
        )

    def refuse(self, form: str, given: str | None) -> None:
        """Refuse a column that does not read in the one form, and name another in which it does."""
        unread, looks = self.filled - self.counts[form], max(self.counts, key=lambda name: self.counts[name])
        examples = self._examples(form)
        if given is not None and self.counts[looks] >= (1 - MOST_UNREADABLE) * self.filled:
            raise InputError(
                f"{unread:,} of {self.filled:,} values in column {self.column!r} of {self.where} do not read as {form} "
                f"(for example {examples}); they look like {looks} ({DATE_FORMATS[looks]}); give `date_format` {looks}."
            )
        spread = ", ".join(f"{count:,} read as {name}" for name, count in self.counts.items() if count)
        raise InputError(
            f"column {self.column!r} of {self.where} has dates in several forms or none: of {self.filled:,} values "
            f"{spread or 'not one reads as a date'}, and {unread:,} do not read as {form} (for example {examples}); "
            "write them all as YYYY-MM-DD, or name another column with `date`."
        )

    def _examples(self, unread: str | None) -> str:
        """Return a few values, of those that do not read in a form where one is given."""
        value: Any = self.raw[self.column]
        head = _before_colon(_as_text(value))
        wanted = _is_filled(head)
        if unread is not None:
            wanted &= ~_reads(head, unread)
        rows = (
            self.raw.filter(wanted).select(value=value.cast("string")).distinct().order_by("value").limit(3)
        )
        return ", ".join(map(repr, rows.to_pyarrow()["value"].to_pylist()))


def _either(words: Any) -> str:
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else str(last)
