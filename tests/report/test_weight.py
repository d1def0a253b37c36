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


def test_a_weight_without_a_curve_was_given(curve):
    assert said(0.1, None) == "The weight, 0.1, was given by the user. It was not evaluated on the history."
    assert said(0.7, None) == "The weight, 0.7, was given by the user. It was not evaluated on the history."
    assert said(0.7, curve) == "The weight, 0.7, was given by the user; the history would have chosen 0.1."


def test_a_weight_that_cost_nothing_is_called_so(curve):
    assert said(0.1, curve) == (
        "The weight is 0.1, the largest up to 0.1 that cost nothing: it captured 60.4 % of the money, +0.02 points "
        "against value alone (95 % interval -0.20 to +0.25)."
    )


def test_growth_that_costs_something_at_any_weight_has_none(curve):
    curve.loc[1:, ["captured", "difference"]] -= 0.01
    assert said(0.0, curve) == (
        "Growth has no weight: with any weight up to 0.1 the order captured less than the 60.3 % of the money that "
        "value alone did."
    )


def test_a_clearly_better_weight_is_called_so(curve):
    curve.loc[6, ["captured", "difference", "low", "high"]] = [0.65, 0.04661, 0.02, 0.07322]
    assert said(1.0, curve) == (
        "The weight is 1, which is clearly better than value alone: it captured 65.0 % of the money, +4.66 points "
        "against value alone (95 % interval +2.00 to +7.32)."
    )


@pytest.mark.parametrize("used", [0.0, 0.1, 5.0])
def test_the_weight_used_is_marked_and_every_weight_is_described(curve, used):
    drawn = weight_section(used, curve).drawn
    assert drawn.count("<svg ") == 2
    assert drawn.count(f">used: {used:g}</text>") == 2
    assert drawn.count("weight 0.5 captured 60.3\u202f%, \u22120.65 to +0.49 points against value alone") == 2
