"""Every metric is stated once, and all that evaluates takes it from there."""

from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from duramen.evaluation.registry import METRICS, describe_metrics, metric

DOCS = Path(__file__).parents[2] / "docs"


def test_each_metric_has_a_unit_a_direction_and_a_sentence():
    table = describe_metrics()
    assert not table.duplicated(["target", "metric"]).any()
    assert set(table["requires"]) == {"order", "money", "probability", "distribution", "groups"}
    assert set(table["unit"]) == {"share", "money", "times", "0 to 1", "-1 to 1"}
    assert set(table["better"]) == {"higher", "lower", "nearest to 0"}
    assert table["meaning"].str.fullmatch(r"[A-Z].*\.").all()


def test_the_same_name_has_the_same_function_unit_and_direction_for_every_target():
    for one in METRICS:
        for other in METRICS:
            if one.name == other.name:
                assert getattr(one.function, "func", one.function) == getattr(
                    other.function, "func", other.function
                )
                assert (one.unit, one.higher_is_better, one.meaning) == (
                    other.unit,
                    other.higher_is_better,
                    other.meaning,
                )


def test_the_table_in_the_documentation_is_that_of_the_registry():
    table = describe_metrics().astype(str)
    lines = [
        f"| {' | '.join(cells)} |" for cells in (list(table), ["---"] * table.shape[1], *table.to_numpy())
    ]
    assert "\n".join(lines) in (DOCS / "reference" / "metrics.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("AUC", sklearn_metrics.roc_auc_score),
        ("PR-AUC", sklearn_metrics.average_precision_score),
        ("Brier", sklearn_metrics.brier_score_loss),
    ],
)
def test_figures_of_activity_are_those_of_scikit_learn(name, theirs):
    rng = np.random.default_rng(0)
    probability, active = rng.random(500), (rng.random(500) < 0.3).astype(float)
    assert metric("activity", name).function(probability, active) == theirs(active, probability)


@pytest.mark.parametrize("name", ["AUC", "PR-AUC", "lift at top 10 %"])
def test_where_nobody_bought_a_figure_of_activity_is_missing(name):
    assert np.isnan(metric("activity", name).function(np.array([0.1, 0.2]), np.zeros(2)))
