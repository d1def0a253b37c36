"""Orders come in; how the model and plain baselines forecast at several past cutoffs goes out."""

from __future__ import annotations

from duramen.cli.backtest_tables import show_comparisons, show_figures
from duramen.cli.config.cutoffs import BacktestConfig
from duramen.cli.groups import TOGETHER, choose_groups, count_groups
from duramen.cli.inputs import choose_windows, read_customers, read_features, read_orders
from duramen.cli.next_commands import orders_command, store_commands
from duramen.cli.progress import step
from duramen.cli.ranking import NOT_DRAWN
from duramen.cli.recording import UNRECORDED, recorded
from duramen.cli.terminal import show_lines, show_next, show_place, show_run
from duramen.language import say, translated


def backtest(config: BacktestConfig) -> None:
    """Compare the model with plain baselines at several past cutoffs."""
    from duramen.evaluation import backtesting
    from duramen.io import saved_model
    from duramen.io.files import refuse_unwritable_folder
    from duramen.report.backtest import BACKTEST_FILE, draw_backtest, write_backtest
    from duramen.report.drawing import missing_package
    from duramen.tracking.record import record_backtest

    refuse_unwritable_folder(config.out, "out")
    saved_model.refuse_occupied(config.out, BACKTEST_FILE, "backtest")
    tx = read_orders(config.orders, config, read_customers(config), read_features(config))
    windows = choose_windows(tx, config)
    if config.kind is None and all(count_groups(tx)):
        show_lines(
            say(
                "Channel and end customers are tested as one; --kind channel or --kind end tests one of them."
            )
        )
    (group,) = choose_groups(tx, config.kind or TOGETHER)
    with step(say("Forecasting at each cutoff and comparing with the outcomes")):
        tested = backtesting.backtest(
            group.tx, windows, forecast=config.forecast.settings(), seed=config.seed, seeds=config.seeds
        )
    with step(say("Writing {place}", place=str(config.out))):
        drawings = {} if missing_package() else draw_backtest(tested)
        write_backtest(tested, drawings, config.out)
    run = recorded(
        lambda: record_backtest(
            tested,
            group.tx,
            drawings,
            experiment=config.experiment,
            kind=group.kind,
            configuration=config.recorded(),
        )
    )
    if config.verbose:
        show_figures(tested)
    show_comparisons(tested, verbose=config.verbose)
    show_place(
        say("tables"),
        config.out,
        say("every figure and forecast, as CSV and Parquet, with drawings")
        if drawings
        else say(
            "every figure and forecast, as CSV and Parquet; no drawings: {how}", how=translated(NOT_DRAWN)
        ),
    )
    if run is not None:
        show_run(run)
    horizon = f"{windows[-1].horizon}d"
    kind = [] if config.kind is None else ["--kind", config.kind]
    train = orders_command("train", config.orders, config, "--horizon", horizon, *kind)
    show_next([train, *store_commands(run)])
    if run is None:
        raise SystemExit(UNRECORDED)
