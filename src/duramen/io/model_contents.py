"""What was read of a saved model comes in; it goes out unchanged, or is refused where no release can have saved it.

Digests show damage. These checks are for files that are whole and wrong: of another program, or changed by hand.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from duramen.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

# No amount, rate or parameter of a fit comes near it, and products of a few such numbers are still finite.
LARGEST = 1e60
# What describes the fit, is never computed with, and may be unknown.
DESCRIPTIONS = frozenset(
    (
        "average_facts",
        "candidates",
        "changes",
        "convergence",
        "log_covariance",
        "log_likelihood",
        "profile",
        "rule_fidelity",
        "stability",
    )
)
# The columns that every release wrote.
TABLE_COLUMNS = {
    "holdout": (
        "customer_id", "purchases", "active", "actual_value", "predicted_value", "btyd_value", "trees_value",
        "two_stage_value", "probability_active", "btyd_probability", "trees_probability", "past_spend", "frequency",
        "time_since_last", "segment",
    ),
    "importance": ("model", "feature", "meaning", "mean_abs_shap", "unit"),
    "dependence": ("part", "feature", "from_", "to", "value", "customers", "effect", "low", "high", "unit"),
    "growth_weight": ("weight", "captured", "difference", "low", "high"),
}  # fmt: skip
AGAIN = "train or download the model again."


def refuse_absurd_numbers(path: Path, state: dict[str, Any]) -> None:
    """Refuse a state with a number to compute with that is missing, infinite or beyond all measure.

    Raises
    ------
    InputError
        With the names of the first such numbers and how many there are.
    """
    wrong = [f"{name} is {value!r}" for name, value in _numbers(state, "") if not abs(value) <= LARGEST]
    if wrong:
        raise InputError(
            f"the model file {path} has {len(wrong)} numbers that no training gives (for example "
            f"{', '.join(wrong[:3])}); {AGAIN}"
        )


def _numbers(value: Any, name: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in DESCRIPTIONS:
                yield from _numbers(inner, f"{name}.{key}".removeprefix("."))
    elif isinstance(value, list):
        for inner in value:
            yield from _numbers(inner, name)
    elif isinstance(value, float) or (type(value) is int and not math.isfinite(_as_float(value))):
        yield name, _as_float(value)


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def refuse_other_columns(path: Path, name: str, table: pd.DataFrame) -> None:
    """Refuse a table of a model without the columns that each release wrote, or with text where numbers are."""
    missing = [column for column in TABLE_COLUMNS.get(name, ()) if column not in table]
    if missing:
        raise InputError(
            f"the model file {path} is not the table {name} of a model: it lacks {len(missing)} columns (for example "
            f"{', '.join(missing[:3])}); {AGAIN}"
        )


def refuse_no_trees(path: Path, content: bytes) -> None:
    """Refuse what LightGBM did not write: some other texts would end the process."""
    if not content.startswith(b"tree\n") or b"\nend of trees\n" not in content:
        raise InputError(f"the model file {path} is not a LightGBM model; {AGAIN}")
