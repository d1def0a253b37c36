"""What the model passes on to its segments, and what of it survives saving."""

import pytest

from duramen.forecast.settings import ForecastSettings
from duramen.scoring.model import CoreCustomerModel
from duramen.segments.segmenter import WEIGHTS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def following(shop):
    """A model fitted after the shop's, with settings of its own."""
    model = CoreCustomerModel(
        growth_weight=0.5,
        segment_weights={"trend": 1},
        forecast=ForecastSettings(training_customers=500),
    )
    return model.fit(shop.tx, shop.window, previous=shop.model)


def test_segments_keep_the_numbers_of_the_model_before(shop, following):
    assert set(following.segments_.changes_["change"]) == {"kept"}
    assert set(following.segments_.numbers_) == set(shop.model.segments_.numbers_)


def test_settings_reach_the_segments_and_survive_saving(following, tmp_path):
    loaded = CoreCustomerModel.load(following.save(tmp_path / "model"))
    for model in (following, loaded):
        assert model.segments_.weights_ == WEIGHTS
    assert loaded.segments_.to_dict() == following.segments_.to_dict()
    assert loaded.model_version_ == following.model_version_
