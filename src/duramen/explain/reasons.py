"""Facts of customers and the factors of their value come in; reasons as sentences go out.

A sentence gathers the factors of features that say the same, and quotes the customer's own facts. There are three
sentences a customer, so the words of a theme are looked up once and filled in for each customer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from duramen.data.feature_file import IS
from duramen.data.features import FEATURES
from duramen.data.money_unit import unit_in_words
from duramen.language import marked
from duramen.language import translated as _

# The themes in which reasons speak: each gathers the factors of the features that say the same.
_THEME_OF_FAMILY = {
    "recency and age": "age",
    "purchases and spend": "purchases",
    "baskets": "spend",
    "gaps": "rhythm",
    "trend": "trend",
    "season": "season",
    "returns": "returns",
    "breadth": "breadth",
    "quantity": "spend",
    "discounts": "discounts",
    "margin": "spend",
}
_THEME_OF_FEATURE = {
    "frequency": "purchases",
    "recency": "recency",
    "time_since_last": "recency",
    "active_share": "recency",
    "overdue": "recency",
    "overdue_geometric": "recency",
    "overdue_longest": "recency",
    "monetary_value": "spend",
    "net_spend": "spend",
    "net_spend_28": "spend",
    "net_spend_91": "spend",
    "net_spend_182": "spend",
    "net_spend_364": "spend",
    "net_spend_per_day": "spend",
    "lines": "purchases",
    "orders": "purchases",
    "weekend_share": "weekdays",
    "btyd_purchases": "purchases",
    "btyd_probability_active": "recency",
    "btyd_probability_alive": "recency",
    "probability_active": "recency",
    "btyd_spend": "spend",
    "btyd_value": "spend",
}


# Facts that stand beside those of the typical active customer, with whom the factors compare.
AVERAGED = (
    "time_since_last", "frequency", "net_spend", "basket_mean", "gap_mean", "net_spend_91", "season_net_spend",
    "returned", "products", "discount", "T",
)  # fmt: skip


# With whom the factors compare: the average of all customers in a model that an earlier version saved.
TYPICAL, AVERAGE = marked("typical active customer"), marked("average customer")
_BRIEF = {TYPICAL: marked("typical"), AVERAGE: marked("average")}
# Beyond this many times the value, or this part of it, a factor is not a number to read to its last digit.
MOST = 20.0


# In front of the theme that a column of a feature file is by itself: a column may be called age as well.
_COLUMN = "column "
# The themes that gather features, as readers see them.
_THEME_NAMES = (
    marked("age"), marked("breadth"), marked("discounts"), marked("purchases"), marked("recency"), marked("returns"),
    marked("rhythm"), marked("season"), marked("spend"), marked("trend"), marked("weekdays"),
)  # fmt: skip


def theme(feature: str) -> str:
    """Return the theme under which reasons speak of a feature.

    Examples
    --------
    >>> theme("overdue"), theme("age"), theme("channel = web")
    ('recency', 'column age', 'column channel')
    """
    if feature in _THEME_OF_FEATURE:
        return _THEME_OF_FEATURE[feature]
    if feature in FEATURES:
        return _THEME_OF_FAMILY[FEATURES[feature].family]
    return _COLUMN + feature.partition(IS)[0]


def theme_in_words(name: str) -> str:
    """Return the name of a theme in the language that is set.

    Examples
    --------
    >>> theme_in_words("recency"), theme_in_words("column age")
    ('recency', 'column age')
    """
    if name.startswith(_COLUMN):
        return _("column {column}").format(column=name.removeprefix(_COLUMN))
    return _(name) if name in _THEME_NAMES else name


def reasons(
    customers: pd.DataFrame,
    log_factors: pd.DataFrame,
    averages: dict[str, float],
    unit: str,
    count: int = 3,
    compared_with: str = TYPICAL,
) -> pd.DataFrame:
    """Return the strongest reasons of each customer as sentences.

    Parameters
    ----------
    customers : pandas.DataFrame
        Customer table; the facts that the sentences quote.
    log_factors : pandas.DataFrame of shape (n, p)
        Logarithm of each feature's factor, relative to the customer whom ``compared_with`` names.
    averages : dict of str to float
        ``average_facts`` of the customers that the model learned from.
    unit : str
        Unit of money.
    count : int
        Reasons a customer.
    compared_with : str
        ``TYPICAL``, or ``AVERAGE`` where averages and factors are those of all customers alike.

    Returns
    -------
    pandas.DataFrame
        ``reason_1`` ... on the index of ``customers``. Each ends in the factor by which the theme moves the
        predicted value.
    """
    themes = by_theme(log_factors)
    strength, facts = themes.to_numpy(), _Facts(customers, averages, compared_with)
    order = np.argsort(-np.abs(strength), axis=1, kind="stable")[:, :count]
    unit, colon = str(unit_in_words(unit)), _(": ")
    sentences = pd.DataFrame(index=customers.index)
    for place in range(order.shape[1]):
        column = np.empty(len(customers), dtype=object)
        for position, name in enumerate(themes.columns):
            rows = np.flatnonzero(order[:, place] == position)
            if not len(rows):
                continue
            said = _sentences_of(name)(facts.of(rows), unit)
            factors = map(factor_words, np.exp(strength[rows, position]).tolist())
            column[rows] = [
                f"{sentence}{colon}{factor}" for sentence, factor in zip(said, factors, strict=True)
            ]
        sentences[f"reason_{place + 1}"] = column
    return sentences


def by_theme(log_factors: pd.DataFrame) -> pd.DataFrame:
    """Add the logarithms of factors of the features under each theme.

    Examples
    --------
    >>> log_factors = pd.DataFrame({"gap_mean": [0.5], "frequency": [1.0], "gap_longest": [-0.25]})
    >>> by_theme(log_factors).to_dict("records")
    [{'rhythm': 0.25, 'purchases': 1.0}]

    For a frequent buyer who stays away, purchases alone would stand for a thousand times the value and the pause for
    a thousandth of it; they are one fact.

    >>> by_theme(pd.DataFrame({"frequency": [7.0, 1.0], "overdue": [-8.0, -1.5]})).to_dict("list")
    {'purchases': [0.0, 1.0], 'recency': [-1.0, -1.5]}
    """
    features = list(map(str, log_factors.columns))
    themes = pd.DataFrame(
        {
            name: log_factors[[column for column in features if theme(column) == name]].sum(axis=1)
            for name in dict.fromkeys(map(theme, features))
        }
    )
    return _pauses_joined(themes) if {"purchases", "recency"} <= set(themes) else themes


def _pauses_joined(themes: pd.DataFrame) -> pd.DataFrame:
    """Count many purchases to a long pause where each alone would move the value beyond ``MOST``, in opposite ways."""
    purchases, recency = themes["purchases"], themes["recency"]
    opposed = (purchases * recency < 0) & (np.minimum(purchases.abs(), recency.abs()) > np.log(MOST))
    return themes.assign(
        purchases=purchases.mask(opposed, 0.0), recency=recency.mask(opposed, purchases + recency)
    )


def factor_words(factor: float) -> str:
    """Write a factor of the value in words, capped at ``MOST`` times and its inverse.

    Examples
    --------
    >>> factor_words(1.84), factor_words(12), factor_words(1.04)
    ('1.8 times the value', '12 times the value', '1.04 times the value')
    >>> factor_words(0.451), factor_words(0.997)
    ('0.45 times the value', 'about the same value')
    >>> factor_words(39038.2), factor_words(0.0001)
    ('more than 20 times the value', 'less than a twentieth of the value')
    >>> factor_words(20), factor_words(1 / 20)
    ('20 times the value', '0.05 times the value')
    """
    if factor > MOST:
        return _("more than {factor} times the value").format(factor=f"{MOST:.0f}")
    if factor < 1 / MOST:
        return _("less than a twentieth of the value")
    if 0.995 <= factor < 1.005:
        return _("about the same value")
    written = f"{factor:.2f}" if factor < 1.095 else f"{factor:.1f}" if factor < 9.95 else f"{factor:.0f}"
    return _("{factor} times the value").format(factor=written)


class _Facts:
    """The facts of some customers, and those of the customer to compare with, which stand beside them."""

    def __init__(self, customers: pd.DataFrame, averages: dict[str, float], compared_with: str) -> None:
        self._customers, self._averages = customers, averages
        self._who, self._briefly = _(compared_with), _(_BRIEF[compared_with])
        self._rows = np.arange(len(customers))

    def of(self, rows: npt.NDArray[np.intp]) -> _Facts:
        """Turn to the customers of some rows."""
        self._rows = rows
        return self

    def __contains__(self, key: str) -> bool:
        return key in self._customers

    def known(self, key: str) -> list[float]:
        """Return a fact of each customer."""
        values: list[float] = self._customers[key].to_numpy(dtype=float)[self._rows].tolist()
        return values

    def numbers(self, key: str, more: float = 0.0) -> list[float]:
        """Return a fact of each customer, 0 where it is missing; ``more`` is added to it."""
        values = self._customers[key].to_numpy(dtype=float)[self._rows]
        filled: list[float] = (np.where(np.isnan(values), 0.0, values) + more).tolist()
        return filled

    def column(self, key: str) -> list[str]:
        """Write what a column of a feature file says of each, and a number beside that of the one to compare with."""
        values = self._customers[key].iloc[self._rows]
        is_, unknown = _("{column} is {value}"), _("{column} is unknown").format(column=key)
        write = _number if key in self._averages else str
        said = [
            unknown if missing else is_.format(column=key, value=write(value))
            for value, missing in zip(values.tolist(), values.isna(), strict=True)
        ]
        if np.isnan(self._averages.get(key, np.nan)):
            return said
        beside, both = self._beside(_number(self._averages[key])), _("{fact} {beside}")
        return [both.format(fact=fact, beside=beside) for fact in said]

    def count_beside(self, key: str, more: int = 0) -> str:
        """Write the days, or another count, of the customer to compare with; ``more`` is added."""
        average = self._averages[key] + more
        return self._beside(f"{average:,.{1 if average < 9.95 else 0}f}")

    def money_beside(self, key: str) -> str:
        """Write the amount of the customer to compare with."""
        return self._beside(f"{self._averages[key]:,.2f}")

    def more_money_beside(self, key: str) -> str:
        """Write that of a second amount of a sentence, whose first one says in full with whom it compares."""
        return self._beside(f"{self._averages[key]:,.2f}", self._briefly)

    def _beside(self, value: str, who: str = "") -> str:
        return _("({who} {value})").format(who=who or self._who, value=value)


def average_facts(
    customers: pd.DataFrame, weights: npt.ArrayLike | None = None, columns: Sequence[str] = ()
) -> dict[str, float]:
    """Return the mean of each fact that a sentence compares, over the customers who have it.

    Parameters
    ----------
    customers : pandas.DataFrame of shape (n, p)
        Customer table.
    weights : array-like of shape (n,), optional
        By default all customers count alike.
    columns : sequence of str
        Numeric columns of a feature file, which reasons compare too.

    Examples
    --------
    >>> customers = pd.DataFrame({"T": [10.0, 40.0, 90.0], "gap_mean": [float("nan"), 6.0, 8.0]})
    >>> average_facts(customers, weights=[0.5, 0.25, 0.25])
    {'gap_mean': 7.0, 'T': 37.5}
    """
    by = np.ones(len(customers)) if weights is None else np.asarray(weights, dtype=float)
    means = {}
    for name in (*AVERAGED, *columns):
        if name in customers:
            values = customers[name].to_numpy(dtype=float)
            known = ~np.isnan(values)
            means[name] = float(np.average(values[known], weights=by[known])) if known.any() else float("nan")
    return means


def _number(value: float) -> str:
    """Write a number of an unknown unit with three digits or more.

    Examples
    --------
    >>> _number(12.0), _number(3.14159), _number(-0.01234), _number(1234567.8), _number(250.26)
    ('12', '3.14', '-0.0123', '1,234,568', '250')
    """
    if abs(value) >= 100 or value == round(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _counted(one: str, many: str, counts: list[float]) -> list[str]:
    """Write numbers of things by two templates, of which the first is for one thing.

    Examples
    --------
    >>> _counted("{n} day", "{n} days", [1.0, 1.4, 1234.0])
    ['1 day', '1 day', '1,234 days']
    """
    return [(one if round(count) == 1 else many).format(n=f"{count:,.0f}") for count in counts]


def _days(counts: list[float]) -> list[str]:
    return _counted(_("{n} day"), _("{n} days"), counts)


def _recency(facts: _Facts, _unit: str) -> list[str]:
    words = {
        0.0: _("bought on one day only, {since} {beside}"),
        1.0: _("last bought {since} {beside}, {gap} after the first time"),
    }
    usual = _("last bought {since} {beside}, usually every {gap}")
    daily = _("last bought {since} {beside}, usually every day")
    beside = facts.count_beside("time_since_last")
    since = _counted(_("{n} day ago"), _("{n} days ago"), facts.numbers("time_since_last"))
    repeats, gaps = facts.numbers("frequency"), facts.numbers("gap_mean")
    return [
        words.get(times, daily if round(gap) <= 1 else usual).format(since=ago, beside=beside, gap=days)
        for times, ago, gap, days in zip(repeats, since, gaps, _days(gaps), strict=True)
    ]


def _purchases(facts: _Facts, _unit: str) -> list[str]:
    one = _("{n} purchase day {beside} in {time}, {recent} of them in the last 91")
    many = _("{n} purchase days {beside} in {time}, {recent} of them in the last 91")
    beside, times = facts.count_beside("frequency", more=1), _days(facts.numbers("T"))
    days, recent = facts.numbers("frequency", more=1), facts.numbers("purchase_days_91")
    return [
        (one if count == 1 else many).format(
            n=f"{count:,.0f}", beside=beside, time=time, recent=f"{late:,.0f}"
        )
        for count, time, late in zip(days, times, recent, strict=True)
    ]


def _spend(facts: _Facts, unit: str) -> list[str]:
    kept = _("{amount} {unit} {beside} to date, {basket} {basket_beside} per purchase day")
    some_back = _(
        "{amount} {unit} {beside} to date after {returned} returned, {basket} {basket_beside} per purchase day"
    )
    beside, basket_beside = facts.money_beside("net_spend"), facts.more_money_beside("basket_mean")
    amounts, baskets = facts.numbers("net_spend"), facts.numbers("basket_mean")
    return [
        (some_back if back else kept).format(
            amount=f"{amount:,.2f}",
            unit=unit,
            beside=beside,
            returned=f"{back:,.2f}",
            basket=f"{basket:,.2f}",
            basket_beside=basket_beside,
        )
        for amount, back, basket in zip(amounts, facts.numbers("returned"), baskets, strict=True)
    ]


def _rhythm(facts: _Facts, _unit: str) -> list[str]:
    words = {
        0.0: _("no second purchase day yet, so no typical time between purchases"),
        1.0: _("{gap} {beside} between the only two purchase days"),
    }
    usual = _("{gap} {beside} between purchases on average, {longest} at most")
    beside, gaps = facts.count_beside("gap_mean"), _days(facts.numbers("gap_mean"))
    repeats = facts.numbers("frequency")
    return [
        words.get(times, usual).format(gap=gap, beside=beside, longest=f"{longest:,.0f}")
        for times, gap, longest in zip(repeats, gaps, facts.numbers("gap_longest"), strict=True)
    ]


def _trend(facts: _Facts, unit: str) -> list[str]:
    said = _("{amount} {unit} {beside} in the last 91 days, {before} in the 91 before")
    beside = facts.money_beside("net_spend_91")
    return [
        said.format(amount=f"{recent:,.2f}", unit=unit, beside=beside, before=f"{half_year - recent:,.2f}")
        for recent, half_year in zip(
            facts.numbers("net_spend_91"), facts.numbers("net_spend_182"), strict=True
        )
    ]


def _season(facts: _Facts, unit: str) -> list[str]:
    said = _("{amount} {unit} {beside} a year ago in the season of the next 91 days")
    none, beside = _("no full year of history yet to show a season"), facts.money_beside("season_net_spend")
    return [
        none if np.isnan(amount) else said.format(amount=f"{amount:,.2f}", unit=unit, beside=beside)
        for amount in facts.known("season_net_spend")
    ]


def _weekdays(facts: _Facts, _unit: str) -> list[str]:
    said = _("{share} of purchase days at weekends")
    return [said.format(share=f"{share:.0%}") for share in facts.numbers("weekend_share")]


def _returns(facts: _Facts, unit: str) -> list[str]:
    some = _("{amount} {unit} {beside} returned, {share} of what was bought")
    none, beside = _("nothing returned to date"), facts.money_beside("returned")
    return [
        some.format(amount=f"{amount:,.2f}", unit=unit, beside=beside, share=f"{rate:.1%}")
        if amount
        else none
        for amount, rate in zip(facts.numbers("returned"), facts.numbers("return_rate"), strict=True)
    ]


def _breadth(facts: _Facts, _unit: str) -> list[str]:
    if "products" not in facts:
        said = _("{n} different categories bought to date")
        return [said.format(n=f"{count:,.0f}") for count in facts.numbers("categories")]
    one = _("{n} different product {beside} bought to date")
    many, beside = _("{n} different products {beside} bought to date"), facts.count_beside("products")
    return [
        (one if count == 1 else many).format(n=f"{count:,.0f}", beside=beside)
        for count in facts.numbers("products")
    ]


def _discounts(facts: _Facts, unit: str) -> list[str]:
    said = _("{amount} {unit} {beside} of discounts, {share} of the full price")
    beside = facts.money_beside("discount")
    return [
        said.format(amount=f"{amount:,.2f}", unit=unit, beside=beside, share=f"{share:.1%}")
        for amount, share in zip(facts.numbers("discount"), facts.numbers("discount_share"), strict=True)
    ]


def _age(facts: _Facts, _unit: str) -> list[str]:
    said, beside = _("customer for {time} {beside}"), facts.count_beside("T")
    return [said.format(time=time, beside=beside) for time in _days(facts.numbers("T"))]


_SENTENCES: dict[str, Callable[[_Facts, str], list[str]]] = {
    "recency": _recency,
    "purchases": _purchases,
    "spend": _spend,
    "rhythm": _rhythm,
    "trend": _trend,
    "season": _season,
    "weekdays": _weekdays,
    "returns": _returns,
    "breadth": _breadth,
    "discounts": _discounts,
    "age": _age,
}


def _sentences_of(name: str) -> Callable[[_Facts, str], list[str]]:
    """Return what writes the sentences of a theme, of which a column of a feature file has the general ones."""
    if name in _SENTENCES:
        return _SENTENCES[name]
    return lambda facts, _unit: facts.column(name.removeprefix(_COLUMN))
