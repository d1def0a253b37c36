"""A model, orders up to now and earlier scores come in; drift, forecasts beside outcomes, and alarms go out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd

from duramen.analysis.alarms import Alarm, Limits, drift_alarms, limit_of, realised_alarms
from duramen.analysis.earlier_scores import EarlierScores
from duramen.analysis.usual_drift import drift_since
from duramen.data.customers import customer_table
from duramen.data.ids import find_ids
from duramen.data.money_unit import compare_units
from duramen.data.outcomes import customer_outcomes
from duramen.errors import InputError
from duramen.evaluation.realised import REALISED_COLUMNS, realised_figures
from duramen.language import say

if TYPE_CHECKING:
    from duramen.data.transactions import Transactions
    from duramen.scoring.model import CoreCustomerModel


@dataclass(frozen=True)
class Monitoring:
    """What became of a model since its training.

    Attributes
    ----------
    model_version, unit : str
    since, cutoff : date
        Drift is between the customers of these two days.
    drift : pandas.DataFrame
        ``DRIFT_COLUMNS``; a row a feature and score: its ``psi`` (population stability index) with the ``low`` end of
        its interval, the ``usual`` one over as many days before ``since``, and the ``limit`` (missing where it cannot
        be an alarm).
    realised : pandas.DataFrame
        ``scores`` (the file), ``cutoff``, ``horizon_days``, ``customers``, ``predicted`` and ``actual`` money, the
        columns of ``realised_figures``, and ``limit`` and ``alarm``.
    notes : tuple of str
        What could not be compared, and why.
    alarms : tuple of Alarm
    """

    model_version: str
    unit: str
    since: date
    cutoff: date
    drift: pd.DataFrame
    realised: pd.DataFrame
    notes: tuple[str, ...]
    alarms: tuple[Alarm, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain values; a figure that is not known is None."""
        return {
            "model_version": self.model_version,
            "unit": self.unit,
            "since": self.since.isoformat(),
            "cutoff": self.cutoff.isoformat(),
            "alarms": [asdict(alarm) for alarm in self.alarms],
            "notes": list(self.notes),
            "drift": _records(self.drift),
            "realised": _records(self.realised),
        }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    plain = table.astype(object)
    return [
        {str(name): value for name, value in row.items()}
        for row in plain.where(plain.notna(), None).to_dict("records")
    ]


def monitor(
    model: CoreCustomerModel,
    tx: Transactions,
    earlier: Sequence[EarlierScores] = (),
    *,
    cutoff: date | None = None,
    since: date | None = None,
    limits: Limits | None = None,
    seed: int = 0,
) -> Monitoring:
    """Measure drift since the training, and compare earlier scores with outcomes.

    Parameters
    ----------
    model : CoreCustomerModel
        The model in use.
    tx : Transactions
        Orders up to now, with those before the training.
    earlier : sequence of EarlierScores
        Those whose horizon has not passed are left out, with a note of the day from which they are complete.
    cutoff : date, optional
        Now: the first day that is not known; by default the day after the last row.
    since : date, optional
        The day that drift is measured from; by default the cutoff of the training.
    limits : Limits, optional
    seed : int
        Of the bootstrap.

    Returns
    -------
    Monitoring

    Raises
    ------
    InputError
        If the orders are in another unit of money, a day is outside of them or before the training, or none of the
        customers of earlier scores is among theirs.
    """
    limits = limits or Limits()
    cutoff = tx.last_date + timedelta(days=1) if cutoff is None else cutoff
    since = model.window_.cutoff if since is None else since
    if cutoff < model.window_.cutoff:
        raise InputError(
            f"the cutoff {cutoff} is before that of the training, {model.window_.cutoff}; give a later `cutoff`."
        )
    if not tx.first_date < since <= cutoff:
        raise InputError(
            f"drift from {since} to {cutoff} cannot be measured on orders from {tx.first_date} to {tx.last_date}; give "
            "another day as `since`."
        )
    notes = [note for note in [compare_units(model.unit_, tx.unit, tx.source)] if note]
    drift = drift_since(model, tx, since, cutoff, limits.drift, notes)
    complete = [
        one for one in sorted(earlier, key=lambda one: one.window.cutoff) if _is_complete(one, cutoff, notes)
    ]
    tables = [_realised(model, tx, one, limits, seed, notes) for one in complete]
    names = ["scores", "cutoff", "horizon_days", "customers", "predicted", "actual", *REALISED_COLUMNS]
    realised = (
        pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=[*names, "limit", "alarm"])
    )
    if not earlier:
        notes.append(
            say(
                "no earlier scores are given, so forecasts are not compared with outcomes; give them in `scores`."
            )
        )
    alarms = (*drift_alarms(drift, since), *realised_alarms(realised, model.unit_, limits))
    return Monitoring(
        model.model_version_, model.unit_, since, cutoff, drift, realised, tuple(notes), alarms
    )  # fmt: skip


def _is_complete(earlier: EarlierScores, cutoff: date, notes: list[str]) -> bool:
    if earlier.window.end <= cutoff:
        return True
    notes.append(
        say(
            "{place}: scores of {cutoff} over {days} days are not complete until {end}, and are left out.",
            place=earlier.place, cutoff=str(earlier.window.cutoff), days=earlier.window.horizon,
            end=str(earlier.window.end),
        )
    )  # fmt: skip
    return False


def _realised(
    model: CoreCustomerModel,
    tx: Transactions,
    earlier: EarlierScores,
    limits: Limits,
    seed: int,
    notes: list[str],
) -> pd.DataFrame:
    """Return the figures of earlier scores beside those of the holdout, with limits."""
    compare_units(earlier.unit, tx.unit, tx.source)
    scored = _with_outcomes(tx, earlier, notes)
    holdout = None
    if earlier.window.horizon == model.window_.horizon:
        holdout = _holdout(model)
    else:
        notes.append(
            say(
                "{place} forecasts {days} days and the model {horizon}, so its figures are not compared with the "
                "holdout.",
                place=earlier.place, days=earlier.window.horizon, horizon=model.window_.horizon,
            )
        )  # fmt: skip
    if holdout is not None and model.holdout_window_.horizon != model.window_.horizon:
        notes.append(
            say(
                "{place} forecasts {days} days; the holdout had outcomes of {horizon} days alone, as its history was "
                "short.",
                place=earlier.place, days=earlier.window.horizon, horizon=model.holdout_window_.horizon,
            )
        )  # fmt: skip
    if earlier.model_version != model.model_version_:
        notes.append(
            say(
                "{place} was made by another model ({other}); the holdout is that of {version}.",
                place=earlier.place, other=earlier.model_version, version=model.model_version_,
            )
        )  # fmt: skip
    if earlier.source_digest and earlier.source_digest != tx.digest(earlier.window.cutoff):
        notes.append(
            say(
                "the orders before {cutoff} are not those that {place} was made from: late orders, corrections, or "
                "another way of reading them.",
                cutoff=str(earlier.window.cutoff), place=earlier.place,
            )
        )  # fmt: skip
    table = realised_figures(scored, holdout, confidence=limits.confidence, seed=seed)
    table.insert(0, "scores", earlier.place)
    table.insert(1, "cutoff", earlier.window.cutoff.isoformat())
    table.insert(2, "horizon_days", earlier.window.horizon)
    table.insert(3, "customers", len(scored))
    table.insert(4, "predicted", float(scored["predicted_value"].sum()))
    table.insert(5, "actual", float(scored["value"].sum()))
    limited = [limit_of(row, limits) for row in table.to_dict("records")]
    return table.assign(limit=[limit for limit, _ in limited], alarm=[alarm for _, alarm in limited])


def _with_outcomes(tx: Transactions, earlier: EarlierScores, notes: list[str]) -> pd.DataFrame:
    """Return the scores with what their customers did in the horizon."""
    window = earlier.window
    customers = customer_table(tx, window.cutoff)[["customer_id"]]
    place = find_ids(earlier.scores["customer_id"], customers["customer_id"], "the orders")
    if not (found := place >= 0).any():
        raise InputError(
            f"none of the {len(found):,} customers of {earlier.place} bought before {window.cutoff} in {tx.source}; "
            "give the scores and the orders of one business."
        )
    if not found.all():
        notes.append(
            say(
                "{n} of {all} customers of {place} are not among those who bought before {cutoff} in {source}, and are "
                "left out.",
                n=f"{(~found).sum():,}", all=f"{len(found):,}", place=earlier.place, cutoff=str(window.cutoff),
                source=tx.source,
            )
        )  # fmt: skip
    outcomes = customer_outcomes(tx, window, customers)[["value", "active"]]
    scores = earlier.scores[found].reset_index(drop=True)
    return pd.concat([scores, outcomes.iloc[place[found]].reset_index(drop=True)], axis=1)


def _holdout(model: CoreCustomerModel) -> pd.DataFrame:
    """Return the holdout of the training in the columns of scores with outcomes."""
    holdout = model.holdout_
    value, probability = (holdout[name].to_numpy() for name in ("predicted_value", "probability_active"))
    low, high = model.forecast_.distribution_.interval(value, probability)
    return pd.DataFrame(
        {
            "predicted_value": value,
            "predicted_value_low": low,
            "predicted_value_high": high,
            "probability_active": probability,
            "value": holdout["actual_value"].to_numpy(),
            "active": holdout["active"].to_numpy(dtype=float),
        }
    )
