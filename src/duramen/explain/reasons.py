"""Facts of customers and the factors of their value come in; reasons as sentences go out.

A sentence gathers the factors of features that say the same, and quotes the
customer's own facts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from duramen.data.feature_file import IS
from duramen.data.features import FEATURES

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
TYPICAL, AVERAGE = "typical active customer", "average customer"
# Beyond this many times the value, or this part of it, a factor is not a number to read to its last digit.
MOST = 20.0


# In front of the theme that a column of a feature file is by itself: a column may be called age as well.
_COLUMN = "column "


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
    sentences = pd.DataFrame(index=customers.index)
    for place in range(order.shape[1]):
        column = np.empty(len(customers), dtype=object)
        for position, name in enumerate(themes.columns):
            rows = np.flatnonzero(order[:, place] == position)
            factors, sentence = np.exp(strength[rows, position]).tolist(), _sentence_of(name)
            column[rows] = [
                f"{sentence(facts.of(row), unit)}: {factor_words(factor)}"
                for row, factor in zip(rows.tolist(), factors, strict=True)
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
    """
    features = list(map(str, log_factors.columns))
    return pd.DataFrame(
        {
            name: log_factors[[column for column in features if theme(column) == name]].sum(axis=1)
            for name in dict.fromkeys(map(theme, features))
        }
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
        return f"more than {MOST:.0f} times the value"
    if factor < 1 / MOST:
        return "less than a twentieth of the value"
    if 0.995 <= factor < 1.005:
        return "about the same value"
    digits = 2 if factor < 1.095 else 1 if factor < 9.95 else 0
    return f"{factor:.{digits}f} times the value"


class _Facts:
    """The facts of one customer after the other, beside those of the customer to compare with.

    A table of a row is slow to make and a dict of it slower: columns become lists once, when first asked for.
    """

    def __init__(self, customers: pd.DataFrame, averages: dict[str, float], compared_with: str) -> None:
        self._customers, self._averages = customers, averages
        self._compared_with = compared_with
        self._columns: dict[str, list[float]] = {}
        self._row = 0

    def of(self, row: int) -> _Facts:
        """Turn to the customer of a row."""
        self._row = row
        return self

    def __contains__(self, key: str) -> bool:
        return key in self._customers

    def __getitem__(self, key: str) -> float:
        column = self._columns.get(key)
        if column is None:
            column = self._columns[key] = self._customers[key].to_numpy(dtype=float).tolist()
        return column[self._row]

    def number(self, key: str) -> float:
        """Return a fact, 0 where it is missing."""
        value = self[key]
        return 0.0 if value != value else value

    def column(self, key: str) -> str:
        """Write what a column of a feature file says of the customer, and a number beside the one to compare with."""
        if key not in self._averages:
            text = self._customers[key].iloc[self._row]
            return f"{key} is unknown" if pd.isna(text) else f"{key} is {text}"
        value, average = self[key], self._averages[key]
        written = "unknown" if np.isnan(value) else _number(value)
        return f"{key} is {written}" + (
            "" if np.isnan(average) else f" ({self._compared_with} {_number(average)})"
        )

    def days(self, key: str, what: str = "day", more: int = 0, then: str = "") -> str:
        """Write a count of days, and that of the customer to compare with; ``more`` are added to both."""
        count, average = self.number(key) + more, self._averages[key] + more
        beside = f"{average:,.{1 if average < 9.95 else 0}f}"
        return f"{_times(count, what)}{then} ({self._compared_with} {beside})"

    def money(self, key: str, unit: str) -> str:
        return f"{self.number(key):,.2f} {unit} ({self._compared_with} {self._averages[key]:,.2f})"

    def more_money(self, key: str) -> str:
        """Write a second amount of a sentence, whose first one has the unit and names whom it compares with."""
        brief = self._compared_with.split()[0]
        return f"{self.number(key):,.2f} ({brief} {self._averages[key]:,.2f})"


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


def _times(count: float, what: str) -> str:
    return f"{count:,.0f} {what}" + ("" if round(count) == 1 else "s")


def _recency(facts: _Facts, _unit: str) -> str:
    since, gap = facts.days("time_since_last", then=" ago"), _times(facts.number("gap_mean"), "day")
    if not facts.number("frequency"):
        return f"bought on one day only, {since}"
    if facts.number("frequency") == 1:
        return f"last bought {since}, {gap} after the first time"
    return f"last bought {since}, usually every {gap}"


def _purchases(facts: _Facts, _unit: str) -> str:
    days = facts.days("frequency", "purchase day", more=1)
    recent = f"{facts.number('purchase_days_91'):,.0f} of them in the last 91"
    return f"{days} in {_times(facts.number('T'), 'day')}, {recent}"


def _spend(facts: _Facts, unit: str) -> str:
    returned = f" after {facts.number('returned'):,.2f} returned" if facts.number("returned") else ""
    return f"{facts.money('net_spend', unit)} to date{returned}, {facts.more_money('basket_mean')} per purchase day"


def _rhythm(facts: _Facts, _unit: str) -> str:
    if not facts.number("frequency"):
        return "no second purchase day yet, so no typical time between purchases"
    between = facts.days("gap_mean")
    if facts.number("frequency") == 1:
        return f"{between} between the only two purchase days"
    return f"{between} between purchases on average, {facts.number('gap_longest'):,.0f} at most"


def _trend(facts: _Facts, unit: str) -> str:
    recent, half_year = facts.number("net_spend_91"), facts.number("net_spend_182")
    return (
        f"{facts.money('net_spend_91', unit)} in the last 91 days, {half_year - recent:,.2f} in the 91 before"
    )


def _season(facts: _Facts, unit: str) -> str:
    if np.isnan(facts["season_net_spend"]):
        return "no full year of history yet to show a season"
    return f"{facts.money('season_net_spend', unit)} a year ago in the season of the next 91 days"


def _weekdays(facts: _Facts, _unit: str) -> str:
    return f"{facts.number('weekend_share'):.0%} of purchase days at weekends"


def _returns(facts: _Facts, unit: str) -> str:
    if not facts.number("returned"):
        return "nothing returned to date"
    return f"{facts.money('returned', unit)} returned, {facts.number('return_rate'):.1%} of what was bought"


def _breadth(facts: _Facts, _unit: str) -> str:
    if "products" in facts:
        return f"{facts.days('products', 'different product')} bought to date"
    return f"{facts.number('categories'):,.0f} different categories bought to date"


def _discounts(facts: _Facts, unit: str) -> str:
    return f"{facts.money('discount', unit)} of discounts, {facts.number('discount_share'):.1%} of the full price"


def _age(facts: _Facts, _unit: str) -> str:
    return f"customer for {facts.days('T')}"


_SENTENCES = {
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


def _sentence_of(name: str) -> Callable[[_Facts, str], str]:
    """Return what writes the sentence of a theme, of which a column of a feature file has the general one."""
    if name in _SENTENCES:
        return _SENTENCES[name]
    return lambda facts, _unit: facts.column(name.removeprefix(_COLUMN))
