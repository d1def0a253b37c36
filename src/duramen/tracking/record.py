"""A fitted model and its scorecard, or a backtest, come in; an MLflow run goes out. Called by the commands."""

from __future__ import annotations

import re
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from duramen.analysis.scorecard import OURS
from duramen.data.customers import customer_table
from duramen.data.transactions import Transactions
from duramen.scoring.ranking import THRESHOLDS, rank_core_customers
from duramen.tracking.store import MODEL_ARTEFACT, how_to_open, open_experiment, open_store

if TYPE_CHECKING:
    from duramen.analysis.backtest import Backtest
    from duramen.scoring.model import CoreCustomerModel

EXAMPLE_CUSTOMERS = 5
# What a machine that loads the model must install; their versions are those that fitted it.
REQUIREMENTS = (
    "duramen",
    "lightgbm",
    "pandas",
    "numpy",
    "scipy",
    "scikit-learn",
    "mlflow",
)


@dataclass(frozen=True)
class RecordedRun:
    """Where a run lies; that of a backtest has no model."""

    run_id: str
    experiment: str
    model_uri: str | None
    how_to_open: str


def record_training(
    model: CoreCustomerModel,
    scorecard: pd.DataFrame,
    tx: Transactions,
    *,
    experiment: str = "duramen",
    figures: Mapping[str, bytes] | None = None,
    report: Path | None = None,
    kind: str = "",
) -> RecordedRun:
    """Record a training as a parent run with a child run for each model.

    Parameters
    ----------
    model : CoreCustomerModel
        Fitted.
    scorecard : pandas.DataFrame
        ``duramen.scorecard(model.judged_)``.
    tx : Transactions
        What the model was fitted to.
    experiment : str
    figures : mapping of str to bytes, optional
        PNG images by name.
    report : Path, optional
        HTML report to keep with the run.
    kind : str, optional
        The group of customers, such as "channel", for the tag ``duramen.kind``.

    Returns
    -------
    RecordedRun
    """
    mlflow = open_store()
    experiment_id = open_experiment(mlflow, experiment)
    window, source = model.window_, Path(tx.source).name
    with mlflow.start_run(experiment_id=experiment_id, run_name=f"{source} {window}") as parent:
        mlflow.set_tags(
            {"duramen.version": version("duramen"), "duramen.model_version": model.model_version_}
            | _kind(kind)
        )
        mlflow.log_params(_parameters(model, tx))
        _log_dataset(mlflow, model, tx)
        mlflow.log_metrics(_metrics(scorecard[scorecard["model"] == OURS]))
        mlflow.log_text(scorecard.to_csv(index=False), "scorecard.csv")
        mlflow.log_text(model.importance_.to_csv(index=False), "importance.csv")
        mlflow.log_text(model.shape_.to_csv(index=False), "shape.csv")
        mlflow.log_text(model.growth_weight_curve_.to_csv(index=False), "growth_weight.csv")
        for name, png in (figures or {}).items():
            _log_bytes(mlflow, png, f"figures/{name}.png")
        if report is not None:
            mlflow.log_artifact(str(report))
        logged = _log_model(mlflow, model, tx)
        for name in scorecard["model"].unique():
            with mlflow.start_run(experiment_id=experiment_id, run_name=str(name), nested=True):
                mlflow.log_params(_model_parameters(str(name), model))
                mlflow.log_metrics(_metrics(scorecard[scorecard["model"] == name]))
        with mlflow.start_run(experiment_id=experiment_id, run_name="segments", nested=True):
            mlflow.log_params({"segments": len(model.segments_.profile_), "seed": model.seed})
            mlflow.log_metrics(
                {
                    "stability_adjusted_rand": model.segments_.stability_,
                    "rule_fidelity": model.segments_.rule_fidelity_,
                }
            )
            mlflow.log_text(model.segments_.profile_.to_csv(index=False), "segments.csv")
    return RecordedRun(parent.info.run_id, experiment, logged.model_uri, how_to_open(mlflow))


def record_backtest(
    tested: Backtest,
    tx: Transactions,
    drawings: Mapping[str, str],
    *,
    experiment: str = "duramen",
    kind: str = "",
) -> RecordedRun:
    """Record a backtest as a parent run, with a child run for each model and baseline.

    Parameters
    ----------
    tested : Backtest
    tx : Transactions
        What was tested on.
    drawings : mapping of str to str
        SVG texts by name.
    experiment : str
    kind : str, optional
        The group of customers, such as "channel", for the tag ``duramen.kind``.

    Returns
    -------
    RecordedRun
        Without a model.
    """
    mlflow = open_store()
    experiment_id = open_experiment(mlflow, experiment)
    figures, name = tested.mean_figures(), f"backtest of {Path(tx.source).name}"
    parameters = {
        "source": tx.source,
        "cutoffs": ", ".join(window.cutoff.isoformat() for window in tested.windows),
        "horizon_days": ", ".join(
            str(days) for days in sorted({window.horizon for window in tested.windows})
        ),
        "unit": tested.unit,
        "seed": tested.seed,
        "resamples": tested.resamples,
    }
    with mlflow.start_run(experiment_id=experiment_id, run_name=name) as parent:
        mlflow.set_tags(
            {"duramen.version": version("duramen"), "duramen.digest": tx.digest(tested.windows[-1].end)}
            | _kind(kind)
        )
        mlflow.log_params(parameters)
        mlflow.log_metrics(_metrics(figures[figures["model"] == OURS]))
        for name, table in tested.tables().items():
            if name != "forecasts":
                mlflow.log_text(table.to_csv(index=False), f"{name}.csv")
        for drawing, svg in drawings.items():
            mlflow.log_text(svg, f"figures/{drawing}.svg")
        for model in figures["model"].unique():
            with mlflow.start_run(experiment_id=experiment_id, run_name=str(model), nested=True):
                mlflow.log_metrics(_metrics(figures[figures["model"] == model]))
    return RecordedRun(parent.info.run_id, experiment, None, how_to_open(mlflow))


def _kind(kind: str) -> dict[str, str]:
    """Return the tag by which the runs of a group of customers are found."""
    return {"duramen.kind": kind} if kind else {}


def _parameters(model: CoreCustomerModel, tx: Transactions) -> dict[str, Any]:
    return {
        "source": tx.source,
        "cutoff": model.window_.cutoff.isoformat(),
        "horizon_days": model.window_.horizon,
        "judged_cutoff": model.judged_window_.cutoff.isoformat(),
        "judged_horizon_days": model.judged_window_.horizon,
        "unit": model.unit_,
        **{f"column.{role}": name for role, name in tx.columns.items()},
        **model.get_params(),
        "tiers": ", ".join(model.tiers.names),
        **{f"tiers.{name}": getattr(model.tiers, name) for name in THRESHOLDS},
    }


def _model_parameters(name: str, model: CoreCustomerModel) -> dict[str, Any]:
    if name == OURS:
        value, activity = model.value_, model.activity_
        return {
            "value_trees_weight": value.trees_weight_,
            "value_two_stage_weight": value.two_stage_weight_,
            "value_btyd_weight": value.btyd_weight_,
            "value_correction": value.correction_,
            "activity_trees_weight": activity.trees_weight_,
            "activity_btyd_weight": activity.btyd_weight_,
            "activity_intercept": activity.intercept_,
            "activity_slope": activity.slope_,
            "decline_weight": model.growth_.decline_weight_,
            "growth_weight_used": model.growth_weight_,
        }
    if name.startswith("BTYD"):
        return {
            "purchases": model.btyd_.kind_,
            **model.btyd_.purchases_.params_,
            **model.btyd_.spend_.params_,
            "net_ratio": model.btyd_.net_ratio_,
        }
    if name.startswith("LightGBM"):
        from duramen.models.later_fold import TREES_USES
        from duramen.models.trees import SETTINGS

        return SETTINGS | {"rounds": TREES_USES[0].rounds}
    return {"baseline": name}


def _metrics(rows: pd.DataFrame) -> dict[str, float]:
    """Return the figures by names that MLflow takes."""
    known = rows.dropna(subset=["figure"])
    names = (
        known["target"]
        + "."
        + known["metric"].map(lambda metric: re.sub(r"[^a-z0-9]+", "_", metric.lower()).strip("_"))
    )
    return dict(zip(names, known["figure"].astype(float), strict=True))


def _log_dataset(mlflow: Any, model: CoreCustomerModel, tx: Transactions) -> None:
    summary = tx.summary(model.window_.cutoff)
    facts = pd.DataFrame(
        [(name, str(value)) for name, value in vars(summary).items()], columns=["fact", "value"]
    )
    # MLflow knows files; a frame, a table or a packaged data set stands in the parameter "source".
    source = tx.source if Path(tx.source).exists() else None
    digest = tx.digest(model.window_.cutoff)
    with warnings.catch_warnings():
        # MLflow registers its reader of local files twice and then finds the two alike.
        warnings.filterwarnings("ignore", "The specified dataset source can be interpreted", UserWarning)
        dataset = mlflow.data.from_pandas(facts, source=source, name="transactions", digest=digest)
    mlflow.log_input(dataset, context="training")
    mlflow.log_text(str(summary), "transactions.txt")


def _log_model(mlflow: Any, model: CoreCustomerModel, tx: Transactions) -> Any:
    example = customer_table(tx, model.window_.cutoff).head(EXAMPLE_CUSTOMERS)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # Ids and ranks are whole numbers and never missing.
        warnings.filterwarnings("ignore", "Hint: Inferred schema contains integer", UserWarning)
        signature = mlflow.models.infer_signature(
            example, rank_core_customers(model.score(example), model.tiers)
        )
        return mlflow.pyfunc.log_model(
            name="model",
            python_model=str(Path(__file__).with_name("pyfunc.py")),
            artifacts={MODEL_ARTEFACT: str(model.save(Path(folder) / MODEL_ARTEFACT))},
            signature=signature,
            input_example=example,
            pip_requirements=[f"{package}=={version(package)}" for package in REQUIREMENTS],
        )


def _log_bytes(mlflow: Any, content: bytes, artefact: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / Path(artefact).name
        file.write_bytes(content)
        mlflow.log_artifact(str(file), str(Path(artefact).parent))
