"""A customer table with frequency, recency, T and perhaps covariates comes in; Pareto/NBD, fitted, goes out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from duramen.btyd.base import Fit
from duramen.btyd.maximum_likelihood import maximise
from duramen.btyd.pareto_nbd_likelihood import ParetoNBDLikelihood, rates
from duramen.btyd.pareto_nbd_posterior import ParetoNBDPosterior, expected_while_alive
from duramen.btyd.purchase_history import (
    COLUMNS,
    PurchaseHistory,
    every,
    first_of_equal,
    group,
    mean_age,
    pace,
    read_history,
    rescale,
    take,
)
from duramen.btyd.purchase_model import PurchaseModel
from duramen.btyd.validation import finite
from duramen.errors import InputError

FloatArray = NDArray[np.float64]

_NAMES = ("r", "alpha", "s", "beta")
# r, alpha as a multiple of r over the purchase rate, s, beta in units of the mean T
_STARTS = ((0.5, 1.0, 0.5, 0.5), (1.5, 1.0, 0.3, 1.0), (0.5, 0.7, 2.0, 3.0))
# Distinct histories above which the starts are tried on some of them, and their numbers.
_LARGE, _ROUGH = 12_000, (2_000, 12_000)
# e**-37 is below the last digit of a double: money beyond that discount does not count.
_ENDLESS = 37.0


class ParetoNBDModel(PurchaseModel):
    r"""
    Pareto/NBD: Poisson purchases at a Gamma(r, alpha) rate; leaving at a Gamma(s, beta) rate, at any time.

    Durations may be in any unit; alpha and beta are in it. A covariate z scales a customer's rate: a
    purchase rate (or rate of leaving) is multiplied by its multiplier for each unit of z.

    Parameters
    ----------
    purchase_covariates, dropout_covariates : sequence of str
        Numeric columns of the customer table that scale the rate of purchases and the rate of leaving.

    Attributes
    ----------
    params_ : dict
        r, alpha, s, beta, then the multipliers, named purchase_<column> and dropout_<column>.
    log_likelihood_, covariance_, convergence_, feature_names_in_, n_features_in_
        As in `LikelihoodModel`.

    References
    ----------
    Schmittlein, Morrison and Colombo (1987), "Counting your customers", Management Science 33(1), 1-24;
    Fader and Hardie (2007), "Incorporating time-invariant covariates into the Pareto/NBD and BG/NBD models".

    Examples
    --------
    >>> import pandas as pd
    >>> customers = pd.DataFrame({"frequency": [2, 0, 1], "recency": [30.0, 0.0, 2.0], "T": [39.0] * 3})
    >>> params = {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669}
    >>> model = ParetoNBDModel.from_dict({"params": params})
    >>> model.probability_alive(customers).round(3)
    array([0.858, 0.294, 0.174])
    """

    _lifetimes = "ParetoNBDFitter"

    def __init__(
        self, purchase_covariates: Sequence[str] = (), dropout_covariates: Sequence[str] = ()
    ) -> None:
        self.purchase_covariates = purchase_covariates
        self.dropout_covariates = dropout_covariates

    def _columns(self) -> tuple[str, ...]:
        # a covariate of both rates is one column
        return tuple(dict.fromkeys((*COLUMNS, *self.purchase_covariates, *self.dropout_covariates)))

    def _names(self) -> tuple[str, ...]:
        return (
            *_NAMES,
            *(f"purchase_{name}" for name in self.purchase_covariates),
            *(f"dropout_{name}" for name in self.dropout_covariates),
        )

    def _estimate(self, customers: pd.DataFrame, sample_weight: ArrayLike | None) -> Fit:
        history, z = self._distinct(customers, sample_weight)
        unit = mean_age(history)
        scaled = rescale(history, unit)
        total = history.customers
        centre = history.weights @ z / total
        spread = np.sqrt(history.weights @ (z - centre) ** 2 / total)
        spread[spread == 0] = 1.0
        design = (z - centre) / spread
        speed = pace(scaled)
        starts = [(r, ratio * r / speed, s, beta, *[1.0] * z.shape[1]) for r, ratio, s, beta in _STARTS]
        rough = []
        for about in _ROUGH if len(design) > _LARGE else ():
            some = every(len(design), about)
            few = take(scaled, some)
            rough.append((self._likelihood(few, design[some]), few.customers))
        names = self._names()
        maximum = maximise(self._likelihood(scaled, design), names, starts, total, len(design), rough)
        back = self._back(centre, spread)
        logs = back @ np.log(maximum.parameters)
        logs[[1, 3]] += math.log(unit)
        covariance = back @ maximum.log_covariance @ back.T
        return Fit(
            dict(zip(names, map(float, np.exp(logs)), strict=True)),
            maximum.log_likelihood - history.purchases * math.log(unit),
            (covariance + covariance.T) / 2,
            maximum.convergence,
        )

    def _log_likelihood(
        self, customers: pd.DataFrame, sample_weight: ArrayLike | None
    ) -> tuple[float, float]:
        history, z = self._distinct(customers, sample_weight)
        likelihood, *_ = self._likelihood(history, z)(self._theta())
        return likelihood, history.customers

    def _theta(self) -> FloatArray:
        return np.array([self.params_[name] for name in self._names()])

    def _covariates(self, customers: pd.DataFrame) -> FloatArray:
        names = [*self.purchase_covariates, *self.dropout_covariates]
        lacking = [name for name in names if name not in customers]
        if lacking:
            raise InputError(f"The customer table lacks the covariate {', '.join(lacking)}; add the column.")
        columns = [finite(customers, name) for name in names]
        return np.column_stack(columns) if columns else np.empty((len(customers), 0))

    def _split(self, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        return z[:, : len(self.purchase_covariates)], z[:, len(self.purchase_covariates) :]

    def _likelihood(self, history: PurchaseHistory, z: FloatArray) -> ParetoNBDLikelihood:
        return ParetoNBDLikelihood(history, *self._split(z))

    def _distinct(
        self, customers: pd.DataFrame, sample_weight: ArrayLike | None
    ) -> tuple[PurchaseHistory, FloatArray]:
        """Read and merge equal histories with equal covariates, so that the order of the rows leaves no trace."""
        history, z = read_history(customers, sample_weight), self._covariates(customers)
        if z.shape[1] == 0:
            merged = group(history)
            return merged, np.empty((len(merged.frequency), 0))
        order = np.lexsort((history.weights, *z.T, history.recency, history.age, history.frequency))
        order = order[history.weights[order] > 0]
        some, z = take(history, order), z[order]
        distinct = first_of_equal((some.frequency, some.age, some.recency, *z.T))
        counted = np.add.reduceat(some.weights, distinct)
        return replace(take(some, distinct), weights=counted), z[distinct]

    def _back(self, centre: FloatArray, spread: FloatArray) -> FloatArray:
        """Matrix from log-parameters on standardised covariates to those on the covariates themselves."""
        back = np.diag(np.concatenate([np.ones(4), 1 / spread]))
        buying = len(self.purchase_covariates)
        back[1, 4 : 4 + buying] = (centre / spread)[:buying]
        back[3, 4 + buying :] = (centre / spread)[buying:]
        return back

    def _posterior(self, customers: pd.DataFrame) -> ParetoNBDPosterior:
        history = read_history(customers)
        theta = self._theta()
        alpha, beta = rates(theta, *self._split(self._covariates(customers)))
        alike = not (self.purchase_covariates or self.dropout_covariates)
        return ParetoNBDPosterior(history, theta[0], alpha, theta[2], beta, alike)

    def _expected_of_new(self, spans: FloatArray) -> FloatArray:
        """Equation 27 of Fader and Hardie, note 009."""
        r, alpha, s, beta = (self.params_[name] for name in _NAMES)
        none = np.zeros(len(spans))
        return expected_while_alive(r + none, none + alpha, s, none + beta, spans)

    def residual_purchases(self, customers: pd.DataFrame, discount: float) -> FloatArray:
        """
        Expect discounted purchases over the whole rest of the customer's life (DERT).

        Parameters
        ----------
        customers : DataFrame
            Columns frequency, recency, T and the covariates.
        discount : float
            Continuous rate for one unit of T, above 0.

        Returns
        -------
        ndarray of shape (n,)
            Discounted expected residual transactions (Fader, Hardie and Lee 2005, JMR 42, eq. 2).

        Raises
        ------
        InputError
            If a history is inadmissible or the discount is not above 0.
        """
        if not 0 < discount < math.inf:
            raise InputError(f"The discount is {discount}; over an endless horizon it must be above 0.")
        return self.discounted_purchases(customers, _ENDLESS / discount, discount)

    def _state(self) -> dict[str, Any]:
        return {
            "purchase_covariates": list(self.purchase_covariates),
            "dropout_covariates": list(self.dropout_covariates),
        }

    @classmethod
    def _settings(cls, saved: dict[str, Any]) -> dict[str, Any]:
        return {name: tuple(saved.get(name, ())) for name in ("purchase_covariates", "dropout_covariates")}

    def _not_in_lifetimes(self) -> str:
        if not (self.purchase_covariates or self.dropout_covariates):
            return ""
        return "lifetimes has no covariates; fit without them to hand the model over."
