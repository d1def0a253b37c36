"""The environment comes in; the MLflow store and the models in it go out. Called by recording and by scoring."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from duramen.data.errors import InputError

if TYPE_CHECKING:
    from duramen.scoring.model import CoreCustomerModel

DEFAULT_FOLDER = Path("mlruns")
# Where the saved model lies among the artefacts of a logged one.
MODEL_ARTEFACT = "duramen_model"


def open_store() -> Any:
    """Point MLflow at the user's store, or at SQLite in ``mlruns/``, and return the ``mlflow`` module.

    ``MLFLOW_TRACKING_URI`` and ``MLFLOW_REGISTRY_URI`` win.
    """
    # MLflow tells every step of making a store and of copying a file; what goes wrong still comes as an exception.
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    import mlflow

    if not mlflow.environment_variables.MLFLOW_TRACKING_URI.get() and not mlflow.is_tracking_uri_set():
        DEFAULT_FOLDER.mkdir(exist_ok=True)
        mlflow.set_tracking_uri(f"sqlite:///{DEFAULT_FOLDER / 'mlflow.db'}")
    return mlflow


def open_experiment(mlflow: Any, name: str) -> str:
    """Return the id of an experiment, made where it is missing; local artefacts lie beside the local store."""
    found = mlflow.get_experiment_by_name(name)
    if found is not None:
        experiment_id: str = found.experiment_id
        return experiment_id
    uri = mlflow.get_tracking_uri()
    folder = None
    if uri.startswith("sqlite:///"):
        folder = (Path(uri.removeprefix("sqlite:///")).resolve().parent / "artifacts" / name).as_uri()
    created: str = mlflow.create_experiment(name, artifact_location=folder)
    return created


def how_to_open(mlflow: Any) -> str:
    """Return the command, or the address, by which the store is looked at."""
    uri: str = mlflow.get_tracking_uri()
    return uri if uri.startswith("http") else f"mlflow ui --backend-store-uri {uri}"


def load_model(address: str) -> CoreCustomerModel:
    """Return the model behind ``models:/NAME@ALIAS``, ``models:/NAME/VERSION`` or ``runs:/RUN/model``.

    Raises
    ------
    InputError
        If the store has no such model, or it is none of duramen's.
    """
    from duramen.scoring.model import CoreCustomerModel

    mlflow = open_store()
    try:
        folder = Path(mlflow.artifacts.download_artifacts(address))
    except (mlflow.exceptions.MlflowException, OSError) as error:
        reason = str(error).strip().split("\n")[0].rstrip(".")
        raise InputError(
            f"{address} was not found in the store {mlflow.get_tracking_uri()}: {reason}."
        ) from error
    return CoreCustomerModel.load(folder / "artifacts" / MODEL_ARTEFACT)
