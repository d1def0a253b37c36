"""Orders and a saved model come in; the report goes out, or that of each group of customers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duramen.cli.config.ranking import ReportConfig
from duramen.cli.details import show_task
from duramen.cli.groups import Group, for_each_group
from duramen.cli.next_commands import ranking_command
from duramen.cli.output_paths import group_path, model_addresses, refuse_report_over_input
from duramen.cli.ranking import places_of, rank_task, write_report
from duramen.cli.ranking_inputs import Task, read_ranking_inputs
from duramen.cli.summary import say_without, show_report
from duramen.cli.terminal import show_next, show_notes

if TYPE_CHECKING:
    from duramen.scoring.customer_ranking import Ranked


def report(config: ReportConfig) -> None:
    """Rank the customers of orders with a saved model, or each group with its own, and write the report."""
    from duramen.evaluation.scorecards import scorecard
    from duramen.io.files import refuse_unwritable
    from duramen.report.drawing import require_drawing

    require_drawing()
    paths = {key: group_path(config.out, key) for key in model_addresses(config.model, config.kind)}
    for path in paths.values():
        refuse_unwritable(path, "out")
        refuse_report_over_input(config, path)
    inputs = read_ranking_inputs(config)
    axes = config.portfolio.axes()

    def draw(group: Group) -> tuple[Task, Ranked]:
        task = inputs.task(group)
        ranked = rank_task(task)
        card = scorecard(task.model.holdout_)
        write_report(paths[group.key], task.model, card, group, ranked, axes, task.customers)
        return task, ranked

    drawn = list(for_each_group(inputs.groups, draw, config.in_flags))
    for _, (task, ranked) in drawn:
        show_task(task, ranked.ranking, places_of(ranked), ranked.market)
    missing = inputs.models.keys() - {group.key for group in inputs.groups}
    show_notes(say_without(inputs.tx.source, ((key, paths[key]) for key in missing)), verbose=True)
    for group, _ in drawn:
        show_report(paths[group.key])
    show_next([ranking_command("score", config, "scores.parquet")])
