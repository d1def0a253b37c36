"""Churned customers come in, with groups or the customer table; churn by group and by feature goes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from duramen.data.customer_columns import known_numbers, who_left
from duramen.data.feature_list import FEATURES
from duramen.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

# Two-sided 95 %.
NORMAL_95 = 1.959963984540054
TAILS_95 = (0.025, 0.975)
# Spreads of the rates of groups, 1 / sqrt(c) of Beta(c m, c (1 - m)): from nearly equal to c = 2, anywhere between 0
# and 1. All are equally likely a priori; the grid is finer where spreads are small.
SPREADS = np.linspace(0.1, 0.5**0.25, 40) ** 2
# Points of the grid of mean rates: the middles of equally likely parts.
MEANS = (np.arange(7) + 0.5) / 7
# Spreads and means with a smaller share of the posterior are left out.
LEAST_LIKELY = 1e-5


def churn_by_group(
    churned: ArrayLike, group: ArrayLike, churn_probability: ArrayLike | None = None
) -> pd.DataFrame:
    """Return the churn rate of each group, with its interval, highest first.

    The shrunk rate of a small group is close to that of all groups: rates follow a beta distribution that is estimated
    from all groups, so that three customers of whom two left are not the worst group of the shop.

    Parameters
    ----------
    churned : array_like of shape (n,)
        1 where the customer left, 0 where not.
    group : array_like of shape (n,)
        The group of each customer, in the same order: a segment, a tier, a channel, a salesperson. Customers without
        one are a group of their own.
    churn_probability : array_like of shape (n,), optional
        The prediction of a model for each customer.

    Returns
    -------
    pandas.DataFrame
        A row for each group, by falling ``shrunk_rate``: ``group``, ``customers``, ``churned``, ``rate``, ``rate_low``
        and ``rate_high`` (95 %, Wilson), ``shrunk_rate``, ``shrunk_low`` and ``shrunk_high`` (95 %),
        ``predicted_rate`` (where probabilities are given) and ``difference`` (shrunk rate less that of all customers).

    Raises
    ------
    InputError
        If the columns differ in length, or a value of ``churned`` or ``churn_probability`` is not valid.

    References
    ----------
    Wilson, E. B. (1927), "Probable inference, the law of succession, and statistical inference", JASA 22(158).
    Gelman, A. et al. (2013), "Bayesian data analysis", 3rd edition, section 5.3: groups of binomial rates.

    Examples
    --------
    >>> rates = churn_by_group([1] * 40 + [0] * 60 + [1] * 2 + [0] * 1, ["web"] * 100 + ["shop"] * 3)
    >>> rates[["group", "customers", "rate", "shrunk_rate"]].round(2)
      group  customers  rate  shrunk_rate
    0  shop          3  0.67         0.50
    1   web        100  0.40         0.41
    """
    left = who_left(churned)
    labels = pd.Series(group)
    if len(labels) != len(left):
        raise InputError(
            f"group has {len(labels):,} rows and churned {len(left):,}; give one group for each customer."
        )
    customers = pd.DataFrame({"group": labels.array, "left": left})
    if churn_probability is not None:
        customers["probability"] = known_numbers(churn_probability, "churn_probability", len(left), 0, 1)
    grouped = customers.groupby("group", dropna=False, observed=True)
    rates = grouped["left"].agg(customers="size", churned="sum").reset_index()
    n, x = rates["customers"].to_numpy(), rates["churned"].to_numpy()
    rates["rate"] = x / n
    rates["rate_low"], rates["rate_high"] = _wilson(x, n)
    rates["shrunk_rate"], rates["shrunk_low"], rates["shrunk_high"] = _shrink(x, n)
    if churn_probability is not None:
        rates["predicted_rate"] = grouped["probability"].mean().to_numpy()
    rates["difference"] = rates["shrunk_rate"] - left.mean()
    return rates.sort_values("shrunk_rate", ascending=False, kind="stable", ignore_index=True)


def _wilson(x: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the bounds of the rates that a score test at 5 % does not reject when x of n left."""
    z = NORMAL_95
    centre = (x + z**2 / 2) / (n + z**2)
    half = z / (n + z**2) * np.sqrt(x * (n - x) / n + z**2 / 4)
    # Where none or all left, a bound is 0 or 1 but for rounding.
    return np.clip(centre - half, 0.0, 1.0), np.clip(centre + half, 0.0, 1.0)


def _shrink(x: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean, 2.5 % and 97.5 % point of each group's rate given all groups.

    Rates follow Beta(c m, c (1 - m)), so that x is beta-binomial. Spreads 1 / sqrt(c) and means m are weighted by the
    likelihood of all groups, since few groups determine neither well. Given both, a group's rate is
    Beta(c m + x, c (1 - m) + n - x); its distribution is the mixture of these.
    """
    from scipy.special import betaincinv, betaln

    # Equal groups are computed once.
    (x, n), alike, groups = np.unique(np.stack([x, n]), axis=1, return_inverse=True, return_counts=True)
    spread = np.repeat(SPREADS, len(MEANS))[:, None]
    c = spread**-2
    # The effective number of independent customers of a group, for the mean of all rates.
    effective = groups * n / (1 + (n - 1) / (1 + c))
    stayed = (effective * (1 - x / n)).sum(axis=1, keepdims=True) + 0.5
    left = (effective * x / n).sum(axis=1, keepdims=True) + 0.5
    m = np.clip(betaincinv(left, stayed, np.tile(MEANS, len(SPREADS))[:, None]), 1e-9, 1 - 1e-9)
    a, b = c * m + x, c * (1 - m) + n - x
    likelihood = (groups * (betaln(a, b) - betaln(c * m, c * (1 - m)))).sum(axis=1, keepdims=True)
    tried_as_often = (left - 1) * np.log(m) + (stayed - 1) * np.log1p(-m) - betaln(left, stayed)
    log_share = likelihood - tried_as_often + np.log(spread) / 2
    share = np.exp(log_share - log_share.max())[:, 0]
    likely = share > LEAST_LIKELY * share.sum()
    share, a, b = share[likely] / share[likely].sum(), a[likely], b[likely]
    # NumPy 2.0.0 gives the places of equal columns in two dimensions.
    alike = alike.ravel()
    low, high = (_quantile(tail, share, a, b) for tail in TAILS_95)
    return (share @ (a / (a + b)))[alike], low[alike], high[alike]


def _quantile(tail: float, share: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the point of each group's mixture of beta distributions with ``tail`` below it, by halving from 0 to 1."""
    from scipy.special import betainc

    low, high = np.zeros(a.shape[1]), np.ones(a.shape[1])
    for _ in range(30):
        middle = (low + high) / 2
        short = share @ betainc(a, b, middle) < tail
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    point: np.ndarray = (low + high) / 2
    return point


def compare_churners(customers: pd.DataFrame, churned: ArrayLike) -> pd.DataFrame:
    """Return how far each feature separates customers who left from those who stayed, strongest first.

    The separation is the probability that a customer who left has a higher value than one who stayed, less 1/2, equal
    values counting half: 0.5 where all who left are above all who stayed, -0.5 where below, 0 where the feature does
    not differ. Only ranks count, so neither unit nor outliers matter. A feature is compared among the customers for
    whom it is known. It shows an association with leaving, not a cause.

    Parameters
    ----------
    customers : pandas.DataFrame
        Customer table at the cutoff before the outcomes, with any further columns; all numeric columns but
        ``customer_id`` are compared.
    churned : array_like of shape (n,)
        1 where the customer left, 0 where not, in the order of the table.

    Returns
    -------
    pandas.DataFrame
        A row for each feature: ``feature``, ``separation``, ``standard_error`` (of a feature that does not differ),
        ``false_discovery`` (false discovery rate among this feature and all that are stronger: Benjamini-Hochberg),
        ``median_left``, ``median_stayed``, ``known_left``, ``known_stayed`` (customers) and ``meaning`` (of
        `duramen.data.feature_list.FEATURES`, empty for other columns). A feature that is known for none of one side is
        not compared and comes last.

    Raises
    ------
    InputError
        If no customer or every customer left, no column is numeric, or ``churned`` does not fit the table.

    References
    ----------
    Mann, H. B. and Whitney, D. R. (1947), "On a test of whether one of two random variables is stochastically larger
    than the other", Annals of Mathematical Statistics 18(1).
    Benjamini, Y. and Hochberg, Y. (1995), "Controlling the false discovery rate", JRSS B 57(1).

    Examples
    --------
    >>> customers = pd.DataFrame({"customer_id": [1, 2, 3, 4], "visits": [1.0, 2.0, 3.0, 4.0]})
    >>> features = compare_churners(customers, [1, 1, 0, 0])
    >>> features[["feature", "separation", "median_left", "median_stayed"]]
      feature  separation  median_left  median_stayed
    0  visits        -0.5          1.5            3.5
    """
    left = who_left(churned, len(customers))
    if left.all() or not left.any():
        raise InputError(
            f"{'all' if left.all() else 'none'} of the {len(left):,} customers left, so there are no two sides to "
            "compare; choose another horizon or other customers."
        )
    features = customers.drop(columns="customer_id", errors="ignore").select_dtypes(["number", "bool"])
    if features.empty:
        raise InputError(
            "the customer table has no numeric column; give features, such as those of customer_table."
        )
    rows = []
    for name in features.columns:
        values = features[name].to_numpy(dtype=float, na_value=np.nan)
        known = ~np.isnan(values)
        gone, stayed = values[known & left], values[known & ~left]
        rows.append(
            {
                "feature": name,
                **_separation(gone, stayed),
                "median_left": np.median(gone) if len(gone) else np.nan,
                "median_stayed": np.median(stayed) if len(stayed) else np.nan,
                "known_left": len(gone),
                "known_stayed": len(stayed),
                "meaning": FEATURES[name].meaning if name in FEATURES else "",
            }
        )
    found = pd.DataFrame(rows)
    found.insert(3, "false_discovery", _false_discovery(found["separation"], found["standard_error"]))
    return found.sort_values("separation", key=np.abs, ascending=False, kind="stable", ignore_index=True)


def _separation(gone: np.ndarray, stayed: np.ndarray) -> dict[str, float]:
    """Return the Mann-Whitney statistic over its pairs, less 1/2, and its standard error where both sides are alike."""
    from scipy.stats import rankdata

    n, m = len(gone), len(stayed)
    if not n or not m:
        return {"separation": np.nan, "standard_error": np.nan}
    # Digits beyond single precision differ between currencies, and would separate equal values.
    ranks = rankdata(np.concatenate([gone, stayed]).astype("float32").astype("float64"))
    separation = (ranks[:n].mean() - (n + 1) / 2) / m - 0.5
    # The variance of the ranks themselves allows for equal values; it is 0 where all are equal.
    return {"separation": separation, "standard_error": np.sqrt(ranks.var() / ((n + m - 1) * n * m))}


def _false_discovery(separation: pd.Series[float], standard_error: pd.Series[float]) -> np.ndarray:
    """Return the least false discovery rate at which each feature is found; missing where it was not compared."""
    from scipy.special import ndtr
    from scipy.stats import false_discovery_control

    compared = separation.notna().to_numpy()
    # A feature that is the same for all customers separates none.
    certainty = np.divide(separation, standard_error, out=np.zeros(len(compared)), where=standard_error > 0)
    rate = np.full(len(compared), np.nan)
    if compared.any():
        rate[compared] = false_discovery_control(2 * ndtr(-np.abs(certainty[compared])))
    return rate
