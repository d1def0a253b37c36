"""The unit of money comes in; titles of sections and texts of the script go out, in the language that is set."""

from __future__ import annotations

from duramen.language import say
from duramen.report.charts import text_width

WIDEST_UNIT = 5  # Latin letters, that fit the head of a column


def titles() -> dict[str, str]:
    """Return the title of each section of a page, by its name."""
    return {
        "summary": say("What happened and what to do"),
        "core": say("Who is core"),
        "customer": say("One customer"),
        "lists": say("Lists ready for use"),
        "value-curve": say("How concentrated the value is"),
        "value-growth": say("Value and growth"),
        "tiers": say("Tiers"),
        "treatments": say("What to do for whom"),
        "segments": say("Segments"),
        "stages": say("Life cycle"),
        "churn": say("Churn by segment"),
        "market": say("Market scenarios"),
        "portfolio": say("Portfolio"),
        "price-led": say("Price-led and full-price buyers"),
        "change": say("Why revenue changed"),
        "structure": say("Value, core and concentration"),
        "cohorts": say("New customers"),
        "scorecard": say("How good the forecast is"),
        "factors": say("What drives the forecast"),
        "audit": say("Segmentation audit"),
        "self-test": say("Self-test"),
        "data": say("The data"),
        "made": say("How it was made"),
        "next": say("Next month"),
        "words": say("Glossary"),
        "economics": say("What customers contribute after costs"),
        "retention": say("Whom to keep, win back and reward"),
    }


def folded() -> dict[str, str]:
    """Return the sentence on each section that is closed until a reader wants it, by the name of the section."""
    return {
        "market": say("Which customers are core when demand rises or falls."),
        "portfolio": say("Customers by loyalty and size, with a treatment for each cell."),
        "price-led": say("Who buys at a reduced price, and what they are worth."),
        "structure": say("How the value per customer and the dependence on the largest customers changed."),
        "cohorts": say("How many of the customers of each period came back, and what they brought."),
        "factors": say("Which properties of a customer move the forecast, and which way."),
        "audit": say("How the segments were chosen, and how stable they are."),
        "self-test": say("What is known of the target customer, and what people must still answer."),
        "data": say("How many rows were used, and how the orders were read."),
        "made": say("The model, the weight of growth, and what the method could not do."),
        "words": say("What each term of this page means."),
    }


def unit_of_heads(unit: str) -> str:
    """Return the unit of money where it is short enough for the head of a column, and nothing where it is long.

    Examples
    --------
    >>> unit_of_heads("USD"), unit_of_heads("currency units")
    ('USD', '')
    """
    return unit if text_width(unit) <= WIDEST_UNIT else ""


def heads(unit: str, *, costs: bool = False) -> dict[str, str]:
    """Return what each column of the customers is called; without a unit, those of money do not name one."""

    def of_money(head: str) -> str:
        return say("{head}, {unit}", head=head, unit=unit) if unit else head

    return {
        "rank": say("Rank"),
        "customer_id": say("Customer"),
        "list": say("List"),
        "tier": say("Tier"),
        "segment": say("Segment (typical of the group)"),
        "lifecycle_stage": say("Stage"),
        "quadrant": say("Value and growth"),
        "treatment": say("What to do"),
        "score": of_money(say("Score after cost") if costs else say("Score")),
        "predicted_value": of_money(say("Predicted value")),
        "interval": of_money(say("Its interval")),
        "growth_rate": say("Growth"),
        "probability_active": say("Probability of a purchase"),
        "expected_loss": of_money(say("Expected loss")),
        "probability_core": say("Probability of being core"),
        "last_purchase": say("Last purchase"),
        "next_purchase": say("Next purchase"),
    }


def texts(unit: str) -> dict[str, str]:
    """Return the sentences of the script; the names in braces are filled in by it."""
    itself = {name: "{" + name + "}" for name in (
        "customer", "page", "pages", "found", "all", "money", "selected", "n", "kind", "rank", "value", "low", "high",
        "date", "first", "last", "past", "factor", "times",
        "segment", "stage", "chance", "each",
    )}  # fmt: skip
    return {
        "any": say("all"),
        "sort_by": say("Sort by"),
        "from_to": say("{low} to {high}", **itself),
        "select_all": say("Select all customers that fit"),
        "select_one": say("Select customer {customer}", **itself),
        "open": say("Show customer {customer}", **itself),
        "page": say("Page {page} of {pages}", **itself),
        "status": say(
            "{found} of {all} customers fit, with a predicted value of {money} {unit}; {selected} selected.",
            **itself,
            unit=unit,
        ),
        "save_selected": say("Save {n} selected as {kind}", **itself),
        "save_all": say("Save {n} as {kind}", **itself),
        "show_list": say("Show all {n} in the table", **itself),
        "show_part": say("Show {n} of {all} in the table", **itself),
        "rank_of": say("{rank} of {all}", **itself),
        "value_between": say("{value} (8 in 10 such customers: {low} to {high})", **itself),
        "next_between": say("{date} (8 in 10 such customers: {low} to {high})", **itself),
        "next_or_later": say("{date} (9 in 10 such customers: {low} or later)", **itself),
        "no_purchase": say("less likely than not within two horizons"),
        "differs": say("{segment}; this customer differs: {stage}", **itself),
        "why": say("Why this rank"),
        "typical": say("typical active customer"),
        "predicted": say("predicted value"),
        "at_past_rate": say("at the past rate"),
        "purchases_title": say("Months with purchases or returns: {n}, from {first} to {last}.", **itself),
        "purchases_once": say("Purchases or returns in one month alone, {first}.", **itself),
        "purchases_reading": say(
            "Each bar is the net {unit} of a month; the last is the month in which the history ends.",
            unit=unit,
        ),
        "forecast_above": say("The forecast of {value} is above the {past} at the past rate.", **itself),
        "forecast_below": say("The forecast of {value} is below the {past} at the past rate.", **itself),
        "forecast_equal": say("The forecast of {value} is equal to the past rate.", **itself),
        "if_bought": say(
            "Probability of a purchase {chance}; if this customer buys, {each} {unit} are expected.",
            **itself,
            unit=unit,
        ),
        "forecast_reading": say(
            "In {unit} over the horizon; the band contains the outcome of 8 in 10 such customers. Growth adds a "
            "typical purchase day to both, so that small amounts give no extreme rates.",
            unit=unit,
        ),
        "factor_raises": say("Raises the forecast most: {factor}, {times}.", **itself),
        "factor_lowers": say("Lowers the forecast most: {factor}, {times}.", **itself),
        "no_product": say("The predicted value is not above 0, so it is not drawn as a product of factors."),
        "no_factor": say("No factor moves the forecast."),
        "factors_reading": say(
            "From {value} {unit} of a typical active customer to the predicted value of {money}, factor by factor: a "
            "reddish bar raises the value, a grey one lowers it.",
            **itself,
            unit=unit,
        ),
        "what_if": say("What would change it"),
        "what_if_unknown": say(
            "Not shown for this customer. What one more purchase would change is shown for the first "
            "customers of the ranking, the first of the call list and those in the list \u201cJust below the "
            "core\u201d, if they have room for one more purchase day in the last 28 days."
        ),
    }
