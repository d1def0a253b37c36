"""Orders come in; how the model and plain baselines forecast at several past cutoffs goes out."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from duramen.cli.groups import TOGETHER, choose_groups, count_groups
from duramen.cli.inputs import given_orders
from duramen.cli.recording import UNRECORDED, recorded
from duramen.cli.terminal import console, show_backtest, step, tell, tell_run
from duramen.data.customer_file import CHANNEL
from duramen.data.transactions import Transactions
from duramen.data.windows import Window, choose_horizon
from duramen.errors import InputError


def backtest(options: dict[str, Any]) -> None:
    """Judge the model beside plain baselines at several past cutoffs."""
    from duramen.evaluation.backtesting import backtest as judge
    from duramen.io import saved_model
    from duramen.report.backtest import BACKTEST_FILE, draw_backtest, write_backtest
    from duramen.tracking.record import record_backtest

    out = Path(options.get("out", "backtest"))
    saved_model.refuse_occupied(out, BACKTEST_FILE, "backtest")
    everybody, kind = given_orders(options), options.get("kind")
    windows = _backtest_windows(everybody, options)
    if kind is None and all(count_groups(everybody)):
        console.print(
            f"Channel and end customers are tested as one; --kind {CHANNEL} or --kind end tests one of them."
        )
    (group,) = choose_groups(everybody, kind or TOGETHER)
    with step("Forecasting at each cutoff and judging what came"):
        tested = judge(group.tx, windows, seed=options.get("seed", 0))
    with step(f"Writing {out}"):
        drawings = draw_backtest(tested)
        write_backtest(tested, drawings, out)
    run = recorded(
        lambda: record_backtest(
            tested,
            group.tx,
            drawings,
            experiment=options.get("experiment", "duramen"),
            kind=group.kind,
            configuration=options,
        )
    )
    show_backtest(tested)
    tell("tables", out, "every figure, comparison and forecast, as CSV and Parquet; figures as SVG")
    if run is None:
        raise SystemExit(UNRECORDED)
    tell_run(run)


def _backtest_windows(tx: Transactions, options: dict[str, Any]) -> list[Window]:
    from duramen.evaluation.backtesting import backtest_windows

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
