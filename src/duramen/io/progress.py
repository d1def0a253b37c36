"""Parts of a fit that are finished come in; records of the log that count them go out, for a display of what is left.

Nothing is shown here. A record has the attribute ``work``: what the part adds to ``FIT_WORK``, the work of a whole fit.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_LOG = logging.getLogger(__name__)

# Parts of a forecast model: seconds of a processor that each took in the fit of the demo (benchmarks/RESULTS.md).
FORECAST_PARTS = {"purchases and spend": 0.6, "earlier cutoffs": 4.4, "activity and value": 5.7}
# The forecast model from which the weight of growth is learned has fewer earlier cutoffs than the model itself.
EARLIER_MODEL = 0.5
# The other parts of a fit, beside its two forecast models.
OTHER_PARTS = {"earlier segments": 3.0, "segments and explanations": 4.6, "tiers": 0.2}
PARTS = FORECAST_PARTS | OTHER_PARTS
FIT_WORK = (1 + EARLIER_MODEL) * sum(FORECAST_PARTS.values()) + sum(OTHER_PARTS.values())
# What a part counts here; each thread has its own, so that models fitted side by side can count differently.
_COUNTS: ContextVar[float] = ContextVar("counts", default=1.0)


def finished(part: str, share: float = 1.0) -> None:
    """Report that a part of a fit, or a share of it, is finished.

    Parameters
    ----------
    part : str
        A name of ``PARTS``.
    share : float
        The share of the part that this is, from 0 to 1.
    """
    _LOG.info("%s: finished", part, extra={"work": share * PARTS[part] * _COUNTS.get()})


@contextmanager
def earlier_model() -> Iterator[None]:
    """Count the parts of a forecast model that is fitted inside as those of the earlier one of a fit."""
    before = _COUNTS.set(EARLIER_MODEL)
    try:
        yield
    finally:
        _COUNTS.reset(before)


def skip_earlier_model() -> None:
    """Report that a fit needs no earlier forecast model."""
    with earlier_model():
        for part in FORECAST_PARTS:
            finished(part)
