"""In: a frame with frequency, recency and T. Out: expected purchases, activity and predictive draws.

Called by the value and churn models, which take these outputs as features, and by anyone who wants BTYD
alone.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, expit, gammaln
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from duramen.btyd.beta_geo_expectation import (
    Count,
    discounted_purchases_while_alive,
    erlang_purchases,
    poisson_purchases,
    purchases_while_alive,
)
from duramen.btyd.beta_geo_likelihood import BetaGeoLikelihood
from duramen.btyd.maximum_likelihood import (
    Maximum,
    log_intervals,
    maximise,
    natural_covariance,
)
from duramen.btyd.purchase_history import (
    LOG_GAPS,
    PurchaseHistory,
    by_distinct,
    check_horizon,
    every,
    group,
    mean_age,
    pace,
    read_history,
    rescale,
    take,
)
from duramen.btyd.serialization import check_saved, lifetimes_fitter, restore_fit, saved_fit
from duramen.errors import InputError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_NAMES = ("r", "alpha", "a", "b")
# r, alpha as a multiple of r over the purchase rate, a, b
_STARTS = ((0.3, 1.0, 0.5, 2.0), (1.0, 1.0, 1.0, 5.0), (3.0, 0.7, 0.1, 5.0), (0.5, 0.5, 2.0, 2.0))
# Distinct histories above which the starts are tried on every n-th of them, and how many of them are kept.
_LARGE, _ROUGH = 30_000, 10_000
_MOST_REGULAR = 8
# Histories predicted at once, to keep temporary arrays small.
_ROWS = 65_536


class BetaGeoModel(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
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
    covariance_ : DataFrame
        Covariance of the parameters, symmetric and positive, by the delta method from the logarithms.
    convergence_ : Convergence
        Starts, gradient, bounds reached and what is weakly identified.

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

    def __init__(self, regularity: int | str = 1) -> None:
        self.regularity = regularity

    def fit(self, customers: pd.DataFrame, weights: ArrayLike | None = None) -> Self:
        """
        Estimate r, alpha, a and b by maximum likelihood.

        Parameters
        ----------
        customers : DataFrame
            Columns frequency, recency, T; one row a customer, or a distinct history with its weight.
        weights : array-like of shape (n,), optional
            Customers that share each row.

        Returns
        -------
        BetaGeoModel
            Itself, fitted; what the data cannot tell is said in convergence_, never raised.

        Raises
        ------
        InputError
            If a value is inadmissible; the sentence names column, count and rows.
        """
        tried = self._choices(customers)
        history = group(read_history(customers, weights, gaps=LOG_GAPS in customers and tried != [1]))
        best = -math.inf
        for k in tried:
            maximum, likelihood = self._fit_one(history, k)
            if likelihood <= best:
                break
            best = likelihood
            self.regularity_, self.log_likelihood_ = k, likelihood
            self.params_ = dict(zip(_NAMES, map(float, maximum.parameters), strict=True))
            self._log_covariance, self.convergence_ = maximum.log_covariance, maximum.convergence
        self.covariance_ = natural_covariance(self.params_, self._log_covariance)
        return self

    def _choices(self, customers: pd.DataFrame) -> list[int]:
        """Numbers of phases to try, the next only while the likelihood rises."""
        if self.regularity == "auto":
            if LOG_GAPS not in customers:
                raise InputError(
                    f"The customer table lacks the column {LOG_GAPS}, by which regularity is chosen; add the "
                    "sum of the logarithms of each customer's gaps, or give regularity as a number."
                )
            return list(range(1, _MOST_REGULAR + 1))
        if not isinstance(self.regularity, (int, np.integer)) or not 1 <= self.regularity <= _MOST_REGULAR:
            raise InputError(
                f"The regularity is {self.regularity!r}; "
                f"give a whole number from 1 to {_MOST_REGULAR} or 'auto'."
            )
        return [int(self.regularity)]

    def _fit_one(self, history: PurchaseHistory, k: int) -> tuple[Maximum, float]:
        """Fit with k phases a gap: the maximum and its log-likelihood, in the caller's unit."""
        unit = mean_age(history)
        scaled = rescale(history, unit)
        speed = k * pace(scaled)
        maximum = maximise(
            BetaGeoLikelihood(scaled, k, self._modified),
            _NAMES,
            [(r, ratio * r / speed, a, b) for r, ratio, a, b in _STARTS],
            float(history.weights.sum()),
            len(history.frequency),
            self._rough(scaled, k),
        )
        maximum.parameters[1] *= unit
        purchases = float(history.weights @ history.frequency)
        likelihood = maximum.log_likelihood - k * purchases * math.log(unit)
        if history.log_gaps.any():
            likelihood += (k - 1) * float(history.weights @ history.log_gaps) - purchases * math.lgamma(k)
        return maximum, likelihood

    def _rough(self, history: PurchaseHistory, k: int) -> list[tuple[BetaGeoLikelihood, float]]:
        if len(history.frequency) <= _LARGE:
            return []
        some = take(history, every(len(history.frequency), _ROUGH))
        return [(BetaGeoLikelihood(some, k, self._modified), float(some.weights.sum()))]

    def _theta(self) -> tuple[float, float, float, float]:
        check_is_fitted(self, "params_")
        return (self.params_["r"], self.params_["alpha"], self.params_["a"], self.params_["b"])

    def _stays(self, x: FloatArray) -> FloatArray:
        """Second parameter of the Beta of a buyer who is there at the cutoff."""
        return self.params_["b"] + x + (1 if self._modified else 0)

    def expected_purchases(self, customers: pd.DataFrame, horizon: float) -> FloatArray:
        """
        Expect purchases in the horizon after the cutoff, given each history.

        Parameters
        ----------
        customers : DataFrame
            Columns frequency, recency, T.
        horizon : float
            Length of the future, in the unit of T.

        Returns
        -------
        ndarray of shape (n,)
            Expected purchase days (eq. 10 of the paper), finite and at least 0; 0 where the horizon is 0.

        Raises
        ------
        InputError
            If a history or the horizon is inadmissible.
        """
        return self.discounted_purchases(customers, horizon, 0.0)

    def discounted_purchases(self, customers: pd.DataFrame, horizon: float, discount: float) -> FloatArray:
        """
        Expect purchases in the horizon, each counted as exp(-discount * time since the cutoff) of one.

        Parameters
        ----------
        customers : DataFrame
            Columns frequency, recency, T.
        horizon : float
            Length of the future, in the unit of T.
        discount : float
            Continuous rate for one unit of T, at least 0.

        Returns
        -------
        ndarray of shape (n,)
            Discounted expected purchase days.

        Raises
        ------
        InputError
            If a history, the horizon or the discount is inadmissible.
        """
        history = read_history(customers)
        span = check_horizon(horizon)
        rate = check_horizon(discount)
        r, alpha, a, _ = self._theta()
        k = self.regularity_

        expected = np.zeros(len(history.frequency))
        for passed, state in enumerate(self._states(history)):
            count = erlang_purchases(k, passed) if k > 1 else poisson_purchases

            def while_alive(
                x: FloatArray, age: FloatArray, passed: int = passed, count: Count = count
            ) -> FloatArray:
                shape, scale, stays = r + k * x + passed, alpha + age, self._stays(x)
                if rate == 0:
                    return purchases_while_alive(shape, span / scale, a, stays, count)
                return discounted_purchases_while_alive(shape, scale, a, stays, span, rate, count)

            expected += state * by_distinct(history.frequency, history.age, while_alive)
        return expected

    def probability_alive(self, customers: pd.DataFrame) -> FloatArray:
        """
        Give the probability that the customer has not left by the cutoff.

        It is no measure of activity: BG/NBD says 1 for everyone without a repeat purchase, since nobody
        leaves before one. Use `probability_active`.

        Parameters
        ----------
        customers : DataFrame
            Columns frequency, recency, T.

        Returns
        -------
        ndarray of shape (n,)
            Probabilities.

        Raises
        ------
        InputError
            If a history is inadmissible.
        """
        return np.asarray(self._states(read_history(customers)).sum(axis=0))

    def _states(self, history: PurchaseHistory) -> FloatArray:
        """Probabilities of being there with j = 0 .. k - 1 phases passed, a row each."""
        out = np.empty((self.regularity_, len(history.frequency)))
        for start in range(0, out.shape[1], _ROWS):
            rows = slice(start, start + _ROWS)
            out[:, rows] = self._states_of(take(history, rows))
        return out

    def _states_of(self, history: PurchaseHistory) -> FloatArray:
        r, alpha, a, b = self._theta()
        k, x = self.regularity_, history.frequency
        shape = r + k * x
        chances = x + 1 if self._modified else x
        stretch = np.log(alpha + history.age) - np.log(alpha + history.recency)
        left = shape * stretch + math.log(a) - np.log(b + np.maximum(chances, 1) - 1)
        left = np.where(chances > 0, left, -np.inf)
        if k == 1:
            return np.asarray(expit(-left))[None]
        with np.errstate(divide="ignore"):
            waited = np.log(history.age - history.recency) - np.log(alpha + history.age)
        phases = np.arange(1.0, k)[:, None]
        here = phases * waited + gammaln(shape + phases) - gammaln(shape) - gammaln(phases + 1)
        logs = np.vstack([np.zeros(len(x)), here, left])
        weights = np.exp(logs - logs.max(axis=0))
        return np.asarray(weights[:-1] / weights.sum(axis=0))

    def probability_active(self, customers: pd.DataFrame, horizon: float) -> FloatArray:
        """
        Give the probability of at least one purchase in the horizon: what to use, and to calibrate.

        Parameters
        ----------
        customers : DataFrame
            Columns frequency, recency, T.
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
        history = read_history(customers)
        span = check_horizon(horizon)
        r, alpha, _, _ = self._theta()
        k = self.regularity_
        shape, scale = r + k * history.frequency, alpha + history.age
        states = self._states(history)
        # one phase missing: 1 - (1 - z)**R keeps its digits so
        active = states[-1] * -np.expm1(-(shape + k - 1) * np.log1p(span / scale))
        for passed in range(k - 1):
            active += states[passed] * betainc(k - passed, shape + passed, span / (scale + span))
        return np.asarray(active)

    def purchase_distribution(self, customers: pd.DataFrame, horizon: float, most: int) -> FloatArray:
        r"""
        Give P(X = k) purchases in the horizon for k = 0 .. most.

        At least n purchases are made if n occasions come in time and the buyer stays after each but the last:
        :math:`P(X \ge n) = P(alive) \frac{B(a, b' + n - 1)}{B(a, b')} I_z(n, r + x)` for k = 1, with
        z = horizon/(alpha + T + horizon). All terms are positive.

        Parameters
        ----------
        customers : DataFrame
            Columns frequency, recency, T.
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
        at_least = self._at_least(read_history(customers), check_horizon(horizon), most + 1)
        return np.maximum(at_least[:, :-1] - at_least[:, 1:], 0.0)

    def _at_least(self, history: PurchaseHistory, horizon: float, most: int) -> FloatArray:
        """P(X >= n) for n = 0 .. most."""
        r, alpha, a, _ = self._theta()
        k, x, stays = self.regularity_, history.frequency, self._stays(history.frequency)
        z = horizon / (alpha + history.age + horizon)
        out = np.ones((len(x), most + 1))
        states = self._states(history)
        for n in range(1, most + 1):
            out[:, n] = sum(
                state * betainc(n * k - passed, r + k * x + passed, z) for passed, state in enumerate(states)
            )
            states = states * ((stays + n - 1) / (a + stays + n - 1))
        return out

    def simulate_purchases(
        self, customers: pd.DataFrame, horizon: float, draws: int, seed: int | np.random.Generator
    ) -> IntArray:
        """
        Draw numbers of purchases in the horizon from each customer's predictive distribution.

        Parameters
        ----------
        customers : DataFrame
            Columns frequency, recency, T.
        horizon : float
            Length of the future, in the unit of T.
        draws : int
            Draws a customer.
        seed : int or Generator
            Seed of the draws: the same histories get the same draws whatever the order of the rows
            (equal histories among themselves in theirs).

        Returns
        -------
        ndarray of int64 of shape (n, draws)
            Purchase days; parameters are taken as known.

        Raises
        ------
        InputError
            If a history or the horizon is inadmissible.
        """
        history = read_history(customers)
        span = check_horizon(horizon)
        rng = np.random.default_rng(seed)
        order = np.lexsort((history.recency, history.age, history.frequency))
        x, age = history.frequency[order, None], history.age[order, None]
        size = (len(order), draws)
        r, alpha, a, _ = self._theta()
        k = self.regularity_
        # states up to the draw: 0 .. k - 1 phases passed, or k where the customer has left
        bounds = np.cumsum(self._states(history)[:, order], axis=0)
        drawn = rng.random(size)
        passed = np.zeros(size, dtype=np.int64)
        for bound in bounds:
            passed += drawn >= bound[:, None]
        rate = rng.standard_gamma(r + k * x + np.minimum(passed, k - 1)) / (alpha + age)
        phases = rng.poisson(np.minimum(rate * span, 1e18))
        occasions = ((phases + passed) // k).astype(float)
        leaving = rng.beta(a, np.broadcast_to(self._stays(x), size))
        with np.errstate(divide="ignore", over="ignore"):
            until_leaving = 1 + np.floor(rng.standard_exponential(size) / -np.log1p(-leaving))
        made = np.where(passed < k, np.minimum(occasions, until_leaving), 0.0)
        out = np.empty(size, dtype=np.int64)
        out[order] = made
        return out

    def expected_purchases_new_customer(self, horizon: ArrayLike) -> FloatArray:
        """
        Expect repeat purchases of a customer who has just made the first purchase.

        Parameters
        ----------
        horizon : float or array-like of shape (m,)
            Time since the first purchase.

        Returns
        -------
        ndarray of shape (m,)
            Expected repeat purchase days (eq. 9 of the paper).

        Raises
        ------
        InputError
            If a horizon is inadmissible.
        """
        spans = np.array([check_horizon(span) for span in np.atleast_1d(np.asarray(horizon, dtype=float))])
        r, alpha, a, _ = self._theta()
        none = np.zeros(len(spans))
        there = self._states(PurchaseHistory(none, none, none, none, none))[0]
        k = self.regularity_
        count = erlang_purchases(k, 0) if k > 1 else poisson_purchases
        made = purchases_while_alive(r + none, spans / alpha, a, self._stays(none), count)
        return np.asarray(there * made)

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
            model, params and, if fitted here, log_likelihood, log_covariance and convergence.
        """
        check_is_fitted(self, "params_")
        saved: dict[str, Any] = {
            "model": type(self).__name__,
            "params": dict(self.params_),
            "regularity": self.regularity_,
        }
        return saved | saved_fit(self)

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        """
        Rebuild a model from `to_dict`, or from published parameters alone.

        Parameters
        ----------
        saved : dict
            At least params with r, alpha, a, b, all positive.

        Returns
        -------
        BetaGeoModel
            A fitted model.

        Raises
        ------
        InputError
            If a parameter is missing or not a positive finite number, or the dict is of another model.
        """
        check_saved(saved, cls.__name__, _NAMES)
        model = cls(int(saved.get("regularity", 1)))
        model.regularity_ = int(saved.get("regularity", 1))
        model.params_ = {name: float(saved["params"][name]) for name in _NAMES}
        restore_fit(model, saved)
        return model

    def to_lifetimes(self, customers: pd.DataFrame | None = None) -> Any:
        """
        Give the lifetimes fitter with these parameters, whose methods and plots then work.

        Parameters
        ----------
        customers : DataFrame, optional
            Columns frequency, recency, T; becomes the fitter's data, which some of its plots read.

        Returns
        -------
        lifetimes.BetaGeoFitter or lifetimes.ModifiedBetaGeoFitter
            With params_ set.

        Raises
        ------
        InputError
            If the gaps are Erlang-k with k above 1, which lifetimes has not.
        """
        self._theta()
        if self.regularity_ > 1:
            raise InputError("lifetimes knows no regular gaps; fit with regularity=1 to hand the model over.")
        name = "ModifiedBetaGeoFitter" if self._modified else "BetaGeoFitter"
        return lifetimes_fitter(name, self.params_, customers)


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
