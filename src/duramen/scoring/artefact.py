"""The parts of a model come in; a folder goes out, whole or not at all, and back. Called by the CoreCustomerModel.

What makes a folder whole or not at all serves the files of a backtest too.

JSON, Parquet and LightGBM's own text: nothing in the folder can run code when it is read.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from duramen import __version__
from duramen.data.errors import InputError

FORMAT_VERSION = 4
MODEL_FILE = "model.json"
# The key under which the state keeps the SHA-256 of each booster's text.
TREE_DIGESTS = "tree_digests"


def refuse_occupied(folder: Path, known_by: str = MODEL_FILE, what: str = "model") -> None:
    """Refuse a folder that holds something else than a model, or than ``what`` it says: saving would replace it."""
    if folder.is_file() or (folder.is_dir() and not (folder / known_by).is_file() and any(folder.iterdir())):
        raise InputError(
            f"{folder} holds something that is no duramen {what}; choose another folder for the {what}."
        )


@contextmanager
def replaced_folder(folder: Path) -> Iterator[Path]:
    """Give a new folder to write into, which takes the place of ``folder`` when all is written, or never."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    old = beside.with_suffix(".old")
    try:
        beside.chmod(0o755)
        yield beside
        if folder.exists():
            folder.rename(old)
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        if old.exists() and not folder.exists():
            old.rename(folder)
        shutil.rmtree(old, ignore_errors=True)


def write_model(
    folder: Path, state: dict[str, Any], trees: dict[str, str], tables: dict[str, pd.DataFrame]
) -> None:
    """Write a model to ``folder``, replacing the model that may be there.

    Parameters
    ----------
    folder : Path
    state : dict
        Plain values; written to ``model.json``.
    trees : dict
        LightGBM texts by the name of the booster.
    tables : dict
        Frames by name.

    Raises
    ------
    InputError
        If the folder holds something that is no model.
    """
    refuse_occupied(folder)
    with replaced_folder(folder) as beside:
        for name, text in trees.items():
            (beside / f"{name}.txt").write_text(text, encoding="utf-8")
        for name, table in tables.items():
            table.to_parquet(beside / f"{name}.parquet", index=False)
        digests = {name: _digest(text) for name, text in trees.items()}
        (beside / MODEL_FILE).write_text(state_text(state | {TREE_DIGESTS: digests}), encoding="utf-8")


def state_text(state: dict[str, Any]) -> str:
    """Return the JSON of a state; the same state gives the same text."""
    return json.dumps(state | {"format_version": FORMAT_VERSION}, indent=1, sort_keys=True)


def read_state(folder: Path) -> dict[str, Any]:
    """Return the state of the model in ``folder``.

    Raises
    ------
    InputError
        If the folder is no model, its JSON is damaged, or another format version wrote it.
    """
    path = folder / MODEL_FILE
    if not path.is_file():
        raise InputError(
            f"{folder} is no saved model: it has no {MODEL_FILE}; give the folder that --model-out wrote."
        )
    try:
        state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        version = state["format_version"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"the model file {path} is damaged ({error}); train or download the model again."
        ) from error
    if version != FORMAT_VERSION:
        wrote = state.get("duramen_version", __version__)
        raise InputError(
            f"{folder} is of model format {version!r}, and this duramen reads format {FORMAT_VERSION}; "
            f"{'' if wrote == __version__ else f'use duramen {wrote}, or '}train again."
        )
    return state


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def read_trees(folder: Path, name: str, state: dict[str, Any]) -> Any:
    """Return the LightGBM booster of that name, whose text must be the one that ``state`` was saved with."""
    import lightgbm as lgb

    path = folder / f"{name}.txt"
    if not path.is_file():
        raise InputError(f"the model file {path} is missing; train or download the model again.")
    text = path.read_text(encoding="utf-8", errors="replace")
    # LightGBM ends the whole process on some damaged texts, so it is given none.
    if _digest(text) != state[TREE_DIGESTS][name]:
        raise InputError(
            f"the model file {path} is not the one that was saved (cut short or changed); "
            "train or download the model again."
        )
    try:
        return lgb.Booster(model_str=text)
    except lgb.basic.LightGBMError as error:
        raise InputError(
            f"the model file {path} is damaged ({error}); train or download the model again."
        ) from error


def read_table(folder: Path, name: str) -> pd.DataFrame:
    """Return the table of that name."""
    path = folder / f"{name}.parquet"
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise InputError(
            f"the model file {path} is missing or damaged; train or download the model again."
        ) from error
