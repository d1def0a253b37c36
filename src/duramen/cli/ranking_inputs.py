"""Settings come in; models, orders and everything else that a ranking is made of go out, read and checked."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from duramen.cli.config.ranking import RankingConfig
from duramen.cli.groups import Group, groups_to_score
from duramen.cli.inputs import (
    PreviousScores,
    check_categories,
    check_costs,
    check_scenario,
    choose_cutoff,
    load_models,
    longest_horizon,
    read_costs_to_serve,
    read_customers,
    read_features,
    read_index,
    read_orders,
    read_previous_scores,
    refuse_other_units,
    refuse_without_model,
    tiers_of,
)
from duramen.data.transactions import Transactions

if TYPE_CHECKING:
    from duramen.analysis.scenario_summary import ScenarioSummary
    from duramen.data.customer_file import CustomerFile
    from duramen.scoring.model import CoreCustomerModel
    from duramen.scoring.tiers import Tiers


class Task(NamedTuple):
    """A group of customers to rank at a cutoff, and with what."""

    group: Group
    cutoff: date
    model: CoreCustomerModel
    tiers: Tiers
    cost: pd.Series[float] | None
    previous: PreviousScores | None
    customers: CustomerFile | None
    market_index: pd.DataFrame | None
    config: RankingConfig

    @property
    def earlier(self) -> pd.DataFrame | None:
        """The earlier ranking, if one is given."""
        return None if self.previous is None else self.previous.ranking

    def scenario(self, places: pd.DataFrame) -> ScenarioSummary | None:
        """Return the core of the stated scenario, where there is one."""
        from duramen.analysis.scenario_summary import summarise_scenario

        scenario = self.config.market.scenario()
        if scenario is None:
            return None
        table = places.rename(columns={"predicted_value": "value"})
        return summarise_scenario(table, scenario.named(self.model.segment_names_), self.tiers.core_share)


class RankingInputs(NamedTuple):
    """What the groups of some orders are ranked with: models, tiers and earlier rankings by the key of each group."""

    config: RankingConfig
    models: dict[str, CoreCustomerModel]
    tiers: dict[str, Tiers]
    previous: dict[str, PreviousScores | None]
    market_index: pd.DataFrame | None
    customers: CustomerFile | None
    tx: Transactions
    groups: list[Group]
    cutoff: date
    cost: pd.Series[float] | None

    def task(self, group: Group) -> Task:
        """Return what one group is ranked with; a group that no model was trained for is refused."""
        refuse_without_model(group, self.models, self.config.model)
        key = group.key
        return Task(
            group,
            self.cutoff,
            self.models[key],
            self.tiers[key],
            self.cost,
            self.previous[key],
            self.customers,
            self.market_index,
            self.config,
        )


def read_ranking_inputs(config: RankingConfig) -> RankingInputs:
    """Read and check models, orders and all files beside them; what takes least is read first."""
    models = load_models(config.model, config.kind)
    tiers = tiers_of(models, config)
    check_costs(config.cost_to_serve)
    previous = {key: read_previous_scores(config, key) for key in models}
    check_scenario(config, models)
    index = read_index(config)
    customers = read_customers(config)
    tx = read_orders(config.orders, config, customers, read_features(config, models.values()))
    refuse_other_units(models.values(), tx)
    groups = groups_to_score(tx, config.kind, config.model, models)
    cutoff = choose_cutoff(tx, config.cutoff, longest_horizon(models))
    check_categories(config, tx, cutoff)
    cost = read_costs_to_serve(config.cost_to_serve, groups, cutoff, config)
    return RankingInputs(config, models, tiers, previous, index, customers, tx, groups, cutoff, cost)
