"""Partitions: what is chosen among planted groups, and that a saved one assigns as the method did."""

import json

import numpy as np
import pandas as pd
import pytest

from duramen.segments.clustering import LEAST_VARIANCE, METHODS, Partition, choose_partition


@pytest.fixture(scope="module")
def groups():
    """Four round groups, far apart."""
    rng = np.random.default_rng(0)
    centres = np.array([[0.0, 0, 0, 0], [6, 0, 0, 0], [0, 6, 0, 0], [6, 6, 0, 6]])
    truth = np.repeat(np.arange(4), [400, 300, 200, 100])
    return centres[truth] + rng.normal(0, 0.5, (1000, 4)), truth


def test_planted_groups_are_found_and_perfectly_stable(groups):
    from sklearn.metrics import adjusted_rand_score

    points, truth = groups
    partition, table = choose_partition(points, seed=0)
    assert adjusted_rand_score(truth, partition.assign(points)) > 0.99
    assert table.loc[table["chosen"], "stability"].item() > 0.99
    dense = table[table["method"] == "HDBSCAN"]
    assert dense["agreement"].max() > 0.9


def test_a_mixture_assigns_as_scikit_learn_does(groups):
    from sklearn.mixture import GaussianMixture

    points, _ = groups
    theirs = GaussianMixture(5, reg_covar=LEAST_VARIANCE, random_state=0).fit(points)
    ours = Partition("Gaussian mixture", theirs.means_, theirs.covariances_, theirs.weights_)
    np.testing.assert_array_equal(ours.assign(points), theirs.predict(points))


@pytest.mark.parametrize("shape", [False, True])
def test_a_partition_survives_json_and_another_order_of_its_segments(shape):
    rng = np.random.default_rng(0)
    points, centres = rng.normal(size=(50, 4)), rng.normal(size=(3, 4))
    extra = (np.stack([np.eye(4) * size for size in (1, 2, 3)]), np.array([0.5, 0.3, 0.2])) if shape else ()
    partition = Partition(METHODS[int(shape)], centres, *extra)
    again = Partition.from_dict(json.loads(json.dumps(partition.to_dict())))
    np.testing.assert_array_equal(again.assign(points), partition.assign(points))
    order = np.array([2, 0, 1])
    np.testing.assert_array_equal(order[partition.ordered(order).assign(points)], partition.assign(points))


@pytest.mark.slow
def test_what_is_in_use_is_kept_where_it_is_eligible_still(groups):
    points, _ = groups
    chosen, table = choose_partition(points, seed=0)
    assert (chosen.method, len(chosen.centres)) == ("k-means", 4)
    assert table.query("method == 'Gaussian mixture' and segments == 4")["eligible"].item()
    before = Partition("Gaussian mixture", chosen.centres)
    kept, _ = choose_partition(points, seed=0, before=before)
    assert (kept.method, len(kept.centres)) == ("Gaussian mixture", 4)
    np.testing.assert_allclose(kept.centres, chosen.centres, atol=0.1)


@pytest.mark.parametrize("kinds", [1, 2, 3])
def test_too_few_kinds_are_one_segment_and_nothing_is_tried(kinds):
    partition, table = choose_partition(np.repeat(np.eye(4)[:kinds], 20, axis=0), seed=0)
    assert len(partition.centres) == 1
    assert not table["chosen"].any()
    assert isinstance(table, pd.DataFrame)
