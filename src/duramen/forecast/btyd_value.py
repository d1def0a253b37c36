"""A customer table comes in; purchases, spend and value by BTYD models go out."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd

from duramen.btyd.beta_geo import BetaGeoModel, ModifiedBetaGeoModel
from duramen.btyd.clv import customer_lifetime_value
from duramen.btyd.credibility import CredibilitySpendModel
from duramen.btyd.gamma_gamma import GammaGammaModel
from duramen.btyd.pareto_nbd import ParetoNBDModel
from duramen.errors import InputError
from duramen.forecast.predictive_intervals import money_quantiles
from duramen.language import marked, say

PURCHASE_MODELS: dict[str, type[BetaGeoModel | ModifiedBetaGeoModel | ParetoNBDModel]] = {
    "BG/NBD": BetaGeoModel,
    "MBG/NBD": ModifiedBetaGeoModel,
    "Pareto/NBD": ParetoNBDModel,
}
SPEND_MODELS: dict[str, type[GammaGammaModel | CredibilitySpendModel]] = {
    marked("gamma-gamma"): GammaGammaModel,
    marked("credibility"): CredibilitySpendModel,
}
# With q of gamma-gamma above it the expected spend of customers differs by less than 1 %, 1 / sqrt(q - 2).
ALIKE = 10_000.0
NO_GAMMA_GAMMA = marked(
    "Gamma-gamma does not fit these amounts (its parameters end at a bound), so spend per purchase day is each "
    "customer's mean, shrunk to that of all customers (credibility)."
)
# A base that has returned nearly all is still expected to keep something of what it will buy.
SMALLEST_NET_RATIO = 0.01


class BTYDValueModel:
    """Expected net money as expected purchases times expected spend ("buy till you die").

    Parameters
    ----------
    kinds : tuple of str
        Names in ``PURCHASE_MODELS``; of several the one with the highest likelihood is used. All have four parameters,
        so that none of them is favoured.
    spend : str
        Name in ``SPEND_MODELS``. Credibility is used instead of gamma-gamma where that does not converge, ends at a
        bound or lets customers hardly differ. Both are of all purchase days.

    Attributes
    ----------
    kind_ : str
        The one that is used.
    purchases_ : BetaGeoModel, ModifiedBetaGeoModel or ParetoNBDModel
        When customers buy; durations in days.
    spend_ : GammaGammaModel or CredibilitySpendModel
        What they spend per purchase day.
    spend_kind_ : str
        The name of that.
    spend_notes_ : tuple of str
        What a reader must know of it.
    net_ratio_ : float
        Net money over the money of purchase days: what returns on other days take back.

    References
    ----------
    Fader, Hardie and Lee (2005), "RFM and CLV: Using iso-value curves for customer base analysis", equation 5.
    """

    def __init__(self, kinds: tuple[str, ...] = tuple(PURCHASE_MODELS), spend: str = "gamma-gamma") -> None:
        if spend not in SPEND_MODELS:
            raise InputError(f"spend is {spend!r}; give {' or '.join(map(repr, SPEND_MODELS))}.")
        self.kinds = kinds
        self.spend = spend

    def fit(self, customers: pd.DataFrame) -> Self:
        """Fit both models to a customer table with frequency, recency, T, basket_mean, basket_evenness, net_spend."""
        fitted = {kind: PURCHASE_MODELS[kind]().fit(customers) for kind in self.kinds}
        self.kind_ = max(fitted, key=lambda kind: fitted[kind].log_likelihood_)
        self.purchases_ = fitted[self.kind_]
        self.net_ratio_ = net_ratio(customers)
        return self.fit_spend(customers, self.spend)

    def fit_spend(self, customers: pd.DataFrame, kind: str) -> Self:
        """Fit the spend model alone; ``kind`` as the parameter ``spend``."""
        if kind == "gamma-gamma":
            spend = GammaGammaModel(purchases="all").fit(customers)
            if not _degenerate(spend):
                self.spend_kind_, self.spend_ = "gamma-gamma", spend
                self.spend_notes_ = spend.convergence_.notes
                return self
        self.spend_kind_, self.spend_ = "credibility", CredibilitySpendModel().fit(customers)
        self.spend_notes_ = self.spend_.notes_
        if kind == "gamma-gamma":
            self.spend_notes_ = (say(NO_GAMMA_GAMMA), *self.spend_notes_)
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

    def money_quantiles(self, customers: pd.DataFrame, horizon: int, *, seed: int = 0) -> np.ndarray:
        """Return the quantiles of net money over ``horizon`` days at ``value_distribution.LEVELS``, shape (n, 199)."""
        drawn = money_quantiles(self.purchases_, self.spend_, customers, horizon, seed)
        return drawn * np.float32(self.net_ratio_)

    def lifetime_value(self, customers: pd.DataFrame, days: int, discount_rate: float) -> np.ndarray:
        """Return discounted net money over ``days`` at a yearly ``discount_rate``, shape (n,)."""
        spend = self.spend_.expected_spend(customers) * self.net_ratio_
        return customer_lifetime_value(self.purchases_, spend, customers, days, discount_rate=discount_rate)

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters as plain numbers."""
        return {
            "kind": self.kind_,
            "purchases": self.purchases_.to_dict(),
            "spend_kind": self.spend_kind_,
            "spend": self.spend_.to_dict(),
            "net_ratio": self.net_ratio_,
        }

    @classmethod
    def from_dict(cls, state: dict[str, Any], kinds: tuple[str, ...] = tuple(PURCHASE_MODELS)) -> Self:
        """Return the fitted model that ``to_dict`` and its candidates described."""
        model = cls(kinds)
        model.kind_, model.spend_kind_ = state["kind"], state["spend_kind"]
        model.purchases_ = PURCHASE_MODELS[model.kind_].from_dict(state["purchases"])
        model.spend_ = SPEND_MODELS[model.spend_kind_].from_dict(state["spend"])
        model.net_ratio_ = state["net_ratio"]
        return model


def _degenerate(spend: GammaGammaModel) -> bool:
    """Return whether the likelihood found no spread of customers' spend: none to speak of, or one without end."""
    report = spend.convergence_
    return not report.converged or bool(report.boundary) or spend.params_["q"] > ALIKE


def net_ratio(customers: pd.DataFrame) -> float:
    """Return net money over the money of purchase days, from columns basket_mean, frequency, net_spend."""
    on_purchase_days = float((customers["basket_mean"] * (customers["frequency"] + 1)).sum())
    ratio = float(customers["net_spend"].sum() / on_purchase_days)
    return float(np.clip(ratio, SMALLEST_NET_RATIO, 1.0))
