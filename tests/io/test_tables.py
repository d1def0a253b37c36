"""Scores as tables of DuckDB and PostgreSQL: whole or not at all, with their sidecar, and nothing else touched."""

import json
import os
import signal
import subprocess
import sys
import threading

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from duramen.errors import InputError
from duramen.io import databases
from duramen.io.atomic import work_folder
from duramen.io.files import slices, write_scores
from duramen.io.tables import check_table, table_at, write_table

# A run that stops after its first block until a line comes in: killed, or let on.
STOPPED = """
import sys
import pandas as pd
from duramen.io.tables import table_at, write_table

def blocks():
    ranking = pd.read_parquet(sys.argv[2])
    yield ranking.head(900)
    print("first block written", flush=True)
    sys.stdin.readline()
    yield ranking.tail(-900)

write_table(blocks(), table_at(sys.argv[1]), {"of": "another run"})
"""


@pytest.fixture
def ranking(shop, tmp_path):
    """Return the shop's ranking as Parquet holds it, with the market of each customer."""
    ranking = shop.ranking.assign(core_in="every market", reason_2=None).astype({"reason_2": "str"})
    ranking.loc[7, "probability_core"] = np.nan
    return pd.read_parquet(write_scores(ranking, tmp_path / "scores.parquet"))


@pytest.fixture
def older(database, ranking):
    """Give a table that holds an older ranking, and what it holds."""
    table = table_at(database.at("scores"))
    write_table([ranking.head(5).assign(score=1.5)], table, {"of": "older"})
    return table, held(database)


@pytest.fixture
def stopped_run(database, ranking, tmp_path):
    """Give a run that has written its first block."""
    write_scores(ranking.assign(score=2.5), tmp_path / "others.parquet")
    command = [sys.executable, "-c", STOPPED, database.at("scores"), tmp_path / "others.parquet"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "first block written\n"
    yield process
    process.kill()
    process.communicate()


def held(database, name="scores"):
    """Return the rows of a table and its sidecar."""
    rows = database.sql(f'select * from "{name}" order by rank')
    return rows, json.loads(
        database.sql(f'select sidecar::text as told from "{name}_sidecar"')["told"].item()
    )


def same(held_now, held_before):
    pd.testing.assert_frame_equal(held_now[0], held_before[0])
    return held_now[1] == held_before[1]


def blocks_of(ranking):
    return (ranking.iloc[start : start + 700] for start in range(0, len(ranking), 700))


@pytest.mark.parametrize("ids", [str, int])
def test_a_table_holds_what_the_file_holds_column_by_column(database, ranking, ids):
    if ids is int:
        ranking = ranking.assign(customer_id=np.arange(len(ranking)) - 2**40, cost_to_serve=0.25)
    table = table_at(database.at("scores"))
    check_table(table, with_cost=ids is int)
    assert write_table(blocks_of(ranking), table, {}) == len(ranking)
    rows, told = held(database)
    assert list(rows) == list(ranking)
    pd.testing.assert_frame_equal(rows.astype({"cutoff": "datetime64[ms]"}), ranking, check_dtype=False)
    assert rows["customer_id"].dtype == ranking["customer_id"].dtype
    assert [str(rows[name].dtype) for name in ("rank", "score", "cutoff")] == [
        "int64",
        "float64",
        "datetime64[us]",
    ]
    assert told["rows"] == len(ranking)


def test_the_next_ranking_takes_the_place_of_rows_and_sidecar(database, ranking, older):
    table, _ = older
    write_table(slices(ranking), table, {"of": "this"})
    rows, told = held(database)
    assert len(rows) == len(ranking)
    assert told == {"format_version": 1, "table": table.full_name, "rows": len(ranking), "of": "this"}
    again = held(database)
    write_table(slices(ranking), table, {"of": "this"})
    assert same(held(database), again)


def test_what_hangs_on_the_table_stays(database, ranking, older):
    table, _ = older
    database.sql("create view best as select customer_id from scores where rank = 1")
    database.sql("create unique index one_row_each on scores (customer_id)")
    if database.kind == "postgresql":
        database.sql("grant select on scores to reader")
    write_table(slices(ranking), table, {})
    assert database.sql("select * from best")["customer_id"].tolist() == [ranking["customer_id"].iloc[0]]
    if database.kind == "postgresql":
        assert database.sql("select has_table_privilege('reader', 'scores', 'select') as may")["may"].item()


def test_columns_in_another_order_are_the_same_columns(database, ranking, older):
    table, _ = older
    database.sql("create table turned as select * exclude (rank), rank from scores" if database.kind == "duckdb"
                 else "create table turned as select (s).* from (select scores as s from scores) as t")  # fmt: skip
    if database.kind == "postgresql":
        database.sql("alter table turned drop column rank", "alter table turned add column rank bigint")
    turned = table_at(database.at("turned"))
    check_table(turned)
    write_table(slices(ranking), turned, {})
    pd.testing.assert_frame_equal(held(database, "turned")[0][list(ranking)], ranking, check_dtype=False)
    assert str(table) != str(turned)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (
            "alter table scores add column loaded_at date",
            "it also has 'loaded_at'; drop it if it is not needed",
        ),
        ("alter table scores drop column tier", "it lacks 'tier'; drop it"),
        (
            "drop table scores; create table scores (rank bigint)",
            "it lacks 'customer_id', 'cutoff', 'tier' and 29 more; drop it",
        ),
        ("alter table scores alter column clv type integer", "clv is integer where the scores have double"),
        ("drop table scores; create view scores as select 1 as one", "'scores' exists and is not a table"),
        (
            "alter table scores_sidecar rename to gone; create table scores_sidecar (a bigint)",
            "is not a sidecar of",
        ),
    ],
)
def test_what_is_no_table_of_scores_is_refused_before_any_work_and_stays(
    database, ranking, older, statement, told
):
    table, _ = older
    database.sql(*statement.split("; "))
    before = database.sql("select * from scores")
    for refused in (lambda: check_table(table), lambda: write_table(slices(ranking), table, {})):
        with pytest.raises(InputError) as error:
            refused()
        assert told in str(error.value).lower().replace("double precision", "double")
        pd.testing.assert_frame_equal(database.sql("select * from scores"), before)


def test_ids_of_another_type_are_refused_when_their_type_is_known(database, ranking, older):
    table, before = older
    check_table(table)
    check_table(table, ids=pa.large_string())
    with pytest.raises(InputError, match=r"customer_id is \w+ where the scores have \w+; drop it"):
        check_table(table, ids=pa.int32())
    with pytest.raises(InputError, match="customer_id is"):
        write_table([ranking.assign(customer_id=range(len(ranking)))], table, {})
    assert same(held(database), before)


def test_a_check_leaves_nothing(database, tmp_path):
    check_table(table_at(database.at("scores")))
    assert list(tmp_path.iterdir()) == []
    database.sql("create table other (a integer)")
    check_table(table_at(database.at("scores")))
    tables = database.sql(
        "select table_name from information_schema.tables where table_schema = current_schema()"
    )
    assert tables["table_name"].tolist() == ["other"]


def test_blocks_that_fail_midway_leave_the_old_rows(database, ranking, older):
    table, before = older

    def blocks():
        yield ranking.head(9)
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        write_table(blocks(), table, {})
    assert same(held(database), before)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_server_that_goes_away_midway_leaves_the_old_rows(database, ranking, older):
    table, before = older

    def blocks():
        yield ranking.head(9)
        of_others = "from pg_stat_activity where usename = 'analyst' and pid <> pg_backend_pid()"
        database.sql(f"select pg_terminate_backend(pid) {of_others}")
        yield ranking.tail(-9)

    with pytest.raises(InputError, match="cannot be written, and is as it was"):
        write_table(blocks(), table, {})
    assert same(held(database), before)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_policy_that_hides_rows_is_refused_before_any_work(database, ranking, older):
    table, before = older
    database.sql(
        "alter table scores enable row level security",
        "alter table scores force row level security",
        "create policy best on scores using (rank <= 2)",
    )
    for write in (check_table, lambda table: write_table(blocks_of(ranking), table, {"of": "newer"})):
        with pytest.raises(
            InputError, match="and is as it was: query would be affected by row-level security"
        ):
            write(table)
    database.sql("drop policy best on scores", "alter table scores no force row level security")
    assert same(held(database), before)


def test_a_new_file_that_fails_midway_is_not_there(ranking, tmp_path):
    def blocks():
        yield ranking
        raise ArithmeticError

    (tmp_path / "in").mkdir()
    with pytest.raises(ArithmeticError):
        write_table(blocks(), table_at(f"duckdb://{tmp_path}/in/new.db/scores"), {})
    assert list((tmp_path / "in").iterdir()) == []


def test_killed_midway_it_leaves_the_old_rows_and_the_next_run_ends_the_job(
    database, ranking, older, stopped_run
):
    table, before = older
    os.kill(stopped_run.pid, signal.SIGKILL)
    assert stopped_run.wait() == -signal.SIGKILL
    assert same(held(database), before)
    write_table(slices(ranking), table, {"of": "next"})
    rows, told = held(database)
    assert (len(rows), told["of"]) == (len(ranking), "next")


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_in_postgresql_readers_see_old_rows_and_a_second_run_waits(database, ranking, older, stopped_run):
    table, before = older
    assert same(held(database), before)
    second = threading.Thread(target=write_table, args=(slices(ranking), table, {"of": "second"}))
    second.start()
    waiting = "select count(*) as runs from pg_locks where locktype = 'advisory' and not granted"
    while not database.sql(waiting)["runs"].item():
        assert second.is_alive()
    stopped_run.communicate("go on\n")
    assert stopped_run.returncode == 0
    second.join()
    rows, told = held(database)
    assert (len(rows), told["of"]) == (len(ranking), "second")
    assert not rows["score"].eq(2.5).any()


@pytest.mark.parametrize("database", ["duckdb"], indirect=True)
def test_a_duckdb_file_that_another_process_has_open_is_waited_for_a_while(
    database, ranking, older, stopped_run, monkeypatch
):
    table, _ = older
    with pytest.raises(
        InputError, match=rf"another program has the file open \(python.*process {stopped_run.pid}\)"
    ):
        check_table(table)
    monkeypatch.setattr(databases, "SECONDS_OF_PATIENCE", 0)
    with pytest.raises(InputError, match="another program has the file open"):
        write_table(slices(ranking), table, {})
    monkeypatch.setattr(databases, "SECONDS_OF_PATIENCE", 60)
    monkeypatch.setattr(databases.time, "sleep", lambda _: stopped_run.communicate("go on\n"))
    write_table(slices(ranking), table, {"of": "second"})
    assert stopped_run.returncode == 0
    assert held(database)[1]["of"] == "second"


def test_a_second_run_from_the_same_place_is_refused_at_once(database, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    table = table_at(database.at("scores"))
    with (
        work_folder(table.work_place, table),
        pytest.raises(InputError, match=f"another run is writing {table}"),
    ):
        work_folder(table.work_place, table).__enter__()
    assert list(tmp_path.iterdir()) == []


def test_names_are_taken_as_they_are(database, ranking):
    table = table_at(database.at('our "Scores" \'24'))
    for _ in range(2):
        check_table(table)
        write_table([ranking.head(3)], table, {})
    assert len(database.sql("""select * from "our ""Scores"" '24" """)) == 3


def test_without_a_schema_postgresql_takes_that_of_new_tables(postgresql, database, ranking):
    table = table_at(f"{postgresql.address}/plain?options=-csearch_path%3Dmarts")
    check_table(table)
    write_table([ranking.head(3)], table, {})
    assert str(table).endswith("/shop/plain?options=-csearch_path%3Dmarts")
    if database.kind == "postgresql":
        assert database.sql("select count(*) as rows from marts.plain")["rows"].item() == 3
        database.sql("drop table marts.plain", "drop table marts.plain_sidecar")


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_what_duckdb_would_open_in_memory_is_refused_and_stays(ranking, tmp_path, ending):
    file = write_scores(ranking.head(9), tmp_path / f"others.{ending}")
    before, table = file.read_bytes(), table_at(f"duckdb://{file}/scores")
    for write in (check_table, lambda table: write_table([ranking], table, {})):
        with pytest.raises(InputError, match="is not a DuckDB file"):
            write(table)
    assert file.read_bytes() == before


def test_a_schema_of_a_file_that_is_not_there_is_refused_before_any_work(tmp_path):
    with pytest.raises(InputError, match="a new file has no schema 'marts'"):
        check_table(table_at(f"duckdb://{tmp_path}/new.db/marts.scores"))
    assert not (tmp_path / "new.db").exists()


def test_duckdb_knows_no_upper_case(ranking, tmp_path):
    write_table([ranking.head(3)], table_at(f"duckdb://{tmp_path}/a.db/scores"), {})
    upper = table_at(f"duckdb://{tmp_path}/./a.db/main.SCORES")
    check_table(upper)
    write_table([ranking.head(4)], upper, {})
    with duckdb.connect(tmp_path / "a.db") as base:
        assert [name for (name,) in base.sql("show tables").fetchall()] == ["scores", "scores_sidecar"]
    assert upper.identity == table_at(f"duckdb://{tmp_path}/a.db/scores").identity


def test_a_database_that_cannot_be_written_to_is_refused_before_any_work(tmp_path):
    def told(place, tmp=tmp_path):
        with pytest.raises(InputError) as error:
            check_table(table_at(f"duckdb://{tmp}/{place}"))
        return str(error.value)

    assert "names no table; write duckdb://file.db/table" in told("a.db/")
    assert "names no table" in told("a.db/main.")
    assert "there is no folder" in told("nowhere/a.db/scores")
    (tmp_path / "text.db").write_text("no database " * 400)
    assert "is not a valid DuckDB database file" in told("text.db/scores")
    (tmp_path / "folder.db").mkdir()
    assert "is a folder, where a file is to be written" in told("folder.db/scores")
    duckdb.connect(tmp_path / "a.db").close()
    assert "Schema with name nowhere does not exist" in told("a.db/nowhere.scores")
    assert "too long a name" in told(f"a.db/{'x' * 60}")


def test_a_server_that_cannot_be_written_to_is_refused_before_any_work(postgresql, monkeypatch, tmp_path):
    def told(address):
        with pytest.raises(InputError) as error:
            check_table(table_at(address))
        return str(error.value)

    monkeypatch.chdir(tmp_path)
    address, host = postgresql.address, postgresql.host
    assert "Connection refused" in told("postgresql://ann@127.0.0.1:1/shop/scores")
    assert 'database "gone" does not exist' in told(address.replace("/shop", "/gone/scores"))
    assert 'password authentication failed for user "analyst"' in told(
        f"postgresql://analyst:x@{host}/shop/scores"
    )
    assert "no password supplied" in told(f"postgresql://analyst@{host}/shop/scores")
    assert 'schema "gone" does not exist' in told(f"{address}/gone.scores")
    reader = f"postgresql://reader:reader@{host}/shop"
    assert "permission denied for schema marts" in told(f"{reader}/marts.scores")
    assert "permission denied for schema public" in told(f"{reader}/scores")
    assert "read-only transaction" in told(
        f"{address}/marts.scores?options=-cdefault_transaction_read_only%3Don"
    )
    monkeypatch.setitem(sys.modules, "adbc_driver_postgresql", None)
    assert "install duramen with its extra: duramen[postgres]." in told(f"{address}/scores")


def test_a_password_is_taken_from_where_libpq_looks(postgresql, monkeypatch, tmp_path):
    table = table_at(f"postgresql://analyst@{postgresql.host}/shop/marts.scores")
    monkeypatch.setenv("PGPASSWORD", "se@cr/et")
    check_table(table)
    monkeypatch.delenv("PGPASSWORD")
    (tmp_path / "pgpass").write_text("*:*:shop:analyst:se@cr/et\n")
    (tmp_path / "pgpass").chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pgpass"))
    check_table(table)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://ann:s3cret@db/shop", "postgresql://ann:s3cret@db/", "postgresql://ann:s3@cret@db/shop/scores",
        "postgresql://ann:s3/cret@db/shop/scores", "postgresql://ann:s3%cret@db/shop/scores",
        "postgresql://ann:s3%00cret@db/shop/scores", "postgresql://ann:s3cret/shop/scores",
        "postgresql://ann@db/shop/scores?password=s3cret", "postgresql://ann@db/shop/scores?%70assword=s3cret",
        "postgresql://ann:s3cret@db/shop/a/b", "mysql://ann:s3cret@db/shop/scores",
        "postgresql://ann:s3cret@127.0.0.1:1/shop/scores", "postgres://ann:s3:cret@127.0.0.1:1/shop/scores",
    ],
)  # fmt: skip
def test_no_word_holds_a_password(address):
    with pytest.raises(InputError) as error:
        check_table(table_at(address))
    assert "s3" not in str(error.value)
    assert "cret" not in str(error.value)


def test_nothing_that_is_printed_of_a_table_holds_its_password():
    table = table_at("postgresql://ann:s3cret@db-1,db-2:5433/shop/marts.scores?sslmode=require")
    assert str(table) == "postgresql://ann@db-1,db-2:5433/shop/marts.scores?sslmode=require"
    assert "s3cret" not in repr(table)
    assert "s3cret" not in str(table.work_place)


@pytest.mark.parametrize("place", ["scores.parquet", "a/b.csv", "scores"])
def test_a_file_is_no_table(place):
    assert table_at(place) is None
