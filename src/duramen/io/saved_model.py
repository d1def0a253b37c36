"""The state, trees and tables of a model come in; a folder goes out, whole or not at all, and back.

JSON, Parquet and LightGBM's own text: nothing in the folder can run code when it is read. ``model.json`` has the
digest of every other file, and its own in the first line. Digests show damage; they do not show who wrote the folder,
since anyone who can write to it can write them too.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from duramen._version import __version__
from duramen.errors import InputError
from duramen.io.atomic import atomic_folder
from duramen.io.model_contents import AGAIN, refuse_absurd_numbers, refuse_no_trees, refuse_other_columns

# What is in the folder, and how; a change that an older release would misread makes it one more, with a step in
# ``UPGRADES`` and a small model of the old format in tests/fixtures.
FORMAT_VERSION = 10
MODEL_FILE = "model.json"
# The key under which the state keeps the SHA-256 of each other file, by name.
DIGESTS = "digests"


class SavedModel(NamedTuple):
    """A model apart: its state in plain values, LightGBM boosters by name and frames by name."""

    state: dict[str, Any]
    trees: dict[str, Any]
    tables: dict[str, pd.DataFrame]


def refuse_occupied(folder: Path, known_by: str = MODEL_FILE, what: str = "model") -> None:
    """Refuse a folder with other content than a model, or than ``what`` it says: saving would replace it."""
    if folder.is_file() or (folder.is_dir() and not (folder / known_by).is_file() and any(folder.iterdir())):
        raise InputError(
            f"{folder} has something in it that is not a duramen {what}; choose another folder for the {what}."
        )


def write_model(folder: Path, saved: SavedModel, version: str) -> None:
    """Write a model to ``folder``, replacing the model that may be there.

    Parameters
    ----------
    folder : Path
    saved : SavedModel
    version : str
        The version of the model.

    Raises
    ------
    InputError
        If the folder has something in it that is not a model.
    """
    refuse_occupied(folder)
    with atomic_folder(folder) as beside:
        trees = {name: f"{name}_trees.txt" for name in saved.trees}
        tables = {name: f"{name}.parquet" for name in saved.tables}
        for name, booster in saved.trees.items():
            (beside / trees[name]).write_bytes(booster.model_to_string().encode())
        for name, table in saved.tables.items():
            table.to_parquet(beside / tables[name], index=False)
        written = {
            "duramen_version": __version__,
            "model_version": version,
            "trees": trees,
            "tables": tables,
            DIGESTS: {path.name: _digest(path.read_bytes()) for path in beside.iterdir()},
        }
        (beside / MODEL_FILE).write_bytes(seal(state_text(saved.state | written)).encode())


def read_model(folder: Path) -> SavedModel:
    """Return the model in ``folder``, in the present format where an older release wrote it.

    Its state has the entries of the file too, such as ``model_version``.

    Raises
    ------
    InputError
        If the folder is not a model, a file of it is missing, damaged or changed, or its format is newer, too old or
        unknown.
    """
    state = read_state(folder)
    with refuse_damaged(folder):
        # All files are checked before the first of them is parsed.
        trees, tables = (
            {name: (folder / file, _unchanged(folder / file, state)) for name, file in state[kind].items()}
            for kind in ("trees", "tables")
        )
        read = {name: _table(name, *file) for name, file in tables.items()}
        read["holdout"] = _with_baskets(read["holdout"])
        return SavedModel(state, {name: _trees(*file) for name, file in trees.items()}, read)


def _with_baskets(holdout: pd.DataFrame) -> pd.DataFrame:
    """Add the mean basket to a holdout of up to format 5, which has past spend and repeat purchase days alone."""
    if "basket_mean" in holdout:
        return holdout
    return holdout.assign(basket_mean=holdout["past_spend"] / (holdout["frequency"] + 1))


@contextmanager
def refuse_damaged(folder: Path) -> Iterator[None]:
    """Refuse a model in whose state something is missing or is of another kind than was saved."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"the model in {folder} is damaged ({error!r}); train or download it again."
        ) from error


def fingerprint(saved: SavedModel) -> str:
    """Return twelve digits that differ between models that learned something different."""
    digest = hashlib.sha256(state_text(saved.state).encode())
    for name, booster in sorted(saved.trees.items()):
        digest.update(f"{name}\n{booster.model_to_string()}".encode())
    return digest.hexdigest()[:12]


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
        If the folder is not a model, its JSON is damaged or changed, or its format is newer, too old or unknown.
    """
    path = folder / MODEL_FILE
    if not path.is_file():
        raise InputError(
            f"{folder} is not a saved model: it has no {MODEL_FILE}; give a folder that duramen train or "
            "CoreCustomerModel.save wrote."
        )
    try:
        text = path.read_bytes().decode()
        state: dict[str, Any] = json.loads(text)
        found = state["format_version"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"the model file {path} is damaged ({error}); {AGAIN}") from error
    _refuse_unread(path, found, state.get("duramen_version", __version__))
    if found >= SEALED_SINCE and seal(text.replace(_seal_line(str(state.get("digest"))), "", 1)) != text:
        raise InputError(_changed(path))
    try:
        for step in range(found, FORMAT_VERSION):
            state = UPGRADES[step](state, folder)
        refuse_absurd_numbers(path, state)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
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


# What format 5 kept of the forecast and of the explainer beside everything else.
_FORECAST = (
    "window", "source", "customers", "unit", "features", "money_unit", "btyd", "activity", "value", "distribution",
    "growth",
)  # fmt: skip
_EXPLAINER = ("typical", "average_facts")
# What could not be set until format 5.
SETTINGS_UNTIL_5 = {
    "btyd_models": ["BG/NBD", "MBG/NBD", "Pareto/NBD"],
    "training_cutoffs": 6,
    "calibrated": True,
    "trees": {
        "num_leaves": 7,
        "max_depth": 3,
        "learning_rate": 0.05,
        "rounds": 150,
        "min_leaf_customers": 20,
        "min_leaf_share": 0.002,
        "feature_fraction": 0.7,
        "bagging_fraction": 0.8,
        "lambda_l2": 1.0,
    },
}


def _from_5(state: dict[str, Any], _folder: Path) -> dict[str, Any]:
    """Put what was learned under the part that learned it, and name the files of trees and tables."""
    of_segments = state["segments"]["notes"]
    parameters = dict(state["parameters"])
    settings = SETTINGS_UNTIL_5 | {"training_customers": parameters.pop("training_customers")}
    forecast = {key: state[key] for key in _FORECAST} | {
        "holdout_window": state["judged_window"],
        "notes": [note for note in state["notes"] if note not in of_segments],
    }
    moved = {*_FORECAST, *_EXPLAINER, "judged_window", "base_gap"}
    return {key: value for key, value in state.items() if key not in moved} | {
        "format_version": 6,
        "parameters": parameters | {"forecast": settings},
        "forecast": forecast,
        "explainer": {key: state[key] for key in _EXPLAINER},
        "trees": {name.removesuffix("_trees"): f"{name}.txt" for name in state["trees"]},
        "tables": {
            "holdout": "judged.parquet",
            "importance": "importance.parquet",
            "dependence": "shape.parquet",
            "growth_weight": "growth_weight.parquet",
        },
    }


def _from_6(state: dict[str, Any], _folder: Path) -> dict[str, Any]:
    """Drop what growth learned, let the rising tier go by the growth rate, and have no thresholds of the base."""
    parameters, forecast = dict(state["parameters"]), dict(state["forecast"])
    del forecast["growth"]
    tiers = {key: value for key, value in parameters["tiers"].items() if key != "rising_ratio"}
    parameters["tiers"] = tiers | {"rising_growth": 0.0}
    segments = dict(state["segments"])
    for settings in (parameters, segments):
        settings["treatments"] = _renamed(settings["treatments"])
    return state | {
        "format_version": 7,
        "parameters": parameters,
        "forecast": forecast,
        "segments": segments,
        "placement": None,
    }


def _renamed(treatments: dict[str, str] | None) -> dict[str, str] | None:
    """Return treatments under the present kinds of segments; that of outliers, which are none now, is left out."""
    if treatments is None:
        return None
    words = {"fading": "at risk", "quiet": "lapsed", "active": "active"}
    kinds = {kind: kind.split(" ", 1) for kind in treatments}
    return {
        f"{words[kinds[kind][0]]} {kinds[kind][1]}": text
        for kind, text in treatments.items()
        if kinds[kind][0] in words
    }


# Stages that a segment called active had customers of.
_ACTIVE_STAGES = ("building", "growing", "steady", "declining", "recovered")


def _from_7(state: dict[str, Any], _folder: Path) -> dict[str, Any]:
    """Move the treatments of segments to the tiers, by stage, and go by the plain levels of activity, not kept then."""
    parameters, segments = dict(state["parameters"]), dict(state["segments"])
    tiers = {
        key: {"name": value["name"], "service": value["treatment"]} if isinstance(value, dict) else value
        for key, value in parameters["tiers"].items()
    }
    del segments["treatments"]
    segments["activity_levels"] = {"active_from": 0.5, "lapsed_below": 0.2}
    segments["profile"] = {key: value for key, value in segments["profile"].items() if key != "treatment"}
    tiers["treatments"] = _by_stage(parameters.pop("treatments") or {})
    parameters["tiers"] = tiers
    return state | {"format_version": 8, "parameters": parameters, "segments": segments}


def _by_stage(treatments: dict[str, str]) -> dict[str, str]:
    """Return treatments of kinds of segments ("active frequent") by the stages of their customers.

    Examples
    --------
    >>> _by_stage({"lapsed one-time": "a card"})
    {'lapsed one-time': 'a card'}
    """
    by_stage: dict[str, str] = {}
    for kind, text in treatments.items():
        activity, often = kind.rsplit(" ", 1)
        stages = _ACTIVE_STAGES if activity == "active" else (activity,)
        by_stage |= {f"{stage} {often}": text for stage in stages}
    return by_stage


def _from_8(state: dict[str, Any], _folder: Path) -> dict[str, Any]:
    """Keep the forecast as it was: spend from repeat purchases by gamma-gamma alone; its total had no interval."""
    forecast = dict(state["forecast"])
    btyd = forecast["btyd"]
    forecast["btyd"] = btyd | {"spend_kind": "gamma-gamma", "spend": btyd["spend"] | {"purchases": "repeat"}}
    forecast["value"] = forecast["value"] | {"total": None, "total_error": None}
    return state | {"format_version": 9, "forecast": forecast}


def _from_9(state: dict[str, Any], _folder: Path) -> dict[str, Any]:
    """Keep notes as they are: plain texts are read as sentences without values."""
    return state | {"format_version": 10}


# From a format to the next one; the first of them is the oldest format that is read.
UPGRADES: dict[int, Callable[[dict[str, Any], Path], dict[str, Any]]] = {
    4: _from_4,
    5: _from_5,
    6: _from_6,
    7: _from_7,
    8: _from_8,
    9: _from_9,
}
# The first format whose model.json has its own digest.
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


def _trees(path: Path, content: bytes) -> Any:
    """Return the LightGBM booster of a file, which must be unchanged: some others end the process."""
    import lightgbm as lgb

    refuse_no_trees(path, content)
    try:
        return lgb.Booster(model_str=content.decode())
    except lgb.basic.LightGBMError as error:
        raise InputError(f"the model file {path} is damaged ({error}); {AGAIN}") from error


def _table(name: str, path: Path, content: bytes) -> pd.DataFrame:
    try:
        table = pd.read_parquet(io.BytesIO(content))
    except (OSError, ValueError) as error:
        raise InputError(f"the model file {path} is damaged ({error}); {AGAIN}") from error
    refuse_other_columns(path, name, table)
    return table
