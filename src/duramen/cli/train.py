"""Orders come in; a fitted model, or one of each group of customers, goes out: evaluated, saved and recorded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pandas as pd

from duramen.cli.config.commands import TrainConfig
from duramen.cli.groups import Group, choose_groups, for_each_group, refuse_other_models
from duramen.cli.inputs import (
    check_costs,
    choose_window,
    load_models,
    read_costs_to_serve,
    read_customers,
    read_features,
    read_orders,
    refuse_other_units,
)
from duramen.cli.output_paths import QUARANTINE, group_path, refuse_occupied
from duramen.cli.ranking import (
    OPEN_REPORT,
    compare_groups,
    rank_customers,
    rank_without_reasons,
    show_group,
    write_report,
)
from duramen.cli.recording import UNRECORDED, record_model
from duramen.cli.terminal import (
    show_changes,
    show_place,
    show_quarantine,
    show_run,
    show_scorecard,
    step,
    warn,
)
from duramen.data.transactions import Transactions
from duramen.data.windows import Window

if TYPE_CHECKING:
    from duramen.scoring.model import CoreCustomerModel
    from duramen.tracking.record import RecordedRun

# A fitted model and its scorecard.
Evaluated: TypeAlias = "tuple[CoreCustomerModel, pd.DataFrame]"


def train(config: TrainConfig) -> None:
    """Fit, evaluate, save and record a model, or one of each group of customers."""
    from duramen.tracking.model_card import model_card

    check_places(config)
    axes = config.portfolio.axes()
    previous = load_models(config.previous, config.kind) if config.previous else {}
    check_costs(config.cost_to_serve)
    customers = read_customers(config)
    tx = read_orders(config.orders, config, customers, read_features(config))
    refuse_other_units(previous.values(), tx)
    window = choose_window(tx, config.cutoff, config.horizon)
    groups = choose_groups(tx, config.kind)
    check_places(config, groups)
    refuse_other_models(previous, groups, str(config.previous))
    cost = read_costs_to_serve(config.cost_to_serve, groups, window.cutoff, config)

    def fit(group: Group) -> Evaluated:
        if previous and group.key not in previous:
            warn(f"No previous model is of {group.who}, so their segments are numbered from the start.")
        return fit_and_evaluate(build_model(config), group, window, previous.get(group.key))

    fitted = list(for_each_group(groups, fit, config.in_flags))
    cards = {group.key: model_card(model, card, group.tx, kind=group.kind) for group, (model, card) in fitted}
    save_models({group.key: model for group, (model, _) in fitted}, tx, config.model_out, cards)
    rankings, recorded = {}, []
    for group, (model, card) in fitted:
        recorded.append(_record_and_show(model, card, group, config))
        if config.report is not None:
            ranked = rank_customers(model, group, window.cutoff, cost, model.tiers)
            path = group_path(config.report, group.key)
            write_report(path, model, card, group, ranked, axes, customers)
            show_place("report", path, OPEN_REPORT)
            rankings[group.kind] = ranked.ranking, model.tiers
        elif group.apart:
            rankings[group.kind] = rank_without_reasons(model, group, window.cutoff), model.tiers
    show_quarantine(tx, config.model_out / QUARANTINE)
    compare_groups(groups, rankings, tx.unit)
    if not all(recorded):
        raise SystemExit(UNRECORDED)


def check_places(config: TrainConfig, groups: list[Group] | None = None) -> None:
    """Refuse places that cannot be written: before the orders are read, and again when the groups are known."""
    from duramen.io.files import refuse_unwritable, refuse_unwritable_folder
    from duramen.report.drawing import require_drawing
    from duramen.tracking.store import refuse_unwritable_store

    refuse_unwritable_store()
    refuse_unwritable_folder(config.model_out, "model_out")
    if groups is None:
        apart, keys = None if config.kind is None else False, [""]
    else:
        apart, keys = groups[0].apart, [group.key for group in groups]
    refuse_occupied(config.model_out, overwrite=config.overwrite, apart=apart)
    if config.report is not None:
        require_drawing()
        for key in keys:
            refuse_unwritable(group_path(config.report, key), "report")


def build_model(config: TrainConfig) -> CoreCustomerModel:
    """Return the model that is set, not yet fitted."""
    from duramen.scoring.model import CoreCustomerModel
    from duramen.scoring.tiers import DEFAULT_TIERS

    return CoreCustomerModel(
        growth_weight=config.growth_weight,
        tiers=DEFAULT_TIERS if config.tiers is None else config.tiers.tiers(),
        forecast=config.forecast.settings(),
        segment_weights=config.segment_weights,
        seed=config.seed,
    )


def fit_and_evaluate(
    model: CoreCustomerModel, group: Group, window: Window, previous: CoreCustomerModel | None = None
) -> Evaluated:
    """Fit a model to a group; return it with its scorecard."""
    from duramen.evaluation.scorecards import scorecard

    with step("Fitting the models" + (f" of {group.who}" if group.kind else "")):
        model.fit(group.tx, window, previous)
    with step("Evaluating the forecasts on the holdout"):
        card = scorecard(model.holdout_)
    return model, card


def save_models(
    models: Mapping[str, CoreCustomerModel], tx: Transactions, model_out: Path, cards: Mapping[str, str]
) -> None:
    """Write models with their cards, each in the folder of its key, and rows set aside: all of it, or nothing."""
    from duramen.io.atomic import atomic_folder
    from duramen.tracking.model_card import MODEL_CARD

    with atomic_folder(model_out) as folder:
        for key, model in models.items():
            model.save(folder / key)
            (folder / key / MODEL_CARD).write_text(cards[key], encoding="utf-8")
        if tx.set_aside:
            tx.write_quarantine(folder / QUARANTINE)


def _record_and_show(
    model: CoreCustomerModel, card: pd.DataFrame, group: Group, config: TrainConfig
) -> RecordedRun | None:
    """Record the model of a group in MLflow, and show what it is worth and where it is."""
    run = record_model(model, card, group, experiment=config.experiment, configuration=config.recorded())
    show_group(group)
    show_scorecard(card, model)
    show_changes(model.segments_.changes_)
    chosen = "" if config.kind is None else f" --kind {config.kind}"
    show_place(
        "model", config.model_out / group.key, f"duramen score ORDERS --model {config.model_out}{chosen}"
    )
    if run is not None:
        show_run(run)
    return run
