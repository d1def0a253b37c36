"""Estimators of purchases, spend and segments follow scikit-learn's conventions; docs/concepts/btyd.md says how."""

import importlib
import inspect
import pickle
import pkgutil
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import estimator_checks
from sklearn.utils.validation import check_array, check_is_fitted
from tests.histories import simulate

import duramen.btyd
import duramen.segments
from duramen.btyd import (
    BetaGeoModel,
    CredibilitySpendModel,
    GammaGammaModel,
    ModifiedBetaGeoModel,
    ParetoNBDModel,
)
from duramen.errors import InputError
from duramen.segments import BehaviouralSegmenter, clustering

MODELS = [BetaGeoModel, ModifiedBetaGeoModel, ParetoNBDModel, GammaGammaModel]
ESTIMATORS = [*MODELS, CredibilitySpendModel, BehaviouralSegmenter]
WITHOUT_INPUT = [
    "check_estimator_cloneable", "check_estimator_tags_renamed", "check_valid_tag_types", "check_estimator_repr",
    "check_no_attributes_set_in_init", "check_do_not_raise_errors_in_init_or_set_params", "check_mixin_order",
    "check_parameters_default_constructible", "check_get_params_invariance", "check_set_params",
    "check_estimator_get_tags_default_keys",
]  # fmt: skip


def predictions(model, customers):
    """Return what each kind of estimator predicts."""
    if isinstance(model, GammaGammaModel | CredibilitySpendModel):
        return model.expected_spend(customers)
    if isinstance(model, BehaviouralSegmenter):
        return model.predict(customers)
    return model.expected_purchases(customers, 10)


@pytest.fixture(scope="module", autouse=True)
def quick_segments():
    """Measure stability once: nothing here depends on it, and it takes most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clustering, "BOOTSTRAPS", 1)
        yield


@pytest.fixture(scope="module")
def customers(shop_orders):
    from duramen import customer_table, read_transactions

    return customer_table(read_transactions(shop_orders, currency="USD"), "1998-04-01").head(400)


@pytest.fixture(scope="module")
def fitted(customers):
    """Return one of each kind, fitted to these customers; tests must not change it."""
    return {cls: cls().fit(customers) for cls in ESTIMATORS}


def test_no_estimator_of_purchases_spend_or_segments_is_left_out_here():
    found = set()
    for package in (duramen.btyd, duramen.segments):
        for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            members = inspect.getmembers(importlib.import_module(module.name), inspect.isclass)
            found |= {cls for _, cls in members if cls.__module__.startswith(package.__name__)}
    estimators = {cls for cls in found if issubclass(cls, BaseEstimator) and not inspect.isabstract(cls)}
    assert estimators == set(ESTIMATORS)


@pytest.mark.parametrize("cls", ESTIMATORS)
@pytest.mark.parametrize("name", WITHOUT_INPUT)
def test_the_checks_of_scikit_learn_that_need_no_input_pass(cls, name):
    if check := getattr(estimator_checks, name, None):  # later versions of scikit-learn have more of them
        check(cls.__name__, cls())


def named(array):
    """Make a customer table of any array, so that equal rows are equal customers."""
    size = np.abs(array).sum(axis=1) * 7
    part, frequency, age = size % 1, np.floor(size) % 6, 20 + np.floor(size * 3) % 30
    repeat, money = frequency > 0, 1 + size % 11
    return pd.DataFrame(
        {
            "frequency": frequency,
            "recency": np.where(repeat, age * part, 0.0),
            "T": age,
            "monetary_value": money,
            "gap_mean": np.where(repeat, age / (frequency + 1), np.nan),
            "basket_mean": money,
            "basket_evenness": 1 - part / 2,
            "basket_geometric_mean": money,
            "time_since_last": age * (1 - part),
            "purchase_position": np.where(repeat, part, np.nan),
        }
    )


class Arrays:
    """An estimator that gives names to the columns of the arrays with which scikit-learn checks others."""

    def named(self, X):
        array = check_array(X, dtype=float, estimator=self)
        if array.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {array.shape[1]} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input"
            )
        return named(array)

    def learn(self, X, *others):
        array = check_array(X, dtype=float, estimator=self)
        super().fit(named(array), *others)
        self.n_features_in_ = array.shape[1]
        del self.feature_names_in_
        return self

    def predict(self, X):
        check_is_fitted(self)
        if isinstance(self, BehaviouralSegmenter):
            return super().predict(self.named(X))
        return predictions(self, self.named(X))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.allow_nan = True, False
        return tags


class WeightedArrays(Arrays):
    def fit(self, X, y=None, sample_weight=None):
        return self.learn(X, y, sample_weight)

    def score(self, X, y=None, sample_weight=None):
        return super().score(self.named(X), y, sample_weight)


class BetaGeoOfArrays(WeightedArrays, BetaGeoModel):
    pass


class ModifiedBetaGeoOfArrays(WeightedArrays, ModifiedBetaGeoModel):
    pass


class ParetoNBDOfArrays(WeightedArrays, ParetoNBDModel):
    pass


class GammaGammaOfArrays(WeightedArrays, GammaGammaModel):
    pass


class CredibilityOfArrays(Arrays, CredibilitySpendModel):
    def fit(self, X, y=None, sample_weight=None):
        return self.learn(X, y, sample_weight)


class SegmenterOfArrays(Arrays, BehaviouralSegmenter):
    def fit(self, X, y=None):
        return self.learn(X, y)


@pytest.mark.parametrize(
    "cls",
    [
        BetaGeoOfArrays,
        ModifiedBetaGeoOfArrays,
        ParetoNBDOfArrays,
        GammaGammaOfArrays,
        CredibilityOfArrays,
        pytest.param(SegmenterOfArrays, marks=pytest.mark.slow),
    ],
)
def test_all_checks_of_scikit_learn_pass_once_the_columns_of_its_arrays_have_names(cls):
    with warnings.catch_warnings():
        # SciPy's array API is not switched on in this process
        warnings.simplefilter("ignore", SkipTestWarning)
        estimator_checks.check_estimator(cls())


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_an_array_is_refused_with_the_names_of_the_columns_that_are_needed(cls, customers, fitted):
    with pytest.raises(InputError, match="is a ndarray; give a pandas DataFrame with the columns frequency"):
        cls().fit(customers[["frequency", "recency", "T"]].to_numpy())
    with pytest.raises(InputError, match="is a ndarray; give a pandas DataFrame"):
        predictions(fitted[cls], np.ones((3, 3)))


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_the_y_of_a_pipeline_changes_nothing(cls, customers, fitted):
    y = np.arange(len(customers)) % 5
    steps = [("as they are", FunctionTransformer()), ("model", cls())]
    pipeline = Pipeline(steps).fit(customers, y)
    assert pipeline["model"].to_dict() == fitted[cls].to_dict()
    assert cls().fit(customers, y).to_dict() == fitted[cls].to_dict()


@pytest.mark.parametrize("cls", MODELS)
def test_a_pipeline_passes_weights_and_score_on(cls, customers):
    weight = np.arange(len(customers)) % 3
    pipeline = Pipeline([("model", cls())]).fit(customers, model__sample_weight=weight)
    assert pipeline["model"].to_dict() == cls().fit(customers, sample_weight=weight).to_dict()
    assert pipeline.score(customers) == pipeline["model"].score(customers)


@pytest.mark.parametrize("cls", MODELS)
def test_the_score_is_the_mean_log_likelihood_per_customer(cls, customers):
    weight = np.arange(len(customers)) % 3
    model = cls().fit(customers, sample_weight=weight)
    total = model.score(customers, sample_weight=weight) * model.convergence_.customers
    assert total == pytest.approx(model.log_likelihood_, rel=1e-9)
    repeated = customers.loc[customers.index.repeat(weight)]
    assert model.score(repeated) == pytest.approx(model.score(customers, sample_weight=weight), rel=1e-9)


def test_a_grid_search_finds_the_regularity_of_gaps():
    world = simulate("modified", (2.0, 6.0, 0.7, 4.0), 6_000, 40.0, seed=1, regularity=3)
    search = GridSearchCV(ModifiedBetaGeoModel(), {"regularity": [1, 2, 3, 4]}, cv=3).fit(world)
    assert search.best_params_ == {"regularity": 3}
    with pytest.raises(InputError, match="lacks the column log_gaps"):
        search.best_estimator_.score(world.drop(columns="log_gaps"))


def test_a_grid_search_finds_the_covariate_that_matters():
    fast, slow = (simulate("pareto", (0.8, scale, 0.9, 20.0), 1_500, 52.0, seed=2) for scale in (4.0, 16.0))
    world = pd.concat([fast.assign(fast=1), slow.assign(fast=0)], ignore_index=True)
    world["noise"] = np.random.default_rng(0).normal(size=len(world))
    grid = {"purchase_covariates": [(), ("fast",), ("noise",)]}
    shuffled = world.sample(frac=1, random_state=0)
    weight = np.ones(len(world))
    search = GridSearchCV(ParetoNBDModel(), grid, cv=3).fit(shuffled, sample_weight=weight)
    assert search.best_params_ == {"purchase_covariates": ("fast",)}


@pytest.mark.slow
def test_a_grid_search_takes_gamma_gamma_and_segments_with_a_score_of_the_callers(customers):
    assert np.isfinite(GridSearchCV(GammaGammaModel(), {}, cv=3).fit(customers).best_score_)

    def few_outliers(model, X, *_):
        return -np.mean(model.place(X)[1])

    search = GridSearchCV(
        BehaviouralSegmenter(), {"weights": [None, {"trend": 0}]}, scoring=few_outliers, cv=2
    )
    assert search.fit(customers).best_estimator_.predict(customers).shape == (len(customers),)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_a_pickle_brings_back_the_same_estimator(cls, customers, fitted):
    model = fitted[cls]
    again = pickle.loads(pickle.dumps(model))
    assert again.to_dict() == model.to_dict()
    np.testing.assert_array_equal(predictions(again, customers), predictions(model, customers))


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_a_clone_is_not_fitted_and_fits_the_same(cls, customers, fitted):
    again = clone(fitted[cls])
    with pytest.raises(NotFittedError):
        again.to_dict()
    assert again.fit(customers).to_dict() == fitted[cls].to_dict()


def test_a_clone_and_a_pickle_of_a_segmenter_keep_the_one_before_it(customers, fitted):
    before = fitted[BehaviouralSegmenter]
    segmenter = BehaviouralSegmenter(previous=before)
    assert clone(segmenter).previous is before
    assert clone(Pipeline([("segments", segmenter)]))["segments"].previous is before
    few = customers.head(300)
    segmenter.fit(few)
    assert clone(segmenter).fit(few).to_dict() == segmenter.to_dict()
    assert pickle.loads(pickle.dumps(segmenter)).previous.to_dict() == before.to_dict()


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_an_estimator_that_was_not_fitted_says_so(cls, customers):
    with pytest.raises(NotFittedError):
        predictions(cls(), customers)
    with pytest.raises(NotFittedError):
        cls().to_dict()
    if cls in MODELS:
        for use in (cls().score, cls().confidence_intervals, cls().to_lifetimes):
            with pytest.raises(NotFittedError):
                use(customers)


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_the_columns_that_are_read_are_the_names_of_its_features(cls, customers, fitted):
    model = fitted[cls]
    names = list(model.feature_names_in_)
    assert model.n_features_in_ == len(names)
    alone = cls().fit(customers[names])
    assert alone.to_dict() == model.to_dict()
    loaded = cls.from_dict(model.to_dict())
    assert list(loaded.feature_names_in_) == names
    assert loaded.n_features_in_ == len(names)


def test_covariates_are_among_the_names_of_the_features(customers):
    covariates = {"purchase_covariates": ["basket_mean"], "dropout_covariates": ["basket_mean", "gap_last"]}
    model = ParetoNBDModel(**covariates).fit(customers.assign(gap_last=customers["gap_last"].fillna(0.0)))
    assert list(model.feature_names_in_) == ["frequency", "recency", "T", "basket_mean", "gap_last"]


@pytest.mark.parametrize("cls", ESTIMATORS)
def test_a_notebook_shows_the_estimator_and_whether_it_is_fitted(cls, fitted):
    fresh = cls()._repr_html_()
    assert cls.__name__ in fresh
    assert "Not fitted" in fresh
    assert "Not fitted" not in fitted[cls]._repr_html_()


def test_set_params_changes_what_the_next_fit_does(customers):
    world = simulate("modified", (2.0, 6.0, 0.7, 4.0), 500, 40.0, seed=1, regularity=3)
    model = BetaGeoModel().fit(world).set_params(regularity=2).fit(world)
    assert model.regularity_ == 2
    segmenter = BehaviouralSegmenter().set_params(weights={"trend": 0}).fit(customers)
    assert segmenter.weights_["trend"] == 0
