"""A folder comes in; everything that duramen makes of the purchases of CDNOW's customers goes out."""

from __future__ import annotations

import time

from duramen.cli.config.commands import DemoConfig, TrainConfig
from duramen.cli.groups import Group
from duramen.cli.inputs import choose_window, read_orders
from duramen.cli.output_paths import refuse_occupied
from duramen.cli.ranking import NOT_DRAWN, OPEN_REPORT, rank_customers, write_report
from duramen.cli.recording import UNRECORDED, record_model
from duramen.cli.terminal import console, show_place, show_ranking, show_run, show_scorecard, step
from duramen.cli.train import build_model, fit_and_evaluate, save_models


def demo(config: DemoConfig) -> None:
    """Do everything with the CDNOW purchases; the results of an earlier demo in the folder are replaced."""
    from duramen.io.files import refuse_unwritable_folder, write_scores
    from duramen.report.drawing import missing_package
    from duramen.tracking.model_card import model_card

    started = time.perf_counter()
    out = config.out
    training = TrainConfig(
        orders="dataset:cdnow", currency="USD", experiment="duramen-demo", model_out=out / "model"
    )
    refuse_unwritable_folder(training.model_out, "out")
    refuse_occupied(training.model_out, overwrite=True, apart=False)
    out.mkdir(parents=True, exist_ok=True)
    group = Group("", read_orders(training.orders, training))
    window = choose_window(group.tx, training.cutoff, training.horizon)
    model, card = fit_and_evaluate(build_model(training), group, window)
    ranked = rank_customers(model, group, window.cutoff, None, model.tiers)
    with step("Writing the ranking and the model"):
        write_scores(ranked.ranking, out / "ranking.parquet")
        write_scores(ranked.ranking, out / "ranking.csv")
        save_models({"": model}, group.tx, training.model_out, {"": model_card(model, card, group.tx)})
    report = None if missing_package() else out / "report.html"
    if report is not None:
        write_report(report, model, card, group, ranked, training.portfolio.axes())
    run = record_model(
        model,
        card,
        group,
        experiment=training.experiment,
        configuration=training.recorded(),
        report=report,
    )
    show_ranking(ranked.ranking, ranked.ranking, model, ranked.tiers, ranked.market)
    show_scorecard(card, model)
    show_place(
        "ranking",
        out / "ranking.parquet",
        f"and {out / 'ranking.csv'}: {len(ranked.ranking):,} customers, best first",
    )
    show_place("report", report or "none", OPEN_REPORT if report else NOT_DRAWN)
    show_place("model", training.model_out, f"duramen score ORDERS --model {training.model_out}")
    if run is not None:
        show_run(run)
    console.print(f"Done in {time.perf_counter() - started:.0f} s.")
    if run is None:
        raise SystemExit(UNRECORDED)
