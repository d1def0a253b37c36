"""A file of earlier scores with its sidecar comes in; the scores, with the window that they forecast, go out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from duramen.data.sources import open_source
from duramen.data.windows import Window
from duramen.data.workspace import open_workspace
from duramen.errors import InputError
from duramen.io.sidecar import file_digest, read_sidecar, sidecar_path

FORECASTS = ("predicted_value", "predicted_value_low", "predicted_value_high", "probability_active")


@dataclass(frozen=True)
class EarlierScores:
    """Scores that ``duramen score`` wrote, and what they were made of.

    Attributes
    ----------
    place : str
        The file.
    scores : pandas.DataFrame
        ``customer_id`` and ``FORECASTS``, in no order.
    window : Window
        What they forecast: from their cutoff over their horizon.
    unit : str
        Unit of money.
    model_version : str
        Of the model that made them.
    source_digest : str
        Fingerprint of the orders before the cutoff, as they were then.
    """

    place: str
    scores: pd.DataFrame
    window: Window
    unit: str
    model_version: str
    source_digest: str


def read_earlier_scores(path: str | Path) -> EarlierScores:
    """Read a file of scores, and from its sidecar the cutoff and the horizon.

    Parameters
    ----------
    path : str or Path
        Parquet or CSV that ``duramen score`` wrote, with the JSON beside it.

    Returns
    -------
    EarlierScores

    Raises
    ------
    InputError
        If there is no such file, it has no sidecar or one of another file, or it is not scores.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"there is no file {path}; give a file that duramen score wrote, in `scores`.")
    beside = sidecar_path(path)
    made_of = read_sidecar(beside)
    if made_of is None or "cutoff" not in made_of or "horizon_days" not in made_of:
        raise InputError(
            f"{path} has no sidecar {beside.name} beside it, so its cutoff and horizon are not known; keep the JSON "
            "that duramen score writes with the scores."
        )
    if file_digest(path) != made_of["sha256"]:
        raise InputError(
            f"{path} is not the file that {beside.name} describes (its sha256 differs); keep the two together as "
            "duramen score wrote them."
        )
    table = open_source(open_workspace(), path)
    if missing := [name for name in ("customer_id", *FORECASTS) if name not in table.columns]:
        raise InputError(
            f"{path} has no column {' or '.join(missing)}; give scores that duramen score wrote in `scores`."
        )
    scores = table.select("customer_id", *FORECASTS).to_pyarrow().to_pandas()
    scores[list(FORECASTS)] = scores[list(FORECASTS)].apply(pd.to_numeric, errors="coerce")
    _refuse_missing(scores, path)
    return EarlierScores(
        str(path),
        scores,
        Window(date.fromisoformat(str(made_of["cutoff"])), int(made_of["horizon_days"])),
        *(str(made_of.get(name, "")) for name in ("unit", "model_version", "source_digest")),
    )


def _refuse_missing(scores: pd.DataFrame, path: Any) -> None:
    if scores.empty:
        raise InputError(f"{path} has no customers; give scores with at least one.")
    if (bad := scores.isna().any()).any():
        name = bad.idxmax()
        raise InputError(
            f"{name} of {scores[name].isna().sum():,} rows of {path} is missing or not a number; give scores as "
            "duramen score wrote them."
        )
