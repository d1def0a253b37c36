"""A model comes in; one line of text or an HTML table on what it was trained on goes out."""

from __future__ import annotations

import inspect
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from duramen.scoring.model import CoreCustomerModel


def text_summary(model: CoreCustomerModel) -> str:
    """Return what the model was trained on, or its parameters other than the defaults where it was not."""
    name = type(model).__name__
    if not hasattr(model, "model_version_"):
        defaults = inspect.signature(type(model)).parameters
        given = [
            f"{key}={value!r}" for key, value in model.parameters.items() if value != defaults[key].default
        ]
        return f"{name}({', '.join(given)})"
    return f"{name} {model.model_version_}: {'; '.join(_facts(model).values())}"


def html_summary(model: CoreCustomerModel) -> str:
    """Return the same as a table, with the notes below it, for notebooks."""
    if not hasattr(model, "model_version_"):
        return f"<pre>{escape(text_summary(model))}</pre>"
    facts = {"Model": model.model_version_} | _facts(model)
    rows = "".join(f"<tr><th>{name}</th><td>{escape(fact)}</td></tr>" for name, fact in facts.items())
    notes = "".join(f"<li>{escape(note)}</li>" for note in model.notes_)
    return f"<table>{rows}</table><ul>{notes}</ul>"


def _facts(model: CoreCustomerModel) -> dict[str, str]:
    forecast = model.forecast_
    trees = [f"{booster.num_trees()} trees for {name}" for name, booster in model.boosters().items()]
    return {
        "Trained on": f"{forecast.customers_:,} customers of {forecast.source_} before {model.window_.cutoff}, "
        f"{model.window_.horizon} days ahead in {model.unit_}",
        "Forecast by": ", ".join([forecast.btyd_.kind_, "gamma-gamma", *trees]),
        "Score": f"{model.growth_weight_:g} of growth potential in the score",
    }
