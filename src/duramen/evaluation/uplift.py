"""Outcomes of a randomised experiment come in; its effects, on average and by customer, and the Qini curve go out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from duramen.data.customer_columns import known_numbers
from duramen.evaluation.bootstrap import draws
from duramen.evaluation.randomisation import numeric_features, treated_or_not
from duramen.forecast.settings import TreeSettings
from duramen.forecast.trees import bin_features, fit_trees
from duramen.language import marked

NORMAL_95 = 1.959963984540054
TAILS_95 = (0.025, 0.975)
FOLDS = 5
# Differences between customers are small beside what customers spend anyway: few and small trees.
SMALL_TREES = TreeSettings(
    num_leaves=4, max_depth=2, rounds=40, learning_rate=0.1, min_leaf_customers=30, min_leaf_share=0.02
)
RESAMPLES = 300
# Customers of two parts predict each other, so the noise of each pair enters twice. Where effects do not differ, this
# doubles the variance that resampling shows; where they do, the widened intervals are somewhat too wide.
CROSS_FITTED = np.sqrt(2)
SHARES = np.linspace(0, 1, 101)
DIFFERENCE, ADJUSTED = marked("difference in means"), marked("adjusted for the past")


class Qini(NamedTuple):
    """How much more is earned by treating the customers with the highest predicted effect first.

    Attributes
    ----------
    curve : pandas.DataFrame
        ``customers`` (share treated, from 0 to 1), ``gain`` with ``low`` and ``high`` (95 %), and ``at_random`` (the
        gain of as many at random): outcome per customer of the base.
    coefficient, low, high : float
        Mean height of the curve above ``at_random``, with its 95 % interval.
    """

    curve: pd.DataFrame
    coefficient: float
    low: float
    high: float

    @property
    def differs(self) -> bool:
        """Whether the experiment shows that effects differ between customers, in this order."""
        return self.low > 0


def average_effect(outcome: ArrayLike, treated: ArrayLike, past: ArrayLike | None = None) -> pd.DataFrame:
    """Return the average effect of treatment, with its 95 % interval.

    The adjusted estimate is that of a regression on treatment, the centred past and their product; it removes
    what the past explains of the outcome (CUPED), so its interval is narrower. Intervals are normal, with variances
    that may differ between the groups (HC2).

    Parameters
    ----------
    outcome : array_like of shape (n,)
        What customers did after the campaign, such as net money.
    treated : array_like of shape (n,)
        1 or 0.
    past : array_like of shape (n,), optional
        What they did before it, in as long a time.

    Returns
    -------
    pandas.DataFrame
        A row for each ``estimate`` ("difference in means", and "adjusted for the past" where ``past`` is given):
        ``effect`` (outcome per treated customer), ``low``, ``high`` and ``standard_error``.

    Raises
    ------
    InputError
        If a column is missing values or does not fit the others, or a group has fewer than 50 customers.

    References
    ----------
    Deng, A., Xu, Y., Kohavi, R. and Walker, T. (2013), "Improving the sensitivity of online controlled experiments by
    utilizing pre-experiment data", WSDM.
    Lin, W. (2013), "Agnostic notes on regression adjustments to experimental data", Annals of Applied Statistics 7(1).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> past, treated = rng.gamma(2.0, 50.0, 4000), rng.permutation(4000) < 2000
    >>> found = average_effect(past + 10 * treated + rng.normal(0, 5, 4000), treated, past)
    >>> found[["estimate", "effect", "low", "high"]].round(1)
                    estimate  effect  low  high
    0    difference in means    10.8  6.5  15.1
    1  adjusted for the past    10.0  9.7  10.3
    """
    group = treated_or_not(treated)
    y = known_numbers(outcome, "outcome", len(group))
    designs = {DIFFERENCE: [np.ones(len(y)), group.astype(float)]}
    if past is not None:
        x = known_numbers(past, "past", len(group))
        x = (x - x.mean()) / (x.std() or 1.0)
        designs[ADJUSTED] = [*designs[DIFFERENCE], x, x * group]
    rows = []
    for name, columns in designs.items():
        effect, error = _second_coefficient(np.column_stack(columns), y)
        half = NORMAL_95 * error
        rows.append((name, effect, effect - half, effect + half, error))
    return pd.DataFrame(rows, columns=["estimate", "effect", "low", "high", "standard_error"])


def _second_coefficient(design: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return the second coefficient of least squares and its HC2 standard error."""
    inverse = np.linalg.pinv(design.T @ design)
    influence = design @ inverse
    residual = y - design @ (inverse @ (design.T @ y))
    leverage = np.minimum((influence * design).sum(axis=1), 1 - 1e-9)
    variance = (influence[:, 1] ** 2 * residual**2 / (1 - leverage)).sum()
    return float(inverse[1] @ (design.T @ y)), float(np.sqrt(variance))


def predict_effects(
    features: pd.DataFrame, outcome: ArrayLike, treated: ArrayLike, past: ArrayLike, seed: int = 0
) -> pd.DataFrame:
    """Return the effect on each customer, predicted by trees that have not seen the customer.

    Customers are divided into five parts; trees fitted to four predict the fifth. "Two-model" is the difference of a
    model of the treated and a model of the control group; "transformed outcome" is a model of ``y (t - e) / (e (1 -
    e))``, whose mean is the effect, where ``t`` is 1 or 0 and ``e`` the share treated. Outcomes are first adjusted for
    past spend, by a line fitted to the four parts. Each prediction is less its mean over the part, so that parts can
    be compared.

    Parameters
    ----------
    features : pandas.DataFrame of shape (n, m)
        What was known before the campaign.
    outcome, treated, past
        As in ``average_effect``.
    seed : int

    Returns
    -------
    pandas.DataFrame of shape (n, 4)
        On the index of ``features``: ``two_model``, ``transformed_outcome``, ``relative`` (the mean of both) and
        ``effect`` (the average effect plus as much of ``relative`` as the outcomes confirm, from none to all of it), in
        the unit of the outcome.

    Raises
    ------
    InputError
        As ``average_effect`` does.
    """
    group = treated_or_not(treated, len(features))
    y, x = known_numbers(outcome, "outcome", len(group)), known_numbers(past, "past", len(group))
    numbers = numeric_features(features)
    binned, values = bin_features(numbers), numbers.to_numpy()
    part = np.random.default_rng(seed).permutation(len(group)) % FOLDS
    two, transformed = np.zeros(len(group)), np.zeros(len(group))
    for fold in range(FOLDS):
        held = part == fold
        rows = np.flatnonzero(~held)
        left = _adjusted(y, x, rows)
        sides = [rows[group[rows]], rows[~group[rows]]]
        with_, without = (_predict(binned, values[held], left[side], side, seed) for side in sides)
        two[held] = with_ - without
        target = _transformed(left[rows], group[rows])
        transformed[held] = _predict(binned, values[held], target, rows, seed)
        two[held] -= two[held].mean()
        transformed[held] -= transformed[held].mean()
    relative = (two + transformed) / 2
    average = float(average_effect(y, group, x)["effect"].iloc[-1])
    confirmed = _confirmed(relative, _transformed(_adjusted(y, x), group))
    return pd.DataFrame(
        {
            "two_model": two,
            "transformed_outcome": transformed,
            "relative": relative,
            "effect": average + confirmed * relative,
        },
        index=features.index,
    )


def _predict(
    binned: object, values: np.ndarray, target: np.ndarray, rows: np.ndarray, seed: int
) -> np.ndarray:
    """Return what trees fitted to some rows predict for other customers."""
    start = np.full(len(rows), target.mean())
    booster = fit_trees(binned, target, start, seed, SMALL_TREES, rows=rows, objective="regression")
    predicted: np.ndarray = target.mean() + booster.predict(values, raw_score=True)
    return predicted


def _adjusted(y: np.ndarray, past: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    """Return outcomes less what a line through some rows expects of the past, both groups together."""
    chosen = np.arange(len(y)) if rows is None else rows
    centred = past[chosen] - past[chosen].mean()
    square = float(centred @ centred)
    slope = float(centred @ y[chosen]) / square if square > 0 else 0.0
    left: np.ndarray = y - y[chosen].mean() - slope * (past - past[chosen].mean())
    return left


def _transformed(left: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Return a number for each customer whose mean is the average effect."""
    share = group.mean()
    transformed: np.ndarray = left * (group - share) / (share * (1 - share))
    return transformed


def _confirmed(relative: np.ndarray, transformed: np.ndarray) -> float:
    """Return the slope of transformed outcomes on predictions, from 0 to 1 (Chernozhukov et al. 2018)."""
    spread = float(relative @ relative)
    return float(np.clip(relative @ transformed / spread, 0, 1)) if spread > 0 else 0.0


def qini_curve(
    score: ArrayLike,
    outcome: ArrayLike,
    treated: ArrayLike,
    past: ArrayLike,
    seed: int = 0,
    *,
    cross_fitted: bool = True,
) -> Qini:
    """Return the Qini curve of an order of customers, with 95 % intervals of resampled customers.

    The gain of treating a share ``s`` of the customers, the highest score first, is ``s`` x (mean outcome of the
    treated - mean outcome of the control group) among them, outcomes adjusted for past spend. The scores must be of
    models that have not seen the outcome of the customer.

    Parameters
    ----------
    score : array_like of shape (n,)
        The highest is treated first; ties are broken at random.
    outcome, treated, past
        As in ``average_effect``.
    seed : int
    cross_fitted : bool
        Whether the scores are those of ``predict_effects``, whose parts predict each other: intervals are then wider.
        Scores that were known before the experiment have not seen any outcome of it.

    Raises
    ------
    InputError
        As ``average_effect`` does.

    References
    ----------
    Radcliffe, N. J. (2007), "Using control groups to target on predicted lift", Direct Marketing Analytics Journal.
    """
    group = treated_or_not(treated)
    by = known_numbers(score, "score", len(group))
    y, x = known_numbers(outcome, "outcome", len(group)), known_numbers(past, "past", len(group))
    shuffled = np.random.default_rng(seed).permutation(len(group))
    order = shuffled[np.argsort(-by[shuffled], kind="stable")]
    ordered, left = group[order], _adjusted(y, x)[order]
    gain = _gains(np.ones(len(order)), ordered, left)
    drawn = np.array([_gains(weight, ordered, left) for weight in draws(len(order), RESAMPLES, seed)])
    if cross_fitted:
        above = (drawn - SHARES * drawn[:, -1:]) - (gain - SHARES * gain[-1])
        drawn += (CROSS_FITTED - 1) * above
    low, high = np.quantile(drawn, TAILS_95, axis=0)
    heights = np.quantile(_height(drawn), TAILS_95)
    curve = pd.DataFrame(
        {"customers": SHARES, "gain": gain, "low": low, "high": high, "at_random": SHARES * gain[-1]}
    )
    return Qini(curve, float(_height(gain)), float(heights[0]), float(heights[1]))


def _gains(weight: np.ndarray, group: np.ndarray, left: np.ndarray) -> np.ndarray:
    """Return the gain at each of ``SHARES``, of customers in order who count as often as their weight."""
    running = np.cumsum(np.stack([weight, weight * group, weight * left, weight * left * group]), axis=1)
    at = np.searchsorted(running[0], SHARES[1:] * running[0, -1] - 1e-9)
    customers, with_, money, money_with = running[:, at]
    without = customers - with_
    known = (with_ > 0) & (without > 0)
    effect = np.zeros(len(at))
    effect[known] = money_with[known] / with_[known] - (money - money_with)[known] / without[known]
    return np.append(0.0, effect * SHARES[1:])


def _height(gain: np.ndarray) -> np.ndarray:
    """Return the mean height of curves above the straight line to their end."""
    height: np.ndarray = np.trapezoid(gain - SHARES * gain[..., -1:], SHARES, axis=-1)
    return height


def treatment_profit(
    effects: pd.Series[float], outcome: ArrayLike, treated: ArrayLike, past: ArrayLike, cost: float
) -> pd.DataFrame:
    """Return what it earned in the experiment to treat customers whose predicted effect exceeds the cost, all or none.

    Parameters
    ----------
    effects : pandas.Series of shape (n,)
        ``effect`` of ``predict_effects``, in the money of the outcome.
    outcome, treated, past
        As in ``average_effect``.
    cost : float
        Money that treating one customer costs.

    Returns
    -------
    pandas.DataFrame
        ``choice`` ("predicted effect above cost", "everybody", "nobody"), ``treated`` (customers), ``cost`` and
        ``profit`` (extra outcome less cost, estimated from the outcomes of treated and control customers) with
        ``profit_low`` and ``profit_high`` (95 %), money of all customers of the experiment.

    Raises
    ------
    InputError
        As ``average_effect`` does.
    """
    group = treated_or_not(treated, len(effects))
    y, x = known_numbers(outcome, "outcome", len(group)), known_numbers(past, "past", len(group))
    earned = _transformed(_adjusted(y, x), group) - cost
    rows = []
    for choice, chosen in (
        ("predicted effect above cost", effects.to_numpy() > cost),
        ("everybody", np.ones(len(group), dtype=bool)),
        ("nobody", np.zeros(len(group), dtype=bool)),
    ):
        each = earned * chosen
        half = NORMAL_95 * float(each.std(ddof=1)) * np.sqrt(len(each))
        rows.append(
            (choice, int(chosen.sum()), cost * chosen.sum(), each.sum(), each.sum() - half, each.sum() + half)
        )
    return pd.DataFrame(rows, columns=["choice", "treated", "cost", "profit", "profit_low", "profit_high"])
