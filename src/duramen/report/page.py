"""The tables of a report come in; one HTML page that needs no network goes out."""

from __future__ import annotations

import importlib.resources
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any, cast

import vl_convert
from markupsafe import Markup

from duramen.analysis.lists import order_in_words
from duramen.analysis.report_contents import ReportTables
from duramen.data.money_unit import NO_UNIT, unit_in_words
from duramen.io.files import FORMULA_STARTS
from duramen.language import current_language, said_again, say
from duramen.report import core, groups, numbers, scoreboard
from duramen.report.churn import churn_section
from duramen.report.customer_base import base_section
from duramen.report.customer_data import MOST_CUSTOMERS, customer_data, pack
from duramen.report.customer_view import chart_specs, theme_words
from duramen.report.dependence import dependence_section
from duramen.report.html import page_lang, render_template
from duramen.report.lifecycle import lifecycle_section
from duramen.report.lists import list_sections, lists_in_table
from duramen.report.market import market_section
from duramen.report.page_texts import folded, heads, texts, titles, unit_of_heads
from duramen.report.portfolio import portfolio_section
from duramen.report.price_sensitivity import price_section
from duramen.report.quality import quality_section
from duramen.report.ranking import first_customers
from duramen.report.segments import segmentation_section
from duramen.report.self_test import answers
from duramen.report.value_growth import value_growth_section
from duramen.report.weight import weight_section
from duramen.report.who_rose import near_core_section, rose_section
from duramen.scoring.tiers import CORE_SHARE


def render_page(tables: ReportTables) -> str:
    """Return the report as the text of one HTML file, in the language that is set; all text from data is escaped.

    Raises
    ------
    InputError
        If the ranking was made by other tiers than those given.
    ValueError
        If a table does not fit the ranking.
    """
    ranking = tables.ranking.sort_values("rank", kind="stable")
    tables = replace(tables, ranking=ranking, unit=unit_in_words(tables.unit))
    sections = _sections(tables)
    page = render_template(
        "page.html.j2",
        contents=[(name, titles()[name]) for name, _ in sections],
        sections=[template for _, template in sections if template],
        titles=titles(),
        folded=folded(),
        **_facts(tables),
        **_core(tables),
        **_groups(tables),
        **_optional(tables),
        **_script(tables),
    )
    # Indentation is for those who edit the templates.
    return "\n".join(line.lstrip() for line in page.splitlines() if line.strip())


def _sections(tables: ReportTables) -> list[tuple[str, str]]:
    """Return name and template of each section, in the order of an analyst's questions.

    A section without a template of its own is in the one before.
    """
    # A part that the data cannot show is a sentence.
    shown = tables.base is not None and not isinstance(tables.base, str)
    return [
        ("summary", "summary.html.j2"),
        ("core", "core.html.j2"),
        ("customer", "customer.html.j2"),
        ("lists", "lists.html.j2"),
        ("value-curve", "value_curve.html.j2"),
        ("value-growth", "value_growth.html.j2"),
        ("tiers", "tiers.html.j2"),
        ("treatments", "treatments.html.j2"),
        ("segments", "segments.html.j2"),
        ("stages", "stages.html.j2"),
        ("churn", "churn.html.j2"),
        ("market", "market.html.j2"),
        ("portfolio", "portfolio.html.j2"),
        ("price-led", "price_sensitivity.html.j2"),
        ("change", "base_over_time.html.j2"),
        *([("structure", ""), ("cohorts", "")] if shown else []),
        ("scorecard", "scorecard.html.j2"),
        ("factors", "factors.html.j2"),
        ("audit", "audit_of_segments.html.j2"),
        ("self-test", "self_test.html.j2"),
        ("data", "data.html.j2"),
        ("made", "made.html.j2"),
        ("next", "next.html.j2"),
        ("words", "glossary.html.j2"),
    ]


def _facts(tables: ReportTables) -> dict[str, Any]:
    """Return what the head and several sections say of the run."""
    costs = "cost_to_serve" in tables.ranking
    # The simulated outcomes know the default share and no costs.
    simulated_core = not costs and tables.tiers.core_share == CORE_SHARE
    note = say(
        "Here, the core is the smallest set of customers that accounts for {share} of predicted value, before cost.",
        share=numbers.chosen(CORE_SHARE),
    )
    return {
        "lang": page_lang(),
        "title": tables.title,
        "summary": tables.summary,
        "unit": tables.unit,
        "currency": say("no currency is named in the data")
        if tables.unit == unit_in_words(NO_UNIT)
        else tables.unit,
        "cutoff": tables.cutoff,
        "last_day": tables.cutoff + timedelta(days=tables.horizon_days - 1),
        "horizon_days": tables.horizon_days,
        "model_version": tables.model_version,
        "notes": [numbers.spaced(note) for note in said_again(tables.notes)],
        "costs": costs,
        "by_score": bool((tables.ranking["score"] != tables.ranking["predicted_value"]).any()),
        "heads": heads(unit_of_heads(tables.unit), costs=costs),
        "unit_in_heads": bool(unit_of_heads(tables.unit)),
        "simulated_share": CORE_SHARE,
        "simulated_core": simulated_core,
        "simulated_core_note": "" if simulated_core else note,
    }


def _core(tables: ReportTables) -> dict[str, Any]:
    """Return the summary, the core set, the self-test about it, the value curve, lists and the first customers."""
    summary, unit = tables.core, tables.unit
    return {
        "core": summary,
        "headline": core.headline(summary),
        "steps": [step._replace(text=numbers.spaced(step.text)) for step in tables.steps()],
        "certainty": core.certainty(summary),
        "lists": list_sections(
            tables.lists,
            tables.write_to,
            tables.lapsed_left_out,
            unit,
            tables.cutoff,
            None if tables.details is None else tables.details.gaps,
        ),
        "list_order": order_in_words(tables.lists),
        "value_name": core.value_name(summary),
        "core_digits": numbers.decimals([summary.value_all]),
        "answers": answers(summary, tables.core_customers, unit),
        "concentration": core.concentration(summary),
        "tier_finding": groups.tier_finding(tables.tiers, summary),
        "curve": core.draw_value_curve(tables.curve, summary) if summary.size else None,
        "tier_descriptions": core.tier_descriptions(tables.tiers, summary),
        "head": first_customers(tables.ranking),
    }


def _groups(tables: ReportTables) -> dict[str, Any]:
    """Return tiers, segments and stages."""
    by_tier, stages = tables.by_tier, tables.by_stage
    return {
        "tiers": tables.tiers,
        "tier_rows": groups.tier_rows(by_tier),
        "tiers_drawn": groups.draw_tiers(by_tier),
        "value_growth": value_growth_section(tables.ranking, tables.unit, tables.season),
        "treatments": groups.treatment_rows(tables.by_treatment),
        "segments": groups.segment_rows(tables.segments),
        "segment_finding": groups.segment_finding(tables.segments),
        "segments_drawn": groups.draw_segments(tables.segments),
        "stages": groups.stage_rows(stages),
        "stage_finding": groups.stage_finding(stages),
        "stages_drawn": groups.draw_stages(stages),
    }


def _optional(tables: ReportTables) -> dict[str, Any]:
    """Return the sections whose table may be missing: they then say what would fill them."""
    cutoff, unit = tables.cutoff, tables.unit
    return {
        "weight": _if_given(
            tables.growth_weight, lambda weight: weight_section(weight, tables.growth_weight_curve)
        ),
        "near_core": _if_given(tables.near_core, lambda table: near_core_section(table, tables.tiers)),
        "rose": _if_given(
            tables.rose, lambda table: rose_section(table, tables.rose_since, cutoff, tables.ranking)
        ),
        "market": _if_given(
            tables.market, lambda market: market_section(market, tables.ranking, tables.scenario)
        ),
        "lifecycle": _if_given(tables.lifecycle, lambda history: lifecycle_section(history, cutoff)),
        "segmentation": _if_given(tables.segmentation, lambda review: segmentation_section(review, cutoff)),
        "churn": _if_given(tables.churn, churn_section),
        "portfolio": _if_given(
            tables.portfolios, lambda matrices: portfolio_section(matrices, unit, tables.horizon_days)
        ),
        "price_sensitivity": _if_given(tables.price_sensitivity, price_section),
        "base": _if_given(
            tables.base, lambda base: base if isinstance(base, str) else base_section(base, _without_marks)
        ),
        "quality": tables.quality,
        "forecast": _if_given(tables.quality, lambda quality: quality_section(quality, unit)),
        "total": tables.total and numbers.spaced(tables.total),
        "boards": scoreboard.boards(tables.scorecard, unit),
        "dependence": [] if tables.dependence is None else dependence_section(tables.dependence, unit),
    }


def _script(tables: ReportTables) -> dict[str, Any]:
    """Return the customers as data, and the script that searches and draws them."""
    if tables.details is None:
        return {"customers_data": "", "most_customers": MOST_CUSTOMERS}
    ranking = tables.ranking
    listed = lists_in_table(tables.lists, tables.write_to, tables.rose)
    costs = "cost_to_serve" in ranking
    digits = numbers.decimals([ranking["predicted_value"].max()])
    return {
        "customers_data": pack(customer_data(ranking, tables.details, listed)),
        "most_customers": MOST_CUSTOMERS,
        "page_texts": {
            "lang": current_language(),
            "per_cent": numbers.per_cent(),
            "joint": numbers.joint(),
            "digits": digits,
            "formula_starts": list(FORMULA_STARTS),
            "texts": texts(tables.unit),
            "heads": heads(unit_of_heads(tables.unit), costs=costs),
            "facts": heads(tables.unit, costs=costs),
            "themes": theme_words(),
            "specs": chart_specs(tables.unit),
        },
        "script": Markup(page_script()),
        "vega": Markup(_vega()),
    }


def page_script() -> str:
    """Return the script of the page, without comments: the contents with the folded sections, and the customers."""
    folder = importlib.resources.files("duramen.report") / "templates"
    script = "".join((folder / name).read_text(encoding="utf-8") for name in ("contents.js", "page.js"))
    return "\n".join(line for line in script.splitlines() if not line.lstrip().startswith("//"))


@cache
def _vega() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script."""
    bundle: str = vl_convert.javascript_bundle(cast(Any, None))
    if "</script" in bundle:
        raise ValueError("the script of Vega would end the element that it stands in")
    return bundle


def _without_marks(text: str) -> str:
    """Return a sentence without the marks about names of parameters, which a reader of the page does not need."""
    return text.replace("`", "")


def _if_given(table: Any, section: Any) -> Any:
    return None if table is None else section(table)
