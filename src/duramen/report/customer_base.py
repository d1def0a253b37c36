"""What happened to a customer base comes in; one HTML page that needs no network, and its tables, go out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from duramen._version import __version__
from duramen.analysis.base_over_time import TABLES
from duramen.analysis.campaigns import MONEY
from duramen.analysis.joined import listed
from duramen.analysis.periods import in_words as period_in_words
from duramen.analysis.retention_economics import WIN_BACK
from duramen.analysis.revenue_parts import OF_STAYED
from duramen.data.money_unit import unit_in_words
from duramen.io.atomic import work_folder
from duramen.io.files import refuse_unwritable_folder, write_scores
from duramen.language import marked, say, translated
from duramen.report import numbers
from duramen.report.charts import in_both_widths
from duramen.report.cohorts import cohort_section
from duramen.report.curves import contact_profit_chart, qini_chart
from duramen.report.html import page_lang, render_template
from duramen.report.page_texts import titles
from duramen.report.structure import structure_section
from duramen.report.waterfall import waterfall_section

if TYPE_CHECKING:
    from duramen.analysis.base_over_time import CustomerBase
    from duramen.analysis.break_even import BreakEven
    from duramen.analysis.campaigns import CampaignEffect
    from duramen.analysis.exit_plan import ExitPlan
    from duramen.analysis.retention_economics import RetentionEconomics
    from duramen.analysis.reward_grades import RewardGrades

PAGE = "base.html"
# So many customers of a list are on the page; all are in its table.
FIRST = 10
TOTAL = marked("together")


def render_base(found: CustomerBase, in_words: Callable[[str], str] = str) -> str:
    """Return the page as the text of one HTML file that needs no network, script or font.

    Parameters
    ----------
    found : CustomerBase
    in_words : callable
        Gets each sentence, and returns it in the words of the reader: a command line writes the flags of parameters.
    """
    return render_template(
        "base.html.j2",
        lang=page_lang(),
        version=__version__,
        source=Path(found.source).name,
        base=base_section(found, in_words),
        with_costs=True,
        titles=titles(),
        folded={},
    )


def base_section(found: CustomerBase, in_words: Callable[[str], str] = str) -> dict[str, Any]:
    """Return what the sections about the customer base show; a missing part is the sentence that says why."""
    change, unit, economics = found.change, unit_in_words(found.unit), found.economics

    def section(part: Any, show: Callable[[Any], Any]) -> Any:
        return numbers.sentence_of(in_words(part)) if isinstance(part, str) else show(part)

    return {
        "unit": unit,
        "before": numbers.spaced(period_in_words(found.before)),
        "after": numbers.spaced(period_in_words(found.after)),
        "sentences": [numbers.spaced(sentence) for sentence in change.sentences],
        "notes": [in_words(note) for note in change.notes],
        "waterfall": waterfall_section(change.parts, unit),
        "seasonal": bool((change.parts["money"] != change.parts["money_with_season"]).any()),
        "parts": _worded(numbers.rows(change.parts, "money", "money_with_season"), "part"),
        "parts_reading": _parts_reading(change.parts),
        "missing": _missing(change.missing),
        "structure": section(found.structure, structure_section),
        "cohorts": section(found.cohorts, cohort_section),
        "break_even": section(economics.break_even, _break_even),
        "exit_plan": section(economics.exit_plan, _exit_plan),
        "retention": section(economics.retention, lambda kept: _retention(kept, unit)),
        "rewards": section(economics.rewards, _rewards),
        "referrals": section(economics.referrals, _referrals),
        "campaign": section(found.campaign, lambda effect: _campaign(effect, unit)),
        "in_words": in_words,
    }


def write_base(found: CustomerBase, folder: str | Path, in_words: Callable[[str], str] = str) -> Path:
    """Write the page and every table as CSV into a folder, all of them or none; return the place of the page.

    Tables of an earlier run that this one does not have are removed; other files stay.

    Raises
    ------
    InputError
        If the folder cannot be written to.
    """
    folder = Path(folder)
    refuse_unwritable_folder(folder, "folder")
    page, tables = render_base(found, in_words), found.tables()
    folder.mkdir(parents=True, exist_ok=True)
    with work_folder(folder / "base", folder) as beside:
        (beside / PAGE).write_text(page, encoding="utf-8")
        for name, table in tables.items():
            write_scores(table, beside / f"{name}.csv")
        for path in sorted(beside.iterdir()):
            path.replace(folder / path.name)
        for name in set(TABLES) - set(tables):
            (folder / f"{name}.csv").unlink(missing_ok=True)
    return folder / PAGE


def _parts_reading(parts: pd.DataFrame) -> str:
    """Return how the table of parts is read, with the parts that it has."""
    named = [str(say(part)) for part in parts["part"] if part in OF_STAYED]
    return say(
        "The parts add up to the change. Lost customers bought only in the earlier period, won customers for the first "
        "time in the later one, and returned customers again after a pause. These parts concern "
        "customers who bought in both periods: {parts}.",
        parts=listed(named),
    )


def _missing(missing: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of missing money and of what more often brought, as changes of revenue, and their sum."""
    table = missing.assign(change=-missing["money"])
    total = {"from": TOTAL, "demand": "", "change": table["change"].sum()}
    table = pd.concat([table, pd.DataFrame([total])], ignore_index=True)
    return _worded(numbers.rows(table, "change", "expected_back", "back_low", "back_high"), "from", "demand")


def _break_even(found: BreakEven) -> dict[str, Any]:
    money = ("predicted_value", "cost_to_serve", "acquisition_cost", "contribution")
    return {"summary": _worded(numbers.rows(found.summary, *money), "group"), "notes": found.notes}


def _exit_plan(plan: ExitPlan) -> dict[str, Any]:
    return {"stages": _rows(plan.stages, ("threshold", "contribution_released")), "notes": plan.notes}


def _retention(found: RetentionEconomics, unit: str) -> dict[str, Any]:
    best = found.choices.iloc[0]
    title = say(
        "Expected profit is highest with {n} customers contacted.", n=numbers.count(best["contacted"])
    )
    return {
        "sentences": [numbers.spaced(sentence) for sentence in found.sentences],
        "title": title,
        "reading": say(
            "Expected profit by the number of customers contacted, in {unit}; dashed, the order by churn probability.",
            unit=unit,
        ),
        "drawn": in_both_widths(lambda width: contact_profit_chart(found.curve, unit, width), title),
        "choices": _worded(
            numbers.rows(found.choices, "cost", "saved", "profit", "profit_low", "profit_high"), "choice"
        ),
        "by_tier": _worded(numbers.rows(found.by_tier, "cost", "saved", "profit"), "tier"),
        "win_back": _worded(
            numbers.rows(
                found.win_back[found.win_back["decision"] == WIN_BACK].head(FIRST),
                "money_at_stake", "cost", "expected_profit",
            ),
            "tier",
        ),
    }  # fmt: skip


def _campaign(found: CampaignEffect, unit: str) -> dict[str, Any]:
    curve = found.qini.curve
    best = curve.iloc[int((curve["gain"] - curve["at_random"]).to_numpy().argmax())]
    values = {
        "share": numbers.share(best["customers"], 0),
        "gain": numbers.money(best["gain"], 2),
        "random": numbers.money(best["at_random"], 2),
        "unit": unit,
    }
    title = say(
        "Treating the {share} of customers with the highest predicted effect gains {gain} {unit} per customer of the "
        "base, as many at random {random}.",
        **values,
    )
    average = found.average[found.average["outcome"] == MONEY]
    return {
        "sentences": [numbers.spaced(sentence) for sentence in found.sentences],
        "title": title,
        "reading": say(
            "Gain from treating customers in order of predicted effect, in {unit} per customer; band: its 95\u202f% "
            "interval; dashed: the same number of customers chosen at random.",
            unit=unit,
        ),
        "drawn": in_both_widths(lambda width: qini_chart(curve, unit, width), title),
        "average": _worded(numbers.rows(average, "effect", "low", "high"), "estimate"),
    }


def _rewards(found: RewardGrades) -> dict[str, Any]:
    grades = _worded(_rows(found.grades, ("threshold", "reward", "cost")), "grade")
    return {"grades": grades, "notes": found.notes}


def _referrals(found: pd.DataFrame) -> dict[str, Any]:
    named = found[found["referred_in_all"] > 0].head(FIRST)
    return {"first": numbers.rows(named, "own_value", "credited_value")}


def _worded(rows: list[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    """Return rows with the stored words of some columns in the language that is set."""
    return [row | {name: translated(str(row[name])) for name in names} for row in rows]


def _rows(frame: pd.DataFrame, columns: Iterable[str]) -> list[dict[str, Any]]:
    """Return rows whose columns of money each have decimals of their own: a threshold is small beside a sum."""
    texts = {name: [row[name] for row in numbers.rows(frame[[name]], name)] for name in columns}
    return numbers.rows(frame.assign(**texts))
