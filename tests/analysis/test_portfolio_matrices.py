"""Customers in cells of loyalty, size and credit: everybody in one, every cell named, money that adds up."""

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from duramen.analysis.portfolio_axes import (
    LOYALTY_BY_CREDIT,
    LOYALTY_BY_SIZE,
    LOYALTY_BY_SIZE_BY_CREDIT,
    MATRICES,
    UNGRADED,
    Axes,
    Axis,
)
from duramen.analysis.portfolio_matrices import loyalty, place_customers, portfolio
from duramen.data.outcomes import customer_outcomes
from duramen.errors import InputError
from duramen.forecast.growth import past_value

FEW = settings(max_examples=25)
GRADES = ["AAA", "AA+", "AA", "A-", "BBB", "C"]
THREE = Axes(
    loyalty=Axis(("wavering", "habitual", "loyal"), (0.33, 0.67)),
    size=Axis(("small", "middling", "large"), (0.5, 0.9)),
)


@pytest.fixture(scope="module")
def credit(shop):
    rng = np.random.default_rng(0)
    ids = shop.customers["customer_id"]
    return pd.Series(rng.choice(GRADES, len(ids)), index=pd.Index(ids))


@pytest.mark.parametrize("axes", [Axes(), THREE], ids=["two levels", "three levels"])
@pytest.mark.parametrize("matrix", MATRICES, ids=" x ".join)
def test_everybody_is_in_one_cell_and_all_money_is_counted(shop, credit, matrix, axes):
    some = credit.iloc[::2] if "credit" in matrix else None
    table = portfolio(shop.ranking, shop.customers, shop.window.horizon, matrix, some, axes)
    assert table["customers"].sum() == len(shop.ranking)
    assert table["share_of_customers"].sum() == pytest.approx(1)
    assert table["share_of_value_now"].sum() == pytest.approx(1)
    assert table["value_now"].sum() == pytest.approx(past_value(shop.customers, shop.window.horizon).sum())
    for column in ("predicted_value", "growth_potential"):
        assert table[column].sum() == pytest.approx(shop.ranking[column].sum())
    churn = (table["customers"] * table["churn_probability_mean"].fillna(0)).sum()
    assert churn == pytest.approx(shop.ranking["churn_probability"].sum())
    assert table["cell"].is_unique
    assert table["treatment"].str.len().min() > 10
    assert (table["cell"] == UNGRADED).any() == ("credit" in matrix)


def test_every_cell_of_every_matrix_has_a_name_that_no_other_has():
    names = [Axes().cell(matrix, place).name for matrix in MATRICES for place in Axes().places(matrix)]
    assert len(names) == len(set(names)) == 4 + 4 + 8
    assert names[:4] == ["cash cow", "tomorrow's customer", "to be warmed up", "barely worth keeping"]


def test_corners_of_three_levels_keep_their_names_and_what_lies_between_says_between_which():
    cells = {
        THREE.key(LOYALTY_BY_SIZE, p): THREE.cell(LOYALTY_BY_SIZE, p) for p in THREE.places(LOYALTY_BY_SIZE)
    }
    assert len(cells) == len({cell.name for cell in cells.values()}) == 9
    assert cells["loyal, large"].name == "cash cow"
    assert cells["loyal, middling"].treatment.startswith("between tomorrow's customer and cash cow")


def test_cells_without_anybody_are_shown_with_none(shop):
    axes = Axes(size=Axis(("small", "large"), (1e9,), by="value"))
    table = portfolio(shop.ranking, shop.customers, shop.window.horizon, axes=axes).set_index("cell")
    empty = table.loc[["cash cow", "to be warmed up"]]
    assert (empty[["customers", "value_now", "predicted_value", "share_of_customers"]] == 0).all(axis=None)
    assert empty["churn_probability_mean"].isna().all()


def test_the_order_of_rows_and_the_callers_frames_do_not_matter(shop, credit):
    before = shop.ranking.copy(), shop.customers.copy()
    mixed = [frame.sample(frac=1, random_state=1) for frame in (shop.ranking, shop.customers, credit)]
    straight, other = (
        portfolio(ranking, customers, shop.window.horizon, LOYALTY_BY_SIZE_BY_CREDIT, grades)
        for ranking, customers, grades in ((shop.ranking, shop.customers, credit), mixed)
    )
    pd.testing.assert_frame_equal(straight, other)
    pd.testing.assert_frame_equal(shop.ranking, before[0])
    pd.testing.assert_frame_equal(shop.customers, before[1])


def test_ten_times_the_money_leaves_everybody_in_the_same_cell(shop):
    money = [name for name in shop.ranking if name.startswith(("predicted_value", "growth_potential"))]
    ranking = shop.ranking.assign(**{name: 10 * shop.ranking[name] for name in money})
    customers = shop.customers.assign(net_spend=10 * shop.customers["net_spend"])
    cells = [
        place_customers(r, c, shop.window.horizon)["cell"]
        for r, c in ((shop.ranking, shop.customers), (ranking, customers))
    ]
    assert cells[0].equals(cells[1])


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 90), st.integers(0, 400)), min_size=1, max_size=20)
)
@FEW
def test_loyalty_lies_between_0_and_1_falls_with_silence_and_knows_no_unit_of_time(lives):
    repeats, gap, silence = np.array(lives, dtype=float).T
    table = pd.DataFrame({"frequency": repeats, "gap_mean": np.where(repeats > 0, gap, np.nan),
                          "time_since_last": silence + 1, "T": repeats * gap + silence + 1})  # fmt: skip
    share = loyalty(table)
    assert ((share >= 0) & (share < 1)).all()
    assert (share[repeats == 0] == 0).all()
    later = loyalty(table.assign(time_since_last=table["time_since_last"] + 7))
    assert (later[repeats > 0] < share[repeats > 0]).all()
    if (repeats > 0).any():
        weeks = table.assign(**{name: table[name] / 7 for name in ("gap_mean", "time_since_last", "T")})
        np.testing.assert_allclose(loyalty(weeks), share)


def test_a_cut_is_the_median_of_the_customers_and_is_told(shop):
    placed = place_customers(shop.ranking, shop.customers, shop.window.horizon)
    assert placed.attrs["cuts"]["size"] == [pytest.approx(placed["value_now"].median())]
    assert ((placed["size"] == "large") == (placed["value_now"] > placed.attrs["cuts"]["size"][0])).all()
    assert placed["customer_id"].tolist() == shop.ranking["customer_id"].tolist()


def test_size_is_the_predicted_value_where_that_is_asked_for(shop):
    placed = place_customers(
        shop.ranking, shop.customers, shop.window.horizon, axes=Axes(size_from="predicted")
    )
    assert placed["size_value"].equals(placed["predicted_value"])


@pytest.mark.parametrize(
    ("grades", "told", "good"),
    [
        (["B", "A", "AA", "B-"], (), ["A", "AA"]),
        ([700, 650, 300, 810, 500], (), [700, 810]),
        (["low", "high", "mid", "low"], ("low", "mid", "high"), ["low"]),
        ([1, 2, 3, 1], (1, 2, 3), [1]),
        (["A", "A", "A", "B"], (), ["A"]),
    ],
)
def test_credit_is_a_grade_or_a_number_of_which_the_better_half_is_good(shop, grades, told, good):
    ids = pd.Index(shop.customers["customer_id"])
    credit = pd.Series(np.resize(np.array(grades, dtype=object), len(ids)), index=ids)
    axes = Axes(credit_grades=told)
    placed = place_customers(shop.ranking, shop.customers, 91, LOYALTY_BY_CREDIT, credit, axes)
    is_good = placed["customer_id"].map(credit).isin(good)
    assert ((placed["credit"] == "good credit") == is_good).all()


def test_what_each_cell_then_spent_is_the_mean_of_its_customers(shop):
    outcomes = customer_outcomes(shop.tx, shop.window, shop.customers).set_index("customer_id")["value"]
    table = portfolio(shop.ranking, shop.customers, shop.window.horizon, then_spent=outcomes)
    assert (table["customers"] * table["then_spent_mean"]).sum() == pytest.approx(outcomes.sum())
    with pytest.raises(InputError, match=r"then_spent lacks 1 customers .* 0 where there was none"):
        portfolio(shop.ranking, shop.customers, 91, then_spent=outcomes.iloc[1:])


# Bad input ---------------------------------------------------------------------------------------------------------


def test_a_credit_matrix_without_credit_says_that_it_needs_one(shop):
    with pytest.raises(InputError, match=r"needs the credit of each customer; .* or ask for loyalty x size"):
        portfolio(shop.ranking, shop.customers, 91, LOYALTY_BY_CREDIT)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (
            ["good", "bad"],
            "the grade '(good|bad)', whose order is not known; give credit_grades",
        ),
        ([None, None], "credit is known of none of the .* customers"),
        (["A", "A"], r"all .* customers have the same credit .* give cuts of credit by value"),
    ],
)
def test_credit_that_orders_nobody_is_refused(shop, values, told):
    ids = pd.Index(shop.customers["customer_id"])
    credit = pd.Series(np.resize(np.array(values, dtype=object), len(ids)), index=ids)
    with pytest.raises(InputError, match=told):
        portfolio(shop.ranking, shop.customers, 91, LOYALTY_BY_CREDIT, credit)


def test_grades_beside_those_that_were_ordered_are_refused(shop, credit):
    axes = Axes(credit_grades=("AAA", "C"))
    with pytest.raises(InputError, match=r"which is none of AAA, C; give credit_grades, all of them"):
        portfolio(shop.ranking, shop.customers, 91, LOYALTY_BY_CREDIT, credit, axes)


def test_customers_that_are_twice_or_unknown_are_refused(shop, credit):
    with pytest.raises(InputError, match=r"1 ranked customers are not in the customer table"):
        portfolio(
            shop.ranking, shop.customers[shop.customers["customer_id"] != shop.ranking["customer_id"][0]], 91
        )
    with pytest.raises(InputError, match="two rows in the ranking or in the customer table"):
        portfolio(pd.concat([shop.ranking, shop.ranking.head(1)]), shop.customers, 91)
    with pytest.raises(InputError, match=r"credit has 1 customers twice"):
        portfolio(shop.ranking, shop.customers, 91, LOYALTY_BY_CREDIT, pd.concat([credit, credit.head(1)]))
    with pytest.raises(InputError, match="the ranking lacks churn_probability"):
        portfolio(shop.ranking.drop(columns="churn_probability"), shop.customers, 91)
    with pytest.raises(InputError, match=r"there is no matrix \('size',\)"):
        portfolio(shop.ranking, shop.customers, 91, ("size",))


def test_customers_who_all_came_once_have_no_loyalty_to_be_parted_by(shop):
    once = shop.customers[shop.customers["frequency"] == 0]
    ranking = shop.ranking[shop.ranking["customer_id"].isin(once["customer_id"])]
    with pytest.raises(InputError, match=r"all .* customers have the same loyalty \(0\)"):
        portfolio(ranking, once, 91)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"colour": 1}, "no setting 'colour'; the settings are loyalty, size, credit"),
        ({"size": {"cut": 1}}, "write by and cuts and levels of it"),
        ({"size": {"cuts": [0.5, 0.9]}}, "give 1, rising"),
        ({"size": {"cuts": [2.0]}}, "shares of the customers; give them between 0 and 1"),
        ({"size": {"levels": ["a", "b", "c"], "cuts": [0.9, 0.5]}}, "give 2, rising"),
        ({"size": {"cuts": ["half"]}}, "give 1, rising"),
        ({"size": {"by": "rank"}}, "write 'quantile' or 'value'"),
        ({"size": {"levels": ["one"]}}, "give two or three different names"),
        ({"size": {"levels": ["a,b", "c"]}}, "a name without a comma"),
        ({"size": {"levels": ["wavering", "big"]}}, "two axes have a level 'wavering'"),
        ({"size_from": "future"}, "write 'past' or 'predicted'"),
        ({"credit_grades": ["A", "A"]}, "have one twice"),
        ({"cells": {"rich, large": {"name": "x", "treatment": "y"}}}, "there is no cell 'rich, large'"),
        ({"cells": {"loyal, large": {"name": "x"}}}, "write name and treatment of it"),
        ({"cells": {"loyal, large": {"name": "to be warmed up", "treatment": "y"}}}, "two cells are named"),
    ],
)  # fmt: skip
def test_settings_that_fit_no_matrix_are_refused(settings, told):
    with pytest.raises(InputError, match=told):
        Axes.from_dict(settings)


def test_settings_of_a_file_change_what_they_name_and_no_more(shop):
    axes = Axes.from_dict(
        {"size": {"levels": ["low", "mid", "top"], "cuts": [10, 50], "by": "value"}, "size_from": "predicted",
         "cells": {"loyal, top": {"name": "star", "treatment": "keep them at any price"}}}
    )  # fmt: skip
    table = portfolio(shop.ranking, shop.customers, 91, axes=axes)
    assert table["cell"].iloc[0] == "star"
    assert table["size"].tolist() == ["top", "mid", "low"] * 2
    assert table.attrs["cuts"]["size"] == [10, 50]
    assert axes.loyalty == Axes().loyalty
