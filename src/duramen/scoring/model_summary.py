"""What a model was trained on comes in; one line of text or an HTML table goes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duramen.forecast.model import ForecastModel


def training_facts(forecast: ForecastModel, growth_weight: float) -> dict[str, str]:
    """Return what a fitted model was trained on, what it forecasts by and how it scores, by the name of each."""
    trees = [f"{booster.num_trees()} trees for {name}" for name, booster in forecast.boosters().items()]
    window = forecast.window_
    facts = {
        "Trained on": f"{forecast.customers_:,} customers of {forecast.source_} before {window.cutoff}, "
        f"{window.horizon} days ahead in {forecast.unit_}",
        "Forecast by": ", ".join([forecast.btyd_.kind_, forecast.btyd_.spend_kind_, *trees]),
        "Score": f"{growth_weight:g} of growth potential in the score",
    }
    total = total_sentence(forecast)
    return facts | {"Total": total} if total else facts


def total_sentence(forecast: ForecastModel) -> str:
    """Return what the customers at the cutoff are expected to bring, with its interval; empty where it was not kept."""
    total, window = forecast.total_, forecast.window_
    if total is None:
        return ""
    expected, low, high = (f"{amount:,.0f}" for amount in total)
    return f"{expected} {forecast.unit_} expected in {window} (80 % interval {low} to {high})"


def html_table(facts: Mapping[str, str], notes: Iterable[str]) -> str:
    """Return facts as an HTML table, with the notes below it."""
    rows = "".join(f"<tr><th>{name}</th><td>{escape(fact)}</td></tr>" for name, fact in facts.items())
    return f"<table>{rows}</table><ul>{''.join(f'<li>{escape(note)}</li>' for note in notes)}</ul>"
