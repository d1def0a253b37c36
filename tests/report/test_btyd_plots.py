"""The three BTYD charts: their numbers add up, and they render."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from duramen.btyd import BetaGeoModel, ParetoNBDModel
from duramen.report.btyd_plots import (
    frequency_histogram,
    frequency_table,
    holdout_plot,
    holdout_table,
    tracking_plot,
    tracking_table,
)

CUTOFF = "1997-10-01"


@pytest.fixture(scope="module")
def purchases():
    """Return purchase days of the CDNOW sample."""
    root = Path(importlib.util.find_spec("lifetimes").submodule_search_locations[0]) / "datasets"
    lines = pd.read_csv(
        root / "CDNOW_sample.txt",
        sep=r"\s+",
        names=["master_id", "customer_id", "date", "cds", "net"],
        parse_dates=["date"],
    )
    days = lines.groupby(["customer_id", "date"])["net"].sum().reset_index()
    return days[days["net"] > 0]


@pytest.fixture(scope="module")
def customers(purchases):
    """Return histories in days at the cutoff, with purchases after it."""
    before = purchases[purchases["date"] < CUTOFF].groupby("customer_id")["date"].agg(["min", "max", "size"])
    later = purchases[purchases["date"] >= CUTOFF].groupby("customer_id").size()
    return pd.DataFrame(
        {
            "frequency": before["size"] - 1,
            "recency": (before["max"] - before["min"]).dt.days,
            "T": (pd.Timestamp(CUTOFF) - before["min"]).dt.days,
            "later": later.reindex(before.index, fill_value=0),
        }
    )


@pytest.mark.parametrize("cls", [BetaGeoModel, ParetoNBDModel])
def test_tables_add_up_and_lie_near_what_happened(cls, purchases, customers):
    model = cls().fit(customers)
    tracking = tracking_table(model, purchases, CUTOFF)
    at_cutoff = tracking[tracking["date"] <= CUTOFF].iloc[-1]
    assert at_cutoff["actual"] == pytest.approx(customers["frequency"].sum(), rel=0.02)
    assert at_cutoff["expected"] == pytest.approx(at_cutoff["actual"], rel=0.05)
    assert tracking["expected"].is_monotonic_increasing
    # the papers' tracking plot: total repeat purchases at week 78 within some per cent
    assert tracking.iloc[-1]["expected"] == pytest.approx(tracking.iloc[-1]["actual"], rel=0.08)
    frequency = frequency_table(model, customers)
    assert frequency["actual"].sum() == len(customers)
    assert frequency["expected"].sum() == pytest.approx(len(customers))
    assert np.abs(frequency["actual"] - frequency["expected"]).max() < 0.03 * len(customers)
    holdout = holdout_table(model, customers, customers["later"], 273)
    assert (holdout["customers"] * holdout["actual"]).sum() == pytest.approx(customers["later"].sum())
    assert np.corrcoef(holdout["actual"], holdout["expected"])[0, 1] > 0.98


def test_charts_render_to_svg(purchases, customers, tmp_path):
    model = BetaGeoModel().fit(customers)
    charts = {
        "tracking": tracking_plot(model, purchases, CUTOFF),
        "frequency": frequency_histogram(model, customers),
        "holdout": holdout_plot(model, customers, customers["later"], 273),
    }
    for name, chart in charts.items():
        chart.save(tmp_path / f"{name}.svg")
        assert "<svg" in (tmp_path / f"{name}.svg").read_text()[:200]
