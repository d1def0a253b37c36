"""A table of customers comes in; their kind, household, credit, satisfaction and referrer go out, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from duramen.data.checks import parse_text
from duramen.data.columns import USUAL_NAMES, find_columns
from duramen.data.file_columns import Opened
from duramen.data.hashed_ids import id_as_text
from duramen.data.ids import id_of_type, id_text, ids_as_text
from duramen.data.sources import open_source, source_name
from duramen.data.workspace import open_workspace
from duramen.errors import InputError
from duramen.language import marked, say

if TYPE_CHECKING:
    import ibis
    import pandas as pd

# Channel customers sell on; internal ones are the business itself, and no revenue.
CHANNEL, INTERNAL = marked("channel"), "internal"
KINDS = (marked("consumer"), marked("business"), CHANNEL, INTERNAL)
_HOUSEHOLD = ("householdid", "household")
ID_ROLES = ("customer_id", "household", "referred_by")
# The usual names of each column, letters and digits only, the surest first. A household is the customer where the file
# has no other id.
USUAL_COLUMNS: dict[str, tuple[str, ...]] = {
    "customer_id": (*(name for name in USUAL_NAMES["customer_id"] if name not in _HOUSEHOLD), *_HOUSEHOLD),
    "kind": USUAL_NAMES["kind"],
    "household": (*_HOUSEHOLD, "familyid", "family", "firmid", "firm", "companyid", "company", "parentid", "parent"),
    "credit": ("credit", "creditgrade", "creditrating", "creditscore", "creditclass"),
    "satisfaction": ("satisfaction", "satisfactionscore", "csat", "nps"),
    "referred_by": ("referredby", "referrer", "referrerid", "referredbyid"),
}  # fmt: skip


@dataclass(frozen=True)
class CustomerFile:
    """What is known of customers beside their orders.

    Attributes
    ----------
    table : pandas.DataFrame
        ``customer_id`` as text, and those that the source has of ``kind`` (one of ``KINDS``), ``household`` (text: the
        household or firm that the customer is a member of), ``credit`` and ``satisfaction`` (numbers where all are) and
        ``referred_by`` (text: the customer who brought them), missing where nothing is said.
    source : str
        How messages call the source.
    assumed : tuple of str
        What the reading decided by itself, in sentences.
    """

    table: pd.DataFrame
    source: str
    assumed: tuple[str, ...] = ()

    def of(self, column: str, customers: pd.Series[Any]) -> pd.Series[Any]:
        """Return a column by customer id, such as ``credit`` for the portfolio, missing where nothing is said.

        A household that orders were rolled up to has what its own row says, or else what all members agree on.

        Parameters
        ----------
        column : str
        customers : pandas.Series
            Ids of those who are asked for, in any type: 7, 7.0 and "7" are one customer.

        Raises
        ------
        InputError
            If the source has no such column.
        """
        import pandas as pd

        if column not in self.table or column == "customer_id":
            raise InputError(
                f"{self.source} has no column {column}; it has {', '.join(self.table.columns[1:])}."
            )
        told = self.table.set_index("customer_id")[column].dropna()
        if "household" in self.table:
            members = self.table.dropna(subset=["household", column]).groupby("household")[column]
            agreed = members.first()[members.nunique() == 1]
            told = pd.concat([told, agreed[~agreed.index.isin(told.index)]])
        ids = ids_as_text(customers)
        return pd.Series(told.reindex(ids).to_numpy(), index=pd.Index(customers), name=column)

    def join(self, rows: ibis.Table) -> tuple[ibis.Table, str]:
        """Give parsed order lines the kind of their customer, and the household as their customer.

        Parameters
        ----------
        rows : ibis.Table
            Parsed lines with ``customer_id``, and ``kind`` where the orders have one.

        Returns
        -------
        ibis.Table
            The lines, all of them. ``customer_id`` is the household where there is one; ids keep their type where
            every household can be of it, and else are text. A line is internal where either source says so; of
            other kinds, that of this source counts.
        str
            How many customers of the one are in the other, in a sentence.

        Raises
        ------
        InputError
            If no customer of the orders is in this source, or a household has the id of a customer outside of it.
        """
        import ibis

        text = id_text(rows.customer_id)
        ids = rows.select(customer_id=text).distinct().to_pyarrow()["customer_id"].drop_null().to_pandas()
        note = self._compared_with(ids)
        self._refuse_shared_ids(ids)
        known = self.table[[name for name in ("customer_id", "kind", "household") if name in self.table]]
        known = known.rename(columns={name: f"its_{name}" for name in known.columns})
        joined = rows.mutate(its_text=text).left_join(
            ibis.memtable(known.astype("string")), [("its_text", "its_customer_id")]
        )
        changed: dict[str, Any] = {}
        if "kind" in self.table:
            changed["kind"] = joined.its_kind
            if "kind" in rows.columns:
                own = joined.kind.cast("string")
                changed["kind"] = (
                    (own.lower().strip() == INTERNAL)
                    .fill_null(False)
                    .ifelse(own, ibis.coalesce(joined.its_kind, own))
                )
        if "household" in self.table:
            changed["customer_id"] = self._household_or_own(joined)
        return joined.mutate(**changed).drop(ibis.selectors.startswith("its_")), note

    def _household_or_own(self, joined: ibis.Table) -> Any:
        import ibis

        dtype = joined.customer_id.type()
        households = ibis.memtable(self.table[["household"]].dropna().astype("string")).household
        strange = id_of_type(households, dtype).isnull().sum()
        if joined.get_backend().to_pyarrow(strange).as_py():
            return ibis.coalesce(joined.its_household, joined.its_text)
        return ibis.coalesce(id_of_type(joined.its_household, dtype), joined.customer_id)

    def _compared_with(self, ids: pd.Series[str]) -> str:
        own = self.table["customer_id"]
        met = int(own.isin(ids).sum())
        if not met:
            raise InputError(
                f"none of the {len(own):,} customers of {self.source} (for example {own.iloc[0]!r}) is among the "
                f"{len(ids):,} of the orders (for example {ids.min()!r}); name the column of ids that both have."
            )
        return say(
            "{source} has {known} of {customers} customers; customers in it without an order: {strangers}",
            source=self.source,
            known=f"{met:,}",
            customers=f"{len(ids):,}",
            strangers=f"{len(own) - met:,}",
        )

    def _refuse_shared_ids(self, ids: pd.Series[str]) -> None:
        """Refuse a household that would take in the orders of somebody who is no member."""
        import pandas as pd

        if "household" not in self.table:
            return
        everybody = pd.Index(ids).union(pd.Index(self.table["customer_id"]))
        household = self.table.set_index("customer_id")["household"].reindex(everybody)
        outside = (
            household.index.isin(household.dropna().unique()) & (household != household.index).to_numpy()
        )
        if outside.any():
            raise InputError(
                f"{outside.sum():,} households of {self.source} have the id of a customer who is not a member (for "
                f"example {household.index[outside][0]!r}), and their orders would be mixed; give households ids of "
                "their own."
            )


def read_customer_file(
    source: Any, *, columns: Mapping[str, str] | None = None, hash_ids: str | Path | None = None
) -> CustomerFile:
    """Read and check a table with one row a customer.

    Parameters
    ----------
    source : str, Path, pandas.DataFrame, pyarrow.Table or ibis.Table
        What ``read_transactions`` takes.
    columns : mapping, optional
        Names of the columns by role: customer_id, kind, household (or firm), credit, satisfaction, referred_by; found
        by themselves where the names are usual. A role given as an empty string is left out.
    hash_ids : str or Path, optional
        The file of salt by which the ids of the orders are hashed.

    Raises
    ------
    InputError
        If there is no column of ids or nothing beside it, an id is missing, a customer has two rows or is in two
        households, a kind is none of ``KINDS``, or a household has members of two kinds.

    Examples
    --------
    >>> import pandas as pd
    >>> known = read_customer_file(pd.DataFrame({"customer_id": [7, 8], "kind": ["channel", "consumer"]}))
    >>> known.of("kind", pd.Series([8, 9])).tolist()
    ['consumer', nan]
    """
    import pandas as pd

    where = source_name(source)
    opened = Opened()
    raw = open_source(open_workspace(), source, opened)
    roles = find_columns(raw.columns, columns or {}, where, USUAL_COLUMNS, required=())
    if "customer_id" not in roles or len(roles) < 2:
        raise InputError(
            f"{where} has no column of customer ids, or none of {', '.join(list(USUAL_COLUMNS)[1:])} beside it; its "
            f"columns are {', '.join(map(repr, raw.columns))}; name them, for example columns={{'kind': 'type'}}."
        )
    as_id = id_as_text(hash_ids)
    parsed = {
        role: as_id(raw[name]) if role in ID_ROLES else parse_text(raw[name]) for role, name in roles.items()
    }
    table = raw.select(**parsed).to_pyarrow().to_pandas().astype(object)
    # Missing is one thing, whatever the column's dtype.
    table = table.where(table.notna(), None)
    for role in ("credit", "satisfaction"):
        if role in table:
            numbers = pd.to_numeric(table[role], errors="coerce")
            if numbers.notna().eq(table[role].notna()).all():
                table[role] = numbers.astype(float)
    if "kind" in table:
        table["kind"] = table["kind"].str.lower()
    _refuse_unsound(table, where)
    return CustomerFile(table, where, tuple(opened.assumed))


def _refuse_unsound(table: pd.DataFrame, where: str) -> None:
    ids = table["customer_id"]
    if table.empty or ids.isna().any():
        raise InputError(
            f"{ids.isna().sum():,} of {len(ids):,} rows of {where} have no customer id; give one row a customer."
        )
    again = table[ids.duplicated(keep=False)]
    if "household" in again and len(again):
        homes = again.groupby("customer_id")["household"].nunique()
        _refuse(
            where, homes[homes > 1].index, "are members of two households", "give each customer one household"
        )
    _refuse(where, ids[ids.duplicated()].unique(), "have more than one row", "give one row a customer")
    if "kind" not in table:
        return
    strange = table[table["kind"].notna() & ~table["kind"].isin(KINDS)]
    if len(strange):
        raise InputError(
            f"{len(strange):,} customers of {where} are of an unknown kind (for example "
            f"{strange['kind'].iloc[0]!r}); write {', '.join(KINDS)}, or nothing."
        )
    if "household" in table:
        # Internal members are set aside, and leave the kind to the others.
        kinds = table[table["kind"] != INTERNAL].groupby("household")["kind"].nunique()
        _refuse(
            where,
            kinds[kinds > 1].index,
            "have members of two kinds",
            "give each household one kind",
            "households",
        )


def _refuse(where: str, ids: Any, what: str, what_to_do: str, who: str = "customers") -> None:
    if len(ids):
        examples = ", ".join(map(repr, ids[:3]))
        raise InputError(f"{len(ids):,} {who} of {where} {what} (for example {examples}); {what_to_do}.")
