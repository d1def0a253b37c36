"""``duramen base``: orders and two periods in; why revenue changed and how the base did, as a page and tables, out."""

import re

import numpy as np
import pandas as pd
import pytest

PERIOD = ("--from", "1998-01-01", "--to", "1998-03-31")


@pytest.fixture
def orders(shop, tmp_path):
    """Return the orders of the shop as a file in the folder of the run."""
    shop.orders.to_csv(tmp_path / "orders.csv", index=False)
    return tmp_path / "orders.csv"


def test_the_parts_of_the_change_add_up_to_what_the_orders_say(duramen, orders, shop):
    status, out, err, new = duramen("base", orders, *PERIOD)
    assert (status, err) == (0, "")
    assert {
        "base",
        "base.html",
        "revenue_change.csv",
        "missing_money.csv",
        "structure.csv",
        "cohorts.csv",
    } <= new
    folder = orders.parent / "base"
    day = pd.to_datetime(shop.orders["date"])
    spent = [
        shop.orders.loc[(day >= first) & (day < end), "amount"].sum()
        for first, end in (("1997-10-03", "1998-01-01"), ("1998-01-01", "1998-04-01"))
    ]
    parts = pd.read_csv(folder / "revenue_change.csv")
    assert parts["money"].sum() == pytest.approx(spent[1] - spent[0], abs=0.005)
    words = " ".join(out.split())
    assert f"from {spent[0]:,.0f} currency units in the 90 days from 1997-10-03 to {spent[1]:,.0f}" in words
    structure = pd.read_csv(folder / "structure.csv")
    assert structure["money"].iloc[-1] == pytest.approx(spent[1], abs=0.005)
    # What is missing is named with the setting that brings it.
    assert "--verbose" in out
    page = (folder / "base.html").read_text(encoding="utf-8")
    assert "give a trained model as --model" in page
    assert not re.search(r">\s*nan\b|https?://", page)


def test_costs_and_a_model_bring_what_customers_leave_and_whom_to_keep(duramen, orders, saved):
    status, out, _, new = duramen(
        "base", orders, *PERIOD, "--model", saved, "--margin", 0.3, "--order-cost", 2, "--customer-cost", 1,
        "--acquisition-cost", 8, "--offer-cost", 5, "--contact-cost", 1, "--acceptance", 0.3,
        "--reward-budget", 300, "--out", "deep/mine",
    )  # fmt: skip
    assert status == 0
    assert {
        "break_even.csv",
        "exit_plan.csv",
        "contact_choices.csv",
        "win_back_or_release.csv",
        "reward_grades.csv",
    } <= new
    folder = orders.parent / "deep" / "mine"
    pays = pd.read_csv(folder / "break_even.csv", dtype={"customer_id": str})
    assert pays["below_break_even"].equals(pays["contribution"] < 0)
    assert (
        f"{pays['below_break_even'].sum():,} of {len(pays):,} customers are expected to cost more"
        in " ".join(out.split())
    )
    assert pd.read_csv(folder / "reward_grades.csv")["cost"].sum() <= 300
    assert "more notes: --verbose" in out


def test_the_chinese_page_has_no_english_choice_or_grade_and_one_form_of_dates(duramen, orders, saved):
    costs = ("--order-cost", 2, "--offer-cost", 5, "--contact-cost", 1, "--reward-budget", 300)
    status, out, _, _ = duramen("base", orders, *PERIOD, "--model", saved, *costs, "--lang", "zh")
    assert status == 0, out
    page = (orders.parent / "base" / "base.html").read_text(encoding="utf-8")
    shown = re.sub(r"<[^>]+>", "|", re.sub(r"<(style|svg).*?</\1>", "", page, flags=re.DOTALL))
    assert not re.search(r"\d{4}-\d\d-\d\d|\|(worth contacting|most likely to leave|main|regular)\|", shown)


def test_a_part_that_needs_a_model_is_named(duramen, orders):
    _, out, _, _ = duramen("base", orders, *PERIOD, "--verbose")
    assert "Break-even, whom to keep, rewards and referrals need a forecast" in " ".join(out.split())


def test_a_file_of_customers_with_referrers_brings_what_referrals_are_worth(
    duramen, orders, saved, shop, tmp_path
):
    ids = shop.customers["customer_id"]
    about = pd.DataFrame({"customer_id": ids, "referred_by": ""})
    about.loc[1:5, "referred_by"] = ids.iloc[0]
    about.to_csv(tmp_path / "customers.csv", index=False)
    status, out, _, _ = duramen("base", orders, *PERIOD, "--model", saved, "--customers", "customers.csv")
    assert status == 0, out
    referrals = pd.read_csv(tmp_path / "base" / "referrals.csv", dtype={"customer_id": str})
    assert referrals.loc[0, ["customer_id", "referred_directly"]].tolist() == [ids.iloc[0], 5]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--from", "1998-03-01", "--to", "1998-02-01"), "--to is 1998-02-01, before --from 1998-03-01"),
        (("--from", "1997-02-01", "--to", "1997-03-31"), "do not cover the 59 days from 1996-12-04"),
        (("--from", "1998-06-01", "--to", "1999-01-01"), "do not cover"),
        (("--margin", "0"), "--margin"),
        (("--order-cost", "-1"), "--order-cost"),
        (("--model", "nowhere"), "nowhere"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_one_sentence(duramen, orders, words, message):
    status, _, err, new = duramen("base", orders, *words)
    assert status == 2
    assert message in err
    assert len(err.strip().splitlines()) == 1
    assert not new


def test_a_randomised_campaign_is_measured_and_one_that_was_not_random_refused(
    duramen, orders, shop, tmp_path
):
    known = shop.orders[shop.orders["date"] < "1998-01-15"].groupby("customer_id")["amount"].sum()
    drawn = np.random.default_rng(0).integers(0, 2, len(known))
    for treated, random in ((drawn, True), ((known > known.median()).to_numpy(), False)):
        pd.DataFrame(
            {"customer_id": known.index, "treated": treated.astype(int), "date": "1998-01-15"}
        ).to_csv(tmp_path / "campaign.csv", index=False)
        status, out, _, _ = duramen(
            "base", orders, *PERIOD, "--campaign", "campaign.csv", "--contact-cost", 1
        )
        assert status == 0
        assert ("is not a randomised experiment" in " ".join(out.split())) is not random
        assert (tmp_path / "base" / "campaign_customers.csv").exists() is random


@pytest.mark.parametrize(
    ("campaign", "message"),
    [
        ("customer_id,treated\n00002,1\n", "campaign.csv has no column date"),
        ("customer_id,treated,date\n", "campaign.csv has no rows"),
        ("customer_id,treated,date\n00002,1,soon\n", "campaign.csv has 'soon' in its column date"),
        ("customer_id,treated,date\n00002,1,2021-05-01\n", "is of 2021-05-01, which is not between"),
    ],
)
def test_a_campaign_file_that_cannot_be_used_is_refused(duramen, orders, campaign, message):
    (orders.parent / "campaign.csv").write_text(campaign)
    status, _, err, new = duramen("base", orders, *PERIOD, "--campaign", "campaign.csv")
    assert (status, new) == (2, set())
    assert message in " ".join(err.split())


def test_a_model_that_knows_later_days_is_refused(duramen, orders, saved):
    status, _, err, new = duramen(
        "base", orders, "--from", "1997-10-01", "--to", "1997-12-31", "--model", saved
    )
    assert (status, new) == (2, set())
    assert "the model learned from orders until 1998-04-01" in " ".join(err.split())
