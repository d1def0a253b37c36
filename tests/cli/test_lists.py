"""``duramen lists``: a saved model and orders in; lists within a budget, as CSV and as a workbook, out."""

import re

import pandas as pd
import pytest

from duramen.io.files import write_scores


@pytest.fixture
def orders(shop, tmp_path):
    """Return the orders of the shop as a file in the folder of the run."""
    shop.orders.to_csv(tmp_path / "orders.csv", index=False)
    return tmp_path / "orders.csv"


def test_lists_are_written_within_their_budgets(duramen, orders, saved, shop):
    pytest.importorskip("xlsxwriter")
    status, out, err, new = duramen(
        "lists", orders, "--model", saved, "--cutoff", "1998-04-01", "--offer-cost", 5, "--contact-cost", 1,
        "--acceptance", 0.4, "--budget", 150, "--win-back-contacts", 12, "--win-back-acceptance", 0.2,
    )  # fmt: skip
    assert (status, err) == (0, "")
    assert new == {"lists", "call.csv", "win_back.csv", "new_in_rising_tier.csv", "lists.xlsx"}
    folder = orders.parent / "lists"
    called, back, rising = (
        pd.read_csv(folder / f"{name}.csv", dtype={"customer_id": str})
        for name in ("call", "win_back", "new_in_rising_tier")
    )
    assert 140 < called["cost"].sum() <= 150
    assert len(back) == 12
    lapsed = shop.ranking.loc[shop.ranking["lifecycle_stage"] == "lapsed", "customer_id"]
    assert not set(called["customer_id"]) & set(lapsed)
    chosen = shop.ranking[shop.ranking["tier"] == "rising"]
    assert rising["customer_id"].tolist() == chosen["customer_id"].tolist()
    assert re.search(rf"Call +{len(called):,} +1[45]\d +", out)
    assert "lists.xlsx (a sheet for each list)" in out
    assert "Without --cost-to-serve it is not known who is below break-even." in out


def test_costs_name_customers_below_break_even_and_an_earlier_ranking_who_is_new_in_the_rising_tier(
    duramen, orders, saved, shop, tmp_path
):
    ids = shop.customers["customer_id"]
    pd.DataFrame({"customer_id": ids, "cost_to_serve": 2.5}).to_csv(tmp_path / "costs.csv", index=False)
    before = shop.ranking.assign(cutoff=pd.Timestamp("1998-01-01"))
    before = before[before["tier"] != "rising"].head(500)
    write_scores(before, tmp_path / "before.parquet")
    (tmp_path / "tiers.toml").write_text("[tiers]\nvip_share = 0.2\ncore_share = 0.4\nrising_growth = 0\n")
    status, out, _, new = duramen(
        "lists", orders, "--model", saved, "--cutoff", "1998-04-01", "--offer-cost", 5, "--out", "deep/mine",
        "--cost-to-serve", "costs.csv", "--previous-scores", "before.parquet",
        "--config", "tiers.toml",
    )  # fmt: skip
    assert status == 0
    assert {"deep", "mine", "below_break_even.csv"} <= new
    below = pd.read_csv(tmp_path / "deep" / "mine" / "below_break_even.csv")
    assert len(below)
    assert (below["predicted_value"] < below["cost_to_serve"]).all()
    rising = pd.read_csv(tmp_path / "deep" / "mine" / "new_in_rising_tier.csv", dtype={"customer_id": str})
    core = before.loc[before["tier"].isin(["VIP", "main"]), "customer_id"]
    assert len(rising)
    assert not set(rising["customer_id"]) & set(core)
    assert "Without --cost-to-serve" not in out


def test_without_the_extra_one_sentence_says_how_to_install_it(duramen, orders, saved, monkeypatch):
    monkeypatch.setattr("duramen.analysis.list_files.missing_package", lambda: "xlsxwriter")
    status, out, _, new = duramen(
        "lists", orders, "--model", saved, "--cutoff", "1998-04-01", "--offer-cost", 5
    )
    assert status == 0
    assert "lists.xlsx" not in new
    assert "install duramen with its extra: duramen[excel]." in out


def test_an_earlier_ranking_that_is_not_earlier_is_refused(duramen, orders, saved, shop, tmp_path, refused):
    write_scores(shop.ranking, tmp_path / "same.parquet")
    result = duramen(
        "lists",
        orders,
        "--model",
        saved,
        "--cutoff",
        "1998-04-01",
        "--offer-cost",
        5,
        "--previous-scores",
        "same.parquet",
    )
    assert "give one of an earlier cutoff" in refused(result)
