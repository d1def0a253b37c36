"""Notebook scripts that score customers, for `score.py` to compare with `duramen score`.

In: a file of orders, a folder of models. Out: a file of scores. All customers are in memory at once.

- "careful": what ours does, by one who knows pandas well and has our model: the vectorised group-bys of `features.py`,
  scores by our model, ranks and tiers. It has no explanations.
- "usual": lifetimes for purchases, P(alive) and lifetime value, two LightGBM models with their defaults for who buys
  and how much, ranks and tiers, and shap's three largest factors of each core customer. It makes less: a third of
  the features, no intervals, segments, growth or markets, and it explains one of its models where ours explains all.
- "applied": the usual one, its days between purchases by a function of each customer's dates instead of the span by
  the number of gaps. Public scripts have both.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

WINDOWS = (28, 91, 182, 364)
# The tiers of `rank.rank_plainly` that account for 80 % of value.
CORE = ("VIP", "main")


def careful(orders: Path, models: Path, cutoff: str, out: Path) -> None:
    """Score by our model, from features by pandas."""
    from features import by_pandas
    from rank import rank_plainly

    from duramen.scoring.model import CoreCustomerModel

    table = by_pandas(orders)
    table.attrs["cutoff"] = cutoff
    scores = CoreCustomerModel.load(models / "model").predict(table, with_reasons=False)
    rank_plainly(scores).to_parquet(out)


def train_usual(orders: Path, models: Path, cutoff: str, days: int) -> None:
    """Fit what the usual script scores with, on the days before a cutoff and the outcomes in the days after it."""
    import lightgbm

    purchases, spend = _lifetimes()
    rows = _read(orders)
    table = _features(rows, cutoff)
    end = pd.Timestamp(cutoff) + pd.Timedelta(days=days)
    after = rows[(rows["date"] >= cutoff) & (rows["date"] < end)]
    money = after.groupby("customer_id")["amount"].sum().reindex(table.index, fill_value=0)
    purchases.fit(*_history(table))
    repeated = table[(table["frequency"] > 0) & (table["monetary_value"] > 0)]
    spend.fit(repeated["frequency"], repeated["monetary_value"])
    table = _with_forecasts(table, purchases, spend, days)
    folder = models / "usual"
    folder.mkdir()
    lightgbm.LGBMClassifier(verbose=-1).fit(table, money > 0).booster_.save_model(folder / "active.txt")
    lightgbm.LGBMRegressor(verbose=-1).fit(table, money).booster_.save_model(folder / "value.txt")
    fitted = {"purchases": dict(purchases.params_), "spend": dict(spend.params_), "days": days}
    (folder / "lifetimes.json").write_text(json.dumps(fitted))


def usual(
    orders: Path, models: Path, cutoff: str, out: Path, *, reasons: bool = False, applied: bool = False
) -> None:
    """Score by lifetimes and LightGBM, and explain the core by shap where reasons are wanted."""
    import lightgbm
    import shap
    from rank import rank_plainly

    folder = models / "usual"
    fitted = json.loads((folder / "lifetimes.json").read_text())
    purchases, spend = _lifetimes()
    purchases.params_, spend.params_ = pd.Series(fitted["purchases"]), pd.Series(fitted["spend"])
    # What fitting sets, and lifetime value needs.
    purchases.predict = purchases.conditional_expected_number_of_purchases_up_to_time
    table = _with_forecasts(_features(_read(orders), cutoff, applied), purchases, spend, fitted["days"])
    active, value = (lightgbm.Booster(model_file=folder / f"{name}.txt") for name in ("active", "value"))
    scores = table[["purchases", "alive", "lifetime_value"]].reset_index()
    scores["probability_active"] = active.predict(table)
    scores["predicted_value"] = scores["score"] = np.maximum(value.predict(table), 0)
    ranked = rank_plainly(scores)
    if reasons:
        core = ranked.index[ranked["tier"].isin(CORE)]
        inside = table.loc[ranked.loc[core, "customer_id"]]
        parts = shap.TreeExplainer(value).shap_values(inside)
        largest = np.argsort(-np.abs(parts), axis=1)[:, :3]
        for place in range(3):
            name = inside.columns.to_numpy()[largest[:, place]]
            part = np.take_along_axis(parts, largest[:, [place]], axis=1)[:, 0]
            text = pd.Series(name).str.cat(pd.Series(part).map("{:+.2f}".format), sep=" ")
            ranked.loc[core, f"reason_{place + 1}"] = text.to_numpy()
    ranked.to_parquet(out)


def _read(orders: Path) -> pd.DataFrame:
    rows = pd.read_parquet(orders)
    rows["date"] = pd.to_datetime(rows["date"])
    return rows


def _features(rows: pd.DataFrame, cutoff: str, applied: bool = False) -> pd.DataFrame:
    """Describe each customer before the cutoff by lifetimes' summary and group-bys."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lifetimes.utils import summary_data_from_transaction_data

    rows = rows[rows["date"] < cutoff]
    rows = rows.assign(before=(pd.Timestamp(cutoff) - rows["date"]).dt.days)
    bought = rows[rows["amount"] > 0]
    table = summary_data_from_transaction_data(
        bought, "customer_id", "date", "amount", observation_period_end=pd.Timestamp(cutoff)
    )
    table = table.join(
        bought.groupby("customer_id").agg(
            orders=("order_id", "nunique"),
            money=("amount", "sum"),
            basket=("amount", "mean"),
            largest=("amount", "max"),
            last=("before", "min"),
        )
    )
    dates = bought.drop_duplicates(["customer_id", "date"]).groupby("customer_id")["date"]
    if applied:
        table["days_between"] = dates.apply(lambda days: days.sort_values().diff().dt.days.mean())
    else:
        span = dates.agg(["min", "max", "size"])
        table["days_between"] = (span["max"] - span["min"]).dt.days / (span["size"] - 1).where(
            span["size"] > 1
        )
    table["returned"] = -rows[rows["amount"] < 0].groupby("customer_id")["amount"].sum()
    for window in WINDOWS:
        recent = bought[bought["before"] <= window].groupby("customer_id")["amount"].agg(["sum", "size"])
        table[[f"money_{window}", f"orders_{window}"]] = recent
    return table.fillna(0)


def _with_forecasts(table: pd.DataFrame, purchases: object, spend: object, days: int) -> pd.DataFrame:
    """Add what lifetimes forecasts, as further features."""
    history = _history(table)
    return table.assign(
        purchases=purchases.conditional_expected_number_of_purchases_up_to_time(days, *history),
        alive=purchases.conditional_probability_alive(*history),
        lifetime_value=spend.customer_lifetime_value(
            purchases, *history, table["monetary_value"], time=12, freq="D"
        ),
    )


def _history(table: pd.DataFrame) -> list[pd.Series]:
    return [table[name] for name in ("frequency", "recency", "T")]


def _lifetimes() -> tuple[object, object]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lifetimes import BetaGeoFitter, GammaGammaFitter
    return BetaGeoFitter(penalizer_coef=0.001), GammaGammaFitter(penalizer_coef=0.001)
