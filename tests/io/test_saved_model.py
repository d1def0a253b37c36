"""The saved model: plain files that cannot run code, loaded equal, refused when damaged, replaced whole or not."""

import json
import re
import shutil
from copy import copy as copy_of
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
import pytest

from duramen.errors import InputError
from duramen.io import saved_model
from duramen.scoring.model import CoreCustomerModel
from duramen.scoring.tiers import Tier, Tiers

FILES = {
    "model.json",
    "value_trees.txt",
    "activity_trees.txt",
    "holdout.parquet",
    "importance.parquet",
    "dependence.parquet",
    "growth_weight.parquet",
}
# Formats 4 and 5 gave two tables other names.
# What a model of an older format must forecast as it did.
FORECAST = [
    "customer_id", "cutoff", "predicted_value", "churn_probability", "probability_active", "probability_alive",
    "segment", "probability_core", "model_version",
]  # fmt: skip
OLDER_NAMES = {"holdout.parquet": "judged.parquet", "dependence.parquet": "shape.parquet"}
FIXTURES = Path(__file__).parents[1] / "fixtures"


@pytest.fixture(scope="module")
def saved(shop, tmp_path_factory):
    return shop.model.save(tmp_path_factory.mktemp("saved") / "model")


@pytest.fixture
def copy(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "model")


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def rewrite(folder, **changes):
    """Write the state anew as a release that knew no better would have, with a digest that fits."""
    path = folder / "model.json"
    state = json.loads(path.read_text()) | changes
    del state["digest"]
    path.write_text(saved_model.seal(json.dumps(state, indent=1, sort_keys=True)))


@pytest.mark.slow
def test_a_loaded_model_scores_and_explains_exactly_as_before(shop, saved):
    again = CoreCustomerModel.load(saved)
    pd.testing.assert_frame_equal(again.predict(shop.customers), shop.scores, check_exact=True)
    part = shop.customers.head(40)
    pd.testing.assert_frame_equal(again.explain(part), shop.model.explain(part), check_exact=True)


def test_a_loaded_model_keeps_what_reports_and_records_need(shop, saved):
    again = CoreCustomerModel.load(saved)
    assert again.parameters == shop.model.parameters
    assert (again.window_, again.holdout_window_) == (shop.window, shop.model.holdout_window_)
    assert (again.unit_, again.model_version_) == ("USD", shop.model.model_version_)
    assert again.notes_ == shop.model.notes_ != []
    pd.testing.assert_frame_equal(again.holdout_, shop.model.holdout_)
    pd.testing.assert_frame_equal(again.importance_, shop.model.importance_)
    pd.testing.assert_frame_equal(again.dependence_, shop.model.dependence_)
    pd.testing.assert_frame_equal(again.segment_table(shop.ranking), shop.model.segment_table(shop.ranking))


def test_a_loaded_model_keeps_its_tiers(shop, tmp_path):
    model = copy_of(shop.model)
    model.tiers = Tiers(vip_share=0.25, small=Tier("basic", "serve online"))
    assert CoreCustomerModel.load(model.save(tmp_path / "model")).tiers == model.tiers


def test_saving_a_loaded_model_gives_the_same_bytes(saved, tmp_path):
    CoreCustomerModel.load(saved).save(tmp_path / "again")
    assert content(tmp_path / "again") == content(saved)


def test_the_version_tells_models_apart(shop):
    other = CoreCustomerModel(growth_weight=0.5)
    other.__dict__.update(
        {key: value for key, value in vars(shop.model).items() if key.endswith("_") or key == "_notes"}
    )
    assert saved_model.fingerprint(other._saved()) != saved_model.fingerprint(shop.model._saved())


def test_every_file_is_json_parquet_or_lightgbm_text(shop, saved):
    heads = {".json": b"{", ".parquet": b"PAR1", ".txt": b"tree\n"}
    found = content(saved)
    trees = {f"{name}_trees.txt" for name in shop.model.boosters()}
    assert set(found) == {name for name in FILES if not name.endswith(".txt")} | trees
    for name, data in found.items():
        assert data.startswith(heads[name[name.rindex(".") :]]), name
    json.loads(found["model.json"])


@pytest.mark.parametrize("kept", [0.02, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("name", ["value_trees.txt", "activity_trees.txt"])
def test_cut_tree_text_is_refused_by_name(copy, name, kept):
    text = (copy / name).read_text()
    (copy / name).write_text(text[: int(kept * len(text))])
    with pytest.raises(InputError, match=name):
        CoreCustomerModel.load(copy)


def test_tree_text_that_would_abort_the_process_never_reaches_lightgbm(copy, monkeypatch):
    def unreached(**_kwargs):
        raise AssertionError("LightGBM was given a damaged text")

    path = copy / "value_trees.txt"
    text = path.read_text()
    monkeypatch.setattr(lightgbm, "Booster", unreached)
    for damaged in (
        text.replace("leaf_value=", "leaf_value=x", 1),
        "\n".join(line for line in text.split("\n") if not line.startswith("split_feature")),
        text[: len(text) // 3] + text[2 * len(text) // 3 :],
        text[: len(text) // 2] + "\0" * 500 + text[len(text) // 2 + 500 :],
    ):
        path.write_text(damaged)
        with pytest.raises(InputError, match=r"value_trees\.txt is not the one that was saved"):
            CoreCustomerModel.load(copy)
    path.write_bytes(b"\xff" + path.read_bytes())
    with pytest.raises(InputError, match=r"value_trees\.txt is not the one that was saved"):
        CoreCustomerModel.load(copy)


@pytest.mark.parametrize("name", sorted(FILES - {"model.json"}))
def test_a_missing_file_is_named(copy, name):
    (copy / name).unlink()
    with pytest.raises(InputError, match=name):
        CoreCustomerModel.load(copy)


@pytest.mark.parametrize("name", ["holdout.parquet", "importance.parquet"])
def test_a_damaged_table_is_named(copy, name):
    (copy / name).write_bytes(b"PAR1 not any more")
    with pytest.raises(InputError, match=name):
        CoreCustomerModel.load(copy)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_changed_byte_anywhere_and_a_cut_are_refused_by_the_name_of_the_file(copy, name):
    path = copy / name
    whole = path.read_bytes()
    places = np.linspace(0, len(whole) - 1, 24).astype(int)
    damaged = [whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :] for at in places]
    damaged += [whole[:at] for at in places] + [whole + b"\n", b" " + whole]
    for content_now in damaged:
        path.write_bytes(content_now)
        with pytest.raises(InputError, match=name.replace(".", r"\.")):
            CoreCustomerModel.load(copy)
    path.write_bytes(whole)
    assert CoreCustomerModel.load(copy)


def test_a_file_of_another_model_is_refused(copy):
    """A file that is whole, but not of this model, as a copy that was cut short leaves it."""
    (copy / "activity_trees.txt").write_bytes((copy / "value_trees.txt").read_bytes())
    with pytest.raises(InputError, match=r"activity_trees\.txt is not the one that was saved"):
        CoreCustomerModel.load(copy)


@pytest.mark.parametrize(
    ("old", "new"), [('"USD"', '"EUR"'), ('"digest": "', '"digest": "0'), ("\n", "\r\n")]
)
def test_a_state_that_was_edited_is_refused_though_it_is_sound_json(copy, old, new):
    path = copy / "model.json"
    path.write_bytes(path.read_bytes().replace(old.encode(), new.encode(), 1))
    with pytest.raises(InputError, match=r"model\.json is not the one that was saved"):
        CoreCustomerModel.load(copy)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "nonsense", '{"format_version": 4}', '{"format_version": 4, "tree_digests": 3}', "\xff"],
    ids=repr,
)
def test_damaged_json_is_named(copy, text):
    (copy / "model.json").write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=r"model.* is damaged"):
        CoreCustomerModel.load(copy)


@pytest.mark.parametrize(
    "key",
    [
        *("forecast.btyd", "forecast.value", "forecast.activity", "forecast.distribution", "forecast.window"),
        *("forecast", "explainer", "segments", "parameters", "trees", "tables", "digests"),
    ],
)
def test_a_part_of_the_wrong_kind_is_refused(copy, key):
    state = json.loads((copy / "model.json").read_text())
    part, _, inner = key.partition(".")
    for wrong in (None, 3, {"odd": 1}):
        changed = {part: state[part] | {inner: wrong} if inner else wrong}
        (copy / "model.json").write_text(json.dumps(state | changed))
        with pytest.raises(InputError, match="damaged"):
            CoreCustomerModel.load(copy)
        rewrite(copy, **changed)
        with pytest.raises(InputError, match="damaged"):
            CoreCustomerModel.load(copy)


def test_thresholds_of_tiers_of_the_wrong_kind_are_refused(copy):
    kept = json.loads((copy / "model.json").read_text())["placement"]
    for wrong in (3, {"odd": 1}, kept | {"odd": 1}, kept | {"scores": "many"}):
        rewrite(copy, placement=wrong)
        with pytest.raises(InputError, match="damaged"):
            CoreCustomerModel.load(copy)


def test_another_format_version_is_refused_with_the_release_that_reads_it(copy):
    state = json.loads((copy / "model.json").read_text())
    (copy / "model.json").write_text(json.dumps(state | {"format_version": 99, "duramen_version": "9.1"}))
    with pytest.raises(InputError, match=r"model format 99.*use duramen 9\.1"):
        CoreCustomerModel.load(copy)


@pytest.mark.parametrize(
    ("version", "told"),
    [
        (
            11,
            r"model format 11, newer than those that this duramen reads, 4 to 10; use duramen 0\.9, or train",
        ),
        (3, r"model format 3, older than those that this duramen reads, 4 to 10; use duramen 0\.9, or train"),
        *((odd, "which no duramen writes") for odd in (0, -1, 4.0, "5", True, None, [5])),
    ],
)
def test_a_format_that_is_newer_too_old_or_unknown_is_refused_by_name(copy, version, told):
    rewrite(copy, format_version=version, duramen_version="0.9")
    with pytest.raises(InputError, match=told) as refusal:
        CoreCustomerModel.load(copy)
    assert str(copy / "model.json") in str(refusal.value)


@pytest.fixture(params=range(min(saved_model.UPGRADES), saved_model.FORMAT_VERSION), ids="format {}".format)
def older(request):
    """Return the folder of a small model that an older release saved, and some customers with its scores."""
    kept = FIXTURES / f"format_{request.param}"
    known = json.loads((kept / "scored.json").read_text())
    customers, scores = (pd.DataFrame(known[name]) for name in ("customers", "scores"))
    return kept / "model", customers, scores.astype({"cutoff": "datetime64[s]"})


def in_present_words(reason):
    """Return a reason as a release up to format 6 wrote it, with the same numbers in the words of today."""
    if ": x" not in reason:
        return reason
    fact, factor = reason.split(": x")
    fact = re.sub(r" \(average ([\d,.]+)\) ago", r" ago (average \1)", fact)
    fact = fact.replace("(average ", "(average customer ", 1)
    fact = re.sub(r"(usually every [\d,]+)$", r"\1 days", fact).replace("in the mean", "on average")
    fact = fact.replace("so no rhythm", "so no typical time between purchases")
    assert 0.05 < float(factor) < 20
    return f"{fact}: {factor} times the value"


def test_a_model_of_an_older_release_forecasts_as_it_did(older):
    folder, customers, scores = older
    again = CoreCustomerModel.load(folder).predict(customers)
    reasons = ["reason_1", "reason_2", "reason_3"]
    scores[reasons] = scores[reasons].map(in_present_words)
    same = [*FORECAST, *reasons]
    # Customers far from every segment were a group of their own, and are in the nearest one.
    scores["segment"] = scores["segment"].mask(scores["segment"].str.startswith("0 "), again["segment"])
    pd.testing.assert_frame_equal(again[same], scores[same], rtol=1e-9, check_dtype=False)
    # What was defined anew follows from the forecast.
    assert (again["expected_purchases"] * again["expected_spend"]).to_numpy() == pytest.approx(
        scores["predicted_value"].to_numpy()
    )
    grows = again["predicted_value"] > again["past_value"]
    assert (grows == (again["growth_potential"] > 0)).all()
    if json.loads((folder / "model.json").read_text())["format_version"] > 7:
        return
    # The levels of activity were not kept: stages go by the plain ones.
    lapsed = (again["probability_active"] < 0.2) & ((customers["frequency"] > 1) | (customers["T"] >= 91))
    assert ((again["lifecycle_stage"] == "lapsed") == lapsed).all()


def test_a_model_of_an_older_release_is_saved_in_the_present_format(older, tmp_path):
    folder, customers, scores = older
    model = CoreCustomerModel.load(folder)
    state = json.loads((model.save(tmp_path / "model") / "model.json").read_text())
    assert state["format_version"] == saved_model.FORMAT_VERSION
    trees = {f"{name}_trees.txt" for name in model.boosters()}
    assert set(state["digests"]) == FILES - {"model.json"} | trees
    again = CoreCustomerModel.load(tmp_path / "model")
    # Up to format 6 nothing was kept that places one customer.
    assert state["placement"] == (None if model.placement_ is None else model.placement_.to_dict())
    assert (model.placement_ is None) == ("placement" not in json.loads((folder / "model.json").read_text()))
    assert again.model_version_ == scores["model_version"][0]
    pd.testing.assert_frame_equal(again.predict(customers), model.predict(customers), check_exact=True)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_damaged_file_of_an_older_release_is_named(older, tmp_path, name):
    folder = shutil.copytree(older[0], tmp_path / "model")
    if not (folder / name).exists():
        name = OLDER_NAMES[name]
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=name):
        CoreCustomerModel.load(folder)
    (folder / name).unlink()
    with pytest.raises(
        InputError, match="is not a saved model" if name == "model.json" else f"{name} is missing"
    ):
        CoreCustomerModel.load(folder)


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(InputError, match="is not a saved model"):
        CoreCustomerModel.load(tmp_path)
    with pytest.raises(InputError, match="is not a saved model"):
        CoreCustomerModel.load(tmp_path / "nowhere")


def test_a_folder_with_other_things_is_not_replaced(shop, tmp_path):
    (tmp_path / "holiday.jpg").write_text("sea")
    with pytest.raises(InputError, match="has something in it that is not a duramen model"):
        shop.model.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]


def test_a_file_in_the_place_of_the_folder_is_refused(shop, tmp_path):
    (tmp_path / "model").write_text("mine")
    with pytest.raises(InputError, match="has something in it"):
        shop.model.save(tmp_path / "model")


def test_an_empty_folder_and_an_older_model_are_replaced(shop, saved, tmp_path):
    (tmp_path / "model").mkdir()
    shop.model.save(tmp_path / "model")
    (tmp_path / "model" / "quarantine.csv").write_text("of an earlier training")
    shop.model.save(tmp_path / "model")
    assert content(tmp_path / "model") == content(saved)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("fails", ["first table", "second table", "state", "move"])
def test_a_save_that_fails_leaves_the_older_model_whole_and_nothing_else(shop, copy, monkeypatch, fails):
    before = content(copy)
    calls = []

    def break_at(name, owner, attribute, at):
        honest = getattr(owner, attribute)

        def broken(*args, **kwargs):
            calls.append(name)
            if calls.count(name) == at:
                raise OSError("no space left on device")
            return honest(*args, **kwargs)

        monkeypatch.setattr(owner, attribute, broken)

    if fails == "state":
        break_at(fails, saved_model, "state_text", 1)
    elif fails == "move":
        break_at(fails, type(copy), "rename", 2)
    else:
        break_at(fails, pd.DataFrame, "to_parquet", 1 if fails == "first table" else 2)
    with pytest.raises(OSError, match="no space"):
        shop.model.save(copy)
    monkeypatch.undo()
    assert content(copy) == before
    assert [path.name for path in copy.parent.iterdir()] == ["model"]


def test_a_first_save_that_fails_leaves_nothing(shop, tmp_path, monkeypatch):
    def broken(*_args, **_kwargs):
        raise OSError("no space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", broken)
    with pytest.raises(OSError, match="no space"):
        shop.model.save(tmp_path / "deep" / "model")
    assert not list((tmp_path / "deep").iterdir())


def test_reading_trees_gives_the_booster_that_was_written(shop, saved):
    booster = saved_model.read_model(saved).trees["value"]
    assert isinstance(booster, lightgbm.Booster)
    row = np.zeros((1, booster.num_feature()))
    assert booster.predict(row) == shop.model.forecast_.value_.boosters_.value.predict(row)
