"""Whether a campaign was randomised: experiments pass, selections of several shapes do not."""

import numpy as np
import pandas as pd
import pytest

from duramen.errors import InputError
from duramen.evaluation.randomisation import balance_test


def customers(seed, count=600):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(rng.gamma(1.0, 50.0, (count, 6)), columns=[f"feature_{i}" for i in range(6)])
    return table.mask(rng.random(table.shape) < 0.05)


def test_random_assignments_are_refused_at_the_nominal_rate():
    p_values = []
    for seed in range(60):
        group = np.random.default_rng(seed + 500).random(600) < 0.3
        p_values.append(balance_test(customers(seed), group, seed).p_value)
    assert np.mean(np.array(p_values) < 0.1) < 0.22  # at most 13 of 60 in 999 of 1,000 such tests
    assert np.mean(p_values) == pytest.approx(0.5, abs=0.12)


@pytest.mark.parametrize(
    "selected",
    [
        lambda table, noise: table["feature_2"].fillna(50) + 80 * noise > 60,
        lambda table, noise: (table["feature_2"].rank(pct=True).fillna(0.5) - 0.5).abs() + 0.2 * noise < 0.25,
        lambda table, noise: table["feature_2"].isna() | (noise > 0),
    ],
    ids=["the large ones", "those in the middle", "those without a value"],
)
def test_selections_of_any_shape_are_found(selected):
    table = customers(1, 3_000)
    noise = np.random.default_rng(2).standard_normal(3_000)
    found = balance_test(table, selected(table, noise))
    assert not found.random
    assert found.auc > 0.52


def test_the_most_unbalanced_feature_is_named_with_its_difference():
    table = customers(3)
    group = table["feature_4"].fillna(0) > 40
    found = balance_test(table, group)
    row = found.features.iloc[0]
    with_, without = table.loc[group, "feature_4"], table.loc[~group, "feature_4"]
    assert row["feature"] == "feature_4"
    assert row["difference"] == pytest.approx(
        (with_.mean() - without.mean()) / np.sqrt((with_.var() + without.var()) / 2)
    )
    assert "the most unbalanced features are feature_4 (+" in found.sentence
    assert found.treated_share == group.mean()


def test_constant_and_missing_features_do_not_differ():
    group = np.arange(200) % 2
    table = customers(4, 200).assign(constant=1.0, nothing=np.nan)
    rows = balance_test(table, group).features.set_index("feature")
    assert rows.loc[["constant", "nothing"], "difference"].tolist() == [0, 0]


def test_groups_that_are_too_small_or_not_0_and_1_are_refused():
    with pytest.raises(InputError, match="30 treated and 170 control customers; an experiment needs 50"):
        balance_test(customers(5, 200), np.arange(200) < 30)
    with pytest.raises(InputError, match="treated is neither 0 nor 1 for 200 customers"):
        balance_test(customers(5, 200), np.full(200, 0.5))
    with pytest.raises(InputError, match="no numeric column"):
        balance_test(pd.DataFrame({"customer_id": range(200)}), np.arange(200) % 2)
