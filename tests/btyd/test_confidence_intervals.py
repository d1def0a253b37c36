"""Parameter intervals cover the truth as often as they should, on 200 simulated worlds a model."""

import numpy as np
import pandas as pd
import pytest
from tests.histories import simulate

from duramen.btyd import BetaGeoModel, GammaGammaModel, ModifiedBetaGeoModel, ParetoNBDModel

WORLDS = 200


def coverage(fitted, truth):
    """Share of worlds whose 95 % interval covers the truth, one a parameter."""
    covered = []
    for model in fitted:
        intervals = model.confidence_intervals(0.95).to_numpy()
        covered.append((intervals[:, 1] < truth) & (truth < intervals[:, 2]))
        covariance = model.covariance_.to_numpy()
        assert (covariance == covariance.T).all()
        assert (np.linalg.eigvalsh(covariance) > 0).all()
    return np.mean(covered, axis=0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cls", "kind", "params"),
    [
        (BetaGeoModel, "plain", (0.8, 8.0, 0.9, 2.5)),
        (ModifiedBetaGeoModel, "modified", (0.8, 8.0, 0.9, 2.5)),
        (ParetoNBDModel, "pareto", (0.8, 8.0, 0.9, 12.0)),
    ],
)
def test_95_percent_intervals_cover_the_truth_in_92_to_98_percent_of_worlds(cls, kind, params):
    fitted = (cls().fit(simulate(kind, params, 2500, 80.0, seed)) for seed in range(WORLDS))
    share = coverage(fitted, np.array(params))
    assert ((share >= 0.92) & (share <= 0.98)).all()


@pytest.mark.slow
def test_gamma_gamma_intervals_cover_the_truth_too():
    def world(seed):
        rng = np.random.default_rng(seed)
        x = rng.geometric(0.4, 1500)
        money = rng.gamma(4.0 * x) / rng.gamma(3.0, 1 / 20.0, 1500) / x
        return pd.DataFrame({"frequency": x, "monetary_value": money})

    share = coverage(
        (GammaGammaModel().fit(world(seed)) for seed in range(WORLDS)), np.array([4.0, 3.0, 20.0])
    )
    assert ((share >= 0.92) & (share <= 0.98)).all()
