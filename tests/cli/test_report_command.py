"""``duramen report``: a saved model and orders give the page alone, one for each group of customers."""

import pandas as pd
import pytest


@pytest.mark.slow
def test_a_report_of_a_saved_model_is_that_of_scoring_and_the_only_file(trained, duramen, tmp_path):
    common = (trained.folder / "orders.csv", "--model", trained.folder / "model", "--currency", "USD")
    status, out, err, new = duramen("report", *common, "--out", "page.html")
    assert (status, err, new) == (0, "", {"page.html"})
    assert "customers account for" in " ".join(out.split())
    status, *_ = duramen("score", *common, "--report", "report.html")
    assert status == 0
    assert (tmp_path / "page.html").read_bytes() == (tmp_path / "report.html").read_bytes()


@pytest.mark.slow
def test_a_report_takes_costs_tiers_a_scenario_and_a_language(trained, duramen, tmp_path):
    ids = trained.orders["customer_id"].unique()
    pd.DataFrame({"customer_id": ids, "cost_to_serve": 5.0}).to_csv(tmp_path / "costs.csv", index=False)
    (tmp_path / "shop.toml").write_text(
        f'orders = "{trained.folder / "orders.csv"}"\nmodel = "{trained.folder / "model"}"\nlang = "zh"\n'
        'cost_to_serve = "costs.csv"\n[tiers.vip]\nname = "gold"\n[market]\ndemand_change = -20\n'
    )
    status, out, err, new = duramen("report", "--config", "shop.toml")
    assert (status, err, new) == (0, "", {"report.html"})
    page = (tmp_path / "report.html").read_text()
    assert "gold" in page
    assert "below break-even" in page or "盈亏平衡" in page
    assert "位客户中的" in "".join(out.split())
