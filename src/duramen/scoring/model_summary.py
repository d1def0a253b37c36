"""What a model was trained on comes in; one line of text or an HTML table goes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING

from duramen.data.money_unit import unit_in_words
from duramen.language import marked, say, say_count, translated

if TYPE_CHECKING:
    from duramen.forecast.model import ForecastModel

# What the trees of a model are for, by the names of its boosters.
_TARGETS = {"value": marked("value"), "activity": marked("activity"), "spend": marked("spend")}


def training_facts(forecast: ForecastModel, growth_weight: float) -> dict[str, str]:
    """Return what a fitted model was trained on, what it forecasts by and how it scores, by English names."""
    trees = [
        say("{n} trees for {target}", n=booster.num_trees(), target=say(_TARGETS.get(name, name)))
        for name, booster in forecast.boosters().items()
    ]
    window = forecast.window_
    facts = {
        marked("Trained on"): say(
            "{customers} customers of {source} before {cutoff}, {days} days ahead in {unit}",
            customers=f"{forecast.customers_:,}",
            source=forecast.source_,
            cutoff=window.cutoff,
            days=window.horizon,
            unit=unit_in_words(forecast.unit_),
        ),
        marked("Forecast by"): translated(marked(", ")).join(
            [forecast.btyd_.kind_, translated(forecast.btyd_.spend_kind_), *trees]
        ),
        marked("Score"): say("{weight} of growth potential in the score", weight=f"{growth_weight:g}"),
    }
    total = total_sentence(forecast)
    return facts | {marked("Total"): total} if total else facts


def total_sentence(forecast: ForecastModel) -> str:
    """Return what the customers at the cutoff are expected to bring, with its interval; empty where it was not kept."""
    total, window = forecast.total_, forecast.window_
    if total is None:
        return ""
    expected, low, high = (f"{amount:,.0f}" for amount in total)
    values = {
        "expected": expected,
        "unit": unit_in_words(forecast.unit_),
        "cutoff": window.cutoff.isoformat(),
        "low": low,
        "high": high,
    }
    return say_count(
        "{expected} {unit} expected in {n} day from {cutoff} (80 % interval {low} to {high})",
        "{expected} {unit} expected in {n} days from {cutoff} (80 % interval {low} to {high})",
        window.horizon,
        **values,
    )


def html_table(facts: Mapping[str, str], notes: Iterable[str]) -> str:
    """Return facts as an HTML table, with the notes below it."""
    rows = "".join(
        f"<tr><th>{translated(name)}</th><td>{escape(fact)}</td></tr>" for name, fact in facts.items()
    )
    return f"<table>{rows}</table><ul>{''.join(f'<li>{escape(note)}</li>' for note in notes)}</ul>"
