"""The columns of a feature file in a customer table come in; what the trees see of them goes out.

Numbers stay as they are. A category becomes a column of 0 and 1, so that explanations can name it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Self

import pandas as pd

from duramen.data.feature_file import IS
from duramen.errors import InputError
from duramen.language import say

if TYPE_CHECKING:
    from duramen.data.transactions import Transactions


@dataclass(frozen=True)
class ExtraFeatures:
    """The columns of a feature file that a model learned from.

    Attributes
    ----------
    columns : dict of str to list of str or None
        Categories known before the cutoff of each categorical column, None for a numeric one.
    """

    columns: dict[str, list[str] | None] = field(default_factory=dict)

    @classmethod
    def of(cls, tx: Transactions, cutoff: date) -> Self:
        """Return those that transactions have, with the categories that were known before the cutoff."""
        if tx.features is None:
            return cls()
        known = tx.features.categories(cutoff)
        return cls({name: known.get(name) for name in tx.features.kinds})

    @property
    def numeric(self) -> list[str]:
        """Names of the numeric columns."""
        return [name for name, categories in self.columns.items() if categories is None]

    def encoded_names(self, features: Sequence[str]) -> list[str]:
        """Return the names of the columns of ``encode``, in their order."""
        names = [name for name in features if name not in self.columns]
        for name in (name for name in features if name in self.columns):
            categories = self.columns[name]
            names += [name] if categories is None else [f"{name}{IS}{category}" for category in categories]
        return names

    def encode(self, features: pd.DataFrame) -> pd.DataFrame:
        """Return features with numbers as float64 and a column for each category instead of text.

        A category that was not known in training is missing, and so is a missing one.

        Raises
        ------
        InputError
            If a column is numeric and was not in training, or the other way round.
        """
        encoded: dict[str, pd.Series[Any]] = {}
        for name in (name for name in features if name in self.columns):
            categories = self.columns[str(name)]
            if categories is None:
                encoded[str(name)] = _numbers(features[name])
                continue
            column = _text(features[name])
            # Where the category is not known there is nothing to compare with.
            known = column.isin(categories)
            for category in categories:
                encoded[f"{name}{IS}{category}"] = (column == category).astype("float64").where(known)
        if not encoded:
            return features
        own = features.drop(columns=[name for name in features if name in self.columns])
        return pd.concat([own, pd.DataFrame(encoded, index=features.index)], axis=1)

    def refuse_missing(self, columns: Iterable[str]) -> None:
        """Refuse a customer table or a feature file without one of the columns."""
        present = set(columns)
        if missing := [name for name in self.columns if name not in present]:
            raise InputError(
                f"the model learned from {', '.join(map(repr, missing))} of a feature file; give a file that has "
                f"{'it' if len(missing) == 1 else 'them'} by `features`, or train again without."
            )

    def never_known(self, features: Sequence[pd.DataFrame]) -> list[str]:
        """Name in a sentence the columns that are missing for all customers at all training cutoffs."""
        unknown = []
        for name, categories in self.columns.items():
            encoded = [name] if categories is None else [f"{name}{IS}{category}" for category in categories]
            if not any(frame[encoded].notna().any(axis=None) for frame in features):
                unknown.append(name)
        if not unknown:
            return []
        return [
            say(
                "The forecast learned nothing from {columns}: no row of the feature file was known at a training "
                "cutoff. Give rows of earlier days, each with the day from which it was known.",
                columns=", ".join(unknown),
            )
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the columns as plain values."""
        return dict(self.columns)


def column_of(feature: str) -> tuple[str, str | None]:
    """Return the column of a feature file that a feature of the trees is of, and its category.

    Examples
    --------
    >>> column_of("visits"), column_of("channel = web")
    (('visits', None), ('channel', 'web'))
    """
    name, _, category = feature.partition(IS)
    return name, category or None


def _numbers(column: pd.Series[Any]) -> pd.Series[Any]:
    numbers = pd.to_numeric(column, errors="coerce").astype("float64")
    strange = column[numbers.isna() & column.notna()]
    if len(strange):
        raise InputError(
            f"column {column.name!r} of the features was numeric when the model learned, and is not now (for example "
            f"{str(strange.iloc[0])!r}); give numbers."
        )
    return numbers


def _text(column: pd.Series[Any]) -> pd.Series[Any]:
    if pd.api.types.is_numeric_dtype(column) and column.notna().any():
        raise InputError(
            f"column {column.name!r} of the features was text when the model learned, and is numeric now (for example "
            f"{column.dropna().iloc[0]}); give the categories."
        )
    return column.astype(object)


NO_EXTRA = ExtraFeatures()
