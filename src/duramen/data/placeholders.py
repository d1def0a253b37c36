"""Purchase days come in; sentences about ids that seem to stand for many people go out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from duramen.data.ids import id_text

if TYPE_CHECKING:
    import ibis

# What tills and shops write where they do not know the customer.
_NAMES = re.compile(
    r"(guest|unknown|anonym\w*|cash|walk.?in|test|dummy|default|customer|none|no ?name|n\.a\.|0+|-?1|9{4,}"
    r"|[(\[]?null[)\]]?|undefined|missing|\?+|#(null|ref|value|name)[!?]?)"
    r"([ _-]?(customer|user|account|sale|checkout))?",
    re.IGNORECASE,
)
# Compared with the median of the customers with the most lines, a placeholder has this many times as many.
MOST_ACTIVE = 100
TIMES, TIMES_NAMED = 20, 5
SHARE, SHARE_NAMED = 0.05, 0.01
# One of this many customers or more has not a tenth of all lines.
MANY, SHARE_OF_MANY = 100, 0.10
# Of fewer customers, one may well have most of the lines.
FEWEST_CUSTOMERS = 20


def describe_placeholders(days: ibis.Table) -> list[str]:
    """Return a sentence for each id that has so many of the lines that it may stand for many people.

    Parameters
    ----------
    days : ibis.Table
        ``customer_id`` and ``lines`` of each purchase day.
    """
    import ibis

    by_customer = days.group_by("customer_id").aggregate(lines=days.lines.sum())
    every = ibis.window(group_by=None)
    most = (
        by_customer.mutate(
            id=id_text(by_customer.customer_id),
            total=by_customer.lines.sum().over(every),
            customers=by_customer.count().over(every),
        )
        .order_by(ibis.desc("lines"), "id")
        .limit(MOST_ACTIVE)
        .to_pyarrow()
    )
    if len(most) < FEWEST_CUSTOMERS or not most["total"][0].as_py():
        return []
    usual = float(most["lines"].to_numpy()[len(most) // 2])
    sentences = []
    for row in most.to_pylist():
        share, times = row["lines"] / row["total"], row["lines"] / max(usual, 1.0)
        named = _NAMES.fullmatch(row["id"]) and share >= SHARE_NAMED and times >= TIMES_NAMED
        if (
            named
            or (share >= SHARE and times >= TIMES)
            or (share >= SHARE_OF_MANY and row["customers"] > MANY)
        ):
            sentences.append(
                f"customer {row['id']!r} accounts for {share:.0%} of the lines and may stand for many people; it is "
                "used as one customer, unless its rows are left out"
            )
    return sentences[:5]
