"""``duramen monitor`` as a job runs it: real files, exit statuses, JSON, and its run in MLflow."""

import json
from types import SimpleNamespace

import pandas as pd
import pytest

from duramen.tracking.store import open_store

TRAINED, LATER = "1998-04-01", "1998-07-01"


@pytest.fixture(scope="module")
def lab(shop, saved, tmp_path_factory):
    """Return the model of the shop, orders as they came and with doubled prices since its training."""
    folder = tmp_path_factory.mktemp("monitor")
    orders = shop.orders.assign(date=pd.to_datetime(shop.orders["date"]))
    orders.to_csv(folder / "orders.csv", index=False)
    since = orders["date"] >= TRAINED
    doubled = orders["amount"].where(~since, 2 * orders["amount"])
    orders.assign(amount=doubled).to_csv(folder / "doubled.csv", index=False)
    return SimpleNamespace(folder=folder, model=saved, version=shop.model.model_version_)


@pytest.fixture
def scores(lab, duramen, tmp_path, monkeypatch):
    """Score the shop at the day of the training, and point MLflow at a store of the test's own."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    status, _, err, _ = duramen(
        "score", lab.folder / "orders.csv", "--model", lab.model, "--cutoff", TRAINED, "--currency", "USD",
        "--reasons", "none", "--out", "scores.parquet",
    )  # fmt: skip
    # An old MLflow logs there that it makes its tables.
    assert status == 0, err
    return tmp_path / "scores.parquet"


@pytest.fixture
def monitor(lab, duramen, scores):
    """Run ``duramen monitor`` a horizon later."""

    def run(orders, *more, cutoff=LATER):
        words = ("--model", lab.model, "--scores", scores, "--currency", "USD", "--cutoff", cutoff)
        return duramen("monitor", lab.folder / orders, *words, *more)

    return run


def test_a_shop_that_goes_on_is_quiet_and_recorded(monitor, lab):
    status, out, err, _ = monitor("orders.csv")
    assert status == 0, err
    assert "No alarm." in out
    assert "coverage of the 80 % interval" in out
    client = open_store().MlflowClient()
    experiment = client.get_experiment_by_name("duramen")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.tags["duramen.monitoring"] == "quiet"
    assert run.data.tags["duramen.model_version"] == lab.version
    assert run.data.metrics["alarms"] == 0
    assert {"drift.T", "drift.predicted_value", "value.total_bias", "activity.auc"} <= set(run.data.metrics)
    names = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert names >= {"drift.csv", "realised.csv", "monitoring.json", "configuration.json"}


def test_doubled_prices_end_with_status_3_and_the_next_commands(monitor, lab):
    status, out, err, _ = monitor("doubled.csv")
    assert status == 3, err
    assert "basket_last_of_recent_buyers" in out
    assert "Alarm: scores of 1998-04-01 predicted" in out
    assert (
        f"duramen train {lab.folder / 'doubled.csv'} --currency USD --cutoff 1998-07-01 --horizon 91d" in out
    )
    promote = f"duramen promote challenger {lab.folder / 'doubled.csv'} --currency USD"
    assert f"{promote}  # with orders up to 1998-09-29" in out


@pytest.mark.slow
def test_json_is_all_of_stdout_and_says_what_the_terminal_does(monitor, lab):
    status, out, err, _ = monitor("doubled.csv", "--json", "--challenger", "models:/shop/2")
    assert status == 3, err
    found = json.loads(out)
    assert [alarm["what"] for alarm in found["alarms"]][:1] == ["feature drift"]
    bias = next(alarm for alarm in found["alarms"] if alarm["what"] == "total bias")
    assert bias["figure"] < -0.25 == -bias["limit"]
    assert found["next"] == [f"duramen promote models:/shop/2 {lab.folder / 'doubled.csv'} --currency USD"]
    assert found["run"]
    (row,) = (row for row in found["realised"] if row["metric"] == "total bias")
    assert row["figure"] == bias["figure"] == pytest.approx(row["predicted"] / row["actual"] - 1)
    assert "NaN" not in out


@pytest.mark.slow
def test_scores_whose_horizon_has_not_passed_are_left_out(monitor):
    status, out, err, _ = monitor("orders.csv", cutoff="1998-05-01")
    assert status == 0, err
    assert "are not complete until 1998-07-01" in " ".join(out.split())


@pytest.mark.slow
def test_limits_of_the_file_hold(monitor, tmp_path):
    (tmp_path / "monitor.toml").write_text("[monitor]\ntotal_bias = 0.9\ndrift = 99\n")
    status, out, _, _ = monitor("doubled.csv", "--config", "monitor.toml", "--json")
    found = json.loads(out)
    assert (status, found["alarms"], found["next"]) == (0, [], [])
    assert next(row for row in found["realised"] if row["metric"] == "total bias")["limit"] == 0.9


def test_scores_that_were_changed_and_other_money_are_refused(monitor, scores, refused):
    scores.write_bytes(scores.read_bytes() + b" ")
    assert "is not the file that scores.json describes" in refused(monitor("orders.csv"))
    scores.with_suffix(".json").unlink()
    assert "has no sidecar scores.json beside it" in refused(monitor("orders.csv", "--json"))


@pytest.mark.parametrize("days", [("--since", "1999-06-01"), ("--since", "1990-01-01")])
def test_days_between_which_nothing_can_be_compared_are_refused(monitor, refused, days):
    assert "cannot be measured on orders from" in refused(monitor("orders.csv", *days))


def test_a_cutoff_before_the_training_is_refused(monitor, refused):
    assert "is before that of the training" in refused(monitor("orders.csv", cutoff="1997-06-01"))
