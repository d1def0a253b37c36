"""Money in several currencies and a table of exchange rates come in; money in one currency goes out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from duramen.data.amounts import choose_forms, parse_amount
from duramen.data.checks import parse_code, parse_currency
from duramen.data.columns import USUAL_NAMES, find_columns
from duramen.data.dates import date_format_beside, parse_date
from duramen.data.file_columns import Opened
from duramen.data.purchase_days import MONEY
from duramen.data.sources import open_source, source_name
from duramen.data.workspace import open_workspace
from duramen.errors import InputError
from duramen.language import marked, say, say_joined

if TYPE_CHECKING:
    import ibis
    import pandas as pd

USUAL_COLUMNS: dict[str, tuple[str, ...]] = {
    "date": ("date", "day", "from", "validfrom", "ratedate", "time"),
    "currency": (*USUAL_NAMES["currency"], "fromcurrency", "code"),
    "rate": ("rate", "exchangerate", "fxrate", "value"),
}
CONVERTED = ("amount", "cost", "discount")


@dataclass(frozen=True)
class ExchangeRates:
    """What one unit of each currency is worth in the target currency, from a day until the next one.

    Attributes
    ----------
    table : pandas.DataFrame
        ``date``, ``currency`` and ``rate``, by date.
    target : str
        The currency to convert to.
    source : str
        How messages call the table.
    """

    table: pd.DataFrame
    target: str
    source: str

    def convert(self, rows: ibis.Table, column: str, name: str, assumed: list[str]) -> ibis.Table:
        """Return parsed lines with all money in the target currency.

        Parameters
        ----------
        rows : ibis.Table
            Has ``currency``, ``date``, ``reason`` and ``amount``. The money of rows with a reason is converted too, and
            null where no rate is known.
        column : str
            The source column of the currency, for messages.
        name : str
            How messages call the orders.
        assumed : list of str
            Gains a sentence on how many rows of each currency were converted.

        Raises
        ------
        InputError
            If a row has no currency, or there is no rate for its currency on its day.
        """
        import ibis
        import pyarrow as pa

        rows = rows.mutate(its_currency=parse_currency(rows.currency))
        pairs = self._pairs(rows)
        if pairs.empty:
            return rows.drop("its_currency")
        pairs = self._rates_of(pairs, column, name)
        if counts := _counts(pairs):
            assumed.append(
                say(
                    "money was converted to {currency} by {source}: {rows}",
                    currency=self.target,
                    source=self.source,
                    rows=counts,
                )
            )
        rates = ibis.memtable(
            pa.table(
                {
                    "rate_currency": pa.array(pairs["currency"], pa.string()),
                    "rate_date": pa.array(pairs["date"].dt.date, pa.date32()),
                    "rate": pa.array(pairs["rate"], pa.float64()),
                }
            )
        )
        joined = rows.left_join(rates, [("its_currency", "rate_currency"), ("date", "rate_date")])
        rate = (joined.its_currency == self.target).ifelse(1.0, joined.rate)
        money = {role: (joined[role] * rate).round(4) for role in CONVERTED if role in rows.columns}
        exact = {role: value.cast(MONEY) for role, value in money.items() if role != "amount"}
        return joined.mutate(**money | exact).drop("its_currency", "rate_currency", "rate_date", "rate")

    def _pairs(self, rows: ibis.Table) -> pd.DataFrame:
        """Return the currencies and days that need a rate, with the number of rows to use of each."""
        import pandas as pd

        foreign = rows.filter(rows.its_currency.fill_null("") != self.target)
        counted = foreign.group_by(currency=foreign.its_currency, date=foreign.date).aggregate(
            rows=foreign.reason.isnull().sum()
        )
        pairs: pd.DataFrame = counted.to_pyarrow().to_pandas()
        return pairs.assign(date=pd.to_datetime(pairs["date"])).sort_values(["date", "currency"])

    def _rates_of(self, pairs: pd.DataFrame, column: str, name: str) -> pd.DataFrame:
        """Return the rate of each currency and day: the latest that is not after the day."""
        import pandas as pd

        without = int(pairs.loc[pairs["currency"].isna(), "rows"].sum())
        if without:
            raise InputError(
                f"{without:,} rows of {name} have no currency in column {column!r} and cannot be converted; fill the "
                "column, or leave these rows out by `where`."
            )
        pairs = pairs.dropna(subset=["currency", "date"])
        found = pd.merge_asof(pairs, self.table, on="date", by="currency")
        missing = found[found["rate"].isna() & (found["rows"] > 0)]
        if len(missing):
            examples = ", ".join(
                f"{row.currency} on {row.date:%Y-%m-%d}" for row in missing.head(3).itertuples()
            )
            raise InputError(
                f"{self.source} has no rate for {missing['rows'].sum():,} rows of {name} (for example {examples}); add "
                f"the rates to {self.target} from the first day of each currency on, or leave the rows out by `where`."
            )
        return found.dropna(subset=["rate"])


def read_exchange_rates(
    source: Any,
    target: str | None,
    decimal: str | None = None,
    date_format: str | None = None,
    assumed: list[str] | None = None,
) -> ExchangeRates:
    """Read and check a table of exchange rates.

    Parameters
    ----------
    source : str, Path, pandas.DataFrame, pyarrow.Table or ibis.Table
        ``date``, ``currency`` and ``rate``: how many units of the target currency one unit of the currency is worth
        from this date until the next one.
    target : str
        The currency to convert to.
    decimal : str, optional
        Decimal mark of numbers in text; found by itself where the numbers show it.
    date_format : str, optional
        As of ``read_transactions``, used where days and months could be either way round.
    assumed : list of str, optional
        Is given what the reading decided by itself.

    Raises
    ------
    InputError
        If there is no target, a column is missing, a date or rate cannot be read or is not above 0, a currency has two
        rates on one day, or the rate of the target is not 1.

    Examples
    --------
    >>> import pandas as pd
    >>> rates = pd.DataFrame({"date": ["2024-01-01"], "currency": ["USD"], "rate": [0.9]})
    >>> read_exchange_rates(rates, "EUR").table["rate"].tolist()
    [0.9]
    """
    import pandas as pd

    called = source_name(source) if isinstance(source, str | Path) else "the table of exchange rates"
    if target is None:
        raise InputError("`exchange_rates` convert to one currency; name it by `currency`, for example EUR.")
    target, assumed = parse_code(target), [] if assumed is None else assumed
    raw = open_source(open_workspace(), source, Opened(assumed))
    roles = find_columns(raw.columns, {}, called, USUAL_COLUMNS, required=tuple(USUAL_COLUMNS))
    form = date_format_beside(raw, roles["date"], date_format, called)
    numbers = choose_forms(raw, [roles["rate"]], decimal, called, assumed)
    parsed = raw.select(
        date=parse_date(raw[roles["date"]], form),
        currency=parse_currency(raw[roles["currency"]]),
        rate=parse_amount(raw[roles["rate"]], numbers[roles["rate"]]),
    )
    table: pd.DataFrame = parsed.to_pyarrow().to_pandas()
    table["date"] = pd.to_datetime(table["date"])
    _refuse_unsound(table, target, called)
    table = table[table["currency"] != target].sort_values(["date", "currency"], ignore_index=True)
    return ExchangeRates(table, target, called)


def _refuse_unsound(table: pd.DataFrame, target: str, called: str) -> None:
    for bad, what, remedy in (
        (table.isna().any(axis=1), "have no readable date, currency or rate", "fill or remove them"),
        (table["rate"] <= 0, "have a rate that is not above 0", "write what one unit is worth"),
        (
            table.duplicated(["date", "currency"], keep=False),
            "have two rates on one day",
            "give one rate a day",
        ),
        (
            (table["currency"] == target) & (table["rate"] != 1),
            f"give {target} a rate other than 1 though it is the currency to convert to",
            "give rates to that currency, or another `currency`",
        ),
    ):
        if bad.any():
            first = ", ".join(str(value).removesuffix(" 00:00:00") for value in table[bad].iloc[0].tolist())
            raise InputError(f"{bad.sum():,} rows of {called} {what} (for example {first}); {remedy}.")


def _counts(pairs: pd.DataFrame) -> str:
    counts = pairs.groupby("currency")["rows"].sum().sort_values(ascending=False)
    said = [
        say("{currency} in {rows} rows", currency=currency, rows=f"{rows:,}")
        for currency, rows in counts.items()
        if rows
    ]
    return say_joined(marked("{one}, {other}"), said) if said else ""
