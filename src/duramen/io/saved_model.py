"""The parts of a model come in; a folder goes out, whole or not at all, and back.

JSON, Parquet and LightGBM's own text: nothing in the folder can run code when it is read. ``model.json`` holds the
digest of every other file, and in its first line its own. Digests tell damage; who may write the folder can write them
too, so they do not tell who wrote it.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from duramen._version import __version__
from duramen.errors import InputError
from duramen.io.atomic import atomic_folder

# What is in the folder, and how; a change that an older release would misread makes it one more, with a step in
# ``UPGRADES`` and a small model of the old format in tests/fixtures.
FORMAT_VERSION = 5
MODEL_FILE = "model.json"
# The key under which the state keeps the SHA-256 of each other file, by name.
DIGESTS = "digests"
AGAIN = "train or download the model again."


def refuse_occupied(folder: Path, known_by: str = MODEL_FILE, what: str = "model") -> None:
    """Refuse a folder that holds something else than a model, or than ``what`` it says: saving would replace it."""
    if folder.is_file() or (folder.is_dir() and not (folder / known_by).is_file() and any(folder.iterdir())):
        raise InputError(
            f"{folder} holds something that is no duramen {what}; choose another folder for the {what}."
        )


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
    with atomic_folder(folder) as beside:
        for name, text in trees.items():
            (beside / f"{name}.txt").write_bytes(text.encode())
        for name, table in tables.items():
            table.to_parquet(beside / f"{name}.parquet", index=False)
        digests = {path.name: _digest(path.read_bytes()) for path in beside.iterdir()}
        (beside / MODEL_FILE).write_bytes(seal(state_text(state | {DIGESTS: digests})).encode())


def state_text(state: dict[str, Any]) -> str:
    """Return the JSON of a state; the same state gives the same text."""
    return json.dumps(state | {"format_version": FORMAT_VERSION}, indent=1, sort_keys=True)


def seal(text: str) -> str:
    """Return the text of a JSON object with its own digest as the first entry.

    Examples
    --------
    >>> print(seal('{"unit": "USD"}')[:46])
    {
     "digest": "f5abb26b36366ebca293631016715985
    """
    return "{" + _seal_line(_digest(text.encode())) + text[1:]


def _seal_line(digest: str) -> str:
    return f'\n "digest": "{digest}",'


def read_state(folder: Path) -> dict[str, Any]:
    """Return the state of the model in ``folder``, brought to the present format where an older release wrote it.

    Raises
    ------
    InputError
        If the folder is no model, its JSON is damaged or changed, or its format is newer, too old or unknown.
    """
    path = folder / MODEL_FILE
    if not path.is_file():
        raise InputError(
            f"{folder} is no saved model: it has no {MODEL_FILE}; give the folder that --model-out wrote."
        )
    try:
        text = path.read_bytes().decode()
        state: dict[str, Any] = json.loads(text)
        found = state["format_version"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"the model file {path} is damaged ({error}); {AGAIN}") from error
    _refuse_unread(path, found, state.get("duramen_version", __version__))
    if found >= SEALED_SINCE and seal(text.replace(_seal_line(str(state.get("digest"))), "", 1)) != text:
        raise InputError(_changed(path))
    try:
        for step in range(found, FORMAT_VERSION):
            state = UPGRADES[step](state, folder)
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"the model file {path} is damaged ({error!r}); {AGAIN}") from error
    return state


def _refuse_unread(path: Path, found: Any, wrote: str) -> None:
    """Refuse a format that no step leads from."""
    if type(found) is not int or found < 1:
        raise InputError(f"{path} is of model format {found!r}, which no duramen writes; {AGAIN}")
    oldest = min(UPGRADES)
    if oldest <= found <= FORMAT_VERSION:
        return
    order = "newer" if found > FORMAT_VERSION else "older"
    raise InputError(
        f"{path} is of model format {found}, {order} than those that this duramen reads, {oldest} to "
        f"{FORMAT_VERSION}; {'' if wrote == __version__ else f'use duramen {wrote}, or '}train again."
    )


def _from_4(state: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Give every file a digest, of which the trees alone had one, and the version that was made from the content."""
    digests = state["tree_digests"]
    old = {key: value for key, value in state.items() if key not in ("duramen_version", "tree_digests")}
    learned = hashlib.sha256(json.dumps(old, indent=1, sort_keys=True).encode())
    for name in sorted(digests):
        learned.update(f"{name}\n".encode() + _content(folder / f"{name}.txt"))
    tables = [f"{name}.parquet" for name in ("judged", "importance", "shape", "growth_weight")]
    return old | {
        "format_version": 5,
        "duramen_version": state["duramen_version"],
        "model_version": f"{state['duramen_version']}+{learned.hexdigest()[:12]}",
        DIGESTS: {f"{name}.txt": digest for name, digest in digests.items()}
        | {name: _digest(_content(folder / name)) for name in tables},
    }


# From a format to the next one; the first of them is the oldest format that is read.
UPGRADES: dict[int, Callable[[dict[str, Any], Path], dict[str, Any]]] = {4: _from_4}
# The first format whose model.json holds its own digest.
SEALED_SINCE = 5


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise InputError(f"the model file {path} is missing; {AGAIN}")
    return path.read_bytes()


def _unchanged(path: Path, state: dict[str, Any]) -> bytes:
    """Return the content of a file, which must be the one that ``state`` was saved with."""
    content = _content(path)
    if _digest(content) != state[DIGESTS][path.name]:
        raise InputError(_changed(path))
    return content


def _changed(path: Path) -> str:
    return f"the model file {path} is not the one that was saved (damaged, cut short or changed); {AGAIN}"


def read_trees(folder: Path, name: str, state: dict[str, Any]) -> Any:
    """Return the LightGBM booster of that name, whose text must be the one that ``state`` was saved with."""
    import lightgbm as lgb

    path = folder / f"{name}.txt"
    # LightGBM ends the whole process on some damaged texts, so it is given none.
    text = _unchanged(path, state).decode()
    try:
        return lgb.Booster(model_str=text)
    except lgb.basic.LightGBMError as error:
        raise InputError(f"the model file {path} is damaged ({error}); {AGAIN}") from error


def read_table(folder: Path, name: str, state: dict[str, Any]) -> pd.DataFrame:
    """Return the table of that name, whose file must be the one that ``state`` was saved with."""
    path = folder / f"{name}.parquet"
    content = _unchanged(path, state)
    try:
        return pd.read_parquet(io.BytesIO(content))
    except (OSError, ValueError) as error:
        raise InputError(f"the model file {path} is damaged ({error}); {AGAIN}") from error
