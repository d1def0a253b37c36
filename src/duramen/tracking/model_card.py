"""A fitted model, its scorecard and its orders come in; one page in Markdown for those who use its scores goes out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pandas as pd

from duramen._version import __version__
from duramen.evaluation.registry import metric
from duramen.io.credentials import mask_credentials
from duramen.scoring.model_summary import training_facts
from duramen.tracking.parameters import training_parameters

if TYPE_CHECKING:
    from duramen.data.summary import DataSummary
    from duramen.data.transactions import Transactions
    from duramen.scoring.model import CoreCustomerModel

MODEL_CARD = "model_card.md"
INTENDED = (
    "Rank the customers of this business by what they are expected to bring, and choose whom to serve, call or invite.",
    "Plan with totals: the expected money of a group of customers over the horizon.",
)
NOT_INTENDED = (
    "Decisions about credit, insurance, employment or housing, or any decision for which the law requires a person.",
    "The effect of a campaign: the forecast is what customers bring if all goes on as before, without an offer.",
    "Customers who have never bought, another business, another unit of money, or another horizon.",
    "Treating the forecast for one customer as certain: always read it with its interval and probability.",
)


def model_card(model: CoreCustomerModel, scorecard: pd.DataFrame, tx: Transactions, *, kind: str = "") -> str:
    """Return a page on a model: data, exclusions, holdout figures beside simple methods, limits, and how to repeat it.

    Parameters
    ----------
    model : CoreCustomerModel
        Fitted.
    scorecard : pandas.DataFrame
        ``duramen.scorecard(model.holdout_)``.
    tx : Transactions
        What the model was fitted to.
    kind : str, optional
        The group of customers that it is for, such as "channel".

    Returns
    -------
    str
        Markdown.
    """
    summary = tx.summary(model.window_.cutoff)
    sections = {
        "Intended use": _list(INTENDED),
        "Not to be used for": _list(NOT_INTENDED),
        "Data": _table(("what", "of this model"), _data(model, tx, summary, kind)),
        "Rows set aside": _set_aside(summary),
        "Model": _table(
            ("what", "of this model"), training_facts(model.forecast_, model.growth_weight_).items()
        ),
        "Holdout": _holdout(model, scorecard),
        "Limits": _list(model.notes_) or "The data supported every part of the model.",
        "How to repeat it": _table(("setting", "value"), _settings(model, tx)),
    }
    body = "\n\n".join(f"## {heading}\n\n{text}" for heading, text in sections.items())
    return mask_credentials(f"# Model card: core customers of {tx.source}\n\n{body}\n")


def _data(
    model: CoreCustomerModel, tx: Transactions, summary: DataSummary, kind: str
) -> Iterator[tuple[str, str]]:
    """Give what the model was trained on."""
    yield "Source", tx.source
    yield "Days", f"{summary.first_date} to {summary.last_date}, before the cutoff {model.window_.cutoff}"
    yield "Customers", f"{summary.customers:,}, of whom {summary.one_time_share:.0%} bought on one day only"
    if kind:
        yield "Kind of customers", kind
    yield "Purchase days", f"{summary.purchase_days:,}"
    yield (
        "Money",
        f"{summary.net_total:,.0f} {summary.unit} net, after returns of {summary.returned_total:,.0f} {summary.unit}",
    )
    yield "Forecast", f"{model.window_.horizon} days from {model.window_.cutoff}, in {model.unit_}"
    yield "Columns", ", ".join(f"{role} from {column!r}" for role, column in tx.columns.items())


def _set_aside(summary: DataSummary) -> str:
    """Return the rows that were not used, with their reasons and their money."""
    if not summary.set_aside:
        return f"None: all {summary.rows_in:,} rows were used."
    rows = [
        (reason, f"{count:,}", _money(summary.set_aside_money.get(reason), summary.unit))
        for reason, count in summary.set_aside.items()
    ]
    sentence = f"{summary.rows_used:,} of {summary.rows_in:,} rows of the whole source were used."
    return f"{sentence}\n\n{_table(('reason', 'rows', 'money'), rows)}"


def _money(amount: float | None, unit: str) -> str:
    return "not known" if amount is None else f"{amount:,.0f} {unit}"


def _holdout(model: CoreCustomerModel, scorecard: pd.DataFrame) -> str:
    """Return the figures of the scorecard: a table for each target, a row a metric, a column a model."""
    window = model.holdout_window_
    parts = [
        f"Forecasts made at {window.cutoff} over {window.horizon} days, of {len(model.holdout_):,} customers, compared "
        "with the outcomes, which the models had not seen."
    ]
    for target in scorecard["target"].unique():
        rows = scorecard[scorecard["target"] == target]
        wide = rows.pivot_table(
            index="metric", columns="model", values="figure", sort=False, dropna=False, aggfunc="first"
        )
        lines = []
        for name, figures in wide.iterrows():
            of = metric(str(target), str(name))
            unit = model.unit_ if of.unit == "money" else of.unit
            cells = ("-" if pd.isna(figure) else f"{figure:.4g}" for figure in figures)
            lines.append((str(name), *cells, unit, of.direction, of.meaning))
        parts.append(
            f"**{target}**\n\n{_table((str(target), *wide.columns, 'unit', 'better', 'meaning'), lines)}"
        )
    return "\n\n".join(
        [
            *parts,
            "A dash means that the metric does not apply: a method that only ranks customers has no error in money.",
        ]
    )


def _settings(model: CoreCustomerModel, tx: Transactions) -> Iterator[tuple[str, Any]]:
    """Give what makes the same model again from the same orders."""
    yield "duramen", __version__
    yield "model version", model.model_version_
    yield "digest of the orders before the cutoff", tx.digest(model.window_.cutoff)
    for name, value in training_parameters(model, tx).items():
        yield name, "by default" if value in (None, {}) else value


def _list(sentences: Any) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _table(heading: tuple[str, ...], rows: Any) -> str:
    """Return a table in Markdown."""
    lines = [heading, ("-" * 3,) * len(heading), *rows]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', '/') for cell in line)} |" for line in lines)
