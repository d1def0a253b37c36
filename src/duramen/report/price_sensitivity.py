"""A table of kinds of buyers by what they get off comes in; its rows for the page go out. Called by the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from duramen.analysis.price_buyers import FULL_PRICE, LEAST_PURCHASES, PRICE_LED, TOO_FEW
from duramen.report.numbers import rows, sentence_of

MONEY = ("value_now_mean", "predicted_value_mean")
WHO = {
    PRICE_LED: "the largest part of the price off",
    FULL_PRICE: "the smallest part of it off",
    TOO_FEW: f"fewer than {LEAST_PURCHASES} purchase days, or no price known",
}


@dataclass(frozen=True)
class PriceLed:
    """What the page says of price-led and full-price buyers.

    Parameters
    ----------
    refusal : str
        Why nobody can be called either, or empty.
    least : int
        Purchase days below which nobody is.
    rows : list of dict
        A kind of buyer each, with ``who`` they are.
    """

    refusal: str
    least: int
    rows: list[dict[str, Any]]


def price_led_of(table: pd.DataFrame | str) -> PriceLed:
    """Tell price-led buyers beside those who pay the full price.

    Parameters
    ----------
    table : DataFrame or str
        What ``duramen.analysis.price_buyers.price_sensitivity`` returns, or the sentence of its refusal.

    Returns
    -------
    PriceLed
    """
    if isinstance(table, str):
        return PriceLed(sentence_of(table), LEAST_PURCHASES, [])
    return PriceLed(
        "", LEAST_PURCHASES, [row | {"who": WHO.get(row["buyers"], "")} for row in rows(table, *MONEY)]
    )
