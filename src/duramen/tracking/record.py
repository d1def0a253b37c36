"""A fitted model and its scorecard, or a backtest, come in; an MLflow run goes out. Called by the commands."""

from __future__ import annotations

import json
import re
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from importlib.metadata import distribution, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from duramen.data.customers import customer_table
from duramen.data.transactions import Transactions
from duramen.evaluation.forecasts import DURAMEN
from duramen.evaluation.registry import metric
from duramen.io.credentials import mask_credentials, mask_values
from duramen.tracking.model_card import MODEL_CARD, model_card
from duramen.tracking.parameters import forecast_parameters, training_parameters
from duramen.tracking.run import (
    DESCRIPTION,
    Artefacts,
    artefacts_of,
    git_tags,
    is_unreachable,
    open_run,
    package_versions,
    told_failures,
)
from duramen.tracking.serving import served_scores, signature_of
from duramen.tracking.store import MODEL_ARTEFACT, how_to_open, import_mlflow, open_experiment, open_store

if TYPE_CHECKING:
    from duramen.analysis.monitoring import Monitoring
    from duramen.evaluation.backtesting import Backtest
    from duramen.scoring.model import CoreCustomerModel

EXAMPLE_CUSTOMERS = 5
# Customers, spread over all, whose explanations are kept with the run: some 150 rows each.
EXPLAINED_CUSTOMERS = 20
EXPLANATIONS = "explanations.json"


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
    configuration: Mapping[str, Any] | None = None,
) -> RecordedRun:
    """Record a training as a parent run with a child run for each model.

    Parameters
    ----------
    model : CoreCustomerModel
        Fitted, or loaded from the folder where it was saved.
    scorecard : pandas.DataFrame
        ``duramen.scorecard(model.holdout_)``.
    tx : Transactions
        What the model was fitted to.
    experiment : str
    figures : mapping of str to bytes, optional
        PNG images by name.
    report : Path, optional
        HTML report to keep with the run.
    kind : str, optional
        The group of customers, such as "channel", for the tag ``duramen.kind``.
    configuration : mapping, optional
        The options of the command, kept as ``configuration.json``.

    Returns
    -------
    RecordedRun

    Raises
    ------
    RecordingError
        If the store cannot be reached or written; a run that was begun is marked as failed, and has no model.
    """
    mlflow = import_mlflow()
    with told_failures(mlflow), ExitStack() as children:
        open_store()
        client, experiment_id = mlflow.MlflowClient(), open_experiment(mlflow, experiment)
        of_model, digest = scorecard[scorecard["model"] == DURAMEN], tx.digest(model.window_.cutoff)
        tags = _tags(kind, digest) | {
            "duramen.model_version": model.model_version_,
            # By this MLflow knows a JSON file as a table.
            "mlflow.loggedArtifacts": json.dumps([{"path": EXPLANATIONS, "type": "table"}]),
            DESCRIPTION: _describe_training(model, tx, of_model),
        }
        customers = customer_table(tx, model.window_.cutoff)
        name = f"{_name(tx)} {model.window_}"
        with open_run(client, experiment_id, name, tags) as parent:
            _log_batch(mlflow, client, parent, training_parameters(model, tx), _metrics(of_model))
            _log_dataset(mlflow, client, parent, model, tx, digest)
            with artefacts_of(client, parent) as files:
                _write_training(files, model, scorecard, figures or {}, report)
                files.write(MODEL_CARD, model_card(model, scorecard, tx, kind=kind))
                files.write("transactions.txt", str(tx.summary(model.window_.cutoff)))
                _write_surroundings(files, configuration)
                spread = customers.iloc[:: max(1, len(customers) // EXPLAINED_CUSTOMERS)]
                explained = model.explain(spread.head(EXPLAINED_CUSTOMERS))
                files.write(EXPLANATIONS, explained.to_json(orient="split", index=False))
            segments = {
                DESCRIPTION: "Behavioural segments: how stable they are, and how well their rules describe them."
            }
            child = children.enter_context(open_run(client, experiment_id, "segments", segments, parent))
            _log_segments(mlflow, client, child, model)
            # What is newest stands first in MLflow's list, so the first is recorded last.
            for name in reversed(scorecard["model"].unique().tolist()):
                rows = scorecard[scorecard["model"] == name]
                tags = {DESCRIPTION: _describe_metrics(rows, model.unit_)}
                child = children.enter_context(open_run(client, experiment_id, str(name), tags, parent))
                _log_batch(mlflow, client, child, _model_parameters(str(name), model), _metrics(rows))
            # Last of all: a run that fails before has no model.
            children.close()
            logged = log_model(mlflow, client, parent, model, customers.head(EXAMPLE_CUSTOMERS))
    return RecordedRun(parent, experiment, logged.model_uri, how_to_open(mlflow))


def record_backtest(
    tested: Backtest,
    tx: Transactions,
    drawings: Mapping[str, str],
    *,
    experiment: str = "duramen",
    kind: str = "",
    configuration: Mapping[str, Any] | None = None,
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
    configuration : mapping, optional
        The options of the command, kept as ``configuration.json``.

    Returns
    -------
    RecordedRun
        Without a model.

    Raises
    ------
    RecordingError
        If the store cannot be reached or written; a run that was begun is marked as failed.
    """
    mlflow = import_mlflow()
    with told_failures(mlflow), ExitStack() as children:
        open_store()
        client, experiment_id = mlflow.MlflowClient(), open_experiment(mlflow, experiment)
        figures = tested.mean_figures()
        of_model = figures[figures["model"] == DURAMEN]
        parameters = {
            "source": tx.source,
            "cutoffs": ", ".join(window.cutoff.isoformat() for window in tested.windows),
            "horizon_days": ", ".join(
                str(days) for days in sorted({window.horizon for window in tested.windows})
            ),
            "unit": tested.unit,
            **forecast_parameters(tested.forecast),
            "seed": tested.seed,
            "resamples": tested.resamples,
        }
        what = f"Backtest at {parameters['cutoffs']}: means over the cutoffs, of customers known at each.\n\n"
        tags = _tags(kind, tx.digest(tested.windows[-1].end))
        tags |= {DESCRIPTION: what + _describe_metrics(of_model, tested.unit)}
        with open_run(client, experiment_id, f"backtest of {_name(tx)}", tags) as parent:
            _log_batch(mlflow, client, parent, parameters, _metrics(of_model))
            with artefacts_of(client, parent) as files:
                _write_surroundings(files, configuration)
                for name, table in tested.tables().items():
                    if name != "forecasts":
                        files.write(f"{name}.csv", table.to_csv(index=False))
                for drawing, svg in drawings.items():
                    files.write(f"figures/{drawing}.svg", svg)
            for name in reversed(figures["model"].unique().tolist()):
                rows = figures[figures["model"] == name]
                tags = {DESCRIPTION: _describe_metrics(rows, tested.unit)}
                child = children.enter_context(open_run(client, experiment_id, str(name), tags, parent))
                _log_batch(mlflow, client, child, {}, _metrics(rows))
            children.close()
    return RecordedRun(parent, experiment, None, how_to_open(mlflow))


def record_monitoring(
    found: Monitoring,
    tx: Transactions,
    *,
    experiment: str = "duramen",
    kind: str = "",
    configuration: Mapping[str, Any] | None = None,
) -> RecordedRun:
    """Record what became of a model since its training, as a run with the tag ``duramen.monitoring``.

    Its metrics are the number of ``alarms``, the index of each feature and score (``drift.NAME``), and the figures of
    the latest scores that are complete, by the names that they have in a training.

    Parameters
    ----------
    found : Monitoring
    tx : Transactions
        The orders up to now.
    experiment : str
    kind : str, optional
        The group of customers, such as "channel", for the tag ``duramen.kind``.
    configuration : mapping, optional
        The options of the command, kept as ``configuration.json``.

    Returns
    -------
    RecordedRun
        Without a model.

    Raises
    ------
    RecordingError
        If the store cannot be reached or written; a run that was begun is marked as failed.
    """
    mlflow = import_mlflow()
    with told_failures(mlflow):
        open_store()
        client, experiment_id = mlflow.MlflowClient(), open_experiment(mlflow, experiment)
        sentences = "".join(f"\n- {alarm.sentence}" for alarm in found.alarms) or "\n- none"
        tags = _tags(kind, tx.digest(found.cutoff)) | {
            "duramen.monitoring": "alarm" if found.alarms else "quiet",
            "duramen.model_version": found.model_version,
            DESCRIPTION: f"Monitoring from {found.since} to {found.cutoff}. Alarms:\n{sentences}",
        }
        parameters = {"source": tx.source, "since": found.since, "cutoff": found.cutoff, "unit": found.unit}
        latest = found.realised[found.realised["cutoff"] == found.realised["cutoff"].max()]
        # Columns of a feature file may have names that MLflow does not take.
        names = "drift." + found.drift["name"].astype(str).str.replace(r"[^\w./ -]+", "_", regex=True)
        drift = dict(zip(names, found.drift["psi"].astype(float), strict=True))
        metrics = {"alarms": float(len(found.alarms))} | drift | _metrics(latest)
        name = f"monitoring of {_name(tx)} {found.cutoff}"
        with open_run(client, experiment_id, name, tags) as run:
            _log_batch(mlflow, client, run, parameters, metrics)
            with artefacts_of(client, run) as files:
                _write_surroundings(files, configuration)
                files.write("drift.csv", found.drift.to_csv(index=False))
                files.write("realised.csv", found.realised.to_csv(index=False))
                files.write("monitoring.json", json.dumps(found.to_dict(), indent=2, ensure_ascii=False))
    return RecordedRun(run, experiment, None, how_to_open(mlflow))


def _name(tx: Transactions) -> str:
    return Path(tx.source).name


def _tags(kind: str, digest: str) -> dict[str, str]:
    """Return the tags by which runs are found: of the same data, the same code, or the same group of customers."""
    tags = {"duramen.version": version("duramen"), "duramen.digest": digest} | git_tags()
    return tags | ({"duramen.kind": kind} if kind else {})


def _describe_training(model: CoreCustomerModel, tx: Transactions, of_model: pd.DataFrame) -> str:
    holdout = model.holdout_window_
    notes = "".join(f"\n- {note}" for note in model.notes_)
    return (
        f"Core customers of {_name(tx)}: {model.forecast_.customers_:,} customers with a purchase "
        f"before {model.window_.cutoff}, forecast over {model.window_.horizon} days, money in {model.unit_}.\n\n"
        f"Figures are of forecasts made at {holdout.cutoff} over {holdout.horizon} days, compared with the outcomes. "
        f"Each model and simple method has a run of its own below this one.\n\n"
        f"{_describe_metrics(of_model, model.unit_)}"
        + (f"\n\nWhat the data could not support:\n{notes}" if notes else "")
    )


def _describe_metrics(rows: pd.DataFrame, unit: str) -> str:
    """Return a table in Markdown of each figure, its unit, what the metric is, and which way is better."""
    lines = ["| metric | figure | unit | meaning | better |", "| --- | ---: | --- | --- | --- |"]
    known = rows.dropna(subset=["figure"])
    for name, row in zip(_metric_names(known), known.itertuples(), strict=True):
        of = metric(str(row.target), str(row.metric))
        cells = name, f"{row.figure:.4g}", unit if of.unit == "money" else of.unit, of.meaning, of.direction
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _log_batch(
    mlflow: Any, client: Any, run: str, parameters: Mapping[str, Any], metrics: Mapping[str, float]
) -> None:
    from time import time

    entities, now = mlflow.entities, int(1000 * time())
    client.log_batch(
        run,
        metrics=[entities.Metric(name, figure, now, 0) for name, figure in metrics.items()],
        params=[entities.Param(name, mask_credentials(str(value))) for name, value in parameters.items()],
    )


def _write_training(
    files: Artefacts,
    model: CoreCustomerModel,
    scorecard: pd.DataFrame,
    figures: Mapping[str, bytes],
    report: Path | None,
) -> None:
    tables = {
        "scorecard": scorecard,
        "importance": model.importance_,
        "shape": model.dependence_,
        "growth_weight": model.growth_weight_curve_,
    }
    for name, table in tables.items():
        files.write(f"{name}.csv", table.to_csv(index=False))
    for name, png in figures.items():
        files.write(f"figures/{name}.png", png)
    if report is not None:
        files.write(report.name, report.read_bytes())


def _write_surroundings(files: Artefacts, configuration: Mapping[str, Any] | None) -> None:
    """Keep what the run was made with: the packages, and the options without the passwords of addresses."""
    files.write("packages.txt", package_versions())
    if configuration is not None:
        shown = mask_values(dict(configuration))
        files.write("configuration.json", json.dumps(shown, indent=1, sort_keys=True, default=str))


def _log_segments(mlflow: Any, client: Any, run: str, model: CoreCustomerModel) -> None:
    segments = model.segments_
    _log_batch(
        mlflow,
        client,
        run,
        {"segments": len(segments.profile_), "seed": model.seed},
        {"stability_adjusted_rand": segments.stability_, "rule_fidelity": segments.rule_fidelity_},
    )
    with artefacts_of(client, run) as files:
        files.write("segments.csv", segments.profile_.to_csv(index=False))


def _model_parameters(name: str, model: CoreCustomerModel) -> dict[str, Any]:
    if name == DURAMEN:
        value, activity = model.forecast_.value_, model.forecast_.activity_
        return {
            "value_trees_weight": value.trees_weight_,
            "value_two_stage_weight": value.two_stage_weight_,
            "value_btyd_weight": value.btyd_weight_,
            "value_correction": value.correction_,
            "activity_trees_weight": activity.trees_weight_,
            "activity_btyd_weight": activity.btyd_weight_,
            "activity_intercept": activity.intercept_,
            "activity_slope": activity.slope_,
            "growth_weight_used": model.growth_weight_,
        }
    if name.startswith("BTYD"):
        return {
            "purchases": model.forecast_.btyd_.kind_,
            **model.forecast_.btyd_.purchases_.params_,
            "spend": model.forecast_.btyd_.spend_kind_,
            **model.forecast_.btyd_.spend_.params_,
            "net_ratio": model.forecast_.btyd_.net_ratio_,
        }
    if name.startswith("LightGBM"):
        return asdict(model.forecast.trees)
    return {"baseline": name}


def _metrics(rows: pd.DataFrame) -> dict[str, float]:
    """Return the figures by names that MLflow takes."""
    known = rows.dropna(subset=["figure"])
    return dict(zip(_metric_names(known), known["figure"].astype(float), strict=True))


def _metric_names(rows: pd.DataFrame) -> pd.Series[str]:
    plain = rows["metric"].map(lambda metric: re.sub(r"[^a-z0-9]+", "_", metric.lower()).strip("_"))
    names: pd.Series[str] = rows["target"] + "." + plain
    return names


def _log_dataset(
    mlflow: Any, client: Any, run: str, model: CoreCustomerModel, tx: Transactions, digest: str
) -> None:
    summary = tx.summary(model.window_.cutoff)
    facts = pd.DataFrame(
        [(name, str(value)) for name, value in vars(summary).items()], columns=["fact", "value"]
    )
    # MLflow knows files; a frame, a table or a packaged data set stands in the parameter "source".
    source = tx.source if Path(tx.source).exists() else None
    with warnings.catch_warnings():
        # MLflow registers its reader of local files twice and then finds the two alike.
        warnings.filterwarnings("ignore", "The specified dataset source can be interpreted", UserWarning)
        dataset = mlflow.data.from_pandas(facts, source=source, name="transactions", digest=digest)
    context = mlflow.entities.InputTag("mlflow.data.context", "training")
    used = mlflow.entities.DatasetInput(dataset._to_mlflow_entity(), [context])
    try:
        client.log_inputs(run, datasets=[used])
    except mlflow.exceptions.MlflowException as error:
        if is_unreachable(error):
            raise
        # Two trainings of the same data at once both make its entry, and one of them fails; then it is there.
        client.log_inputs(run, datasets=[used])


def log_model(mlflow: Any, client: Any, run: str, model: CoreCustomerModel, example: pd.DataFrame) -> Any:
    """Log the model with the run; where that fails midway, no part of it stays."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # Ids are whole numbers and never missing.
        warnings.filterwarnings("ignore", "Hint: Inferred schema contains integer", UserWarning)
        signature = signature_of(mlflow, example, served_scores(model, example))
        saved = model.save(Path(folder) / MODEL_ARTEFACT)
        with _model_entry(client, run) as entry:
            return mlflow.models.Model.log(
                flavor=mlflow.pyfunc,
                run_id=run,
                python_model=str(Path(__file__).with_name("pyfunc.py")),
                artifacts={MODEL_ARTEFACT: str(saved)},
                signature=signature,
                input_example=example,
                pip_requirements=requirements(),
                **entry,
            )


@contextmanager
def _model_entry(client: Any, run: str) -> Iterator[dict[str, Any]]:
    """Give what names the model to MLflow: an entry of its own in MLflow 3, a folder of the run in MLflow 2."""
    if not hasattr(client, "create_logged_model"):
        yield {"artifact_path": "model"}
        return
    known = client.get_run(run)
    logged = client.create_logged_model(known.info.experiment_id, "model", run, params=known.data.params)
    # As with a run: failed until all of it is there.
    client.finalize_logged_model(logged.model_id, "FAILED")
    try:
        yield {"artifact_path": None, "model_id": logged.model_id}
    except Exception as error:
        # A server that is gone cannot be asked to forget.
        if not is_unreachable(error):
            with suppress(Exception):
                client.delete_logged_model(logged.model_id)
        raise


def requirements() -> list[str]:
    """Return what a machine that loads the model must install: the core of this package, as it is here."""
    core = [line for line in distribution("duramen").requires or () if "extra ==" not in line]
    names = ["duramen", *(re.split(r"[^\w.-]", line)[0] for line in core)]
    return [f"{name}=={version(name)}" for name in names]
