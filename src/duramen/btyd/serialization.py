"""In: a fitted model or a saved dict. Out: the dict, the model, or a lifetimes fitter with the same parameters.

Called by the estimators' to_dict, from_dict and to_lifetimes.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pandas as pd

from duramen.btyd.maximum_likelihood import Convergence, natural_covariance
from duramen.errors import InputError


def check_saved(saved: dict[str, Any], model: str, names: tuple[str, ...]) -> None:
    """
    Refuse a saved dict that is of another model or lacks a positive parameter.

    Parameters
    ----------
    saved : dict
        What to_dict gave, or published parameters.
    model : str
        Name of the class that reads it.
    names : tuple of str
        Parameters it needs.

    Raises
    ------
    InputError
        With the parameters at fault.
    """
    if saved.get("model", model) != model:
        raise InputError(f"The saved model is a {saved['model']}, not a {model}; load it with that class.")
    params = saved.get("params", {})
    wrong = [name for name in names if not 0 < float(params.get(name, math.nan)) < math.inf]
    if wrong:
        raise InputError(f"{model} needs positive finite params {', '.join(wrong)}; got {params}.")


def saved_fit(model: Any) -> dict[str, Any]:
    """
    Give what a fit reported as JSON types.

    Parameters
    ----------
    model : estimator
        Fitted by maximum likelihood, or made of published parameters.

    Returns
    -------
    dict
        log_likelihood, log_covariance and convergence; nothing for published parameters.
    """
    if not hasattr(model, "convergence_"):
        return {}
    return {
        "log_likelihood": model.log_likelihood_,
        "log_covariance": model._log_covariance.tolist(),
        "convergence": model.convergence_.to_dict(),
    }


def restore_fit(model: Any, saved: dict[str, Any]) -> None:
    """
    Set on a model what its fit reported, where the dict holds it.

    Parameters
    ----------
    model : estimator
        With params_ set.
    saved : dict
        What to_dict gave.
    """
    if "convergence" in saved:
        model.log_likelihood_ = float(saved["log_likelihood"])
        model._log_covariance = np.asarray(saved["log_covariance"], dtype=float)
        model.covariance_ = natural_covariance(model.params_, model._log_covariance)
        model.convergence_ = Convergence.from_dict(saved["convergence"])


def lifetimes_fitter(name: str, params: dict[str, float], customers: pd.DataFrame | None) -> Any:
    """
    Make a lifetimes fitter that holds given parameters.

    Parameters
    ----------
    name : str
        Class of lifetimes.
    params : dict
        Its parameters.
    customers : DataFrame, optional
        Becomes its data.

    Returns
    -------
    object
        The fitter.
    """
    with warnings.catch_warnings():
        # lifetimes is archived: what it warns about at import cannot be mended here
        warnings.simplefilter("ignore")
        import lifetimes

    fitter = getattr(lifetimes, name)()
    fitter.params_ = pd.Series(params)
    fitter.predict = getattr(fitter, "conditional_expected_number_of_purchases_up_to_time", None)
    if customers is not None:
        fitter.data = customers.assign(weights=1)
    return fitter
