"""What a command made comes in; its run in MLflow goes out, or a sentence that says why not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from duramen.cli.ending import show_error
from duramen.cli.groups import Group
from duramen.cli.progress import step
from duramen.language import say

if TYPE_CHECKING:
    from duramen.tracking.record import RecordedRun


# The exit status where all was computed and written, and only MLflow has no record of it.
UNRECORDED = 1


def record_model(
    model: Any,
    card: pd.DataFrame,
    group: Group,
    *,
    experiment: str,
    configuration: Mapping[str, Any],
    report: Path | None = None,
) -> RecordedRun | None:
    """Record the training of a group, with its figures."""
    from duramen.report.drawing import missing_package
    from duramen.report.figures import effect_figures, holdout_figures
    from duramen.tracking.record import record_training

    return recorded(
        lambda: record_training(
            model,
            card,
            group.tx,
            experiment=experiment,
            figures={}
            if missing_package()
            else holdout_figures(model.holdout_) | effect_figures(model.importance_, model.dependence_),
            report=report,
            kind=group.kind,
            configuration=configuration,
        )
    )


def recorded(record: Callable[[], RecordedRun]) -> RecordedRun | None:
    """Return the run, or show why there is none: what was written before is kept."""
    from duramen.tracking.run import RecordingError

    try:
        with step(say("Recording in MLflow"), "record"):
            return record()
    except RecordingError as error:
        show_error(
            f"{str(error).rstrip('.')}; what was written is kept, and docs/how-to/mlflow.md shows how to record it "
            "later."
        )
        return None
