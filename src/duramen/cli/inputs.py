"""Settings come in; the orders, models and files that they name go out, read and checked."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from duramen.cli.config.cutoffs import BacktestConfig, ConsistencyConfig
from duramen.cli.config.lists import ListsConfig
from duramen.cli.config.ranking import RankingConfig
from duramen.cli.config.reading import ModelledConfig, ReadingConfig
from duramen.cli.config.train import TrainConfig
from duramen.cli.groups import Group, groups_to_score
from duramen.cli.output_paths import group_place, model_addresses, scores_place
from duramen.cli.progress import step
from duramen.cli.summary import show_read, show_window
from duramen.cli.terminal import show_lines, warn
from duramen.data.reading import read_transactions
from duramen.data.transactions import Transactions
from duramen.data.windows import Window, choose_horizon
from duramen.errors import InputError
from duramen.language import marked, say, say_count, say_joined, say_list

if TYPE_CHECKING:
    from duramen.data.customer_file import CustomerFile
    from duramen.data.feature_file import FeatureFile
    from duramen.scoring.model import CoreCustomerModel
    from duramen.scoring.tiers import Tiers

# The longest time after the last row at which a cutoff is taken, where no horizon bounds it.
MOST_QUIET_DAYS = 366
# Lines of a summary that name past cutoffs.
CUTOFF_LINES = 2


def read_customers(config: ReadingConfig) -> CustomerFile | None:
    """Read the file about customers, if there is one; it is read before the orders, which take longer."""
    from duramen.data.customer_file import read_customer_file

    return (
        None if config.customers is None else read_customer_file(config.customers, hash_ids=config.hash_ids)
    )


def read_features(config: ModelledConfig, models: Collection[CoreCustomerModel] = ()) -> FeatureFile | None:
    """Read the feature file, if there is one; it has the columns that the models learned from, or is refused."""
    from duramen.data.feature_file import read_feature_file

    features = None
    if config.features is not None:
        features = read_feature_file(
            config.features,
            decimal=config.decimal,
            date_format=config.date_format,
            hash_ids=config.hash_ids,
        )
    names = [] if features is None else list(features.kinds)
    used: set[str] = set()
    for model in models:
        model.forecast_.extra_.refuse_missing(names)
        used.update(model.forecast_.extra_.columns)
    if models and (unused := [name for name in names if name not in used]):
        show_lines(
            say(
                "{file} has {columns}, from which the model did not learn: ignored.",
                file=config.features,
                columns=say_list(unused),
            )
        )
    return features


def read_orders(
    orders: str,
    config: ReadingConfig,
    customers: CustomerFile | None = None,
    features: FeatureFile | None = None,
) -> Transactions:
    """Read the orders, and show what they are."""
    with step(say("Reading and checking the orders")):
        tx = read_transactions(
            orders,
            customers=customers,
            features=features,
            memory_limit=config.memory_limit,
            threads=config.threads,
            **column_settings(config),
        )
    show_read(tx, config)
    return tx


def column_settings(config: ReadingConfig) -> dict[str, Any]:
    """Return the parameters of ``read_transactions`` that say what is in which column."""
    return {
        "customer_id": config.customer_id,
        "date": config.date,
        "amount": config.amount,
        "amount_per": config.amount_per,
        "columns": config.columns,
        "date_format": config.date_format,
        "time_zone": config.time_zone,
        "decimal": config.decimal,
        "currency": config.currency,
        "where": config.where,
        "status_used": config.status_used,
        "service_lines": config.service_lines,
        "exchange_rates": config.exchange_rates,
        "hash_ids": config.hash_ids,
    }


def show_assumed(sentences: Iterable[str]) -> None:
    """Show what the reading of a file beside the orders decided by itself."""
    for sentence in sentences:
        warn(say("{sentence}.", sentence=sentence))


def choose_cutoff(tx: Transactions, cutoff: date | None, horizon: int = MOST_QUIET_DAYS) -> date:
    """Return the cutoff, by default the day after the last row, and show how many days without rows lie before it.

    Raises
    ------
    InputError
        If it is before the data, or later after them than ``horizon`` days.
    """
    after_the_last = tx.last_date + timedelta(days=1)
    if cutoff is None:
        return after_the_last
    quiet = (cutoff - after_the_last).days
    if cutoff <= tx.first_date or quiet > horizon:
        raise InputError(
            f"the cutoff {cutoff} lies outside the data: column {tx.columns['date']!r} of {tx.source} runs from "
            f"{tx.first_date} to {tx.last_date} in {tx.rows_used:,} rows; choose a day in it or the day after it."
        )
    if quiet > 0:
        show_lines(
            say_count(
                "The last day before the cutoff {cutoff} has no rows.",
                "The last {n} days before the cutoff {cutoff} have no rows.",
                quiet,
                cutoff=str(cutoff),
            )
        )
    return cutoff


def choose_window(tx: Transactions, config: TrainConfig) -> Window:
    """Return cutoff and horizon, and show how a horizon that is not set was chosen."""
    horizon = config.horizon
    allowed = MOST_QUIET_DAYS if horizon is None else Window(tx.last_date, horizon).horizon
    cutoff = choose_cutoff(tx, config.cutoff, allowed)
    window = Window(cutoff, choose_horizon(tx.first_date, cutoff) if horizon is None else horizon)
    if config.verbose and horizon is None:
        show_lines(
            say(
                "Forecast over {days} days from {cutoff}: the longest usual horizon that fits three times into "
                "{history} days of history; --horizon sets another.",
                days=window.horizon, cutoff=str(cutoff), history=f"{(cutoff - tx.first_date).days:,}",
            )
        )  # fmt: skip
    else:
        show_window(window, chosen=horizon is None)
    return window


def choose_windows(tx: Transactions, config: BacktestConfig | ConsistencyConfig) -> list[Window]:
    """Return the past cutoffs that are set, or the latest ones, and show them."""
    from duramen.evaluation.backtesting import backtest_windows

    horizon = config.horizon or choose_horizon(tx.first_date, tx.last_date + timedelta(days=1))
    if config.cutoff:
        windows = [Window(day, horizon) for day in config.cutoff]
    else:
        windows = backtest_windows(tx, horizon, config.cutoffs)
    lengths = sorted({window.horizon for window in windows})
    days = say_joined(marked("{one} or {other}"), [str(length) for length in lengths])
    show_lines(
        say(
            "Forecast over {days} days from {cutoffs}; each time only what lies before is known.",
            days=days,
            cutoffs=say_list(str(window.cutoff) for window in windows),
        ),
        None if config.verbose else CUTOFF_LINES,
    )
    return windows


def check_costs(path: str | None) -> None:
    """Refuse a file of costs without the right columns, before the orders are read."""
    from duramen.data.costs import open_costs

    if path is not None:
        assumed: list[str] = []
        open_costs(path, assumed)
        show_assumed(assumed)


def read_costs_to_serve(
    path: str | None, groups: list[Group], cutoff: date, config: ReadingConfig
) -> pd.Series[float] | None:
    """Return the cost to serve of each customer who bought before the cutoff, if there is a file of costs."""
    from duramen.data.costs import read_costs
    from duramen.scoring.ranking import costs_of

    if path is None:
        return None
    purchases = [group.tx.history(cutoff).filter(lambda days: days.purchase) for group in groups]
    ids = pd.concat([days.customer_id.as_table().distinct().to_pandas() for days in purchases])["customer_id"]
    cost = read_costs(path, ids, decimal=config.decimal, hash_ids=config.hash_ids)
    costs_of(ids.to_frame("customer_id"), cost)
    return cost


class PreviousScores(NamedTuple):
    """An earlier ranking of a group, and where it was read."""

    place: str
    ranking: pd.DataFrame

    def recorded(self) -> dict[str, str]:
        """Return what the sidecar has of it."""
        from duramen.explain.changes import cutoff_of

        return {"place": self.place, "cutoff": cutoff_of(self.ranking).isoformat()}


def read_previous_scores(config: RankingConfig | ListsConfig, key: str) -> PreviousScores | None:
    """Read the earlier ranking of a group, if there is one; it is checked before the orders are read."""
    from duramen.data.addresses import is_duckdb_address
    from duramen.data.file_columns import Opened
    from duramen.data.sources import open_source
    from duramen.data.workspace import open_workspace
    from duramen.explain.changes import refuse_later, refuse_other_rankings

    address = config.previous_scores
    if address is None:
        return None
    if "://" in address and not is_duckdb_address(address):
        raise InputError(
            f"an earlier ranking is read from a file or duckdb://file.db/table, and not from "
            f"{address.partition('://')[0]}://; copy it to a file and name that by `previous_scores`."
        )
    place = str(group_place(scores_place(address), key))
    opened = Opened()
    table = open_source(open_workspace(), place, opened)
    show_assumed(opened.assumed)
    needed = ("customer_id", "cutoff", "rank", "tier", "predicted_value")
    if missing := [name for name in needed if name not in table.columns]:
        raise InputError(
            f"{place} has no column {' or '.join(missing)}; give a ranking that duramen score wrote as "
            "`previous_scores`."
        )
    names = [*needed, *(name for name in ("lifecycle_stage", "model_version") if name in table.columns)]
    ranking = _in_types(table.select(*names).to_pyarrow().to_pandas(), place)
    try:
        refuse_other_rankings(ranking)
        if config.cutoff is not None and len(ranking):
            refuse_later(ranking, config.cutoff)
    except InputError as error:
        raise InputError(f"{place}: {error}") from error
    return PreviousScores(place, ranking)


def _in_types(ranking: pd.DataFrame, place: str) -> pd.DataFrame:
    """Return a ranking that may have been read as text with the types that ``duramen score`` gives it."""
    typed = ranking.assign(
        rank=pd.to_numeric(ranking["rank"], errors="coerce"),
        predicted_value=pd.to_numeric(ranking["predicted_value"], errors="coerce"),
        cutoff=pd.to_datetime(ranking["cutoff"], errors="coerce"),
    )
    words = [name for name in ("tier", "lifecycle_stage", "model_version") if name in typed]
    typed = typed.astype(dict.fromkeys(words, "category"))
    for name in typed.columns:
        if (bad := typed[name].isna()).any():
            example = ranking[name][bad].iloc[0]
            raise InputError(
                f"{name} of {bad.sum():,} rows of {place} is missing or not what duramen score writes (for example "
                f"{example!r}); give its ranking as `previous_scores`."
            )
    return typed


def read_index(config: RankingConfig) -> pd.DataFrame | None:
    """Return the outside market index, if there is one; it is read before the orders, which take longer."""
    from duramen.data.market_index import read_market_index

    if config.market.index is None:
        return None
    assumed: list[str] = []
    index = read_market_index(config.market.index, config.decimal, assumed)
    show_assumed(config.in_flags(sentence) for sentence in assumed)
    return index


def check_scenario(config: RankingConfig, models: dict[str, CoreCustomerModel]) -> None:
    """Refuse responses of segments that a model does not have."""
    scenario = config.market.scenario()
    if scenario is not None and scenario.by == "segment":
        for model in models.values():
            scenario.of_segments(model.segment_names_)


def check_categories(config: RankingConfig, tx: Transactions, cutoff: date) -> None:
    """Refuse responses of categories that the orders do not have, before scoring, which takes longer."""
    from duramen.scoring.market_scenarios import response_by_category

    scenario = config.market.scenario()
    if scenario is not None and scenario.by == "category":
        response_by_category(tx, cutoff, scenario.response)


def credit_of(customers: CustomerFile | None, ids: pd.Series[Any]) -> pd.Series[Any] | None:
    """Return the credit of each customer, where the file about customers has it."""
    if customers is None or "credit" not in customers.table:
        return None
    return customers.of("credit", ids)


def load_models(address: str, kind: str | None) -> dict[str, CoreCustomerModel]:
    """Return the model of each group by its key."""
    return {key: load_model(place) for key, place in model_addresses(address, kind).items()}


def load_model(address: str) -> CoreCustomerModel:
    """Return the model of a folder, a run or the registry."""
    from duramen.scoring.model import CoreCustomerModel

    with step(say("Loading the model {address}", address=address)):
        if address.startswith(("models:/", "runs:/")):
            from duramen.tracking.store import load_model

            return load_model(address)
        return CoreCustomerModel.load(address)


def longest_horizon(models: dict[str, CoreCustomerModel]) -> int:
    """Return the days of the longest forecast of the models."""
    return max(model.window_.horizon for model in models.values())


def tiers_of(models: dict[str, CoreCustomerModel], config: RankingConfig | ListsConfig) -> dict[str, Tiers]:
    """Return the tiers of each model, changed setting by setting."""
    return {
        key: model.tiers if config.tiers is None else config.tiers.tiers(model.tiers)
        for key, model in models.items()
    }


def refuse_other_units(models: Iterable[CoreCustomerModel], tx: Transactions) -> None:
    """Refuse orders in another unit of money than the models', and show where one of them has no unit."""
    from duramen.data.money_unit import compare_units

    for note in dict.fromkeys(compare_units(model.unit_, tx.unit, tx.source) for model in models):
        if note is not None:
            warn(note)


def refuse_without_model(group: Group, models: dict[str, CoreCustomerModel], address: str) -> None:
    """Refuse a group that no model was trained for."""
    if group.key not in models:
        raise InputError(f"{address} has no model of {group.who}; train one with them.")


def one_model(address: str, kind: str | None) -> str:
    """Return the address of the one model that is meant, where a command takes one model at a time."""
    addresses = model_addresses(address, kind)
    if len(addresses) > 1:
        raise InputError(
            f"{address} has a model of {' and '.join(addresses)} customers, who have champions of their own; name one "
            f"after the other, for example by --kind {next(iter(addresses))}."
        )
    return addresses[""]


def orders_of_model(
    orders: str,
    config: ModelledConfig,
    address: str,
    kind: str | None,
    models: Collection[CoreCustomerModel] = (),
) -> Transactions:
    """Return the orders of the customers whom the one model at an address is for."""
    tx = read_orders(orders, config, read_customers(config), read_features(config, models))
    (group,) = groups_to_score(tx, kind, address, [""])
    return group.tx
