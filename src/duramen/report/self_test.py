"""The core set comes in; answers and open questions about the target customer go out.

A question that transactions cannot answer is listed as open.
"""

from dataclasses import dataclass

import pandas as pd

from duramen.analysis.core_summary import CoreSummary, typical_customer
from duramen.analysis.joined import in_a_row
from duramen.language import say, say_count, translated
from duramen.report.core import certainty, concentration, value_name
from duramen.report.numbers import decimals, money, probability, share
from duramen.segments.names_in_words import segment_in_words


@dataclass(frozen=True)
class Answer:
    """One question of the self-test.

    Parameters
    ----------
    code, question, text : str
        Its code, the question, and what the data show or whom to ask.
    known : bool
        Whether the data answers it.
    """

    code: str
    question: str
    text: str
    known: bool


def answers(core: CoreSummary, members: pd.DataFrame, unit: str) -> list[Answer]:
    """Return what the data can answer about the target customer, and the questions that it cannot.

    Parameters
    ----------
    core : CoreSummary
        The core set in figures.
    members : DataFrame
        The rows of the ranking that are core.
    unit : str
        Unit of money.

    Returns
    -------
    list of Answer
        The questions in the order S1 to S4.
    """
    known = [
        Answer(
            "S1",
            say("Is there a stated target customer?"),
            say(
                "The core set above is the model's proposal. Ask whether the business has stated one of its own, and "
                "whether the two agree."
            ),
            False,
        ),
        Answer("S1", say("Can it be counted?"), *_counted(core)),
    ]
    if core.size:
        known += [
            Answer("S1", say("Can it be described?"), _described(members, unit), True),
            Answer("S3", say("Is value concentrated on it?"), _concentrated(core), True),
        ]
    return [
        *known,
        Answer(
            "S2",
            say("Do we know how they decide and what they care about?"),
            say(
                "Transactions cannot answer this: ask the core customers themselves, and those who sell to them."
            ),
            False,
        ),
        Answer("S3", say("Are our resources concentrated on them?"), *_resources(core)),
        Answer(
            "S4",
            say("Do we offer them something special?"),
            say(
                "Transactions cannot answer this: ask which offer, service or price only a core customer gets."
            ),
            False,
        ),
    ]


def _counted(core: CoreSummary) -> tuple[str, bool]:
    if not core.size and core.cost_share is None:
        return say("No: no customer is expected to bring money over the horizon."), False
    if not core.size:
        return say("No: no customer is expected to bring more than it costs over the horizon."), False
    counted = say_count(
        "Yes: {n} customer by predicted value.", "Yes: {n} customers by predicted value.", core.size
    )
    return in_a_row([counted, certainty(core)]), True


def _concentrated(core: CoreSummary) -> str:
    if core.past_share is None:
        return concentration(core)
    return say(
        "{share} of the customers account for {value_share} of the {value} and for {past_share} of past revenue.",
        share=share(core.customers_share),
        value_share=share(core.value_share),
        value=value_name(core),
        past_share=share(core.past_share),
    )


def _resources(core: CoreSummary) -> tuple[str, bool]:
    if core.cost_share is None or not core.size:
        return (
            say(
                "Service cost and campaign spend by customer are not in this report: set them beside the share of "
                "value above."
            ),
            False,
        )
    return (
        say(
            "{share} of the cost to serve goes to the core. Campaign spend by customer is not in this report.",
            share=share(core.cost_share),
        ),
        True,
    )


def _described(members: pd.DataFrame, unit: str) -> str:
    typical = typical_customer(members)
    return say(
        "The median core customer has a predicted value of {value} {unit} and buys in the horizon with a probability "
        "of {probability}. Most frequent segment: {segment} ({segment_share}); most frequent stage: {stage} "
        "({stage_share}).",
        value=money(typical.predicted_value, decimals([typical.predicted_value])),
        unit=unit,
        probability=probability(typical.probability_active),
        segment=segment_in_words(typical.segment),
        segment_share=share(typical.segment_share, 0),
        stage=translated(typical.lifecycle_stage),
        stage_share=share(typical.lifecycle_stage_share, 0),
    )
