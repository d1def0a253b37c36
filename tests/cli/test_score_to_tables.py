"""``duramen score --out`` as the table of a database: the rows of the file, and nothing of a password."""

import json
import shutil
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from duramen.cli.config.ranking import ScoreConfig
from duramen.cli.output_paths import ranking_files
from duramen.io.sidecar import read_sidecar

CUTOFF = ("--cutoff", "1998-04-01", "--currency", "USD", "--reasons", "core")


@pytest.fixture(scope="module")
def models(shop, tmp_path_factory):
    """Return a folder with the shop's model, once alone and once for each group of customers."""
    folder = tmp_path_factory.mktemp("models")
    saved = shop.model.save(folder / "one")
    for group in ("end", "channel"):
        shutil.copytree(saved, folder / "apart" / group)
    return folder


@pytest.fixture
def some_orders(shop):
    """Return the orders of every eighth customer, and one that cannot be used."""
    chosen = shop.orders[shop.orders["customer_id"].isin(shop.orders["customer_id"].unique()[::8])]
    return pd.concat([chosen, chosen.head(1).assign(customer_id=None)], ignore_index=True)


def in_parquet(ranking):
    return ranking.astype({"cutoff": "datetime64[ms]"})


@pytest.mark.slow
def test_the_table_has_the_rows_of_the_file_of_the_same_run(database, shop, models, duramen, tmp_path):
    shop.orders.to_parquet(tmp_path / "orders.parquet")
    words = ("score", "orders.parquet", "--model", models / "one", *CUTOFF, "--out")
    assert duramen(*words, "scores.parquet")[0] == 0
    status, out, err, new = duramen(*words, database.at("scores"))
    assert (status, err) == (0, "")
    assert new == ({"shop.db"} if database.kind == "duckdb" else set())
    rows = database.sql("select * from scores order by rank")
    pd.testing.assert_frame_equal(
        in_parquet(rows), pd.read_parquet("scores.parquet"), check_dtype=False, check_exact=True
    )
    beside = read_sidecar(Path("scores.json"))
    sidecar = json.loads(database.sql("select sidecar::text as text from scores_sidecar")["text"].item())
    assert sidecar.pop("table").endswith("scores")
    assert sidecar == {key: beside[key] for key in beside if key not in ("file", "bytes", "sha256")}
    shown = database.at("scores").replace(":se%40cr%2Fet@", "@")
    assert f"scores      {shown} (2,613 customers)" in out
    assert "cr%2Fet" not in out


@pytest.mark.slow
def test_earlier_scores_serve_a_table_too(database, some_orders, models, duramen, tmp_path):
    words = ("score", "orders.parquet", "--model", models / "one", *CUTOFF)
    kept = ("--incremental", "kept.parquet", "--out", database.at("scores"))
    some_orders.to_parquet(tmp_path / "orders.parquet")
    assert duramen(*words, *kept)[0] == 0
    late = some_orders.head(1).assign(date=pd.Timestamp("1998-03-30"))
    pd.concat([some_orders, late]).to_parquet(tmp_path / "orders.parquet")
    status, out, err, _ = duramen(*words, *kept)
    assert (status, err) == (0, "")
    customers = some_orders["customer_id"].nunique()
    assert f"1 of {customers} customers had other orders, and were scored" in out.replace("\n", " ")
    assert duramen(*words, "--out", "scores.parquet")[0] == 0
    rows = database.sql("select * from scores order by rank")
    pd.testing.assert_frame_equal(
        in_parquet(rows), pd.read_parquet("scores.parquet"), check_dtype=False, check_exact=True
    )


@pytest.mark.slow
def test_orders_and_scores_may_lie_in_one_duckdb_file(some_orders, models, duramen, tmp_path):
    with duckdb.connect(tmp_path / "shop.db") as base:
        base.execute("create table orders as from some_orders")
    words = ("score", "duckdb://shop.db/orders", "--model", models / "one", *CUTOFF, "--out")
    for _ in range(2):
        status, out, err, new = duramen(*words, "duckdb://shop.db/main.scores")
        assert (status, err) == (0, "")
        assert new <= {"scores.quarantine.csv"}
    assert "scores.quarantine.csv (1 row)" in out
    assert pd.read_csv("scores.quarantine.csv")["reason"].tolist() == ["missing customer id"]
    with duckdb.connect(tmp_path / "shop.db") as base:
        counts = base.execute(
            "select (select count(*) from orders), (select count(*) from scores)"
        ).fetchone()
    assert counts == (len(some_orders), some_orders["customer_id"].nunique())


@pytest.mark.slow
def test_each_group_has_a_table_of_its_own(some_orders, models, duramen, database):
    some_orders.to_parquet("orders.parquet")
    ids = some_orders["customer_id"].dropna().unique()
    kinds = ["channel" if place % 2 else "consumer" for place in range(len(ids))]
    pd.DataFrame({"customer_id": ids, "kind": kinds}).to_csv("customers.csv", index=False)
    words = ("score", "orders.parquet", "--customers", "customers.csv", "--model", models / "apart", *CUTOFF)
    status, _, err, new = duramen(*words, "--out", database.at("scores"))
    assert (status, err) == (0, "")
    assert "scores.quarantine.csv" in new
    for group, others in (("end", 1), ("channel", 0)):
        found = database.sql(f"select customer_id from scores_{group}")["customer_id"]
        assert set(found) == set(ids) - set(ids[others::2])
        assert len(database.sql(f"select * from scores_{group}_sidecar")) == 1


@pytest.mark.slow
@pytest.mark.parametrize("database", ["duckdb"], indirect=True)
def test_a_report_is_drawn_beside_a_table(some_orders, models, duramen, database):
    some_orders.to_parquet("orders.parquet")
    words = ("score", "orders.parquet", "--model", models / "one", *CUTOFF[:4], "--report", "report.html")
    status, _, err, new = duramen(*words, "--out", database.at("scores"))
    assert (status, err) == (0, "")
    assert "report.html" in new
    assert len(database.sql("select * from scores")) == some_orders["customer_id"].nunique()


@pytest.mark.parametrize(
    ("out", "sentence"),
    [
        ("duckdb://shop.db/orders", "--out and the orders are both duckdb://shop.db/orders"),
        ("duckdb://./shop.db/main.ORDERS", "--out and the orders are both"),
        ("duckdb://shop.db/taken", "--out's sidecar and --customers are both duckdb://shop.db/taken_sidecar"),
        ("duckdb://shop.db/best", "'best' exists and is not a table"),
        ("duckdb://shop.db", "names no table"),
        ("duckdb://shop.txt/scores", "is not a valid DuckDB database file"),
        (
            "postgresql://ann:s3cret@127.0.0.1:1/shop/scores",
            "postgresql://ann@127.0.0.1:1/shop/scores cannot be",
        ),
        ("oracle://ann:s3cret@db/shop/scores", "scores are not written to oracle://"),
    ],
)
def test_a_table_that_cannot_be_written_is_refused_before_any_work(out, sentence, duramen, refused, tmp_path):
    # Neither the orders nor the model could be read.
    with duckdb.connect(tmp_path / "shop.db") as base:
        base.execute("create table orders (a integer); create view best as from orders")
        base.execute("create table taken_sidecar (sidecar json)")
    (tmp_path / "shop.txt").write_text("no database " * 400)
    words = (
        "score",
        "duckdb://shop.db/orders",
        "--customers",
        "duckdb://shop.db/taken_sidecar",
        "--model",
        "none",
    )
    refusal = refused(duramen(*words, "--out", out))
    assert sentence in refusal
    assert "s3cret" not in refusal


@pytest.mark.slow
def test_other_ids_than_those_of_the_table_are_refused_before_they_are_scored(
    some_orders, models, duramen, refused, tmp_path
):
    words = (
        "score",
        "orders.parquet",
        "--model",
        models / "one",
        *CUTOFF,
        "--out",
        "duckdb://shop.db/scores",
    )
    some_orders.to_parquet("orders.parquet")
    assert duramen(*words)[0] == 0
    numbered = some_orders.dropna().assign(customer_id=lambda orders: pd.factorize(orders["customer_id"])[0])
    numbered.to_parquet("orders.parquet")
    before = (tmp_path / "shop.db").read_bytes()
    assert "customer_id is VARCHAR where the scores have BIGINT; drop it" in refused(duramen(*words))
    assert (tmp_path / "shop.db").read_bytes() == before


def test_spark_writes_no_table(duramen, refused):
    words = (
        "score",
        "orders.parquet",
        "--engine",
        "spark",
        "--out",
        "postgresql://ann:s3cret@db/shop/scores",
    )
    sentence = refused(duramen(*words))
    assert "not a table of a database" in sentence
    assert "s3cret" not in sentence


def test_a_dot_in_the_name_of_a_group_would_be_a_schema(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = ScoreConfig(orders="orders.csv", out="duckdb://shop.db/marts.scores", report="report.html")
    files = ranking_files(config, "end")
    assert (str(files.out), files.report) == ("duckdb://shop.db/marts.scores_end", Path("report.end.html"))
