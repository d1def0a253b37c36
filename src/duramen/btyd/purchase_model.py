"""What every purchase model predicts: purchases, activity, distributions and draws, given what its posterior knows."""

from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from duramen.btyd.base import LikelihoodModel
from duramen.btyd.validation import check_horizon
from duramen.errors import InputError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class ActiveBy(NamedTuple):
    """P(at least one purchase) of n customers within m times, kept small: many have the same curve.

    That of customer i within time j is ``alive[i] * curves[curve[i], j]``; shapes are (n,), (d, m) and (n,).
    """

    alive: FloatArray
    curves: FloatArray
    curve: IntArray

    @property
    def probabilities(self) -> FloatArray:
        """All of them, shape (n, m)."""
        return np.asarray(self.alive[:, None] * self.curves[self.curve])


class Posterior(Protocol):
    """What is known of customers from their histories, at the cutoff; times are in the unit of T."""

    @property
    def alive(self) -> FloatArray:
        """P(not left by the cutoff)."""

    def expected(self, span: float, rate: float) -> FloatArray:
        """Expect purchases in the time after the cutoff, each counted as exp(-rate * time)."""

    def active(self, span: float) -> FloatArray:
        """Return P(at least one purchase)."""

    def active_by(self, spans: FloatArray) -> ActiveBy:
        """Return P(at least one purchase) in each of m times that grow."""

    def distribution(self, span: float, most: int) -> FloatArray:
        """Return P(k purchases) for k = 0 .. most, shape (n, most + 1)."""

    def draw(self, span: float, draws: int, rng: np.random.Generator) -> IntArray:
        """Draw numbers of purchases, shape (n, draws), the same whatever the order of the customers."""


class PurchaseModel(LikelihoodModel):
    """A model of when customers buy; times may be in any unit, the same in the table and the horizon."""

    @abstractmethod
    def _posterior(self, customers: pd.DataFrame) -> Posterior:
        """Check the customers and return what is known of them."""

    @abstractmethod
    def _expected_of_new(self, spans: FloatArray) -> FloatArray:
        """Expected repeat purchases of a new customer in each time."""

    def posterior(self, customers: pd.DataFrame) -> Posterior:
        """
        Return what is known of customers at the cutoff, from which everything below follows.

        To ask several things of the same customers, ask the posterior: what they share is computed once.

        Parameters
        ----------
        customers : DataFrame
            Customer table, with the columns of the fit.

        Returns
        -------
        Posterior
            Its answers are arrays of shape (n,).

        Raises
        ------
        InputError
            If a history is inadmissible.
        """
        check_is_fitted(self, "params_")
        return self._posterior(customers)

    def expected_purchases(self, customers: pd.DataFrame, horizon: float) -> FloatArray:
        """
        Expect purchases in the horizon after the cutoff, given each history.

        Parameters
        ----------
        customers : DataFrame
            Customer table, with the columns of the fit.
        horizon : float
            Length of the future, in the unit of T.

        Returns
        -------
        ndarray of shape (n,)
            Expected purchase days, finite and at least 0; 0 where the horizon is 0.

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
            Customer table, with the columns of the fit.
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
        span, rate = check_horizon(horizon), check_horizon(discount)
        return self.posterior(customers).expected(span, rate)

    def probability_alive(self, customers: pd.DataFrame) -> FloatArray:
        """
        Return the probability that the customer has not left by the cutoff.

        It does not measure activity: a customer may be there and hardly ever buy, and BG/NBD gives 1 to all
        customers without a repeat purchase, since nobody leaves before one. Use `probability_active`.

        Parameters
        ----------
        customers : DataFrame
            Customer table, with the columns of the fit.

        Returns
        -------
        ndarray of shape (n,)
            Probabilities.

        Raises
        ------
        InputError
            If a history is inadmissible.
        """
        return self.posterior(customers).alive

    def probability_active(self, customers: pd.DataFrame, horizon: float) -> FloatArray:
        """
        Return the probability of at least one purchase in the horizon: what to use, and to calibrate.

        Parameters
        ----------
        customers : DataFrame
            Customer table, with the columns of the fit.
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
        return self.posterior(customers).active(span)

    def active_by(self, customers: pd.DataFrame, horizons: ArrayLike) -> ActiveBy:
        """
        Return `probability_active` in several horizons: the distribution of the time to the next purchase.

        Parameters
        ----------
        customers : DataFrame
            Customer table, with the columns of the fit.
        horizons : array-like of shape (m,)
            Lengths of the future, in the unit of T, each longer than the one before.

        Returns
        -------
        ActiveBy
            Its `probabilities` have shape (n, m) and never fall along a row.

        Raises
        ------
        InputError
            If a history or a horizon is inadmissible, or the horizons do not grow.
        """
        spans = np.array([check_horizon(horizon) for horizon in np.asarray(horizons, dtype=float)])
        if spans[0] <= 0 or (np.diff(spans) <= 0).any():
            raise InputError(
                f"The horizons are {spans.tolist()}; give times above 0, each longer than the one before."
            )
        return self.posterior(customers).active_by(spans)

    def purchase_distribution(self, customers: pd.DataFrame, horizon: float, most: int) -> FloatArray:
        """
        Return P(X = k) purchases in the horizon for k = 0 .. most.

        Parameters
        ----------
        customers : DataFrame
            Customer table, with the columns of the fit.
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
        return self.posterior(customers).distribution(span, most)

    def simulate_purchases(
        self, customers: pd.DataFrame, horizon: float, draws: int, seed: int | np.random.Generator
    ) -> IntArray:
        """
        Draw numbers of purchases in the horizon from each customer's predictive distribution.

        Parameters
        ----------
        customers : DataFrame
            Customer table, with the columns of the fit.
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
        span = check_horizon(horizon)
        return self.posterior(customers).draw(span, draws, np.random.default_rng(seed))

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
            Expected repeat purchase days.

        Raises
        ------
        InputError
            If a horizon is inadmissible.
        """
        check_is_fitted(self, "params_")
        spans = np.array([check_horizon(span) for span in np.atleast_1d(np.asarray(horizon, dtype=float))])
        return self._expected_of_new(spans)
