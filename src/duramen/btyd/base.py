"""What every purchase and spend model shares: fitting, scoring, intervals and saving."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from duramen.btyd.maximum_likelihood import Convergence, log_intervals, natural_covariance
from duramen.errors import InputError
from duramen.io.processors import one_blas_thread

FloatArray = NDArray[np.float64]


class Fit(NamedTuple):
    """What a fit found: parameters, log-likelihood without the prior, covariance of the log-parameters, report."""

    params: dict[str, float]
    log_likelihood: float
    log_covariance: FloatArray
    convergence: Convergence


class LikelihoodModel(BaseEstimator, ABC):  # type: ignore[misc]  # scikit-learn ships no types
    """
    Positive parameters, estimated by maximum likelihood from a customer table: a scikit-learn estimator.

    X is a pandas DataFrame, one row a customer, read by the names of its columns; y is ignored.

    Attributes
    ----------
    params_ : dict
        Parameters by name.
    log_likelihood_ : float
        Of all customers, with times in the caller's unit; without the weak prior.
    covariance_ : DataFrame
        Covariance of the parameters, symmetric and positive, by the delta method from the logarithms.
    convergence_ : Convergence
        Starts, gradient, bounds reached and what is weakly identified.
    feature_names_in_ : ndarray of str
        Columns that are read.
    n_features_in_ : int
        Number of them.
    """

    params_: dict[str, float]
    log_likelihood_: float
    covariance_: pd.DataFrame
    convergence_: Convergence
    _log_covariance: FloatArray
    # The class of lifetimes with the same parameters.
    _lifetimes: ClassVar[str]

    @abstractmethod
    def _columns(self) -> tuple[str, ...]:
        """Columns of the customer table that are read."""

    @abstractmethod
    def _names(self) -> tuple[str, ...]:
        """Names of the parameters."""

    @abstractmethod
    def _estimate(self, customers: pd.DataFrame, sample_weight: ArrayLike | None) -> Fit:
        """Find the maximum; set what else was learned."""

    @abstractmethod
    def _log_likelihood(
        self, customers: pd.DataFrame, sample_weight: ArrayLike | None
    ) -> tuple[float, float]:
        """Log-likelihood of customers at the parameters, and their number."""

    # scikit-learn hands over y by place, and nothing here needs it.
    @one_blas_thread
    def fit(self, X: pd.DataFrame, y: object = None, sample_weight: ArrayLike | None = None) -> Self:  # noqa: ARG002
        """
        Estimate the parameters by maximum likelihood.

        Parameters
        ----------
        X : DataFrame
            Customer table, one row a customer, or a distinct history with its weight.
        y : None
            Ignored.
        sample_weight : array-like of shape (n,), optional
            Customers that share each row: a weight of k is k equal rows.

        Returns
        -------
        LikelihoodModel
            Itself, fitted; what the data cannot identify is reported in ``convergence_``, never raised.

        Raises
        ------
        InputError
            If a value is inadmissible; the sentence names column, count and rows.
        """
        self._keep(self._estimate(X, sample_weight))
        return self

    # As in fit, y is scikit-learn's.
    def score(self, X: pd.DataFrame, y: object = None, sample_weight: ArrayLike | None = None) -> float:  # noqa: ARG002
        """
        Return the mean log-likelihood per customer; higher is better, for example in GridSearchCV.

        Parameters
        ----------
        X : DataFrame
            Customer table.
        y : None
            Ignored.
        sample_weight : array-like of shape (n,), optional
            Customers that share each row.

        Returns
        -------
        float
            Comparable between models that read the same columns.

        Raises
        ------
        InputError
            If a value is inadmissible.
        """
        check_is_fitted(self, "params_")
        total, customers = self._log_likelihood(X, sample_weight)
        return total / customers

    def _keep(self, fit: Fit) -> None:
        self.params_, self.log_likelihood_, self._log_covariance, self.convergence_ = fit
        self.covariance_ = natural_covariance(self.params_, self._log_covariance)
        self._name_features()

    def _name_features(self) -> None:
        self.feature_names_in_ = np.array(self._columns(), dtype=object)
        self.n_features_in_ = len(self.feature_names_in_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # columns are read by name, which an array has not
        tags.input_tags.two_d_array = False
        return tags

    def confidence_intervals(self, level: float = 0.95) -> pd.DataFrame:
        """
        Return intervals for the parameters, symmetric in their logarithms.

        Parameters
        ----------
        level : float
            Probability that an interval covers the true value.

        Returns
        -------
        DataFrame
            One row a parameter: estimate, lower, upper.
        """
        check_is_fitted(self, "covariance_")
        return log_intervals(self.params_, self._log_covariance, level)

    def to_dict(self) -> dict[str, Any]:
        """
        Return the fitted model as a small dict of JSON types.

        Returns
        -------
        dict
            model, params, settings and, if fitted here, log_likelihood, log_covariance and convergence.
        """
        check_is_fitted(self, "params_")
        saved = {"model": type(self).__name__, "params": dict(self.params_)} | self._state()
        if not hasattr(self, "convergence_"):
            return saved
        return saved | {
            "log_likelihood": self.log_likelihood_,
            "log_covariance": self._log_covariance.tolist(),
            "convergence": self.convergence_.to_dict(),
        }

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Self:
        """
        Rebuild a model from `to_dict`, or from published parameters alone.

        Parameters
        ----------
        saved : dict
            At least params, all positive.

        Returns
        -------
        LikelihoodModel
            A fitted model.

        Raises
        ------
        InputError
            If a parameter is missing or not a positive finite number, or the dict is of another model.
        """
        if saved.get("model", cls.__name__) != cls.__name__:
            raise InputError(
                f"The saved model is a {saved['model']}, not a {cls.__name__}; load it with that class."
            )
        model = cls(**cls._settings(saved))
        params = saved.get("params", {})
        wrong = [name for name in model._names() if not 0 < float(params.get(name, np.nan)) < np.inf]
        if wrong:
            raise InputError(f"{cls.__name__} needs positive finite params {', '.join(wrong)}; got {params}.")
        model.params_ = {name: float(params[name]) for name in model._names()}
        model._name_features()
        model._restore(saved)
        if "convergence" in saved:
            covariance = np.asarray(saved["log_covariance"], dtype=float)
            convergence = Convergence.from_dict(saved["convergence"])
            model._keep(Fit(model.params_, float(saved["log_likelihood"]), covariance, convergence))
        return model

    def _state(self) -> dict[str, Any]:
        """What is saved beside the parameters and the report of the fit."""
        return {}

    @classmethod
    def _settings(cls, saved: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG003  models with parameters read them
        """Parameters of the constructor, from a saved dict."""
        return {}

    def _restore(self, saved: dict[str, Any]) -> None:
        """Set what `_state` saved and is not a parameter of the constructor."""

    def to_lifetimes(self, customers: pd.DataFrame | None = None) -> Any:
        """
        Return the fitter of lifetimes with these parameters, whose methods and plots then work.

        Parameters
        ----------
        customers : DataFrame, optional
            Becomes the fitter's data, which some of its plots read.

        Returns
        -------
        lifetimes fitter
            With ``params_`` set.

        Raises
        ------
        InputError
            If the model has a setting that lifetimes has not.
        """
        check_is_fitted(self, "params_")
        if lacking := self._not_in_lifetimes():
            raise InputError(lacking)
        with warnings.catch_warnings():
            # lifetimes is archived: what it warns about at import cannot be fixed here
            warnings.simplefilter("ignore")
            import lifetimes

        fitter = getattr(lifetimes, self._lifetimes)()
        fitter.params_ = pd.Series(self.params_)
        fitter.predict = getattr(fitter, "conditional_expected_number_of_purchases_up_to_time", None)
        if customers is not None:
            fitter.data = customers.assign(weights=1)
        return fitter

    def _not_in_lifetimes(self) -> str:
        """Sentence that names a setting which lifetimes has not."""
        return ""
