"""A customer table comes in; purchases, spend and value by BTYD models go out."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd

from duramen.btyd.beta_geo import BetaGeoModel, ModifiedBetaGeoModel
from duramen.btyd.clv import customer_lifetime_value
from duramen.btyd.gamma_gamma import GammaGammaModel
from duramen.btyd.pareto_nbd import ParetoNBDModel

PURCHASE_MODELS: dict[str, type[BetaGeoModel | ModifiedBetaGeoModel | ParetoNBDModel]] = {
    "BG/NBD": BetaGeoModel,
    "MBG/NBD": ModifiedBetaGeoModel,
    "Pareto/NBD": ParetoNBDModel,
}
# A base that has returned nearly all is still expected to keep something of what it will buy.
SMALLEST_NET_RATIO = 0.01


class BTYDValueModel:
    """Expected net money as expected purchases times expected spend ("buy till you die").

    Parameters
    ----------
    kinds : tuple of str
        Names in ``PURCHASE_MODELS``; of several the one with the highest likelihood is used. All have four parameters,
        so that none of them is favoured.

    Attributes
    ----------
    kind_ : str
        The one that is used.
    purchases_ : BetaGeoModel, ModifiedBetaGeoModel or ParetoNBDModel
        When customers buy; durations in days.
    spend_ : GammaGammaModel
        What they spend per purchase day.
    net_ratio_ : float
        Net money over the money of purchase days: what returns on other days take back.

    References
    ----------
    Fader, Hardie and Lee (2005), "RFM and CLV: Using iso-value curves for customer base analysis", equation 5.
    """

    def __init__(self, kinds: tuple[str, ...] = tuple(PURCHASE_MODELS)) -> None:
        self.kinds = kinds

    def fit(self, customers: pd.DataFrame) -> Self:
        """Fit both models to a customer table with frequency, recency, T, monetary_value, basket_mean, net_spend."""
        fitted = {kind: PURCHASE_MODELS[kind]().fit(customers) for kind in self.kinds}
        self.kind_ = max(fitted, key=lambda kind: fitted[kind].log_likelihood_)
        self.purchases_ = fitted[self.kind_]
        self.spend_ = GammaGammaModel().fit(customers)
        on_purchase_days = float((customers["basket_mean"] * (customers["frequency"] + 1)).sum())
        ratio = float(customers["net_spend"].sum() / on_purchase_days)
        self.net_ratio_ = float(np.clip(ratio, SMALLEST_NET_RATIO, 1.0))
        return self

    def forecast(self, customers: pd.DataFrame, horizon: int) -> pd.DataFrame:
        """Return the forecast of each customer over ``horizon`` days, on the index of ``customers``.

        Columns are ``btyd_purchases`` (purchase days), ``btyd_spend`` (net money per purchase day),
        ``btyd_probability_active`` (at least one purchase in the horizon), ``btyd_probability_alive`` and
        ``btyd_value`` (net money).
        """
        known = self.purchases_.posterior(customers)
        purchases = known.expected(horizon, 0.0)
        spend = self.spend_.expected_spend(customers) * self.net_ratio_
        return pd.DataFrame(
            {
                "btyd_purchases": purchases,
                "btyd_spend": spend,
                "btyd_probability_active": known.active(horizon),
                "btyd_probability_alive": known.alive,
                "btyd_value": purchases * spend,
            },
            index=customers.index,
        )

    def lifetime_value(self, customers: pd.DataFrame, days: int, discount_rate: float) -> np.ndarray:
        """Return discounted net money over ``days`` at a yearly ``discount_rate``, shape (n,)."""
        spend = self.spend_.expected_spend(customers) * self.net_ratio_
        return customer_lifetime_value(self.purchases_, spend, customers, days, discount_rate=discount_rate)

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters as plain numbers."""
        return {
            "kind": self.kind_,
            "purchases": self.purchases_.to_dict(),
            "spend": self.spend_.to_dict(),
            "net_ratio": self.net_ratio_,
        }

    @classmethod
    def from_dict(cls, state: dict[str, Any], kinds: tuple[str, ...] = tuple(PURCHASE_MODELS)) -> Self:
        """Return the fitted model that ``to_dict`` and its candidates described."""
        model = cls(kinds)
        model.kind_ = state["kind"]
        model.purchases_ = PURCHASE_MODELS[model.kind_].from_dict(state["purchases"])
        model.spend_ = GammaGammaModel.from_dict(state["spend"])
        model.net_ratio_ = state["net_ratio"]
        return model
