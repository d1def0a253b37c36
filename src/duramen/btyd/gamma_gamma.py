"""A customer table with frequency and mean spend comes in; gamma-gamma, fitted, goes out."""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaln, digamma, polygamma
from sklearn.utils.validation import check_is_fitted

from duramen.btyd.base import Fit, LikelihoodModel
from duramen.btyd.maximum_likelihood import maximise
from duramen.btyd.purchase_history import every, first_of_equal
from duramen.btyd.validation import check_table, read_weights, refuse, whole
from duramen.errors import InputError
from duramen.language import say

FloatArray = NDArray[np.float64]
Purchases = Literal["repeat", "all"]

_LOG = logging.getLogger(__name__)
_NAMES = ("p", "q", "v")
# The column with a customer's mean spend, and the purchase days that it has beside frequency.
_SPEND_OF = {"repeat": ("monetary_value", 0), "all": ("basket_mean", 1)}
_STARTS = ((1.0, 2.0, 1.0), (6.0, 4.0, 0.5), (2.0, 10.0, 5.0), (20.0, 20.0, 1.0))
# Mean spend is p v / (q - 1): infinite at q = 1, negative below. At this floor it is 20 p v.
Q_FLOOR = 1.05
# Rank correlation of frequency and spend from which the model's assumption is not met.
DEPENDENT = 0.3
# Fewer repeat buyers than this show nothing about that assumption.
_FEW = 30
_LARGE, _ROUGH = 30_000, 10_000


class GammaGammaModel(LikelihoodModel):
    """
    Gamma-gamma: spend per purchase day is Gamma(p, nu), and nu is Gamma(q, v) over customers.

    It assumes that spend is independent of frequency.

    The published form leaves out the first purchase, so that all one-time buyers take the mean of the population.
    With ``purchases="all"`` the first purchase day counts as the others do, and one-time buyers differ too.

    v is in the unit of money, p and q have none. q is kept at 1.05 or more, since below 1 the mean spend of
    the population is infinite; where that bound is reached, customers without repeat purchases (and the
    shrinkage of the others) take the mean of the amounts seen in the fit instead of p v / (q - 1),
    and ``convergence_`` says so. Rows without such a purchase day or with a missing mean are left out of the fit and
    the score.

    Parameters
    ----------
    purchases : {"repeat", "all"}
        Which purchase days the mean spend is of: "repeat" reads frequency and monetary_value, "all" reads frequency
        and basket_mean, the mean of frequency + 1 purchase days.

    Attributes
    ----------
    params_ : dict
        p, q, v.
    population_mean_ : float
        Expected spend per purchase day of a customer about whom nothing is known.
    spend_correlation_ : dict
        Correlation of purchase days and mean spend: pearson, and spearman, above 0.3 of which a warning is
        logged.
    log_likelihood_, covariance_, convergence_, feature_names_in_, n_features_in_
        As in `LikelihoodModel`.

    References
    ----------
    Fader, Hardie and Lee (2005), "RFM and CLV", Journal of Marketing Research 42, 415-430;
    Fader and Hardie (2013), "The gamma-gamma model of monetary value", note 025, eq. 1a and 5.

    Examples
    --------
    >>> import pandas as pd
    >>> model = GammaGammaModel.from_dict({"params": {"p": 6.25, "q": 3.74, "v": 15.44}})
    >>> customers = pd.DataFrame({"frequency": [2, 0], "monetary_value": [22.35, float("nan")]})
    >>> model.expected_spend(customers).round(2)
    array([24.66, 35.22])
    """

    _lifetimes = "GammaGammaFitter"

    def __init__(self, purchases: Purchases = "repeat") -> None:
        self.purchases = purchases

    def _columns(self) -> tuple[str, ...]:
        return spend_columns(self.purchases)

    def _names(self) -> tuple[str, ...]:
        return _NAMES

    def _estimate(self, customers: pd.DataFrame, sample_weight: ArrayLike | None) -> Fit:
        x, money, weight = _known_spend(customers, sample_weight, self.purchases)
        total = float(weight.sum())
        log_scale = float(weight @ np.log(money)) / total
        scaled = np.exp(np.log(money) - log_scale)
        distinct = first_of_equal((x, money))
        rough = []
        if len(distinct) > _LARGE:
            some = every(len(distinct), _ROUGH)
            rows, counted = distinct[some], np.add.reduceat(weight, distinct)[some]
            rough = [(_Likelihood(x[rows], scaled[rows], counted), float(counted.sum()))]
        maximum = maximise(
            _Likelihood(x, scaled, weight),
            _NAMES,
            _STARTS,
            total,
            len(distinct),
            rough,
            lower=(0.0, Q_FLOOR, 0.0),
        )
        theta = maximum.parameters * np.array([1.0, 1.0, math.exp(log_scale)])
        params = dict(zip(_NAMES, map(float, theta), strict=True))
        self.spend_correlation_ = _correlation(x, money, weight)
        self.population_mean_ = _model_mean(params)
        notes = list(maximum.convergence.notes)
        if "q" in maximum.convergence.boundary:
            self.population_mean_ = float(weight @ scaled) / total * math.exp(log_scale)
            notes.append(
                say(
                    "Spend is heavy-tailed: the parameter q is at its lower bound, so the population "
                    "mean is taken from the data."
                )
                if params["q"] < 2 * Q_FLOOR
                else say(
                    "Spend hardly differs between customers: the parameter q is at its upper bound, so "
                    "the population mean is taken from the data."
                )
            )
        if abs(self.spend_correlation_["spearman"]) > DEPENDENT and total >= _FEW:
            notes.append(
                say(
                    "Frequency and spend correlate (Spearman {correlation}): gamma-gamma assumes that they are "
                    "independent, which is not so here.",
                    correlation=f"{self.spend_correlation_['spearman']:.2f}",
                )
            )
            _LOG.warning(notes[-1])
        return Fit(
            params,
            maximum.log_likelihood - total * log_scale,
            maximum.log_covariance,
            replace(maximum.convergence, notes=tuple(notes)),
        )

    def _log_likelihood(
        self, customers: pd.DataFrame, sample_weight: ArrayLike | None
    ) -> tuple[float, float]:
        x, money, weight = _known_spend(customers, sample_weight, self.purchases)
        likelihood, *_ = _Likelihood(x, money, weight)(np.array(list(self.params_.values())))
        return likelihood, float(weight.sum())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def expected_spend(self, customers: pd.DataFrame) -> FloatArray:
        """
        Expect spend per purchase day, the customer's own mean shrunk to the population's.

        Parameters
        ----------
        customers : DataFrame
            Columns frequency and monetary_value, or basket_mean with all purchases.

        Returns
        -------
        ndarray of shape (n,)
            Money per purchase day (eq. 5 of the note), finite and positive; the population mean where
            there is no such purchase day or the mean spend is missing.

        Raises
        ------
        InputError
            If a value is inadmissible.
        """
        check_is_fitted(self, "params_")
        x, money = read_spend(customers, self.purchases)
        out = np.full(len(x), self.population_mean_)
        known = np.flatnonzero((x > 0) & ~np.isnan(money))
        weight = self.params_["p"] * x[known]
        weight /= weight + (max(self.params_["q"], Q_FLOOR) - 1)
        out[known] = (1 - weight) * self.population_mean_ + weight * money[known]
        return out

    @property
    def basket_shape(self) -> float:
        """Shape of the gamma distribution of a customer's baskets."""
        return self.params_["p"]

    def simulate_spend(
        self, customers: pd.DataFrame, draws: int, seed: int | np.random.Generator
    ) -> FloatArray:
        """
        Draw each customer's mean spend per purchase day from its posterior.

        Parameters
        ----------
        customers : DataFrame
            Columns frequency and monetary_value, or basket_mean with all purchases.
        draws : int
            Draws a customer.
        seed : int or Generator
            Seed of the draws; rows are drawn in the order of their values, so the order of the frame does
            not matter.

        Returns
        -------
        ndarray of shape (n, draws)
            Money per purchase day: p/nu with nu from Gamma(p x + q, v + x m).

        Raises
        ------
        InputError
            If a value is inadmissible.
        """
        check_is_fitted(self, "params_")
        x, money = read_spend(customers, self.purchases)
        x = np.where(np.isnan(money), 0.0, x)
        money = np.nan_to_num(money)
        p, q, v = (self.params_[name] for name in _NAMES)
        order = np.lexsort((money, x))
        rng = np.random.default_rng(seed)
        shape = np.broadcast_to((p * x + q)[order, None], (len(x), draws))
        out = np.empty((len(x), draws))
        out[order] = p * (v + x * money)[order, None] / rng.standard_gamma(shape)
        return out

    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = {"population_mean": self.population_mean_, "purchases": self.purchases}
        if hasattr(self, "spend_correlation_"):
            state["spend_correlation"] = dict(self.spend_correlation_)
        return state

    @classmethod
    def _settings(cls, saved: dict[str, Any]) -> dict[str, Any]:
        return {"purchases": saved.get("purchases", "repeat")}

    def _not_in_lifetimes(self) -> str:
        if self.purchases == "repeat":
            return ""
        return (
            "lifetimes has gamma-gamma of repeat purchases alone: fit GammaGammaModel(purchases='repeat'), or call "
            "its methods with frequency + 1 and basket_mean."
        )

    def _restore(self, saved: dict[str, Any]) -> None:
        self.population_mean_ = float(saved.get("population_mean", _model_mean(self.params_)))
        if "spend_correlation" in saved:
            self.spend_correlation_ = dict(saved["spend_correlation"])


def spend_columns(purchases: Purchases) -> tuple[str, str]:
    """
    Return the columns with frequency and mean spend of repeat or all purchase days.

    Raises
    ------
    InputError
        If it is neither.
    """
    if purchases not in tuple(_SPEND_OF):
        raise InputError(
            f"purchases of gamma-gamma is {purchases!r}; give 'repeat' (frequency, monetary_value) or 'all' "
            "(frequency, basket_mean)."
        )
    return "frequency", _SPEND_OF[purchases][0]


def read_spend(customers: pd.DataFrame, purchases: Purchases) -> tuple[FloatArray, FloatArray]:
    """
    Check and take purchase days and mean spend, each of shape (n,); the latter is NaN where it is missing.

    Raises
    ------
    InputError
        If a column is missing, a frequency is not a whole number of at least 0, or the mean spend of purchase days
        is not positive and finite.
    """
    columns = spend_columns(purchases)
    check_table(customers, columns)
    column, more = _SPEND_OF[purchases]
    x = whole(customers, "frequency") + more
    given = customers[column]
    money = pd.to_numeric(given, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    unreadable = np.isnan(money) & given.notna().to_numpy()
    refuse(customers, unreadable | np.isinf(money), column, "is not a finite number")
    bought = "" if more else " though frequency is above 0"
    refuse(customers, (x > 0) & (money <= 0), column, f"is not positive{bought}")
    return x, money


def _known_spend(
    customers: pd.DataFrame, sample_weight: ArrayLike | None, purchases: Purchases
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Purchase days, mean spend and weight of customers whose spend is known, sorted."""
    x, money = read_spend(customers, purchases)
    weight = read_weights(customers, sample_weight)
    used = (x > 0) & ~np.isnan(money) & (weight > 0)
    if not used.any():
        column, more = _SPEND_OF[purchases]
        raise InputError(
            f"{column} is known for none of the {len(customers)} customers{'' if more else ' with a repeat purchase'}; "
            "spend needs at least one."
        )
    order = np.lexsort((weight[used], money[used], x[used]))
    return x[used][order], money[used][order], weight[used][order]


def _model_mean(params: dict[str, float]) -> float:
    return params["p"] * params["v"] / (max(params["q"], Q_FLOOR) - 1)


class _Likelihood:
    """Gamma-gamma log-likelihood, eq. 1a of the note, with gradient and Hessian in p, q, v."""

    def __init__(self, x: FloatArray, money: FloatArray, weights: FloatArray) -> None:
        self._x, self._weights = x, weights
        self._spent = x * money
        self._log_money = float(weights @ np.log(money))
        self._levels, self._x_of = np.unique(x, return_inverse=True)
        self._by_x = np.bincount(self._x_of, weights)

    def __call__(self, theta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        p, q, v = map(float, theta)
        k, n = self._levels, self._by_x
        w, x = self._weights, self._x
        paid = np.log1p(v / self._spent)
        rest = np.log1p(self._spent / v)
        inverse = 1 / (self._spent + v)
        shape = p * x + q
        value = -(n @ betaln(p * k, q)) - self._log_money - p * (w @ (x * paid)) - q * (w @ rest)
        gradient = np.array(
            [
                n @ (k * (digamma(p * k + q) - digamma(p * k))) - w @ (x * paid),
                n @ (digamma(p * k + q) - digamma(q)) - w @ rest,
                n.sum() * q / v - w @ (shape * inverse),
            ]
        )
        both = polygamma(1, p * k + q)
        hessian = np.empty((3, 3))
        hessian[0, 0] = n @ (k * k * (both - polygamma(1, p * k)))
        hessian[0, 1] = hessian[1, 0] = n @ (k * both)
        hessian[0, 2] = hessian[2, 0] = -(w @ (x * inverse))
        hessian[1, 1] = n @ (both - polygamma(1, q))
        hessian[1, 2] = hessian[2, 1] = w @ (self._spent * inverse) / v
        hessian[2, 2] = w @ (shape * inverse**2) - n.sum() * q / v**2
        return float(value), gradient, hessian


def _correlation(x: FloatArray, money: FloatArray, weights: FloatArray) -> dict[str, float]:
    return {
        "pearson": _weighted_correlation(x, money, weights),
        "spearman": _weighted_correlation(_ranks(x, weights), _ranks(money, weights), weights),
    }


def _ranks(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Ranks of the values, each counted as often as its weight says; equal values share their mean rank."""
    _, codes = np.unique(values, return_inverse=True)
    counts = np.bincount(codes, weights)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[codes])


def _weighted_correlation(left: FloatArray, right: FloatArray, weights: FloatArray) -> float:
    """0 where one of the two does not vary."""
    left, right = left - np.average(left, weights=weights), right - np.average(right, weights=weights)
    scale = math.sqrt(float(weights @ left**2)) * math.sqrt(float(weights @ right**2))
    return float(weights @ (left * right)) / scale if scale > 0 else 0.0
