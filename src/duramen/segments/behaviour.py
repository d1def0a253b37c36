"""A customer table comes in; rhythm, spend, silence and trend of each customer go out, each defined once."""

from __future__ import annotations

import numpy as np
import pandas as pd

from duramen.data.windows import DAYS_PER_YEAR

# What the measures are read from.
COLUMNS = ("frequency", "T", "gap_mean", "basket_geometric_mean", "time_since_last", "purchase_position")
# The base's typical gap weighs as much as this many gaps of the customer's own.
GAPS_OF_THE_BASE = 2
# Mean age at the purchases, in lives: half for an even pace; a difference of this much is worth a word.
EVEN_PACE, NOTABLE_TREND = 0.5, 0.1


def base_gap(customers: pd.DataFrame) -> float:
    """Return the geometric mean, over repeat buyers, of the mean days between purchase days."""
    gaps = customers["gap_mean"].dropna()
    return float(np.exp(np.log(gaps).mean())) if len(gaps) else float(customers["T"].mean())


def typical_gap(customers: pd.DataFrame, base: float) -> np.ndarray:
    """Return each customer's typical days between purchase days, shrunk in log space towards the base's.

    A customer without a repeat purchase has the base's gap.
    """
    frequency = customers["frequency"].to_numpy()
    own = np.log(customers["gap_mean"].fillna(base).to_numpy())
    weight = frequency / (frequency + GAPS_OF_THE_BASE)
    gap: np.ndarray = np.exp(weight * own + (1 - weight) * np.log(base))
    return gap


def silence_in_gaps(customers: pd.DataFrame, base: float) -> np.ndarray:
    """Return the time since the last purchase over the typical gap."""
    silence: np.ndarray = customers["time_since_last"].to_numpy() / typical_gap(customers, base)
    return silence


def trend(customers: pd.DataFrame) -> pd.Series[float]:
    """Return the mean age at the purchases as a share of the life; an even pace where there is no repeat purchase."""
    return customers["purchase_position"].fillna(EVEN_PACE)


def behaviour(customers: pd.DataFrame, base: float) -> pd.DataFrame:
    """Return the four measures, missing where the customer table lacks a number.

    ``rhythm`` is the log of purchase days per day, ``spend`` the log of spend per day, ``silence`` the log of 1 plus
    the silence in typical gaps, and ``trend`` where in the life the purchases lie.
    """
    # Half a purchase and one gap of the base keep the rate of a customer of yesterday away from infinity.
    rate = (customers["frequency"] + 0.5) / (customers["T"] + base)
    basket = customers["basket_geometric_mean"]
    measures = pd.DataFrame(
        {
            "rhythm": np.log(rate),
            "spend": np.log(rate * basket.where(basket > 0)),
            "silence": np.log1p(silence_in_gaps(customers, base)),
            "trend": trend(customers),
        }
    )
    return measures.replace([np.inf, -np.inf], np.nan)


def behaviour_facts(customers: pd.DataFrame, measures: pd.DataFrame) -> pd.DataFrame:
    """Return the measures of customers as people read them, beside the basket and two counts of days."""
    return pd.DataFrame(
        {
            "silence": np.expm1(measures["silence"]),
            "purchases_per_year": np.exp(measures["rhythm"]) * DAYS_PER_YEAR,
            "spend_per_year": np.exp(measures["spend"]) * DAYS_PER_YEAR,
            "basket": customers["basket_geometric_mean"],
            "time_since_last": customers["time_since_last"],
            "frequency": customers["frequency"],
            "purchase_position": measures["trend"],
        }
    )


def measures_of_facts(facts: pd.DataFrame) -> pd.DataFrame:
    """Return the measures again from what people read, up to a constant."""
    return pd.DataFrame(
        {
            "rhythm": np.log(facts["purchases_per_year"]),
            "spend": np.log(facts["spend_per_year"]),
            "silence": np.log1p(facts["silence"]),
            "trend": trend(facts),
        }
    )
