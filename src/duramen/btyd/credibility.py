"""A customer table with frequency, basket_mean and basket_evenness comes in; credible spend goes out."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import digamma
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from duramen.btyd.gamma_gamma import read_spend
from duramen.btyd.validation import check_table, read_weights
from duramen.errors import InputError
from duramen.language import say

FloatArray = NDArray[np.float64]

_COLUMNS = ("frequency", "basket_mean", "basket_evenness")
_NAMES = ("collective_mean", "within_variance", "between_variance")
# The logarithm of the shape of baskets lies between these: baskets that are all alike have none.
_LOG_SHAPES = (-12.0, 12.0)
# No mean counts for more than the one that this share of the customers exceeds.
_LARGEST = 0.001


class CredibilitySpendModel(BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """
    Buehlmann-Straub credibility: a customer's mean spend per purchase day, shrunk to the collective mean.

    The mean of n purchase days has the weight Z = n / (n + s2 / a), the collective mean has 1 - Z. s2 is the expected
    variance of baskets within a customer, a the variance of the customers' expected baskets. Both are moments, so
    that nothing is assumed of how customers differ, and frequent buyers may spend more.

    s2 is read from the evenness of each customer's baskets, the geometric over the arithmetic mean, which one large
    basket moves less than a sum of squares. A customer's baskets are taken as gamma with a shape p that all customers
    share, so that their variance is mean**2 / p. For n of them the expected logarithm of the evenness is
    f(n p) - f(p) with f(p) = log(p) - digamma(p), and p is where the sum over the customers is as observed. Then, for k
    customers whose means have the mean m, ::

        s2 = (m**2 + a) / p
        a  = sum((mean - m)**2) / (k - 1) - s2 * sum(1 / n) / k

    where a is unbiased given s2, and taken as 0 where it is negative. Each customer counts once in it: weighted by n,
    which is also usual, frequent buyers would hide the rest where they differ from them. In m and a the largest
    thousandth of the means counts as much as the next, so that a single customer does not decide on the others; and
    Z is at most n p / (n p + 1), however much customers differ. The collective mean is that of the customers, weighted
    by Z.

    Attributes
    ----------
    params_ : dict
        collective_mean (money), within_variance (s2) and between_variance (a), both money squared.
    notes_ : tuple of str
        What the data could not show.
    feature_names_in_ : ndarray of str
        Columns that are read.
    n_features_in_ : int
        Number of them.

    References
    ----------
    Buehlmann and Straub (1970), "Glaubwuerdigkeit fuer Schadensaetze", Mitteilungen der Vereinigung
    schweizerischer Versicherungsmathematiker 70, 111-133; Buehlmann and Gisler (2005), "A Course in Credibility
    Theory and its Applications", chapter 4.

    Examples
    --------
    >>> import pandas as pd
    >>> params = {"collective_mean": 40.0, "within_variance": 600.0, "between_variance": 300.0}
    >>> model = CredibilitySpendModel.from_dict({"params": params})
    >>> model.expected_spend(pd.DataFrame({"frequency": [0, 7], "basket_mean": [100.0, 100.0]}))
    array([60., 88.])
    """

    params_: dict[str, float]
    notes_: tuple[str, ...]

    # scikit-learn hands over y by place, and nothing here needs it.
    def fit(self, X: pd.DataFrame, y: object = None, sample_weight: ArrayLike | None = None) -> Self:  # noqa: ARG002
        """
        Estimate the collective mean and both variances.

        Parameters
        ----------
        X : DataFrame
            Columns frequency, basket_mean and basket_evenness, one row a customer. Rows with a missing basket_mean are
            left out.
        y : None
            Ignored.
        sample_weight : array-like of shape (n,), optional
            Customers that share each row: a weight of k is k equal rows.

        Returns
        -------
        CredibilitySpendModel
            Itself, fitted; what the data do not show is stated in ``notes_``, never raised.

        Raises
        ------
        InputError
            If a value is inadmissible, or no mean spend is known.
        """
        check_table(X, _COLUMNS)
        days, means = read_spend(X, "all")
        weight = read_weights(X, sample_weight)
        used = np.flatnonzero(~np.isnan(means) & (weight > 0))
        if not len(used):
            raise InputError(
                f"basket_mean is known for none of the {len(X)} customers; spend needs at least one."
            )
        evenness = pd.to_numeric(X["basket_evenness"], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        order = used[np.lexsort((weight[used], evenness[used], means[used], days[used]))]
        days, means, evenness, weight = days[order], means[order], evenness[order], weight[order]
        shape = basket_shape(days, evenness, weight)
        collective, within, between = _moments(days, _without_largest(means, weight), weight, shape)
        self.params_ = dict(zip(_NAMES, (collective, within, between), strict=True))
        self.notes_ = _notes(shape, between)
        self._name_features()
        return self

    def _name_features(self) -> None:
        self.feature_names_in_ = np.array(_COLUMNS, dtype=object)
        self.n_features_in_ = len(_COLUMNS)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # columns are read by name, which an array has not
        tags.input_tags.two_d_array = False
        tags.input_tags.allow_nan = True
        return tags

    def expected_spend(self, customers: pd.DataFrame) -> FloatArray:
        """
        Expect spend per purchase day, the customer's own mean shrunk to the collective mean.

        Parameters
        ----------
        customers : DataFrame
            Columns frequency and basket_mean.

        Returns
        -------
        ndarray of shape (n,)
            Money per purchase day, finite and positive; the collective mean where basket_mean is missing.

        Raises
        ------
        InputError
            If a value is inadmissible.
        """
        check_is_fitted(self, "params_")
        days, means = read_spend(customers, "all")
        collective, within, between = (self.params_[name] for name in _NAMES)
        own = _credibility(days, within, between)
        return np.where(np.isnan(means), collective, own * np.nan_to_num(means) + (1 - own) * collective)

    @property
    def basket_shape(self) -> float:
        """Shape of the gamma distribution of a customer's baskets."""
        collective, within, between = (self.params_[name] for name in _NAMES)
        return (collective**2 + between) / within

    def simulate_spend(
        self, customers: pd.DataFrame, draws: int, seed: int | np.random.Generator
    ) -> FloatArray:
        """
        Draw each customer's mean spend per purchase day about the expected one.

        Credibility has two moments: the expected spend, and the variance (1 - Z) a that the own purchase days leave.
        The draws are gamma distributed with both.

        Parameters
        ----------
        customers : DataFrame
            Columns frequency and basket_mean.
        draws : int
            Draws a customer.
        seed : int or Generator
            Seed of the draws.

        Returns
        -------
        ndarray of shape (n, draws)
            Money per purchase day.

        Raises
        ------
        InputError
            If a value is inadmissible.
        """
        expected = self.expected_spend(customers)
        days, _ = read_spend(customers, "all")
        _, within, between = (self.params_[name] for name in _NAMES)
        left = (1 - _credibility(days, within, between)) * between
        shape = expected**2 / np.maximum(left, 1e-12 * expected**2)
        drawn = np.random.default_rng(seed).standard_gamma(shape[:, None], (len(expected), draws))
        return np.asarray(drawn * (expected / shape)[:, None])

    def to_dict(self) -> dict[str, Any]:
        """
        Return the fitted model as a small dict of JSON types.

        Returns
        -------
        dict
            model and params.
        """
        check_is_fitted(self, "params_")
        return {"model": type(self).__name__, "params": dict(self.params_)}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        """
        Rebuild a model from `to_dict`.

        Parameters
        ----------
        saved : dict
            At least params: collective_mean and within_variance positive, between_variance at least 0.

        Returns
        -------
        CredibilitySpendModel
            A fitted model, without notes.

        Raises
        ------
        InputError
            If a parameter is missing or not admissible, or the dict is of another model.
        """
        if saved.get("model", cls.__name__) != cls.__name__:
            raise InputError(
                f"The saved model is a {saved['model']}, not a {cls.__name__}; load it with that class."
            )
        params = {name: float(saved.get("params", {}).get(name, math.nan)) for name in _NAMES}
        positive = [0 < params[name] < math.inf for name in _NAMES[:2]]
        if not (all(positive) and 0 <= params["between_variance"] < math.inf):
            raise InputError(
                f"{cls.__name__} needs a positive collective_mean and within_variance, and a between_variance of at "
                f"least 0; got {saved.get('params', {})}."
            )
        model = cls()
        model.params_, model.notes_ = params, ()
        model._name_features()
        return model


def basket_shape(days: FloatArray, evenness: FloatArray, weight: FloatArray) -> float | None:
    """
    Return the gamma shape of baskets about their customer's mean, from how even they are.

    Parameters
    ----------
    days : ndarray of shape (n,)
        Purchase days of each customer.
    evenness : ndarray of shape (n,)
        Geometric over arithmetic mean of their baskets; missing ones are left out.
    weight : ndarray of shape (n,)
        Customers that share each row.

    Returns
    -------
    float or None
        The squared coefficient of variation of the baskets of one customer is 1 over it. None where no customer has
        two purchase days.
    """
    used = (days > 1) & (evenness > 0)
    if not used.any():
        return None
    unevenness = -float((weight * days)[used] @ np.log(np.minimum(evenness[used], 1.0)))
    levels, level_of = np.unique(days[used], return_inverse=True)
    purchases = levels * np.bincount(level_of, weight[used])

    def excess(log_shape: float) -> float:
        shape = math.exp(log_shape)
        return float(purchases @ (_gap(shape) - _gap(levels * shape))) - unevenness

    low, high = _LOG_SHAPES
    if excess(high) >= 0:
        return math.exp(high)
    return math.exp(brentq(excess, low, high) if excess(low) > 0 else low)


def _gap(shape: Any) -> Any:
    """Logarithm of the mean less the mean logarithm, of a gamma distribution."""
    return np.log(shape) - digamma(shape)


def _without_largest(means: FloatArray, weight: FloatArray) -> FloatArray:
    """Let the largest thousandth of the means count as much as the next."""
    largest = math.ceil(_LARGEST * float(weight.sum()))
    order = np.argsort(-means, kind="stable")
    first = np.searchsorted(np.cumsum(weight[order]), largest, side="right")
    return np.asarray(np.minimum(means, means[order[min(int(first), len(means) - 1)]]))


def _moments(
    days: FloatArray, means: FloatArray, weight: FloatArray, shape: float | None
) -> tuple[float, float, float]:
    """Return the collective mean, and the variance within and between customers."""
    customers = float(weight.sum())
    mean = float(weight @ means) / customers
    variance = float(weight @ (means - mean) ** 2) / max(customers - 1, 1.0)
    if shape is None:
        # One purchase day each shows both variances together; baskets that are all alike have a little.
        return mean, max(variance, mean**2 / math.exp(_LOG_SHAPES[1])), 0.0
    # s2 = (mean**2 + a) / shape is in the equation of a on both sides.
    of_mean = float(weight @ (1 / days)) / customers / shape
    between = max(variance - of_mean * mean**2, 0.0) / (1 + of_mean)
    within = (mean**2 + between) / shape
    own = weight * _credibility(days, within, between)
    return float(own @ means / own.sum()) if between > 0 else mean, within, between


def _credibility(days: FloatArray, within: float, between: float) -> FloatArray:
    """Return Z, the weight of a customer's own mean."""
    return np.asarray(days * between / (days * between + within))


def _notes(shape: float | None, between: float) -> tuple[str, ...]:
    if shape is None:
        return (
            say(
                "No customer has two purchase days, so nothing shows how typical one basket is: all customers are "
                "expected to spend the mean per purchase day."
            ),
        )
    if between == 0:
        return (
            say(
                "Customers' mean baskets differ no more than by chance: all customers are expected to spend the mean "
                "per purchase day."
            ),
        )
    return ()
