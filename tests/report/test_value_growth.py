"""Value and growth, as the page shows them: how far all customers together are from their past rates."""

import pytest

from duramen.report.numbers import MINUS, THIN
from duramen.report.value_growth import _together

LOWER = (
    f"The season of the forecast days lowers every forecast by 18{THIN}%; without it, the difference would be "
    f"{MINUS}22{THIN}%."
)
HIGHER = (
    f"The season of the forecast days raises every forecast by 20{THIN}%; without it, the difference would be "
    f"{MINUS}8{THIN}%."
)


@pytest.mark.parametrize(
    ("predicted", "season", "words"),
    [
        (64.0, None, f"All customers together are forecast 36{THIN}% below their past rates."),
        (64.0, 0.001, f"All customers together are forecast 36{THIN}% below their past rates."),
        (64.0, -0.18, f"All customers together are forecast 36{THIN}% below their past rates. {LOWER}"),
        (110.0, 0.2, f"All customers together are forecast 10{THIN}% above their past rates. {HIGHER}"),
        (100.2, None, "All customers together are forecast to spend as much as at their past rates."),
    ],
)
def test_all_customers_together_are_compared_with_their_past_rates(predicted, season, words):
    assert _together(100.0, predicted, season) == words
    assert _together(0.0, predicted, season) == ""
