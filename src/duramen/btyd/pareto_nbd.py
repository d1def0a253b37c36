"""In: a frame with frequency, recency and T, perhaps covariates. Out: expected purchases, activity, draws.

Called by anyone who wants leaving to happen at any time, residual lifetime value or covariates.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from duramen.btyd.maximum_likelihood import log_intervals, maximise, natural_covariance
from duramen.btyd.pareto_nbd_likelihood import (
    ParetoNBDLikelihood,
    graded,
    left_before,
    nodes_needed,
    range_of_time,
    rates,
)
from duramen.btyd.purchase_history import (
    PurchaseHistory,
    check_horizon,
    every,
    finite,
    first_of_equal,
    group,
    mean_age,
    pace,
    pack,
    read_history,
    rescale,
    take,
)
from duramen.btyd.serialization import check_saved, lifetimes_fitter, restore_fit, saved_fit
from duramen.errors import InputError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_NAMES = ("r", "alpha", "s", "beta")
# r, alpha as a multiple of r over the purchase rate, s, beta in units of the mean T
_STARTS = ((0.5, 1.0, 0.5, 0.5), (1.5, 1.0, 0.3, 1.0), (0.5, 0.7, 2.0, 3.0))
# Distinct histories above which the starts are tried on some of them, and their numbers.
_LARGE, _ROUGH = 12_000, (2_000, 12_000)
_ROWS = 2048
# e**-37 is below the last digit of a double: money beyond that discount does not count.
_ENDLESS = 37.0


class ParetoNBDModel(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
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
    log_likelihood_, covariance_, convergence_
        As in BetaGeoModel.

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

    def __init__(
        self, purchase_covariates: Sequence[str] = (), dropout_covariates: Sequence[str] = ()
    ) -> None:
        self.purchase_covariates = purchase_covariates
        self.dropout_covariates = dropout_covariates

    def fit(self, customers: pd.DataFrame, weights: ArrayLike | None = None) -> Self:
        """
        Estimate r, alpha, s, beta and the multipliers by maximum likelihood.

        Parameters
        ----------
        customers : DataFrame
            Columns frequency, recency, T and the covariates.
        weights : array-like of shape (n,), optional
            Customers that share each row.

        Returns
        -------
        ParetoNBDModel
            Itself, fitted; what the data cannot tell is said in convergence_, never raised.

        Raises
        ------
        InputError
            If a value is inadmissible; the sentence names column, count and rows.
        """
        history, z = self._distinct(read_history(customers, weights), self._covariates(customers))
        unit = mean_age(history)
        scaled = rescale(history, unit)
        total = float(history.weights.sum())
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
            rough.append((self._likelihood(few, design[some]), float(few.weights.sum())))
        names = self._names()
        maximum = maximise(self._likelihood(scaled, design), names, starts, total, len(design), rough)
        back = self._back(centre, spread)
        logs = back @ np.log(maximum.parameters)
        logs[[1, 3]] += math.log(unit)
        self.params_ = dict(zip(names, map(float, np.exp(logs)), strict=True))
        purchases = float(history.weights @ history.frequency)
        self.log_likelihood_ = maximum.log_likelihood - purchases * math.log(unit)
        covariance = back @ maximum.log_covariance @ back.T
        self._log_covariance = (covariance + covariance.T) / 2
        self.covariance_ = natural_covariance(self.params_, self._log_covariance)
        self.convergence_ = maximum.convergence
        return self

    def _names(self) -> tuple[str, ...]:
        return (
            *_NAMES,
            *(f"purchase_{name}" for name in self.purchase_covariates),
            *(f"dropout_{name}" for name in self.dropout_covariates),
        )

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

    def _distinct(self, history: PurchaseHistory, z: FloatArray) -> tuple[PurchaseHistory, FloatArray]:
        """Merge equal histories with equal covariates, so that the order of the rows leaves no trace."""
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

    def _posterior(
        self, customers: pd.DataFrame
    ) -> tuple[PurchaseHistory, FloatArray, FloatArray, FloatArray]:
        """Histories, alpha and beta of each, and the probability of being alive."""
        check_is_fitted(self, "params_")
        history = read_history(customers)
        theta = np.array([self.params_[name] for name in self._names()])
        alpha, beta = rates(theta, *self._split(self._covariates(customers)))
        r, s = theta[0], theta[2]
        if self.purchase_covariates or self.dropout_covariates:
            distinct = np.arange(len(alpha))
            codes = distinct
        else:
            key, _ = pack((history.frequency, history.age, history.recency))
            _, distinct, codes = np.unique(key, return_index=True, return_inverse=True)

        def alive(rows: IntArray) -> FloatArray:
            ended = left_before(
                r + history.frequency[rows],
                alpha[rows],
                s,
                beta[rows],
                history.recency[rows],
                history.age[rows],
            )
            return np.asarray(expit(-ended.log_odds))

        bought, left = (rate[distinct] + history.recency[distinct] for rate in (alpha, beta))
        wait = history.age[distinct] - history.recency[distinct]
        _, *ranges = range_of_time(r + history.frequency[distinct], bought, s, left, wait)
        return history, alpha, beta, _in_chunks(alive, distinct, nodes_needed(*ranges))[codes]

    def expected_purchases(self, customers: pd.DataFrame, horizon: float) -> FloatArray:
        """
        Expect purchases in the horizon after the cutoff, given each history.

        Parameters
        ----------
        customers : DataFrame
            Columns frequency, recency, T and the covariates.
        horizon : float
            Length of the future, in the unit of T.

        Returns
        -------
        ndarray of shape (n,)
            Expected purchase days, finite and at least 0 (Fader and Hardie, note 009, eq. 41; its limit at
            s = 1).

        Raises
        ------
        InputError
            If a history or the horizon is inadmissible.
        """
        span = check_horizon(horizon)
        history, alpha, beta, alive = self._posterior(customers)
        return alive * self._while_alive(history.frequency, alpha + history.age, beta + history.age, span)

    def _while_alive(
        self, x: FloatArray, scale: FloatArray, staying: FloatArray, span: ArrayLike
    ) -> FloatArray:
        """Expected purchases of a customer who is there: purchase rate times expected time before leaving."""
        power = self.params_["s"] - 1
        grown = np.log1p(np.asarray(span) / staying)
        # a power nearer to 0 than this changes nothing but would divide by 0
        time = grown if abs(power) < 1e-12 else -np.expm1(-power * grown) / power
        return (self.params_["r"] + x) / scale * staying * time

    def discounted_purchases(self, customers: pd.DataFrame, horizon: float, discount: float) -> FloatArray:
        r"""
        Expect purchases in the horizon, each counted as exp(-discount * time since the cutoff) of one.

        Parameters
        ----------
        customers : DataFrame
            Columns frequency, recency, T and the covariates.
        horizon : float
            Length of the future, in the unit of T.
        discount : float
            Continuous rate for one unit of T, at least 0.

        Returns
        -------
        ndarray of shape (n,)
            :math:`P(alive)\frac{r+x}{\alpha+T}\int_0^H e^{-\delta t}\big(\frac{\beta+T}{\beta+T+t}\big)^s
            dt`.

        Raises
        ------
        InputError
            If a history, the horizon or the discount is inadmissible.
        """
        span, rate = check_horizon(horizon), check_horizon(discount)
        if rate == 0 or span == 0:
            return self.expected_purchases(customers, span)
        history, alpha, beta, alive = self._posterior(customers)
        s = self.params_["s"]
        levels, codes = np.unique(beta + history.age, return_inverse=True)

        def time(rows: IntArray) -> FloatArray:
            staying = levels[rows]
            log_time, step = graded(np.log1p(span / staying), s - 1 + rate * staying)
            grown = staying * np.expm1(log_time)
            return np.asarray((step * np.exp((1 - s) * log_time - rate * grown)).sum(axis=0) * staying)

        nodes = nodes_needed(np.log1p(span / levels), s - 1 + rate * levels)
        faded = _in_chunks(time, np.arange(len(levels)), nodes)[codes]
        return alive * (self.params_["r"] + history.frequency) / (alpha + history.age) * faded

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

    def probability_alive(self, customers: pd.DataFrame) -> FloatArray:
        """
        Give the probability that the customer has not left by the cutoff.

        It says nothing of how often the customer buys; for activity use `probability_active`.

        Parameters
        ----------
        customers : DataFrame
            Columns frequency, recency, T and the covariates.

        Returns
        -------
        ndarray of shape (n,)
            Probabilities.

        Raises
        ------
        InputError
            If a history is inadmissible.
        """
        return self._posterior(customers)[3]

    def probability_active(self, customers: pd.DataFrame, horizon: float) -> FloatArray:
        r"""
        Give the probability of at least one purchase in the horizon: what to use, and to calibrate.

        The first purchase comes at t while the customer is there, with R = r + x, A = alpha + T, B = beta +
        T: :math:`P(alive)\int_0^H \frac{R}{A+t}\big(\frac{A}{A+t}\big)^R\big(\frac{B}{B+t}\big)^s dt`.

        Parameters
        ----------
        customers : DataFrame
            Columns frequency, recency, T and the covariates.
        horizon : float
            Length of the future, in the unit of T.

        Returns
        -------
        ndarray of shape (n,)
            Probabilities, 0 where the horizon is 0.

        Raises
        ------
        InputError
            If a history or the horizon is inadmissible.
        """
        span = check_horizon(horizon)
        history, alpha, beta, alive = self._posterior(customers)
        s = self.params_["s"]
        shape, scale, staying = self.params_["r"] + history.frequency, alpha + history.age, beta + history.age
        middle, length, power = range_of_time(shape, scale, s, staying, span)

        def active(rows: IntArray) -> FloatArray:
            unit, big_r = middle[rows], shape[rows]
            log_time, step = graded(length[rows], power[rows])
            time = unit * np.expm1(log_time)
            fall = big_r * np.log1p(time / scale[rows]) + s * np.log1p(time / staying[rows])
            density = np.exp(log_time - fall) / (scale[rows] + time)
            return np.asarray((step * density).sum(axis=0) * unit * big_r)

        found = _in_chunks(active, np.arange(len(shape)), nodes_needed(length, power))
        return alive * np.minimum(found, 1.0)

    def purchase_distribution(self, customers: pd.DataFrame, horizon: float, most: int) -> FloatArray:
        """
        Give P(X = k) purchases in the horizon for k = 0 .. most.

        Purchases up to the time of leaving are negative binomial; the time of leaving is integrated out.

        Parameters
        ----------
        customers : DataFrame
            Columns frequency, recency, T and the covariates.
        horizon : float
            Length of the future, in the unit of T.
        most : int
            Largest k.

        Returns
        -------
        ndarray of shape (n, most + 1)
            Probabilities; a row sums to 1 less the probability of more than `most` purchases.

        Raises
        ------
        InputError
            If a history or the horizon is inadmissible.
        """
        span = check_horizon(horizon)
        history, alpha, beta, alive = self._posterior(customers)
        shape, scale, staying = self.params_["r"] + history.frequency, alpha + history.age, beta + history.age
        out = np.zeros((len(shape), most + 1))
        for start in range(0, len(shape), _ROWS):
            rows = slice(start, start + _ROWS)
            z, weight = self._exposures(scale[rows], staying[rows], span)
            chance = np.exp(-shape[rows, None] * -np.log1p(-z)) * weight
            out[rows, 0] = chance.sum(axis=1)
            for k in range(1, most + 1):
                chance = chance * z * ((shape[rows] + k - 1) / k)[:, None]
                out[rows, k] = chance.sum(axis=1)
        out *= alive[:, None]
        out[:, 0] += 1 - alive
        return out

    def _exposures(
        self, scale: FloatArray, staying: FloatArray, span: float
    ) -> tuple[FloatArray, FloatArray]:
        """Times that a customer who is there may stay in the horizon, as t/(A + t), with probabilities."""
        s = self.params_["s"]
        node, weight = np.polynomial.legendre.leggauss(20)
        # panels that halve towards the cutoff, each smooth in the logarithm of time
        edges = np.concatenate([[0.0], span * 0.5 ** np.arange(5, -1, -1.0)])
        width = np.diff(edges)
        time = (edges[:-1, None] + width[:, None] * (node + 1) / 2).ravel()
        step = (width[:, None] * weight / 2).ravel()
        density = s / (staying[:, None] + time) * np.exp(-s * np.log1p(time / staying[:, None])) * step
        stays = np.exp(-s * np.log1p(span / staying))
        # leaving is certain to come early or not: what the panels miss of it is put right here
        density *= ((1 - stays) / np.maximum(density.sum(axis=1), 1e-300))[:, None]
        exposure = np.concatenate([time, [span]])
        return exposure / (scale[:, None] + exposure), np.column_stack([density, stays])

    def simulate_purchases(
        self, customers: pd.DataFrame, horizon: float, draws: int, seed: int | np.random.Generator
    ) -> IntArray:
        """
        Draw numbers of purchases in the horizon from each customer's predictive distribution.

        Parameters
        ----------
        customers : DataFrame
            Columns frequency, recency, T and the covariates.
        horizon : float
            Length of the future, in the unit of T.
        draws : int
            Draws a customer.
        seed : int or Generator
            Seed; the same histories get the same draws whatever the order of the rows.

        Returns
        -------
        ndarray of int64 of shape (n, draws)
            Purchase days; parameters are taken as known.

        Raises
        ------
        InputError
            If a history or the horizon is inadmissible.
        """
        span = check_horizon(horizon)
        history, alpha, beta, alive = self._posterior(customers)
        rng = np.random.default_rng(seed)
        order = np.lexsort((beta, alpha, history.recency, history.age, history.frequency))
        size = (len(order), draws)
        shape = (self.params_["r"] + history.frequency)[order, None]
        speed = rng.standard_gamma(np.broadcast_to(shape, size)) / (alpha + history.age)[order, None]
        leaving = rng.standard_gamma(self.params_["s"], size) / (beta + history.age)[order, None]
        with np.errstate(divide="ignore", over="ignore"):
            life = np.minimum(rng.standard_exponential(size) / leaving, span)
        made = rng.poisson(np.minimum(speed * life, 1e18))
        out = np.empty(size, dtype=np.int64)
        out[order] = np.where(rng.random(size) < alive[order, None], made, 0)
        return out

    def expected_purchases_new_customer(self, horizon: ArrayLike) -> FloatArray:
        """
        Expect repeat purchases of a customer who has just made the first purchase, covariates at 0.

        Parameters
        ----------
        horizon : float or array-like of shape (m,)
            Time since the first purchase.

        Returns
        -------
        ndarray of shape (m,)
            Expected repeat purchase days (note 009, eq. 27).

        Raises
        ------
        InputError
            If a horizon is inadmissible.
        """
        check_is_fitted(self, "params_")
        spans = np.array([check_horizon(span) for span in np.atleast_1d(np.asarray(horizon, dtype=float))])
        none = np.zeros(len(spans))
        return self._while_alive(none, none + self.params_["alpha"], none + self.params_["beta"], spans)

    def confidence_intervals(self, level: float = 0.95) -> pd.DataFrame:
        """
        Give intervals for the parameters, symmetric in their logarithms.

        Parameters
        ----------
        level : float
            Probability that an interval holds the true value.

        Returns
        -------
        DataFrame
            One row a parameter: estimate, lower, upper.
        """
        check_is_fitted(self, "covariance_")
        return log_intervals(self.params_, self._log_covariance, level)

    def to_dict(self) -> dict[str, Any]:
        """
        Give the fitted model as a small dict of JSON types.

        Returns
        -------
        dict
            model, params, covariates and, if fitted here, what the fit reported.
        """
        check_is_fitted(self, "params_")
        saved: dict[str, Any] = {
            "model": type(self).__name__,
            "params": dict(self.params_),
            "purchase_covariates": list(self.purchase_covariates),
            "dropout_covariates": list(self.dropout_covariates),
        }
        return saved | saved_fit(self)

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        """
        Rebuild a model from `to_dict`, or from published parameters alone.

        Parameters
        ----------
        saved : dict
            At least params with r, alpha, s, beta, all positive.

        Returns
        -------
        ParetoNBDModel
            A fitted model.

        Raises
        ------
        InputError
            If a parameter is missing or not a positive finite number, or the dict is of another model.
        """
        model = cls(tuple(saved.get("purchase_covariates", ())), tuple(saved.get("dropout_covariates", ())))
        check_saved(saved, cls.__name__, model._names())
        model.params_ = {name: float(saved["params"][name]) for name in model._names()}
        restore_fit(model, saved)
        return model

    def to_lifetimes(self, customers: pd.DataFrame | None = None) -> Any:
        """
        Give the lifetimes fitter with these parameters, whose methods and plots then work.

        Parameters
        ----------
        customers : DataFrame, optional
            Becomes the fitter's data, which some of its plots read.

        Returns
        -------
        lifetimes.ParetoNBDFitter
            With params_ set.

        Raises
        ------
        InputError
            If the model has covariates, which lifetimes has not.
        """
        check_is_fitted(self, "params_")
        if self.purchase_covariates or self.dropout_covariates:
            raise InputError("lifetimes has no covariates; fit without them to hand the model over.")
        return lifetimes_fitter("ParetoNBDFitter", self.params_, customers)


def _in_chunks(function: Callable[[IntArray], FloatArray], rows: IntArray, nodes: IntArray) -> FloatArray:
    """
    Evaluate some rows at a time: nodes of all at once would not stay in the cache.

    Rows go together that need as many nodes: what is expected of a customer must not depend, not even in
    the last digit, on who else is asked about.
    """
    found = np.empty(len(rows))
    for count in np.unique(nodes):
        members = np.flatnonzero(nodes == count)
        for some in np.split(members, range(_ROWS, len(members), _ROWS)):
            # NumPy adds the nodes of one row alone in another order than those of many.
            found[some] = function(rows[some.repeat(2)] if len(some) == 1 else rows[some])[: len(some)]
    return found
