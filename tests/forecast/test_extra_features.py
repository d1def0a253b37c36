"""The columns of a feature file in the forecast: what the trees see of them, and that nothing later is seen."""

import numpy as np
import pandas as pd
import pytest

from duramen.data.customers import customer_table
from duramen.data.reading import read_transactions
from duramen.errors import InputError
from duramen.evaluation.scorecards import scorecard
from duramen.forecast.extra_features import ExtraFeatures
from duramen.forecast.model import ForecastModel
from duramen.forecast.settings import ForecastSettings, TreeSettings

QUICK = ForecastSettings(
    btyd_models=("BG/NBD",), training_cutoffs=3, trees=TreeSettings(rounds=30, learning_rate=0.1)
)
EXTRA = ExtraFeatures({"visits": None, "channel": ["shop", "web"]})


def test_a_category_is_a_column_of_its_own_and_an_unknown_one_is_missing():
    table = pd.DataFrame({"T": 3.0, "visits": [1, 2, None, 4], "channel": ["web", "shop", "fax", None]})
    encoded = EXTRA.encode(table)
    assert list(encoded) == ["T", "visits", "channel = shop", "channel = web"]
    np.testing.assert_array_equal(encoded["channel = web"], [1, 0, np.nan, np.nan])
    np.testing.assert_array_equal(encoded["visits"], [1, 2, np.nan, 4])
    assert {str(dtype) for dtype in encoded.dtypes} == {"float64"}


def test_a_column_that_is_missing_for_all_customers_is_of_its_kind():
    encoded = EXTRA.encode(pd.DataFrame({"visits": [None, None], "channel": [np.nan, np.nan]}))
    assert encoded.shape == (2, 3)
    assert encoded.isna().all(axis=None)


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"visits": ["many"]}, "'visits' of the features was numeric .* is not now .for example 'many'"),
        ({"channel": [7.0]}, "'channel' of the features was text .* is numeric now .for example 7.0"),
    ],
)
def test_a_column_that_changed_its_kind_is_refused(table, sentence):
    with pytest.raises(InputError, match=sentence):
        EXTRA.encode(pd.DataFrame(table))


def test_columns_that_no_training_cutoff_knew_are_named():
    folds = [pd.DataFrame({"visits": [np.nan], "channel = shop": [0.0], "channel = web": [1.0]})] * 2
    (sentence,) = EXTRA.never_known(folds)
    assert sentence.startswith(
        "The forecast learned nothing from visits: no row of the feature file was known"
    )


@pytest.fixture(scope="module")
def customers_of(shop):
    """The orders of every second customer of the shop, and what each of them spent after the cutoff of the shop."""
    orders = shop.orders[shop.orders["customer_id"].isin(shop.orders["customer_id"].unique()[::2])]
    later = orders[orders["date"] >= pd.Timestamp(shop.window.cutoff)]
    ids = orders["customer_id"].unique()
    spent = later.groupby("customer_id")["amount"].sum().reindex(ids).fillna(0.0).to_numpy()
    return orders, pd.DataFrame({"customer_id": ids, "spent": spent})


@pytest.fixture(scope="module")
def fitted(shop, customers_of):
    """Return a function that fits the forecast with a feature file."""

    def fit(features):
        tx = read_transactions(customers_of[0], features=features)
        return ForecastModel(QUICK).fit(tx, shop.window), customer_table(tx, shop.window.cutoff)

    return fit


def learned(model):
    return model.to_dict(), {name: booster.model_to_string() for name, booster in model.boosters().items()}


@pytest.mark.slow
def test_outcomes_in_rows_that_are_known_from_the_cutoff_on_change_nothing(shop, customers_of, fitted):
    rng = np.random.default_rng(0)
    early = customers_of[1].assign(known_from="1997-01-01", spent=rng.normal(size=len(customers_of[1])))
    leak = customers_of[1].assign(known_from=str(shop.window.cutoff))
    model, customers = fitted(early)
    with_leak, customers_with_leak = fitted(pd.concat([leak, early]))
    assert learned(with_leak) == learned(model)
    pd.testing.assert_frame_equal(customers_with_leak, customers)
    np.testing.assert_array_equal(with_leak.forecast(customers).value, model.forecast(customers).value)


@pytest.mark.slow
def test_a_column_that_is_known_before_and_predicts_improves_the_holdout(shop, customers_of, fitted):
    orders, known = customers_of
    rng = np.random.default_rng(0)
    # What customers intend in each quarter, with some noise, known a day before it begins.
    rows = []
    for quarter in range(5):
        first = pd.Timestamp(shop.model.holdout_window_.cutoff) - pd.Timedelta(days=91 * (quarter - 1))
        ids = orders["customer_id"][
            (orders["date"] >= first) & (orders["date"] < first + pd.Timedelta(days=91))
        ]
        rows.append(
            known[["customer_id"]].assign(
                known_from=first - pd.Timedelta(days=1),
                intent=known["customer_id"].isin(ids) + rng.normal(0, 0.3, len(known)),
            )
        )
    auc = {}
    for name, features in (("with", pd.concat(rows)), ("without", None)):
        model, _ = fitted(features)
        card = scorecard(model.holdout_.assign(segment=0))
        found = card[card["model"] == "duramen"].set_index(["target", "metric"])["figure"]
        auc[name] = found["activity", "AUC"]
    assert auc["with"] > auc["without"] + 0.05
    assert auc["with"] > 0.9
