"""The ranking on the terminal: long ids are shortened and stay different, and no figure is cut."""

import io
import re
import uuid

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from duramen.cli import ranking_table
from duramen.cli.short_ids import SHORTEST, short_ids

UUIDS = [str(uuid.UUID(int=(7919 * row) ** 9 % 2**128)) for row in range(1, 16)]
MAILS = [f"anna.longname-{name}@example.com" for name in "abcdefghijklmn"] + ["bo@x.de"]
IDS = {
    "UUIDs": UUIDS,
    "e-mails": MAILS,
    "integers": [*range(1, 15), 2**63],
    "short ids": list("abcdefghijklmno"),
    "ids like markup": [f"[red]{letter}:heart:" for letter in "abcdefghijklmno"],
    "UUIDs that differ in one digit": [f"00000000-0000-4000-8{row:03x}-000000000000" for row in range(15)],
}


def head_of(ids, largest=99_000.0):
    """Return the head of a ranking of these ids, with every tier."""
    value = np.linspace(largest, 1.0, len(ids))
    tiers = ["VIP", "main", "rising", "regular", "below break-even"]
    return pd.DataFrame(
        {
            "customer_id": ids, "rank": range(1, len(ids) + 1), "tier": [tiers[at % 5] for at in range(len(ids))],
            "score": 1.2 * value, "predicted_value": value, "predicted_value_low": 0.0,
            "predicted_value_high": 3 * value, "growth_rate": value / value.max() - 0.5, "probability_core": 0.5,
        }
    )  # fmt: skip


def shown(head, columns, monkeypatch):
    """Return the lines of the table on a terminal of so many columns."""
    written = io.StringIO()
    console = Console(file=written, width=columns, force_terminal=False)
    monkeypatch.setattr(ranking_table, "console", console)
    console.print(ranking_table.ranking_table(head), crop=False)
    return written.getvalue().splitlines()


def ids_shown(lines):
    """Return the texts of the column of ids, of which one may go over several lines."""
    top = next(at for at, line in enumerate(lines) if "customer" in line)
    start = lines[top].index("customer")
    end = start + len(re.search(r"customer +", lines[top]).group())
    texts = []
    for line in lines[top + 2 :]:
        if line[:start].strip():
            texts.append("")
        if texts:
            texts[-1] += line[start:end].strip()
    return texts


@pytest.mark.parametrize("columns", [80, 100, 160])
@pytest.mark.parametrize("kind", IDS)
def test_no_figure_and_no_tier_is_cut_whatever_the_ids_are(kind, columns, monkeypatch):
    head = head_of(IDS[kind])
    lines = shown(head, columns, monkeypatch)
    words = " ".join(lines).split()
    for row in head.itertuples():
        for figure in (row.score, row.predicted_value, row.predicted_value_high):
            assert f"{figure:,.0f}" in words
        assert f"{row.growth_rate:+z.0%}".replace("+0%", "0%") in words
        assert {str(row.rank), *row.tier.split()} <= set(words)
    assert max(map(len, lines)) <= columns


@pytest.mark.parametrize("columns", [80, 100, 160])
@pytest.mark.parametrize("kind", IDS)
def test_different_ids_are_shown_as_different_texts(kind, columns, monkeypatch):
    texts = ids_shown(shown(head_of(IDS[kind]), columns, monkeypatch))
    assert len(set(texts)) == len(texts) == 15
    for text, one in zip(texts, IDS[kind], strict=True):
        start, _, end = text.partition("…")
        assert str(one).startswith(start)
        assert str(one).endswith(end)


@pytest.mark.parametrize("columns", [80, 100])
def test_a_uuid_keeps_eight_digits_of_its_start_and_four_of_its_end(columns, monkeypatch):
    texts = ids_shown(shown(head_of(UUIDS), columns, monkeypatch))
    assert texts == [f"{one[:8]}…{one[-4:]}" for one in UUIDS]


def test_ids_that_fit_are_shown_whole(monkeypatch):
    assert ids_shown(shown(head_of(UUIDS), 160, monkeypatch)) == UUIDS
    short = IDS["short ids"]
    assert ids_shown(shown(head_of(short), 80, monkeypatch)) == short


def test_figures_of_nine_digits_are_shown_whole_on_80_columns(monkeypatch):
    head = head_of(UUIDS, largest=99_000_000.0)
    words = " ".join(shown(head, 80, monkeypatch)).split()
    for figure in [*head["score"], *head["predicted_value_high"]]:
        assert f"{figure:,.0f}" in words
    assert f"{UUIDS[0][:8]}…{UUIDS[0][-4:]}" in words


def test_an_address_keeps_its_domain_where_there_is_room():
    assert short_ids(["anna.longname@example.com", "7"], 22) == ["anna.lon…@example.com", "7"]
    assert short_ids(["anna.longname@example.com"], SHORTEST) == ["anna.lon….com"]


@given(
    st.lists(st.text("ab1-@.…", max_size=24), unique=True, max_size=8), st.integers(-5, 30),
)  # fmt: skip
def test_shortened_ids_are_as_different_as_the_ids(ids, width):
    texts = short_ids(ids, width)
    assert len(set(texts)) == len(ids)
    assert all(text == one for text, one in zip(texts, ids, strict=True) if len(one) <= width)


def test_equal_ids_get_equal_texts():
    long = "f47ac10b-58cc-4372-a567-0e02b2c3d479"
    assert short_ids([long, long], 20) == ["f47ac10b…d479"] * 2


def test_a_small_loss_is_not_a_negative_zero(monkeypatch):
    head = head_of(list("abcde")).assign(growth_rate=[-0.004, 0.004, -0.006, 0.1, -0.2])
    growth = [line.split()[-2] for line in shown(head, 80, monkeypatch)[2:7]]
    assert growth == ["0%", "0%", "-1%", "+10%", "-20%"]
