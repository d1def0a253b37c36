"""Predicted value and direction of each customer come in; the tier of each goes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from duramen.errors import InputError
from duramen.forecast.direction import STEADY_WITHIN
from duramen.language import marked
from duramen.scoring.treatments import TIER_KEYS, refuse_treatments
from duramen.segments.activity import AT_RISK, LAPSED

# The 80/20 rule: the core is the smallest set that accounts for this share of value.
CORE_SHARE = 0.8
# Keeps rounding in a sum of values from adding one customer too many.
SET_TOLERANCE = 1e-12


# The column of scores by which the customers outside the core are taken who can be rising.
RISING_COLUMN = "probability_growing"
THRESHOLDS = ("vip_share", "core_share", "regular_share", "rising_share", "rising_growth")


class Tier(NamedTuple):
    """The name of a tier, and how its customers are served."""

    name: str
    service: str


VIP = Tier(marked("VIP"), marked("personal service by a named person; no loss goes unnoticed"))
MAIN = Tier(marked("main"), marked("keep, and bring more customers up to here"))
RISING = Tier(marked("rising"), marked("select and grow: contact, trial and advice before their value shows"))
REGULAR = Tier(marked("regular"), marked("serve well by standard means"))
SMALL = Tier(marked("small"), marked("serve by a cheaper channel; not turned away"))
BELOW_BREAK_EVEN = Tier(
    marked("below break-even"),
    marked("lower the cost to serve or charge for it; let go in stages, never by size alone"),
)


@dataclass(frozen=True)
class Tiers:
    """The tiers of a ranking: the threshold, the name and the service of each, and what to do for their customers.

    Customers go into VIP, main, rising, regular and small by cumulative value, the largest first. Value is
    ``predicted_value``, and where costs are known ``predicted_value - cost_to_serve``.

    Parameters
    ----------
    vip_share : float
        The VIPs are the smallest set that accounts for this share of value.
    core_share : float
        VIPs and main customers are the smallest set that accounts for this share: the core.
    regular_share : float
        With the regular customers this share is reached; the rest are small.
    rising_share : float
        Outside the core, this share of customers, those most likely to grow, can be rising; 0 for none.
    rising_growth : float
        They are where their growth rate is at least this and they are neither at risk nor lapsed: by default where they
        are growing, with 0.2 where they are forecast to spend a fifth more than at their own past rate.
    vip, main, rising, regular, small, below_break_even : Tier
        Names and service, from the best to the lowest.
    treatments : mapping
        What to do for customers, by tier, life-cycle stage and how often they buy, where it differs from
        ``duramen.scoring.treatments.TREATMENTS``.

    Raises
    ------
    InputError
        If shares are not in order between 0 and 1, a share or ratio is not numeric, two tiers have one name, or a
        treatment is for no kind of customer.

    Examples
    --------
    >>> Tiers(vip_share=0.2, small=Tier("basic", "online only")).names
    ('VIP', 'main', 'rising', 'regular', 'basic', 'below break-even')
    """

    vip_share: float = 0.4
    core_share: float = CORE_SHARE
    regular_share: float = 0.95
    rising_share: float = 0.1
    rising_growth: float = STEADY_WITHIN
    vip: Tier = VIP
    main: Tier = MAIN
    rising: Tier = RISING
    regular: Tier = REGULAR
    small: Tier = SMALL
    below_break_even: Tier = BELOW_BREAK_EVEN
    treatments: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._refuse_thresholds()
        self._refuse_names()
        refuse_treatments(self.treatments)

    def _refuse_thresholds(self) -> None:
        for name in THRESHOLDS:
            number = getattr(self, name)
            if not isinstance(number, int | float) or isinstance(number, bool):
                raise InputError(
                    f"{name} is {number!r}, which is not numeric; write a number, for example 0.4."
                )
        shares = (self.vip_share, self.core_share, self.regular_share)
        if not 0 < self.vip_share <= self.core_share <= self.regular_share <= 1:
            raise InputError(
                f"vip_share, core_share and regular_share are {shares}; each must be above 0, at least the one before "
                "it and at most 1, for example (0.4, 0.8, 0.95)."
            )
        if not 0 <= self.rising_share <= 1:
            raise InputError(
                f"rising_share is {self.rising_share}, and a share of customers is between 0 and 1; give 0.1 for "
                "the tenth who are most likely to grow."
            )
        if not 0 <= self.rising_growth < np.inf:
            raise InputError(
                f"rising_growth is {self.rising_growth}, and a rising customer grows; give 0.1 for a tenth more "
                "than at the own past rate, or 0.2 for a fifth more."
            )

    def _refuse_names(self) -> None:
        for tier in self.tiers:
            if not (isinstance(tier, Tier) and all(isinstance(part, str) and part.strip() for part in tier)):
                raise InputError(
                    f"the tier {tier!r} lacks a name or a service; write Tier('VIP', 'personal service')."
                )
        if len(set(self.names)) < len(self.names):
            raise InputError(
                f"the tiers are named {', '.join(map(repr, self.names))}; give each a name of its own."
            )

    def to_dict(self) -> dict[str, Any]:
        """Return thresholds, names, service and treatments as plain values."""
        return {
            name: value._asdict() if isinstance(value, Tier) else value
            for name, value in (vars(self) | {"treatments": dict(self.treatments)}).items()
        }

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any], base: Self | None = None) -> Self:
        """Return tiers from plain values, such as those of a TOML file.

        Parameters
        ----------
        settings : mapping
            Thresholds by name, and for a tier a mapping of ``name`` or ``service`` or both; ``treatments`` are
            added to those of ``base``.
        base : Tiers, optional
            The tiers to start from; by default the default tiers.

        Raises
        ------
        InputError
            If a setting is unknown or of another kind.

        Examples
        --------
        >>> Tiers.from_dict({"vip_share": 0.3, "small": {"name": "basic"}}).names[4]
        'basic'
        """
        base = cls() if base is None else base
        known: dict[str, Any] = {known.name: getattr(base, known.name) for known in fields(cls)}
        for key, value in settings.items():
            if key not in known:
                raise InputError(f"tiers have no setting {key!r}; the settings are {', '.join(known)}.")
            default = known[key]
            if key == "treatments" and isinstance(value, Mapping):
                known[key] = {**default, **value}
            elif not isinstance(default, Tier):
                known[key] = value
            elif isinstance(value, Mapping) and set(value) <= set(Tier._fields):
                known[key] = default._replace(**value)
            else:
                raise InputError(
                    f"the tier {key} is {value!r}; write what differs of its name and service, for example "
                    '{ name = "basic", service = "online only" }.'
                )
        return cls(**known)

    @property
    def tiers(self) -> tuple[Tier, ...]:
        """All tiers, from the best to the lowest."""
        return (self.vip, self.main, self.rising, self.regular, self.small, self.below_break_even)

    @property
    def core_names(self) -> tuple[str, str]:
        """Names of the two tiers that are the core."""
        return (self.vip.name, self.main.name)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all tiers, from the best to the lowest."""
        return tuple(tier.name for tier in self.tiers)

    @property
    def keys(self) -> dict[str, str]:
        """The key of each tier (``vip``) by its name."""
        return dict(zip(self.names, TIER_KEYS, strict=True))

    def can_rise(self, scores: pd.DataFrame) -> npt.NDArray[np.bool_]:
        """Return which customers are rising if they are outside the core and among the first by ``RISING_COLUMN``.

        Parameters
        ----------
        scores : pandas.DataFrame
            Has ``growth_rate``; with ``lifecycle_stage`` nobody who is at risk or lapsed is rising.
        """
        can = scores["growth_rate"] >= self.rising_growth
        if "lifecycle_stage" in scores:
            can &= ~scores["lifecycle_stage"].isin((AT_RISK, LAPSED))
        rises: npt.NDArray[np.bool_] = can.to_numpy()
        return rises

    def assign(self, scores: pd.DataFrame) -> npt.NDArray[np.object_]:
        """Return the name of each customer's tier.

        Where costs are known, customers of less value than cost are below break-even and add nothing to the value.

        Parameters
        ----------
        scores : pandas.DataFrame
            Has ``predicted_value``, ``probability_growing`` and what ``can_rise`` takes, and where costs are known
            ``cost_to_serve`` in the same money; the order given breaks ties.
        """
        value = scores["predicted_value"].to_numpy()
        cost = scores["cost_to_serve"].to_numpy() if "cost_to_serve" in scores else None
        above = np.ones(len(value), dtype=bool) if cost is None else value >= cost
        after_cost = value_after_cost(value, cost)
        core = above & smallest_set(after_cost, self.core_share)
        outside = above & ~core
        rising = outside & self.can_rise(scores) & (self.rising_share > 0)
        if rising.any():
            likely = scores[RISING_COLUMN].to_numpy()
            rising &= likely >= np.quantile(likely[outside], 1 - self.rising_share)
        vip, regular = (smallest_set(after_cost, share) for share in (self.vip_share, self.regular_share))
        # Numbers and not names are chosen: an array of text takes the memory of the longest name for each customer.
        place = np.select([~above, core & vip, core, rising, regular], [5, 0, 1, 2, 3], default=4)
        named: npt.NDArray[np.object_] = np.array(self.names, dtype=object)[place]
        return named


def value_after_cost(
    value: npt.NDArray[np.float64], cost: npt.NDArray[np.float64] | None
) -> npt.NDArray[np.float64]:
    """Return the value that tiers are cut by: where costs are known, what is left after them, and 0 below break-even.

    Examples
    --------
    >>> value_after_cost(np.array([5.0, 1.0]), np.array([2.0, 2.0]))
    array([3., 0.])
    """
    if cost is None:
        return value
    left: npt.NDArray[np.float64] = np.maximum(value - cost, 0.0)
    return left


DEFAULT_TIERS = Tiers()
# Names of the tiers by default, from the best to the lowest.
TIERS = DEFAULT_TIERS.names


def smallest_set(values: npt.NDArray[np.float64], part: float = CORE_SHARE) -> npt.NDArray[np.bool_]:
    """Find the fewest customers that together account for a share of the value.

    Parameters
    ----------
    values : array of shape (n,)
        Predicted value in money; the order given breaks ties.
    part : float
        The share of the total, above 0 and at most 1.

    Returns
    -------
    array of bool, shape (n,)
        True for the customers of the set; all False where the total is not positive.

    Examples
    --------
    >>> smallest_set(np.array([1.0, 6.0, 3.0]))
    array([False,  True,  True])
    """
    inside = np.zeros(len(values), dtype=bool)
    order = np.argsort(-values, kind="stable")
    running = np.cumsum(values[order])
    if len(values) and running[-1] > 0:
        needed = int(np.argmax(running >= part * running[-1] * (1 - SET_TOLERANCE))) + 1
        inside[order[:needed]] = True
    return inside
