"""Orders to ranking on a real Spark, beside the same on DuckDB and pandas; Complete Journey and made-up dirt."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import duckdb
import numpy as np
import pandas as pd
import pytest
from pyspark.sql import functions as F
from tests.markets import two_markets

from duramen.btyd.beta_geo import BetaGeoModel, ModifiedBetaGeoModel
from duramen.btyd.pareto_nbd import ParetoNBDModel
from duramen.data import spark_session as opening
from duramen.data.customers import customer_table
from duramen.data.datasets import complete_journey
from duramen.data.reading import read_transactions
from duramen.data.spark_customers import customer_frame, purchase_histories, read_costs_on_spark
from duramen.data.spark_session import read_orders, spark_session
from duramen.data.windows import Window, parse_day
from duramen.errors import InputError
from duramen.forecast.elasticities import market_elasticities
from duramen.io.hadoop import HadoopFolder, write_folder
from duramen.scoring.customer_ranking import rank_customers
from duramen.scoring.model import CoreCustomerModel
from duramen.scoring.provenance import provenance
from duramen.scoring.ranking import rank_core_customers
from duramen.scoring.spark import rank_customers_on_spark
from duramen.scoring.spark_ranks import rank_on_spark
from duramen.scoring.spark_scores import explain_tiers, score_on_spark
from duramen.scoring.tiers import Tiers

# Spark leaves the sockets open through which it hands rows to Python, until the collector finds them.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

CUTOFF, HORIZON = "2017-11-01", 28
# 300 households. Every 29th line is made a return, and costs are made up, since the source has neither.
LINES = """
copy (
    select household_id, transaction_timestamp, basket_id, product_id, product_id % 40 as category, quantity,
           sales_value * if(product_id % 29 = 0, -1, 1) as sales_value, retail_disc + coupon_disc as discount,
           round(sales_value * 0.7, 2) as cost
    from read_parquet($source) where household_id % 8 = 0
) to $path (format parquet)
"""


def same(ours, theirs, what=""):
    """Assert that two frames have the same columns and values, numbers to nine digits."""
    assert list(ours) == list(theirs)
    for name in theirs:
        if pd.api.types.is_float_dtype(theirs[name]):
            np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-9, atol=0, err_msg=f"{what} {name}")
        else:
            pd.testing.assert_series_equal(ours[name], theirs[name], check_index=False, check_dtype=False)


@pytest.fixture(scope="module")
def grocer(spark, tmp_path_factory):
    """Return the orders of the households, and what either engine makes of them."""
    path = tmp_path_factory.mktemp("grocer") / "lines.parquet"
    duckdb.execute(LINES, {"source": str(complete_journey()), "path": str(path)})
    tx = read_transactions(path, currency="USD")
    model = CoreCustomerModel(growth_weight=0.2).fit(tx, Window(CUTOFF, HORIZON))
    on_spark = read_transactions(read_orders(spark, str(path)), currency="USD")
    customers = customer_table(tx, CUTOFF)
    frame = customer_frame(on_spark, CUTOFF).persist()
    return SimpleNamespace(path=path, tx=tx, model=model, customers=customers, on_spark=on_spark, frame=frame)


@pytest.fixture(scope="module")
def scored(grocer):
    """Return the scores of both, by customer id."""
    on_spark = score_on_spark(grocer.model, grocer.frame, CUTOFF).persist()
    return SimpleNamespace(here=grocer.model.predict(grocer.customers), frame=on_spark)


def pandas_of(frame):
    # By way of Arrow alone: what Spark's own way asks of pandas goes out of use.
    return frame.toArrow().to_pandas()


def by_id(frame):
    return pandas_of(frame).sort_values("customer_id", ignore_index=True)


@pytest.mark.slow
def test_the_door_tells_the_same_of_orders_on_spark(grocer):
    assert grocer.on_spark.rows_in == grocer.tx.rows_in
    assert grocer.on_spark.set_aside == grocer.tx.set_aside
    ours, theirs = (vars(tx.summary()) | {"source": ""} for tx in (grocer.on_spark, grocer.tx))
    assert ours == theirs


def test_every_day_is_the_same_on_spark(grocer):
    days = [
        tx.days.order_by("customer_id", "date").to_pyarrow().to_pandas()
        for tx in (grocer.on_spark, grocer.tx)
    ]
    pd.testing.assert_frame_equal(days[0][days[1].columns], days[1], check_dtype=False)


def test_every_feature_is_the_same_on_spark(grocer):
    assert len(grocer.customers) > 250
    same(by_id(grocer.frame), grocer.customers)
    assert grocer.frame.schema["customer_id"].dataType.simpleString() == "bigint"


@pytest.mark.slow
def test_every_score_column_and_every_reason_is_the_same_on_spark(scored):
    same(by_id(scored.frame), scored.here)


@pytest.mark.slow
def test_ranks_and_tiers_are_the_same_on_spark(grocer, scored):
    ranked = rank_on_spark(scored.frame, grocer.model.tiers)
    same(pandas_of(ranked), rank_core_customers(scored.here, grocer.model.tiers))
    assert ranked.rdd.getNumPartitions() > 1


def made_up_costs(customers, path):
    """Write whole costs, of which some are above the value of the customer; return them by customer id."""
    ids = customers["customer_id"]
    costs = pd.Series(np.random.default_rng(3).integers(0, 60, len(ids)) * 1.0, index=pd.Index(ids))
    costs.rename("cost_to_serve").sample(frac=1, random_state=1).to_csv(path)
    return costs


@pytest.fixture(scope="module")
def markets(shop, spark, tmp_path_factory):
    """Return orders of customers who respond to the market differently, as either engine reads them."""
    path = tmp_path_factory.mktemp("markets") / "orders.parquet"
    two_markets().astype({"date": "datetime64[us]"}).to_parquet(path)
    tx, on_spark = read_transactions(path), read_transactions(read_orders(spark, str(path)), name=str(path))
    customers = customer_table(tx, "2022-01-01")
    return SimpleNamespace(tx=tx, model=shop.model, customers=customers, on_spark=on_spark)


@pytest.mark.slow
@pytest.mark.parametrize("shop_of", ["grocer", "markets"])
@pytest.mark.parametrize("with_costs", [False, True])
def test_the_whole_ranking_is_the_same_on_spark(request, tmp_path, shop_of, with_costs):
    given = request.getfixturevalue(shop_of)
    cutoff = given.customers.attrs["cutoff"]
    tiers = Tiers(core_share=0.7)
    costs = costs_on_spark = None
    if with_costs:
        costs = made_up_costs(given.customers, tmp_path / "costs.csv")
        costs_on_spark = read_costs_on_spark(given.on_spark, cutoff, str(tmp_path / "costs.csv"))
    theirs = rank_customers(given.model, given.tx, given.customers, costs, tiers)
    ranked = rank_customers_on_spark(given.model, given.on_spark, cutoff, costs_on_spark, tiers)
    same(pandas_of(ranked.ranking), theirs)
    assert ("cost_to_serve" in theirs) == with_costs
    assert (tiers.below_break_even.name in set(theirs["tier"])) == with_costs
    assert ranked.market.identified == (shop_of == "markets")
    assert ({"up only", "down only"} <= set(theirs["core_in"])) == (shop_of == "markets")
    by_core_in = ranked.sums.groupby("core_in")["customers"].sum()
    assert by_core_in.to_dict() == theirs["core_in"].value_counts().to_dict()
    segments = theirs.set_index("customer_id")["segment"]
    here = market_elasticities(given.tx, cutoff, segments)
    pd.testing.assert_frame_equal(ranked.market.level, here.level)
    assert (ranked.market.reason, ranked.market.spread) == (here.reason, pytest.approx(here.spread))


def test_orders_on_spark_have_the_same_fingerprints(grocer):
    cutoff = parse_day(CUTOFF)
    ours, theirs = (
        provenance(grocer.model, tx, cutoff, tiers=grocer.model.tiers) for tx in (grocer.on_spark, grocer.tx)
    )
    assert ours | {"source": ""} == theirs | {"source": ""}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda costs: costs.iloc[1:], "costs of 1 customers are missing in .* with 0 where there is none"),
        (lambda costs: pd.concat([costs, costs.head(2)]), "costs of 2 customers are in more than one row"),
        (
            lambda costs: costs.astype(object).mask(costs.index == costs.index[3], "dear"),
            "1 customers are not numeric",
        ),
        (lambda costs: costs - 1000, r"costs of \d+ customers are negative"),
    ],
)
def test_costs_that_are_not_sound_are_refused_on_spark(markets, tmp_path, change, message):
    path = tmp_path / "costs.csv"
    change(made_up_costs(markets.customers, path)).rename("cost_to_serve").to_csv(path)
    with pytest.raises(InputError, match=message):
        read_costs_on_spark(markets.on_spark, "2022-01-01", str(path))


@pytest.mark.slow
@pytest.mark.parametrize("reasons", ["core", "none"])
def test_reasons_of_some_tiers_are_those_of_all_on_spark(grocer, scored, reasons):
    names = grocer.model.tiers.core_names if reasons == "core" else ()
    without = score_on_spark(grocer.model, grocer.frame, CUTOFF, with_reasons=False)
    ranking = rank_on_spark(without, grocer.model.tiers)
    ours = pandas_of(explain_tiers(grocer.model, ranking, grocer.frame, names, CUTOFF))
    theirs = rank_core_customers(scored.here, grocer.model.tiers)
    theirs.loc[~theirs["tier"].isin(names), ["reason_1", "reason_2", "reason_3"]] = np.nan
    same(ours, theirs)


CROWDS = {
    "ties in every column": lambda n, rng: (np.repeat(rng.integers(1, 4, n // 10), 10)[:n] * 1.0, np.ones(n)),
    "nobody brings anything": lambda n, rng: (np.zeros(n), rng.random(n)),
    "one brings all": lambda n, rng: (np.eye(1, n, 7)[0] * 1e9, rng.random(n)),
    "growth beside little value": lambda n, rng: (rng.lognormal(3, 2, n), rng.lognormal(3, 2, n)),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("crowd", "costs"), list(zip(CROWDS, (True, False, False, True), strict=True)), ids=list(CROWDS)
)
def test_ranks_and_tiers_of_any_scores_are_those_of_pandas(spark, crowd, costs):
    rng = np.random.default_rng(5)
    n = 700
    value, growth = CROWDS[crowd](n, rng)
    ids = rng.permutation(n)
    scores = pd.DataFrame(
        {"customer_id": [f"é{i}" if i % 3 else f"c{i}" for i in ids], "score": value + 0.1 * growth,
         "predicted_value": value, "growth_rate": growth / np.maximum(value, 1e-9) - 0.5,
         "probability_growing": growth / np.maximum(growth + value, 1e-9), "cost": rng.integers(0, 30, n) * 1.0,
         "lifecycle_stage": rng.choice(["growing", "at risk", "lapsed"], n)}
    )  # fmt: skip
    tiers = Tiers(vip_share=0.3, rising_share=0.2)
    theirs = rank_core_customers(
        scores.drop(columns="cost"), tiers, scores["cost"].to_numpy() if costs else None
    )
    given = scores.rename(columns={"cost": "cost_to_serve"}) if costs else scores.drop(columns="cost")
    rows = [tuple(row) for row in given.astype(object).itertuples(index=False)]
    frame = spark.createDataFrame(
        rows,
        ", ".join(f"{c} {'string' if c in ('customer_id', 'lifecycle_stage') else 'double'}" for c in given),
    )
    same(pandas_of(rank_on_spark(frame.repartition(4), tiers)), theirs)


@pytest.mark.parametrize("model", [BetaGeoModel, ModifiedBetaGeoModel, ParetoNBDModel])
def test_counts_of_histories_on_spark_are_all_that_a_purchase_model_is_fitted_to(grocer, model):
    histories = purchase_histories(grocer.frame)
    assert histories["customers"].sum() == len(grocer.customers)
    ours = model().fit(histories, sample_weight=histories["customers"]).params_
    assert ours == pytest.approx(model().fit(grocer.customers).params_, rel=1e-9)


@pytest.mark.slow
def test_orders_of_text_are_set_aside_by_the_same_reasons_on_spark(spark, tmp_path):
    good = {"customer": "a", "day": "03/02/2020", "amount": "1.234,50", "order": "1", "product": "p",
            "status": "paid", "kind": "consumer"}  # fmt: skip
    bad = [{"customer": " "}, {"customer": "NULL"}, {"day": "30/02/2020"}, {"day": "01/01/2999"}, {"day": "x"},
           {"amount": "free"}, {"amount": "1.2"}, {"status": " Refunded "}, {"kind": "internal"}]  # fmt: skip
    rows = [good | {"order": f"bad {i}"} | change for i, change in enumerate(bad)]
    for i in range(300):
        own = {"customer": f" c{i % 9}", "amount": f"{i - 30},25", "day": f"{i % 27 + 1}/{i % 12 + 1}/2021"}
        rows.append(good | {"order": str(i)} | own)
    rows += [
        rows[-1],
        rows[-1],
        rows[30] | {"order": "50", "amount": "-20,25"},
        rows[-40] | {"customer": 'a "b", c'},
    ]
    path = tmp_path / "orders.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    settings = {"decimal": ",", "date": "day"}
    theirs = read_transactions(path, **settings)
    ours = read_transactions(read_orders(spark, str(path)), name=str(path), **settings)
    assert theirs.set_aside["duplicate line"] == 2
    assert len(theirs.set_aside) == 7
    assert ours.set_aside == theirs.set_aside
    assert str(ours) == str(theirs)
    order = ["reason", "order"]
    pd.testing.assert_frame_equal(
        ours.quarantine().sort_values(order, ignore_index=True).fillna("").astype(str),
        theirs.quarantine().sort_values(order, ignore_index=True).fillna("").astype(str),
    )
    days = [tx.days.order_by("customer_id", "date").to_pyarrow().to_pylist() for tx in (ours, theirs)]
    assert [dict(sorted(day.items())) for day in days[0]] == [dict(sorted(day.items())) for day in days[1]]
    ours.days.get_backend().close()


def test_two_sources_in_one_session_do_not_mix(spark):
    def orders(amount):
        return spark.createDataFrame(
            [(c, f"2020-01-0{d}", amount) for c in "abc" for d in (1, 5)],
            "customer string, date string, amount double",
        )

    first, second = read_transactions(orders(1.0)), read_transactions(orders(2.0))
    assert (first.summary().net_total, second.summary().net_total) == (6.0, 12.0)


def test_what_the_door_refuses_it_refuses_on_spark(spark, tmp_path):
    with pytest.raises(
        InputError, match=f"{tmp_path}/none.parquet could not be read by Spark: .*does not exist"
    ):
        read_orders(spark, f"{tmp_path}/none.parquet")
    times = pd.DataFrame({"date": pd.to_datetime(["2020-01-01"]).astype("datetime64[ns]")})
    times.to_parquet(tmp_path / "nanoseconds.parquet")
    with pytest.raises(InputError, match="has times in nanoseconds, which Spark does not read"):
        read_orders(spark, f"{tmp_path}/nanoseconds.parquet")
    frame = spark.createDataFrame([("a", "b")], "customer string, note string")
    with pytest.raises(InputError, match=r"sales\.orders has no column that looks like date or amount"):
        read_transactions(frame, name="sales.orders")


def test_a_table_without_what_the_model_learned_from_is_refused_before_spark_works(grocer):
    with pytest.raises(InputError, match="lacks 1 columns that the model learned from"):
        score_on_spark(grocer.model, grocer.frame.drop("net_spend"))


def test_a_folder_is_written_whole_or_not_at_all(spark, tmp_path):
    out = tmp_path / "scores"
    assert write_folder(spark.range(10), str(out), {"cutoff": "2020-01-01"}) == 10
    assert json.loads((out / "_duramen.json").read_text()) == {
        "format_version": 1, "folder": "scores", "rows": 10, "cutoff": "2020-01-01",
    }  # fmt: skip
    failing = spark.range(10).select(F.raise_error(F.lit("stop")))
    with pytest.raises(Exception, match="stop"):
        write_folder(failing, str(out))
    assert len(pd.read_parquet(out)) == 10
    assert write_folder(spark.range(7), str(out)) == 7
    assert len(pd.read_parquet(out)) == 7
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scores"]


def test_a_ranking_moved_aside_by_a_killed_run_is_put_back(spark, tmp_path):
    out = tmp_path / "scores"
    write_folder(spark.range(3), str(out))
    out.rename(tmp_path / ".scores.old")
    with pytest.raises(Exception, match="stop"):
        write_folder(spark.range(1).select(F.raise_error(F.lit("stop"))), str(out))
    assert len(pd.read_parquet(out)) == 3


def test_what_duramen_did_not_write_is_not_replaced(spark, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").touch()
    (tmp_path / "notes").touch()
    for name in ("photos", "notes"):
        with pytest.raises(InputError, match=f"{tmp_path}/{name} (is a file|has something in it)"):
            HadoopFolder(spark, f"{tmp_path}/{name}").refuse_occupied()


@pytest.mark.slow
@pytest.mark.usefixtures("spark")
def test_the_command_ranks_on_spark_as_on_duckdb(grocer, duramen, tmp_path):
    grocer.model.save(tmp_path / "model")
    duckdb.sql(f"copy (from '{grocer.path}' where household_id % 32 = 0) to '{tmp_path}/lines.parquet'")
    customers = customer_table(read_transactions(tmp_path / "lines.parquet"), CUTOFF)
    made_up_costs(customers, tmp_path / "costs.csv")
    words = ("score", "lines.parquet", "--model", "model", "--cutoff", CUTOFF, "--currency", "USD")
    with_costs = ("--cost-to-serve", "costs.csv")
    status, _, err, _ = duramen(*words, *with_costs, "--out", "scores.parquet")
    assert status == 0, err
    on_spark = ("--engine", "spark", "--master", "local[2]")
    status, out, err, _ = duramen(*words, *with_costs, *on_spark, "--out", "ranked", "--verbose")
    assert status == 0, err
    assert f"scores      ranked ({len(customers)} customers)" in out
    assert "Market up or down: this history shows no difference in the core" in out
    theirs = pd.read_parquet(tmp_path / "scores.parquet")
    assert {"core_in", "cost_to_serve"} < set(theirs)
    assert "below break-even" in set(theirs["tier"])
    same(pd.read_parquet(tmp_path / "ranked").sort_values("rank", ignore_index=True), theirs)
    ours, beside = (
        json.loads((tmp_path / name).read_text()) for name in ("ranked/_duramen.json", "scores.json")
    )
    assert ours.pop("folder") == "ranked"
    assert ours == {key: beside[key] for key in beside if key not in ("file", "bytes", "sha256")}
    # From a folder in partitions, with reasons of the core alone.
    duckdb.sql(
        f"copy (select *, household_id % 3 as part from '{tmp_path}/lines.parquet') to '{tmp_path}/parts' "
        "(format parquet, partition_by (part))"
    )
    words = ("score", "parts", *words[2:], *with_costs, "--reasons", "core")
    status, _, err, _ = duramen(*words, *on_spark, "--out", "core")
    assert status == 0, err
    theirs.loc[~theirs["tier"].isin(grocer.model.tiers.core_names), ["reason_1", "reason_2", "reason_3"]] = (
        np.nan
    )
    same(pd.read_parquet(tmp_path / "core").sort_values("rank", ignore_index=True), theirs)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--engine", "flink"), "--engine is 'flink', not duckdb or spark; write for example spark."),
        (("--master", "yarn"), "--master is for Spark alone"),
        (("--engine", "spark", "--threads", "2"), "--threads is for DuckDB"),
        (("--engine", "spark", "--report", "r.html"), "--report is not for --engine spark"),
        (
            ("--engine", "spark", "--out", "scores.csv"),
            "Spark writes a folder of Parquet files, not 'scores.csv'",
        ),
    ],
)
def test_what_spark_does_not_do_is_refused_before_any_work(duramen, refused, words, told):
    assert told in refused(duramen("score", "orders.parquet", *words))


def test_spark_without_java_or_with_an_old_one_is_refused_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(
        InputError, match=r"Spark needs Java 17, and there is none in JAVA_HOME .*; install a JRE"
    ):
        opening.refuse_missing_java()
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"1.8.0_412\"' >&2\n")
    java.chmod(0o755)
    with pytest.raises(InputError, match=r"bin/java is Java 8; set JAVA_HOME to a later one"):
        opening.refuse_missing_java()


def test_without_pyspark_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(opening.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(InputError, match=r"duramen\[spark\]"), spark_session():
        pass


def test_days_and_moments_are_those_of_utc_and_workers_run_this_python(spark):
    assert spark.conf.get("spark.sql.session.timeZone") == "UTC"
    assert os.environ["PYSPARK_PYTHON"]
    moments = spark.sql(
        "select 'a' as customer, timestamp '2020-01-01 23:30:00-02:00' as date, 1.0 as amount"
    )
    assert read_transactions(moments).first_date.isoformat() == "2020-01-02"
    assert Path(os.environ["PYSPARK_PYTHON"]).exists()
