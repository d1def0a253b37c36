"""Segments of customers and the orders come in; seven questions with a figure, a threshold and a verdict go out.

The questions are the seven ways in which segmentations go wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from duramen.analysis.assignment import SEGMENT, TREATMENT, Assignment
from duramen.analysis.audit_questions import (
    AuditData,
    differs_from_joining_date,
    differs_from_product,
    differs_from_size,
    differs_in_behaviour,
    has_purpose,
    is_fresh,
    predicts_outcomes,
)
from duramen.analysis.label_dependence import FEWEST_CUSTOMERS
from duramen.analysis.product_mix import bought_by_customer
from duramen.data.customers import customer_table
from duramen.data.ids import ids_as_text
from duramen.data.windows import parse_day
from duramen.errors import InputError
from duramen.io.autologging import without_autologging
from duramen.language import marked, say, translated

if TYPE_CHECKING:
    from duramen.data.transactions import Transactions

QUESTIONS = {
    "A1": marked("Does each segment have a purpose?"),
    "A2": marked("Is it more than the product bought?"),
    "A3": marked("Is it more than size or assets?"),
    "A4": marked("Is it more than the joining date?"),
    "A5": marked("Does behaviour differ between segments?"),
    "A6": marked("Does it predict value and churn?"),
    "A7": marked("Is it still fresh?"),
}


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Attributes
    ----------
    findings : pandas.DataFrame
        A row a question: ``code``, ``question``, ``figure``, ``low``, ``high`` (95 %), ``threshold``, ``must_be``
        ("at least" or "below" the threshold to pass), ``verdict`` and ``sentence``; figures are shares of one.
    measures : pandas.DataFrame
        Everything that was measured: ``code``, ``measure``, ``figure``, ``low`` and ``high``.
    segments : pandas.DataFrame
        By falling size: ``segment``, ``customers``, ``share``, ``past_spend_share`` and, where known, ``treatment``.
    notes : tuple of str
        Who was left out, and why.
    cutoff : date
        Everything but A6 and A7 is measured on what lies before it.
    source, orders : str
        How the labels and the orders are called.
    """

    findings: pd.DataFrame
    measures: pd.DataFrame
    segments: pd.DataFrame
    notes: tuple[str, ...]
    cutoff: date
    source: str
    orders: str

    def verdict(self, code: str) -> str:
        """Return the verdict on a question, such as ``"A3"``."""
        return str(self.findings.set_index("code").at[code, "verdict"])

    def __str__(self) -> str:
        title = say("Audit of {source} before {cutoff}", source=self.source, cutoff=self.cutoff)
        lines = (
            f"  {row.code} {translated(str(row.verdict)):<14} {row.sentence}"
            for row in self.findings.itertuples()
        )
        return "\n".join([title, *lines])


@without_autologging()
def audit(
    tx: Transactions,
    assignment: Assignment,
    *,
    bought: Mapping[str, pd.DataFrame] | None = None,
    cutoff: date | str | None = None,
    horizon: int | str | None = None,
    previous: Assignment | None = None,
    seed: int = 0,
) -> Audit:
    """Examine an assignment of customers to segments by the seven ways in which segmentations go wrong.

    Parameters
    ----------
    tx : Transactions
    assignment : Assignment
        What ``read_assignment`` returns.
    bought : mapping of str to pandas.DataFrame, optional
        Money by customer and item for A2, in the form of ``bought_by_customer``; by default that of the products and
        categories of the orders before the cutoff.
    cutoff : date or str, optional
        The first day that the labels know nothing of. By default the day of assignment, or, where that is not known,
        the day after the last order, so that there are no outcomes to predict.
    horizon : int or str, optional
        Days over which value and churn are predicted; by default the longest usual one that the orders allow.
    previous : Assignment, optional
        An earlier assignment, for how much of it has stayed.
    seed : int

    Raises
    ------
    InputError
        If the cutoff lies outside the orders, none of the customers is known before it, or they are all in one
        segment.
    """
    day_after = tx.last_date + timedelta(days=1)
    cutoff = choose_cutoff(tx, assignment, cutoff)
    customers = customer_table(tx, cutoff)
    today = customer_table(tx, day_after)
    known, notes = _labelled(customers, today, assignment)
    data = AuditData(tx, assignment, known, cutoff, seed)
    if data.small:
        notes.append(
            say(
                "Segments with fewer than {least} customers among those examined: {segments}; they are left out of A2 "
                "to A6.",
                least=FEWEST_CUSTOMERS,
                segments=f"{data.small:,}",
            )
        )
    found = [
        has_purpose(data, previous),
        differs_from_product(data, bought_by_customer(tx, cutoff) if bought is None else bought),
        differs_from_size(data),
        differs_from_joining_date(data),
        differs_in_behaviour(data),
        predicts_outcomes(data, horizon),
        is_fresh(data, today, previous, cutoff if cutoff < day_after else None),
    ]
    findings = pd.DataFrame([asdict(finding) for finding in found])
    findings.insert(1, "question", findings["code"].map(QUESTIONS))
    findings.insert(6, "must_be", np.where(findings.pop("at_least"), marked("at least"), marked("below")))
    measures = pd.DataFrame(data.measures, columns=["code", "measure", "figure", "low", "high"])
    return Audit(findings, measures, _segment_table(data), tuple(notes), cutoff, assignment.source, tx.source)


def choose_cutoff(tx: Transactions, assignment: Assignment, cutoff: date | str | None) -> date:
    """Return the first day that the labels know nothing of, inside the orders or the day after them."""
    day_after = tx.last_date + timedelta(days=1)
    if cutoff is None:
        # Labels older than the orders are compared with the first days that the orders have of their customers.
        assigned = assignment.assigned_on
        return day_after if assigned is None or assigned <= tx.first_date else min(assigned, day_after)
    day = parse_day(cutoff)
    if not tx.first_date < day <= day_after:
        raise InputError(
            f"the cutoff {day} lies outside the orders, which run from {tx.first_date} to {tx.last_date}; choose a day "
            "in them or the day after."
        )
    return day


def _labelled(
    customers: pd.DataFrame, today: pd.DataFrame, assignment: Assignment
) -> tuple[pd.DataFrame, list[str]]:
    """Return the known customers who have a label, and sentences on those who were left out."""
    known = customers.assign(customer_key=ids_as_text(customers["customer_id"])).merge(
        assignment.table.rename(columns={"customer_id": "customer_key"}),
        on="customer_key",
        how="inner",
        validate="one_to_one",
    )
    ids = assignment.table["customer_id"]
    unknown = ids[~ids.isin(ids_as_text(today["customer_id"]))]
    later = len(ids) - len(unknown) - len(known)
    if known.empty:
        raise InputError(
            f"none of the {len(ids):,} customers of {assignment.source} bought before the cutoff (for example "
            f"{', '.join(map(repr, ids.head(3)))}); give their own orders, or check that the ids are written alike."
        )
    if known[SEGMENT].nunique() == 1:
        raise InputError(
            f"all {len(known):,} customers of {assignment.source} who bought before the cutoff are in the segment "
            f"{known[SEGMENT].iloc[0]!r}; an audit needs two segments or more."
        )
    notes: list[str] = []
    if len(unknown):
        notes.append(
            say(
                "Labels of customers who have no purchase in the orders: {customers} (for example {examples}); they "
                "are left out.",
                customers=f"{len(unknown):,}",
                examples=", ".join(map(repr, unknown.head(3))),
            )
        )
    if later:
        notes.append(
            say(
                "Labels of customers who first bought on the cutoff or later: {customers}; they are left out.",
                customers=f"{later:,}",
            )
        )
    if len(customers) > len(known):
        notes.append(
            say(
                "Customers who bought before the cutoff and have no label: {customers}.",
                customers=f"{len(customers) - len(known):,}",
            )
        )
    return known, notes


def _segment_table(data: AuditData) -> pd.DataFrame:
    by_segment = data.known.groupby(SEGMENT)
    table = pd.DataFrame({"customers": by_segment.size()})
    table["share"] = table["customers"] / len(data.known)
    table["past_spend_share"] = by_segment["net_spend"].sum() / data.known["net_spend"].sum()
    if TREATMENT in data.known:
        table["treatment"] = by_segment[TREATMENT].first()
    return table.sort_values("customers", ascending=False, kind="stable").reset_index()
