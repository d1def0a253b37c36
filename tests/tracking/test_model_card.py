"""The model card: there after a training, with the figures of the scorecard and without any that is missing."""

import re
from pathlib import Path

import pandas as pd
import pytest

from duramen.data.reading import read_transactions
from duramen.evaluation.scorecards import scorecard
from duramen.scoring.model import CoreCustomerModel
from duramen.tracking.model_card import MODEL_CARD, model_card


@pytest.fixture(scope="module")
def card(trained):
    return (trained.folder / "model" / MODEL_CARD).read_text(encoding="utf-8")


def test_a_training_writes_the_card_beside_the_model_and_into_the_run(trained, card):
    assert trained.done.returncode == 0
    copies = [path.read_text(encoding="utf-8") for path in (trained.folder / "mlruns").rglob(MODEL_CARD)]
    # Other trainings record in the same folder.
    assert card in copies
    # The card is no part of the model: it still loads.
    assert CoreCustomerModel.load(trained.folder / "model").seed == 1


def test_every_figure_is_that_of_the_scorecard(trained, card):
    table = scorecard(CoreCustomerModel.load(trained.folder / "model").holdout_)
    checked = 0
    for target, rows in table.groupby("target", sort=False):
        part = card.split(f"**{target}**")[1].split("**")[0].split("\nA dash")[0]
        lines = [
            [cell.strip() for cell in line.strip("| ").split(" | ")]
            for line in part.split("\n")
            if "|" in line
        ]
        heading, _, *body = lines
        shown = {
            (line[0], model): cell for line in body for model, cell in zip(heading[1:], line[1:], strict=True)
        }
        for row in rows.itertuples(index=False):
            written = "-" if pd.isna(row.figure) else f"{row.figure:.4g}"
            assert shown[row.metric, row.model] == written
            checked += 1
    assert checked == len(table) > 30


def test_it_has_data_window_limits_and_what_repeats_it(trained, card):
    model = CoreCustomerModel.load(trained.folder / "model")
    tx = read_transactions(trained.folder / "orders.csv", currency="USD")
    summary = tx.summary(model.window_.cutoff)
    for text in (
        f"| Customers | {summary.customers:,}, of whom", f"{summary.net_total:,.0f} USD net", "91 days from 1998-04-01",
        "| seed | 1 |", model.model_version_, tx.digest(model.window_.cutoff), "## Not to be used for",
        *(f"- {note}" for note in model.notes_),
    ):  # fmt: skip
        assert text in card
    assert not re.search(r"\bnan\b", card, re.I)


def test_rows_set_aside_are_listed_with_their_money(small):
    bad = small.orders.head(3).assign(customer_id=None)
    tx = read_transactions(pd.concat([small.orders, bad], ignore_index=True), currency="USD")
    text = model_card(small.model, small.card, tx, kind="channel")
    (reason,) = tx.set_aside
    assert f"| {reason} | 3 | {tx.set_aside_money[reason]:,.0f} USD |" in text
    assert "| Kind of customers | channel |" in text
    assert f"{tx.rows_used:,} of {tx.rows_in:,} rows" in text
    assert Path(MODEL_CARD).suffix == ".md"
