"""The self-test about the target customer: the core set comes in, answers and open questions go out.

What no transaction can answer is asked, never guessed. Called by the page.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from duramen.report.core_summary import FIRM, LOOSE, Core
from duramen.report.numbers import chosen, count, decimals, money, probability, share


def _commonest(column: pd.Series) -> tuple[str, float]:
    """Name the commonest entry and its share; equal counts go to the first name."""
    tally = column.astype(str).value_counts()
    name = min(tally.index[tally == tally.iloc[0]])
    return str(name), float(tally.iloc[0]) / len(column)


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


def answers(
    core: Core, ranking: pd.DataFrame, members: npt.NDArray[np.bool_], segments: pd.DataFrame, unit: str
) -> list[Answer]:
    """Answer what the data can answer about the target customer, and name what it cannot.

    Parameters
    ----------
    core : Core
        The core set in figures.
    ranking : DataFrame
        The score table.
    members : array of bool
        Who is core.
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
            Answer("S1", "Can it be described?", _described(ranking[members], segments, unit), True),
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


def _counted(core: Core) -> tuple[str, bool]:
    if not core.size:
        more = "money" if core.cost_part is None else "more than it costs"
        return f"No: no customer is expected to bring {more} over the horizon.", False
    return (
        f"Yes: {count(core.size)} customers by what is expected of them. Of these {count(core.firm)} "
        f"stay core in at least {chosen(FIRM)} of simulated outcomes, {count(core.open)} in {100 * LOOSE:g} to "
        f"{chosen(FIRM)}, and "
        f"{count(core.size - core.firm - core.open)} in fewer.",
        True,
    )


def _concentrated(core: Core) -> str:
    text = f"{share(core.value_part)} of the {core.money} lies with {share(core.part)} of the customers"
    return text + (f"; they brought {share(core.past)} of past revenue." if core.past is not None else ".")


def _resources(core: Core) -> tuple[str, bool]:
    if core.cost_part is None or not core.size:
        return (
            "Service cost and campaign spend by customer are not in this report: "
            "set them beside the share of value above.",
            False,
        )
    return (
        f"{share(core.cost_part)} of the cost to serve goes to the core. Campaign spend by customer is not in this "
        "report.",
        True,
    )


def _described(members: pd.DataFrame, segments: pd.DataFrame, unit: str) -> str:
    middle = members["predicted_value"].median()
    active = members["probability_active"].median()
    names = dict(zip(segments["segment"].astype(str), segments["name"].astype(str), strict=True))
    segment, segment_part = _commonest(members["segment"])
    stage, stage_part = _commonest(members["lifecycle_stage"])
    return (
        f"The median core customer has a predicted value of {money(middle, decimals([middle]))} {unit} "
        f"and buys in the horizon with a probability of {probability(active)}. "
        f"Commonest segment: {names.get(segment, segment)} ({share(segment_part, 0)}); "
        f"commonest stage: {stage} ({share(stage_part, 0)})."
    )
