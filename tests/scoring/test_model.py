"""The fitted model as a whole: its scores, its dependence on the past alone, and what it refuses."""

import hashlib
import html
import re

import numpy as np
import pandas as pd
import pytest

from duramen.data import customers as customers_room
from duramen.data.customers import customer_table
from duramen.data.reading import read_transactions
from duramen.data.windows import Window, holdout_window, training_windows
from duramen.errors import InputError
from duramen.forecast.folds import EarlierCutoffs, complete_before
from duramen.forecast.next_purchase import NEXT_PURCHASE_COLUMNS
from duramen.forecast.settings import ForecastSettings, TreeSettings
from duramen.io.files import write_scores
from duramen.io.score_columns import PLACE_COLUMNS, SCORE_COLUMNS
from duramen.scoring.model import CoreCustomerModel
from duramen.scoring.ranking import rank_core_customers

PROBABILITIES = ["churn_probability", "probability_active", "probability_alive", "probability_core"]
MONEY = [
    "score", "predicted_value", "predicted_value_low", "predicted_value_high", "past_value", "growth_potential",
    "expected_spend", "clv",
]  # fmt: skip
CONSTANT_BY_DEFINITION = {"cutoff", "model_version"}


def bytes_of(model, tx, window, folder):
    """Return the digest of every file that a model and its ranking leave."""
    model.save(folder / "model")
    write_scores(
        rank_core_customers(model.predict(customer_table(tx, window.cutoff))), folder / "scores.parquet"
    )
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def shop_bytes(shop, tmp_path_factory):
    return bytes_of(shop.model, shop.tx, shop.window, tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="module")
def few(shop):
    """Return the orders of every eighth customer."""
    ids = shop.customers["customer_id"].iloc[::8]
    return read_transactions(shop.orders[shop.orders["customer_id"].isin(ids)], currency="USD")


@pytest.fixture(scope="module")
def other_future(shop):
    """Return the same history in another order, with a future that was edited, dropped from and added to."""
    rng = np.random.default_rng(0)
    later = shop.orders["date"] >= pd.Timestamp(shop.window.cutoff)
    future = shop.orders[later].sample(frac=0.5, random_state=0)
    future = future.assign(amount=future["amount"] * 1000, customer_id=rng.permutation(future["customer_id"]))
    newcomers = future.head(40).assign(customer_id=[f"new{i}" for i in range(40)])
    returns = future.head(60).assign(amount=-25.0)
    return pd.concat([future, shop.orders[~later], newcomers, returns]).sample(frac=1, random_state=1)


def test_scores_have_exactly_the_stated_columns_in_order(shop):
    assert tuple(shop.ranking.columns) == SCORE_COLUMNS
    assert list(shop.scores.columns) == [name for name in SCORE_COLUMNS if name not in PLACE_COLUMNS]


def test_the_last_purchase_is_the_last_day_with_money_before_the_cutoff(shop):
    before = shop.orders[pd.to_datetime(shop.orders["date"]) < shop.window.cutoff.isoformat()]
    per_day = before.groupby(["customer_id", "date"])["amount"].sum()
    last = pd.to_datetime(per_day[per_day > 0].reset_index().groupby("customer_id")["date"].max())
    found = shop.scores.set_index("customer_id")["last_purchase"]
    assert (found == last.loc[found.index]).all()


def test_every_customer_of_the_table_is_scored_once_in_its_order(shop):
    pd.testing.assert_series_equal(shop.scores["customer_id"], shop.customers["customer_id"])
    assert shop.ranking["customer_id"].is_unique
    assert set(shop.ranking["customer_id"]) == set(shop.customers["customer_id"])


def test_text_ids_come_back_as_they_came(shop):
    assert shop.ranking["customer_id"].dtype == shop.customers["customer_id"].dtype
    assert set(shop.ranking["customer_id"]) <= set(shop.orders["customer_id"])


def test_whole_number_ids_come_back_as_whole_numbers(shop):
    customers = shop.customers.head(50).copy()
    customers["customer_id"] = customers["customer_id"].astype("int64")
    ranking = rank_core_customers(shop.model.predict(customers, with_reasons=False))
    assert ranking["customer_id"].dtype == np.dtype("int64")


def test_no_score_is_constant_or_missing_but_dates_that_lie_too_far_ahead(shop):
    missing = shop.ranking.columns[shop.ranking.isna().any()]
    assert set(missing) <= set(NEXT_PURCHASE_COLUMNS)
    constant = {name for name in shop.ranking if shop.ranking[name].nunique() == 1}
    assert constant == CONSTANT_BY_DEFINITION


def test_probabilities_lie_between_zero_and_one(shop):
    assert ((shop.ranking[PROBABILITIES] >= 0) & (shop.ranking[PROBABILITIES] <= 1)).all(axis=None)


def test_churn_and_activity_are_complements(shop):
    np.testing.assert_allclose(shop.ranking["churn_probability"] + shop.ranking["probability_active"], 1)


def test_money_is_finite_and_never_negative(shop):
    assert np.isfinite(shop.ranking[MONEY]).all(axis=None)
    assert (shop.ranking[MONEY] >= 0).all(axis=None)


def test_the_interval_is_in_order_and_contains_eight_in_ten_holdout_outcomes(shop):
    assert (shop.ranking["predicted_value_low"] <= shop.ranking["predicted_value_high"]).all()
    ends = (shop.ranking[f"predicted_value_{side}"] for side in ("low", "high"))
    assert shop.ranking["predicted_value"].between(*ends).all()
    holdout = shop.model.holdout_[shop.model.holdout_["probability_active"] > 0.2]
    parts = holdout["predicted_value"].to_numpy(), holdout["probability_active"].to_numpy()
    low, high = shop.model.forecast_.distribution_.interval(*parts)
    assert holdout["actual_value"].between(low, high).mean() == pytest.approx(0.8, abs=0.04)


def test_the_score_is_value_plus_weighted_growth(shop):
    expected = shop.scores["predicted_value"] + shop.model.growth_weight_ * shop.scores["growth_potential"]
    np.testing.assert_allclose(shop.scores["score"], expected, rtol=1e-12)


def test_a_frequent_customer_is_expected_to_buy_more_than_one_who_came_once_long_ago(shop):
    facts = shop.scores.merge(shop.customers, on="customer_id", validate="one_to_one")
    best = facts[(facts["frequency"] >= 8) & (facts["time_since_last"] < 60)]
    gone = facts[(facts["frequency"] == 0) & (facts["time_since_last"] > 300)]
    assert best["predicted_value"].median() > 10 * gone["predicted_value"].median()


def test_its_repr_tells_what_it_was_trained_on(shop):
    assert repr(CoreCustomerModel(seed=3)) == "CoreCustomerModel(seed=3)"
    told = repr(shop.model)
    for part in (
        "2,613 customers of the DataFrame before 1998-04-01",
        "91 days ahead in USD",
        "trees for value",
    ):
        assert part in told


def test_the_frame_given_is_left_as_it_was(shop):
    given = shop.customers.copy(deep=True)
    shop.model.predict(given.copy())
    shop.model.predict(given)
    shop.model.explain(given)
    pd.testing.assert_frame_equal(given, shop.customers)


def test_the_order_of_customers_does_not_matter(shop):
    shuffled = shop.customers.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(rank_core_customers(shop.model.predict(shuffled)), shop.ranking)


def test_scoring_a_part_gives_the_same_numbers(shop):
    part = shop.customers.iloc[100:137]
    pd.testing.assert_frame_equal(
        shop.model.predict(part), shop.scores.iloc[100:137], check_exact=False, rtol=1e-12
    )


def test_one_customer_alone_can_be_scored(shop):
    one = shop.customers.iloc[[7]]
    pd.testing.assert_frame_equal(
        shop.model.predict(one), shop.scores.iloc[[7]], check_exact=False, rtol=1e-12
    )


def test_an_index_with_repeats_does_not_multiply_customers(shop):
    part = shop.customers.head(20).set_axis([0, 1] * 10)
    assert list(shop.model.predict(part)["customer_id"]) == list(part["customer_id"])


def test_the_cutoff_told_is_that_of_the_customer_table(shop):
    later = customer_table(shop.tx, "1998-06-01")
    assert set(shop.model.predict(later, with_reasons=False)["cutoff"]) == {pd.Timestamp("1998-06-01")}
    assert set(shop.scores["cutoff"]) == {pd.Timestamp(shop.window.cutoff)}


@pytest.mark.slow
def test_a_history_cut_at_the_cutoff_and_fitted_again_gives_the_same_bytes(
    shop, shop_bytes, history_alone, tmp_path
):
    assert bytes_of(history_alone.model, history_alone.tx, shop.window, tmp_path) == shop_bytes


def test_a_planted_leak_would_be_noticed(shop, other_future, monkeypatch):
    tx = read_transactions(other_future, currency="USD")
    honest = customers_room.days_before

    def leaky(days, cutoff):
        return honest(days.mutate(date=days.date - pd.Timedelta(days=20)), cutoff)

    monkeypatch.setattr(customers_room, "days_before", leaky)
    ours = shop.model.predict(customer_table(shop.tx, shop.window.cutoff), with_reasons=False)
    theirs = shop.model.predict(customer_table(tx, shop.window.cutoff), with_reasons=False)
    assert not ours.equals(theirs)


@pytest.mark.slow
def test_training_outcomes_end_before_the_cutoff_and_before_the_holdout(shop):
    windows = training_windows(shop.window, shop.tx.first_date)
    assert len(windows) >= 3
    assert all(window.end <= shop.window.cutoff for window in windows)
    folds = EarlierCutoffs(shop.tx).folds(windows)
    holdout = holdout_window(shop.window, shop.tx.first_date)
    learned_from = complete_before(folds, holdout.cutoff)
    assert 0 < len(learned_from) < len(folds)
    assert all(fold.window.end <= holdout.cutoff for fold in learned_from)
    assert shop.model.holdout_window_ == holdout


@pytest.mark.slow
def test_of_many_customers_a_sample_teaches_and_all_are_ranked(shop):
    model = CoreCustomerModel(forecast=ForecastSettings(training_customers=2_000)).fit(shop.tx, shop.window)
    assert len(model.holdout_) <= 2_000
    scores = model.predict(shop.customers, with_reasons=False)
    assert len(scores) == len(shop.customers)
    assert scores["predicted_value"].corr(shop.scores["predicted_value"], method="spearman") > 0.8


def test_the_holdout_has_the_customers_known_then_and_what_they_did_next(shop):
    window, held_out = shop.model.holdout_window_, shop.model.holdout_
    orders = shop.orders.assign(day=shop.orders["date"].dt.date)
    known = orders[(orders["day"] < window.cutoff)].groupby("customer_id")["amount"].sum()
    # A customer whose purchases all cost nothing has no purchase day.
    assert set(held_out["customer_id"]) == set(known[known > 0].index)
    inside = orders[(orders["day"] >= window.cutoff) & (orders["day"] < window.end)]
    money = inside.groupby("customer_id")["amount"].sum().reindex(held_out["customer_id"], fill_value=0.0)
    np.testing.assert_allclose(held_out["actual_value"], money, atol=1e-6)
    np.testing.assert_allclose(held_out["past_spend"], known.reindex(held_out["customer_id"]), atol=1e-6)


def test_a_customer_table_without_a_learned_column_is_refused_by_name(shop):
    with pytest.raises(InputError, match=r"lacks 1 columns .*quantity"):
        shop.model.predict(shop.customers.drop(columns="quantity"))


TUNED = ForecastSettings(
    btyd_models=("BG/NBD",),
    training_cutoffs=4,
    calibrated=False,
    trees=TreeSettings(num_leaves=4, rounds=40, learning_rate=0.1),
)


@pytest.fixture(scope="module")
def tuned(shop):
    return CoreCustomerModel(forecast=TUNED, growth_weight=0.0).fit(shop.tx, shop.window)


@pytest.mark.slow
def test_settings_of_the_forecast_reach_its_parts(tuned):
    forecast = tuned.forecast_
    assert forecast.settings == TUNED
    assert forecast.btyd_.kind_ == "BG/NBD"
    assert forecast.activity_.slope_ == 1.0
    assert tuned.boosters()
    for booster in tuned.boosters().values():
        assert booster.num_trees() in (20, 40, 80)
        assert "[num_leaves: 4]" in booster.model_to_string()
        assert "[learning_rate: 0.1]" in booster.model_to_string()


def test_settings_of_the_forecast_change_the_model_and_are_saved_and_loaded(shop, tuned, tmp_path):
    assert tuned.model_version_ != shop.model.model_version_
    scores = tuned.predict(shop.customers)
    assert not np.allclose(scores["predicted_value"], shop.scores["predicted_value"])
    again = CoreCustomerModel.load(tuned.save(tmp_path / "model"))
    assert again.parameters == tuned.parameters
    parts = again.forecast_
    assert parts.settings == TUNED
    assert parts.btyd_.kinds == TUNED.btyd_models
    assert parts.value_.trees == parts.activity_.trees == TUNED.trees
    assert not parts.activity_.calibrated
    pd.testing.assert_frame_equal(again.predict(shop.customers), scores, check_exact=True)
    # What explains trees of other sizes adds up as well.
    product = again.explain(shop.customers, "value").groupby("customer_id")["factor"].prod()
    np.testing.assert_allclose(product[scores["customer_id"]], scores["predicted_value"], rtol=1e-9)


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"growth_weight": float("nan")}, "growth_weight of the model is nan; give a finite number."),
        ({"clv_days": 0}, "clv_days of the model is 0; give a whole number from 1 on."),
        ({"discount_rate": "a tenth"}, "discount_rate of the model is 'a tenth'; give a number from 0 on."),
        ({"seed": -1}, "seed of the model is -1; give a whole number from 0 to 2,147,483,647."),
        ({"tiers": {"vip_share": 0.3}}, "give Tiers(...), or Tiers.from_dict of a table."),
        ({"forecast": {"calibrated": True}}, "give ForecastSettings(...)."),
        ({"segment_weights": {"sunspots": 1}}, "sunspots"),
    ],
    ids=lambda given: next(iter(given)) if isinstance(given, dict) else "",
)
def test_a_parameter_outside_its_bounds_is_refused_before_any_row_is_read(parameters, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        CoreCustomerModel(**parameters)


@pytest.mark.slow
@pytest.mark.parametrize(
    "broken", ["ForecastModel.fit", "BehaviouralSegmenter.fit", "Explainer.fit", "core_money"]
)
def test_a_fit_that_fails_leaves_no_half_fitted_model(shop, few, monkeypatch, broken):
    def fail(*_args, **_kwargs):
        raise InputError("out of luck.")

    monkeypatch.setattr(f"duramen.scoring.model.{broken}", fail)
    model = CoreCustomerModel(growth_weight=0.2)
    with pytest.raises(InputError, match="out of luck"):
        model.fit(few, shop.window)
    assert not [name for name in vars(model) if name.endswith("_")]
    assert repr(model) == "CoreCustomerModel(growth_weight=0.2)"


def test_notebooks_show_what_a_model_was_trained_on_and_what_the_data_could_not_support(shop):
    assert CoreCustomerModel(seed=3)._repr_html_() == "<pre>CoreCustomerModel(seed=3)</pre>"
    page = shop.model._repr_html_()
    assert page.count("<tr>") == 5
    assert "in 91 days from 1998-04-01 (80 % interval " in page
    assert "<td>2,613 customers of the DataFrame before 1998-04-01, 91 days ahead in USD</td>" in page
    assert all(f"<li>{html.escape(note)}</li>" in page for note in shop.model.notes_)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda orders: orders.drop_duplicates("customer_id"), "bought on one day only"),
        (
            lambda orders: pd.concat(
                [
                    orders,
                    orders.assign(amount=-2 * orders["amount"], date=orders["date"] + pd.Timedelta(days=1)),
                ]
            ),
            "more was returned than bought",
        ),
        (lambda orders: orders.assign(customer_id="only"), "has 1 customers"),
    ],
    ids=["all bought once", "more returned than bought", "one customer only"],
)
def test_data_that_cannot_rank_anybody_are_refused_in_a_sentence(shop, change, words):
    tx = read_transactions(change(shop.orders))
    with pytest.raises(InputError, match=words):
        CoreCustomerModel().fit(tx, shop.window)


def test_a_horizon_longer_than_the_history_is_refused(shop):
    with pytest.raises(InputError, match=r"horizon of 500 days is longer than the history of \d+ days"):
        CoreCustomerModel().fit(shop.tx, Window("1998-04-01", 500))


def test_a_cutoff_before_the_data_is_refused(shop):
    with pytest.raises(InputError, match="no purchase before the cutoff 1990-01-01"):
        CoreCustomerModel().fit(shop.tx, Window("1990-01-01", 91))


def test_a_clone_has_the_parameters_and_the_changes_and_has_learned_nothing(shop):
    clone = shop.model.clone(seed=3)
    assert clone.parameters == shop.model.parameters | {"seed": 3}
    assert not any(name.endswith("_") for name in vars(clone))
