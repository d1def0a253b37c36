"""MLflow's autologging, where the user has it on, leaves alone what is fitted inside our own models."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_autologging() -> Iterator[None]:
    """Fit without a run of MLflow for each part: ``mlflow.autolog()`` is on in every Databricks notebook.

    MLflow is not imported: where nobody has, nothing is logged by itself. What the user has set is back afterwards.
    """
    mlflow = sys.modules.get("mlflow.utils.autologging_utils")
    # Leaving MLflow's own block switches autologging on, whatever it was before.
    if mlflow is None or mlflow._AUTOLOGGING_GLOBALLY_DISABLED:
        yield
        return
    with mlflow.disable_autologging():
        yield
