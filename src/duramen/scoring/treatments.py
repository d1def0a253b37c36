"""The tier, stage and segment of each customer come in; what to do for each goes out, in words."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np
import pandas as pd

from duramen.errors import InputError, suggest
from duramen.language import marked
from duramen.segments.lifecycle_stage import STAGES
from duramen.segments.naming import FREQUENCIES, frequency_in_words

# A treatment that begins with this word, in English, spends nothing on a customer.
RELEASE = "release"
# One that begins with these words, in English, needs nobody to act.
AUTOMATED = "automated e-mail"
# Who acts, what they do, and when. The words of a key are a tier, a stage and how often the customers of the segment
# buy; each can be left out, and the key with the most in common with a customer counts (``_keys``).
TREATMENTS = {
    "vip building": marked(
        "account manager: call within a week of the first orders and agree what they need next"
    ),
    "vip growing": marked(
        "account manager: meet them this quarter to plan larger orders; show new products first"
    ),
    "vip steady": marked("account manager: call once a quarter; early access to new products, no discounts"),
    "vip declining": marked(
        "account manager: call within two weeks, ask what they need and agree the next order"
    ),
    "vip at risk": marked("account manager: call this week, ask what went wrong and put it right"),
    "vip lapsed": marked("account manager: make one personal call this month to win them back"),
    "vip recovered": marked(
        "account manager: thank them this week, ask why they came back and agree the next order"
    ),
    "main building": marked("sales team: call or write within two weeks and suggest the next purchase"),
    "main growing": marked("sales team: recommend further products this month; no discounts"),
    "main steady": marked("sales team: send news and early access once a season; no discounts"),
    "main declining": marked(
        "sales team: write in person this month, ask what they need and suggest the next purchase"
    ),
    "main at risk": marked("sales team: call within two weeks, ask what went wrong and make one offer"),
    "main lapsed": marked("sales team: call or write once this month with one strong offer"),
    "main recovered": marked(
        "sales team: welcome them back this week and recommend what goes with the last purchase"
    ),
    "rising": marked(
        "sales team: contact them this month, recommend a second range and check again in three months"
    ),
    "below_break_even": marked("service team: serve online only and review the cost to serve this quarter"),
    "building": marked("automated e-mail: welcome them, with an offer for the next purchase within a month"),
    "building one-time": marked(
        "automated e-mail: welcome them, with an offer for a second purchase within a month"
    ),
    "growing": marked(
        "automated e-mail: recommend this month what goes with the last purchase; no discounts"
    ),
    "steady": marked("automated e-mail: send the regular newsletter; no discounts"),
    "declining": marked("automated e-mail: remind them this month of what they usually buy"),
    "at risk": marked("automated e-mail: send one offer this month, before the habit is lost"),
    "lapsed": marked("automated e-mail: send one offer in the next campaign, then the newsletter only"),
    "recovered": marked("automated e-mail: welcome them back this week, with an offer for the next purchase"),
    "small lapsed": marked("release: newsletter only, no calls and no offers"),
    "small lapsed frequent": marked(
        "automated e-mail: send one offer in the next campaign; they used to buy often"
    ),
}
TIER_KEYS = ("vip", "main", "rising", "regular", "small", "below_break_even")
_PARTS = (("", *TIER_KEYS), ("", *STAGES), ("", *FREQUENCIES))


def refuse_treatments(treatments: Mapping[str, str]) -> None:
    """Refuse treatments that are for no kind of customer, or say nothing.

    Raises
    ------
    InputError
        If a key is no tier, stage and frequency in this order, each of which can be left out, or a treatment is no
        text.

    Examples
    --------
    >>> refuse_treatments({"vip at risk": "the director calls today", "lapsed one-time": "a card at Christmas"})
    """
    known = {" ".join(filter(None, words)) for words in product(*_PARTS)} - {""}
    if unknown := [key for key in treatments if key not in known]:
        raise InputError(
            f"there is no kind of customer {unknown[0]!r} to treat; {suggest(unknown[0], known)} Write a tier "
            f"({', '.join(TIER_KEYS)}), a stage ({', '.join(STAGES)}), how often they buy ({', '.join(FREQUENCIES)}), "
            'or several in this order, for example "vip at risk".'
        )
    if empty := [key for key, text in treatments.items() if not (isinstance(text, str) and text.strip())]:
        raise InputError(
            f"the treatment of {empty[0]!r} is {treatments[empty[0]]!r}; write what is to be done in words."
        )


def treatment_of(tier: str, stage: str, segment: str, treatments: Mapping[str, str]) -> str:
    """Return what to do for a customer: the given treatment that fits best, or else the usual one that does.

    Parameters
    ----------
    tier : str
        One of ``TIER_KEYS``.
    stage : str
        One of ``STAGES``.
    segment : str
        The name of the segment, which says how often its customers buy.
    treatments : mapping
        The given ones; a tier counts for more than a stage, and a stage for more than how often they buy.

    Examples
    --------
    >>> treatment_of("vip", "at risk", "1 active frequent buyers, high spend", {"vip": "send flowers"})
    'send flowers'
    >>> treatment_of("small", "lapsed", "5 lapsed one-time buyers, low spend", {})
    'release: newsletter only, no calls and no offers'
    """
    keys = _keys(tier, stage, frequency_in_words(segment))
    for texts in (treatments, TREATMENTS):
        for key in keys:
            if key in texts:
                return texts[key]
    raise KeyError(stage)


def _keys(tier: str, stage: str, frequency: str) -> list[str]:
    """Return the keys that fit a customer, the closest first.

    Examples
    --------
    >>> _keys("vip", "steady", "frequent")[:4]
    ['vip steady frequent', 'vip steady', 'vip frequent', 'vip']
    """
    return [" ".join(filter(None, words)) for words in product((tier, ""), (stage, ""), (frequency, ""))][:-1]


def treatments_of(
    ranking: pd.DataFrame, tier_keys: Mapping[str, str], treatments: Mapping[str, str]
) -> np.ndarray:
    """Return what to do for each customer, shape (n,), in words.

    Parameters
    ----------
    ranking : pandas.DataFrame
        Has ``tier``, ``lifecycle_stage`` and ``segment``.
    tier_keys : mapping
        The one of ``TIER_KEYS`` for each name of a tier.
    treatments : mapping
        As in ``treatment_of``.
    """
    alike = ranking.groupby(["tier", "lifecycle_stage", "segment"], sort=False, observed=True)
    texts = [
        treatment_of(tier_keys[tier], stage, str(segment), treatments)
        for tier, stage, segment in alike.size().index
    ]
    chosen: np.ndarray = np.array(texts, dtype=object)[alike.ngroup().to_numpy()]
    return chosen


def treatment_table(ranking: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each treatment, the one with most predicted value first: for whom it is, and what is at stake.

    Parameters
    ----------
    ranking : pandas.DataFrame
        What ``rank_core_customers`` returns.

    Returns
    -------
    pandas.DataFrame
        ``treatment``, ``tiers`` and ``stages`` (of its customers, the most frequent first, in words), ``customers``,
        ``predicted_value`` (their sum, in money), ``share_of_value`` and ``churn_probability_mean``.
    """
    by = ranking.groupby("treatment", observed=True)
    table = pd.DataFrame(
        {
            "tiers": by["tier"].agg(_listed),
            "stages": by["lifecycle_stage"].agg(_listed),
            "customers": by.size(),
            "predicted_value": by["predicted_value"].sum(),
            "churn_probability_mean": by["churn_probability"].mean(),
        }
    )
    total = table["predicted_value"].sum()
    table.insert(4, "share_of_value", table["predicted_value"] / total if total > 0 else np.nan)
    return table.sort_values("predicted_value", ascending=False, kind="stable").reset_index()


def _listed(words: pd.Series[str]) -> str:
    return ", ".join(words.value_counts().loc[lambda counts: counts > 0].index)
