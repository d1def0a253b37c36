"""Options come in; orders are read, models fitted, files written and what came out is told. Called by the command line.

Each command is the whole way through the house in the order in which it runs.
"""

from __future__ import annotations

import time
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from duramen.data.customers import customer_table
from duramen.data.errors import InputError
from duramen.data.transactions import Transactions, read_transactions
from duramen.data.windows import Window, choose_horizon, parse_day
from duramen.terminal import (
    console,
    show_audit,
    show_backtest,
    show_ranking,
    show_scorecard,
    step,
    tell,
    tell_quarantine,
    tell_run,
)

if TYPE_CHECKING:
    from duramen.analysis.ranked import Ranked
    from duramen.scoring.model import CoreCustomerModel
    from duramen.scoring.ranking import Tiers

OPEN_REPORT = "open it in a browser; it needs no network"
READ_OPTIONS = (
    "customer_id",
    "date",
    "amount",
    "columns",
    "customers",
    "date_format",
    "decimal",
    "currency",
    "memory_limit",
)


def train(options: dict[str, Any]) -> None:
    """Fit, judge, save and record a model."""
    model_out = Path(options.get("model_out", "model"))
    _refuse_occupied(model_out)
    _refuse_homeless_report(options)
    if "cost_to_serve" in options and "report" not in options:
        raise InputError(
            "costs to serve change the ranking and no model, and without --report training ranks nobody; name a "
            "report, or give the costs to duramen score."
        )
    tiers = _tiers(options)
    tx = _read(options)
    window = _choose_window(tx, options)
    customers = customer_table(tx, window.cutoff)
    cost = _read_costs(customers, options)
    model, card = _fit(tx, window, options, tiers)
    _save(model, tx, model_out)
    run = _record(model, card, tx, options)
    show_scorecard(card, model)
    tell("model", model_out, f"duramen score ORDERS --model {model_out}")
    tell_quarantine(tx, model_out / "quarantine.csv")
    tell_run(run)
    if "report" in options:
        ranked = _rank(model, tx, customers, cost, model.tiers)
        tell("report", _write_report(Path(options["report"]), model, card, tx, ranked), OPEN_REPORT)


def score(options: dict[str, Any]) -> None:
    """Rank the customers of orders with a saved model."""
    from duramen.analysis.scorecard import scorecard
    from duramen.scoring.batch import check_scores_path, write_scores

    out = Path(options.get("out", "scores.parquet"))
    check_scores_path(out)
    _refuse_homeless_report(options)
    explanations = _explanations_path(options)
    _refuse_shared_paths(options, out)
    _tiers(options)
    model = _load(options)
    tiers = _tiers(options, model.tiers) or model.tiers
    tx = _read(options)
    customers = customer_table(tx, _choose_cutoff(tx, options))
    cost = _read_costs(customers, options)
    ranked = _rank(model, tx, customers, cost, tiers)
    with step(f"Writing {out}"):
        write_scores(ranked.ranking, out)
        if tx.set_aside:
            tx.write_quarantine(_quarantine_path(out))
    show_ranking(ranked.ranking, model, ranked.tiers, ranked.market)
    tell("scores", out, f"{len(ranked.ranking):,} customers, best first")
    tell_quarantine(tx, _quarantine_path(out))
    if explanations is not None:
        _write_explanations(model, ranked, explanations)
    if "report" in options:
        report = _write_report(Path(options["report"]), model, scorecard(model.judged_), tx, ranked)
        tell("report", report, OPEN_REPORT)


def backtest(options: dict[str, Any]) -> None:
    """Judge the model beside plain baselines at several past cutoffs."""
    from duramen.analysis.backtest import backtest as judge
    from duramen.report.backtest import BACKTEST_FILE, draw_backtest, write_backtest
    from duramen.scoring.artefact import refuse_occupied
    from duramen.tracking.record import record_backtest

    out = Path(options.get("out", "backtest"))
    refuse_occupied(out, BACKTEST_FILE, "backtest")
    tx = _read(options)
    windows = _backtest_windows(tx, options)
    with step("Forecasting at each cutoff and judging what came"):
        tested = judge(tx, windows, seed=options.get("seed", 0))
    with step(f"Writing {out}"):
        drawings = draw_backtest(tested)
        write_backtest(tested, drawings, out)
    with step("Recording in MLflow"):
        run = record_backtest(tested, tx, drawings, experiment=options.get("experiment", "duramen"))
    show_backtest(tested)
    tell("tables", out, "every figure, comparison and forecast, as CSV and Parquet; figures as SVG")
    tell_run(run)


def _backtest_windows(tx: Transactions, options: dict[str, Any]) -> list[Window]:
    from duramen.analysis.backtest import backtest_windows

    if {"cutoff", "cutoffs"} <= options.keys():
        raise InputError("both cutoff and cutoffs are given; give the days themselves, or how many of them.")
    horizon = options.get("horizon", choose_horizon(tx.first_date, tx.last_date + timedelta(days=1)))
    if "cutoff" in options:
        days = options["cutoff"] if isinstance(options["cutoff"], list) else [options["cutoff"]]
        windows = [Window(day, horizon) for day in days]
    else:
        windows = backtest_windows(tx, horizon, options.get("cutoffs", 3))
    console.print(
        f"Forecast over {windows[0].horizon} days from {', '.join(str(window.cutoff) for window in windows)}; "
        "each time only what lies before is known.",
        soft_wrap=True,
    )
    return windows


def audit(options: dict[str, Any]) -> None:
    """Examine anybody's segments by the seven ways in which segmentations go wrong."""
    from duramen.analysis.assignment import read_assignment
    from duramen.analysis.audit import audit as examine
    from duramen.analysis.audit import choose_cutoff
    from duramen.analysis.bought import bought_by_customer
    from duramen.report.audit import check_audit_path, write_audit

    out = Path(options.get("out", "audit.html"))
    check_audit_path(out, *(options.get(key) for key in ("segments", "orders", "previous", "treatment")))
    if "segments" not in options:
        raise InputError("no segments are given; name a CSV or Parquet file with customer_id and segment.")
    told = {key: options[key] for key in ("segment", "treatment", "assigned_on") if key in options}
    assignment = read_assignment(options["segments"], **told)
    segment = {"segment": options["segment"]} if "segment" in options else {}
    previous = read_assignment(options["previous"], **segment) if "previous" in options else None
    tx = _read(options)
    cutoff = choose_cutoff(tx, assignment, options.get("cutoff"))
    with step("Examining the segments"):
        written = {key: options[key] for key in ("date_format", "decimal") if key in options}
        examined = examine(
            tx,
            assignment,
            bought=bought_by_customer(options["orders"], tx, cutoff, **written),
            cutoff=cutoff,
            horizon=options.get("horizon"),
            previous=previous,
            seed=options.get("seed", 0),
        )
    with step(f"Writing {out}"):
        write_audit(examined, out)
    show_audit(examined)
    tell("audit", out, "open it in a browser; it needs no network")
    tell("table", out.with_suffix(".csv"), f"and {out.with_suffix('.parquet')}")


def demo(out: Path) -> None:
    """Go the whole way on the CDNOW purchases."""
    from duramen.scoring.batch import write_scores

    started = time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    options = {"orders": "dataset:cdnow", "currency": "USD", "experiment": "duramen-demo"}
    _refuse_occupied(out / "model")
    tx = _read(options)
    window = _choose_window(tx, options)
    model, card = _fit(tx, window, options)
    ranked = _rank(model, tx, customer_table(tx, window.cutoff), None, model.tiers)
    with step("Writing the ranking and the model"):
        write_scores(ranked.ranking, out / "ranking.parquet")
        write_scores(ranked.ranking, out / "ranking.csv")
        _save(model, tx, out / "model")
    report = _write_report(out / "report.html", model, card, tx, ranked)
    run = _record(model, card, tx, options, report=report)
    show_ranking(ranked.ranking, model, ranked.tiers, ranked.market)
    show_scorecard(card, model)
    tell(
        "ranking",
        out / "ranking.parquet",
        f"and {out / 'ranking.csv'}: {len(ranked.ranking):,} customers, best first",
    )
    tell("report", report, OPEN_REPORT)
    tell("model", out / "model", f"duramen score ORDERS --model {out / 'model'}")
    tell_run(run)
    console.print(f"Done in {time.perf_counter() - started:.0f} s.")


def _read(options: dict[str, Any]) -> Transactions:
    if "orders" not in options:
        raise InputError(
            "no orders are given; name a file, a folder or a table, or set orders in the --config file."
        )
    with step("Reading and checking the orders"):
        tx = read_transactions(
            options["orders"], **{key: options[key] for key in READ_OPTIONS if key in options}
        )
    console.print(str(tx), highlight=False, markup=False, soft_wrap=True)
    return tx


def _choose_cutoff(tx: Transactions, options: dict[str, Any]) -> date:
    after_the_last = tx.last_date + timedelta(days=1)
    if "cutoff" not in options:
        return after_the_last
    cutoff = parse_day(options["cutoff"])
    if not tx.first_date < cutoff <= after_the_last:
        raise InputError(
            f"the cutoff {cutoff} lies outside the data: column {tx.columns['date']!r} of {tx.source} runs from "
            f"{tx.first_date} to {tx.last_date} in {tx.rows_used:,} rows; choose a day in it or the day after it."
        )
    return cutoff


def _choose_window(tx: Transactions, options: dict[str, Any]) -> Window:
    cutoff = _choose_cutoff(tx, options)
    if "horizon" in options:
        window = Window(cutoff, options["horizon"])
        console.print(f"History before {cutoff}, forecast over {window.horizon} days.")
    else:
        window = Window(cutoff, choose_horizon(tx.first_date, cutoff))
        console.print(
            f"History before {cutoff}, forecast over {window.horizon} days: the longest usual horizon that fits three "
            f"times into {(cutoff - tx.first_date).days} days of history (--horizon sets another)."
        )
    return window


def _fit(
    tx: Transactions, window: Window, options: dict[str, Any], tiers: Tiers | None = None
) -> tuple[CoreCustomerModel, pd.DataFrame]:
    from duramen.analysis.scorecard import scorecard
    from duramen.scoring.model import CoreCustomerModel

    given = ("growth_weight", "segment_weights", "treatments", "seed")
    parameters: dict[str, Any] = {key: options[key] for key in given if key in options}
    if tiers is not None:
        parameters["tiers"] = tiers
    with step("Fitting the models"):
        model = CoreCustomerModel(**parameters).fit(tx, window)
    with step("Judging the forecasts on held-out purchases"):
        card = scorecard(model.judged_)
    return model, card


def _tiers(options: dict[str, Any], base: Tiers | None = None) -> Tiers | None:
    """Return the tiers that are set, with those of ``base`` where nothing is."""
    from duramen.scoring.ranking import Tiers

    return Tiers.from_dict(options["tiers"], base) if "tiers" in options else None


def _read_costs(customers: pd.DataFrame, options: dict[str, Any]) -> pd.Series[float] | None:
    """Return the cost to serve of each customer, refused before any model is fitted where it is not sound."""
    from duramen.data.costs import read_costs
    from duramen.scoring.ranking import costs_of

    if "cost_to_serve" not in options:
        return None
    cost = read_costs(options["cost_to_serve"], customers["customer_id"], decimal=options.get("decimal", "."))
    costs_of(customers, cost)
    return cost


def _rank(
    model: CoreCustomerModel,
    tx: Transactions,
    customers: pd.DataFrame,
    cost: pd.Series[float] | None,
    tiers: Tiers,
) -> Ranked:
    from duramen.analysis.ranked import rank_with_markets

    with step("Scoring, explaining and ranking every customer"):
        return rank_with_markets(model, tx, customers, cost, tiers)


def _load(options: dict[str, Any]) -> CoreCustomerModel:
    from duramen.scoring.model import CoreCustomerModel

    address = str(options.get("model", "model"))
    with step(f"Loading the model {address}"):
        if address.startswith(("models:/", "runs:/")):
            from duramen.tracking.store import load_model

            return load_model(address)
        return CoreCustomerModel.load(address)


def _refuse_occupied(model_out: Path) -> None:
    from duramen.scoring.artefact import refuse_occupied

    refuse_occupied(model_out)


def _refuse_homeless_report(options: dict[str, Any]) -> None:
    """Refuse a report that cannot be written, before any work is done."""
    from duramen.scoring.batch import refuse_unwritable

    if "report" in options:
        refuse_unwritable(Path(options["report"]), "--report")


def _refuse_shared_paths(options: dict[str, Any], out: Path) -> None:
    """Refuse to write two files to one place, or over a file that is read."""
    named = {"--out": out, "--out's quarantine": _quarantine_path(out)}
    named |= {
        f"--{name}".replace("_", "-"): Path(options[name])
        for name in ("explanations", "report", "cost_to_serve")
        if name in options
    }
    named["the orders"] = Path(str(options.get("orders", "")))
    places: dict[Path, str] = {}
    for name, path in named.items():
        if (other := places.setdefault(path.resolve(), name)) != name:
            raise InputError(f"{other} and {name} are both {path}; give each a place of its own.")


def _explanations_path(options: dict[str, Any]) -> Path | None:
    from duramen.scoring.batch import check_explanations_path

    if "explanations" not in options:
        return None
    path = Path(options["explanations"])
    check_explanations_path(path)
    return path


def _write_explanations(model: CoreCustomerModel, ranked: Ranked, path: Path) -> None:
    from duramen.scoring.batch import write_explanations

    with step(f"Writing {path}"):
        rows = write_explanations(model.explain_blocks(ranked.customers, cost_to_serve=ranked.cost), path)
    tell("explained", path, f"{rows:,} factors and terms, by customer")


def _save(model: CoreCustomerModel, tx: Transactions, model_out: Path) -> None:
    model.save(model_out)
    if tx.set_aside:
        tx.write_quarantine(model_out / "quarantine.csv")


def _record(
    model: Any, card: pd.DataFrame, tx: Transactions, options: dict[str, Any], *, report: Path | None = None
) -> Any:
    from duramen.report.figures import judged_figures
    from duramen.tracking.record import record_training

    with step("Recording in MLflow"):
        experiment = options.get("experiment", "duramen")
        figures = judged_figures(model.judged_)
        return record_training(model, card, tx, experiment=experiment, figures=figures, report=report)


def _write_report(
    path: Path, model: CoreCustomerModel, card: pd.DataFrame, tx: Transactions, ranked: Ranked
) -> Path:
    from duramen.report.of_model import write_model_report

    with step("Drawing the report"):
        write_model_report(path, model, card, tx, ranked)
    return path


def _quarantine_path(out: Path) -> Path:
    return out.with_name(f"{out.stem}.quarantine.csv")
