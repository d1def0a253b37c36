"""The weight of growth: the sentence says why it is used."""

import pytest

from duramen.report.numbers import MINUS, THIN
from duramen.report.weight import weight_section


def said(used, curve):
    return weight_section(used, curve).sentence.replace(THIN, " ").replace(MINUS, "-")


def test_a_history_too_short_leaves_the_default(curve):
    weight = weight_section(0.1, curve.iloc[:0])
    assert weight.drawn is None
    assert "the default, 0.1: the history before the cutoff is too short" in weight.sentence


def test_a_weight_without_a_curve_was_given():
    assert said(0.7, None) == "The weight, 0.7, was given by the user. It was not evaluated on the history."


def test_the_largest_weight_that_loses_little_is_said_with_its_growth(curve):
    curve.loc[4] = [1.0, 0.604, 0.0002, -0.002, 0.0025, 0.5, 0.01, 0.002, 0.02]
    assert said(1.0, curve) == (
        "The growth weight is 1: the largest weight that costs less than 0.5 % of the money captured by ranking on "
        "value alone. It captured 60.4 % of the later money, +0.02 points compared with value alone (95 % interval "
        "-0.20 to +0.25). This ranking also captured 50.0 % of the growth (money above each customer's past rate). "
        "Compared with ranking by value alone, that is +1.00 points (+0.20 to +2.00)."
    )


def test_growth_that_may_cost_something_at_any_weight_has_none(curve):
    assert said(0.0, curve).startswith(
        "Growth does not count in the score (weight 0). Ranking by value alone captured "
    )


@pytest.mark.parametrize("used", [0.0, 0.1, 5.0])
def test_the_weight_used_is_marked_and_every_weight_is_described(curve, used):
    drawn = weight_section(used, curve).drawn
    assert drawn.count("<svg ") == 2
    assert drawn.count(f">used: {used:g}</text>") == 2
    assert drawn.count("weight 0.5 captured 60.3\u202f%, \u22120.65 to +0.49 points against value alone") == 2
