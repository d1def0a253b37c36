"""The tables of a TOML file: settings come in, and the objects of the library that they stand for go out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from duramen.cli.config.settings import Finite, Option, Setting, Settings, Text
from duramen.errors import InputError

if TYPE_CHECKING:
    from duramen.analysis.alarms import Limits
    from duramen.analysis.portfolio_axes import Axes
    from duramen.evaluation.champion_challenger import Rule
    from duramen.forecast.settings import ForecastSettings
    from duramen.scoring.market_scenarios import MarketScenario
    from duramen.scoring.tiers import Tiers

Name = Annotated[Text, Setting("What it is called.", "a name", '"basic"')]
Treatment = Annotated[Text, Setting("What to do for its customers.", "a text", '"serve online"')]
Service = Annotated[Text, Setting("How its customers are served.", "a text", '"online only"')]


def _checked_treatments(treatments: dict[str, str]) -> dict[str, str]:
    from duramen.scoring.treatments import refuse_treatments

    refuse_treatments(treatments)
    return treatments


Treatments = Annotated[
    dict[str, Annotated[str, Setting("What to do.", "a text", '"a card at Christmas"')]],
    AfterValidator(_checked_treatments),
]


def _share(help: str) -> Setting:
    return Setting(help, "a number from 0 to 1", "0.4")


class TierTable(Settings):
    """What differs in the name and the service of a tier."""

    name: Name | None = None
    service: Service | None = None


class TiersTable(Settings):
    """``[tiers]``: where the tiers end, what they are called, and what to do for their customers."""

    vip_share: Annotated[float | None, _share("Share of value that the VIPs account for.")] = None
    core_share: Annotated[float | None, _share("Share of value that VIP and main account for.")] = None
    regular_share: Annotated[float | None, _share("Share of value up to the regular customers.")] = None
    rising_share: Annotated[float | None, _share("Share of customers who can be rising.")] = None
    rising_growth: Annotated[
        float | None,
        Setting("Growth rate from which customers can be rising.", "a number from 0 on", "0.2"),
    ] = None
    vip: TierTable | None = None
    main: TierTable | None = None
    rising: TierTable | None = None
    regular: TierTable | None = None
    small: TierTable | None = None
    below_break_even: TierTable | None = None
    treatments: Treatments | None = None

    def tiers(self, base: Tiers | None = None) -> Tiers:
        """Return the tiers, with those of ``base`` (by default, the usual ones) where nothing is set."""
        from duramen.scoring.tiers import Tiers

        return Tiers.from_dict(self.given(), base)


class AxisTable(Settings):
    """What differs in the levels of an axis of the portfolio."""

    levels: Annotated[
        list[str] | None,
        Setting("Names of the levels, the lowest first.", "two or three names", '["small", "large"]'),
    ] = None
    cuts: Annotated[
        list[float] | None, Setting("Where each level but the last ends.", "numbers", "[500]")
    ] = None
    by: Annotated[
        Literal["quantile", "value"] | None,
        Setting("Whether cuts are shares of customers or values.", "quantile or value", '"value"'),
    ] = None


class CellTable(Settings):
    """The name and the treatment of a cell of the portfolio."""

    name: Name
    treatment: Treatment


class PortfolioTable(Settings):
    """``[portfolio]``: levels, cuts and cells of the portfolio matrices."""

    loyalty: AxisTable | None = None
    size: AxisTable | None = None
    credit: AxisTable | None = None
    size_from: Annotated[
        Literal["past", "predicted"] | None,
        Setting("Whether size is past or predicted value.", "past or predicted", '"predicted"'),
    ] = None
    credit_grades: Annotated[
        list[Any] | None, Setting("Grades of credit, the best first.", "a list of grades", '["A", "B", "C"]')
    ] = None
    cells: dict[str, CellTable] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.model_fields_set:
            self.axes()
        return self

    def axes(self) -> Axes:
        """Return the axes, with the usual ones where nothing is set."""
        from duramen.analysis.portfolio_axes import Axes

        return Axes.from_dict(self.given())


def _changing(change: float) -> float:
    """Refuse a change that is none."""
    if not change:
        raise ValueError("no change")
    return change


class MarketTable(Settings):
    """``[market]``: an outside index, and a change of demand with who responds to it."""

    index: Annotated[
        Text | None,
        Option(
            "CSV or Parquet with date and level of an outside market, against which responses are estimated.",
            "a CSV or Parquet file", "index.csv", metavar="FILE", flag="--market",
        ),
    ] = None  # fmt: skip
    demand_change: Annotated[
        Finite | None,
        Field(gt=-100, lt=100),
        AfterValidator(_changing),
        Option(
            "Show the core after this change of demand, in per cent; [market.response] in the TOML file states "
            "who responds more.",
            "a per cent between -100 and 100, and not 0", "-20", metavar="PERCENT",
        ),
    ] = None  # fmt: skip
    response_by: Annotated[
        Literal["segment", "category"] | None,
        Setting("What the responses are of.", "segment or category", '"category"'),
    ] = None
    response: (
        dict[
            str,
            Annotated[
                Finite, Setting("How much it responds: 1 as demand, 2 twice as much.", "a finite number", "2")
            ],
        ]
        | None
    ) = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.demand_change is None and (self.response or self.response_by):
            raise InputError(
                "[market.response] states who responds, but not to what; give --demand-change, for example -20 for a "
                "fall of 20 %."
            )
        self.scenario()
        return self

    def scenario(self) -> MarketScenario | None:
        """Return the stated scenario, if there is one."""
        if self.demand_change is None:
            return None
        from duramen.scoring.market_scenarios import MarketScenario

        return MarketScenario(self.demand_change / 100, self.response or {}, self.response_by or "segment")


class PromotionTable(Settings):
    """``[promotion]``: when a challenger becomes the champion."""

    metric: Annotated[
        Text | None,
        Option(
            "The metric that decides.", "the name of a metric", "Brier", metavar="METRIC",
            default="value captured at top 20 %",
        ),
    ] = None  # fmt: skip
    margin: Annotated[
        float | None,
        Option(
            "Lead over the champion that the interval must exceed, in the unit of the metric.",
            "a number from 0 on", "0.01", metavar="NUMBER", default="0",
        ),
    ] = None  # fmt: skip
    confidence: Annotated[
        float | None, Setting("Confidence of the interval.", "a number from 0.5 to below 1", "0.95")
    ] = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.model_fields_set:
            self.rule()
        return self

    def rule(self) -> Rule:
        """Return the rule, with the usual one where nothing is set."""
        from duramen.evaluation.champion_challenger import Rule

        return Rule(**self.given())


def _limit(help: str, example: str) -> Setting:
    return Setting(help, "a number from 0 on", example)


class MonitorTable(Settings):
    """``[monitor]``: where a figure of ``duramen monitor`` becomes an alarm; the defaults are those of ``Limits``."""

    drift: Annotated[
        float | None, _limit("Population stability index of a feature or a score, at most.", "0.25")
    ] = None
    total_bias: Annotated[
        float | None, _limit("Predicted total over the actual one, less 1, in either direction.", "0.25")
    ] = None
    calibration_error: Annotated[
        float | None, _limit("Mean difference of P(active) and the share who bought.", "0.05")
    ] = None
    auc_drop: Annotated[float | None, _limit("AUC below that of the holdout, at most.", "0.05")] = None
    captured_drop: Annotated[
        float | None, _limit("How far the captured value may be below that of the holdout.", "0.1")
    ] = None
    coverage_shortfall: Annotated[
        float | None, _limit("Share of customers that the 80 % interval misses beyond 20 %, at most.", "0.1")
    ] = None
    confidence: Annotated[
        float | None, Setting("Confidence of the intervals.", "a number from 0.5 to 0.999", "0.95")
    ] = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.model_fields_set:
            self.limits()
        return self

    def limits(self) -> Limits:
        """Return the limits, with the usual ones where nothing is set."""
        from duramen.analysis.alarms import Limits

        return Limits(**self.given())


class TreesTable(Settings):
    """``[forecast.trees]``: how LightGBM's trees grow."""

    num_leaves: Annotated[int | None, Setting("Most leaves of a tree.", "a whole number from 2 on", "15")] = (
        None
    )
    max_depth: Annotated[
        int | None, Setting("Most splits on the way to a leaf.", "a whole number from 1 on", "4")
    ] = None
    learning_rate: Annotated[
        float | None, Setting("Share of each tree that counts.", "a number above 0 to 1", "0.05")
    ] = None
    rounds: Annotated[int | None, Setting("How many trees.", "a whole number from 1 on", "100")] = None
    min_leaf_customers: Annotated[
        int | None, Setting("Fewest customers of a leaf.", "a whole number from 1 on", "20")
    ] = None
    min_leaf_share: Annotated[
        float | None, Setting("Smallest share of customers of a leaf.", "a number from 0 to 0.5", "0.002")
    ] = None
    feature_fraction: Annotated[
        float | None, Setting("Share of features that a tree uses.", "a number above 0 to 1", "0.7")
    ] = None
    bagging_fraction: Annotated[
        float | None, Setting("Share of customers that a tree uses.", "a number above 0 to 1", "0.8")
    ] = None
    lambda_l2: Annotated[
        float | None, Setting("Penalty on the squares of leaf values.", "a number from 0 on", "1.0")
    ] = None


class ForecastTable(Settings):
    """``[forecast]``: candidates, training cutoffs, calibration and trees of the forecast."""

    btyd_models: Annotated[
        list[str] | None,
        Setting("Purchase models to choose from.", "a list of BG/NBD, MBG/NBD, Pareto/NBD", '["BG/NBD"]'),
    ] = None
    training_cutoffs: Annotated[
        int | None, Setting("Most earlier cutoffs to learn from.", "a whole number from 2 to 100", "6")
    ] = None
    training_customers: Annotated[
        int | None,
        Setting("Most customers that trees learn from at a cutoff.", "a whole number from 10 on", "60000"),
    ] = None
    calibrated: Annotated[
        bool | None, Setting("Whether the holdout calibrates P(active).", "true or false", "true")
    ] = None
    trees: TreesTable | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.model_fields_set:
            self.settings()
        return self

    def settings(self) -> ForecastSettings:
        """Return the settings of the forecast, with the usual ones where nothing is set."""
        from duramen.forecast.settings import ForecastSettings

        return ForecastSettings.from_dict(self.given())
