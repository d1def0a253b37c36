"""A log-likelihood with gradient and Hessian comes in; its maximum, the covariance and a report on both go out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtri

from duramen.language import restored, say, stored

FloatArray = NDArray[np.float64]
# log-likelihood, gradient and Hessian in the parameters themselves (not their logarithms)
Likelihood = Callable[[FloatArray], tuple[float, FloatArray, FloatArray]]

# A normal prior of standard deviation 100 on each log-parameter: it moves CDNOW's estimates by less than
# 1e-5 and gives a finite, unique maximum where the data say nothing (one customer, no repeat purchase at
# all).
PRIOR_PRECISION = 1e-4
LOG_BOUND = 12.0
# A log-parameter whose standard error exceeds this has a 95 % interval wider than a factor of 50.
WEAK_STANDARD_ERROR = 1.0
_MAX_ITERATIONS = 300
_ROUNDING = 1e-9
# Mean log-likelihood that a step must promise for another to follow: on a part of the data, on all of large
# data, and on all of small data, where weak directions bend more.
_ROUGH_GAIN, _LARGE_GAIN, _SMALL_GAIN = 1e-6, 1e-11, 1e-14


@dataclass(frozen=True)
class Start:
    """Where a search began (durations in units of the mean T) and how far below the best one it ended."""

    parameters: dict[str, float]
    shortfall: float
    iterations: int


@dataclass(frozen=True)
class Convergence:
    """
    What a fit reached, reported instead of raised.

    Attributes
    ----------
    converged : bool
        Whether a further step would gain less than 1e-6 log-likelihood (inside the bounds).
    starts : tuple of Start
        The searches tried, and by how much log-likelihood each fell short (on a subsample where the data
        are large).
    gradient : dict
        Derivative of the mean log-likelihood by each log-parameter at the end.
    boundary : tuple of str
        Parameters that ended at their bound.
    weak : tuple of str
        Parameters that the data hardly identify (standard error of the logarithm above 1).
    customers, groups : float, int
        Sum of weights, and distinct histories that were fitted.
    notes : tuple of str
        The same in sentences.
    """

    converged: bool
    starts: tuple[Start, ...] = ()
    gradient: dict[str, float] = field(default_factory=dict)
    boundary: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    customers: float = 0.0
    groups: int = 0
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Read as sentences."""
        state = "converged" if self.converged else "did not converge"
        size = f"{self.customers:,.0f} customers in {self.groups:,} distinct histories"
        return " ".join([f"The fit {state} ({size}, {len(self.starts)} starts).", *self.notes])

    def to_dict(self) -> dict[str, Any]:
        """
        Return the report as plain JSON types.

        Returns
        -------
        dict
            Field names to values.
        """
        plain = {
            key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()
        }
        return plain | {"notes": stored(self.notes)}

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Convergence:
        """
        Rebuild a report from `to_dict`.

        Parameters
        ----------
        saved : dict
            What `to_dict` gave.

        Returns
        -------
        Convergence
            The report.
        """
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in saved.items()
        }
        values["starts"] = tuple(Start(**start) for start in values["starts"])
        values["notes"] = tuple(restored(saved["notes"]))
        return cls(**values)


@dataclass(frozen=True)
class Maximum:
    """Where the likelihood is highest; covariance is that of the log-parameters."""

    parameters: FloatArray
    log_likelihood: float
    log_covariance: FloatArray
    convergence: Convergence


def maximise(
    likelihood: Likelihood,
    names: Sequence[str],
    starts: Sequence[Sequence[float]],
    customers: float,
    groups: int,
    rough: Sequence[tuple[Likelihood, float]] = (),
    lower: Sequence[float] | None = None,
) -> Maximum:
    """
    Find the maximum of a log-likelihood over positive parameters, from several starts.

    Newton's method on the log-parameters inside the box of half-width 12, with a step limit, the absolute
    eigenvalues of the Hessian and a weak normal prior. Where a rough likelihood (that of a subsample) is
    given, the starts are tried on it and only the best is polished on the full one: three or four exact
    Newton steps remain, which beats compiled kernels because it needs no compiling.

    Parameters
    ----------
    likelihood : callable
        Takes parameters, returns log-likelihood, gradient and Hessian in them.
    names : sequence of str
        Their names, for the report.
    starts : sequence of sequence of float
        Parameters to start from.
    customers : float
        Sum of weights behind the likelihood.
    groups : int
        Distinct histories behind it, for the report.
    rough : sequence of tuple of callable and float, optional
        Cheaper likelihoods, each with its sum of weights, the cheapest first.
    lower : sequence of float, optional
        Lower bounds of the parameters, where one is tighter than the box.

    Returns
    -------
    Maximum
        Parameters, log-likelihood without the prior, covariance of the log-parameters and the report.
    """
    box = _box(len(names), lower)
    search, total = rough[0] if rough else (likelihood, customers)
    gain = _ROUGH_GAIN if rough else _SMALL_GAIN
    ends = [_newton(_objective(search, total), np.log(start), box, gain) for start in starts]
    best = min(ends, key=lambda end: end[1])
    tried = tuple(
        Start(_named(names, start), (end[1] - best[1]) * total, end[4])
        for start, end in zip(starts, ends, strict=True)
    )
    for finer, size in rough[1:]:
        best = _newton(_objective(finer, size), best[0], box, gain)
    if rough:
        best = _newton(_objective(likelihood, customers), best[0], box, _LARGE_GAIN)
    point, _, gradient, hessian, _ = best
    covariance = _covariance(hessian * customers)
    report = _report(names, point, gradient, covariance, box, tried, customers, groups)
    return Maximum(np.exp(point), likelihood(np.exp(point))[0], covariance, report)


def natural_covariance(params: dict[str, float], log_covariance: FloatArray) -> pd.DataFrame:
    """
    Convert the covariance of log-parameters to that of the parameters, by the delta method.

    Parameters
    ----------
    params : dict
        Estimates.
    log_covariance : ndarray of shape (m, m)
        Covariance of their logarithms.

    Returns
    -------
    DataFrame
        Symmetric, positive; rows and columns are named as the parameters.
    """
    theta = np.array(list(params.values()))
    return pd.DataFrame(np.outer(theta, theta) * log_covariance, index=list(params), columns=list(params))


def log_intervals(params: dict[str, float], log_covariance: FloatArray, level: float) -> pd.DataFrame:
    """
    Return intervals of positive parameters that are symmetric in the logarithms.

    Parameters
    ----------
    params : dict
        Estimates.
    log_covariance : ndarray of shape (m, m)
        Covariance of their logarithms.
    level : float
        Coverage.

    Returns
    -------
    DataFrame
        One row a parameter: estimate, lower, upper.
    """
    estimate = pd.Series(params)
    # beyond e**200 a bound says "unknown" as well as infinity does, and stays finite
    reach = np.minimum(ndtri((1 + level) / 2) * np.sqrt(np.diag(log_covariance)), 200.0)
    return pd.DataFrame(
        {"estimate": estimate, "lower": estimate * np.exp(-reach), "upper": estimate * np.exp(reach)}
    )


_Objective = Callable[[FloatArray], tuple[float, FloatArray, FloatArray]]
_End = tuple[FloatArray, float, FloatArray, FloatArray, int]


def _named(names: Sequence[str], values: Sequence[float] | FloatArray) -> dict[str, float]:
    return {name: float(value) for name, value in zip(names, values, strict=True)}


def _box(size: int, lower: Sequence[float] | None) -> tuple[FloatArray, FloatArray]:
    low = np.full(size, -LOG_BOUND)
    if lower is not None:
        low = np.maximum(low, np.log(np.maximum(lower, np.exp(-LOG_BOUND))))
    return low, np.full(size, LOG_BOUND)


def _objective(likelihood: Likelihood, total: float) -> _Objective:
    """Mean negative log-posterior of the log-parameters, by the chain rule."""

    def objective(point: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        theta = np.exp(point)
        value, gradient, hessian = likelihood(theta)
        slope = theta * gradient
        curve = np.outer(theta, theta) * hessian + np.diag(slope)
        prior = PRIOR_PRECISION
        return (
            float(-value + prior * point @ point / 2) / total,
            (-slope + prior * point) / total,
            (-curve + prior * np.eye(len(point))) / total,
        )

    return objective


def _newton(
    objective: _Objective, start: FloatArray, box: tuple[FloatArray, FloatArray], gain: float
) -> _End:
    """Minimise inside the box; a step is taken only if it lowers the objective."""
    point = np.clip(start, *box)
    value, gradient, hessian = objective(point)
    radius = 1.0
    iteration = 0
    while iteration < _MAX_ITERATIONS:
        iteration += 1
        free = _free(point, gradient, box)
        if not free.any() or float(np.abs(gradient[free]).max()) < 1e-13:
            break
        step = _step(gradient, hessian, free, radius)
        trial = np.clip(point + step, *box)
        length = float(np.abs(trial - point).max())
        # a whole step that gains less than this lands, by quadratic convergence, where rounding begins
        last = (
            -float(gradient @ step) < gain and length < 0.99 * radius and bool((trial == point + step).all())
        )
        if length < 1e-13 or radius < 1e-13:
            break
        new_value, new_gradient, new_hessian = objective(trial)
        # Where the change is within rounding the value decides no longer, but a smaller gradient does.
        level = abs(new_value - value) <= _ROUNDING * max(1.0, abs(value))
        slope, new_slope = (float(np.abs(part[free]).max()) for part in (gradient, new_gradient))
        if new_slope < slope if level else new_value < value:
            point, value, gradient, hessian = trial, new_value, new_gradient, new_hessian
            radius = min(4.0, max(radius, 2 * length))
            if last:
                break
        elif level and (slope < 1e-10 or length < 1e-6):
            break
        else:
            radius = length / 4
    return point, value, gradient, hessian, iteration


def _free(point: FloatArray, gradient: FloatArray, box: tuple[FloatArray, FloatArray]) -> NDArray[np.bool_]:
    low, high = box
    return ~(((point <= low) & (gradient > 0)) | ((point >= high) & (gradient < 0)))


def _step(gradient: FloatArray, hessian: FloatArray, free: NDArray[np.bool_], radius: float) -> FloatArray:
    roots, axes = np.linalg.eigh(hessian[np.ix_(free, free)])
    stiffness = np.maximum(np.abs(roots), 1e-14 * max(1e-300, float(np.abs(roots).max())))
    step = np.zeros(len(gradient))
    step[free] = -axes @ ((axes.T @ gradient[free]) / np.maximum(stiffness, 1e-300))
    longest = float(np.abs(step).max())
    return np.asarray(step * min(1.0, radius / max(longest, 1e-300)))


def _covariance(information: FloatArray) -> FloatArray:
    """Inverse information, symmetric and positive: no direction is known less well than the prior says."""
    roots, axes = np.linalg.eigh((information + information.T) / 2)
    covariance = (axes / np.maximum(roots, PRIOR_PRECISION)) @ axes.T
    return np.asarray((covariance + covariance.T) / 2)


def _report(
    names: Sequence[str],
    point: FloatArray,
    gradient: FloatArray,
    covariance: FloatArray,
    box: tuple[FloatArray, FloatArray],
    starts: tuple[Start, ...],
    customers: float,
    groups: int,
) -> Convergence:
    free = _free(point, gradient, box)
    at_bound = (point <= box[0]) | (point >= box[1])
    errors = np.sqrt(np.diag(covariance))
    boundary = tuple(name for name, there in zip(names, at_bound, strict=True) if there)
    weak = tuple(name for name, error in zip(names, errors, strict=True) if error > WEAK_STANDARD_ERROR)
    # the log-likelihood that a further Newton step would gain
    slope = np.where(free, gradient, 0.0) * customers
    converged = bool(slope @ covariance @ slope / 2 < 1e-6)
    notes = []
    if not converged:
        notes.append(say("The gradient did not vanish: read the parameters as a rough guide."))
    if boundary:
        notes.append(
            say(
                "{parameters} ended at a bound: the data ask for a simpler model.",
                parameters=", ".join(boundary),
            )
        )
    if weak:
        notes.append(
            say(
                "{parameters} are weakly identified (95 % intervals wider than a factor of 50): use the "
                "predictions, which are reliable near the data, and not the parameters.",
                parameters=", ".join(weak),
            )
        )
    return Convergence(
        converged, starts, _named(names, -gradient), boundary, weak, float(customers), groups, tuple(notes)
    )
