"""Options come in; orders are read, models fitted, files written and what came out is told. Called by the command line.

Each command is the whole way through the house in the order in which it runs.
"""

from __future__ import annotations

import itertools
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from duramen.data.customer_file import CHANNEL
from duramen.data.customers import customer_table
from duramen.data.errors import InputError
from duramen.data.transactions import Transactions, read_transactions
from duramen.data.windows import Window, choose_horizon, parse_day
from duramen.groups import (
    TOGETHER,
    Group,
    choose_groups,
    count_groups,
    groups_to_score,
    refuse_other_models,
    work_through,
)
from duramen.places import (
    QUARANTINE,
    RankingFiles,
    check_tables,
    group_path,
    model_addresses,
    quarantine_path,
    ranking_files,
    refuse_homeless_report,
    refuse_occupied,
    refuse_shared_places,
    scores_place,
)
from duramen.terminal import (
    console,
    show_audit,
    show_backtest,
    show_changes,
    show_decision,
    show_duel,
    show_groups,
    show_heading,
    show_ranking,
    show_scorecard,
    step,
    tell,
    tell_quarantine,
    tell_run,
    warn,
)

if TYPE_CHECKING:
    from duramen.analysis.portfolio_axes import Axes
    from duramen.analysis.ranked import Ranked
    from duramen.scoring.incremental import Rescored
    from duramen.scoring.model import CoreCustomerModel
    from duramen.scoring.ranking import Tiers
    from duramen.scoring.tables import Table
    from duramen.tracking.record import RecordedRun

# The exit status where all was computed and written, and only MLflow has no record of it.
UNRECORDED = 1
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
    "threads",
)


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
    tiers = _tiers(options)
    _axes(options)
    previous = _load(options["previous"], kind) if "previous" in options else {}
    tx = _read(options)
    window = _choose_window(tx, options)
    groups = choose_groups(tx, kind)
    refuse_occupied(model_out, groups[0].apart)
    for group in groups:
        refuse_homeless_report(options, group.key)
    refuse_other_models(previous, groups, str(options.get("previous")))
    cost = _read_costs(groups, window.cutoff, options)

    def fit(group: Group) -> tuple[CoreCustomerModel, pd.DataFrame]:
        if previous and group.key not in previous:
            warn(f"No previous model is of {group.who}, so their segments are numbered anew.")
        return _fit(group, window, options, tiers, previous.get(group.key))

    fitted = list(work_through(groups, fit, warn))
    _save({group.key: model for group, (model, _) in fitted}, tx, model_out)
    chosen = "" if kind is None else f" --kind {kind}"
    rankings, unrecorded = {}, 0
    for group, (model, card) in fitted:
        run = _record(model, card, group, options)
        unrecorded += run is None
        _show_heading(group)
        show_scorecard(card, model)
        show_changes(model.segments_.changes_)
        tell("model", model_out / group.key, f"duramen score ORDERS --model {model_out}{chosen}")
        if run is not None:
            tell_run(run)
        if "report" in options:
            ranked = _rank(model, group, window.cutoff, cost, model.tiers)
            report = group_path(Path(options["report"]), group.key)
            tell("report", _write_report(report, model, card, group, ranked, options), OPEN_REPORT)
            rankings[group.kind] = ranked.ranking, model.tiers
        elif group.apart:
            rankings[group.kind] = _rank_plainly(model, group, window.cutoff), model.tiers
    tell_quarantine(tx, model_out / QUARANTINE)
    _compare(groups, rankings, tx.unit)
    if unrecorded:
        raise SystemExit(UNRECORDED)


def score(options: dict[str, Any]) -> None:
    """Rank the customers of orders with a saved model, or each group with its own."""
    if options.get("engine") == "spark":
        score_on_spark(options)
        return
    from threadpoolctl import threadpool_limits

    from duramen.scoring.files import write_whole

    address, kind = str(options.get("model", "model")), options.get("kind")
    files = {key: ranking_files(options, key) for key in model_addresses(address, kind)}
    refuse_shared_places(options, files)
    check_tables(files, options)
    _tiers(options)
    _axes(options)
    models = _load(address, kind)
    tx = _read(options)
    check_tables(files, options, tx)
    groups = groups_to_score(tx, kind, address, models)
    cutoff = _choose_cutoff(tx, options)
    cost = _read_costs(groups, cutoff, options)

    def rank(group: Group) -> tuple[pd.DataFrame, Tiers]:
        if group.key not in models:
            raise InputError(f"{address} holds no model of {group.who}; train one with them.")
        _show_heading(group)
        model, places = models[group.key], files[group.key]
        tiers = _tiers(options, model.tiers) or model.tiers
        in_a_way = _score_in_blocks if places.report is None else _score_in_memory
        return in_a_way(model, group, cutoff, cost, tiers, places, options), tiers

    # DuckDB has its own threads; these are those of the trees.
    with threadpool_limits(options.get("threads")):
        rankings = {group.kind: ranked for group, ranked in work_through(groups, rank, warn)}
    aside = quarantine_path(scores_place(options))
    if tx.set_aside:
        write_whole(aside, tx.write_quarantine)
    tell_quarantine(tx, aside)
    for key in models.keys() - {group.key for group in groups}:
        warn(f"{tx.source} holds no {key} customers, so {files[key].out} is not written.")
    _compare(groups, rankings, tx.unit)


def _score_in_blocks(
    model: CoreCustomerModel,
    group: Group,
    cutoff: date,
    cost: pd.Series[float] | None,
    tiers: Tiers,
    places: RankingFiles,
    options: dict[str, Any],
) -> pd.DataFrame:
    """Score and rank customers of any number; return what memory holds of the ranking."""
    from duramen.analysis.ranked import rank_in_blocks
    from duramen.data.customers import customer_blocks, customer_ids, sorted_by_customer
    from duramen.scoring.files import work_folder

    told = {"all": "Scoring, explaining", "core": "Scoring, explaining the core", "none": "Scoring"}
    reasons = options.get("reasons", "all")
    with sorted_by_customer(group.tx, cutoff) as days, work_folder(places.work, places.out) as folder:
        if cost is not None:
            cost = cost.loc[customer_ids(days, cutoff).to_pandas()]
        with step(f"{told[reasons]} and ranking every customer"):
            ranked = rank_in_blocks(
                model, days, cutoff, folder, cost, tiers, reasons, earlier=places.incremental
            )
        with step(f"Writing {places.out}"):
            head = _write_scores(ranked.blocks, folder, places.out, model, days, cutoff, tiers, options)
        show_ranking(head, ranked.places, model, tiers, ranked.market)
        tell("scores", str(places.out), f"{len(ranked.places):,} customers, best first")
        if ranked.rescored is not None:
            _keep_for_next_run(ranked.rescored, len(ranked.places), places)
        if places.explanations is not None:
            _write_explanations(model, customer_blocks(days, cutoff), cost, places.explanations)
    return ranked.places


def _keep_for_next_run(rescored: Rescored, customers: int, places: RankingFiles) -> None:
    """Keep the scores by which the next run knows who changed, and say who did in this one."""
    from duramen.scoring.files import write_whole

    assert places.incremental is not None
    write_whole(places.incremental, lambda beside: shutil.copyfile(rescored.scored.path, beside))
    told = f"{rescored.computed:,} of {customers:,} customers had other orders, and were scored"
    if rescored.why_all:
        told = f"all were scored: {rescored.why_all}"
    tell("kept", places.incremental, told)


def _score_in_memory(
    model: CoreCustomerModel,
    group: Group,
    cutoff: date,
    cost: pd.Series[float] | None,
    tiers: Tiers,
    places: RankingFiles,
    options: dict[str, Any],
) -> pd.DataFrame:
    """Score and rank customers for a report, which draws from all columns of all of them; return the ranking."""
    from duramen.analysis.scorecard import scorecard
    from duramen.scoring.files import slices, work_folder

    report = places.report
    assert report is not None
    ranked = _rank(model, group, cutoff, cost, tiers)
    with step(f"Writing {places.out}"), work_folder(places.work, places.out) as folder:
        _write_scores(slices(ranked.ranking), folder, places.out, model, group.tx, cutoff, tiers, options)
    show_ranking(ranked.ranking, ranked.ranking, model, tiers, ranked.market)
    tell("scores", str(places.out), f"{len(ranked.ranking):,} customers, best first")
    if places.explanations is not None:
        _write_explanations(model, [ranked.customers], ranked.cost, places.explanations)
    _write_report(report, model, scorecard(model.judged_), group, ranked, options)
    tell("report", report, OPEN_REPORT)
    return ranked.ranking


def _write_scores(
    blocks: Iterator[pd.DataFrame],
    folder: Path,
    out: Path | Table,
    model: CoreCustomerModel,
    tx: Transactions,
    cutoff: date,
    tiers: Tiers,
    options: dict[str, Any],
) -> pd.DataFrame:
    """Write the blocks of a ranking and their sidecar, files by way of a work folder; return the first block."""
    from duramen.scoring.files import write_blocks
    from duramen.scoring.sidecar import facts, put_in_place
    from duramen.scoring.tables import write_table

    first = next(blocks)
    everything = itertools.chain([first], blocks)
    chosen = {
        "reasons": options.get("reasons", "all"),
        "cost_to_serve": options.get("cost_to_serve"),
        "tiers": tiers.to_dict(),
    }
    told = facts(model, tx, cutoff, chosen)
    if isinstance(out, Path):
        rows = write_blocks(everything, folder / out.name)
        put_in_place(folder / out.name, out, rows, told)
    else:
        write_table(everything, out, told)
    return first


def score_on_spark(options: dict[str, Any]) -> None:
    """Rank the customers of orders that Spark reads, and let Spark write the ranking, or that of each group."""
    from duramen.data.spark_session import read_orders, spark_session
    from duramen.scoring.spark import HadoopFolder, refuse_not_on_spark, write_quarantine

    refuse_not_on_spark(options)
    address, kind = str(options.get("model", "model")), options.get("kind")
    out = str(options.get("out", "scores.parquet"))
    _tiers(options)
    models = _load(address, kind)
    with spark_session(options.get("master"), options.get("memory_limit")) as session:
        for key in models:
            HadoopFolder(session, _sibling(out, key)).refuse_occupied()
        with step("Reading and checking the orders on Spark"):
            given = {key: options[key] for key in READ_OPTIONS if key in options}
            orders = read_orders(session, options["orders"])
            tx = read_transactions(orders, name=options["orders"], **given)
        console.print(str(tx), highlight=False, markup=False, soft_wrap=True)
        groups = groups_to_score(tx, kind, address, models)
        cutoff = _choose_cutoff(tx, options)

        def rank(group: Group) -> None:
            if group.key not in models:
                raise InputError(f"{address} holds no model of {group.who}; train one with them.")
            _show_heading(group)
            _rank_on_spark(models[group.key], group, cutoff, _sibling(out, group.key), options)

        list(work_through(groups, rank, warn))
        if tx.set_aside:
            aside = _sibling(out, "quarantine")
            write_quarantine(tx, aside)
            tell_quarantine(tx, aside)


def _rank_on_spark(
    model: CoreCustomerModel, group: Group, cutoff: date, out: str, options: dict[str, Any]
) -> None:
    """Score, rank and write one group."""
    from duramen.data.spark import customer_frame
    from duramen.scoring.spark import explain_tiers, rank_on_spark, score_on_spark, tier_sums, write_folder

    tiers = _tiers(options, model.tiers) or model.tiers
    reasons = options.get("reasons", "all")
    facts = {
        "model_version": model.model_version_,
        "cutoff": cutoff.isoformat(),
        "source": group.tx.source,
        "rows_in": group.tx.rows_in,
        "set_aside": group.tx.set_aside,
        "engine": "spark",
    }
    with step("Scoring and ranking every customer on Spark, and writing"):
        customers = customer_frame(group.tx, cutoff)
        ranking = rank_on_spark(
            score_on_spark(model, customers, cutoff, with_reasons=reasons == "all"), tiers
        )
        if reasons != "all":
            explained = tiers.core_names if reasons == "core" else ()
            ranking = explain_tiers(model, ranking, customers, explained, cutoff)
        rows = write_folder(ranking, out, facts)
        sums = tier_sums(ranking, tiers)
    for name, customers, value in sums:
        console.print(
            f"  {name:<18}{customers:>12,} customers {value:>16,.0f} {model.unit_}", highlight=False
        )
    tell("scores", out, f"{rows:,} customers in Parquet files of Spark, best first")


def _sibling(out: str, key: str) -> str:
    """Return the place of another folder beside ``out``, which may be the address of a bucket."""
    head, slash, name = out.rpartition("/")
    return f"{head}{slash}{group_path(Path(name), key)}"


def backtest(options: dict[str, Any]) -> None:
    """Judge the model beside plain baselines at several past cutoffs."""
    from duramen.analysis.backtest import backtest as judge
    from duramen.report.backtest import BACKTEST_FILE, draw_backtest, write_backtest
    from duramen.scoring import artefact
    from duramen.tracking.record import record_backtest

    out = Path(options.get("out", "backtest"))
    artefact.refuse_occupied(out, BACKTEST_FILE, "backtest")
    everybody, kind = _read(options), options.get("kind")
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
    run = _recorded(
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


def promote(options: dict[str, Any]) -> None:
    """Register a model as challenger, and make it the champion where it beats the one there is on later purchases."""
    from duramen.analysis.challenge import Rule, challenge, first_duel, later_fold
    from duramen.tracking.promotion import (
        decide,
        default_name,
        find_champion,
        find_origin,
        refuse_other_kind,
        tell_kind,
    )

    rule, seed = Rule.from_dict(options["promotion"]), options.get("seed", 0)
    address = _one_model(str(options.get("model", "model")), options.get("kind"))
    challenger = _load_model(address)
    origin = tell_kind(find_origin(challenger, address), options.get("kind"), address)
    name = str(options.get("name", default_name(origin.kind)))
    champion = find_champion(name)
    if champion:
        refuse_other_kind(origin, champion)
    if champion and champion.model_version == challenger.model_version_:
        console.print(
            f"This model is version {champion.version} of {name}, the champion already; nothing was changed.",
            soft_wrap=True,
        )
        return
    tx = None
    if champion or "orders" in options:
        everybody = _read(options)
        (group,) = groups_to_score(everybody, origin.kind or options.get("kind"), address, [""])
        tx = group.tx
    if champion and tx:
        in_use = _load_model(champion.uri)
        window = later_fold(tx, [challenger, in_use], options.get("cutoff"))
        with step("Setting challenger and champion beside what came"):
            duel = challenge(challenger, in_use, tx, window, rule, seed=seed)
    else:
        with step("Setting the challenger beside plain orders"):
            duel = first_duel(challenger, rule, seed=seed)
    with step("Registering and recording the decision in MLflow"):
        experiment = options.get("experiment", "duramen")
        decision = decide(challenger, origin, champion, duel, tx, name=name, experiment=experiment)
    show_duel(duel)
    show_decision(decision, duel.sentence, champion.version if champion else "")


def _one_model(address: str, kind: str | None) -> str:
    """Return the address of the one model that is meant."""
    addresses = model_addresses(address, kind)
    if len(addresses) > 1:
        raise InputError(
            f"{address} holds a model of {' and '.join(addresses)} customers, who have champions of their own; promote "
            f"one after the other, for example with --kind {next(iter(addresses))}."
        )
    return addresses[""]


def rollback(options: dict[str, Any]) -> None:
    """Make the champion before the champion again."""
    from duramen.tracking.promotion import default_name, roll_back

    kind = options.get("kind", "")
    name = str(options.get("name", default_name("" if kind == TOGETHER else kind)))
    with step("Looking up the champion before"):
        left, back = roll_back(name)
    console.print(
        f"Version {back.version} of {name} is the champion again; version {left.version} is kept.",
        highlight=False,
        soft_wrap=True,
    )
    console.print(
        f"Score with it: duramen score ORDERS --model models:/{name}@champion", style="dim", soft_wrap=True
    )


def demo(out: Path) -> None:
    """Go the whole way on the CDNOW purchases."""
    from duramen.scoring.files import write_scores

    started = time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)
    options = {"orders": "dataset:cdnow", "currency": "USD", "experiment": "duramen-demo"}
    refuse_occupied(out / "model", apart=False)
    group = Group("", _read(options))
    window = _choose_window(group.tx, options)
    model, card = _fit(group, window, options)
    ranked = _rank(model, group, window.cutoff, None, model.tiers)
    with step("Writing the ranking and the model"):
        write_scores(ranked.ranking, out / "ranking.parquet")
        write_scores(ranked.ranking, out / "ranking.csv")
        _save({"": model}, group.tx, out / "model")
    report = _write_report(out / "report.html", model, card, group, ranked, options)
    run = _record(model, card, group, options, report=report)
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
    group: Group,
    window: Window,
    options: dict[str, Any],
    tiers: Tiers | None = None,
    previous: CoreCustomerModel | None = None,
) -> tuple[CoreCustomerModel, pd.DataFrame]:
    from duramen.analysis.scorecard import scorecard
    from duramen.scoring.model import CoreCustomerModel

    given = ("growth_weight", "segment_weights", "treatments", "seed")
    parameters: dict[str, Any] = {key: options[key] for key in given if key in options}
    if tiers is not None:
        parameters["tiers"] = tiers
    with step("Fitting the models" + (f" of {group.who}" if group.kind else "")):
        model = CoreCustomerModel(**parameters).fit(group.tx, window, previous)
    with step("Judging the forecasts on held-out purchases"):
        card = scorecard(model.judged_)
    return model, card


def _tiers(options: dict[str, Any], base: Tiers | None = None) -> Tiers | None:
    """Return the tiers that are set, with those of ``base`` where nothing is."""
    from duramen.scoring.ranking import Tiers

    return Tiers.from_dict(options["tiers"], base) if "tiers" in options else None


def _read_costs(groups: list[Group], cutoff: date, options: dict[str, Any]) -> pd.Series[float] | None:
    """Return the cost to serve of each customer, refused before any model is fitted where it is not sound."""
    from duramen.data.costs import read_costs
    from duramen.scoring.ranking import costs_of

    if "cost_to_serve" not in options:
        return None
    bought = [group.tx.history(cutoff).filter(lambda days: days.purchase) for group in groups]
    ids = pd.concat([days.customer_id.as_table().distinct().to_pandas() for days in bought])["customer_id"]
    cost = read_costs(options["cost_to_serve"], ids, decimal=options.get("decimal", "."))
    costs_of(ids.to_frame("customer_id"), cost)
    return cost


def _rank(
    model: CoreCustomerModel, group: Group, cutoff: date, cost: pd.Series[float] | None, tiers: Tiers
) -> Ranked:
    from duramen.analysis.ranked import rank_with_markets

    with step("Scoring, explaining and ranking every customer"):
        customers = customer_table(group.tx, cutoff)
        own = None if cost is None else cost.loc[customers["customer_id"]]
        return rank_with_markets(model, group.tx, customers, own, tiers)


def _rank_plainly(model: CoreCustomerModel, group: Group, cutoff: date) -> pd.DataFrame:
    """Return a ranking without reasons, which take most of the time."""
    from duramen.scoring.ranking import rank_core_customers

    with step(f"Ranking {group.who}"):
        scores = model.score(customer_table(group.tx, cutoff), with_reasons=False)
        return rank_core_customers(scores, model.tiers)


def _show_heading(group: Group) -> None:
    if group.apart:
        show_heading(group.who.capitalize())


def _compare(groups: list[Group], rankings: Mapping[str, tuple[pd.DataFrame, Tiers]], unit: str) -> None:
    """Show the groups beside each other, where there are several."""
    if not groups[0].apart:
        return
    rows = {
        kind: (
            len(ranking),
            int(ranking["tier"].isin(tiers.core_names).sum()),
            float(ranking["predicted_value"].sum()),
        )
        for kind, (ranking, tiers) in rankings.items()
    }
    show_groups(rows, {group.kind: group.customers for group in groups if group.kind not in rows}, unit)


def _load(address: str, kind: str | None) -> dict[str, CoreCustomerModel]:
    """Return the model of each group by its key."""
    return {key: _load_model(place) for key, place in model_addresses(address, kind).items()}


def _load_model(address: str) -> CoreCustomerModel:
    from duramen.scoring.model import CoreCustomerModel

    with step(f"Loading the model {address}"):
        if address.startswith(("models:/", "runs:/")):
            from duramen.tracking.store import load_model

            return load_model(address)
        return CoreCustomerModel.load(address)


def _write_explanations(
    model: CoreCustomerModel, blocks: Iterable[pd.DataFrame], cost: pd.Series[float] | None, path: Path
) -> None:
    from duramen.scoring.files import write_explanations

    told = (rows for block in blocks for rows in model.explain_blocks(block, cost_to_serve=cost))
    with step(f"Writing {path}"):
        count = write_explanations(told, path)
    tell("explained", path, f"{count:,} factors and terms, by customer")


def _save(models: Mapping[str, CoreCustomerModel], tx: Transactions, model_out: Path) -> None:
    """Write the models, each in the folder of its key, and the rows set aside: all of it, or nothing."""
    from duramen.scoring.artefact import replaced_folder

    with replaced_folder(model_out) as folder:
        for key, model in models.items():
            model.save(folder / key)
        if tx.set_aside:
            tx.write_quarantine(folder / QUARANTINE)


def _record(
    model: Any, card: pd.DataFrame, group: Group, options: dict[str, Any], *, report: Path | None = None
) -> RecordedRun | None:
    from duramen.report.figures import effect_figures, judged_figures
    from duramen.tracking.record import record_training

    return _recorded(
        lambda: record_training(
            model,
            card,
            group.tx,
            experiment=options.get("experiment", "duramen"),
            figures=judged_figures(model.judged_) | effect_figures(model.importance_, model.shape_),
            report=report,
            kind=group.kind,
            configuration=options,
        )
    )


def _recorded(record: Callable[[], RecordedRun]) -> RecordedRun | None:
    """Return the run, or say why there is none: what was written before is kept and told of as ever."""
    import typer

    from duramen.tracking.run import RecordingError

    try:
        with step("Recording in MLflow"):
            return record()
    except RecordingError as error:
        typer.secho(
            f"duramen: {str(error).rstrip('.')}; what was written is kept, and docs/mlflow.md tells how to record it "
            "later.",
            err=True,
            fg="red",
        )
        return None


def _write_report(
    path: Path,
    model: CoreCustomerModel,
    card: pd.DataFrame,
    group: Group,
    ranked: Ranked,
    options: dict[str, Any],
) -> Path:
    from duramen.report.of_model import write_model_report

    with step("Drawing the report"):
        credit = _credit(ranked.customers["customer_id"], options)
        write_model_report(path, model, card, group.tx, ranked, credit, _axes(options))
    return path


def _credit(ids: pd.Series[Any], options: dict[str, Any]) -> pd.Series[Any] | None:
    """Return the credit of each customer, where the file about customers tells any."""
    from duramen.data.customer_file import read_customer_file

    if "customers" not in options:
        return None
    known = read_customer_file(options["customers"])
    return known.of("credit", ids) if "credit" in known.table else None


def _axes(options: dict[str, Any]) -> Axes:
    """Return the axes of the portfolio, refused before any work is done where they are no such thing."""
    from duramen.analysis.portfolio_axes import Axes

    return Axes.from_dict(options.get("portfolio", {}))
