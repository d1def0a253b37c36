"""Who is champion in the registry, what is kept of why, and what a fault at any step leaves behind."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from duramen.data.windows import Window
from duramen.errors import InputError
from duramen.evaluation.champion_challenger import Rule, challenge, challenge_simple_orders
from duramen.scoring.model import CoreCustomerModel
from duramen.tracking import promotion, store
from duramen.tracking.promotion import Origin, decide, find_champion, find_origin, roll_back

FOLD = Window("1998-04-01", 91)


@pytest.fixture(scope="module")
def client(trained, tmp_path_factory):
    """Point MLflow at a copy of the store of the training, so that what is registered here is seen here alone."""
    base = tmp_path_factory.mktemp("registry") / "mlflow.db"
    shutil.copy(trained.folder / "mlruns" / "mlflow.db", base)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{base}")
        yield store.open_store().MlflowClient()


@pytest.fixture(scope="module")
def models(client, trained, reflected, shop):
    """Return a good and a poor model with where they are recorded, and their challenges both ways round."""
    good = CoreCustomerModel.load(trained.folder / "model")
    origin = find_origin(good, "model")
    # The poor one was never recorded; its first promotion does it.
    decide(
        reflected,
        Origin("", ""),
        None,
        challenge_simple_orders(reflected, resamples=50),
        shop.tx,
        name="poor",
        experiment="P",
    )
    return SimpleNamespace(
        good=good, good_origin=origin, poor=reflected, poor_origin=find_origin(reflected, "models:/poor/1"),
        first=challenge_simple_orders(reflected, resamples=50), first_good=challenge_simple_orders(good, resamples=50),
        won=challenge(good, reflected, shop.tx, FOLD, resamples=50),
        lost=challenge(reflected, good, shop.tx, FOLD, resamples=50), tx=shop.tx, client=client,
    )  # fmt: skip


def crown_poor(models, name):
    decide(models.poor, models.poor_origin, None, models.first, None, name=name, experiment="P")
    return find_champion(name)


def challenge_with_good(models, name, champion, result=None):
    return decide(
        models.good, models.good_origin, champion, result or models.won, models.tx, name=name, experiment="P"
    )


def champions(models, name):
    return models.client.get_registered_model(name).tags["duramen.champions"]


def tags(models, name, version):
    return models.client.get_model_version(name, version).tags


@pytest.mark.slow
def test_a_model_is_found_where_it_was_recorded(models):
    run_id = models.client.get_model_version("poor", "1").run_id
    assert models.good_origin.uri.startswith("models:/m-")
    assert store.load_model(models.good_origin.uri).model_version_ == models.good.model_version_
    assert find_origin(models.good, f"runs:/{run_id}/model") == Origin(f"runs:/{run_id}/model", "")
    assert store.load_model("models:/poor@champion").model_version_ == models.poor.model_version_
    # What a promotion recorded is known again, too.
    assert find_origin(models.poor, "a folder").uri.startswith("models:/m-")


def test_a_model_that_was_never_recorded_needs_orders_to_be(models):
    runs = len(models.client.search_runs([models.client.get_experiment_by_name("P").experiment_id]))
    with pytest.raises(InputError, match="was not recorded in this store"):
        decide(models.good, Origin("", ""), None, models.first_good, None, name="nobody", experiment="P")
    assert len(models.client.search_runs([models.client.get_experiment_by_name("P").experiment_id])) == runs
    assert find_champion("nobody") is None


def test_the_better_one_takes_the_place_with_its_evidence_and_the_one_before_says_so(models, tmp_path):
    champion = crown_poor(models, "shop")
    assert tags(models, "shop", "1")["duramen.decision"] == "first champion"
    decision = challenge_with_good(models, "shop", champion)
    assert (decision.promoted, decision.version) == (True, "2")
    now = models.client.get_model_version_by_alias("shop", "champion")
    row = models.won.decisive
    expected = {
        "duramen.decision": "promoted", "duramen.decided_on": "91 days from 1998-04-01",
        "duramen.metric": "value captured at top 20 %", "duramen.margin": "0", "duramen.confidence": "0.95",
        "duramen.against": "version 1", "duramen.holdout_customers": "2613",
        "duramen.figure": f"{row['challenger']:.6g}", "duramen.figure_against": f"{row['rival']:.6g}",
        "duramen.difference": f"{row['difference']:.6g}",
        "duramen.interval": f"{row['low']:.6g} to {row['high']:.6g}",
        "duramen.data_digest": models.tx.digest(FOLD.end), "duramen.data_source": models.tx.source,
        "duramen.model_version": models.good.model_version_, "duramen.decision_run": decision.run_id,
    }  # fmt: skip
    assert str(now.version) == "2"
    assert expected.items() <= now.tags.items()
    assert now.description == models.won.sentence
    assert now.aliases == ["champion"]
    before = tags(models, "shop", "1")
    assert (before["duramen.replaced_by"], before["duramen.replaced_at"]) == (
        "2",
        now.tags["duramen.decided_at"],
    )
    kept = Path(models.client.download_artifacts(decision.run_id, "promotion.csv", str(tmp_path)))
    pd.testing.assert_frame_equal(pd.read_csv(kept), models.won.table)
    told = json.loads(
        Path(models.client.download_artifacts(decision.run_id, "promotion.json", str(tmp_path))).read_text()
    )
    assert told["won"] is True
    assert told["duramen.against"] == "version 1"
    run = models.client.get_run(decision.run_id)
    assert run.data.metrics["difference"] == pytest.approx(row["difference"])
    assert run.data.tags["duramen.promotion"] == "shop"


def test_the_loser_stays_challenger_and_trying_again_makes_no_second_version(models):
    first = decide(
        models.good, models.good_origin, None, models.first_good, None, name="kept", experiment="P"
    )
    champion = find_champion("kept")
    for _ in range(2):
        decision = decide(
            models.poor, models.poor_origin, champion, models.lost, models.tx, name="kept", experiment="P"
        )
        assert (decision.promoted, decision.version) == (False, "2")
    assert find_champion("kept").version == first.version == "1"
    assert models.client.get_model_version("kept", "2").aliases == ["challenger"]
    assert tags(models, "kept", "2")["duramen.decision"] == "not promoted"
    assert "duramen.replaced_by" not in tags(models, "kept", "1")
    assert champions(models, "kept") == "1"


def test_a_margin_that_is_not_reached_is_kept_with_the_refusal(models):
    champion = crown_poor(models, "margin")
    near = replace(models.won, rule=Rule(margin=0.5))
    assert not challenge_with_good(models, "margin", champion, near).promoted
    assert tags(models, "margin", "2")["duramen.margin"] == "0.5"


def test_rolling_back_goes_from_champion_to_champion_to_the_first(models):
    champion = crown_poor(models, "back")
    challenge_with_good(models, "back", champion)
    # The poor one takes the place again, as its own version, by a challenge that says so.
    again = replace(models.won, table=models.won.table)
    decide(
        models.poor, models.poor_origin, find_champion("back"), again, models.tx, name="back", experiment="P"
    )
    assert champions(models, "back") == "1 2 1"
    assert "duramen.replaced_by" not in tags(models, "back", "1")
    left, now = roll_back("back")
    assert (left.version, now.version, find_champion("back").version) == ("1", "2", "2")
    assert tags(models, "back", "1")["duramen.decision"] == "rolled back"
    assert tags(models, "back", "1")["duramen.replaced_by"] == "2"
    assert "duramen.restored_at" in tags(models, "back", "2")
    assert "duramen.replaced_by" not in tags(models, "back", "2")
    left, now = roll_back("back")
    assert (left.version, now.version, champions(models, "back")) == ("2", "1", "1")
    with pytest.raises(InputError, match="version 1 of back is its first champion"):
        roll_back("back")


@pytest.mark.slow
def test_looking_for_a_store_that_is_not_there_makes_none(tmp_path):
    # A process of its own: MLflow remembers the store that a test pointed it at.
    look = (
        "import sys; from duramen.errors import InputError\n"
        "from duramen.tracking import promotion, store\n"
        "for look in (lambda: promotion.roll_back('shop'), lambda: store.load_model('models:/shop@champion')):\n"
        "    try: look()\n"
        "    except InputError as error: print(error)\n"
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    done = subprocess.run(
        [sys.executable, "-c", look],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    no_champion, no_model = done.stdout.splitlines()
    assert no_champion.startswith(
        "shop has no champion in the store mlruns/mlflow.db, which is not there; go to"
    )
    assert no_model.startswith(
        "models:/shop@champion was not found in the store mlruns/mlflow.db, which is not"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_did_not_come_to_its_end_is_no_challenger(models):
    import mlflow

    with mlflow.start_run() as run:
        pass
    models.client.set_terminated(run.info.run_id, "FAILED")
    with pytest.raises(InputError, match=r"did not finish \(FAILED\), so its record is not complete; train"):
        find_origin(models.good, f"runs:/{run.info.run_id}/model")


def test_rolling_back_nothing_is_refused(models):
    with pytest.raises(InputError, match=r"nobody has no champion in the store sqlite:///"):
        roll_back("nobody")
    assert models.client.search_registered_models("name = 'nobody'") == []


def test_a_champion_set_by_hand_is_known_and_one_that_was_deleted_is_passed_over(models):
    import mlflow

    for _ in range(2):
        mlflow.register_model(models.good_origin.uri, "hand")
    models.client.set_registered_model_alias("hand", "champion", "2")
    champion = find_champion("hand")
    # The fingerprint is that of the run.
    assert (champion.version, champion.model_version) == ("2", models.good.model_version_)
    with pytest.raises(InputError, match="none before it is left"):
        roll_back("hand")
    decide(models.poor, models.poor_origin, champion, models.won, models.tx, name="hand", experiment="P")
    assert champions(models, "hand") == "2 3"
    assert roll_back("hand")[1].version == "2"
    decide(models.poor, models.poor_origin, champion, models.won, models.tx, name="hand", experiment="P")
    models.client.delete_model_version("hand", "2")
    with pytest.raises(InputError, match="none before it is left"):
        roll_back("hand")


@pytest.mark.slow
def test_a_fault_at_any_step_before_the_last_leaves_the_old_champion_and_is_fixed_by_trying_again(
    models, monkeypatch
):
    """From each of the calls by which a promotion writes on, all fail."""
    import mlflow

    champion = crown_poor(models, "fault")
    writes = (
        "create_registered_model", "_create_model_version", "set_registered_model_alias", "set_model_version_tag",
        "update_model_version", "set_registered_model_tag", "log_batch", "set_terminated",
    )  # fmt: skip
    count = SimpleNamespace(done=0, until=0)

    def failing(original):
        def call(*arguments, **named):
            count.done += 1
            if count.done >= count.until:
                raise mlflow.exceptions.MlflowException("the disk is full.\nmore")
            return original(*arguments, **named)

        return call

    said = []
    with monkeypatch.context() as patch:
        for name in writes:
            patch.setattr(mlflow.MlflowClient, name, failing(getattr(mlflow.MlflowClient, name)))
        while True:
            count.done, count.until = 0, count.until + 1
            try:
                challenge_with_good(models, "fault", champion)
            except InputError as refusal:
                said.append(str(refusal))
            else:
                break
            if "only its notes are incomplete" in said[-1]:
                break
            assert find_champion("fault").version == "1"
            with pytest.raises(InputError, match="first champion"):
                roll_back("fault")
    assert len(said) > 20
    assert all("failed (the disk is full); " in sentence for sentence in said)
    assert said[-2].endswith("whether version 2 became the champion of fault must be looked up there.")
    assert {sentence.rpartition("; ")[2] for sentence in said[:-2]} == {"nothing was promoted."}
    # The last fault came after the one step that counts; what is needed to go back was written before it.
    assert find_champion("fault").version == "2"
    assert len(models.client.search_model_versions("name = 'fault'")) == 2
    assert roll_back("fault")[1].version == "1"
    assert challenge_with_good(models, "fault", find_champion("fault")).version == "2"


def test_of_two_promotions_at_once_the_second_is_refused(models):
    champion = crown_poor(models, "race")
    challenge_with_good(models, "race", champion)
    with pytest.raises(InputError, match="race got another champion meanwhile: version 2 is in use"):
        decide(models.poor, models.poor_origin, champion, models.won, models.tx, name="race", experiment="P")
    with pytest.raises(InputError, match="version 2 is in use, and the challenger was compared with none"):
        decide(models.poor, models.poor_origin, None, models.first, None, name="race", experiment="P")
    assert find_champion("race").version == "2"


def test_models_of_different_customers_are_not_compared(models):
    champion = crown_poor(models, "kinds")
    channel = models.good_origin._replace(kind="channel")
    with pytest.raises(InputError, match=r"is of channel customers, .* for example `name` duramen-channel"):
        promotion.refuse_other_kind(channel, champion)
    promotion.refuse_other_kind(models.good_origin, champion)
    decide(models.good, channel, None, models.first_good, None, name="duramen-channel", experiment="P")
    assert find_champion("duramen-channel").kind == "channel"
    assert tags(models, "duramen-channel", "1")["duramen.kind"] == "channel"


def test_the_kind_is_that_of_the_record_or_where_there_is_none_that_of_the_user(models):
    assert promotion.with_kind(Origin("", ""), "end", "model").kind == "end"
    assert promotion.with_kind(Origin("", ""), "together", "model").kind == ""
    assert promotion.with_kind(Origin("runs:/1", "end"), None, "model").kind == "end"
    with pytest.raises(InputError, match="model was trained on all customers together, not on end customers"):
        promotion.with_kind(models.good_origin, "end", "model")


@pytest.mark.parametrize("name", ["with/slash", "it's"])
def test_a_name_that_no_registry_takes_is_refused(models, name):
    with pytest.raises(InputError, match="failed"):
        decide(models.good, models.good_origin, None, models.first_good, None, name=name, experiment="P")
