"""A folder comes in; everything that duramen makes of the purchases of CDNOW's customers goes out."""

from __future__ import annotations

import time
from pathlib import Path

from duramen.cli.groups import Group
from duramen.cli.inputs import choose_window, given_orders
from duramen.cli.output_paths import refuse_occupied
from duramen.cli.ranking import OPEN_REPORT, rank_customers, write_report
from duramen.cli.recording import UNRECORDED, record_model
from duramen.cli.terminal import console, show_ranking, show_scorecard, step, tell, tell_run
from duramen.cli.train import fit_and_judge, save_models


def demo(out: Path) -> None:
    """Go the whole way on the CDNOW purchases."""
    from duramen.io.files import write_scores

    started = time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    options = {"orders": "dataset:cdnow", "currency": "USD", "experiment": "duramen-demo"}
    refuse_occupied(out / "model", apart=False)
    group = Group("", given_orders(options))
    window = choose_window(group.tx, options)
    model, card = fit_and_judge(group, window, options)
    ranked = rank_customers(model, group, window.cutoff, None, model.tiers)
    with step("Writing the ranking and the model"):
        write_scores(ranked.ranking, out / "ranking.parquet")
        write_scores(ranked.ranking, out / "ranking.csv")
        save_models({"": model}, group.tx, out / "model")
    report = write_report(out / "report.html", model, card, group, ranked, options)
    run = record_model(model, card, group, options, report=report)
    show_ranking(ranked.ranking, ranked.ranking, model, ranked.tiers, ranked.market)
    show_scorecard(card, model)
    tell(
        "ranking",
        out / "ranking.parquet",
        f"and {out / 'ranking.csv'}: {len(ranked.ranking):,} customers, best first",
    )
    tell("report", report, OPEN_REPORT)
    tell("model", out / "model", f"duramen score ORDERS --model {out / 'model'}")
    if run is not None:
        tell_run(run)
    console.print(f"Done in {time.perf_counter() - started:.0f} s.")
    if run is None:
        raise SystemExit(UNRECORDED)
