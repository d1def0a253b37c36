"""Orders come in; a fitted model, or one of each group of customers, goes out: judged, saved and recorded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from duramen.cli.groups import Group, choose_groups, refuse_other_models, work_through
from duramen.cli.inputs import (
    choose_window,
    given_axes,
    given_costs,
    given_models,
    given_orders,
    given_tiers,
)
from duramen.cli.output_paths import QUARANTINE, group_path, refuse_homeless_report, refuse_occupied
from duramen.cli.ranking import (
    OPEN_REPORT,
    compare_groups,
    rank_customers,
    rank_plainly,
    show_group,
    write_report,
)
from duramen.cli.recording import UNRECORDED, record_model
from duramen.cli.terminal import show_changes, show_scorecard, step, tell, tell_quarantine, tell_run, warn
from duramen.data.transactions import Transactions
from duramen.data.windows import Window
from duramen.errors import InputError

if TYPE_CHECKING:
    from duramen.scoring.model import CoreCustomerModel
    from duramen.scoring.tiers import Tiers


def train(options: dict[str, Any]) -> None:
    """Fit, judge, save and record a model, or one of each group of customers."""
    model_out, kind = Path(options.get("model_out", "model")), options.get("kind")
    refuse_occupied(model_out, None if kind is None else False)
    refuse_homeless_report(options)
    if "cost_to_serve" in options and "report" not in options:
        raise InputError(
            "costs to serve change the ranking and no model, and without --report training ranks nobody; name a "
            "report, or give the costs to duramen score."
        )
    tiers = given_tiers(options)
    given_axes(options)
    previous = given_models(options["previous"], kind) if "previous" in options else {}
    tx = given_orders(options)
    window = choose_window(tx, options)
    groups = choose_groups(tx, kind)
    refuse_occupied(model_out, groups[0].apart)
    for group in groups:
        refuse_homeless_report(options, group.key)
    refuse_other_models(previous, groups, str(options.get("previous")))
    cost = given_costs(groups, window.cutoff, options)

    def fit(group: Group) -> tuple[CoreCustomerModel, pd.DataFrame]:
        if previous and group.key not in previous:
            warn(f"No previous model is of {group.who}, so their segments are numbered anew.")
        return fit_and_judge(group, window, options, tiers, previous.get(group.key))

    fitted = list(work_through(groups, fit, warn))
    save_models({group.key: model for group, (model, _) in fitted}, tx, model_out)
    chosen = "" if kind is None else f" --kind {kind}"
    rankings, unrecorded = {}, 0
    for group, (model, card) in fitted:
        run = record_model(model, card, group, options)
        unrecorded += run is None
        show_group(group)
        show_scorecard(card, model)
        show_changes(model.segments_.changes_)
        tell("model", model_out / group.key, f"duramen score ORDERS --model {model_out}{chosen}")
        if run is not None:
            tell_run(run)
        if "report" in options:
            ranked = rank_customers(model, group, window.cutoff, cost, model.tiers)
            report = group_path(Path(options["report"]), group.key)
            tell("report", write_report(report, model, card, group, ranked, options), OPEN_REPORT)
            rankings[group.kind] = ranked.ranking, model.tiers
        elif group.apart:
            rankings[group.kind] = rank_plainly(model, group, window.cutoff), model.tiers
    tell_quarantine(tx, model_out / QUARANTINE)
    compare_groups(groups, rankings, tx.unit)
    if unrecorded:
        raise SystemExit(UNRECORDED)


def fit_and_judge(
    group: Group,
    window: Window,
    options: dict[str, Any],
    tiers: Tiers | None = None,
    previous: CoreCustomerModel | None = None,
) -> tuple[CoreCustomerModel, pd.DataFrame]:
    """Return the fitted model of a group and its scorecard."""
    from duramen.evaluation.scorecards import scorecard
    from duramen.scoring.model import CoreCustomerModel

    given = ("growth_weight", "segment_weights", "treatments", "seed")
    parameters: dict[str, Any] = {key: options[key] for key in given if key in options}
    if tiers is not None:
        parameters["tiers"] = tiers
    with step("Fitting the models" + (f" of {group.who}" if group.kind else "")):
        model = CoreCustomerModel(**parameters).fit(group.tx, window, previous)
    with step("Judging the forecasts on held-out purchases"):
        card = scorecard(model.holdout_)
    return model, card


def save_models(models: Mapping[str, CoreCustomerModel], tx: Transactions, model_out: Path) -> None:
    """Write the models, each in the folder of its key, and the rows set aside: all of it, or nothing."""
    from duramen.io.atomic import atomic_folder

    with atomic_folder(model_out) as folder:
        for key, model in models.items():
            model.save(folder / key)
        if tx.set_aside:
            tx.write_quarantine(folder / QUARANTINE)
