"""A purchase model, expected spend and a horizon come in; discounted expected net money of each customer goes out."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from duramen.btyd.credibility import CredibilitySpendModel
from duramen.btyd.gamma_gamma import GammaGammaModel
from duramen.btyd.pareto_nbd import ParetoNBDModel
from duramen.btyd.purchase_model import PurchaseModel
from duramen.data.windows import DAYS_PER_YEAR
from duramen.errors import InputError

FloatArray = NDArray[np.float64]

UNITS_PER_YEAR = {
    "hours": 24 * DAYS_PER_YEAR, "days": DAYS_PER_YEAR, "weeks": DAYS_PER_YEAR / 7, "months": 12.0, "years": 1.0
}  # fmt: skip


def customer_lifetime_value(
    purchases: PurchaseModel,
    spend: GammaGammaModel | CredibilitySpendModel | ArrayLike,
    customers: pd.DataFrame,
    horizon: float,
    *,
    unit: str = "days",
    discount_rate: float = 0.1,
    margin: float = 1.0,
) -> FloatArray:
    """
    Expect the discounted net money of each customer over a horizon.

    It is margin x expected spend per purchase day x discounted expected purchases, where money that comes
    after t years counts (1 + discount_rate)**-t: discounted when it comes, not at the end of its month.

    Parameters
    ----------
    purchases : purchase model
        Fitted BetaGeoModel, ModifiedBetaGeoModel or ParetoNBDModel.
    spend : GammaGammaModel, CredibilitySpendModel or array-like of shape (n,)
        Fitted spend model, or the expected spend per purchase day itself.
    customers : DataFrame
        Columns frequency, recency, T and, for a spend model, those that it reads.
    horizon : float
        Length of the future, in the unit of T. `math.inf` gives the residual lifetime value, which ParetoNBDModel
        alone has, at a discount rate above 0.
    unit : {'hours', 'days', 'weeks', 'months', 'years'}
        The unit of T, recency and horizon.
    discount_rate : float
        Effective rate a year, at least 0.
    margin : float
        Share of the spend that is kept.

    Returns
    -------
    ndarray of shape (n,)
        Money, finite and at least 0; 0 where the horizon is 0.

    Raises
    ------
    InputError
        If the unit is unknown, the rate negative, the margin not finite, a history inadmissible, or the horizon endless
        for a model without a residual lifetime value.

    Examples
    --------
    >>> import pandas as pd
    >>> from duramen.btyd.beta_geo import BetaGeoModel
    >>> model = BetaGeoModel.from_dict({"params": {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}})
    >>> customers = pd.DataFrame({"frequency": [2], "recency": [30.0], "T": [39.0]})
    >>> customer_lifetime_value(model, [35.0], customers, 52, unit="weeks", discount_rate=0.15).round(2)
    array([50.55])
    """
    per_unit = yearly_to_unit(discount_rate, unit)
    if not math.isfinite(margin):
        raise InputError(f"The margin is {margin}; give the share of spend that is kept, such as 0.3.")
    money = (
        spend.expected_spend(customers)
        if isinstance(spend, GammaGammaModel | CredibilitySpendModel)
        else spend
    )
    if horizon != math.inf:
        counted = purchases.discounted_purchases(customers, horizon, per_unit)
    elif isinstance(purchases, ParetoNBDModel):
        counted = purchases.residual_purchases(customers, per_unit)
    else:
        raise InputError(
            f"{type(purchases).__name__} has no residual lifetime value; give a finite horizon, or take ParetoNBDModel."
        )
    return margin * np.asarray(money, dtype=float) * counted


def yearly_to_unit(discount_rate: float, unit: str) -> float:
    """
    Convert an effective yearly discount rate to a continuous one for a unit of time.

    Parameters
    ----------
    discount_rate : float
        Effective rate a year, at least 0.
    unit : str
        One of the units of `UNITS_PER_YEAR`.

    Returns
    -------
    float
        Continuous rate for one unit.

    Raises
    ------
    InputError
        If the unit is unknown or the rate negative or not finite.
    """
    if unit not in UNITS_PER_YEAR:
        raise InputError(f"The unit of time {unit!r} is unknown; give one of {', '.join(UNITS_PER_YEAR)}.")
    if not 0 <= discount_rate < math.inf:
        raise InputError(
            f"The discount rate is {discount_rate}; give a yearly rate of at least 0, such as 0.1."
        )
    return math.log1p(discount_rate) / UNITS_PER_YEAR[unit]
