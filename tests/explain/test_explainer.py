"""Explanations: exact in sum and product, silent, and true to the transactions."""

import copy
import functools
import io
import re
import threading

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit
from threadpoolctl import threadpool_limits

from duramen.errors import InputError
from duramen.explain import tree_shap
from duramen.explain.explainer import MODEL_MEANINGS, PARTS, Explainer, meaning
from duramen.explain.reasons import theme
from duramen.explain.tree_shap import TOLERANCE, TreeShap
from duramen.forecast.churn import ActivityModel
from duramen.forecast.folds import model_features
from duramen.forecast.model_selection import NO_TREES, TreesUse
from duramen.forecast.settings import TreeSettings
from duramen.forecast.trees import bin_features, fit_trees
from duramen.scoring.model import CoreCustomerModel
from duramen.scoring.ranking import rank_core_customers


@pytest.fixture(scope="module")
def features(shop):
    model = shop.model.forecast_
    return model_features(shop.customers, model.btyd_, shop.window.horizon, model.money_unit_)


@pytest.fixture(scope="module")
def parts(shop):
    return shop.model.explain(shop.customers)


@pytest.fixture(scope="module")
def explained(parts):
    return parts[parts["part"] == "value"]


@pytest.fixture(scope="module")
def sample(shop):
    """Return 50 customers with the facts of their own rows before the cutoff, computed again from the orders."""
    told = shop.scores.sample(50, random_state=3).set_index("customer_id")
    orders = shop.orders[shop.orders["date"] < pd.Timestamp(shop.window.cutoff)]
    days = orders.groupby(["customer_id", "date"])["amount"].sum().reset_index()
    days = days[days["amount"] > 0]
    cutoff = pd.Timestamp(shop.window.cutoff)
    facts = {}
    for customer in told.index:
        own = days[days["customer_id"] == customer]
        facts[customer] = {
            "days_since": (cutoff - own["date"].max()).days,
            "purchase_days": len(own),
            "age": (cutoff - own["date"].min()).days,
            "recent": int((own["date"] >= cutoff - pd.Timedelta(days=91)).sum()),
            "money": own["amount"].sum(),
            "gap": own["date"].diff().dt.days.mean(),
        }
    return told, facts


def test_the_blend_of_this_shop_has_both_parts(shop):
    assert 0 < shop.model.forecast_.value_.btyd_weight_ < 1


def test_factors_of_every_customer_multiply_to_the_predicted_value(shop, explained):
    product = explained.groupby("customer_id")["factor"].prod()
    assert len(product) == len(shop.scores)
    np.testing.assert_allclose(
        product[shop.scores["customer_id"]].to_numpy(), shop.scores["predicted_value"], rtol=1e-9
    )


@pytest.mark.slow
def test_factors_of_the_two_stages_multiply_to_the_predicted_value_too(shop, monkeypatch, tmp_path):
    blend = TreesUse(1.0, two_stage=0.5)
    monkeypatch.setattr(
        "duramen.forecast.value.cross_fit", lambda forecasts, _losses: (blend, forecasts[NO_TREES])
    )
    monkeypatch.setattr("duramen.forecast.value.VALUE_USES", (blend,))
    model = CoreCustomerModel().fit(shop.tx, shop.window)
    assert set(model.boosters()) == {"value", "spend", "activity"} == set(model.importance_["model"])
    for fitted in (model, CoreCustomerModel.load(model.save(tmp_path / "model"))):
        explained = fitted.explain(shop.customers)
        product = explained.groupby("customer_id")["factor"].prod()
        scores = fitted.predict(shop.customers.head(200))
        np.testing.assert_allclose(
            product[scores["customer_id"]].to_numpy(), scores["predicted_value"], rtol=1e-9
        )
    value = explained[explained["part"] == "value"]
    active = value[value["feature"] == "probability_active"].set_index("customer_id")
    told = scores.set_index("customer_id")["probability_active"]
    np.testing.assert_allclose(active.loc[told.index, "value"], told)
    assert active["factor"].nunique() > 100


def test_parts_come_one_after_the_other_for_each_customer_by_id(shop, parts):
    assert list(parts.columns) == [
        "customer_id", "part", "feature", "value", "factor", "term", "rank", "unit",
    ]  # fmt: skip
    assert parts["customer_id"].is_monotonic_increasing
    assert parts["customer_id"].dtype == shop.customers["customer_id"].dtype
    own = parts[parts["customer_id"] == shop.customers["customer_id"].iloc[7]]
    assert tuple(own["part"].unique()) == PARTS
    one = shop.model.explain(shop.customers.iloc[[7]])
    pd.testing.assert_frame_equal(one, own.reset_index(drop=True))
    assert (parts["factor"].notna() == (parts["part"] == "value")).all()
    assert (parts["term"].notna() == (parts["part"] != "value")).all()
    assert set(parts.groupby("part")["unit"].unique().map(tuple)) == {
        ("USD", "times"),
        ("log odds",),
        ("USD",),
    }


@pytest.mark.parametrize("part", ["activity", "score", "growth"])
def test_terms_of_every_customer_add_to_what_they_explain(shop, parts, part):
    total = parts[parts["part"] == part].groupby("customer_id")["term"].sum()
    scores = shop.scores.set_index("customer_id")
    told = {
        "activity": logit(scores["probability_active"]),
        "score": scores["score"],
        "growth": scores["growth_potential"],
    }[part]
    assert len(total) == len(scores)
    money = 1.0 if part == "activity" else scores["score"].mean()
    np.testing.assert_allclose(total[scores.index], told, rtol=1e-6, atol=1e-9 * money)


def test_the_score_has_its_two_parts_in_money(shop, parts):
    score = parts[parts["part"] == "score"].pivot(index="customer_id", columns="feature", values="term")
    told = shop.scores.set_index("customer_id").loc[score.index]
    np.testing.assert_allclose(score["predicted_value"], told["predicted_value"])
    np.testing.assert_allclose(
        score["growth_potential"], shop.model.growth_weight_ * told["growth_potential"]
    )


def test_costs_to_serve_are_a_term_of_the_score(shop):
    cost = pd.Series(np.arange(len(shop.customers)) / 10.0, index=shop.customers["customer_id"])
    ranking = rank_core_customers(shop.scores, cost_to_serve=cost).set_index("customer_id")
    told = shop.model.explain(shop.customers, ["score"], cost)
    total = told.groupby("customer_id")["term"].sum()
    np.testing.assert_allclose(total, ranking.loc[total.index, "score"], rtol=1e-9, atol=1e-9)
    of_cost = told[told["feature"] == "cost_to_serve"].set_index("customer_id")
    np.testing.assert_array_equal(of_cost["term"], -cost[of_cost.index])
    np.testing.assert_array_equal(of_cost["value"], cost[of_cost.index])
    few = shop.model.explain(shop.customers.iloc[5:8], "score", cost)
    pd.testing.assert_frame_equal(
        few, told[told["customer_id"].isin(few["customer_id"])].reset_index(drop=True)
    )
    with pytest.raises(InputError, match="are missing"):
        shop.model.explain(shop.customers, ["score"], cost.iloc[1:])


def test_reasons_given_in_blocks_are_those_of_all_at_once(shop, monkeypatch):
    monkeypatch.setattr("duramen.explain.explainer.REASONED_AT_ONCE", 1000)
    pd.testing.assert_frame_equal(shop.model.predict(shop.customers), shop.scores)


def weighted_mean(scores, column):
    return np.average(scores[column], weights=scores["probability_active"])


def test_the_base_is_the_typical_active_customer_before_the_cutoff(shop, parts):
    base = parts[parts["feature"] == "base"].groupby("part").first()
    logs = shop.scores.assign(
        value=np.log(shop.scores["predicted_value"]), odds=logit(shop.scores["probability_active"])
    )
    assert np.log(base.loc["value", "factor"]) == pytest.approx(weighted_mean(logs, "value"), abs=1e-9)
    assert base.loc["activity", "term"] == pytest.approx(weighted_mean(logs, "odds"), abs=1e-9)


@pytest.mark.parametrize("part", ["value", "activity"])
def test_no_feature_moves_the_typical_active_customer(shop, parts, part):
    effects = parts[(parts["part"] == part) & (parts["feature"] != "base")]
    strength = np.log(effects["factor"]) if part == "value" else effects["term"]
    active = effects["customer_id"].map(shop.scores.set_index("customer_id")["probability_active"])
    total = (strength * active).groupby(effects["feature"]).sum()
    np.testing.assert_allclose(total / active.groupby(effects["feature"]).sum(), 0, atol=1e-9)


def test_more_lapsed_customers_hardly_change_whom_reasons_compare_with(shop):
    lapsed = shop.customers["customer_id"].isin(
        shop.scores.loc[shop.scores["probability_active"] < 0.05, "customer_id"]
    )
    mostly_lapsed = pd.concat([shop.customers, *[shop.customers[lapsed]] * 3], ignore_index=True)
    assert len(mostly_lapsed) > 1.4 * len(shop.customers)
    forecast = shop.model.forecast_.forecast(mostly_lapsed)
    explainer = Explainer(shop.model.forecast_, 0.1).fit(mostly_lapsed, forecast)
    now, before = (of.average_facts_["frequency"] for of in (explainer, shop.model.explainer_))
    plain = mostly_lapsed["frequency"].mean() / shop.customers["frequency"].mean()
    assert plain < now / before < 1
    assert 1 - now / before < (1 - plain) / 2


def test_factors_of_a_model_that_compares_with_the_average_customer_multiply_to_the_value_too(shop):
    """As a model that an earlier version saved: its effects are not relative to typical ones."""
    kept = {"typical": shop.model.explainer_.typical_, "average_facts": shop.model.explainer_.average_facts_}
    tables = shop.model.importance_, shop.model.dependence_
    older = Explainer.from_dict(kept, shop.model.forecast_, 0.1, *tables)
    forecast = shop.model.forecast_.forecast(shop.customers)
    _, effects, base, _ = older.effects("value", forecast)
    np.testing.assert_allclose(np.exp(effects.sum(axis=1) + base), forecast.value, rtol=1e-9)
    told = older.reasons(shop.customers, forecast)
    assert told["reason_1"].str.contains(r"\(average customer [\d,.]+\)").all()
    assert not told["reason_1"].str.contains("typical").any()


def test_activity_without_trees_is_what_btyd_says(shop):
    model, explainer, forecast = map(copy.copy, (shop.model, shop.model.explainer_, shop.model.forecast_))
    forecast.activity_ = ActivityModel.from_dict(forecast.activity_.to_dict() | {"trees_weight": 0.0}, None)
    model.forecast_ = explainer.model = forecast
    model.explainer_ = explainer
    explainer.typical_effects_ = {}
    explained = model.explain(shop.customers, ["activity"])
    assert set(explained.loc[explained["term"] != 0, "feature"]) == {"base", "btyd_probability_active"}
    of_btyd = explained[explained["feature"] == "btyd_probability_active"].set_index("customer_id")["term"]
    weights = shop.scores.set_index("customer_id").loc[of_btyd.index, "probability_active"]
    assert np.average(of_btyd, weights=weights) == pytest.approx(0, abs=1e-4)
    total = explained.groupby("customer_id")["term"].sum()
    scores = model.predict(shop.customers, with_reasons=False).set_index("customer_id")
    np.testing.assert_allclose(total[scores.index], logit(scores["probability_active"]), atol=1e-9)


def test_only_the_parts_asked_for_are_explained(shop):
    few = shop.model.explain(shop.customers.head(20), ["growth", "score"])
    assert set(few["part"]) == {"growth", "score"}
    with pytest.raises(InputError, match="no part 'churn'"):
        shop.model.explain(shop.customers, ["churn"])
    with pytest.raises(InputError, match="no part 'none'"):
        shop.model.explain(shop.customers, [])


@pytest.mark.slow
@pytest.mark.parametrize("part", ["value", "activity"])
def test_shap_draws_every_plot_of_an_explanation(shop, parts, part):
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt
    import shap

    chosen = shop.customers.head(60)
    explanation = shop.model.shap_explanation(chosen, part)
    total = explanation.base_values + explanation.values.sum(axis=1)
    told = shop.scores.set_index("customer_id").loc[chosen["customer_id"]]
    wanted = np.log(told["predicted_value"]) if part == "value" else logit(told["probability_active"])
    np.testing.assert_allclose(total, wanted, atol=1e-9)
    row = parts[(parts["part"] == part) & (parts["customer_id"] == chosen["customer_id"].iloc[0])]
    row = row.set_index("feature")["value"]
    np.testing.assert_array_equal(explanation.data[0], row[explanation.feature_names])
    plots = [
        lambda: shap.plots.beeswarm(explanation, show=False),
        lambda: shap.plots.bar(explanation, show=False),
        lambda: shap.plots.waterfall(explanation[0], show=False),
        lambda: shap.plots.scatter(explanation[:, "net_spend"], show=False),
        lambda: shap.plots.heatmap(explanation, show=False),
        lambda: shap.plots.force(explanation[0], matplotlib=True, show=False),
    ]
    for plot in plots:
        plot()
        drawn = io.BytesIO()
        plt.savefig(drawn, format="png")
        plt.close("all")
        assert len(drawn.getvalue()) > 5000


def test_shap_explains_value_and_activity_alone(shop):
    with pytest.raises(InputError, match="not 'score'"):
        shop.model.shap_explanation(shop.customers, "score")


def test_every_customer_has_the_same_base_and_each_factor_once(explained):
    base = explained[explained["feature"] == "base"]
    assert base["factor"].nunique() == 1
    assert (base["rank"] == 0).all()
    sizes = explained.groupby("customer_id")["feature"].agg(["size", "nunique"])
    assert (sizes["size"] == sizes["nunique"]).all()
    assert sizes["size"].nunique() == 1


def test_ranks_go_by_the_strength_of_a_factor(explained):
    factors = explained[explained["rank"] > 0]
    strength = np.log(factors["factor"]).abs()
    falls = strength.groupby(factors["customer_id"]).diff().dropna()
    assert (falls <= 1e-12).all()


def test_the_values_beside_factors_are_those_of_the_customer_table(shop, explained):
    told = explained[explained["feature"] == "net_spend"].set_index("customer_id")["value"]
    np.testing.assert_array_equal(told[shop.customers["customer_id"]].to_numpy(), shop.customers["net_spend"])


@pytest.mark.parametrize("part", ["value", "activity"])
def test_shap_values_equal_those_of_lightgbm(shop, features, part):
    booster = shop.model.boosters()[part]
    explained = TreeShap(booster)
    values, base = explained.values(features), explained.base
    theirs = booster.predict(features, pred_contrib=True)
    np.testing.assert_allclose(values, theirs[:, :-1], atol=1e-9)
    assert base == pytest.approx(theirs[0, -1], abs=1e-9)
    np.testing.assert_allclose(
        base + values.sum(axis=1), booster.predict(features, raw_score=True), atol=1e-9
    )


def test_shap_values_hold_where_features_are_missing():
    rng = np.random.default_rng(0)
    points = pd.DataFrame(rng.normal(size=(400, 4)), columns=list("abcd")).mask(rng.random((400, 4)) < 0.3)
    booster = fit_trees(
        bin_features(points),
        np.nan_to_num(points["a"]) + (points["b"].isna()),
        np.zeros(400),
        0,
        objective="regression",
    )
    values = TreeShap(booster).values(points)
    np.testing.assert_allclose(values, booster.predict(points, pred_contrib=True)[:, :-1], atol=1e-9)


def test_a_value_on_a_threshold_and_a_tree_of_one_leaf_are_explained_as_by_lightgbm():
    rng = np.random.default_rng(0)
    points = pd.DataFrame(rng.integers(0, 5, size=(400, 3)).astype(float), columns=list("abc"))
    booster = fit_trees(
        bin_features(points),
        (points["a"] > 2).astype(float),
        np.zeros(400),
        0,
        TreeSettings(rounds=300),
        objective="regression",
    )
    thresholds = sorted({t for tree in TreeShap(booster)._trees for v in tree.thresholds for t in v})
    on = pd.DataFrame(dict.fromkeys("abc", thresholds))
    for rows in (points, on, np.nextafter(on, np.inf), -on, on * 0.0):
        values = TreeShap(booster).values(rows)
        np.testing.assert_allclose(values, booster.predict(rows, pred_contrib=True)[:, :-1], atol=1e-9)
    constant = fit_trees(bin_features(points * 0.0), points["a"], np.zeros(400), 0, objective="regression")
    assert (TreeShap(constant).values(points) == 0).all()


def test_trees_with_too_many_cells_to_look_up_are_explained_by_lightgbm():
    rng = np.random.default_rng(0)
    points = pd.DataFrame(rng.normal(size=(2_000, 30)))
    target = points.to_numpy() @ rng.normal(size=30) + np.abs(points[0] * points[1]).to_numpy()
    large = TreeSettings(num_leaves=31, max_depth=12, rounds=5, feature_fraction=1.0)
    booster = fit_trees(bin_features(points), target, np.zeros(2_000), 0, large, objective="regression")
    explained = TreeShap(booster)
    assert explained._trees is None
    theirs = booster.predict(points, pred_contrib=True)
    np.testing.assert_array_equal(explained.values(points), theirs[:, :-1])
    assert explained.base == pytest.approx(theirs[0, -1])


def test_rows_explained_by_lightgbm_have_the_values_of_those_looked_up(shop, features, monkeypatch):
    booster = shop.model.boosters()["value"]
    looked_up = TreeShap(booster).values(features)
    monkeypatch.setattr(tree_shap, "MOST_CELLS", 0)
    np.testing.assert_allclose(TreeShap(booster).values(features), looked_up, atol=1e-9)


# The second has the right sum, and yet the credit goes to the wrong feature.
@pytest.mark.parametrize("moved", [[10 * TOLERANCE, 0.0], [10 * TOLERANCE, -10 * TOLERANCE], [np.nan, 0.0]])
def test_values_that_are_not_those_of_lightgbm_are_refused(shop, features, monkeypatch, moved):
    honest = tree_shap._look_up

    def wrong(trees, columns):
        values = honest(trees, columns)
        values[:, :2] += moved
        return values

    monkeypatch.setattr(tree_shap, "_look_up", wrong)
    with pytest.raises(ArithmeticError, match="not LightGBM's own"):
        TreeShap(shop.model.forecast_.value_.boosters_.value).values(features)


def test_values_that_do_not_add_up_in_a_single_cell_are_refused(shop):
    booster = shop.model.forecast_.value_.boosters_.value

    class Wrong:
        dump_model, num_trees, num_feature = booster.dump_model, booster.num_trees, booster.num_feature

        def predict(self, rows, **given):
            told = booster.predict(rows, **given)
            if given.get("start_iteration") == 3 and "pred_contrib" in given:
                told[-1, 0] += TOLERANCE
            return told

    with pytest.raises(ArithmeticError, match="do not add"):
        TreeShap(Wrong())


@pytest.mark.parametrize("part", ["value", "activity"])
def test_shap_values_equal_those_of_woodelf(shop, features, part):
    import woodelf

    booster = shop.model.boosters()[part]
    values = TreeShap(booster).values(features)
    theirs = woodelf.WoodelfExplainer(booster).shap_values(features, verbose=False)
    np.testing.assert_allclose(values, theirs, atol=1e-4)


def test_the_size_of_blocks_changes_nothing(shop, features, monkeypatch):
    booster = shop.model.forecast_.value_.boosters_.value
    explained = TreeShap(booster)
    whole, base = explained.values(features), explained.base
    monkeypatch.setattr("duramen.explain.tree_shap.BLOCK", 1000)
    explained = TreeShap(booster)
    blocks, same_base = explained.values(features), explained.base
    np.testing.assert_array_equal(blocks, whole)
    assert same_base == base


@pytest.mark.parametrize("threads", [1, 2])
def test_no_more_threads_explain_than_were_asked_for(shop, features, monkeypatch, threads):
    explained, at_work = TreeShap(shop.model.forecast_.value_.boosters_.value), set()
    look_up = tree_shap._look_up

    def noting(trees, columns):
        at_work.add(threading.get_ident())
        return look_up(trees, columns)

    monkeypatch.setattr("duramen.explain.tree_shap.BLOCK", 50)
    monkeypatch.setattr("duramen.explain.tree_shap._look_up", noting)
    with threadpool_limits(threads):
        explained.values(features)
    assert 1 <= len(at_work) <= threads


def test_explaining_prints_nothing(shop, capfd):
    shop.model.predict(shop.customers.head(30))
    shop.model.explain(shop.customers.head(30))
    assert capfd.readouterr() == ("", "")


def test_importance_is_the_mean_size_of_shap_values(shop, features):
    values = TreeShap(shop.model.forecast_.value_.boosters_.value).values(features)
    table = shop.model.importance_[shop.model.importance_["model"] == "value"].set_index("feature")
    np.testing.assert_allclose(
        table["mean_abs_shap"][features.columns], np.abs(values).mean(axis=0), rtol=1e-9, atol=1e-12
    )
    assert table["mean_abs_shap"].is_monotonic_decreasing
    assert set(shop.model.importance_["model"]) == set(shop.model.boosters())


def test_every_feature_has_a_theme_a_unit_and_a_meaning(features):
    for feature in [*features.columns, *MODEL_MEANINGS]:
        unit, sentence = meaning(feature)
        assert unit
        assert sentence.endswith(".")
        assert theme(feature)


FACTOR_WORDS = (
    r"[\d.]+ times the value|more than 20 times the value|less than a twentieth of the value|"
    "about the same value"
)


def factor_of(words):
    """Return the number that the words of a factor stand for, or the cap."""
    capped = {
        "more than 20 times the value": 20.0,
        "less than a twentieth of the value": 0.05,
        "about the same value": 1.0,
    }
    return capped.get(words) or float(words.removesuffix(" times the value"))


def test_reasons_are_three_different_sentences_that_end_in_a_factor(shop):
    reasons = shop.scores[["reason_1", "reason_2", "reason_3"]]
    assert reasons.apply(lambda column: column.str.fullmatch(rf".+: ({FACTOR_WORDS})")).all(axis=None)
    assert (reasons.nunique(axis=1) == 3).all()


def test_the_first_reason_is_the_strongest(shop):
    factors = shop.scores[["reason_1", "reason_2", "reason_3"]].apply(
        lambda column: column.str.extract(r": ([a-z\d. ]+)$")[0].map(factor_of)
    )
    strength = np.log(factors).abs()
    # Factors are told to two digits.
    assert (strength["reason_1"] >= strength["reason_2"] - 0.06).all()
    assert (strength["reason_2"] >= strength["reason_3"] - 0.06).all()


# The typical active customer is the mean over customers, each counted by P(active).
TYPICAL = {
    "TYPICAL_SINCE": "time_since_last",
    "TYPICAL_DAYS": "frequency",
    "TYPICAL_MONEY": "net_spend",
    "TYPICAL_MEAN": "basket_mean",
    "TYPICAL_AGE": "T",
}
DECIMALS = {"TYPICAL_DAYS": 1, "TYPICAL_MONEY": 2, "TYPICAL_MEAN": 2}
PATTERNS = {
    r"bought on one day only, ([\d,]+) days? ago \(typical active customer TYPICAL_SINCE\)": ("days_since",),
    r"last bought ([\d,]+) days? ago \(typical active customer TYPICAL_SINCE\), usually every ([\d,]+) days?": (
        "days_since",
        "gap",
    ),
    r"last bought ([\d,]+) days? ago \(typical active customer TYPICAL_SINCE\), ([\d,]+) days? after the first time": (
        "days_since",
        "gap",
    ),
    r"([\d,]+) purchase days? \(typical active customer TYPICAL_DAYS\) in ([\d,]+) days?, "
    r"([\d,]+) of them in the last 91": (
        "purchase_days",
        "age",
        "recent",
    ),
    r"([\d,.]+) USD \(typical active customer TYPICAL_MONEY\) to date, "
    r"([\d,.]+) \(typical TYPICAL_MEAN\) per purchase day": (
        "money",
        "mean",
    ),
    r"customer for ([\d,]+) days? \(typical active customer TYPICAL_AGE\)": ("age",),
}


def test_reasons_quote_the_true_facts_of_the_customer(shop, sample):
    told, facts = sample
    means = {
        name: np.average(shop.customers[column], weights=shop.scores["probability_active"])
        for name, column in TYPICAL.items()
    }
    means["TYPICAL_DAYS"] += 1
    patterns = {
        functools.reduce(
            lambda text, name: text.replace(name, re.escape(f"{means[name]:,.{DECIMALS.get(name, 0)}f}")),
            means,
            text,
        ): names
        for text, names in PATTERNS.items()
    }
    checked = dict.fromkeys(patterns, 0)
    for customer, row in told.iterrows():
        own = facts[customer] | {"mean": facts[customer]["money"] / facts[customer]["purchase_days"]}
        for reason in row[["reason_1", "reason_2", "reason_3"]]:
            for pattern, names in patterns.items():
                if found := re.match(pattern, reason):
                    checked[pattern] += 1
                    numbers = [float(number.replace(",", "")) for number in found.groups()]
                    rounding = 0.0051 if "USD" in pattern else 0.51
                    np.testing.assert_allclose(
                        numbers, [own[name] for name in names], atol=rounding, err_msg=reason
                    )
    assert sum(checked.values()) >= 60
    assert sum(count > 0 for count in checked.values()) >= 5, checked
