"""The report: scored tables come in, one offline HTML page goes out.

The page needs no network, script or font; all text from the data is escaped. Called by the command line.
"""

import os
import tempfile
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from duramen.models.rhythm import STAGES
from duramen.report import charts, findings, numbers, scoreboard, self_test
from duramen.scoring.ranking import TIERS, smallest_set

SUMMARY = (
    *("rows_in", "rows_used", "set_aside", "customers", "first_date", "last_date"),
    *("purchase_days", "one_time_share", "net_total", "can_fit"),
)
HEAD = 20
FACTORS = 12
# One drawing for screens and paper, one for phones: scaled to fit both, its words would be unreadable.
_WIDTHS = {"wide": 860, "narrow": 330}


def render_report(
    *,
    title: str,
    summary: Mapping[str, Any] | object,
    ranking: pd.DataFrame,
    scorecard: pd.DataFrame,
    importance: pd.DataFrame,
    segments: pd.DataFrame,
    notes: list[str],
    unit: str,
    cutoff: date,
    horizon_days: int,
    model_version: str,
    past_value: pd.Series | None = None,
) -> str:
    """Compose the report as the text of one HTML file.

    Parameters
    ----------
    title : str
        Title of the page, such as the name of the business.
    summary : mapping, or object with attributes
        ``rows_in``, ``rows_used``, ``set_aside`` (reason to count), ``customers``, ``first_date``,
        ``last_date``, ``purchase_days``, ``one_time_share`` (0 to 1), ``net_total`` (money)
        and ``can_fit`` (sentences).
    ranking : DataFrame
        The score table, one row a customer; money columns in ``unit`` over the horizon.
    scorecard : DataFrame
        ``model``, ``target``, ``metric``, ``figure`` and ``higher_is_better`` (missing: nearest to
        zero is best), one row a figure; may have no rows.
    importance : DataFrame
        ``model``, ``feature``, ``meaning``, ``mean_abs_shap`` and ``unit``; may have no rows.
    segments : DataFrame
        ``segment``, ``name``, ``customers``, ``share_of_value`` (0 to 1), ``predicted_value_mean`` (money),
        ``churn_probability_mean``, ``rule`` and ``treatment``; may have no rows.
    notes : list of str
        What the method could not do in this run, a sentence each; what it never can is on the page anyway.
    unit : str
        Unit of money, such as ``"GBP"``.
    cutoff : date
        First day of the horizon; the history ends the day before.
    horizon_days : int
        Length of the horizon, days.
    model_version : str
        Version of the model that scored.
    past_value : Series, optional
        Net money of the whole history indexed by customer id, for the core's share of past revenue.

    Returns
    -------
    str
        The page.

    Raises
    ------
    ValueError
        If the ranking has no rows, or the rows in are not the rows used and the rows set aside.
    """
    if ranking.empty:
        raise ValueError("the ranking has no rows, so there is nothing to report")
    data = summary if isinstance(summary, Mapping) else {name: getattr(summary, name) for name in SUMMARY}
    lost = data["rows_in"] - data["rows_used"] - sum(data["set_aside"].values())
    if lost:
        raise ValueError(f"rows in differ from rows used and rows set aside by {lost}")
    ranking = ranking.sort_values("rank", kind="stable")
    values = ranking["predicted_value"].to_numpy(dtype=float)
    members = smallest_set(values)
    core = findings.core_of(ranking, members, past_value)
    environment = Environment(
        loader=PackageLoader("duramen.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters |= {
        "count": numbers.count,
        "money": numbers.money,
        "share": numbers.share,
        "probability": numbers.probability,
        "day": numbers.day,
    }
    tiers = findings.by_group(ranking, "tier", TIERS)
    stages = findings.by_group(ranking, "lifecycle_stage", STAGES)
    return environment.get_template("page.html.j2").render(
        title=title,
        summary=data,
        unit=unit,
        cutoff=cutoff,
        last_day=cutoff + timedelta(days=horizon_days - 1),
        horizon_days=horizon_days,
        model_version=model_version,
        notes=notes,
        core=core,
        core_digits=numbers.decimals([core.value_all]),
        answers=self_test.answers(core, ranking, members, segments, unit),
        head=_head(ranking),
        curve=_curve(values, core),
        tiers=_groups(tiers),
        tiers_drawn=_pairs(tiers, "tier"),
        segments=_money(segments, "predicted_value_mean"),
        segments_drawn=_segments_drawn(segments),
        stages=_groups(stages),
        stages_drawn=_stages_drawn(stages),
        boards=scoreboard.boards(scorecard, unit),
        factors=_factors(importance),
    )


def write_report(path: str | os.PathLike[str], **parts: Any) -> Path:
    """Write the report, whole or not at all.

    Parameters
    ----------
    path : path
        The file to write; one that is there is replaced.
    **parts
        What :func:`render_report` takes.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    OSError
        If the folder is missing or cannot be written to; the old file, if any, is then untouched.
    """
    target = Path(path)
    text = render_report(**parts)
    handle, beside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        # A temporary file is private; the report gets the permissions any new file would get.
        mask = os.umask(0)
        os.umask(mask)
        Path(beside).chmod(0o666 & ~mask)
        Path(beside).replace(target)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
    return target


def _money(frame: pd.DataFrame, *columns: str) -> list[dict[str, Any]]:
    """Turn a frame into rows for the page, its money columns written with the same decimals."""
    written = frame.astype("object")
    amounts = frame[list(columns)].astype(float)
    digits = numbers.decimals(amounts.to_numpy().ravel())
    for column in columns:
        written[column] = [numbers.money(amount, digits) for amount in amounts[column]]
    return [{str(key): entry for key, entry in row.items()} for row in written.to_dict("records")]


def _groups(groups: pd.DataFrame) -> list[dict[str, Any]]:
    """Turn sums by group into rows; totals and means are of different sizes, so each has its own decimals."""
    means = _money(groups, "value_mean")
    return [
        row | {"value_mean": mean["value_mean"]}
        for row, mean in zip(_money(groups, "value"), means, strict=True)
    ]


def _head(ranking: pd.DataFrame) -> list[dict[str, Any]]:
    """Prepare the first customers: figures as texts, intervals as places on one scale from zero."""
    head = ranking.head(HEAD)
    bounds = head[["predicted_value_low", "predicted_value", "predicted_value_high"]].to_numpy(dtype=float)
    start, end = min(0.0, float(np.nanmin(bounds))), float(np.nanmax(bounds))
    places = 100 * (bounds - start) / (end - start) if end > start else np.zeros_like(bounds)
    rows = _money(head, "score", "predicted_value", "predicted_value_low", "predicted_value_high")
    digits = numbers.decimals(bounds.ravel())
    for row, (low, middle, high), grown in zip(
        rows, places, head["growth_potential"].astype(float), strict=True
    ):
        row["growth_potential"] = numbers.money(grown, digits, plus=True)
        row["places"] = {"low": round(low, 2), "at": round(middle, 2), "width": round(high - low, 2)}
        reasons = (row["reason_1"], row["reason_2"], row["reason_3"])
        row["reasons"] = [reason for reason in reasons if pd.notna(reason) and str(reason)]
    return rows


def _draw(make: Any, description: str) -> Markup:
    """Draw one figure in both widths."""
    drawn = [
        Markup('<div class="{}">{}</div>').format(name, charts.to_svg(make(width), description))
        for name, width in _WIDTHS.items()
    ]
    return Markup("").join(drawn)


def _curve(values: Any, core: findings.Core) -> Markup | None:
    if not core.size:
        return None
    label = [
        f"{numbers.count(core.size)} customers",
        f"{numbers.share(core.part)} of all",
        f"{numbers.share(core.value_part)} of value",
    ]
    curve = findings.value_curve(values, core.size)
    description = (
        "Curve of the cumulative share of predicted value by share of customers: " + " ".join(label) + "."
    )
    return _draw(
        lambda width: charts.value_curve(curve, (core.part, core.value_part), label, width), description
    )


def _pairs(groups: pd.DataFrame, kind: str) -> Markup | None:
    if groups["value_share"].isna().any():
        return None
    told = "; ".join(
        f"{name} {numbers.share(customers)} of customers, {numbers.share(value)} of value"
        for name, customers, value in groups[["name", "customers_share", "value_share"]].itertuples(
            index=False
        )
    )
    return _draw(
        lambda width: charts.share_pairs(groups, width), f"Share of customers and of value by {kind}: {told}."
    )


def _segments_drawn(segments: pd.DataFrame) -> Markup | None:
    if segments.empty:
        return None
    groups = segments.assign(
        customers_share=segments["customers"] / segments["customers"].sum(),
        value_share=segments["share_of_value"],
    )
    return _pairs(groups, "segment")


def _stages_drawn(stages: pd.DataFrame) -> Markup:
    texts = [
        f"{numbers.count(customers)} ({numbers.share(part)})"
        for customers, part in stages[["customers", "customers_share"]].itertuples(index=False)
    ]
    told = "; ".join(f"{name} {text}" for name, text in zip(stages["name"], texts, strict=True))
    bars = stages.assign(text=texts)
    return _draw(lambda width: charts.count_bars(bars, width), f"Customers by life-cycle stage: {told}.")


def _factors(importance: pd.DataFrame) -> list[dict[str, Any]]:
    """Take the strongest factors of each model, with the length of their bars in per cent."""
    found = []
    for model, rows in importance.groupby("model", sort=False):
        strongest = rows.sort_values(["mean_abs_shap", "feature"], ascending=[False, True]).head(FACTORS)
        most = float(strongest["mean_abs_shap"].iloc[0])
        bars = strongest.assign(
            bar=(100 * strongest["mean_abs_shap"] / most if most > 0 else 0.0),
            text=[numbers.money(figure, 3) for figure in strongest["mean_abs_shap"]],
        )
        found.append(
            {
                "model": model,
                "unit": str(strongest["unit"].iloc[0]),
                "all": len(rows),
                "rows": bars.to_dict("records"),
            }
        )
    return found
