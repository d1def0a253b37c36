"""Growth rates come in; who is growing and who is declining goes out. Who is neither is steady."""

from __future__ import annotations

from typing import Any

# A growth rate nearer to 0 than this is steady: a tenth of what the customer would spend at their own past rate.
STEADY_WITHIN = 0.1


def is_growing(growth_rate: Any) -> Any:
    """Return whether a customer is forecast to spend at least a tenth more than at their own past rate.

    Parameters
    ----------
    growth_rate : float, array, Series or Spark column
        A missing rate is neither growing nor declining.

    Examples
    --------
    >>> is_growing(0.1), is_growing(0.02)
    (True, False)
    """
    return growth_rate >= STEADY_WITHIN


def is_declining(growth_rate: Any) -> Any:
    """Return whether a customer is forecast to spend at least a tenth less; as ``is_growing``.

    Examples
    --------
    >>> is_declining(-0.1), is_declining(-0.02)
    (True, False)
    """
    return growth_rate <= -STEADY_WITHIN
