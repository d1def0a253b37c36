"""A real MLflow server, and one small model that is recorded there once for every test of it."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from duramen.data.customers import customer_table
from duramen.data.reading import read_transactions
from duramen.evaluation.scorecards import scorecard
from duramen.scoring.model import CoreCustomerModel
from duramen.scoring.placement import PlacementThresholds
from duramen.scoring.ranking import rank_core_customers

SMALL_MODEL = Path(__file__).parents[1] / "fixtures" / "format_4" / "model"


def free_port():
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return place.getsockname()[1]


def wait_for(address, process, seconds=300):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert process.poll() is None, f"the server at {address} ended"
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"no server at {address}")


@pytest.fixture(scope="session")
def serve():
    """Give a function that starts ``python -m mlflow WORDS`` on a port of its own and waits until it answers."""
    started = []

    def start(folder, *words, **environment):
        port = free_port()
        address = f"http://127.0.0.1:{port}"
        own = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
        own["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{own['PATH']}"
        with (folder / "server.log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", *words, "--host", "127.0.0.1", "--port", str(port)],
                cwd=folder, env=own | environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        started.append(process)
        wait_for(f"{address}/health", process)
        return SimpleNamespace(
            uri=address, folder=folder, send=lambda sign: os.killpg(process.pid, sign), process=process
        )

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture(scope="session")
def start_store(serve):
    """Give a function that starts an MLflow server with a new SQLite base, which keeps the artefacts itself."""

    def start(folder):
        return serve(
            folder, "server", "--backend-store-uri", f"sqlite:///{folder}/base.db", "--serve-artifacts",
            "--artifacts-destination", str(folder / "files"), "--workers", "1",
        )  # fmt: skip

    return start


@pytest.fixture(scope="session")
def server(start_store, tmp_path_factory):
    return start_store(tmp_path_factory.mktemp("server"))


@pytest.fixture(scope="session")
def small(shop_orders):
    """Return a model of 295 customers, its scorecard, their purchases and the table of customers.

    An older release saved the model, so it gets the thresholds here that a training would have kept.
    """
    model = CoreCustomerModel.load(SMALL_MODEL)
    chosen = np.sort(shop_orders["customer_id"].unique())[::9]
    orders = shop_orders[shop_orders["customer_id"].isin(chosen)]
    tx = read_transactions(orders, currency="USD")
    customers = customer_table(tx, model.window_.cutoff)
    base = rank_core_customers(model.predict(customers, with_reasons=False), model.tiers)
    model.placement_ = PlacementThresholds.of_ranking(base, model.tiers)
    return SimpleNamespace(
        model=model,
        card=scorecard(model.holdout_),
        orders=orders,
        tx=tx,
        customers=customers,
    )


@pytest.fixture
def older_model():
    """Return the same model as the older release saved it."""
    return CoreCustomerModel.load(SMALL_MODEL)


@pytest.fixture
def store_at(monkeypatch):
    """Give a function that points MLflow at a store for this test, and returns a client of it."""
    import mlflow

    def point(uri):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        return mlflow.MlflowClient()

    return point
