"""Settings come in; the axes of the portfolio matrices, and the name and treatment of every cell, go out."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from duramen.errors import InputError
from duramen.language import marked, say

LOYALTY, SIZE, CREDIT = marked("loyalty"), marked("size"), marked("credit")
LOYALTY_BY_SIZE = (LOYALTY, SIZE)
LOYALTY_BY_CREDIT = (LOYALTY, CREDIT)
LOYALTY_BY_SIZE_BY_CREDIT = (LOYALTY, SIZE, CREDIT)
MATRICES = (LOYALTY_BY_SIZE, LOYALTY_BY_CREDIT, LOYALTY_BY_SIZE_BY_CREDIT)
# The level of customers without a credit grade where others have one.
UNGRADED = marked("credit unknown")


class Cell(NamedTuple):
    """The name of a cell, and the treatment of its customers."""

    name: str
    treatment: str


# The corners of each matrix, by 1 for the highest level of an axis and 0 for the lowest. No customer is turned away for
# size alone; letting go is for low loyalty, size and credit together.
_CORNERS: dict[tuple[str, ...], dict[tuple[int, ...], Cell]] = {
    LOYALTY_BY_SIZE: {
        (1, 1): Cell(
            marked("cash cow"),
            marked("keep: a named person, first call on what is new; no loss goes unnoticed"),
        ),
        (1, 0): Cell(
            marked("tomorrow's customer"),
            marked("grow: offer the next product while they buy regularly"),
        ),
        (0, 1): Cell(
            marked("to be warmed up"),
            marked("win the habit: contact soon, and make the next purchase easy"),
        ),
        (0, 0): Cell(
            marked("barely worth keeping"),
            marked("serve by a cheaper channel, without campaigns; not turned away"),
        ),
    },
    LOYALTY_BY_CREDIT: {
        (1, 1): Cell(
            marked("trusted partner"),
            marked("longer terms and a higher limit; ask for a recommendation"),
        ),
        (1, 0): Cell(
            marked("regular on cash terms"),
            marked("keep supplied, prepaid or within a small limit; review it yearly"),
        ),
        (0, 1): Cell(
            marked("worth courting"),
            marked("use terms as an argument: invite back with credit"),
        ),
        (0, 0): Cell(
            marked("prepayment only"),
            marked("sell against prepayment; spend nothing on winning back"),
        ),
    },
    LOYALTY_BY_SIZE_BY_CREDIT: {
        (1, 1, 1): Cell(
            marked("key customer"),
            marked("keep at nearly any price: a named person and the best terms"),
        ),
        (1, 1, 0): Cell(
            marked("large, little credit"),
            marked("keep, and watch what is owed: secured or in small steps"),
        ),
        (1, 0, 1): Cell(
            marked("future key customer"),
            marked("grow with credit: a limit ahead of the orders"),
        ),
        (1, 0, 0): Cell(
            marked("small and steady on cash"),
            marked("serve well by standard means, prepaid"),
        ),
        (0, 1, 1): Cell(
            marked("large, to be won"),
            marked("make a personal offer with good terms, so that they buy regularly"),
        ),
        (0, 1, 0): Cell(
            marked("large risk"),
            marked("sell against prepayment only; do not offer credit to gain sales"),
        ),
        (0, 0, 1): Cell(
            marked("occasional invitation"),
            marked("invite now and then by a cheap channel"),
        ),
        (0, 0, 0): Cell(
            marked("first to let go"),
            marked("let go in stages: cheapest channel, prepaid, no campaigns"),
        ),
    },
}


@dataclass(frozen=True)
class Axis:
    """The levels of one axis, and where each ends.

    Parameters
    ----------
    levels : tuple of str
        Names of the two or three levels, the lowest first.
    cuts : tuple of float
        The upper bound of each level but the last. One fewer than levels, rising.
    by : str
        "quantile": cuts are shares of the customers, between 0 and 1; "value": cuts are in the axis's own unit.

    Raises
    ------
    InputError
        If there are not two or three levels of different names, or the cuts do not fit them.

    Examples
    --------
    >>> Axis(("small", "medium", "large"), (100.0, 1000.0), by="value").place(np.array([100.0, 100.5, 5000.0])).tolist()
    [0, 1, 2]
    """

    levels: tuple[str, ...]
    cuts: tuple[float, ...] = (0.5,)
    by: str = "quantile"

    def __post_init__(self) -> None:
        # TOML has only lists.
        object.__setattr__(self, "levels", tuple(self.levels))
        object.__setattr__(self, "cuts", tuple(self.cuts))
        if len(self.levels) not in (2, 3) or len(set(self.levels)) < len(self.levels):
            raise InputError(f"an axis has the levels {self.levels}; give two or three different names.")
        if not all(isinstance(level, str) and level.strip() and "," not in level for level in self.levels):
            raise InputError(f"an axis has the levels {self.levels}; give each a name without a comma.")
        if self.by not in ("quantile", "value"):
            raise InputError(f"cuts are by {self.by!r}; write 'quantile' or 'value'.")
        numbers = [cut for cut in self.cuts if isinstance(cut, int | float) and not isinstance(cut, bool)]
        rising = all(low < high for low, high in itertools.pairwise(numbers))
        if len(numbers) != len(self.cuts) or len(numbers) != len(self.levels) - 1 or not rising:
            raise InputError(
                f"the levels {', '.join(self.levels)} have the cuts {self.cuts}; give {len(self.levels) - 1}, rising, "
                "one between each level and the next."
            )
        if self.by == "quantile" and not all(0 < cut < 1 for cut in numbers):
            raise InputError(
                f"the cuts {self.cuts} are to be shares of the customers; give them between 0 and 1, or by = 'value'."
            )

    def ends(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the upper bound of each level but the last, in the unit of ``values``, of which none is missing.

        Where so many customers have the greatest value that a quantile falls on it, they are the last level: if half of
        all customers have the best grade, they have good credit.
        """
        if self.by == "value":
            return np.array(self.cuts, dtype=float)
        different = np.unique(values)
        ends: npt.NDArray[np.float64] = np.minimum(np.quantile(values, self.cuts), different[-2:][0])
        return ends

    def place(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
        """Return the position of each value's level, 0 for the lowest; a value at a cut is below it."""
        return np.searchsorted(self.ends(values), values, side="left")


@dataclass(frozen=True)
class Axes:
    """How customers are placed in the matrices: levels and cuts of each axis, and names of cells.

    Parameters
    ----------
    loyalty, size, credit : Axis
        By default each is cut at the median of the customers placed, so that both levels are filled in any business.
    size_from : str
        "past" (net money at the own past rate) or "predicted" (predicted value), both over the horizon. By default the
        past: it is observed, and the prediction is shown with it.
    credit_grades : tuple
        Grades of credit, the best first. If empty, credit is a number and more is better, or a letter grade (AAA, A+,
        A, BB ...), whose order is known.
    cells : mapping of str to Cell
        Custom names and treatments, by the levels of the cell: ``"loyal, large"``.

    Raises
    ------
    InputError
        If ``size_from`` is another word, a grade appears twice, two axes share the name of a level, or cells are named
        that no matrix has.

    Examples
    --------
    >>> axes = Axes.from_dict({"size": {"levels": ["small", "large"], "cuts": [500], "by": "value"},
    ...                        "cells": {"loyal, large": {"name": "star", "treatment": "keep"}}})
    >>> axes.cell(LOYALTY_BY_SIZE, (1, 1)).name
    'star'
    """

    loyalty: Axis = Axis((marked("wavering"), marked("loyal")))
    size: Axis = Axis((marked("small"), marked("large")))
    credit: Axis = Axis((marked("weak credit"), marked("good credit")))
    size_from: str = "past"
    credit_grades: tuple[Any, ...] = ()
    cells: Mapping[str, Cell] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "credit_grades", tuple(self.credit_grades))
        if self.size_from not in ("past", "predicted"):
            raise InputError(f"size_from is {self.size_from!r}; write 'past' or 'predicted'.")
        if len(set(self.credit_grades)) < len(self.credit_grades):
            raise InputError(
                f"the credit grades {self.credit_grades} have one twice; give each once, the best first."
            )
        levels = [*self.loyalty.levels, *self.size.levels, *self.credit.levels, UNGRADED]
        if again := [level for level in levels if levels.count(level) > 1]:
            raise InputError(f"two axes have a level {again[0]!r}; give each level a name of its own.")
        known = {self.key(matrix, place) for matrix in MATRICES for place in self.places(matrix)}
        if strange := [key for key in self.cells if key not in known]:
            raise InputError(
                f"there is no cell {strange[0]!r}; name it by its levels, for example "
                f"{self.key(LOYALTY_BY_SIZE, (1, 1))!r}."
            )
        for matrix in MATRICES:
            names = [self.cell(matrix, place).name for place in self.places(matrix)]
            if twice := [name for name in names if names.count(name) > 1]:
                raise InputError(f"two cells are named {twice[0]!r}; give each a name of its own.")

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Self:
        """Return axes from plain values, such as those of a TOML file, and defaults for the others.

        Parameters
        ----------
        settings : mapping
            ``loyalty``, ``size`` and ``credit`` as mappings of ``levels``, ``cuts`` and ``by``; ``size_from``;
            ``credit_grades``; ``cells`` as a mapping of levels to ``name`` and ``treatment``.

        Raises
        ------
        InputError
            If a setting is unknown or of another kind.
        """
        known: dict[str, Any] = {f.name: getattr(cls(), f.name) for f in fields(cls)}
        for key, value in settings.items():
            if key not in known:
                raise InputError(f"portfolios have no setting {key!r}; the settings are {', '.join(known)}.")
            if isinstance(known[key], Axis):
                known[key] = replace(known[key], **_settings(key, value, {"levels", "cuts", "by"}))
            elif key == "cells":
                parts = set(Cell._fields)
                known[key] = {
                    name: Cell(**_settings(name, cell, parts, all_of=True)) for name, cell in value.items()
                }
            else:
                known[key] = value
        return cls(**known)

    def places(self, matrix: tuple[str, ...]) -> Iterator[tuple[int, ...]]:
        """Return the positions of all cells, from the highest levels to the lowest."""
        return itertools.product(*(reversed(range(len(self.axis(name).levels))) for name in matrix))

    def axis(self, name: str) -> Axis:
        """Return an axis by its name."""
        axis: Axis = getattr(self, name)
        return axis

    def key(self, matrix: tuple[str, ...], place: tuple[int, ...]) -> str:
        """Return the levels of a cell as they are written in settings."""
        return ", ".join(self.axis(name).levels[level] for name, level in zip(matrix, place, strict=True))

    def cell(self, matrix: tuple[str, ...], place: tuple[int, ...]) -> Cell:
        """Return the name and treatment of a cell: custom, or those of a corner, or a mixture between corners."""
        key = self.key(matrix, place)
        if key in self.cells:
            return self.cells[key]
        tops = [len(self.axis(name).levels) - 1 for name in matrix]
        low = tuple(int(level == top) for level, top in zip(place, tops, strict=True))
        high = tuple(int(level > 0) for level in place)
        below, above = _CORNERS[matrix][low], _CORNERS[matrix][high]
        if below == above:
            return below
        treatment = say(
            "between {lower} and {higher}; for now, {treatment}",
            lower=say(below.name),
            higher=say(above.name),
            treatment=say(below.treatment),
        )
        return Cell(key, treatment)


DEFAULT_AXES = Axes()


def _settings(name: str, value: Any, known: set[str], all_of: bool = False) -> dict[str, Any]:
    if not isinstance(value, Mapping) or set(value) - known or (all_of and set(value) != known):
        raise InputError(
            f"{name} is {value!r}; write {' and '.join(sorted(known))} of it, and no other setting."
        )
    return dict(value)
