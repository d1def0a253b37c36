"""Columns of numbers, often written as text, come in; the form in which each is written and its values go out.

Every rule is an Ibis expression, so that it runs where the data lies. Patterns read the same in RE2 and in Java.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from duramen.data.checks import MISSING_WORDS, quote_examples
from duramen.data.whole_amounts import decimal_of_whole_amounts
from duramen.errors import InputError
from duramen.language import say, say_count

if TYPE_CHECKING:
    import ibis
    from ibis import ir

# Sums stay exact in decimal(18, 4) up to here.
LARGEST_AMOUNT = 1e13
# The form of a column of which every text is a number as programs write it, such as 12.50.
PLAIN = "plain"
# Values that prove the other decimal mark: as many leave the column without a form, where others could be either.
MOST_CONTRADICTING = 0.05

# Written for each other: no-break, figure, thin and narrow no-break space; apostrophes; minus signs.
_MARKS = {" ": "\u00a0\u2007\u2009\u202f", "'": "\u2019\u02bc\u00b4`", "-": "\u2212\u2013\u2014\ufe63\uff0d"}
_CODES = """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD
    CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ
    GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KRW KWD KYD KZT LAK LBP LKR
    LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN
    PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SOS SRD SSP SYP SZL THB TJS TMT TND
    TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW
"""
# Longer signs before shorter ones, since a pattern takes the first that fits.
_SIGNS = (
    r"US\$", r"NZ\$", r"HK\$", r"R\$", r"C\$", r"A\$", r"S\$", r"kr\.?", "Kč", "zł", "Ft", r"Rs\.?", r"SFr\.?",
    r"Fr\.?", "元", "円", "lei", "\u0440\u0443\u0431\\.?", "\u043b\u0432\\.?", r"\p{Sc}",
)  # fmt: skip
_CURRENCY = f"(?i:{'|'.join((*_CODES.split(), *_SIGNS))})"
# Signs that mean one currency whatever the country.
_SAME = {
    "€": "EUR", "£": "GBP", "$": "USD", "US$": "USD", "NZ$": "NZD", "HK$": "HKD", "A$": "AUD", "C$": "CAD", "S$": "SGD",
    "R$": "BRL", "₹": "INR", "RS": "INR", "FR": "CHF", "SFR": "CHF", "ZŁ": "PLN", "KČ": "CZK", "FT": "HUF", "₽": "RUB",
    "\u0420\u0423\u0411": "RUB", "\u041b\u0412": "BGN", "LEI": "RON",
    "元": "CNY", "円": "JPY",
}  # fmt: skip
# Signs that several countries write for money of their own.
_OF_SEVERAL = ("$", "RS", "FR", "LEI", "元")
_WHOLE_NUMBER = r"^[-+]?\d+$"
_PLAIN_NUMBER = r"^[-+]?\d+(\.\d+)?$"
_GROUPS = {
    # A group never begins with 0: 0.125 is an eighth. India groups by two above the thousands.
    ".": r"[1-9]\d{0,2}(,\d{3})+|[1-9]\d?(,\d{2})+,\d{3}|[1-9]\d{0,2}( \d{3})+|[1-9]\d{0,2}('\d{3})+",
    ",": r"[1-9]\d{0,2}(\.\d{3})+|[1-9]\d{0,2}( \d{3})+|[1-9]\d{0,2}('\d{3})+",
}


def parse_amount(column: ir.Column, form: str) -> ir.Column:
    """Return the amount as float64, null where it is not a finite number within the exact range.

    Parameters
    ----------
    column : ibis Column
        Numbers, or text.
    form : str
        Decimal mark of text, "." or ",": the other mark, spaces and apostrophes may group thousands, and a currency
        and a sign may stand before or after the number. ``PLAIN`` for text that is known to have none of these.
    """
    amount = _parse_number(column, form)
    usable = amount.notnull() & ~amount.isnan() & (amount.abs() < LARGEST_AMOUNT)
    return usable.ifelse(amount, None)


def parse_money(column: ir.Column, form: str) -> ir.Column:
    """Return an optional amount as exact decimal(18, 4), null where it is not a number."""
    return parse_amount(column, form).round(4).cast("decimal(18, 4)")


def choose_forms(
    raw: ibis.Table,
    columns: Iterable[str],
    given: str | None,
    where: str,
    assumed: list[str],
    marks: dict[str, str] | None = None,
    money: Container[str] = (),
) -> dict[str, str]:
    """Return the form in which each column of numbers is written, found from all of its values.

    Parameters
    ----------
    raw : ibis.Table
        Has the columns.
    columns : iterable of str
        Names of columns of numbers.
    given : str, optional
        The decimal mark, where the user gave it.
    where : str
        How messages call the source.
    assumed : list of str
        Is given a sentence for each column of which the form is not that of programs.
    marks : dict, optional
        Is given the currency that is written beside the numbers of a column, where the sign means one alone.
    money : container of str, optional
        Those of the columns that are money, of which whole amounts may have grouped thousands.

    Raises
    ------
    InputError
        If the values of a column can be read in two ways and nothing proves one, or several currencies are written
        beside the numbers.
    """
    columns = list(dict.fromkeys(columns))
    for name in columns:
        if raw[name].type().is_boolean():
            raise InputError(
                f"column {name!r} of {where} has true and false, not numbers; name another column."
            )
    texts = [name for name in columns if raw[name].type().is_string()]
    fancy = [name for name in texts if not _is_plain(raw, name, given)]
    forms = dict.fromkeys(columns, PLAIN) | dict.fromkeys(fancy, given or ".")
    readings = {name: _readings(raw, name) for name in fancy}
    for name in fancy:
        if (mark := _currency_beside(readings[name], name, where)) and marks is not None:
            marks[name] = mark
    if given is not None:
        return forms
    counts = {name: _count_readings(readings[name]) for name in fancy}
    proven = {name: mark for name in fancy if (mark := _proven_mark(counts[name]))}
    shown = {proven[name] for name in proven if counts[name].point + counts[name].comma}
    for name in fancy:
        if name not in proven and len(shown) != 1:
            forms[name] = _form_of_whole(readings[name], counts[name], name, where, is_money=name in money)
            assumed.append(_whole(readings[name], name))
            continue
        forms[name] = proven.get(name) or next(iter(shown))
        if forms[name] == "," or name not in proven:
            assumed.append(_assumption(readings[name], counts[name], name, forms[name]))
    return forms


def unit_price_total(quantity: ir.Column, price: ir.Column) -> ir.Column:
    """Return quantity times price, null where it is beyond the exact range."""
    amount = quantity * price
    return (amount.abs() < LARGEST_AMOUNT).ifelse(amount, None)


def _parse_number(column: ir.Column, form: str) -> ir.Column:
    if not column.type().is_string():
        return column.cast("float64")
    if form == PLAIN:
        return column.strip().try_cast("float64")
    text = column.strip()
    number = _bare_number(text)
    read = number.re_search(_number_pattern(form))
    digits = number.re_replace("[ ',]" if form == "." else r"[ '.]", "")
    as_written = digits if form == "." else digits.replace(",", ".")
    fancy = read.ifelse(as_written, None).try_cast("float64")
    plain = text.re_search(_PLAIN_NUMBER if form == "." else _WHOLE_NUMBER)
    return plain.ifelse(text.try_cast("float64"), fancy)


def _number_pattern(decimal: str) -> str:
    mark = r"\." if decimal == "." else ","
    return rf"^[-+]?((({_GROUPS[decimal]}|\d+)({mark}\d*)?|{mark}\d+)|\d+({mark}\d+)?[eE][-+]?\d+)$"


def _bare_number(text: ir.Column) -> ir.Column:
    """Return a number without the currency beside it and with its sign in front."""
    was = "".join(_MARKS.values())
    now = "".join(mark * len(others) for mark, others in _MARKS.items())
    number = text.translate(was, now).re_replace(r"^ +| +$", "")
    number = number.re_replace(rf"^([-+(]?) *{_CURRENCY} *([-+(]?)", r"\1\2")
    number = number.re_replace(rf"(\d[.,]?)(-*)(\)?) *{_CURRENCY} *(-?\)?)$", r"\1\2\3\4")
    number = number.re_replace(r"^\( *(.*?) *\)$", r"-\1")
    # Swiss and German shops write 10.- for whole amounts; SAP writes 10- for a return.
    number = number.re_replace(r"(\d)[.,]-{1,2}$", r"\1").re_replace(r"^(.*\d[.,]?) *-$", r"-\1")
    return number.re_replace(r"^([-+]) +", r"\1")


def _filled(column: ir.Column) -> ir.Column:
    text = column.strip()
    return text.notnull() & ~text.lower().isin(MISSING_WORDS)


def _is_plain(raw: ibis.Table, name: str, given: str | None) -> bool:
    """Return whether every value is written as programs do, and no mark could group as well."""
    text = raw[name].strip()
    plain = text.re_search(_WHOLE_NUMBER if given == "," else _PLAIN_NUMBER)
    either = text.re_search(r"^[-+]?[1-9]\d{0,2}\.\d{3}$")
    proof = plain & text.contains(".") & ~either
    counts = raw.aggregate(
        other=(_filled(raw[name]) & ~plain).any(),
        doubt=False if given is not None else either.any() & ~proof.any(),
    )
    row = counts.to_pyarrow().to_pylist()[0]
    return not row["other"] and not row["doubt"]


class _Readings(NamedTuple):
    """How many values read with a decimal point only, a comma only, and both ways with another result."""

    point: int
    comma: int
    either: int


def _readings(raw: ibis.Table, name: str) -> ibis.Table:
    """Return the different texts of a column, their ``rows``, and which ``readings`` each has: . or , or either."""
    import ibis

    texts = raw.group_by(text=raw[name]).aggregate(rows=raw.count())
    # A rate such as 12,5% shows the mark as well.
    number = _bare_number(texts.text.re_replace(r"\s*%\s*$", "").strip())
    point, comma = (number.re_search(_number_pattern(mark)).fill_null(False) for mark in ".,")
    reading = ibis.cases(
        (point & comma & number.re_search("[.,]"), "either"),
        (point & comma, "both"),
        (point, "."),
        (comma, ","),
        else_="none",
    )
    return texts.mutate(reading=reading, number=number)


def _count_readings(readings: ibis.Table) -> _Readings:
    counted = readings.group_by("reading").aggregate(rows=readings.rows.sum())
    rows = {row["reading"]: row["rows"] for row in counted.to_pyarrow().to_pylist()}
    return _Readings(rows.get(".", 0), rows.get(",", 0), rows.get("either", 0))


def _proven_mark(counts: _Readings) -> str | None:
    """Return the decimal mark that the values prove; None where they could be either."""
    point, comma, either = counts
    contradicted = min(point, comma) > MOST_CONTRADICTING * max(point, comma)
    if either and (contradicted or not point + comma):
        return None
    return "," if comma > point else "."


def _form_of_whole(readings: ibis.Table, counts: _Readings, name: str, where: str, *, is_money: bool) -> str:
    """Return the decimal mark of a column of whole amounts, or refuse one that could be read in two ways."""
    whole = decimal_of_whole_amounts(readings) if is_money else None
    if whole is None or counts.point + counts.comma:
        _refuse_ambiguous(readings, counts, name, where)
    return whole


def _refuse_ambiguous(readings: ibis.Table, counts: _Readings, name: str, where: str) -> NoReturn:
    examples = quote_examples(readings.filter(readings.reading == "either"), "text", 2)
    shown = (
        f"{counts.point:,} other values show a decimal point and {counts.comma:,} a decimal comma"
        if counts.point + counts.comma
        else "no value shows which"
    )
    raise InputError(
        f"the mark in the numbers of column {name!r} of {where} could be the decimal mark or group thousands in "
        f"{counts.either:,} rows (for example {examples}), and {shown}; say which mark is the decimal one with "
        "`decimal` '.' or ','."
    )


def _assumption(readings: ibis.Table, counts: _Readings, name: str, mark: str) -> str:
    """Return what the reading decided of a column that is not written as every program does."""
    example = quote_examples(readings.filter(readings.reading == mark), "text", 1)
    if not example:
        return say(
            "the decimal mark of column {column} is {mark}, as in other columns (`decimal` sets it)",
            column=repr(name),
            mark=repr(mark),
        )
    either = (
        say_count(
            ", also in {n} row that could be read either way",
            ", also in {n} rows that could be read either way",
            counts.either,
        )
        if counts.either
        else ""
    )
    if "." in example:
        return say(
            "the decimal mark of column {column} is ',' and '.' groups thousands, as {example} shows{either} "
            "(`decimal` sets it)",
            column=repr(name),
            example=example,
            either=either,
        )
    return say(
        "the decimal mark of column {column} is ',', as {example} shows{either} (`decimal` sets it)",
        column=repr(name),
        example=example,
        either=either,
    )


def _whole(readings: ibis.Table, name: str) -> str:
    example = quote_examples(readings.filter(readings.reading == "either"), "text", 1)
    return say(
        "the mark in the whole amounts of column {column}, such as {example}, groups thousands (`decimal` sets it)",
        column=repr(name),
        example=example,
    )


def _currency_beside(readings: ibis.Table, name: str, where: str) -> str | None:
    """Return the currency beside the numbers; of several, the sum would mean nothing, and they are refused."""
    marked = readings.filter((readings.reading != "none") & readings.text.re_search(_CURRENCY))
    counted = marked.group_by(mark=marked.text.re_extract(_CURRENCY, 0).upper()).aggregate(
        rows=marked.rows.sum()
    )
    counts: dict[str, int] = {}
    sure: set[str] = set()
    for row in counted.order_by("mark").to_pyarrow().to_pylist():
        written = row["mark"].rstrip(".")
        sign = _SAME.get(written, written)
        if written not in _OF_SEVERAL and sign in _CODES.split():
            sure.add(sign)
        counts[sign] = counts.get(sign, 0) + row["rows"]
    if len(counts) > 1:
        held = ", ".join(f"{sign} in {rows:,} rows" for sign, rows in counts.items())
        raise InputError(
            f"the numbers of column {name!r} of {where} are of several currencies ({held}); write the currency into a "
            "column of its own, and choose one with `currency`."
        )
    return next(iter(sure), None)


def number_columns(roles: Mapping[str, Any], of: Iterable[str]) -> list[str]:
    """Return the source columns of those roles that the source has."""
    return [roles[role] for role in of if role in roles]
