"""The weight of growth: the sentence says why it is this one, whichever way the history went."""

import pytest

from duramen.report.numbers import MINUS, THIN
from duramen.report.weight import weight_of


def said(used, curve):
    return weight_of(used, curve).sentence.replace(THIN, " ").replace(MINUS, "-")


def test_a_history_too_short_leaves_the_default(curve):
    weight = weight_of(0.25, curve.iloc[:0])
    assert weight.drawn is None
    assert "the default, 0.25: the history before the cutoff is too short" in weight.sentence


def test_a_weight_without_a_curve_was_given(curve):
    assert said(0.25, None) == "The weight, 0.25, was given by the user. It was not judged on the history."
    assert said(0.7, None) == "The weight, 0.7, was given by the user. It was not judged on the history."
    assert said(0.7, curve) == "The weight, 0.7, was given by the user; the history would have chosen 0.25."


def test_the_default_is_kept_where_nothing_clearly_beats_it(curve):
    assert said(0.25, curve) == (
        "The weight is the default, 0.25, kept because nothing clearly beats it: 0 captured most, 54.8 % of the money, "
        "+0.13 points against the default (95 % interval -1.22 to +1.48), and chance can explain as much."
    )


def test_the_default_may_have_captured_most(curve):
    assert said(0.25, curve.iloc[2:3]) == (
        "The weight is the default, 0.25: no other captured more than its 54.7 % of the money."
    )


def test_a_clearly_better_weight_is_said_to_be(curve):
    curve.loc[4, ["captured", "difference", "low", "high"]] = [0.6, 0.6 - 0.54659, 0.02, 0.08682]
    assert said(1.0, curve) == (
        "The weight is 1, which is clearly better than the default, 0.25: it captured 60.0 % of the money, +5.34 "
        "points against the default (95 % interval +2.00 to +8.68)."
    )


@pytest.mark.parametrize("used", [0.0, 0.25, 5.0])
def test_the_weight_used_is_marked_and_every_weight_is_told(curve, used):
    drawn = weight_of(used, curve).drawn
    assert drawn.count("<svg ") == 2
    assert drawn.count(f">used: {used:g}</text>") == 2
    assert drawn.count("weight 0.5 captured 54.7\u202f%, \u22121.43 to +1.50 points against the default") == 2
