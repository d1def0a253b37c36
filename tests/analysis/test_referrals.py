"""Referrals: credit that is conserved and agrees with recursive SQL, and circles and unknown ids that are refused."""

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duramen.analysis.referrals import referral_value
from duramen.data.customer_file import read_customer_file
from duramen.errors import InputError


@st.composite
def forests(draw):
    """Draw customers with values, each referred by one before them or by nobody."""
    size = draw(st.integers(1, 25))
    above = [draw(st.integers(-1, number - 1)) for number in range(size)]
    value = draw(st.lists(st.floats(0, 1000), min_size=size, max_size=size))
    scores = pd.DataFrame({"customer_id": [f"c{number}" for number in range(size)], "predicted_value": value})
    referred = pd.Series({f"c{n}": f"c{a}" for n, a in enumerate(above) if a >= 0}, dtype=object)
    return scores, referred


@settings(max_examples=150)
@given(forests(), st.floats(0, 1))
def test_credit_is_that_of_recursive_sql_and_sums_to_the_value_of_the_referred(forest, decay):
    scores, referred = forest
    made = referral_value(scores, referred, decay=decay)
    edges = pd.DataFrame(  # noqa: F841
        {"child": referred.index.astype(str), "above": referred.astype(str).to_numpy()}
    )
    by_sql = duckdb.sql(
        f"""
        with recursive chain as (
            select child::varchar as child, above::varchar as above, 0 as up from edges
            union all select c.child, e.above::varchar, up + 1 from chain c join edges e on c.above = e.child::varchar),
        parts as (
            select *, pow({decay!r}::double, up) / sum(pow({decay!r}::double, up)) over (partition by child) as part
            from chain)
        select s.customer_id, coalesce(sum(v.predicted_value * part), 0) as credited, count(child) as in_all,
            count(child) filter (up = 0) as directly
        from scores s left join parts p on p.above = s.customer_id left join scores v on v.customer_id = p.child
        group by s.customer_id
        """
    ).df()  # fmt: skip
    both = made.merge(by_sql, on="customer_id", validate="one_to_one")
    assert len(both) == len(scores)
    assert np.allclose(both["credited_value"], both["credited"])
    assert (both["referred_in_all"] == both["in_all"]).all()
    assert (both["referred_directly"] == both["directly"]).all()
    brought = scores.loc[scores["customer_id"].isin(referred.index), "predicted_value"].sum()
    assert made["credited_value"].sum() == pytest.approx(brought)
    assert made["own_value"].sum() == pytest.approx(scores["predicted_value"].sum())


def test_a_decay_of_0_credits_the_direct_referrer_alone_and_1_all_alike():
    scores = pd.DataFrame({"customer_id": list("abcd"), "predicted_value": [1.0, 2.0, 3.0, 6.0]})
    chain = pd.Series({"b": "a", "c": "b", "d": "c"})
    credited = {
        decay: referral_value(scores, chain, decay=decay).set_index("customer_id")["credited_value"]
        for decay in (0, 1)
    }
    assert credited[0].loc[list("abcd")].tolist() == [2, 3, 6, 0]
    assert credited[1].loc[list("abcd")].tolist() == [2 + 1.5 + 2, 1.5 + 2, 2, 0]


def test_the_customer_file_brings_the_column_and_ids_of_any_type_meet(shop):
    scores = shop.scores.assign(customer_id=np.arange(len(shop.scores)))
    file = read_customer_file(
        pd.DataFrame({"customer": ["0", "1", "2", "3"], "Referred by": [None, "0.0", "0", "2"]})
    )
    of = file.of("referred_by", scores["customer_id"])
    made = referral_value(scores, of).set_index("customer_id")
    assert made["referred_in_all"].sort_values().tail(2).tolist() == [1, 3]
    assert made.index.dtype == scores["customer_id"].dtype
    value = scores["predicted_value"].iloc[:4].tolist()
    assert made["credited_value"].sum() == pytest.approx(sum(value[1:]))
    by_column = referral_value(scores.assign(referred_by=of.to_numpy()))
    pd.testing.assert_frame_equal(by_column, made.reset_index())


def test_nobody_referred_is_a_table_of_zeros(shop):
    made = referral_value(shop.scores, pd.Series(dtype=object))
    assert made[["referred_directly", "referred_in_all", "credited_value"]].to_numpy().sum() == 0


def test_a_chain_of_a_hundred_thousand_is_no_trouble():
    size = 100_000
    scores = pd.DataFrame({"customer_id": np.arange(size), "predicted_value": 1.0})
    made = referral_value(scores, pd.Series(np.arange(size - 1), index=np.arange(1, size)))
    assert made["credited_value"].sum() == pytest.approx(size - 1)
    assert made["referred_in_all"].max() == size - 1


@settings(max_examples=60)
@given(forests(), st.integers(0, 24), st.integers(0, 24))
def test_a_circle_is_refused_and_named(forest, first, second):
    scores, referred = forest
    size = len(scores)
    low, high = sorted((first % size, second % size))
    chain = pd.Series({f"c{number}": f"c{number - 1}" for number in range(low + 1, high + 1)}, dtype=object)
    closed = pd.concat([chain, pd.Series({f"c{low}": f"c{high}"})])
    others = referred[~referred.index.isin(closed.index)]
    circle = f"{high - low + 1} customers are referred by each other in a circle"
    with pytest.raises(InputError, match=circle if low < high else f"'c{low}' is given as its own referrer"):
        referral_value(scores, pd.concat([others, closed]))


@pytest.mark.parametrize(
    ("referred", "sentence"),
    [
        ({"b": "x"}, r"1 referrers are not among the customers \(for example 'x'\)"),
        ({"x": "a"}, r"1 referred customers are not among the customers \(for example 'x'\)"),
        ({"a": "a"}, "'a' is given as its own referrer"),
        ({"a": "b", "b": "a"}, "2 customers .* in a circle"),
    ],
)
def test_ids_and_chains_that_cannot_be_are_refused(referred, sentence):
    scores = pd.DataFrame({"customer_id": list("abc"), "predicted_value": 1.0})
    with pytest.raises(InputError, match=sentence):
        referral_value(scores, pd.Series(referred))


def test_what_is_missing_or_twice_is_refused():
    scores = pd.DataFrame({"customer_id": list("abc"), "predicted_value": 1.0})
    with pytest.raises(InputError, match="add a column referred_by to the customer file"):
        referral_value(scores)
    with pytest.raises(InputError, match="1 customers have two referrers"):
        referral_value(scores, pd.Series(["a", "b"], index=["c", "c"]))
    with pytest.raises(InputError, match="decay is 2"):
        referral_value(scores, pd.Series({"b": "a"}), decay=2)
    with pytest.raises(InputError, match="no column clv"):
        referral_value(scores, pd.Series({"b": "a"}), value="clv")
