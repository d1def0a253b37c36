"""A folder comes in; everything that duramen makes of the purchases of CDNOW's customers goes out."""

from __future__ import annotations

from duramen.cli.config.demo import DemoConfig
from duramen.cli.config.train import TrainConfig
from duramen.cli.details import show_ranking, show_scorecard
from duramen.cli.groups import Group
from duramen.cli.inputs import choose_window, read_orders
from duramen.cli.next_commands import next_commands
from duramen.cli.output_paths import refuse_occupied
from duramen.cli.progress import step, whole_run
from duramen.cli.ranking import NOT_DRAWN, rank_customers, write_report
from duramen.cli.recording import UNRECORDED, record_model
from duramen.cli.summary import show_files, show_result
from duramen.cli.terminal import show_next, show_place
from duramen.cli.train import build_model, fit_and_evaluate, save_models
from duramen.language import say


def demo(config: DemoConfig) -> None:
    """Do everything with the CDNOW purchases; the results of an earlier demo in the folder are replaced."""
    from duramen.io.files import refuse_unwritable_folder, write_scores
    from duramen.report.drawing import missing_package
    from duramen.tracking.model_card import model_card

    out = config.out
    training = TrainConfig(
        orders="dataset:cdnow",
        currency="USD",
        experiment="duramen-demo",
        model_out=out / "model",
        lang=config.lang,
        verbose=config.verbose,
    )
    refuse_unwritable_folder(training.model_out, "out")
    refuse_occupied(training.model_out, overwrite=True, apart=False)
    out.mkdir(parents=True, exist_ok=True)
    report = None if missing_package() else out / "report.html"
    with whole_run() as progress:
        group = Group("", read_orders(training.orders, training))
        window = choose_window(group.tx, training)
        progress.plan(["fit", "rank", "write", *(["draw"] if report else []), "record"], [group.customers])
        model, card = fit_and_evaluate(build_model(training), group, window)
        ranked = rank_customers(model, group, window.cutoff, None, model.tiers)
        with step(say("Writing the ranking and the model"), "write", group.customers):
            write_scores(ranked.ranking, out / "ranking.parquet")
            write_scores(ranked.ranking, out / "ranking.csv")
            save_models({"": model}, group.tx, training.model_out, {"": model_card(model, card, group.tx)})
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
    if config.verbose:
        show_ranking(ranked.ranking, ranked.ranking, model, ranked.tiers, ranked.market)
        show_scorecard(card, model)
    else:
        show_result(model, ranked.tiers, ranked.ranking, ranked.ranking, group, card)
    show_files(training.model_out, report, run, ranking=out / "ranking.csv")
    if report is None:
        show_place(say("report"), say("none"), say(NOT_DRAWN))
    show_next(next_commands(training, report=None, ranking=out / "scores.parquet", run=run))
    if run is None:
        raise SystemExit(UNRECORDED)
