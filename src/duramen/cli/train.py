"""Orders come in; a fitted model, or one of each group of customers, goes out: evaluated, saved and recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import pandas as pd

from duramen.cli.config.train import TrainConfig
from duramen.cli.details import HEAD, compare_groups, show_changes, show_scorecard
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
from duramen.cli.next_commands import next_commands
from duramen.cli.output_paths import QUARANTINE, group_path, refuse_occupied
from duramen.cli.progress import step, whole_run
from duramen.cli.ranking import ranking_of, write_ranked, write_ranking, write_report
from duramen.cli.ranking_table import ranking_table
from duramen.cli.recording import UNRECORDED, record_model
from duramen.cli.summary import show_files, show_group, show_headline, show_result, show_set_aside
from duramen.cli.terminal import show_next, show_table, warn
from duramen.data.transactions import Transactions
from duramen.data.windows import Window
from duramen.language import say

if TYPE_CHECKING:
    from duramen.data.customer_file import CustomerFile
    from duramen.scoring.customer_ranking import Ranked
    from duramen.scoring.model import CoreCustomerModel
    from duramen.tracking.record import RecordedRun

# A fitted model and its scorecard.
Evaluated: TypeAlias = "tuple[CoreCustomerModel, pd.DataFrame]"


class Trained(NamedTuple):
    """A group of customers with its model, the scorecard, and the head and the places of the ranking.

    ``ranked`` is the whole ranking, where a report is to be drawn of it.
    """

    group: Group
    model: CoreCustomerModel
    card: pd.DataFrame
    head: pd.DataFrame
    places: pd.DataFrame
    ranked: Ranked | None


def train(config: TrainConfig) -> None:
    """Fit, evaluate, save and record a model, or one of each group of customers, with its ranking."""
    check_places(config)
    previous = load_models(config.previous, config.kind) if config.previous else {}
    check_costs(config.cost_to_serve)
    customers = read_customers(config)
    with whole_run() as run:
        tx = read_orders(config.orders, config, customers, read_features(config))
        refuse_other_units(previous.values(), tx)
        window = choose_window(tx, config)
        groups = choose_groups(tx, config.kind)
        refuse_other_models(previous, groups, config.previous or "")
        check_places(config, groups)
        cost = read_costs_to_serve(config.cost_to_serve, groups, window.cutoff, config)
        steps = ["fit", "rank", *(["draw"] if config.report else []), "record"]
        run.plan(steps, [group.customers for group in groups])

        def fit(group: Group) -> Evaluated:
            if previous and group.key not in previous:
                warn(
                    say(
                        "No previous model is of {who}, so their segments are numbered from the start.",
                        who=group.who,
                    )
                )
            return fit_and_evaluate(build_model(config), group, window, previous.get(group.key))

        fitted = list(for_each_group(groups, fit, config.in_flags))
        trained = _save(fitted, tx, window, cost, config)
        recorded = [_report_and_record(one, config, customers) for one in trained]
    _show(trained, recorded, groups, tx, config)
    if not all(recorded):
        raise SystemExit(UNRECORDED)


def _save(
    fitted: list[tuple[Group, Evaluated]],
    tx: Transactions,
    window: Window,
    cost: pd.Series[float] | None,
    config: TrainConfig,
) -> list[Trained]:
    """Rank the groups, and write models and rankings: all of them, or nothing."""
    from duramen.tracking.model_card import model_card

    trained: list[Trained] = []
    waiting = iter(fitted)

    def rank(folder: Path) -> None:
        group, (model, card) = next(waiting)
        with step(
            say("Ranking the {who} and writing model and ranking", who=group.who), "rank", group.customers
        ):
            if config.report is None:
                ranked, (head, places) = (
                    None,
                    write_ranking(folder, model, group, window.cutoff, cost, config),
                )
            else:
                ranked = ranking_of(model, group, window.cutoff, cost, model.tiers)
                head = places = ranked.ranking
                write_ranked(folder, ranked, model, group, config)
        trained.append(Trained(group, model, card, head, places, ranked))

    cards = {group.key: model_card(model, card, group.tx, kind=group.kind) for group, (model, card) in fitted}
    save_models({group.key: model for group, (model, _) in fitted}, tx, config.model_out, cards, rank)
    return trained


def _report_and_record(
    trained: Trained, config: TrainConfig, customers: CustomerFile | None
) -> RecordedRun | None:
    """Draw the report, if one is asked for, and record the model in MLflow."""
    group, model, card = trained.group, trained.model, trained.card
    if config.report is not None and trained.ranked is not None:
        path = group_path(config.report, group.key)
        write_report(path, model, card, group, trained.ranked, config.portfolio.axes(), customers)
    return record_model(model, card, group, experiment=config.experiment, configuration=config.recorded())


def _show(
    trained: list[Trained],
    recorded: list[RecordedRun | None],
    groups: list[Group],
    tx: Transactions,
    config: TrainConfig,
) -> None:
    """Show the results of all groups, where the files are, and the next commands."""
    for one in trained:
        if config.verbose:
            _show_all(one)
        else:
            show_result(one.model, one.model.tiers, one.head, one.places, one.group, one.card)
    if config.verbose:
        rankings = {one.group.kind: (one.places, one.model.tiers) for one in trained}
        compare_groups(groups, rankings, tx.unit)
    for one, run in zip(trained, recorded, strict=True):
        report = None if config.report is None else group_path(config.report, one.group.key)
        show_files(config.model_out / one.group.key, report, run)
    show_set_aside(tx, config.model_out / QUARANTINE)
    show_next(
        next_commands(
            config,
            report=Path("report.html") if config.report is None else None,
            ranking=Path("scores.parquet"),
            run=next(filter(None, recorded), None),
        )
    )


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

    what = say("Fitting the models of {who}", who=group.who) if group.kind else say("Fitting the models")
    with step(what, "fit", group.customers):
        model.fit(group.tx, window, previous)
        card = scorecard(model.holdout_)
    return model, card


def save_models(
    models: Mapping[str, CoreCustomerModel],
    tx: Transactions,
    model_out: Path,
    cards: Mapping[str, str],
    write_more: Callable[[Path], None] | None = None,
) -> None:
    """Write models with their cards, each in the folder of its key, and rows set aside: all of it, or nothing.

    ``write_more`` is called with the folder of each model in turn, to write what else belongs to it.
    """
    from duramen.io.atomic import atomic_folder
    from duramen.tracking.model_card import MODEL_CARD

    with atomic_folder(model_out) as folder:
        for key, model in models.items():
            model.save(folder / key)
            (folder / key / MODEL_CARD).write_text(cards[key], encoding="utf-8")
            if write_more is not None:
                write_more(folder / key)
        if tx.set_aside:
            tx.write_quarantine(folder / QUARANTINE)


def _show_all(trained: Trained) -> None:
    """Show what the model of a group is worth, and how its customers are ranked."""
    model = trained.model
    show_group(trained.group)
    show_scorecard(trained.card, model)
    show_changes(model.segments_.changes_)
    show_headline(trained.places, model, model.tiers, trained.head["cutoff"].iloc[0])
    show_table(ranking_table(trained.head.head(HEAD)))
