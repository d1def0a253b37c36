"""Scores and the contribution of each customer come in; who moves to a cheaper service, and when, goes out.

The threshold of contribution rises stage by stage. Nobody is let go for being small: customers who grow, who may become
core or who are new stay, and those who are released are still served, by a cheaper service.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from duramen.analysis.break_even import MONEY
from duramen.analysis.per_customer import check_columns, check_number
from duramen.data.ids import find_ids
from duramen.errors import InputError
from duramen.language import marked, say
from duramen.scoring.tiers import DEFAULT_TIERS
from duramen.segments.lifecycle_stage import STAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy.typing as npt

    from duramen.analysis.per_customer import FloatArray

NEW = STAGES[0]
GROWS, COULD_BE_CORE, IS_NEW, KEPT = (
    marked("growing"),
    marked("could be core"),
    marked("new"),
    marked("kept by the firm"),
)
AS_NOW, CHEAPER = marked("as now"), DEFAULT_TIERS.small.service
MOST_STAGES = 100


class ExitPlan(NamedTuple):
    """A staged plan, the stage of each customer, and what was left out.

    Attributes
    ----------
    stages : pandas.DataFrame
        A row for each stage: ``stage`` (from 1), ``threshold`` (of contribution, money over the horizon),
        ``released`` (customers, in this stage) and ``released_so_far``, ``kept`` (customers), ``protected`` (customers
        below the threshold who are kept), ``predicted_value_released``, ``contribution_released`` and
        ``cost_to_serve_released`` (money of this stage), ``predicted_value_kept`` and ``contribution_kept``; where the
        cost of the cheaper service is known ``cost_saved``, ``cost_saved_so_far`` and ``contribution_after`` (of all
        customers, the released ones at the cheaper service).
    customers : pandas.DataFrame
        A row for each customer, by stage, the lowest contribution first: ``customer_id``, ``contribution``, ``stage``
        (missing for those who are kept), ``protected_by`` (why they are kept below the final threshold, in words;
        missing for others) and ``service``.
    notes : tuple of str
        What was assumed or left out, and what would bring it, a sentence each.
    """

    stages: pd.DataFrame
    customers: pd.DataFrame
    notes: tuple[str, ...]


def plan_exit(
    scores: pd.DataFrame,
    contributions: pd.DataFrame,
    *,
    stages: int = 4,
    final_threshold: float = 0.0,
    growing_share: float = 0.1,
    core_above: float = 0.2,
    keep: Iterable[Any] = (),
) -> ExitPlan:
    """Return a plan that moves customers who do not pay to a cheaper service, stage by stage.

    The customers below the final threshold who are not protected are released, the lowest contribution first, about as
    many in each stage. Protected are customers who

    - grow: among the ``growing_share`` of customers with the highest ``probability_growing``, or with the highest
      ``growth_potential`` (above 0);
    - could be core: ``probability_core`` is above ``core_above``;
    - are new: ``lifecycle_stage`` is "building";
    - are named in ``keep``.

    A plan is of one day: make it again with new scores before each stage, since customers may recover.

    Parameters
    ----------
    scores : pandas.DataFrame
        What ``CoreCustomerModel.predict`` or the ranking returns.
    contributions : pandas.DataFrame
        What ``customer_contributions`` returns as ``customers``, made of these scores.
    stages : int
        Number of periods, from 1 to 100.
    final_threshold : float
        Contribution over the horizon below which customers are released in the end, in money; 0 is break-even.
    growing_share : float
        From 0 to 1.
    core_above : float
        Probability from 0 to 1.
    keep : iterable
        Ids of customers whom the firm keeps for other reasons, such as a contract or a fit with its resources.

    Returns
    -------
    ExitPlan

    Raises
    ------
    InputError
        If a column or a customer is missing, or a number is not valid.

    Examples
    --------
    >>> scores = pd.DataFrame({"customer_id": list("abcd"), "probability_core": [0.0, 0.5, 0.0, 0.0]})
    >>> money = {"customer_id": list("abcd"), "contribution": [-9.0, -5.0, -1.0, 20.0], "cost_to_serve": 10.0}
    >>> contributions = pd.DataFrame(money).assign(predicted_value=30.0, acquisition_cost=0.0)
    >>> plan = plan_exit(scores, contributions, stages=2)
    >>> plan.stages[["stage", "threshold", "released", "kept", "protected"]]
       stage  threshold  released  kept  protected
    0      1       -1.0         1     3          1
    1      2        0.0         1     2          1
    """
    check_columns(scores, ("customer_id",))
    _check(stages, final_threshold, growing_share, core_above)
    money = _in_order(scores, contributions)
    contribution = money["contribution"].to_numpy()
    reasons, notes = _protected_by(scores, growing_share, core_above, keep)
    protected = reasons != ""
    below = contribution < final_threshold
    thresholds = _thresholds(np.sort(contribution[~protected & below]), stages, final_threshold)
    # The first stage whose threshold is above the contribution.
    stage = np.where(protected, stages, np.searchsorted(thresholds, contribution, side="right")) + 1
    plan = _stages(money, stage, protected, thresholds)
    if "contribution_cheaper_service" in money:
        saved = (money["contribution_cheaper_service"] - money["contribution"]).to_numpy()
        plan["cost_saved"] = _sums(saved, stage, stages)
        plan["cost_saved_so_far"] = plan["cost_saved"].cumsum()
        plan["contribution_after"] = contribution.sum() + plan["cost_saved_so_far"]
        notes.append(say("Released customers are assumed to buy as much at the cheaper service."))
    else:
        notes.append(
            say(
                "The cost saved is left out: give cheaper_service to customer_contributions, which brings the column "
                "contribution_cheaper_service."
            )
        )
    released = stage <= stages
    customers = pd.DataFrame(
        {
            "customer_id": scores["customer_id"].array,
            "contribution": contribution,
            "stage": pd.array(np.where(released, stage, 0), dtype="Int64"),
            "protected_by": pd.Series(reasons).where(protected & below, None),
            "service": np.where(released, CHEAPER, AS_NOW).astype(object),
        }
    )
    customers["stage"] = customers["stage"].where(released)
    customers = customers.sort_values(
        ["stage", "contribution", "customer_id"], kind="stable", ignore_index=True
    )
    return ExitPlan(plan, customers, tuple(notes))


def _check(stages: int, final_threshold: float, growing_share: float, core_above: float) -> None:
    if not isinstance(stages, int | np.integer):
        raise InputError(f"stages is {stages!r}; give a whole number, such as 4.")
    check_number(int(stages), "stages", 1, MOST_STAGES, f"a whole number from 1 to {MOST_STAGES}, such as 4")
    largest = np.finfo(float).max
    check_number(final_threshold, "final_threshold", -largest, largest, "money over the horizon, such as 0")
    check_number(growing_share, "growing_share", 0, 1, "a share of customers from 0 to 1, such as 0.1")
    check_number(core_above, "core_above", 0, 1, "a probability from 0 to 1, such as 0.2")


def _in_order(scores: pd.DataFrame, contributions: pd.DataFrame) -> pd.DataFrame:
    """Return the contributions in the order of the scores, which have the same customers."""
    wanted = ("customer_id", *MONEY)
    if missing := [name for name in wanted if name not in contributions]:
        raise InputError(
            f"the contributions have no column {', '.join(missing)}; give what customer_contributions returns as "
            "customers."
        )
    place = find_ids(scores["customer_id"], contributions["customer_id"], "the contributions")
    if (place < 0).any() or len(contributions) != len(scores):
        raise InputError(
            f"the contributions have {len(contributions):,} customers and the scores {len(scores):,}, of whom "
            f"{(place >= 0).sum():,} are in both; give those that customer_contributions returned for these scores."
        )
    return contributions.iloc[place].reset_index(drop=True)


def _protected_by(
    scores: pd.DataFrame, growing_share: float, core_above: float, keep: Iterable[Any]
) -> tuple[npt.NDArray[np.object_], list[str]]:
    """Return why each customer is protected, in words, empty where nothing does; and what is not known."""
    rules: dict[str, tuple[str, Callable[[Any], Any]]] = {
        "probability_growing": (GROWS, lambda column: _highest(column, growing_share)),
        "growth_potential": (GROWS, lambda column: _highest(column, growing_share)),
        "probability_core": (COULD_BE_CORE, lambda column: column > core_above),
        "lifecycle_stage": (IS_NEW, lambda column: column == NEW),
    }
    applies = {reason: np.zeros(len(scores), dtype=bool) for reason, _ in rules.values()}
    notes: list[str] = []
    for column, (reason, rule) in rules.items():
        if column in scores:
            applies[reason] |= rule(scores[column].to_numpy())
        else:
            notes.append(
                say(
                    "The rule '{rule}' does not use {column}: the scores lack this column, which `predict` adds.",
                    rule=say(reason),
                    column=column,
                )
            )
    named = list(keep)
    if named:
        place = find_ids(named, scores["customer_id"], "the scores")
        if (place < 0).any():
            raise InputError(
                f"{(place < 0).sum():,} customers to keep are in no row of the scores (for example "
                f"{named[int(np.argmax(place < 0))]!r}); name customers of the scores."
            )
        applies[KEPT] = np.isin(np.arange(len(scores)), place)
    reasons = np.full(len(scores), "", dtype=object)
    for reason, rows in applies.items():
        reasons[rows] = np.where(reasons[rows] == "", reason, reasons[rows] + f", {reason}")
    return reasons, notes


def _highest(column: npt.NDArray[Any], share: float) -> npt.NDArray[np.bool_]:
    """Return the given share of customers with the highest numbers, with ties, none of them 0."""
    if share == 0:
        return np.zeros(len(column), dtype=bool)
    chosen: npt.NDArray[np.bool_] = (column > 0) & (column >= np.quantile(column, 1 - share))
    return chosen


def _thresholds(candidates: FloatArray, stages: int, final: float) -> FloatArray:
    """Return the rising thresholds below which about as many of the sorted candidates fall in each stage.

    Examples
    --------
    >>> _thresholds(np.array([-9.0, -5.0, -2.0, -1.0]), 2, 0.0).tolist()
    [-2.0, 0.0]
    """
    ends = -(-np.arange(1, stages) * len(candidates) // stages)
    if not len(candidates):
        return np.full(stages, float(final))
    first_kept = np.append(candidates, final)[ends]
    return np.append(first_kept, float(final))


def _stages(
    money: pd.DataFrame,
    stage: npt.NDArray[np.int64],
    protected: npt.NDArray[np.bool_],
    thresholds: FloatArray,
) -> pd.DataFrame:
    count = len(thresholds)
    released = _sums(np.ones(len(money)), stage, count).astype(int)
    plan = pd.DataFrame({"stage": np.arange(1, count + 1), "threshold": thresholds, "released": released})
    plan["released_so_far"] = released.cumsum()
    plan["kept"] = len(money) - plan["released_so_far"]
    below = np.sort(money["contribution"].to_numpy()[protected])
    plan["protected"] = np.searchsorted(below, thresholds, side="left")
    for column in ("predicted_value", "contribution", "cost_to_serve"):
        plan[f"{column}_released"] = _sums(money[column].to_numpy(), stage, count)
    for column in ("predicted_value", "contribution"):
        plan[f"{column}_kept"] = money[column].sum() - plan[f"{column}_released"].cumsum()
    return plan


def _sums(amounts: FloatArray, stage: npt.NDArray[np.int64], stages: int) -> FloatArray:
    """Return the sum of amounts in each stage, of shape (stages,)."""
    sums: FloatArray = np.bincount(stage, weights=amounts, minlength=stages + 2)[1 : stages + 1].astype(float)
    return sums
