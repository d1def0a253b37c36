"""Dates read as the day that is meant, or not at all: each form, the choice of the form, and time zones."""

import datetime
from pathlib import Path

import hypothesis.strategies as st
import ibis
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings

from duramen.data.dates import DATE_FORMATS, choose_date_format, parse_date
from duramen.data.reading import read_transactions
from duramen.errors import InputError

FILES = Path(__file__).parent / "files" / "dates"

DATES = {
    "iso": {"2011-02-03": 3, "2011/2/3": 3, "2011.02.03": 3, " 2011-02-03 ": 3, "2011-02-03 23:59:59": 3,
            "2011-02-03T23:59:59.123": 3, "2011-02-03T00:30:00Z": 3, "2011-02-03T00:30:00+02:00": 3, "2011-02-30": None,
            "2011-13-01": None, "20110203": None, "03.02.2011": None, "": None, "soon": None, "x2011-02-03": None},
    "compact": {"20110203": 3, "2011020": None, "2011-02-03": None, "20110230": None, "201102031": None,
                "20110203T154500": 3, "20110203154500": 3, "20110203T154500Z": 3, "20110203 15:45": 3},
    "day-first": {"03.02.2011": 3, "3/2/2011": 3, "03-02-2011 10:15": 3, "30.02.2011": None, "3.2.11": 3,
                  "3.2.111": None, "03.02.2011, 10:15:59": 3, "2011-02-03": None},
    "month-first": {"02/03/2011": 3, "2.3.2011": 3, "02-03-2011T10:15": 3, "13/03/2011": None, "2/3/11": 3,
                    "2/3/2011 3:45:00 PM": 3, "2/3/2011, 3:45\u202fp.m.": 3, "2/3/2011 25:00": None,
                    "2/3/2011 3:75 PM": None, "2/3/2011 soon": None},
    "year-first": {"11-02-03": 3, "11/2/3 10:15": 3, "2011-02-03": None, "11-13-03": None},
    "month-name": {"03-Feb-2011": 3, "Feb 3, 2011": 3, "February 3rd, 2011 3:45 PM": 3, "3 février 2011": 3,
                   "3. Febr. 2011": 3,
                   "3 de febrero de 2011": 3, "3 FEV 2011": 3, "03FEB11": 3, "Thu, 03 Feb 2011 23:45:00 GMT": 3,
                   "2011-Feb-03": 3, "30 Feb 2011": None, "3 Smarch 2011": None, "3 Ma 2011": None, "Feb 2011": None},
    "epoch": {"1296691200": 3, "1296777599": 3, "1296691200.5": 3, "1296691200123": 3, "1296691200123456": 3,
              "1296691200123456789": 3, "20110203": None, "12966912001": None, "-1296691200": None},
    "excel": {"40577": 3, "40577.99": 3, "4057": None, "405777": None, "40577 10:15": None},
}  # fmt: skip


@pytest.mark.parametrize("form", DATES)
def test_a_date_is_read_in_its_form_or_not_at_all(values, form):
    read = values(lambda column: parse_date(column, form), list(DATES[form]))
    days = {text: day and datetime.date(2011, 2, day) for text, day in DATES[form].items()}
    assert dict(zip(days, read, strict=True)) == days


def test_a_time_that_knows_its_zone_is_its_day_in_utc(values):
    late = datetime.datetime(2011, 2, 3, 23, 30, tzinfo=datetime.UTC)
    for zone in ("UTC", "America/New_York", "Asia/Tokyo", "+05:30"):
        assert values(lambda c: parse_date(c, "iso"), [late], pa.timestamp("us", zone)) == [late.date()]
    before_1970 = datetime.datetime(1960, 1, 1, 0, 0, 0, 5, tzinfo=datetime.UTC)
    assert values(lambda c: parse_date(c, "iso"), [before_1970], pa.timestamp("us", "UTC")) == [
        before_1970.date()
    ]
    assert values(lambda c: parse_date(c, "iso"), [late.replace(tzinfo=None)], pa.timestamp("ns")) == [
        late.date()
    ]


def chosen(column, given=None):
    table = ibis.duckdb.connect().create_table("raw", pa.table({"date": column}))
    return choose_date_format(table, "date", given, "orders.csv").name


@pytest.mark.parametrize(
    ("column", "form"),
    [
        (["2011-02-03", "2011-02-04 10:00"], "iso"),
        (["20110203", "20110204"], "compact"),
        ([20110203, 20110204], "compact"),
        (["03.02.2011", "13.02.2011"], "day-first"),
        (["02/03/2011", "02/13/2011"], "month-first"),
        (["6/1/11", "6/13/11"], "month-first"),
        (["11-02-03", "11-02-28"], "year-first"),
        (["13-Jun-2011", "Jun 14, 2011"], "month-name"),
        ([1304208000, 1307208000], "epoch"),
        ([1304208000.0, None], "epoch"),
        (["1304208000123", "1307208000"], "epoch"),
        ([40725, 40726], "excel"),
        (["40725.5", "40726"], "excel"),
        ([20110203.0, 20110204.0], "compact"),
        ([datetime.date(2011, 2, 3)], "iso"),
        (["", "nan", None], "iso"),
    ],
)
def test_the_form_of_dates_is_found_where_it_is_plain(column, form):
    assert chosen(column) == form


def test_dates_that_could_be_day_or_month_first_are_asked_about():
    column = ["03/02/2011", "04/02/2011", "04/03/2011"]
    with pytest.raises(InputError) as told:
        chosen(column)
    assert str(told.value) == (
        "the dates in column 'date' of orders.csv could be day first or month first in all 3 rows (for example "
        "'03/02/2011', '04/02/2011', '04/03/2011'); say which with `date_format` day-first or month-first."
    )
    assert chosen(column, "day-first") == "day-first"
    assert chosen(column, "month-first") == "month-first"


def test_dates_in_three_forms_are_refused():
    column = ["2011-02-03"] * 8 + ["13.02.2011"] * 6 + ["20110203"] * 6
    with pytest.raises(InputError) as told:
        chosen(column)
    assert str(told.value) == (
        "column 'date' of orders.csv has dates in several forms or none: of 20 values 8 read as iso, 6 read as "
        "compact, 6 read as day-first, and 12 do not read as iso (for example '13.02.2011', '20110203'); write them "
        "all as YYYY-MM-DD, or name another column with `date`."
    )


def test_a_column_without_dates_is_refused():
    with pytest.raises(InputError, match="not one reads as a date, and 2 do not read as iso"):
        chosen(["A1", "A2"])
    with pytest.raises(InputError, match="not one reads as a date, and 2 do not read as iso"):
        chosen([1.5, 2.5])
    with pytest.raises(InputError, match="has boolean, not dates; name the date column with `date`"):
        chosen([True, False])
    formats = ", ".join(map(repr, DATE_FORMATS))
    with pytest.raises(InputError, match=f"'dmy' is not a date format; choose one of {formats}"):
        chosen(["2011-02-03"], "dmy")


def test_the_stated_form_decides_what_the_day_is(orders, days_of):
    frame = orders(date=["03/02/2011"] * 3)
    first = {
        form: days_of(read_transactions(frame, date_format=form))[0]["date"]
        for form in ("day-first", "month-first")
    }
    assert first == {"day-first": datetime.date(2011, 2, 3), "month-first": datetime.date(2011, 3, 2)}


@pytest.mark.parametrize("column", [["11-06-13", "11-06-14"], ["01/02/03"]])
def test_two_digits_that_could_be_day_month_or_year_are_asked_about(column):
    with pytest.raises(InputError, match="could be day first, month first or year first in all"):
        chosen(column)


def test_numbers_beyond_the_years_of_orders_are_not_taken_for_days():
    for column in ([17045, 18044, 99999], [99123456789, 1], [4102444800, 4102444801], ["110613"], [1.5]):
        with pytest.raises(InputError, match="not one reads as a date"):
            chosen(column)


def test_a_wrong_format_is_refused_with_the_one_that_it_looks_like():
    with pytest.raises(InputError) as told:
        chosen(["13-Jun-2011", "14-Jun-2011"], "day-first")
    assert str(told.value) == (
        "2 of 2 values in column 'date' of orders.csv do not read as day-first (for example '13-Jun-2011', "
        "'14-Jun-2011'); they look like month-name (13-Jun-2011); give `date_format` month-name."
    )


@pytest.mark.parametrize(
    ("name", "first"),
    [("ampm", "2011-06-01"), ("mon", "2011-06-01"), ("two_digit", "2011-06-01"), ("shopify", "2023-01-05"),
     ("epoch_s", "2011-05-01")],
)  # fmt: skip
def test_dates_of_usual_exports_are_read(name, first):
    tx = read_transactions(FILES / f"{name}.csv")
    assert (str(tx.first_date), tx.rows_used) == (first, 3)


NAMES = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "short de": "Jän Feb. Mrz. Apr. Mai Jun. Jul. Aug. Sept. Okt. Nov. Dez.",
    "short fr": "janv. févr. mars avr. mai juin juil. AOÛT sept. oct. nov. DÉC.",
}


@pytest.mark.parametrize("language", NAMES)
def test_months_are_known_by_their_names(values, language):
    texts = [f"5 {name} 2011" for name in NAMES[language].split()]
    days = values(lambda column: parse_date(column, "month-name"), texts)
    assert days == [datetime.date(2011, month, 5) for month in range(1, 13)]


OFFSETS = {
    "2023-01-05 23:11:12 -0500": 6, "2023-01-05T23:11:12+02:00": 5, "2023-01-05T23:30:00Z": 6,
    "2023-01-05 22:59 UTC": 5,
    "2023-01-05 11:11:12 PM -0500": 6, "2023-01-05 12:30 AM +01:00": 5, "2023-01-06 00:30+0200": 5,
    "2023-01-05 23:59:59": 5,
    "2023-01-05": 5,
}  # fmt: skip


def test_times_with_an_offset_become_days_of_the_zone_and_others_stay(values):
    read = values(lambda column: parse_date(column, "iso", "Europe/Berlin"), list(OFFSETS))
    assert [day.day for day in read] == list(OFFSETS.values())
    compact = values(lambda column: parse_date(column, "compact", "Europe/Berlin"), ["20230105T231112Z"])
    assert compact == [datetime.date(2023, 1, 6)]
    as_written = values(lambda column: parse_date(column, "iso"), list(OFFSETS))
    assert [str(day) for day in as_written] == [text[:10] for text in OFFSETS]


def test_moments_become_days_of_the_zone_in_summer_and_winter(values):
    late = [datetime.datetime(2023, month, 5, 22, 30, tzinfo=datetime.UTC) for month in (1, 7)]
    days = [datetime.date(2023, 1, 5), datetime.date(2023, 7, 6)]
    berlin = "Europe/Berlin"
    assert values(lambda c: parse_date(c, "iso", berlin), late, pa.timestamp("us", "UTC")) == days
    seconds = [int(time.timestamp()) for time in late]
    assert values(lambda c: parse_date(c, "epoch", berlin), seconds) == days
    assert values(lambda c: parse_date(c, "iso", berlin), [t.replace(tzinfo=None) for t in late]) == [
        time.date() for time in late
    ]


def test_what_is_decided_about_dates_is_said(orders):
    def assumed(dates, **given):
        return read_transactions(orders(date=dates), **given).assumed

    shopify = ["2023-01-05 23:11:12 -0500"] * 3
    assert assumed(shopify) == (
        "times with an offset from UTC count as the day that is written; `time_zone` converts them",
    )
    assert assumed(shopify, time_zone="Europe/Berlin") == ()
    assert assumed(["6/1/11", "6/13/11", "6/14/11"]) == ("years of two digits are those from 1970 to 2069",)
    assert assumed([40725.5, 40726.0, 40727.0]) == (
        "dates are read as days since 1900 as Excel counts them, so that 40725 is 2011-07-01; `date_format` sets "
        "another form",
    )
    assert len(assumed([1304208000] * 3)) == 2
    assert assumed([1304208000] * 3, date_format="epoch", time_zone="UTC") == ()
    assert assumed(["2011-06-13"] * 3) == assumed(["6/13/2011 3:45:00 PM"] * 3) == ()


def test_an_unknown_time_zone_is_refused(orders):
    with pytest.raises(InputError, match="'Europe/Berlyn' is not a time zone; did you mean 'Europe/Berlin'"):
        read_transactions(orders(), time_zone="Europe/Berlyn")
    with pytest.raises(InputError, match="'here' is not a time zone; write a name such as 'Europe/Berlin'"):
        read_transactions(orders(), time_zone="here")


def epoch(scale):
    return lambda day: int(pd.Timestamp(day).timestamp()) * scale


WAYS = {
    "iso": str,
    "time": lambda day: f"{day}T23:59:59.999",
    "compact": lambda day: f"{day:%Y%m%d}",
    "compact number": lambda day: int(f"{day:%Y%m%d}"),
    "German": lambda day: f"{day.day}.{day.month}.{day.year}",
    "American": lambda day: f"{day.month}/{day.day}/{day.year} 11:05:09 PM",
    "two digits": lambda day: f"{day:%m/%d/%y}",
    "two digits, day first": lambda day: f"{day:%d-%m-%y}",
    "two digits, year first": lambda day: f"{day:%y-%m-%d}",
    "month": lambda day: f"{day:%d-%b-%Y}",
    "short month": lambda day: f"{day:%d-%b-%y}",
    "long month": lambda day: f"{day:%B} {day.day}, {day.year}",
    "offset": lambda day: f"{day} 23:11:12 -0500",
    "seconds": epoch(1),
    "milliseconds": epoch(1000),
    "microseconds": epoch(10**6),
    "float seconds": lambda day: float(epoch(1)(day)) + 0.5,
    "Excel": lambda day: (day - datetime.date(1899, 12, 30)).days,
    "Excel with time": lambda day: (day - datetime.date(1899, 12, 30)).days + 0.75,
}
some_days = st.lists(st.dates(datetime.date(1975, 1, 1), datetime.date(2025, 12, 31)), min_size=1, max_size=8)


@given(way=st.sampled_from(list(WAYS)), days=some_days, as_text=st.booleans())
@settings(max_examples=30)
def test_days_read_back_as_they_were_written_or_are_refused(way, days, as_text):
    column = [WAYS[way](day) for day in days]
    if as_text:
        column = [str(value) for value in column]
    table = ibis.memtable(pa.table({"date": column}))
    may_be_ambiguous = way in ("German", "American") or way.startswith("two digits")
    try:
        form = choose_date_format(table, "date", None, "orders.csv").name
    except InputError:
        form = None
    if form is None:
        assert may_be_ambiguous
        return
    assert table.select(day=parse_date(table.date, form)).to_pyarrow()["day"].to_pylist() == days


# Spark leaves the sockets open through which it hands rows to Python, until the collector finds them.
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_spark_reads_dates_and_bytes_as_duckdb_does(spark):
    from duramen.data.ids import parse_id
    from duramen.data.spark_workspace import SparkWorkspace

    table = pa.table(
        {
            "month-name": ["13-Jun-2011", "14. März 2011", "Aug 3, 11"],
            "epoch": ["1307991599", "1307923200123", "nothing"],
            "day-first": ["13.06.2011 23:30:00 -0500", "13/06/11 3:45 PM", "31.02.2011"],
            "excel": [40707.5, 40708.0, None],
            "id": pa.array([b"\xff\x00", b"\x00\xff", b"a"], pa.binary()),
        }
    )
    found = []
    for rows in (ibis.memtable(table), SparkWorkspace.of(spark).create_table("dates", table)):
        columns = {form: parse_date(rows[form], form) for form in table.column_names[:-1]}
        columns |= {
            f"{form} in Tokyo": parse_date(rows[form], form, "Asia/Tokyo") for form in ("epoch", "day-first")
        }
        found.append(rows.select(id=parse_id(rows.id), **columns).order_by("id").to_pyarrow().to_pylist())
    assert found[0] == found[1]
    assert [row["id"] for row in found[0]] == ["00ff", "61", "ff00"]


def test_days_of_china_and_japan_are_read():
    orders = pd.DataFrame(
        {"customer_id": [1, 2], "date": ["2023年6月13日", "2023年12月1日 10:15"], "amount": 1.0}
    )
    tx = read_transactions(orders)
    assert (tx.first_date, tx.last_date) == (datetime.date(2023, 6, 13), datetime.date(2023, 12, 1))


def test_days_that_read_the_other_way_round_alone_are_said():
    days = [day.strftime("%d/%m/%Y") for day in pd.date_range("2024-01-01", periods=100)] + ["1/31/2024"]
    tx = read_transactions(pd.DataFrame({"customer_id": 1, "date": days, "amount": 1.0}))
    assert tx.set_aside == {"unreadable date": 1}
    assert any("1 that read month first alone are set aside" in sentence for sentence in tx.assumed)
