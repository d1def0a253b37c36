"""The tables of a report come in; one HTML page goes out that needs no network, script or font."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from duramen.analysis.core_summary import (
    STABLE,
    core_members,
    ranked_value,
    summarise_core,
    sums_by_group,
)
from duramen.analysis.report_contents import ReportTables
from duramen.report import core, groups, numbers, scoreboard
from duramen.report.customer_base import base_section
from duramen.report.dependence import dependence_section, importance_section
from duramen.report.html import page_template
from duramen.report.lifecycle import lifecycle_section
from duramen.report.market import market_section
from duramen.report.portfolio import portfolio_section
from duramen.report.price_sensitivity import price_section
from duramen.report.ranking import first_customers
from duramen.report.rising import near_core_section, rising_section
from duramen.report.segments import segmentation_section
from duramen.report.self_test import answers
from duramen.report.value_growth import value_growth_section
from duramen.report.weight import weight_section
from duramen.scoring.ranking import tier_table
from duramen.scoring.tiers import CORE_SHARE
from duramen.scoring.treatments import treatment_table
from duramen.segments.lifecycle_stage import STAGES


def render_page(tables: ReportTables) -> str:
    """Return the report as the text of one HTML file; all text from the data is escaped.

    Raises
    ------
    InputError
        If the ranking was made by other tiers than those given.
    ValueError
        If a table does not fit the ranking.
    """
    tables = replace(tables, ranking=tables.ranking.sort_values("rank", kind="stable"))
    page = page_template("page.html.j2").render(
        **_facts(tables), **_core(tables), **_groups(tables), **_optional(tables)
    )
    # Indentation is for those who edit the templates.
    return "\n".join(line.lstrip() for line in page.splitlines() if line.strip())


def _facts(tables: ReportTables) -> dict[str, Any]:
    """Return what the head and several sections say of the run."""
    costs = "cost_to_serve" in tables.ranking
    # The simulated outcomes know the default share and no costs.
    simulated_core = not costs and tables.tiers.core_share == CORE_SHARE
    note = (
        f" Core is here the smallest set of customers that accounts for {numbers.chosen(CORE_SHARE)} of predicted "
        "value, before cost."
    )
    return {
        "title": tables.title,
        "summary": tables.summary,
        "unit": tables.unit,
        "cutoff": tables.cutoff,
        "last_day": tables.cutoff + timedelta(days=tables.horizon_days - 1),
        "horizon_days": tables.horizon_days,
        "model_version": tables.model_version,
        "notes": tables.notes,
        "costs": costs,
        "score_name": "Score after cost" if costs else "Score",
        "before_cost": ", before cost" if costs else "",
        "simulated_share": CORE_SHARE,
        "simulated_core": simulated_core,
        "simulated_core_note": "" if simulated_core else note,
    }


def _core(tables: ReportTables) -> dict[str, Any]:
    """Return the core set, the self-test about it, the value curve and the first customers."""
    summary = summarise_core(tables.ranking, tables.tiers, tables.past_value)
    members = tables.ranking[core_members(tables.ranking, tables.tiers)]
    return {
        "core": summary,
        "headline": core.headline(summary),
        "value_name": core.value_name(summary),
        "core_digits": numbers.decimals([summary.value_all]),
        "stable": STABLE,
        "answers": answers(summary, members, tables.segments, tables.unit),
        "curve": core.draw_value_curve(ranked_value(tables.ranking), summary),
        "tier_descriptions": core.tier_descriptions(tables.tiers, summary),
        "head": first_customers(tables.ranking),
    }


def _groups(tables: ReportTables) -> dict[str, Any]:
    """Return tiers, segments and stages."""
    by_tier = tier_table(tables.ranking, tables.tiers)
    stages = sums_by_group(tables.ranking, "lifecycle_stage", STAGES)
    return {
        "tiers": tables.tiers,
        "tier_rows": groups.tier_rows(by_tier),
        "tiers_drawn": groups.draw_tiers(by_tier),
        "value_growth": value_growth_section(tables.ranking),
        "treatments": numbers.rows(treatment_table(tables.ranking), "predicted_value"),
        "segments": numbers.rows(tables.segments, "predicted_value_mean"),
        "segments_drawn": groups.draw_segments(tables.segments),
        "stages": groups.stage_rows(stages),
        "stages_drawn": groups.draw_stages(stages),
    }


def _optional(tables: ReportTables) -> dict[str, Any]:
    """Return the sections that are left out, or say so, where their table is missing."""
    cutoff, unit = tables.cutoff, tables.unit
    return {
        "weight": _if_given(
            tables.growth_weight, lambda weight: weight_section(weight, tables.growth_weight_curve)
        ),
        "near_core": _if_given(tables.near_core, lambda table: near_core_section(table, tables.tiers)),
        "rising": _if_given(tables.rising, lambda table: rising_section(table, tables.rising_since, cutoff)),
        "market": _if_given(
            tables.market, lambda market: market_section(market, tables.ranking, tables.scenario)
        ),
        "lifecycle": _if_given(tables.lifecycle, lambda history: lifecycle_section(history, cutoff)),
        "segmentation": _if_given(tables.segmentation, lambda review: segmentation_section(review, cutoff)),
        "portfolio": _if_given(
            tables.portfolios, lambda matrices: portfolio_section(matrices, unit, tables.horizon_days)
        ),
        "price_sensitivity": _if_given(tables.price_sensitivity, price_section),
        "base": _if_given(tables.base, lambda base: base if isinstance(base, str) else base_section(base)),
        "total": tables.total,
        "boards": scoreboard.boards(tables.scorecard, unit),
        "factors": importance_section(tables.importance),
        "dependence": [] if tables.dependence is None else dependence_section(tables.dependence, unit),
    }


def _if_given(table: Any, section: Any) -> Any:
    return None if table is None else section(table)
