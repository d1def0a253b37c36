"""A table of buyers by price sensitivity comes in; its rows for the page go out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from duramen.analysis.price_buyers import FULL_PRICE, LEAST_PURCHASES, PRICE_LED, TOO_FEW
from duramen.language import say, translated
from duramen.report.numbers import rows, sentence_of

MONEY = ("value_now_mean", "predicted_value_mean")
WHO = {
    PRICE_LED: lambda: say("largest third by discount share"),
    FULL_PRICE: lambda: say("smallest third by discount share"),
    TOO_FEW: lambda: say("fewer than {n} purchase days, or no price known", n=LEAST_PURCHASES),
}


@dataclass(frozen=True)
class PriceSection:
    """What the page says of price-led and full-price buyers.

    Parameters
    ----------
    refusal : str
        Why the customers cannot be classified, or empty.
    least : int
        Purchase days below which a customer is not classified.
    rows : list of dict
        One for each kind of buyer, with ``who`` they are.
    """

    refusal: str
    least: int
    rows: list[dict[str, Any]]


def price_section(table: pd.DataFrame | str) -> PriceSection:
    """Return price-led buyers and customers who pay the full price.

    Parameters
    ----------
    table : DataFrame or str
        What ``duramen.analysis.price_buyers.price_sensitivity`` returns, or the sentence that says why there is none.

    Returns
    -------
    PriceSection
    """
    if isinstance(table, str):
        return PriceSection(sentence_of(table), LEAST_PURCHASES, [])
    return PriceSection(
        "",
        LEAST_PURCHASES,
        [
            row | {"buyers": translated(row["buyers"]), "who": WHO.get(row["buyers"], str)()}
            for row in rows(table, *MONEY)
        ],
    )
