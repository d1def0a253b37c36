"""Charts of campaigns: the Qini curve and the profit by number contacted."""

import re

import numpy as np
import pandas as pd
import pytest

from duramen.report.charts import to_svg
from duramen.report.curves import contact_profit_chart, qini_chart


@pytest.mark.parametrize("width", [640, 330])
def test_the_qini_curve_has_its_axes_and_only_finite_points(width):
    share = np.linspace(0, 1, 101)
    gain = share * (2 - share)
    curve = pd.DataFrame(
        {"customers": share, "gain": gain, "low": gain - 0.1, "high": gain + 0.1, "at_random": share}
    )
    drawn = to_svg(qini_chart(curve, "USD", width), "gain")
    assert "gain per customer of the base, USD" in drawn
    assert not re.search("NaN|Infinity|undefined", drawn)


@pytest.mark.parametrize("width", [640, 330])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_best_number_of_contacts_is_marked(width, sign):
    contacted = np.arange(0, 1001, 50)
    profit = sign * contacted * (1200.0 - contacted)
    curve = pd.concat(
        [
            pd.DataFrame({"order": order, "contacted": contacted, "profit": profit * part})
            for order, part in (("expected profit", 1.0), ("churn probability", 0.5))
        ]
    )
    drawn = to_svg(contact_profit_chart(curve.reset_index(drop=True), "USD", width), "profit")
    assert f">best: {600 if sign == 1 else 0}</text>" in drawn
    assert "expected profit by risk \u00d7 value, USD" in drawn
