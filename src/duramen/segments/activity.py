"""Probabilities of a purchase come in; the words active, at risk and lapsed go out, for segments and for customers."""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from duramen.language import marked

ACTIVE, AT_RISK, LAPSED = marked("active"), marked("at risk"), marked("lapsed")
# Where no probability is known: time since the last purchase, in typical gaps.
AT_RISK_AFTER, LAPSED_AFTER = 1.5, 3.0


class ActivityLevels(NamedTuple):
    """P(active) from which somebody is called active, and below which lapsed; at risk is between.

    The defaults are for a base whose most active customers are certain to buy.

    Attributes
    ----------
    active_from, lapsed_below : float
    """

    active_from: float = 0.5
    lapsed_below: float = 0.2

    @classmethod
    def of_segments(cls, probability: npt.ArrayLike) -> Self:
        """Return the levels where the segments have these mean P(active).

        They are half and a fifth of that of the most active segment, so that the words fit any horizon.

        Examples
        --------
        >>> ActivityLevels.of_segments([0.3, 0.1])
        ActivityLevels(active_from=0.15, lapsed_below=0.06)
        """
        most = float(np.max(probability))
        return cls(most / 2, most / 5)

    def words(self, probability: npt.ArrayLike) -> np.ndarray:
        """Return active, at risk or lapsed for each P(active).

        Examples
        --------
        >>> ActivityLevels().words([0.97, 0.4, 0.1]).tolist()
        ['active', 'at risk', 'lapsed']
        """
        known = np.asarray(probability)
        return np.select([known >= self.active_from, known >= self.lapsed_below], [ACTIVE, AT_RISK], LAPSED)


def words_by_silence(silence: npt.ArrayLike) -> np.ndarray:
    """Return active, at risk or lapsed by the time since the last purchase in typical gaps, where no model is known.

    Examples
    --------
    >>> words_by_silence([0.5, 2.0, 3.0]).tolist()
    ['active', 'at risk', 'lapsed']
    """
    known = np.asarray(silence)
    return np.select([known < AT_RISK_AFTER, known < LAPSED_AFTER], [ACTIVE, AT_RISK], LAPSED)
