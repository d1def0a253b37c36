"""Orders come in; the groups of customers that are modelled and ranked apart go out.

A group's key is its name where each has files of its own, and empty where there is only one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import NamedTuple, TypeVar

from duramen.cli.terminal import warn
from duramen.data.customer_file import CHANNEL
from duramen.data.transactions import Transactions
from duramen.errors import InputError
from duramen.language import marked, say, translated

# Every customer is in one of them: a dealer's volume must not hide the people behind it.
GROUPS = (marked("end"), CHANNEL)
TOGETHER = "together"

Work = TypeVar("Work")


class Group(NamedTuple):
    """Customers who are modelled and ranked by themselves.

    ``kind`` is empty for all customers as one; ``apart`` says whether there is another group beside it.
    """

    kind: str
    tx: Transactions
    apart: bool = False

    @property
    def key(self) -> str:
        """What distinguishes the files of the group from those of the others."""
        return self.kind if self.apart else ""

    @property
    def who(self) -> str:
        """What the group is called."""
        return say("{kind} customers", kind=translated(self.kind)) if self.kind else say("customers")

    @property
    def customers(self) -> int:
        """How many of them ever bought."""
        days = self.tx.days
        count: int = days.filter(days.purchase).customer_id.nunique().to_pyarrow().as_py()
        return count


def choose_groups(tx: Transactions, kind: str | None) -> list[Group]:
    """Return the groups to model: one kind, or channel and end customers where both are there.

    Raises
    ------
    InputError
        If no customer is of the kind, or one is of two.
    """
    if kind not in (None, TOGETHER):
        return [Group(str(kind), tx.of_kind(str(kind)))]
    if kind is None and all(count_groups(tx)):
        return [Group(name, tx.of_kind(name), apart=True) for name in GROUPS]
    return [Group("", tx)]


def groups_to_score(tx: Transactions, kind: str | None, address: str, keys: Collection[str]) -> list[Group]:
    """Return the groups to rank with the models at ``address``, which are of ``keys``.

    Raises
    ------
    InputError
        If it is not clear which customers a model is for.
    """
    end, channel = count_groups(tx)
    if "" in keys:
        groups = choose_groups(tx, kind)
        if len(groups) > 1:
            raise InputError(
                f"{address} is one model, and {tx.source} has {channel:,} {CHANNEL} and {end:,} end customers; say "
                f"whom it is for by --kind {CHANNEL} or --kind end, or --kind {TOGETHER} for all of them."
            )
        return groups
    if tx.kinds is None:
        raise InputError(
            f"{address} has a model of {named(keys)} customers, and {tx.source} has no kind of customer; give the "
            f"kinds by --customers, or name the model, for example --model {address}/{next(iter(keys))}."
        )
    counts = zip(GROUPS, (end, channel), strict=True)
    return [Group(name, tx.of_kind(name), apart=True) for name, count in counts if count]


def count_groups(tx: Transactions) -> tuple[int, int]:
    """Return how many end and channel customers ever bought; none of either where no kinds are known."""
    if tx.kinds is None:
        return 0, 0
    customers = tx.days.filter(tx.days.purchase).select("customer_id").distinct()
    channel = customers.semi_join(tx.kinds.filter(tx.kinds.kind == CHANNEL), "customer_id")
    everybody, of_channel = (int(some.count().to_pyarrow().as_py()) for some in (customers, channel))
    return everybody - of_channel, of_channel


def for_each_group(
    groups: list[Group], work: Callable[[Group], Work], in_flags: Callable[[str], str]
) -> Iterator[tuple[Group, Work]]:
    """Give each group with its result; a group that cannot be worked on is shown, and the others go on.

    Parameters
    ----------
    groups : list of Group
    work : callable
    in_flags : callable
        What puts flags for the parameters in a sentence (``Config.in_flags``).

    Raises
    ------
    InputError
        If no group can be worked on.
    """
    reasons: list[str] = []
    for group in groups:
        try:
            done = work(group)
        except InputError as error:
            if not group.apart:
                raise
            reasons.append(str(error))
            warn(
                say(
                    "The {n} {who} are left out: {reason}",
                    n=f"{group.customers:,}",
                    who=group.who,
                    reason=in_flags(str(error)),
                )
            )
        else:
            yield group, done
    if len(reasons) == len(groups):
        why = "; ".join(reason.rstrip(".?") for reason in dict.fromkeys(reasons))
        raise InputError(f"no group of customers is left: {why}.")


def refuse_other_models(keys: Collection[str], groups: list[Group], address: str) -> None:
    """Refuse a previous model of other customers than those who are to be modelled."""
    apart = groups[0].apart
    if keys and ("" in keys) == apart:
        raise InputError(
            f"{address} is one model, and {named(GROUPS)} customers are modelled apart; give a folder with a model "
            f"of each, or --kind {TOGETHER}."
            if apart
            else f"{address} has a model of {named(keys)} customers, and {groups[0].tx.source} is modelled as one; "
            f"give one model, for example {address}/{next(iter(keys))}."
        )


def named(keys: Iterable[str]) -> str:
    """Return the groups of some keys in words."""
    return " and ".join(keys)
