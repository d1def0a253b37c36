"""The core set comes in; answers and open questions about the target customer go out.

A question that transactions cannot answer is listed as open.
"""

from dataclasses import dataclass

import pandas as pd

from duramen.analysis.core_summary import STABLE, UNSTABLE, CoreSummary, typical_customer
from duramen.report.core import value_name
from duramen.report.numbers import chosen, count, decimals, money, probability, share


@dataclass(frozen=True)
class Answer:
    """One question of the self-test.

    Parameters
    ----------
    code, question, text : str
        Its code, the question, and what the data says or what people have to find out.
    known : bool
        Whether the data answers it.
    """

    code: str
    question: str
    text: str
    known: bool


def answers(core: CoreSummary, members: pd.DataFrame, segments: pd.DataFrame, unit: str) -> list[Answer]:
    """Return what the data can answer about the target customer, and the questions that it cannot.

    Parameters
    ----------
    core : CoreSummary
        The core set in figures.
    members : DataFrame
        The rows of the ranking that are core.
    segments : DataFrame
        The segments, for their names.
    unit : str
        Unit of money.

    Returns
    -------
    list of Answer
        The questions in the order S1 to S4.
    """
    people = "No transaction answers this: ask "
    known = [
        Answer(
            "S1",
            "Is there a stated target customer?",
            "The core set above is the model's proposal. "
            "Whether the business has stated one of its own, and whether they agree, is for people to say.",
            False,
        ),
        Answer("S1", "Can it be counted?", *_counted(core)),
    ]
    if core.size:
        known += [
            Answer("S1", "Can it be described?", _described(members, segments, unit), True),
            Answer("S3", "Is value concentrated on it?", _concentrated(core), True),
        ]
    return [
        *known,
        Answer(
            "S2",
            "Do we know how they decide and what they care about?",
            people + "the core customers themselves, and those who sell to them.",
            False,
        ),
        Answer(
            "S3",
            "Are our resources concentrated on them?",
            *_resources(core),
        ),
        Answer(
            "S4",
            "Do we give them something particular?",
            people + "which offer, service or price only a core customer gets.",
            False,
        ),
    ]


def _counted(core: CoreSummary) -> tuple[str, bool]:
    if not core.size:
        more = "money" if core.cost_share is None else "more than it costs"
        return f"No: no customer is expected to bring {more} over the horizon.", False
    return (
        f"Yes: {count(core.size)} customers by predicted value. Of these {count(core.stable)} stay core in at least "
        f"{chosen(STABLE)} of simulated outcomes, {count(core.uncertain)} in {100 * UNSTABLE:g} to {chosen(STABLE)}, "
        f"and {count(core.size - core.stable - core.uncertain)} in fewer.",
        True,
    )


def _concentrated(core: CoreSummary) -> str:
    value = f"{share(core.value_share)} of the {value_name(core)}"
    text = f"{share(core.customers_share)} of the customers account for {value}"
    if core.past_share is None:
        return text + "."
    return text + f" and for {share(core.past_share)} of past revenue."


def _resources(core: CoreSummary) -> tuple[str, bool]:
    if core.cost_share is None or not core.size:
        return (
            "Service cost and campaign spend by customer are not in this report: "
            "set them beside the share of value above.",
            False,
        )
    return (
        f"{share(core.cost_share)} of the cost to serve goes to the core. Campaign spend by customer is not in this "
        "report.",
        True,
    )


def _described(members: pd.DataFrame, segments: pd.DataFrame, unit: str) -> str:
    typical = typical_customer(members)
    names = dict(zip(segments["segment"].astype(str), segments["name"].astype(str), strict=True))
    value = money(typical.predicted_value, decimals([typical.predicted_value]))
    return (
        f"The median core customer has a predicted value of {value} {unit} and buys in the horizon with a probability "
        f"of {probability(typical.probability_active)}. Most frequent segment: "
        f"{names.get(typical.segment, typical.segment)} ({share(typical.segment_share, 0)}); most frequent stage: "
        f"{typical.lifecycle_stage} ({share(typical.lifecycle_stage_share, 0)})."
    )
