"""The report: scored tables come in, one offline HTML page goes out.

The page needs no network, script or font; all text from the data is escaped. Called by the command line.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from duramen.io.atomic import atomic_file
from duramen.report import charts, core_summary, numbers, scoreboard, self_test
from duramen.report.dependence import shapes_of
from duramen.report.lifecycle import Course, lifecycle_of
from duramen.report.market import market_of
from duramen.report.portfolio import portfolio_of
from duramen.report.price_sensitivity import price_led_of
from duramen.report.rising import at_the_door, risen
from duramen.report.segments import Renewal, evidence_of
from duramen.report.weight import weight_of
from duramen.scoring.ranking import tier_table
from duramen.scoring.tiers import CORE_SHARE, DEFAULT_TIERS, Tiers, smallest_set
from duramen.segments.lifecycle_stage import STAGES

if TYPE_CHECKING:
    from markupsafe import Markup

    from duramen.analysis.market import MarketElasticities

SUMMARY = (
    *("rows_in", "rows_used", "set_aside", "customers", "first_date", "last_date"),
    *("purchase_days", "one_time_share", "net_total", "can_fit"),
)
HEAD = 20
FACTORS = 12
MEANS = ("predicted_value_mean", "cost_to_serve_mean")  # the money of the table of tiers


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
    tiers: Tiers = DEFAULT_TIERS,
    growth_weight: float | None = None,
    growth_weight_curve: pd.DataFrame | None = None,
    market: MarketElasticities | None = None,
    rising: pd.DataFrame | None = None,
    rising_since: date | None = None,
    near_core: pd.DataFrame | None = None,
    shapes: pd.DataFrame | None = None,
    course: Course | None = None,
    renewal: Renewal | None = None,
    portfolios: Mapping[tuple[str, ...], pd.DataFrame | str] | None = None,
    price_led: pd.DataFrame | str | None = None,
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
        The score table, one row a customer; money columns in ``unit`` over the horizon. With ``cost_to_serve`` the
        core and the tiers are by value after cost, and who is below break-even is named.
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
    tiers : Tiers
        Those that the ranking was made by: names, thresholds, and what each is for.
    growth_weight : float, optional
        Weight of growth in the score; without it the section is left out.
    growth_weight_curve : DataFrame, optional
        ``weight``, ``captured``, ``difference``, ``low`` and ``high``: share of the following horizon's money that the
        first customers captured at each weight, and its difference to that of value alone with the 95 % interval. No
        rows where the history is too short or the weight was given.
    market : MarketElasticities, optional
        Responses to the market; without them the section is left out. Where they are identified the ranking must have
        the column ``core_in`` of ``core_by_market_scenario``.
    rising : DataFrame, optional
        What ``newly_rising`` returns; without it the section is left out, without rows nobody rose beyond noise.
    rising_since : date, optional
        The earlier cutoff of ``rising``.
    near_core : DataFrame, optional
        What ``what_if`` returns of customers just outside the core, by the same tiers; without it the section is left
        out.
    shapes : DataFrame, optional
        How each feature moves a prediction, a row a bin: ``part`` ("value" or "activity"), ``feature`` (the strongest
        of a part first, its bins ascending), ``from_`` and ``to`` (bounds), ``value`` (mean of the feature in the bin;
        missing for the customers for whom it is), ``customers``, ``effect`` (mean; of value a factor, of activity a
        term in log odds), ``low`` and ``high`` (where 80 % of their effects lie) and ``unit`` ("times" or "log odds").
    course : Course, optional
        How customers passed through the stages of life.
    renewal : Renewal, optional
        How the segments were chosen, how old they are and who has moved between them.
    portfolios : mapping of tuple of str to DataFrame or str, optional
        By its axes, of which ``loyalty`` and ``size`` are by the past, what ``portfolio`` returns or the sentence of
        its refusal; without it the section is left out.
    price_led : DataFrame or str, optional
        What ``price_sensitivity`` returns or the sentence of its refusal; without it the section is left out.

    Returns
    -------
    str
        The page.

    Raises
    ------
    ValueError
        If the ranking has no rows, its tiers are others than those given, the rows in are not the rows used and the
        rows set aside, or a part does not fit the ranking.
    """
    if ranking.empty:
        raise ValueError("the ranking has no rows, so there is nothing to report")
    data = summary if isinstance(summary, Mapping) else {name: getattr(summary, name) for name in SUMMARY}
    lost = data["rows_in"] - data["rows_used"] - sum(data["set_aside"].values())
    if lost:
        raise ValueError(f"rows in differ from rows used and rows set aside by {lost}")
    ranking = ranking.sort_values("rank", kind="stable")
    values = core_summary.held_value(ranking)
    members = smallest_set(values, tiers.core_share)
    core = core_summary.core_of(ranking, members, past_value)
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
        "chosen": numbers.chosen,
        "probability": numbers.probability,
        "day": numbers.day,
    }
    costs = "cost_to_serve" in ranking
    # What is drawn from the predictive distributions knows neither costs nor other shares.
    plain_core = not costs and tiers.core_share == CORE_SHARE
    by_tier = tier_table(ranking, tiers)
    stages = core_summary.by_group(ranking, "lifecycle_stage", STAGES)
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
        costs=costs,
        score_name="Score after cost" if costs else "Score",
        firm=core_summary.FIRM,
        simulated_share=CORE_SHARE,
        before_cost=", before cost" if costs else "",
        plain_core=plain_core,
        plain_core_note=""
        if plain_core
        else f" Core is here the smallest set that holds {numbers.chosen(CORE_SHARE)} of predicted value, before cost.",
        tiers=tiers,
        tier_words=core_summary.tier_words(tiers, core.money),
        tier_rows=numbers.rows(by_tier, *(name for name in MEANS if name in by_tier)),
        tiers_drawn=_tiers_drawn(by_tier),
        weight=None if growth_weight is None else weight_of(growth_weight, growth_weight_curve),
        near_core=None if near_core is None else at_the_door(near_core, tiers),
        rising=None if rising is None else risen(rising, rising_since, cutoff),
        market=None if market is None else market_of(market, ranking),
        shapes=[] if shapes is None else shapes_of(shapes, unit),
        segments=numbers.rows(segments, "predicted_value_mean"),
        segments_drawn=_segments_drawn(segments),
        stages=_groups(stages),
        stages_drawn=_stages_drawn(stages),
        lifecycle=None if course is None else lifecycle_of(course, cutoff),
        evidence=None if renewal is None else evidence_of(renewal, cutoff),
        portfolio=None if portfolios is None else portfolio_of(portfolios, unit, horizon_days),
        price_led=None if price_led is None else price_led_of(price_led),
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
    with atomic_file(target) as beside:
        beside.write_text(text, encoding="utf-8", newline="\n")
    return target


def _groups(groups: pd.DataFrame) -> list[dict[str, Any]]:
    """Turn sums by group into rows; totals and means are of different sizes, so each has its own decimals."""
    means = numbers.rows(groups, "value_mean")
    return [
        row | {"value_mean": mean["value_mean"]}
        for row, mean in zip(numbers.rows(groups, "value"), means, strict=True)
    ]


def _head(ranking: pd.DataFrame) -> list[dict[str, Any]]:
    """Prepare the first customers: figures as texts, intervals as places on one scale from zero."""
    head = ranking.head(HEAD)
    bounds = head[["predicted_value_low", "predicted_value", "predicted_value_high"]].to_numpy(dtype=float)
    start, end = min(0.0, float(np.nanmin(bounds))), float(np.nanmax(bounds))
    places = 100 * (bounds - start) / (end - start) if end > start else np.zeros_like(bounds)
    rows = numbers.rows(head, "score", "predicted_value", "predicted_value_low", "predicted_value_high")
    digits = numbers.decimals(bounds.ravel())
    for row, (low, middle, high), grown in zip(
        rows, places, head["growth_potential"].astype(float), strict=True
    ):
        row["growth_potential"] = numbers.money(grown, digits, plus=True)
        row["places"] = {"low": round(low, 2), "at": round(middle, 2), "width": round(high - low, 2)}
        reasons = (row["reason_1"], row["reason_2"], row["reason_3"])
        row["reasons"] = [reason for reason in reasons if pd.notna(reason) and str(reason)]
    return rows


def _curve(values: Any, core: core_summary.Core) -> Markup | None:
    if not core.size:
        return None
    label = [
        f"{numbers.count(core.size)} customers",
        f"{numbers.share(core.part)} of all",
        f"{numbers.share(core.value_part)} of value",
    ]
    curve = core_summary.value_curve(values, core.size)
    description = (
        f"Curve of the cumulative share of {core.money} by share of customers: " + " ".join(label) + "."
    )
    return charts.in_both_widths(
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
    return charts.in_both_widths(
        lambda width: charts.share_pairs(groups, width), f"Share of customers and of value by {kind}: {told}."
    )


def _tiers_drawn(by_tier: pd.DataFrame) -> Markup | None:
    names = {"tier": "name", "share_of_customers": "customers_share", "share_of_value": "value_share"}
    return _pairs(by_tier.rename(columns=names), "tier")


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
    return charts.in_both_widths(
        lambda width: charts.count_bars(bars, width), f"Customers by life-cycle stage: {told}."
    )


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
