"""Value, activity and past of each customer come in; what each adds to growth potential goes out."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
import pandas as pd

from duramen.forecast.value_distribution import ValueDistribution

INPUTS = ("predicted_value", "probability_active", "past_value")


def growth_terms(
    inputs: pd.DataFrame, average: dict[str, float], distribution: ValueDistribution
) -> tuple[pd.DataFrame, float]:
    """Return the exact Shapley values of growth potential over its three inputs, and their base.

    Growth potential is E[max(money - past, 0)] under the predictive distribution. All eight coalitions of inputs are
    computed: what a customer has of those inside, what the average customer has of those outside.

    Parameters
    ----------
    inputs : pandas.DataFrame of shape (n, 3)
        ``INPUTS``; the two amounts in money over the same horizon.
    average : dict
        The same of the average customer.
    distribution : ValueDistribution

    Returns
    -------
    terms : pandas.DataFrame of shape (n, 3)
        In money.
    base : float
        The average customer's growth potential. With it the terms of a customer add to the customer's own.

    References
    ----------
    Shapley (1953), "A value for n-person games"; with one reference, as in Sundararajan and Najmi (2020), "The many
    Shapley values for model explanation".
    """
    count = len(inputs)
    potential: dict[frozenset[str], np.ndarray] = {}
    for size in range(len(INPUTS) + 1):
        for inside in combinations(INPUTS, size):
            given = [
                inputs[name].to_numpy(dtype=float) if name in inside else np.full(count, average[name])
                for name in INPUTS
            ]
            potential[frozenset(inside)] = distribution.expected_above(*given)
    terms = pd.DataFrame(0.0, index=inputs.index, columns=list(INPUTS))
    for name in INPUTS:
        for coalition, before in potential.items():
            if name not in coalition:
                orders = factorial(len(coalition)) * factorial(len(INPUTS) - 1 - len(coalition))
                terms[name] += orders / factorial(len(INPUTS)) * (potential[coalition | {name}] - before)
    alone = distribution.expected_above(*(np.array([average[name]]) for name in INPUTS))
    return terms, float(alone[0])
