"""What a command made comes in; its run in MLflow goes out, or a sentence why there is none. Called by the commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from duramen.cli.groups import Group
from duramen.cli.terminal import step

if TYPE_CHECKING:
    from duramen.tracking.record import RecordedRun


# The exit status where all was computed and written, and only MLflow has no record of it.
UNRECORDED = 1


def record_model(
    model: Any, card: pd.DataFrame, group: Group, options: dict[str, Any], *, report: Path | None = None
) -> RecordedRun | None:
    """Record the training of a group, with its figures."""
    from duramen.report.figures import effect_figures, holdout_figures
    from duramen.tracking.record import record_training

    return recorded(
        lambda: record_training(
            model,
            card,
            group.tx,
            experiment=options.get("experiment", "duramen"),
            figures=holdout_figures(model.holdout_) | effect_figures(model.importance_, model.shape_),
            report=report,
            kind=group.kind,
            configuration=options,
        )
    )


def recorded(record: Callable[[], RecordedRun]) -> RecordedRun | None:
    """Return the run, or say why there is none: what was written before is kept and told of as ever."""
    import typer

    from duramen.tracking.run import RecordingError

    try:
        with step("Recording in MLflow"):
            return record()
    except RecordingError as error:
        typer.secho(
            f"duramen: {str(error).rstrip('.')}; what was written is kept, and docs/mlflow.md tells how to record it "
            "later.",
            err=True,
            fg="red",
        )
        return None
