"""What every customer feature means, and the formula that makes it from the exact sums of a customer.

In: the Ibis table of sums that `features` groups by customer. Out: `FEATURES`, name -> meaning and formula.
Called by `features` for the columns, by the explanations and the documentation for the words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from duramen.data.windows import YEAR
from duramen.language import marked

if TYPE_CHECKING:
    import ibis

SEASON = YEAR // 4
"""A quarter of the year of 364 days."""
LOG_SCALE = 10**12
"""Logarithms are summed as whole numbers of 1e-12: a sum of floats would depend on the order of the rows."""
WINDOWS = (28, 91, 182, 273, YEAR, 455)
"""Lengths in days of the windows before the cutoff that are summed."""
UNITS = (
    marked("days"), marked("count"), marked("share"), marked("ratio"), marked("units"), marked("money"),
    marked("money per day"), marked("money per unit"),
)  # fmt: skip
"""Units of features; those with money in them scale with the amounts."""


@dataclass(frozen=True)
class Feature:
    """What one column of the customer table means, and how it follows from the sums of a customer.

    Attributes
    ----------
    family : str
        The group that documentation and explanations show it under.
    unit : str
        One of `UNITS`. Features with money in their unit scale with the amounts; the others stay when the
        currency changes.
    meaning : str
        One sentence, which also says where the feature is missing.
    formula : callable
        From the table of `customer_sums` to the column.
    needs : tuple of str
        Optional columns of `days` without which the feature does not exist.
    """

    family: str
    unit: str
    meaning: str
    formula: Callable[[Any], Any]
    needs: tuple[str, ...] = ()


def within(sums: ibis.Table, what: str, low: int, high: int) -> Any:
    """Return the sum of `what` ("net" or "purchases") over low < days before the cutoff <= high."""
    total = sums[f"{what}_{high}"]
    return total - sums[f"{what}_{low}"] if low else total


def _ratio(numerator: Any, denominator: Any) -> Any:
    """Divide as floats; missing where the denominator is 0."""
    return numerator.cast("float64") / denominator.cast("float64").nullif(0)


def _known_from(age: int, value: Any, sums: Any) -> Any:
    """Keep the value for customers whose first purchase lies at least `age` days before the cutoff."""
    return (sums["first"] >= age).ifelse(value, None)


def _change(recent: Any, earlier: Any) -> Any:
    """Compare two sums, from -1 (all of it earlier) to 1 (all of it recent); missing where both are 0."""
    return _ratio(recent - earlier, recent.abs() + earlier.abs())


def _window(what: str, length: int) -> Callable[[Any], Any]:
    return lambda s: within(s, what, 0, length)


def _trend(what: str, length: int, back: int) -> Callable[[Any], Any]:
    """Compare the last `length` days with as many days that ended `back` days before the cutoff."""

    def formula(s: Any) -> Any:
        change = _change(within(s, what, 0, length), within(s, what, back, back + length))
        return _known_from(back + length, change, s)

    return formula


def _coming_season(what: str) -> Callable[[Any], Any]:
    return lambda s: _known_from(YEAR, within(s, what, YEAR - SEASON, YEAR), s)


def _frequency(s: Any) -> Any:
    return s.purchases - 1


def _recency(s: Any) -> Any:
    return s["first"] - s["last"]


def _gap_mean(s: Any) -> Any:
    # The gaps between purchase days add up to the recency.
    return _ratio(_recency(s), _frequency(s))


def _gap_geometric_mean(s: Any) -> Any:
    return (_ratio(s.gap_logs, _frequency(s)) / LOG_SCALE).exp()


def _gap_variation(s: Any) -> Any:
    # n * sum(g^2) - (sum g)^2 in whole numbers, so that equal gaps give exactly 0.
    spread = _frequency(s) * s.gap_squares - _recency(s).cast("int64") * _recency(s).cast("int64")
    return (_frequency(s) >= 2).ifelse(_ratio(spread.cast("float64").sqrt(), _recency(s)), None)


def _basket_mean(s: Any) -> Any:
    return _ratio(s.basket, s.purchases)


def _basket_geometric_mean(s: Any) -> Any:
    return (_ratio(s.basket_logs, s.purchases) / LOG_SCALE).exp()


def _purchase_position(s: Any) -> Any:
    # The age at a purchase is first - before, and the first purchase, at age 0, adds nothing to their sum.
    ages = s.purchases * s["first"] - s["before"]
    return _ratio(ages, _frequency(s) * s["first"])


def _spend_position(s: Any) -> Any:
    position = 1 - _ratio(s.basket_before, s.basket) / s["first"].cast("float64")
    return (_frequency(s) >= 1).ifelse(position, None)


_AGE = marked("recency and age")
_VOLUME = marked("purchases and spend")
_BASKET = marked("baskets")
_GAP = marked("gaps")
_TREND = marked("trend")
_TIME = marked("season")
_RETURN = marked("returns")
_BREADTH = marked("breadth")
_QUANTITY = marked("quantity")
_DISCOUNT = marked("discounts")
_MARGIN = marked("margin")

# A purchase day is a day with net spend above 0; its net spend is called a basket.
FEATURES: dict[str, Feature] = {
    "frequency": Feature(_AGE, "count", marked("Purchase days after the first one."), _frequency),
    "recency": Feature(_AGE, "days", marked("Age of the customer at the last purchase day."), _recency),
    "T": Feature(
        _AGE,
        "days",
        marked("Age of the customer at the cutoff, from the first purchase day."),
        lambda s: s["first"],
    ),
    "monetary_value": Feature(
        _AGE,
        "money",
        marked("Mean net spend per repeat purchase day; missing for customers who bought on one day only."),
        lambda s: _ratio(s.basket - s.basket_first, _frequency(s)),
    ),
    "time_since_last": Feature(
        _AGE,
        "days",
        marked("Days from the last purchase day to the cutoff."),
        lambda s: s["last"],
    ),
    "active_share": Feature(
        _AGE,
        "share",
        marked("Part of the age that lies between the first and the last purchase day, recency / T."),
        lambda s: _ratio(_recency(s), s["first"]),
    ),
    "purchase_days_28": Feature(
        _VOLUME, "count", marked("Purchase days in the last 28 days."), _window("purchases", 28)
    ),
    "purchase_days_91": Feature(
        _VOLUME, "count", marked("Purchase days in the last 91 days."), _window("purchases", 91)
    ),
    "purchase_days_182": Feature(
        _VOLUME, "count", marked("Purchase days in the last 182 days."), _window("purchases", 182)
    ),
    "purchase_days_364": Feature(
        _VOLUME, "count", marked("Purchase days in the last 364 days."), _window("purchases", YEAR)
    ),
    "purchase_rate": Feature(
        _VOLUME,
        "ratio",
        marked("Repeat purchase days per day of age, frequency / T."),
        lambda s: _ratio(_frequency(s), s["first"]),
    ),
    "net_spend": Feature(_VOLUME, "money", marked("Money spent to date, returns deducted."), lambda s: s.net),
    "net_spend_28": Feature(
        _VOLUME, "money", marked("Money spent in the last 28 days, returns deducted."), _window("net", 28)
    ),
    "net_spend_91": Feature(
        _VOLUME, "money", marked("Money spent in the last 91 days, returns deducted."), _window("net", 91)
    ),
    "net_spend_182": Feature(
        _VOLUME, "money", marked("Money spent in the last 182 days, returns deducted."), _window("net", 182)
    ),
    "net_spend_364": Feature(
        _VOLUME, "money", marked("Money spent in the last 364 days, returns deducted."), _window("net", YEAR)
    ),
    "net_spend_per_day": Feature(
        _VOLUME,
        "money per day",
        marked("Net spend to date per day of age."),
        lambda s: _ratio(s.net, s["first"]),
    ),
    "lines": Feature(_BASKET, "count", marked("Lines bought on purchase days."), lambda s: s.lines),
    "orders": Feature(_BASKET, "count", marked("Orders on purchase days."), lambda s: s.orders),
    "lines_per_order": Feature(
        _BASKET, "ratio", marked("Lines per order on purchase days."), lambda s: _ratio(s.lines, s.orders)
    ),
    "basket_mean": Feature(_BASKET, "money", marked("Mean net spend per purchase day."), _basket_mean),
    "basket_geometric_mean": Feature(
        _BASKET,
        "money",
        marked("Geometric mean of the net spend of the purchase days, which one large basket hardly moves."),
        _basket_geometric_mean,
    ),
    "basket_evenness": Feature(
        _BASKET,
        "ratio",
        marked(
            "Geometric over arithmetic mean of the baskets: 1 where all are equal, near 0 where a few account for "
            "most of the money."
        ),
        lambda s: _basket_geometric_mean(s) / _basket_mean(s),
    ),
    "basket_first": Feature(
        _BASKET, "money", marked("Net spend of the first purchase day."), lambda s: s.basket_first
    ),
    "basket_last": Feature(
        _BASKET, "money", marked("Net spend of the last purchase day."), lambda s: s.basket_last
    ),
    "basket_largest": Feature(
        _BASKET, "money", marked("Net spend of the largest purchase day."), lambda s: s.basket_largest
    ),
    "basket_last_ratio": Feature(
        _BASKET,
        "ratio",
        marked("Last basket over the mean basket."),
        lambda s: _ratio(s.basket_last, _basket_mean(s)),
    ),
    "gap_mean": Feature(
        _GAP,
        "days",
        marked("Mean days between purchase days; missing for customers who bought on one day only."),
        _gap_mean,
    ),
    "gap_geometric_mean": Feature(
        _GAP,
        "days",
        marked(
            "Geometric mean of the days between purchase days; missing for customers who bought on one day only."
        ),
        _gap_geometric_mean,
    ),
    "gap_last": Feature(
        _GAP,
        "days",
        marked("Days between the last two purchase days; missing for customers who bought on one day only."),
        lambda s: s.gap_last,
    ),
    "gap_longest": Feature(
        _GAP,
        "days",
        marked(
            "Longest time between two neighbouring purchase days; missing for customers who bought on one day only."
        ),
        lambda s: s.gap_longest,
    ),
    "gap_variation": Feature(
        _GAP,
        "ratio",
        marked(
            "Coefficient of variation of the gaps: 0 for a clockwork buyer, about 1 for a random one; "
            "missing where frequency is below 2."
        ),
        _gap_variation,
    ),
    "overdue": Feature(
        _GAP,
        "ratio",
        marked(
            "Time since the last purchase day over the mean gap; missing for customers who bought on one day only."
        ),
        lambda s: _ratio(s["last"], _gap_mean(s)),
    ),
    "overdue_geometric": Feature(
        _GAP,
        "ratio",
        marked(
            "Time since the last purchase day over the geometric mean gap; missing for customers who bought on "
            "one day only."
        ),
        lambda s: _ratio(s["last"], _gap_geometric_mean(s)),
    ),
    "overdue_longest": Feature(
        _GAP,
        "ratio",
        marked(
            "Time since the last purchase day over the longest gap: above 1 the customer was never away so "
            "long; missing for customers who bought on one day only."
        ),
        lambda s: _ratio(s["last"], s.gap_longest),
    ),
    "purchase_trend_91": Feature(
        _TREND,
        "ratio",
        marked(
            "Purchase days of the last 91 days against the 91 days before, from -1 (only before) to 1 (only "
            "now); missing where T is below 182 or both are 0."
        ),
        _trend("purchases", 91, back=91),
    ),
    "purchase_trend_182": Feature(
        _TREND,
        "ratio",
        marked(
            "Purchase days of the last 182 days against the 182 days before, from -1 to 1; missing where T "
            "is below 364 or both are 0."
        ),
        _trend("purchases", 182, back=182),
    ),
    "spend_trend_91": Feature(
        _TREND,
        "ratio",
        marked(
            "Net spend of the last 91 days against the 91 days before, from -1 to 1; missing where T is "
            "below 182 or both are 0."
        ),
        _trend("net", 91, back=91),
    ),
    "spend_trend_182": Feature(
        _TREND,
        "ratio",
        marked(
            "Net spend of the last 182 days against the 182 days before, from -1 to 1; missing where T is "
            "below 364 or both are 0."
        ),
        _trend("net", 182, back=182),
    ),
    "spend_change_per_day": Feature(
        _TREND,
        "money per day",
        marked(
            "Net spend per day of the last 91 days less that of the 91 days before; missing where T is below "
            "182."
        ),
        lambda s: _known_from(
            182, (within(s, "net", 0, 91) - within(s, "net", 91, 182)).cast("float64") / 91, s
        ),
    ),
    "purchase_position": Feature(
        _TREND,
        "share",
        marked(
            "Mean age at the repeat purchases over T: 0.5 for an even pace, less where they came early in "
            "the life, more where late; missing for customers who bought on one day only."
        ),
        _purchase_position,
    ),
    "spend_position": Feature(
        _TREND,
        "share",
        marked(
            "Mean age at which the money of all purchase days was spent, over T; missing for customers who "
            "bought on one day only."
        ),
        _spend_position,
    ),
    "basket_recent_ratio": Feature(
        _TREND,
        "ratio",
        marked(
            "Mean basket of the last 182 days over the mean basket to date; missing without a purchase in "
            "these days."
        ),
        lambda s: _ratio(_ratio(s.basket_182, within(s, "purchases", 0, 182)), _basket_mean(s)),
    ),
    "season_net_spend": Feature(
        _TIME,
        "money",
        marked(
            "Net spend a year ago in the 91 days that now follow the cutoff (cutoff - 364 days onwards); "
            "missing where T is below 364."
        ),
        _coming_season("net"),
    ),
    "season_purchase_days": Feature(
        _TIME,
        "count",
        marked(
            "Purchase days a year ago in the 91 days that now follow the cutoff; missing where T is below 364."
        ),
        _coming_season("purchases"),
    ),
    "season_share": Feature(
        _TIME,
        "share",
        marked(
            "Part of all purchase days that fell in the quarter of the year that follows the cutoff (years "
            "of 364 days, 0.25 without a season); missing where T is below 364."
        ),
        lambda s: _known_from(YEAR, _ratio(s.seasons, s.purchases), s),
    ),
    "spend_trend_year": Feature(
        _TIME,
        "ratio",
        marked(
            "Net spend of the last 91 days against the same 91 days a year before, from -1 to 1; missing "
            "where T is below 455 or both are 0."
        ),
        _trend("net", SEASON, back=YEAR),
    ),
    "weekend_share": Feature(
        _TIME,
        "share",
        marked("Part of the purchase days that are Saturdays or Sundays."),
        lambda s: _ratio(s.weekends, s.purchases),
    ),
    "returned": Feature(_RETURN, "money", marked("Money returned to date."), lambda s: s.returned),
    "return_rate": Feature(
        _RETURN,
        "share",
        marked("Money returned over money bought to date."),
        lambda s: _ratio(s.returned, s.net + s.returned),
    ),
    "return_days": Feature(_RETURN, "count", marked("Days with a return."), lambda s: s.return_days),
    "time_since_return": Feature(
        _RETURN,
        "days",
        marked("Days from the last return to the cutoff; missing without a return."),
        lambda s: s.return_last,
    ),
    "products": Feature(
        _BREADTH,
        "count",
        marked("Different products bought to date."),
        lambda s: s.new_products,
        needs=("new_products",),
    ),
    "products_per_basket": Feature(
        _BREADTH,
        "count",
        marked("Mean number of different products on a purchase day."),
        lambda s: _ratio(s.products_basket, s.purchases),
        needs=("products",),
    ),
    "new_product_share": Feature(
        _BREADTH,
        "share",
        marked(
            "Part of the products of all days that the customer bought for the first time; missing without "
            "products."
        ),
        lambda s: _ratio(s.new_products, s.products),
        needs=("products", "new_products"),
    ),
    "new_product_share_91": Feature(
        _BREADTH,
        "share",
        marked(
            "Part of the products of the last 91 days that the customer bought for the first time: whether the "
            "customer still explores; missing without products there."
        ),
        lambda s: _ratio(s.new_products_91, s.products_91),
        needs=("products", "new_products"),
    ),
    "categories": Feature(
        _BREADTH,
        "count",
        marked("Different categories bought to date."),
        lambda s: s.new_categories,
        needs=("new_categories",),
    ),
    "categories_per_basket": Feature(
        _BREADTH,
        "count",
        marked("Mean number of different categories on a purchase day."),
        lambda s: _ratio(s.categories_basket, s.purchases),
        needs=("categories",),
    ),
    "quantity": Feature(
        _QUANTITY,
        "units",
        marked("Units on purchase days."),
        lambda s: s.quantity_basket,
        needs=("quantity",),
    ),
    "quantity_per_basket": Feature(
        _QUANTITY,
        "units",
        marked("Mean units per purchase day."),
        lambda s: _ratio(s.quantity_basket, s.purchases),
        needs=("quantity",),
    ),
    "price_per_unit": Feature(
        _QUANTITY,
        "money per unit",
        marked("Net spend per unit on purchase days; missing where the units are not above 0."),
        lambda s: (s.quantity_basket > 0).ifelse(_ratio(s.basket, s.quantity_basket), None),
        needs=("quantity",),
    ),
    "discount": Feature(
        _DISCOUNT, "money", marked("Money given off to date."), lambda s: s.discount, needs=("discount",)
    ),
    "discount_share": Feature(
        _DISCOUNT,
        "share",
        marked("Money off as a part of the money bought before the discount."),
        lambda s: _ratio(s.discount, s.net + s.returned + s.discount),
        needs=("discount",),
    ),
    "discount_day_share": Feature(
        _DISCOUNT,
        "share",
        marked("Part of the purchase days on which money was given off."),
        lambda s: _ratio(s.discount_days, s.purchases),
        needs=("discount",),
    ),
    "margin": Feature(
        _MARGIN, "money", marked("Net spend less cost to date."), lambda s: s.net - s.cost, needs=("cost",)
    ),
    "margin_364": Feature(
        _MARGIN,
        "money",
        marked("Net spend less cost in the last 364 days."),
        lambda s: within(s, "net", 0, YEAR) - s.cost_364,
        needs=("cost",),
    ),
    "margin_rate": Feature(
        _MARGIN,
        "ratio",
        marked("Margin over net spend to date; missing where the net spend is not above 0."),
        lambda s: (s.net > 0).ifelse(_ratio(s.net - s.cost, s.net), None),
        needs=("cost",),
    ),
}
"""Every feature by its name, in the order of the customer table; nothing else defines or documents them."""


def may_be_missing(name: str) -> bool:
    """Return whether some customers have no value of a feature, as its meaning says.

    Examples
    --------
    >>> may_be_missing("gap_mean"), may_be_missing("frequency"), may_be_missing("customer_id")
    (True, False, False)
    """
    return name in FEATURES and "missing" in FEATURES[name].meaning
