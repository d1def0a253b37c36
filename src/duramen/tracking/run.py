"""What is to be recorded comes in; an MLflow run goes out, finished or marked as failed. Called by the recording.

A run is marked as failed from its first moment and as finished when all of it is there: a process that is killed, a
server that goes away and a disk that is full cannot take that back, and need not be told of.
"""

from __future__ import annotations

import errno
import platform
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from duramen.io.credentials import mask_credentials, mask_values
from duramen.tracking.store import store_errors

DESCRIPTION = "mlflow.note.content"
GIT_SECONDS = 10


class RecordingError(RuntimeError):
    """Why nothing, or not all, was recorded, in one sentence; what was computed and saved before is not touched."""


@contextmanager
def open_run(
    client: Any, experiment_id: str, name: str, tags: dict[str, str], parent: str | None = None
) -> Iterator[str]:
    """Give the id of a run to record into, which is finished when the block ends, and stays failed otherwise.

    Parameters
    ----------
    client : mlflow.MlflowClient
    experiment_id : str
    name : str
    tags : dict
        Of the run, among them its description under ``DESCRIPTION``.
    parent : str, optional
        The id of the run to which this one belongs.
    """
    from mlflow.tracking.context.default_context import DefaultRunContext

    belongs = {} if parent is None else {"mlflow.parentRunId": parent}
    whose = DefaultRunContext().tags()
    tags = mask_values(whose | tags | belongs)
    run_id: str = client.create_run(experiment_id, run_name=mask_credentials(name), tags=tags).info.run_id
    client.set_terminated(run_id, "FAILED")
    yield run_id
    client.set_terminated(run_id, "FINISHED")


class Artefacts:
    """A folder of files on their way to a run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, content: str | bytes) -> None:
        """Put a file into the folder, under a name that may lead into folders below."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


@contextmanager
def artefacts_of(client: Any, run_id: str) -> Iterator[Artefacts]:
    """Give a folder whose files are among the artefacts of the run when the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        yield Artefacts(Path(folder))
        client.log_artifacts(run_id, folder)


@contextmanager
def told_failures(mlflow: Any) -> Iterator[None]:
    """Turn what a store, a server or a disk may raise into a ``RecordingError`` of one sentence."""
    try:
        yield
    except store_errors(mlflow) as error:
        sentence = (
            f"the run was not recorded in the MLflow store {mlflow.get_tracking_uri()}: {_reason(error)}."
        )
        raise RecordingError(mask_credentials(sentence)) from error


def is_unreachable(error: BaseException) -> bool:
    """Return whether the server did not answer."""
    from requests.exceptions import RequestException

    return any(isinstance(cause, RequestException) for cause in _causes(error))


def _reason(error: BaseException) -> str:
    if is_unreachable(error):
        return "the server does not answer"
    causes = list(_causes(error))
    full = any(isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT) for cause in causes)
    if full or "disk is full" in str(error):
        return "no space is left on the disk"
    return str(error).strip().split("\n")[0].rstrip(".")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def git_tags() -> dict[str, str]:
    """Return the commit of the working directory, and whether files differ from it; nothing where there is none."""
    commit, changes = _git("rev-parse", "HEAD"), _git("status", "--porcelain", "--untracked-files=no")
    if not commit or changes is None:
        return {}
    return {"mlflow.source.git.commit": commit, "duramen.git_changed": "yes" if changes else "no"}


def _git(*words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *words], capture_output=True, text=True, check=False, timeout=GIT_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def package_versions() -> str:
    """Return Python, the platform, and every installed package with its version, as pip would list them."""
    packages = {f"{package.name}=={package.version}" for package in distributions()}
    heading = f"# Python {platform.python_version()} on {platform.platform()}"
    return "\n".join([heading, *sorted(packages, key=str.lower)]) + "\n"
