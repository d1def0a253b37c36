"""In: fitted parameters. Out: a lifetimes fitter that holds them.

Called by the estimators' to_lifetimes; from_dict asks it whether a saved dict is theirs.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import pandas as pd

from duramen.data.errors import InputError


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
