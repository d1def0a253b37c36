"""A row with weight k is k equal rows, for every model: parameters, intervals, checks, notes and report."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duramen.btyd import BetaGeoModel, GammaGammaModel, ModifiedBetaGeoModel, ParetoNBDModel

MODELS = {
    "BG/NBD": lambda: BetaGeoModel(),
    "BG/CNBD-2": lambda: BetaGeoModel(2),
    "MBG/NBD": lambda: ModifiedBetaGeoModel(),
    "Pareto/NBD": lambda: ParetoNBDModel(),
    "Pareto/NBD with covariates": lambda: ParetoNBDModel(["loyal"], ["loyal", "distance"]),
    "gamma-gamma": lambda: GammaGammaModel(),
}


@st.composite
def counted_customers(draw):
    """Draw customers of every kind, few enough to be alike at times, each with the number of times it occurs."""
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(0, 6), st.integers(0, 8), st.integers(1, 8), st.sampled_from([1.0, 3.0, 8.0, 9.5, 30.0]),
                st.integers(0, 1), st.sampled_from([0.0, 1.5, 40.0]), st.integers(0, 4),
            ),
            min_size=3,
            max_size=25,
        ).filter(lambda rows: len({row[3] for row in rows if row[0] and row[-1]}) > 2)
    )  # fmt: skip
    frequency, part, age, money, loyal, distance, count = map(np.array, zip(*rows, strict=True))
    repeat = frequency > 0
    age = age * 7.0
    customers = pd.DataFrame(
        {
            "frequency": frequency,
            "recency": np.where(repeat, age * part / 8, 0.0),
            "T": age,
            "monetary_value": np.where(repeat, money, np.nan),
            "log_gaps": frequency * np.log(age / (frequency + 1)),
            "loyal": loyal,
            "distance": distance,
        }
    )
    return customers, count


def assert_alike(one, two, rel):
    """Compare what two fits report: text and whole numbers exactly, figures to rounding, a matrix at its scale."""
    if isinstance(one, dict):
        assert one.keys() == two.keys()
        for key in one:
            assert_alike(one[key], two[key], rel)
    elif isinstance(one, list) and np.ndim(one) == 2:
        np.testing.assert_allclose(two, one, rtol=rel, atol=rel * np.abs(one).max())
    elif isinstance(one, list):
        assert len(one) == len(two)
        for left, right in zip(one, two, strict=True):
            assert_alike(left, right, rel)
    elif isinstance(one, float):
        assert two == pytest.approx(one, rel=rel, abs=1e-6)
    else:
        assert one == two


def report(model):
    saved = model.to_dict()
    if isinstance(model, GammaGammaModel):
        # amounts are summed row by row, so that rounding may decide on one more step of a flat search
        for start in saved["convergence"]["starts"]:
            del start["iterations"]
    return saved


def relevant(model, customers):
    return customers["frequency"] > 0 if isinstance(model, GammaGammaModel) else np.full(len(customers), True)


@pytest.mark.slow
@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
@settings(max_examples=25)
@given(counted=counted_customers())
def test_a_weight_of_k_is_k_repeated_rows(make, counted):
    customers, count = counted
    weighted = make().fit(customers, sample_weight=count)
    repeated = make().fit(customers.loc[customers.index.repeat(count)])
    assert weighted.convergence_.customers == count[relevant(weighted, customers)].sum()
    # the place of a maximum in a direction that is nearly flat is known to fewer digits
    rel = 1e-3 if weighted.convergence_.weak else 1e-6
    # covariance_ is made of params and log_covariance, which are in the report
    assert_alike(report(weighted), report(repeated), rel)
    # in logs: where the data say nothing, bounds lie up to e**200 away
    one, two = (np.log(model.confidence_intervals()) for model in (weighted, repeated))
    pd.testing.assert_frame_equal(one, two, rtol=rel, atol=rel)


def test_the_check_of_independence_ranks_weighted_customers_as_repeated_ones():
    customers = pd.DataFrame({"frequency": [1, 2, 3, 4, 5], "monetary_value": [30.0, 20.0, 25.0, 10.0, 40.0]})
    count = [12, 9, 7, 5, 1]
    weighted = GammaGammaModel().fit(customers, sample_weight=count)
    repeated = customers.loc[customers.index.repeat(count)]
    theirs = repeated["frequency"].corr(repeated["monetary_value"], method="spearman")
    assert weighted.spend_correlation_["spearman"] == pytest.approx(theirs, rel=1e-12)
    assert any("independent" in note for note in weighted.convergence_.notes)
