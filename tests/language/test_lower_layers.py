"""What the report shows of data, forecasts, evaluation and notes: whole in Chinese, and stored without a language."""

import json
import re
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from duramen.btyd.credibility import CredibilitySpendModel
from duramen.btyd.gamma_gamma import GammaGammaModel
from duramen.btyd.maximum_likelihood import Convergence
from duramen.data import checked_lines, checks, lone_dates, service_lines, statuses
from duramen.data.feature_file import read_feature_file
from duramen.data.feature_list import FEATURES, UNITS
from duramen.data.folders import list_files, not_read
from duramen.data.money_unit import compare_units, unit_in_words, unit_of
from duramen.data.reading import read_transactions
from duramen.data.windows import Window
from duramen.evaluation import baselines, registry, scorecards
from duramen.evaluation.segment_information import segment_value
from duramen.forecast.bias_correction import Level
from duramen.forecast.data_requirements import unmet_requirements
from duramen.forecast.elasticities import market_elasticities
from duramen.language import CHINESE, ENGLISH, Sentence, say_joined, translated, using_language
from duramen.scoring.model import CoreCustomerModel

FIXTURES = Path(__file__).parents[1] / "fixtures"
# Names of models, measures, columns, parameters and formats, which are the same in every language.
NAMES = re.compile(
    r"`\w+`( order| drop)?|'[^']*'|BTYD|LightGBM|gamma-gamma|MBG/NBD|BG/NBD|Pareto/NBD|RFM|Gini|Spearman|AUC|MAE|Brier|"
    r"CRPS|PIT|ECE|UTC|UTF-8|Windows-1252|Excel|EUR|USD|frequency|recency|known_from|discount_rate="
)
LEVELS = {
    "no earlier window": Level(0.1, 0.1),
    "chance": Level(0.1, 0.1, windows=3),
    "season": Level(0.2, 0.1, season=0.2, season_known=True, clear=True, windows=3),
    "no season": Level(0.2, 0.1, clear=True, windows=3),
    "overlapping windows": Level(0.2, 0.1, clear=True, windows=3, overlapping=True),
}


def assert_chinese(*texts):
    """Check that texts are Chinese, without an English word, and that nothing in braces is left."""
    assert texts
    for text in texts:
        assert re.search(r"[\u4e00-\u9fff]", text), text
        assert not re.search(r"[A-Za-z]{3,}", NAMES.sub("", text)), text
        assert not re.search(r"[{}]", text), text


def orders(**columns):
    rows = {
        "customer_id": [f"k{number % 7}" for number in range(40)],
        "date": pd.date_range("2023-01-02", periods=40, freq="9D").strftime("%Y-%m-%d"),
        "amount": [10.0 + number for number in range(40)],
    }
    return pd.DataFrame(rows | columns)


def test_the_feature_list_is_chinese():
    with using_language(CHINESE):
        for feature in FEATURES.values():
            assert_chinese(*map(translated, (feature.meaning, feature.unit, feature.family)))
    assert {feature.unit for feature in FEATURES.values()} <= set(UNITS)


def test_the_metrics_and_the_methods_of_the_scorecard_are_chinese():
    simple = (
        baselines.PAST_SPEND, baselines.PAST_RATE, baselines.PAST_TREND, baselines.LAST_HORIZON, baselines.RFM,
        baselines.RECENCY, "RFM cells", scorecards.BASE_RATE, "LightGBM two-stage",
    )  # fmt: skip
    with using_language(CHINESE):
        assert_chinese(*map(translated, simple))
        for metric in registry.METRICS:
            assert_chinese(*map(translated, (metric.meaning, metric.direction, metric.target)))
            name = translated(metric.name)
            assert not re.search(r"[A-Za-z]{3,}", NAMES.sub("", name)), name
        assert_chinese(*(translated(unit) for unit in registry.UNITS))
    assert {metric.unit for metric in registry.METRICS} <= set(registry.UNITS)
    assert {metric.target for metric in registry.METRICS} <= set(registry.TARGETS)


def test_the_reasons_why_rows_are_set_aside_stay_english_in_data_and_are_chinese_where_they_are_shown():
    reasons = {
        checks.NO_CUSTOMER, checks.UNREADABLE_DATE, checks.TOO_EARLY, checks.FUTURE_DATE, checks.NOT_NUMERIC,
        checks.INTERNAL_CUSTOMER, checks.OTHER_CURRENCY, checks.LEFT_OUT, checked_lines.DUPLICATE,
        lone_dates.LONE_DATE, service_lines.SERVICE_LINE, statuses.NOT_A_SALE, statuses.NO_STATUS,
    }  # fmt: skip
    frame = orders()
    frame.loc[0, "customer_id"] = None
    frame.loc[1, "date"] = "1820-01-01"
    with using_language(CHINESE):
        found = read_transactions(frame).set_aside
        assert_chinese(*map(translated, reasons))
    assert found == {checks.NO_CUSTOMER: 1, checks.TOO_EARLY: 1}


@pytest.mark.parametrize(
    "frame",
    [
        orders(amount=[f"{10 + number},50" for number in range(40)]),
        orders(amount=[f"1.{number:03},50" for number in range(40)]),
        orders(status=["paid"] * 38 + ["cancelled"] * 2),
        orders(status=["paid"] * 20 + ["1"] * 20),
        orders(product=["post"] * 5 + ["a"] * 35),
        orders(date=[f"{day:02}/03/24" for day in [*range(1, 32), *range(1, 10)]]),
        orders(date=[1_700_000_000 + 86_400 * day for day in range(40)]),
        orders(date=[f"{day}T10:00:00+02:00" for day in orders()["date"]]),
        orders(amount=[f"EUR {10 + number}.50" for number in range(40)]),
        orders(discount_rate=[0.1] * 40),
        orders().drop(columns="amount").assign(quantity=2, price=5.0),
        orders(order=["a"] * 40),
    ],
)
def test_what_the_reading_decides_is_chinese_and_can_be_said_again(frame):
    with using_language(CHINESE):
        tx = read_transactions(frame)
        summary = tx.summary()
        assert_chinese(*summary.can_fit, *summary.assumed)
    assert list(tx.summary().assumed) == list(read_transactions(frame).assumed)


def test_what_is_decided_of_a_date_far_after_all_others_is_chinese():
    lone = lone_dates.LoneDates(date(2023, 1, 1), date(2033, 1, 1), 2, 5.0)
    with using_language(CHINESE):
        assert_chinese(lone.in_words())
    assert lone.in_words().startswith("2 rows are from 2033-01-01 on, 3,653 days after all others")


def test_what_is_decided_of_a_feature_file_is_chinese():
    frame = pd.DataFrame(
        {"customer_id": ["k1", "k2"], "visits": [1, 2], "empty": [None, None], "same": ["a", "a"]}
    )
    with using_language(CHINESE):
        tx = read_transactions(orders(), features=read_feature_file(frame))
        texts = [*tx.summary().assumed, *tx.summary().features]
        assert_chinese(*(text.replace("DataFrame", "").replace("the", "") for text in texts[:-1]))
    assert len(texts) == 4


def test_files_that_are_not_read_are_named_in_chinese(tmp_path):
    for name in ("a.csv", "b.csv", "note.doc"):
        (tmp_path / name).write_text("x" * (name != "b.csv"))
    with using_language(CHINESE):
        sentence = not_read(list_files(tmp_path).left_out, Path("店"))
        assert_chinese(sentence)
    assert sentence.again() == "1 empty file and 1 other file of 店 were not read"


def test_units_of_money_are_chinese_but_for_the_currency():
    with using_language(CHINESE):
        assert unit_in_words("EUR") == "EUR"
        assert_chinese(*map(unit_in_words, (unit_of(None, margin=True), unit_of("EUR", margin=True))))
        assert_chinese(
            compare_units("EUR", "currency units", "店"), compare_units("currency units", "EUR", "店")
        )


@pytest.mark.parametrize("spend", ["gamma-gamma", "credibility"])
@pytest.mark.parametrize("level", LEVELS.values(), ids=LEVELS)
def test_what_a_forecast_could_not_do_is_chinese(level, spend):
    holdout = SimpleNamespace(
        outcomes=pd.DataFrame({"value": np.zeros(3)}), window=Window(date(2020, 1, 1), 91)
    )
    model = SimpleNamespace(kind_="MBG/NBD", spend_kind_=spend)
    distribution = SimpleNamespace(source_="assumed")
    window = Window(date(2020, 7, 1), 182)
    for trees in ({}, {"value"}, {"activity"}):
        with using_language(CHINESE):
            notes = unmet_requirements(window, holdout, model, trees, distribution, level)
            assert_chinese(*notes)
        english = unmet_requirements(window, holdout, model, trees, distribution, level)
        assert [note.again() for note in notes] == english
        assert len(english) == 5
        # What is stored does not depend on the language that it was said in.
        assert [note.to_json() for note in notes] == [note.to_json() for note in english]


def test_what_spend_models_say_of_the_data_is_chinese():
    alike = pd.DataFrame({"frequency": [2.0] * 30, "basket_mean": [10.0] * 30, "basket_evenness": [1.0] * 30})
    with using_language(CHINESE):
        notes = GammaGammaModel(purchases="all").fit(alike).convergence_.notes
        assert_chinese(*(re.sub(r"\b[pqv](, [pqv])*\b", "", note) for note in notes))
        single = alike.assign(frequency=0.0)
        assert_chinese(*CredibilitySpendModel().fit(single).notes_)


def test_notes_of_a_fit_come_back_in_either_language():
    alike = pd.DataFrame({"frequency": [2.0] * 30, "basket_mean": [10.0] * 30, "basket_evenness": [1.0] * 30})
    report = GammaGammaModel(purchases="all").fit(alike).convergence_
    with using_language(CHINESE):
        again = Convergence.from_dict(json.loads(json.dumps(report.to_dict())))
        assert_chinese(*(note.replace("q", "") for note in again.notes))
        assert again.to_dict() == report.to_dict()
    assert Convergence.from_dict(report.to_dict()) == report
    assert Convergence.from_dict(report.to_dict() | {"notes": ["of an older release"]}).notes == (
        "of an older release",
    )


def test_why_there_are_no_elasticities_is_chinese():
    with using_language(CHINESE):
        found = market_elasticities(read_transactions(orders()), "2023-12-01")
        assert_chinese(found.reason, str(found))
    assert found.reason.again().startswith("Only ")


def test_what_segments_predict_is_chinese():
    rng = np.random.default_rng(0)
    customers = pd.DataFrame(
        {
            "time_since_last": rng.integers(1, 90, 200),
            "frequency": rng.integers(0, 9, 200),
            "net_spend": rng.gamma(2.0, 50.0, 200),
            "basket_mean": rng.gamma(2.0, 20.0, 200),
        }
    )
    outcomes = pd.DataFrame({"value": customers["net_spend"] * 2, "active": np.ones(200)})
    for segments in (rng.integers(0, 3, 200), (customers["net_spend"] > 100).astype(int)):
        with using_language(CHINESE):
            verdict = segment_value(customers, outcomes, segments, resamples=20).verdict
            assert_chinese(verdict)
        assert verdict.again() == segment_value(customers, outcomes, segments, resamples=20).verdict


def test_a_list_of_one_is_that_one():
    assert say_joined("{one} and {other}", ["a"]) == "a"


@pytest.mark.parametrize("language", [ENGLISH, CHINESE])
def test_notes_of_a_saved_model_come_back_in_either_language(shop, tmp_path, language):
    with using_language(language):
        shop.model.save(tmp_path / "model")
    again = CoreCustomerModel.load(tmp_path / "model")
    assert again.notes_ == shop.model.notes_
    assert again.model_version_ == shop.model.model_version_
    with using_language(CHINESE):
        assert_chinese(*again.notes_)
        assert CoreCustomerModel.load(tmp_path / "model").notes_ == again.notes_ == shop.model.notes_


def test_a_model_is_saved_alike_in_either_language(shop):
    written = json.dumps(shop.model._saved().state, sort_keys=True)
    with using_language(CHINESE):
        assert json.dumps(shop.model._saved().state, sort_keys=True) == written


@pytest.mark.parametrize("number", range(4, 10))
def test_notes_of_an_older_model_stay_as_they_were_written(number, tmp_path):
    folder = FIXTURES / f"format_{number}" / "model"
    written = json.loads((folder / "model.json").read_text())["notes"]
    model = CoreCustomerModel.load(folder)
    assert model.notes_ == written
    with using_language(CHINESE):
        assert model.notes_ == written
        model.save(tmp_path / "model")
    assert CoreCustomerModel.load(tmp_path / "model").notes_ == written
    assert all(isinstance(note, Sentence) for note in model.notes_)
