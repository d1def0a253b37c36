"""The configuration of ``duramen base``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from duramen.cli.config.options import Acceptance, ContactCost, Day, File, folder, money
from duramen.cli.config.reading import OrdersConfig
from duramen.cli.config.settings import Finite, Option, Text
from duramen.errors import InputError


class BaseConfig(OrdersConfig):
    """Settings of ``duramen base``."""

    first_day: Annotated[
        Day | None,
        Option(
            "First day of the period whose revenue is compared with that of the period before, as long.", "a day",
            "2011-06-01", metavar="DAY", flag="--from", default="91 days before the end",
        ),
    ] = None  # fmt: skip
    last_day: Annotated[
        Day | None,
        Option(
            "Last day of that period.", "a day", "2011-08-30", metavar="DAY", flag="--to", default="the last day"
        ),
    ] = None  # fmt: skip
    model: Annotated[
        Text | None,
        Option(
            "A trained model, for what is expected: money that comes back, customers below break-even, whom to keep.",
            "a folder or an MLflow URI", "model", metavar="MODEL",
        ),
    ] = None  # fmt: skip
    acquisition_cost: Annotated[
        Finite | None, Field(gt=0), money("What it costs to win a customer.", "12")
    ] = None
    margin: Annotated[
        float | None,
        Field(gt=0, le=1),
        Option(
            "Share of net money that is left after the goods are paid.", "a number above 0 to 1", "0.4",
            metavar="SHARE", default="1, where amounts are margins",
        ),
    ] = None  # fmt: skip
    order_cost: Annotated[Finite, Field(ge=0), money("What serving an order costs.", "4")] = 0.0
    return_cost: Annotated[Finite, Field(ge=0), money("What serving a return costs.", "6")] = 0.0
    customer_cost: Annotated[
        Finite,
        Field(ge=0),
        money("What serving a customer costs over the horizon, whatever is bought.", "2"),
    ] = 0.0
    cheaper_service: Annotated[
        float | None,
        Field(ge=0, le=1),
        Option(
            "Cost of a cheaper service for customers below break-even, as a share of the present one.",
            "a number from 0 to 1", "0.5", metavar="SHARE",
        ),
    ] = None  # fmt: skip
    minimum_order: Annotated[
        Finite | None, Field(gt=0), money("The smallest order that would be taken.", "25")
    ] = None
    complete_history: Annotated[
        bool,
        Option(
            "The orders begin with the business: every first purchase is in them.", "true or false", "true"
        ),
    ] = False
    offer_cost: Annotated[
        Finite, Field(ge=0), money("What an offer to stay costs where a customer takes it.")
    ] = 0.0
    contact_cost: ContactCost = 0.0
    acceptance: Acceptance = None
    campaign: Annotated[
        Text | None,
        Option(
            "CSV or Parquet of a randomised campaign: customer_id, treated (1 or 0) and date.", "a CSV or Parquet file",
            "campaign.csv", metavar="FILE",
        ),
    ] = None  # fmt: skip
    reward_budget: Annotated[
        Finite | None, Field(gt=0), money("Money for the rewards of a club over the horizon.", "5000")
    ] = None
    out: Annotated[File, folder("Folder for the page and its tables.", "base")] = Path("base")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.first_day and self.last_day and self.last_day < self.first_day:
            raise InputError(f"--to is {self.last_day}, before --from {self.first_day}; give a later day.")
        return self
