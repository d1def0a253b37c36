"""A made-up run for the tests of the report: random customers with the columns of a real ranking."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from duramen.analysis.churn_groups import churn_by_group
from duramen.analysis.customer_details import CustomerDetails
from duramen.analysis.forecast_quality import forecast_quality
from duramen.analysis.lifecycle import NOT_YET, stage_length
from duramen.analysis.lifecycle_history import StageHistory
from duramen.analysis.migration import SegmentationAge, group_drift, segment_transitions
from duramen.analysis.portfolio_axes import MATRICES
from duramen.analysis.portfolio_matrices import portfolio
from duramen.analysis.price_buyers import price_sensitivity
from duramen.analysis.scenario_summary import summarise_scenario
from duramen.analysis.segmentation_review import SegmentationReview
from duramen.analysis.who_rose import customers_who_rose
from duramen.data.statuses import Status
from duramen.forecast.elasticities import MarketElasticities
from duramen.scoring.growth_weight import growth_weight_curve
from duramen.scoring.market_scenarios import MarketScenario, core_by_market_scenario
from duramen.scoring.tiers import Tiers
from duramen.scoring.treatments import treatments_of
from duramen.scoring.value_growth import quadrants
from duramen.segments.lifecycle_stage import STAGES

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
            "past_value": np.maximum(value - growth, 0.0),
            "growth_rate": growth / np.maximum(value, 1.0),
            "probability_growing": np.where(growth > 0, 0.6, 0.2),
            "growth_potential": growth,
            "churn_probability": 1 - active,
            "probability_active": active,
            "probability_alive": rng.uniform(0.5, 1, customers),
            "expected_purchases": active * 3,
            "expected_spend": value / (active * 3),
            "last_purchase": pd.Timestamp("2011-09-01") - pd.to_timedelta(days + 1, unit="D"),
            "next_purchase": pd.Timestamp("2011-09-01") + pd.to_timedelta(days, unit="D"),
            "next_purchase_low": pd.Timestamp("2011-09-01") + pd.to_timedelta(days // 4, unit="D"),
            "next_purchase_high": pd.Timestamp("2011-09-01")
            + pd.to_timedelta(np.where(days < 150, 2.0 * days, np.nan), unit="D"),
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
    frame["quadrant"] = quadrants(frame)
    known = {"lifecycle_stage": frame["lifecycle_stage"], "segment": "1 active frequent buyers, high spend"}
    frame["treatment"] = treatments_of(frame.assign(**known), Tiers().keys, {})
    frame.insert(2, "rank", np.arange(1, customers + 1))
    frame.insert(3, "tier", frame.pop("tier"))
    for at, name in enumerate(["reason_1", "reason_2", "reason_3", "model_version"], start=21):
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
    described = [SEGMENTS[segment - 1] for segment in table["segment"]]
    table["segment"] = [
        f"{number} {name}" for number, (name, _, _) in zip(table["segment"], described, strict=True)
    ]
    table.insert(1, "name", [name for name, _, _ in described])
    table["rule"] = [rule for _, rule, _ in described]
    table["treatment"] = [treatment for _, _, treatment in described]
    return table


def run_of(customers: int = 2_000, **others: object) -> dict[str, object]:
    ranking = ranking_of(customers)
    parts: dict[str, object] = {
        "title": "Harbour Lane Gifts",
        "summary": SimpleNamespace(
            rows_in=541_909,
            rows_used=397_884,
            set_aside={"missing customer id": 135_080, "duplicate line": 5_225, "amount not a number": 3_720},
            set_aside_money={"missing customer id": 1_447_682.4, "duplicate line": 21_870.0},
            statuses=(Status("completed", 397_884, 8_911_407.9, True), Status("cancelled", 3, 27.5, False)),
            assumed=("customer 'Guest' accounts for 20% of the lines; `where` leaves them out",),
            customers=customers,
            first_date=date(2009, 12, 1),
            last_date=date(2011, 8, 31),
            purchase_days=9 * customers,
            one_time_share=0.2763,
            days_without_purchase=81,
            returned_total=1_234.5,
            purchase_days_after=0,
            net_total=8_300_065.81,
            can_fit=[
                "Purchases (BG/NBD): yes, 1,447 customers bought again.",
                "Growth: yes, the history is longer than two horizons.",
            ],
        ),
        "ranking": ranking,
        "scorecard": scorecard_table(),
        "importance": importance_table(),
        "segments": segments_of(ranking),
        "notes": [
            "Cost to serve is not in the data, so the score is revenue and break-even is not known.",
            "The history holds one Christmas only: a yearly season cannot be separated from growth.",
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


def weight_curve() -> pd.DataFrame:
    """Return the curve of weights where growth is worth a little: none is clearly better than value alone."""
    rng = np.random.default_rng(2)
    value, growth = rng.lognormal(3, 1, 500), rng.exponential(10, 500)
    return growth_weight_curve(
        value, growth, rng.poisson(value + 0.3 * growth).astype(float), value - growth / 2
    )


def market_of(ranking: pd.DataFrame, *, identified: bool) -> MarketElasticities:
    rng = np.random.default_rng(3)
    level = pd.DataFrame({"start": pd.date_range("2010-06-05", periods=16, freq="28D"), "purchases": 300})
    level["level"] = np.exp(0.2 * np.sin(np.arange(16)))
    level["standard_error"] = 0.05
    level.loc[0, ["level", "standard_error"]] = np.nan  # too few had bought by then
    elasticity = rng.normal(1, 0.8, len(ranking)) if identified else 1.0
    customers = pd.DataFrame({"customer_id": ranking["customer_id"], "elasticity": elasticity})
    reason = (
        "" if identified else "Over 16 periods of 28 days the market's level moves no more than by chance."
    )
    return MarketElasticities(
        date(2011, 9, 1), customers, level, 0.2, 0.8 if identified else 0.0, identified, reason
    )


def rose_since_june_of(ranking: pd.DataFrame) -> pd.DataFrame:
    """Let every fortieth customer have been expected to bring next to nothing before."""
    small = ranking["rank"] % 40 == 0
    before = ranking.assign(
        score=ranking["score"].where(~small, 0.1),
        predicted_value=ranking["predicted_value"].where(~small, 0.1),
        predicted_value_high=ranking["predicted_value_high"].where(~small, 0.2),
    )
    return customers_who_rose(before.drop(columns="cutoff"), ranking.drop(columns="cutoff"))


def near_core_of(ranking: pd.DataFrame) -> pd.DataFrame:
    """Let twelve customers outside the core have bought once more, and nine of them come into it."""
    near = ranking[~ranking["tier"].isin(["VIP", "main"])].head(12).reset_index(drop=True)
    near = near[["customer_id", "predicted_value", "score", "rank", "tier"]].assign(purchases=1, amount=20.0)
    near["new_predicted_value"], near["new_score"] = 1.4 * near["predicted_value"], 1.4 * near["score"]
    near["new_rank"] = near["rank"] - 50
    near["new_tier"] = ["main"] * 9 + near["tier"].tolist()[9:]
    near["sentence"] = [f"with one more purchase day rank {rank} instead" for rank in near["new_rank"]]
    return near


def shapes_table() -> pd.DataFrame:
    """Give seven features of value and two of activity; one is missing for some, one for all, one has one bin."""
    value = ["time_since_last", "net_spend", "frequency", "gap_mean", "T", "basket_mean", "orders"]
    rows: list[tuple[object, ...]] = []
    for part, unit, features in [
        ("value", "times", value),
        ("activity", "log odds", ["btyd_probability_active", "time_since_return"]),
    ]:
        for place, feature in enumerate(features):
            bins = {"frequency": 1, "time_since_return": 0}.get(feature, 8)
            effects = np.linspace(-0.5, 0.5, bins) / (1 + place)
            for at, effect in zip(np.geomspace(1, 500, bins), effects, strict=True):
                rows.append((part, feature, at - 0.5, at + 0.5, at, 240, effect, unit))
            if feature in ("gap_mean", "time_since_return"):
                rows.append((part, feature, np.nan, np.nan, np.nan, 80, -0.25, unit))
    names = ["part", "feature", "from_", "to", "value", "customers", "effect", "unit"]
    table = pd.DataFrame(rows, columns=names)
    table["low"], table["high"] = table["effect"] - 0.1, table["effect"] + 0.1
    times, terms = table["unit"] == "times", ["effect", "low", "high"]
    table.loc[times, terms] = np.exp(table.loc[times, terms])
    return table


def customers_of(ranking: pd.DataFrame) -> pd.DataFrame:
    """Give the customers of a ranking a rhythm, money and discounts, in the order of their ids."""
    rng = np.random.default_rng(5)
    count = len(ranking)
    frequency = rng.poisson(6, count).astype(float)
    return pd.DataFrame(
        {
            "customer_id": np.sort(ranking["customer_id"].to_numpy()),
            "frequency": frequency,
            "gap_mean": np.where(frequency > 0, rng.uniform(10, 60, count), np.nan),
            "time_since_last": rng.uniform(0, 120, count),
            "T": rng.uniform(400, 600, count),
            "net_spend": rng.lognormal(5, 1, count),
            "discount_share": rng.uniform(0, 0.4, count),
            "discount_day_share": rng.uniform(0, 1, count),
        }
    )


def portfolios_of(ranking: pd.DataFrame, customers: pd.DataFrame) -> dict[tuple[str, ...], pd.DataFrame]:
    grades = np.resize(np.array(["A", "BB", "C", None], dtype=object), len(customers))
    credit = pd.Series(grades, index=customers["customer_id"])
    return {axes: portfolio(ranking, customers, 90, axes, credit) for axes in MATRICES}


def moved(groups: pd.Series, order: tuple[str, ...], new: str) -> pd.DataFrame:
    """Let every tenth customer be new, and every third have been in another group."""
    place = np.arange(len(groups))
    other = pd.Series(np.resize(order, len(groups)), index=groups.index)
    then = groups.where(place % 3 > 0, other)[place % 10 > 0]
    return segment_transitions(then, groups, order=order, new=new)


def stage_history_of(ranking: pd.DataFrame) -> StageHistory:
    stages = ranking.set_index("customer_id")["lifecycle_stage"]
    moves = moved(stages, STAGES, NOT_YET)
    then = moves.loc[moves["from"] != NOT_YET].groupby("from", sort=False)["customers"].sum()
    follows = pd.DataFrame({"group": then.index, "customers": then.to_numpy()})
    follows["active_share"] = np.linspace(0.9, 0.004, len(then))
    follows["money_per_customer_day"] = np.linspace(4.5, 0.05, len(then))
    follows["share_of_money"] = 1 / len(then)
    follows.attrs["money"] = "net spend"
    days = np.resize([28, 56, 84, 112], 400)
    times = pd.DataFrame({"customer_id": np.arange(400), "days": days, "begin_seen": True})
    times["end_seen"] = times["days"] < 112
    return StageHistory(date(2011, 6, 3), moves, follows, stage_length(times), date(2010, 12, 23), 400)


def segmentation_of(ranking: pd.DataFrame) -> SegmentationReview:
    names = {number: f"{number} {name}" for number, (name, _, _) in enumerate(SEGMENTS, start=1)}
    now = ranking.set_index("customer_id")["segment"].map(names)
    then = now.where(np.arange(len(now)) % 7 > 0, names[1])
    candidates = pd.DataFrame(
        [
            ("k-means", 3, 0.91, 0.40, 0.20, None, True, False),
            ("k-means", 5, 0.88, 0.41, 0.09, None, True, True),
            ("Gaussian mixture", 4, 0.797, 0.38, 0.03, None, False, False),
            ("HDBSCAN", 2, None, None, 0.41, 0.7, False, False),
        ],
        columns=[
            *("method", "segments", "stability", "separation", "smallest_share", "agreement"),
            *("eligible", "chosen"),
        ],
    )
    changes = pd.DataFrame(
        [(1, "kept", "1", 0.9, 40), (5, "new", "", 0.1, 30), (4, "gone", "4", 0.2, 20)],
        columns=["segment", "change", "previous", "overlap", "customers"],
    )
    return SegmentationReview(
        earlier=date(2011, 6, 3),
        transitions=moved(now, tuple(names.values()), "new"),
        drift=group_drift(then, now),
        age=SegmentationAge(90, 1_800, 200, 0.173, None, 0.173),
        candidates=candidates,
        changes=changes,
        names=names,
        information="The segments explain 31.0% of the variance of activity: more than RFM cells (25.0%).",
    )


def details_of(ranking: pd.DataFrame) -> CustomerDetails:
    """Give every customer factors that lead to their value, purchases in some months, a channel and a country."""
    rng = np.random.default_rng(6)
    ids = ranking["customer_id"]
    themes = ["purchases", "spend", "recency", "rhythm", "trend", "season", "returns", "age", "breadth"]
    parts = rng.dirichlet(np.ones(len(themes)), len(ranking))
    logs = np.log(np.maximum(ranking["predicted_value"].to_numpy(), 0.01) / 20.0)[:, None] * parts
    months = pd.DataFrame(
        {
            "customer_id": np.repeat(ids.to_numpy(), 3),
            "month": np.tile(pd.to_datetime(["2010-01-01", "2010-11-01", "2011-08-01"]), len(ids)),
            "net": rng.lognormal(4, 1, 3 * len(ids)).round(2),
            "purchase_days": 1,
        }
    )
    months.loc[1, "net"] = -30.0
    groups = pd.DataFrame(
        {
            "channel": np.resize(np.array(["web", "shop", None], dtype=object), len(ids)),
            "country": np.resize(np.array(["France", "Japan"], dtype=object), len(ids)),
        },
        index=pd.Index(ids, name="customer_id"),
    )
    asked = ids.head(3)
    further = pd.DataFrame(
        {"customer_id": asked, "sentence": [f"one more purchase of {name}" for name in asked]}
    )
    factors = pd.DataFrame(logs, columns=themes, index=groups.index)
    gaps = pd.DataFrame(
        np.resize([[0, np.nan], [1, 40], [5, 1.2], [6, 26.4]], (len(ids), 2)), index=groups.index
    )
    gaps.columns = ["frequency", "gap_mean"]
    return CustomerDetails(20.0, factors, months, gaps, groups, further)


def holdout_of(customers: int = 1_000) -> pd.DataFrame:
    """Give forecasts of a holdout that are right on average, and what happened."""
    rng = np.random.default_rng(7)
    predicted, chance = rng.lognormal(3, 1, customers), rng.beta(1, 1, customers)
    active = rng.random(customers) < chance
    actual = np.where(active, predicted / chance * rng.gamma(4, 0.25, customers), 0.0)
    past = predicted * rng.lognormal(0, 0.5, customers)
    return pd.DataFrame(
        {
            "actual_value": actual,
            "predicted_value": predicted,
            "probability_active": chance,
            "active": active.astype(float),
            "past_spend": past,
        }
    )


def churn_of(ranking: pd.DataFrame) -> pd.DataFrame:
    rng = np.random.default_rng(8)
    table = churn_by_group(rng.random(len(ranking)) < 0.4, ranking["segment"].astype(str))
    return table.assign(expected=0.5)


def full_run_of(customers: int = 2_000, **others: object) -> dict[str, object]:
    """Make a run that hands over every optional part, costs included; ranks are those of before the costs."""
    parts = run_of(customers)
    ranking = ranking_of(customers)
    cost = np.random.default_rng(4).gamma(1, 6, customers)
    ranking = ranking.assign(cost_to_serve=cost, score=ranking["score"] - cost)
    ranking.loc[ranking["predicted_value"] < cost, "tier"] = "below break-even"
    market = market_of(ranking, identified=True)
    scenario = MarketScenario(-0.2)
    markets = core_by_market_scenario(ranking, market, scenario=scenario)
    ranking["core_in"] = markets["core_in"].to_numpy()
    table = customers_of(ranking)
    more: dict[str, object] = {
        "ranking": ranking,
        "growth_weight": 0.1,
        "growth_weight_curve": weight_curve(),
        "market": market,
        "scenario": summarise_scenario(markets, scenario),
        "rose": rose_since_june_of(ranking),
        "rose_since": date(2011, 6, 3),
        "near_core": near_core_of(ranking),
        "dependence": shapes_table(),
        "lifecycle": stage_history_of(ranking),
        "segmentation": segmentation_of(ranking),
        "portfolios": portfolios_of(ranking, table),
        "price_sensitivity": price_sensitivity(ranking, table, 90),
        "details": details_of(ranking),
        "quality": forecast_quality(holdout_of()),
        "churn": churn_of(ranking),
    }
    return parts | more | others


@pytest.fixture(scope="session")
def full_parts_of():
    """Give the maker of runs that hand over every optional part."""
    return full_run_of


@pytest.fixture(scope="session")
def market_in():
    """Give the maker of a market whose responses are identified or not."""
    return market_of


@pytest.fixture
def curve():
    return weight_curve()


@pytest.fixture
def shapes():
    return shapes_table()


@pytest.fixture(scope="session")
def parts_of():
    """Give the maker of runs: so many customers, and whatever parts a test wants to be others."""
    return run_of


@pytest.fixture
def scorecard():
    return scorecard_table()
