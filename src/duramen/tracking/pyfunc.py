"""A saved model's folder comes in; MLflow's generic scoring goes out. MLflow runs this file to load the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd

from duramen.scoring.model import CoreCustomerModel
from duramen.scoring.ranking import rank_core_customers
from duramen.tracking.store import MODEL_ARTEFACT


class CoreCustomerPyfunc(mlflow.pyfunc.PythonModel):  # type: ignore[misc]  # mlflow ships no types here
    """Customer table in, ranked scores out."""

    def load_context(self, context: Any) -> None:
        """Read the saved model from the artefacts."""
        self.model = CoreCustomerModel.load(Path(context.artifacts[MODEL_ARTEFACT]))

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return scores, rank and tier of the customers given, a row for each row and in their order.

        MLflow passes the other two, and nothing here needs them. Who asks for predictions puts them beside what was
        asked, as Spark does with the rows of a batch: the order of the ranking would give each customer the next one's.
        """
        del context, params
        scores = self.model.predict(model_input).reset_index(drop=True)
        # Each row is known again by its place in the order of ids, which breaks ties as the id does.
        by_id = scores["customer_id"].argsort(kind="stable").to_numpy()
        placed = scores["customer_id"].take(by_id)
        ranking = rank_core_customers(
            scores.iloc[by_id].assign(customer_id=np.arange(len(scores))), self.model.tiers
        )
        told = ranking.sort_values("customer_id", ignore_index=True)
        return told.assign(customer_id=placed.array).set_axis(by_id).sort_index()


mlflow.models.set_model(CoreCustomerPyfunc())
