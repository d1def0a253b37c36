"""The configuration of ``duramen lists``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from duramen.cli.config.options import (
    Acceptance,
    ContactCost,
    CostToServe,
    File,
    KindOrGroups,
    Model,
    OneCutoff,
    earlier_ranking,
    folder,
    money,
)
from duramen.cli.config.reading import OrdersConfig
from duramen.cli.config.settings import Finite, Option, Text
from duramen.cli.config.tables import TiersTable
from duramen.errors import InputError


def _most(help: str) -> Option:
    return Option(help, "a whole number from 1 on", "500", metavar="N", default="no limit")


class ListsConfig(OrdersConfig):
    """Settings of ``duramen lists``."""

    offer_cost: Annotated[Finite, Field(ge=0), money("What the offer costs where a customer takes it.")]
    contact_cost: ContactCost = 0.0
    acceptance: Acceptance = None
    budget: Annotated[
        Finite | None,
        Field(gt=0),
        money("Expected cost of the call list, at most: contacts, and offers taken.", "5000", "no limit"),
    ] = None
    contacts: Annotated[int | None, Field(ge=1), _most("Customers on the call list, at most.")] = None
    win_back_acceptance: Annotated[
        float | None,
        Field(gt=0, le=1),
        Option(
            "Share of lapsed customers who accept the offer.", "a number above 0 to 1", "0.1", metavar="SHARE",
            default="as for the call list",
        ),
    ] = None  # fmt: skip
    win_back_budget: Annotated[
        Finite | None,
        Field(gt=0),
        money("Expected cost of the win-back list, at most.", "2000", "no limit"),
    ] = None
    win_back_contacts: Annotated[
        int | None, Field(ge=1), _most("Customers on the win-back list, at most.")
    ] = None
    previous_scores: Annotated[
        Text | None,
        earlier_ranking(", and only customers who were not rising or core then are new in the rising tier"),
    ] = None
    model: Model = "model"
    out: Annotated[File, folder("Folder for the lists.", "lists")] = Path("lists")
    cutoff: OneCutoff = None
    kind: KindOrGroups = None
    cost_to_serve: CostToServe = None
    tiers: TiersTable | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.offer_cost + self.contact_cost:
            raise InputError(
                "--offer-cost and --contact-cost are both 0: what costs nothing can go to everybody; give what the "
                "offer or the contact costs."
            )
        return self
