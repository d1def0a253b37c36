"""What can be tuned in a forecast: typed settings, refused with their bound where they are outside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from math import inf, isfinite
from typing import Any, NamedTuple, Self

from duramen.data.windows import MOST_TRAINING_CUTOFFS
from duramen.errors import InputError
from duramen.forecast.btyd_value import PURCHASE_MODELS
from duramen.forecast.folds import LEAST_CUSTOMERS


class Bounds(NamedTuple):
    """The numbers that a setting may be: ``whole`` ones alone, from ``least`` (or above it) to ``most``."""

    least: float
    most: float = inf
    whole: bool = False
    above: bool = False

    def allow(self, value: Any) -> bool:
        """Return whether a value is such a number."""
        if isinstance(value, bool) or not isinstance(value, int if self.whole else int | float):
            return False
        return (
            isfinite(value) and self.least <= value <= self.most and not (self.above and value == self.least)
        )

    def __str__(self) -> str:
        if self.least == -inf:
            return "a finite number"
        start = f"{'above' if self.above else 'from'} {self.least:,g}"
        end = " on" if self.most == inf else f" to {self.most:,}"
        return f"a {'whole ' if self.whole else ''}number {start}{end}"


def refuse_outside(owner: str, values: Mapping[str, Any], bounds: Mapping[str, Bounds]) -> None:
    """Refuse the first value that is outside the bounds of its name, in a sentence of ``owner``.

    Examples
    --------
    >>> refuse_outside("trees", {"learning_rate": 2}, {"learning_rate": Bounds(0, 1, above=True)})
    Traceback (most recent call last):
    duramen.errors.InputError: learning_rate of trees is 2; give a number above 0 to 1.
    """
    for name, allowed in bounds.items():
        if not allowed.allow(values[name]):
            raise InputError(f"{name} of {owner} is {values[name]!r}; give {allowed}.")


@dataclass(frozen=True, kw_only=True)
class TreeSettings:
    """How LightGBM's trees grow; the same for those of churn, value and spend.

    Small trees are the default: deeper ones learned the noise of a few thousand customers, and on a hundred thousand
    they gained nothing. A smaller step with more rounds took twice as long for the same figures.

    Parameters
    ----------
    num_leaves, max_depth : int
        Most leaves of a tree, and most splits on the way to one. Explanations of trees of more than about fifteen
        leaves take longer.
    learning_rate : float
        Share of each tree that counts.
    rounds : int
        Trees.
    min_leaf_customers, min_leaf_share : int, float
        A leaf has at least as many customers of all training cutoffs, and at least this share of them: fewer say more
        about themselves than about the next ones.
    feature_fraction, bagging_fraction : float
        Share of features and of customers that each tree sees.
    lambda_l2 : float
        Penalty on the squares of leaf values.

    Raises
    ------
    InputError
        If a setting is outside its bounds.
    """

    num_leaves: int = 7
    max_depth: int = 3
    learning_rate: float = 0.1
    rounds: int = 50
    min_leaf_customers: int = 20
    min_leaf_share: float = 0.002
    feature_fraction: float = 0.5
    bagging_fraction: float = 0.8
    lambda_l2: float = 1.0

    def __post_init__(self) -> None:
        refuse_outside(
            "trees",
            asdict(self),
            {
                "num_leaves": Bounds(2, 131_072, whole=True),
                "max_depth": Bounds(1, 64, whole=True),
                "learning_rate": Bounds(0, 1, above=True),
                "rounds": Bounds(1, 10_000, whole=True),
                "min_leaf_customers": Bounds(1, whole=True),
                "min_leaf_share": Bounds(0, 0.5),
                "feature_fraction": Bounds(0, 1, above=True),
                "bagging_fraction": Bounds(0, 1, above=True),
                "lambda_l2": Bounds(0),
            },
        )


@dataclass(frozen=True, kw_only=True)
class ForecastSettings:
    """How a forecast is learned.

    Parameters
    ----------
    btyd_models : tuple of str
        Candidates among "BG/NBD", "MBG/NBD" and "Pareto/NBD"; the one with the highest likelihood is used, at each
        cutoff.
    training_cutoffs : int
        Most earlier cutoffs to learn from, half a horizon apart. Those beyond six add rows of ever older behaviour,
        not new facts.
    training_customers : int
        Customers that the trees learn from, at each earlier cutoff; of more, a sample is drawn. Beyond some tens of
        thousands more of them change no figure (``benchmarks/train.py``).
    calibrated : bool
        Whether the log odds of P(active) are multiplied with the slope that the holdout shows (Platt scaling, shrunk
        towards 1). Their mean is that of BTYD, corrected, in either case.
    trees : TreeSettings

    Raises
    ------
    InputError
        If a setting is outside its bounds or a BTYD model is unknown.

    Examples
    --------
    >>> ForecastSettings(btyd_models=("BG/NBD",), trees=TreeSettings(num_leaves=5)).trees.num_leaves
    5
    """

    btyd_models: tuple[str, ...] = tuple(PURCHASE_MODELS)
    training_cutoffs: int = MOST_TRAINING_CUTOFFS
    training_customers: int = 60_000
    calibrated: bool = True
    trees: TreeSettings = TreeSettings()

    def __post_init__(self) -> None:
        models: Any = self.btyd_models
        known = tuple(PURCHASE_MODELS)
        if not isinstance(models, list | tuple) or not models or any(name not in known for name in models):
            raise InputError(
                f"btyd_models of a forecast are {models!r}; give at least one of {', '.join(known)}."
            )
        object.__setattr__(self, "btyd_models", tuple(models))
        refuse_outside(
            "a forecast",
            vars(self),
            {
                # The holdout is the second of them.
                "training_cutoffs": Bounds(2, 100, whole=True),
                "training_customers": Bounds(LEAST_CUSTOMERS, whole=True),
            },
        )
        if not isinstance(self.calibrated, bool):
            raise InputError(f"calibrated of a forecast is {self.calibrated!r}; give True or False.")
        if not isinstance(self.trees, TreeSettings):
            raise InputError(f"trees of a forecast are {self.trees!r}; give TreeSettings(...).")

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain values, those of trees in a dict of their own."""
        return asdict(self) | {"btyd_models": list(self.btyd_models)}

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Self:
        """Return settings from plain values, such as those of a TOML file, with the defaults where nothing is set.

        Raises
        ------
        InputError
            If a setting is unknown or outside its bounds.

        Examples
        --------
        >>> ForecastSettings.from_dict({"training_cutoffs": 4, "trees": {"num_leaves": 5}}).trees
        TreeSettings(num_leaves=5, ...)
        """
        trees = settings.get("trees", {})
        if not isinstance(trees, Mapping):
            raise InputError(
                f"trees of a forecast are {trees!r}; give a table of {', '.join(_names(TreeSettings))}."
            )
        for owner, given, known in (
            ("a forecast", settings, _names(cls)),
            ("trees", trees, _names(TreeSettings)),
        ):
            if unknown := [name for name in given if name not in known]:
                raise InputError(
                    f"{owner} has no setting {unknown[0]!r}; the settings are {', '.join(known)}."
                )
        return cls(**{**settings, "trees": TreeSettings(**trees)})


def _names(settings: type[TreeSettings] | type[ForecastSettings]) -> list[str]:
    return [field.name for field in fields(settings)]


DEFAULT_FORECAST = ForecastSettings()
