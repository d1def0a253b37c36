"""A saved model's folder comes in; MLflow's generic scoring goes out. MLflow runs this file to load the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pandas as pd

from duramen.scoring.model import CoreCustomerModel
from duramen.tracking.serving import PARAMS, served_scores, warn_without_placement, with_missing_columns
from duramen.tracking.store import MODEL_ARTEFACT


class CoreCustomerPyfunc(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # mlflow ships no types here
    """Customer table in, scores with the place of each customer in the base of the training out."""

    def load_context(self, context: Any) -> None:
        """Read the saved model from the artefacts."""
        self.model = CoreCustomerModel.load(Path(context.artifacts[MODEL_ARTEFACT]))
        warn_without_placement(self.model)

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return ``served_scores`` of the customers given, with their rank where ``params`` has ``{"rank": True}``."""
        del context
        customers = with_missing_columns(self.model, model_input)
        return served_scores(self.model, customers, **(PARAMS | (params or {})))


mlflow.models.set_model(CoreCustomerPyfunc())
