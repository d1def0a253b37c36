"""Exit plan: stages that rise, sums that reconcile with SQL, and protected customers who are never released."""

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duramen.analysis.break_even import ServiceCosts, customer_contributions
from duramen.analysis.exit_plan import AS_NOW, CHEAPER, plan_exit
from duramen.errors import InputError

COSTS = ServiceCosts(per_order=4, per_customer=1)
RULES = ("probability_growing", "growth_potential", "probability_core", "lifecycle_stage")


@pytest.fixture(scope="module")
def contributions(shop):
    return customer_contributions(shop.scores, 0.3, COSTS, cheaper_service=0.4).customers


@pytest.fixture(scope="module")
def plan(shop, contributions):
    return plan_exit(shop.scores, contributions, keep=[shop.scores["customer_id"].iloc[0]])


def test_each_stage_has_the_sums_of_sql(contributions, plan):
    shown = plan.customers[["customer_id", "stage", "protected_by"]]
    people = shown.astype({"stage": float})  # noqa: F841  read by the query
    by_sql = duckdb.sql(
        """
        with stages as (select unnest(range(1, 5)) as stage),
             lines as (select c.*, p.stage, p.protected_by from contributions c join people p using (customer_id))
        select s.stage,
            count(*) filter (l.stage = s.stage) as released,
            count(*) filter (l.stage is null or l.stage > s.stage) as kept,
            sum(predicted_value) filter (l.stage is null or l.stage > s.stage) as predicted_value_kept,
            sum(contribution) filter (l.stage is null or l.stage > s.stage) as contribution_kept,
            sum(predicted_value) filter (l.stage = s.stage) as predicted_value_released,
            sum(cost_to_serve) filter (l.stage = s.stage) as cost_to_serve_released,
            0.6 * sum(cost_to_serve) filter (l.stage = s.stage) as cost_saved,
            sum(0.3 * predicted_value - if(l.stage <= s.stage, 0.4, 1) * cost_to_serve) as contribution_after
        from stages s cross join lines l group by s.stage order by s.stage
        """
    ).df()
    for column in by_sql:
        assert np.allclose(plan.stages[column], by_sql[column].astype(float)), column
    assert (plan.stages["kept"] + plan.stages["released_so_far"] == len(contributions)).all()


def test_thresholds_rise_to_the_last_and_stages_are_about_equal(plan):
    stages = plan.stages
    assert stages["threshold"].is_monotonic_increasing
    assert stages["threshold"].iloc[-1] == 0
    assert stages["contribution_after"].is_monotonic_increasing
    assert stages["released"].min() > 50
    assert stages["released"].max() - stages["released"].min() <= 4
    lowest, highest = (
        getattr(plan.customers.groupby("stage")["contribution"], end)() for end in ("min", "max")
    )
    thresholds = stages.set_index("stage")["threshold"]
    assert (highest.to_numpy() < thresholds.to_numpy()).all()
    assert (lowest.to_numpy()[1:] >= thresholds.to_numpy()[:-1]).all()


@settings(max_examples=40)
@given(
    stages=st.integers(1, 12), final=st.floats(-2, 20), growing=st.floats(0, 1), core=st.floats(0, 1),
    named=st.integers(0, 30),
)  # fmt: skip
def test_protected_customers_are_never_released_and_all_others_below_the_threshold_are(
    shop, contributions, stages, final, growing, core, named
):
    keep = shop.scores["customer_id"].iloc[:named].tolist()
    made = plan_exit(
        shop.scores, contributions, stages=stages, final_threshold=final, growing_share=growing, core_above=core,
        keep=keep,
    )  # fmt: skip
    both = made.customers.merge(shop.scores, on="customer_id", validate="one_to_one")
    protected = (
        both["customer_id"].isin(keep)
        | (both["probability_core"] > core)
        | (both["lifecycle_stage"] == "building")
    )
    if growing > 0:
        for name in ("probability_growing", "growth_potential"):
            protected |= (both[name] > 0) & (both[name] >= np.quantile(both[name], 1 - growing))
    below = both["contribution"] < final
    assert (both["stage"].notna() == (below & ~protected)).all()
    assert (both["protected_by"].notna() == (below & protected)).all()
    assert len(made.stages) == stages
    assert made.stages["threshold"].is_monotonic_increasing


def test_released_customers_are_still_served_and_the_reasons_of_the_others_are_shown(shop, plan):
    released = plan.customers["stage"].notna()
    assert set(plan.customers.loc[released, "service"]) == {CHEAPER}
    assert set(plan.customers.loc[~released, "service"]) == {AS_NOW}
    reasons = plan.customers.set_index("customer_id")["protected_by"].dropna()
    assert reasons.str.contains("growing").any()
    by_id = plan_exit(
        shop.scores, plan.customers.merge(_money(shop), on="customer_id"), keep=reasons.index, stages=2
    )
    assert by_id.customers["protected_by"].dropna().str.contains("kept by the firm").all()


def _money(shop):
    return customer_contributions(shop.scores, 0.3, COSTS).customers.drop(columns="contribution")


def test_what_is_not_known_protects_nobody_and_the_plan_says_so(shop, contributions):
    bare = plan_exit(
        shop.scores.drop(columns=list(RULES)), contributions.drop(columns="contribution_cheaper_service")
    )
    for name in (*RULES, "contribution_cheaper_service"):
        assert sum(name in note for note in bare.notes) == 1
    assert bare.stages["protected"].sum() == 0
    assert "cost_saved" not in bare.stages
    assert bare.stages["released_so_far"].iloc[-1] == contributions["below_break_even"].sum()


def test_nobody_below_the_threshold_is_a_plan_without_releases(shop, contributions):
    calm = plan_exit(shop.scores, contributions, final_threshold=-1e6)
    assert calm.stages["released"].sum() == 0
    assert calm.customers["stage"].isna().all()


def test_the_order_of_rows_does_not_matter(shop, contributions, plan):
    again = plan_exit(
        shop.scores.sample(frac=1, random_state=1), contributions.sample(frac=1, random_state=2),
        keep=[shop.scores["customer_id"].iloc[0]],
    )  # fmt: skip
    pd.testing.assert_frame_equal(again.customers, plan.customers)
    pd.testing.assert_frame_equal(again.stages, plan.stages)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"stages": 0}, "stages is 0"), ({"stages": 2.5}, "stages is 2.5"), ({"core_above": 2}, "core_above is 2"),
        ({"growing_share": -1}, "growing_share is -1"), ({"final_threshold": np.nan}, "final_threshold is nan"),
        ({"keep": ["nobody"]}, "1 customers to keep are in no row"),
    ],
)  # fmt: skip
def test_a_setting_that_is_not_valid_is_refused_with_what_to_give(shop, contributions, options, sentence):
    with pytest.raises(InputError, match=sentence):
        plan_exit(shop.scores, contributions, **options)


def test_contributions_of_other_customers_are_refused(shop, contributions):
    with pytest.raises(InputError, match="give those that customer_contributions returned"):
        plan_exit(shop.scores, contributions.iloc[1:])
    with pytest.raises(InputError, match="no column contribution"):
        plan_exit(shop.scores, contributions.drop(columns="contribution"))
