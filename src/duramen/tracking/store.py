"""The environment comes in; the MLflow store and the models in it go out. Called by recording and by scoring."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from duramen.errors import InputError
from duramen.io.atomic import exclusive
from duramen.io.credentials import mask_credentials
from duramen.io.files import refuse_unwritable_folder

if TYPE_CHECKING:
    from duramen.scoring.model import CoreCustomerModel

SQLITE = "sqlite:///"
DEFAULT_FOLDER = Path("mlruns")
DEFAULT_BASE = DEFAULT_FOLDER / "mlflow.db"
# Where the saved model lies among the artefacts of a logged one.
MODEL_ARTEFACT = "duramen_model"
ARTEFACTS = "artifacts"
# By this MLflow's page opens an experiment among those of trained models.
KIND = {"mlflow.experimentKind": "custom_model_development"}
# MLflow waits 120 s for an answer and asks eight times: a server that hangs would hold a training for half an hour, and
# so holds it little more than a minute. What the user set wins.
PATIENCE = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "10", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2"}
# Where a store of MLflow keeps whole addresses of its files.
ADDRESSES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)


def import_mlflow() -> Any:
    """Return the ``mlflow`` module, quiet and with bounded patience."""
    # MLflow tells every step of making a store and of copying a file; what goes wrong still comes as an exception.
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    # A lock file of uv in the working directory is of another project than the model.
    os.environ.setdefault("MLFLOW_UV_AUTO_DETECT", "false")
    for name, value in PATIENCE.items():
        os.environ.setdefault(name, value)
    import mlflow

    return mlflow


def open_store() -> Any:
    """Point MLflow at the user's store, or at SQLite in ``mlruns/``, and return the ``mlflow`` module.

    ``MLFLOW_TRACKING_URI`` and ``MLFLOW_REGISTRY_URI`` win.
    """
    mlflow = import_mlflow()
    if _takes_default(mlflow):
        DEFAULT_FOLDER.mkdir(exist_ok=True)
        mlflow.set_tracking_uri(f"{SQLITE}{DEFAULT_BASE}")
    if (base := _local_base(mlflow)) is not None:
        _make_tables(mlflow, base)
        correct_addresses(base)
    return mlflow


def store_errors(mlflow: Any) -> tuple[type[Exception], ...]:
    """Return what a store, a server, a disk or a package beside MLflow may raise, a locked SQLite file included."""
    from sqlalchemy.exc import SQLAlchemyError

    # An import fails where MLflow does not work with a package beside it, as 3.1 does not with SQLAlchemy 2.1.
    return mlflow.exceptions.MlflowException, SQLAlchemyError, sqlite3.Error, OSError, ImportError


def refuse_unwritable_store() -> None:
    """Refuse a store in SQLite that cannot be made or written where it is to be, before any work is done."""
    uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    if uri and not uri.startswith(SQLITE):
        return
    base = Path(uri.removeprefix(SQLITE)) if uri else DEFAULT_BASE
    try:
        refuse_unwritable_folder(base.parent, "MLFLOW_TRACKING_URI")
    except InputError as error:
        raise InputError(
            f"the MLflow store {base} cannot be written: {str(error).replace('`', '')}"
        ) from error


def refuse_without_store(lack: str, *, registry: bool) -> None:
    """Refuse to look into a store that is not there, which opening would make.

    Parameters
    ----------
    lack : str
        What is missed in it, in words.
    registry : bool
        Whether what is looked for lies in the registry, which may be another place than the store of runs.
    """
    mlflow = import_mlflow()
    elsewhere = registry and bool(mlflow.environment_variables.MLFLOW_REGISTRY_URI.get())
    if _takes_default(mlflow) and not elsewhere and not DEFAULT_BASE.is_file():
        raise InputError(
            f"{lack} in the store {DEFAULT_BASE}, which is not there; go to the folder of the training, or set "
            "MLFLOW_TRACKING_URI."
        )


def _takes_default(mlflow: Any) -> bool:
    return not mlflow.environment_variables.MLFLOW_TRACKING_URI.get() and not mlflow.is_tracking_uri_set()


def _local_base(mlflow: Any) -> Path | None:
    """Return the SQLite file of the store, where it is one."""
    uri: str = mlflow.get_tracking_uri()
    return Path(uri.removeprefix(SQLITE)).resolve() if uri.startswith(SQLITE) else None


def _make_tables(mlflow: Any, base: Path) -> None:
    """Make the tables of a new store, one process at a time: MLflow's own making fails where two begin at once."""
    with exclusive(base):
        mlflow.MlflowClient().search_experiments(max_results=1)


def correct_addresses(base: Path) -> None:
    """Let a store that was moved or copied with its files find them again.

    MLflow keeps whole addresses of files that lie beside the store. Where those of an experiment lead elsewhere, and
    the same files lie beside this store, they are set to what is beside it.
    """
    with closing(sqlite3.connect(base)) as store, store:
        places = [place for place in ADDRESSES if _has_column(store, *place)]
        for name, old in store.execute("select name, artifact_location from experiments").fetchall():
            folder = base.parent / ARTEFACTS / name
            new = folder.as_uri()
            tail = new.removeprefix(base.parent.as_uri())
            if old is None or old == new or not old.endswith(tail) or not folder.is_dir():
                continue
            for table, column in places:
                store.execute(
                    f"update {table} set {column} = ? || substr({column}, ?) "
                    f"where {column} = ? or substr({column}, 1, ?) = ?",
                    (new, len(old) + 1, old, len(old) + 1, f"{old}/"),
                )


def _has_column(store: sqlite3.Connection, table: str, column: str) -> bool:
    """Return whether this version of MLflow has the column."""
    return column in [name for (_, name, *_) in store.execute(f"pragma table_info({table})")]


def open_experiment(mlflow: Any, name: str) -> str:
    """Return the id of an experiment, made where it is missing; local artefacts lie beside the local store."""
    found = mlflow.get_experiment_by_name(name)
    if found is None:
        base = _local_base(mlflow)
        folder = None if base is None else (base.parent / ARTEFACTS / name).as_uri()
        try:
            created: str = mlflow.create_experiment(name, artifact_location=folder, tags=KIND)
            return created
        except mlflow.exceptions.MlflowException:
            # Another training may have made it in the meantime.
            found = mlflow.get_experiment_by_name(name)
            if found is None:
                raise
    experiment_id: str = found.experiment_id
    return experiment_id


def how_to_open(mlflow: Any) -> str:
    """Return the command, or the address, by which the store is looked at."""
    uri = mask_credentials(mlflow.get_tracking_uri())
    return uri if uri.startswith("http") else f"mlflow ui --backend-store-uri {uri}"


def load_model(address: str) -> CoreCustomerModel:
    """Return the model behind ``models:/NAME@ALIAS``, ``models:/NAME/VERSION`` or ``runs:/RUN/model``.

    Raises
    ------
    InputError
        If the store has no such model, or it is none of duramen's.
    """
    from duramen.scoring.model import CoreCustomerModel

    refuse_without_store(f"{address} was not found", registry=address.startswith("models:/"))
    mlflow = import_mlflow()
    try:
        open_store()
        folder = Path(mlflow.artifacts.download_artifacts(address))
    except store_errors(mlflow) as error:
        reason = str(error).strip().split("\n")[0].rstrip(".")
        sentence = f"{address} was not found in the store {mlflow.get_tracking_uri()}: {reason}."
        raise InputError(mask_credentials(sentence)) from error
    if not (folder / "MLmodel").is_file():
        store = mask_credentials(mlflow.get_tracking_uri())
        raise InputError(
            f"{address} was not found in the store {store}: the run is there, its files are not; they may lie where "
            "the store was before it was moved."
        )
    return CoreCustomerModel.load(folder / "artifacts" / MODEL_ARTEFACT)
