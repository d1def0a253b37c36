"""``mlflow.autolog()`` is on; what duramen fits makes no run of its own, and what the user fits makes one as before."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

pytestmark = pytest.mark.slow

NOTEBOOK = """
import json, sys
import mlflow
from sklearn.linear_model import LogisticRegression

mlflow.set_tracking_uri("sqlite:///mlflow.db")
mlflow.autolog(silent=True)

import duramen as dm
from mlflow.utils.autologging_utils import disable_autologging

def runs():
    return len(mlflow.search_runs(search_all_experiments=True))

tx = dm.read_transactions("orders.csv", currency="USD")
window = dm.Window("1998-04-01", 91)
customers = dm.customer_table(tx, window.cutoff)
seen = {}
with mlflow.start_run() as mine:
    dm.CoreCustomerModel(growth_weight=0.25).fit(tx, window)
run = mlflow.get_run(mine.info.run_id)
seen["of the run around"] = [run.data.params, run.data.metrics, mlflow.artifacts.list_artifacts(run_id=run.info.run_id)]
dm.BehaviouralSegmenter().fit(customers)
seen["runs after duramen"] = runs()
LogisticRegression().fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
seen["runs after the user"] = runs()
with disable_autologging():
    dm.BehaviouralSegmenter().fit(customers)
    LogisticRegression().fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
seen["runs after the user switched it off"] = runs()
print(json.dumps(seen))
"""


@pytest.fixture(scope="module")
def seen(shop_orders, tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebook")
    chosen = np.sort(shop_orders["customer_id"].unique())[::9]
    shop_orders[shop_orders["customer_id"].isin(chosen)].to_csv(folder / "orders.csv", index=False)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", NOTEBOOK],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_fit_makes_no_run_and_writes_nothing_into_the_one_around_it(seen):
    assert seen["of the run around"] == [{}, {}, []]
    assert seen["runs after duramen"] == 1


def test_what_the_user_fits_afterwards_is_logged_as_before(seen):
    assert seen["runs after the user"] == 2


def test_autologging_that_the_user_switched_off_stays_off_after_a_fit(seen):
    assert seen["runs after the user switched it off"] == 2
