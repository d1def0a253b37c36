"""A model and the customers of an earlier cutoff come in; who stopped buying, by segment, goes out."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pandas as pd

from duramen.analysis.churn_groups import churn_by_group
from duramen.data.outcomes import customer_outcomes
from duramen.data.windows import Window

if TYPE_CHECKING:
    from datetime import date

    from duramen.data.transactions import Transactions
    from duramen.scoring.customer_ranking import Ranked
    from duramen.scoring.model import CoreCustomerModel


def churn_by_segment(
    model: CoreCustomerModel, tx: Transactions, ranked: Ranked, earlier: date, then: pd.DataFrame | str
) -> pd.DataFrame | None:
    """Return how many customers of each segment bought nothing since an earlier cutoff, and how many may next.

    Parameters
    ----------
    model : CoreCustomerModel
    tx : Transactions
    ranked : Ranked
        The ranking of the same model and transactions.
    earlier : date
        The earlier cutoff.
    then : pandas.DataFrame or str
        ``customer_table`` at the earlier cutoff, or the sentence that says why there is none.

    Returns
    -------
    pandas.DataFrame or None
        A row for each segment, by falling rate: ``group``, ``customers``, ``churned``, ``rate``, ``rate_low`` and
        ``rate_high`` (95 %) between the two cutoffs, and ``expected`` (mean churn probability of the segment's
        customers now; missing where it has none). None where there are no customers at the earlier cutoff.
    """
    if isinstance(then, str) or then.empty:
        return None
    scores = model.predict(then, with_reasons=False)
    window = Window(earlier, f"{(ranked.cutoff - earlier) // timedelta(days=1)}d")
    outcomes = customer_outcomes(tx, window, scores)
    bought = scores[["customer_id", "segment"]].merge(outcomes, on="customer_id", validate="one_to_one")
    table = churn_by_group(1 - bought["active"].to_numpy(dtype=float), bought["segment"])
    now = ranked.ranking.groupby(ranked.ranking["segment"].astype(str), observed=True)[
        "churn_probability"
    ].mean()
    table["expected"] = table["group"].astype(str).map(now)
    return table[["group", "customers", "churned", "rate", "rate_low", "rate_high", "expected"]].sort_values(
        "rate", ascending=False, kind="stable", ignore_index=True
    )
