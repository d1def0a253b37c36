"""A customer table with frequency, recency and T comes in; BG/NBD and MBG/NBD, fitted, go out."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from duramen.btyd.base import Fit
from duramen.btyd.beta_geo_likelihood import BetaGeoLikelihood
from duramen.btyd.beta_geo_posterior import BetaGeoPosterior
from duramen.btyd.maximum_likelihood import maximise
from duramen.btyd.purchase_history import (
    COLUMNS,
    LOG_GAPS,
    PurchaseHistory,
    every,
    group,
    mean_age,
    pace,
    read_history,
    rescale,
    take,
)
from duramen.btyd.purchase_model import PurchaseModel
from duramen.errors import InputError

FloatArray = NDArray[np.float64]

_NAMES = ("r", "alpha", "a", "b")
# r, alpha as a multiple of r over the purchase rate, a, b
_STARTS = ((0.3, 1.0, 0.5, 2.0), (1.0, 1.0, 1.0, 5.0), (3.0, 0.7, 0.1, 5.0), (0.5, 0.5, 2.0, 2.0))
# Distinct histories above which the starts are tried on every n-th of them, and how many of them are kept.
_LARGE, _ROUGH = 30_000, 10_000
_MOST_REGULAR = 8


class BetaGeoModel(PurchaseModel):
    r"""
    BG/NBD: Poisson purchases at a Gamma(r, alpha) rate; a Beta(a, b) chance to leave after each.

    Durations may be in any unit, the same for recency, T and horizon; alpha is in it, r, a and b have none.
    Where customers buy at regular gaps (grocery, donations), gaps of Erlang-k shape fit better (BG/CNBD-k
    and, modified, MBG/CNBD-k): with k phases a gap, r and alpha describe the rate of the phases, k times
    that of purchases.

    Parameters
    ----------
    regularity : int or 'auto'
        k; 1 for exponential gaps. 'auto' fits k = 1, 2, ... as long as the likelihood rises, for which the
        customer table needs the column log_gaps: the sum of the logarithms of the gaps between purchase days.

    Attributes
    ----------
    regularity_ : int
        The k that was fitted.
    params_ : dict
        r, alpha, a, b.
    log_likelihood_ : float
        Of all customers, with times in the caller's unit; without the weak prior. It includes the gaps where
        log_gaps is given, and is comparable over k only then.
    covariance_, convergence_, feature_names_in_, n_features_in_
        As in `LikelihoodModel`.

    References
    ----------
    Fader, Hardie and Lee (2005), "Counting your customers the easy way", Marketing Science 24(2), 275-284.
    Platzer and Reutterer (2016), "Ticking away the moments", Marketing Science 35(5), 779-799 (Erlang-k).

    Examples
    --------
    >>> import pandas as pd
    >>> customers = pd.DataFrame({"frequency": [2, 0, 1], "recency": [30.0, 0.0, 2.0], "T": [39.0] * 3})
    >>> model = BetaGeoModel.from_dict({"params": {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}})
    >>> model.expected_purchases(customers, horizon=39).round(3)
    array([1.211, 0.195, 0.211])
    """

    _modified: ClassVar[bool] = False
    _lifetimes = "BetaGeoFitter"

    def __init__(self, regularity: int | str = 1) -> None:
        self.regularity = regularity

    def _columns(self) -> tuple[str, ...]:
        return COLUMNS

    def _names(self) -> tuple[str, ...]:
        return _NAMES

    def _estimate(self, customers: pd.DataFrame, sample_weight: ArrayLike | None) -> Fit:
        tried = self._choices(customers)
        gaps = tried != [1] and LOG_GAPS in customers
        history = group(read_history(customers, sample_weight, gaps=gaps))
        self.regularity_ = tried[0]
        best = self._fit_one(history, tried[0])
        for k in tried[1:]:
            fit = self._fit_one(history, k)
            if fit.log_likelihood <= best.log_likelihood:
                break
            best, self.regularity_ = fit, k
        return best

    def _choices(self, customers: pd.DataFrame) -> list[int]:
        """Numbers of phases to try, the next only while the likelihood rises."""
        if self.regularity == "auto":
            _require_gaps(customers)
            return list(range(1, _MOST_REGULAR + 1))
        if not isinstance(self.regularity, (int, np.integer)) or not 1 <= self.regularity <= _MOST_REGULAR:
            raise InputError(
                f"The regularity is {self.regularity!r}; "
                f"give a whole number from 1 to {_MOST_REGULAR} or 'auto'."
            )
        return [int(self.regularity)]

    def _fit_one(self, history: PurchaseHistory, k: int) -> Fit:
        """Fit with k phases a gap, in the caller's unit."""
        unit = mean_age(history)
        scaled = rescale(history, unit)
        speed = k * pace(scaled)
        maximum = maximise(
            BetaGeoLikelihood(scaled, k, self._modified),
            _NAMES,
            [(r, ratio * r / speed, a, b) for r, ratio, a, b in _STARTS],
            history.customers,
            len(history.frequency),
            self._rough(scaled, k),
        )
        maximum.parameters[1] *= unit
        likelihood = maximum.log_likelihood - k * history.purchases * math.log(unit)
        return Fit(
            dict(zip(_NAMES, map(float, maximum.parameters), strict=True)),
            likelihood + _of_gaps(history, k),
            maximum.log_covariance,
            maximum.convergence,
        )

    def _rough(self, history: PurchaseHistory, k: int) -> list[tuple[BetaGeoLikelihood, float]]:
        if len(history.frequency) <= _LARGE:
            return []
        some = take(history, every(len(history.frequency), _ROUGH))
        return [(BetaGeoLikelihood(some, k, self._modified), some.customers)]

    def _log_likelihood(
        self, customers: pd.DataFrame, sample_weight: ArrayLike | None
    ) -> tuple[float, float]:
        k = self.regularity_
        if k > 1:
            # without the gaps, likelihoods of different k do not compare
            _require_gaps(customers)
        history = group(read_history(customers, sample_weight, gaps=k > 1))
        likelihood, *_ = BetaGeoLikelihood(history, k, self._modified)(np.array(self._theta()))
        return likelihood + _of_gaps(history, k), history.customers

    def _theta(self) -> tuple[float, float, float, float]:
        return (self.params_["r"], self.params_["alpha"], self.params_["a"], self.params_["b"])

    def _given(self, history: PurchaseHistory) -> BetaGeoPosterior:
        return BetaGeoPosterior(history, self._theta(), self.regularity_, self._modified)

    def _posterior(self, customers: pd.DataFrame) -> BetaGeoPosterior:
        return self._given(read_history(customers))

    def _expected_of_new(self, spans: FloatArray) -> FloatArray:
        none = np.zeros(len(spans))
        return self._given(PurchaseHistory(none, none, none, none, none)).expected_of_new(spans)

    def _state(self) -> dict[str, Any]:
        return {"regularity": self.regularity_}

    @classmethod
    def _settings(cls, saved: dict[str, Any]) -> dict[str, Any]:
        return {"regularity": int(saved.get("regularity", 1))}

    def _restore(self, saved: dict[str, Any]) -> None:
        self.regularity_ = int(saved.get("regularity", 1))

    def _not_in_lifetimes(self) -> str:
        if self.regularity_ == 1:
            return ""
        return "lifetimes knows no regular gaps; fit with regularity=1 to hand the model over."


class ModifiedBetaGeoModel(BetaGeoModel):
    """
    MBG/NBD: as BG/NBD, but a customer may also leave right after the first purchase.

    One-time buyers so get a probability of being alive below 1. Everything else is as in `BetaGeoModel`.

    References
    ----------
    Batislam, Denizel and Filiztekin (2007), International Journal of Research in Marketing 24(3), 201-209;
    Wagner and Hoppe (2008), ibid. 25(3), 225-226.

    Examples
    --------
    >>> import pandas as pd
    >>> customers = pd.DataFrame({"frequency": [2, 0], "recency": [30.0, 0.0], "T": [39.0, 39.0]})
    >>> model = ModifiedBetaGeoModel.from_dict({"params": {"r": 0.5, "alpha": 6.0, "a": 0.9, "b": 1.6}})
    >>> model.probability_alive(customers).round(3)
    array([0.696, 0.394])
    """

    _modified: ClassVar[bool] = True
    _lifetimes = "ModifiedBetaGeoFitter"


def _require_gaps(customers: pd.DataFrame) -> None:
    if LOG_GAPS not in customers:
        raise InputError(
            f"The customer table lacks the column {LOG_GAPS}, by which regularity is chosen; add the "
            "sum of the logarithms of each customer's gaps, or give regularity as a number."
        )


def _of_gaps(history: PurchaseHistory, k: int) -> float:
    """Part of the log-likelihood that depends on the gaps and on k, not on the parameters; 0 without gaps."""
    if not history.log_gaps.any():
        return 0.0
    return (k - 1) * float(history.weights @ history.log_gaps) - history.purchases * math.lgamma(k)
