"""A made-up run for the report's tests: seeded customers, with the columns that a real run hands over."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

MODELS = ["duramen", "BTYD x gamma-gamma", "LightGBM", "past spend", "RFM score"]
SEGMENTS = [
    ("one-time buyers", "one purchase day, the last more than 120 days ago", "a cheap second offer by mail"),
    (
        "fading regulars",
        "5 purchase days or more, silent for over 90 days",
        "win back the best, let the rest go",
    ),
    (
        "seasonal big baskets",
        "basket above 85.00, fewer than 3 purchase days",
        "a reminder before the season",
    ),
    (
        "rising newcomers",
        "first purchase within 120 days, 2 purchase days or more",
        "teach the range, widen it",
    ),
    ("frequent regulars", "8 purchase days or more, the last within 45 days", "a named contact, no discount"),
]


def ranking_of(customers: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    active = rng.beta(0.8, 1.3, customers)
    value = np.round(active * rng.lognormal(4.6, 1.15, customers), 2)
    growth = np.round(value * np.maximum(rng.normal(0.05, 0.35, customers), 0), 2)
    days = rng.integers(3, 220, customers)
    frame = pd.DataFrame(
        {
            "customer_id": rng.permutation(np.arange(12_000, 12_000 + customers)),
            "cutoff": pd.Timestamp("2011-09-01"),
            "score": value + 0.5 * growth,
            "predicted_value": value,
            "predicted_value_low": value * rng.uniform(0.25, 0.6, customers),
            "predicted_value_high": value * rng.uniform(1.4, 2.1, customers),
            "growth_potential": growth,
            "churn_probability": 1 - active,
            "probability_active": active,
            "probability_alive": rng.uniform(0.5, 1, customers),
            "expected_purchases": active * 3,
            "expected_spend": value / (active * 3),
            "clv": value * 3.1,
            "segment": np.digitize(active + rng.normal(0, 0.15, customers), [0.1, 0.25, 0.45, 0.7]) + 1,
            "lifecycle_stage": rng.choice(
                ["steady", "building", "declining", "growing", "lapsed"],
                customers,
                p=[0.3, 0.2, 0.2, 0.1, 0.2],
            ),
            "reason_1": [
                f"Bought on {n} days in the last 180, the median customer on 2" for n in 3 + days // 9
            ],
            "reason_2": [f"Spends {v:,.2f} GBP a purchase day, 1.8 times the median" for v in 20 + days / 3],
            "reason_3": [f"Last purchase {d} days ago, within the usual gap of {d + 9} days" for d in days],
            "model_version": "2011-09-01.a3f9c1",
        }
    )
    frame = frame.sort_values(["score", "customer_id"], ascending=[False, True], ignore_index=True)
    value, growth = frame["predicted_value"], frame["growth_potential"]
    best_first = value.sort_values(ascending=False, kind="stable")
    part = ((best_first.cumsum() - best_first) / value.sum()).sort_index()
    rising = (growth > 0.5 * value) & (part >= 0.8)
    frame["tier"] = np.select(
        [part < 0.4, part < 0.8, rising, part < 0.95], ["VIP", "main", "rising", "regular"], "small"
    )
    frame["probability_core"] = np.clip(
        1 / (1 + np.exp((part - 0.8) * 14)) + rng.normal(0, 0.04, customers), 0, 1
    )
    frame.insert(2, "rank", np.arange(1, customers + 1))
    frame.insert(3, "tier", frame.pop("tier"))
    for at, name in enumerate(["reason_1", "reason_2", "reason_3", "model_version"], start=18):
        frame.insert(at, name, frame.pop(name))
    return frame


def scorecard_table() -> pd.DataFrame:
    table = {
        ("value", "value captured at top 10 %", True): [0.531, 0.498, 0.529, 0.471, 0.402],
        ("value", "value captured at top 20 %", True): [0.702, 0.671, 0.699, 0.655, 0.588],
        ("value", "normalised Gini", True): [0.744, 0.713, 0.739, 0.668, 0.571],
        ("value", "Spearman", True): [0.512, 0.487, 0.515, 0.440, 0.461],
        ("value", "MAE", False): [84.12, 91.40, 79.95, 118.27, np.nan],
        ("value", "total bias", pd.NA): [0.031, -0.094, -0.182, 0.447, np.nan],
        ("activity", "AUC", True): [0.801, 0.772, 0.801, 0.688, 0.731],
        ("activity", "Brier", False): [0.158, 0.176, 0.161, np.nan, np.nan],
    }
    return pd.DataFrame(
        [
            {"model": model, "target": target, "metric": metric, "figure": figure, "higher_is_better": higher}
            for (target, metric, higher), figures in table.items()
            for model, figure in zip(MODELS, figures, strict=True)
        ]
    )


def importance_table() -> pd.DataFrame:
    features = {
        "btyd_expected_value": "Purchases and spend that the purchase model expects over the horizon.",
        "net_last_180": "Net money in the last 180 days.",
        "frequency": "Repeat purchase days in the whole history.",
        "time_since_last": "Days since the last purchase day.",
        "monetary_value": "Mean net spend a repeat purchase day.",
        "gap_median": "Median days between two purchase days.",
        "gap_ratio": "Days since the last purchase over the usual gap.",
        "trend_90": "Net money of the last 90 days over the 90 days before.",
        "return_share": "Returned money over bought money.",
        "lines_per_day": "Mean lines a purchase day.",
        "products": "Distinct products bought.",
        "new_product_share": "Share of products bought for the first time.",
        "T": "Days since the first purchase.",
        "discount_share": "Discount over the price before it.",
    }
    strength = 0.62 * 0.78 ** np.arange(len(features))
    rows = []
    for model, unit, order in [("value", "log money", 1), ("activity", "log odds", -1)]:
        names = list(features)[::order]
        rows += [
            {"model": model, "feature": name, "meaning": features[name], "mean_abs_shap": size, "unit": unit}
            for name, size in zip(names, strength, strict=True)
        ]
    return pd.DataFrame(rows)


def segments_of(ranking: pd.DataFrame) -> pd.DataFrame:
    grouped = ranking.groupby("segment")
    table = pd.DataFrame(
        {
            "customers": grouped.size(),
            "share_of_value": grouped["predicted_value"].sum() / ranking["predicted_value"].sum(),
            "predicted_value_mean": grouped["predicted_value"].mean(),
            "churn_probability_mean": grouped["churn_probability"].mean(),
        }
    ).reset_index()
    told = [SEGMENTS[segment - 1] for segment in table["segment"]]
    table.insert(1, "name", [name for name, _, _ in told])
    table["rule"] = [rule for _, rule, _ in told]
    table["treatment"] = [treatment for _, _, treatment in told]
    return table


def run_of(customers: int = 2_000, **others: object) -> dict[str, object]:
    ranking = ranking_of(customers)
    parts: dict[str, object] = {
        "title": "Harbour Lane Gifts",
        "summary": {
            "rows_in": 541_909,
            "rows_used": 397_884,
            "set_aside": {
                "missing customer id": 135_080,
                "duplicate line": 5_225,
                "amount not a number": 3_720,
            },
            "customers": customers,
            "first_date": date(2009, 12, 1),
            "last_date": date(2011, 8, 31),
            "purchase_days": 9 * customers,
            "one_time_share": 0.2763,
            "net_total": 8_300_065.81,
            "can_fit": [
                "Purchases (BG/NBD): yes, 1,447 customers bought again.",
                "Growth: yes, the history is longer than two horizons.",
            ],
        },
        "ranking": ranking,
        "scorecard": scorecard_table(),
        "importance": importance_table(),
        "segments": segments_of(ranking),
        "notes": [
            "Cost to serve is not in the data, so the score is revenue and break-even is not judged.",
            "The history holds one Christmas only: a yearly season cannot be told from growth.",
        ],
        "unit": "GBP",
        "cutoff": date(2011, 9, 1),
        "horizon_days": 90,
        "model_version": "2011-09-01.a3f9c1",
        "past_value": pd.Series(
            (900 * ranking["predicted_value"] ** 0.8).to_numpy(), index=ranking["customer_id"]
        ),
    }
    return parts | others


@pytest.fixture(scope="session")
def parts_of():
    """Give the maker of runs: so many customers, and whatever parts a test wants to be others."""
    return run_of


@pytest.fixture
def scorecard():
    return scorecard_table()
