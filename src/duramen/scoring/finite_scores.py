"""Scores come in; they are refused where a number among them is missing or infinite."""

from __future__ import annotations

import numpy as np
import pandas as pd

from duramen.errors import InputError


def refuse_non_finite(scores: pd.DataFrame) -> None:
    """Refuse scores that nobody could be ranked by, which a wrong model or a wrong customer table gives.

    Raises
    ------
    InputError
        With the columns, the count of customers and an example.

    Examples
    --------
    >>> refuse_non_finite(pd.DataFrame({"customer_id": ["a", "b"], "score": [1.0, 2.0]}))
    """
    numbers = scores.select_dtypes("number").drop(columns="customer_id", errors="ignore")
    wrong = pd.DataFrame(~np.isfinite(numbers.to_numpy(dtype=float)), columns=numbers.columns)
    if not wrong.to_numpy().any():
        return
    columns, rows = list(wrong.columns[wrong.any()]), np.flatnonzero(wrong.any(axis=1))
    further = f" and {len(columns) - 1} further columns" if columns[1:] else ""
    example = scores["customer_id"].iloc[rows[:1]].tolist()[0]
    raise InputError(
        f"{columns[0]}{further} would not be a finite number for {len(rows):,} of {len(scores):,} customers (for "
        f"example {example!r}); give customers in the unit and with the columns of the training, or train the model "
        "again."
    )
