"""What a report has found comes in; what happened and what to do goes out, in five sentences with figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from duramen.analysis.joined import in_a_row
from duramen.analysis.lists import CustomerLists
from duramen.data.checks import NO_CUSTOMER
from duramen.evaluation.forecasts import DURAMEN
from duramen.evaluation.registry import TOP_FIFTH
from duramen.language import Sentence, say, say_count, translated
from duramen.scoring.value_growth import CORE_DECLINING, CORE_GROWING, CORE_STEADY

if TYPE_CHECKING:
    import pandas as pd

    from duramen.analysis.base_over_time import CustomerBase
    from duramen.analysis.forecast_quality import ForecastQuality
    from duramen.data.summary import DataSummary

# Money left out is worth a sentence from this share of all money on.
LEAST_LEFT_OUT = 0.05


class Step(NamedTuple):
    """One of the sentences: what it is about, and the sentence."""

    what: Sentence
    text: str


def summary_steps(
    ranking: pd.DataFrame,
    unit: str,
    lists: CustomerLists,
    base: CustomerBase | str | None = None,
    quality: ForecastQuality | None = None,
    rose: int | None = None,
    scorecard: pd.DataFrame | None = None,
    total: str = "",
    data: DataSummary | None = None,
) -> list[Step]:
    """Return what happened, what is at risk, whom to call first, what grows and how far to trust it.

    Parameters
    ----------
    ranking : pandas.DataFrame
        What ``rank_core_customers`` returns.
    unit : str
        Unit of money.
    lists : CustomerLists
    base : CustomerBase or str, optional
        The last period beside the one before, or the sentence that says why there is none.
    quality : ForecastQuality, optional
    rose : int, optional
        How many customers rose since an earlier cutoff.
    scorecard : pandas.DataFrame, optional
        What ``scorecard`` returns of the same holdout.
    total : str
        The expected total with its interval, in a few words.
    data : DataSummary, optional
        What was read, and what of it was left out.
    """
    found = [
        Step(say("What happened:"), _happened(base)),
        Step(say("What is at risk:"), _at_risk(ranking, unit)),
        Step(say("Whom to call first:"), _call(lists, unit)),
        Step(say("Who rose:"), _rose(rose)),
        Step(say("How far to trust this:"), _trust(quality, scorecard, total, data, unit)),
    ]
    return [step for step in found if step.text]


def _happened(base: CustomerBase | str | None) -> str:
    return "" if base is None or isinstance(base, str) else base.change.sentences[0]


def _at_risk(ranking: pd.DataFrame, unit: str) -> str:
    core = ranking[ranking["quadrant"].isin((CORE_GROWING, CORE_STEADY, CORE_DECLINING))]
    leaving = core[core["churn_probability"] > 1 / 2]
    return in_a_row([_leaving(leaving, unit), _declining(ranking, len(core))])


def _leaving(leaving: pd.DataFrame, unit: str) -> Sentence:
    if leaving.empty:
        return say("No core customer is more likely to leave than to buy.")
    return say_count(
        "{n} core customer is more likely to leave than to buy: {value} {unit} forecast, {past} at their past rate.",
        "{n} core customers are more likely to leave than to buy: {value} {unit} forecast, {past} at their past rate.",
        len(leaving),
        value=f"{leaving['predicted_value'].sum():,.0f}",
        past=f"{leaving['past_value'].sum():,.0f}",
        unit=unit,
    )


def _declining(ranking: pd.DataFrame, core: int) -> Sentence:
    declining = int((ranking["quadrant"] == CORE_DECLINING).sum())
    if not declining:
        return say("No core customer is forecast to spend at least a tenth less than at their own past rate.")
    values = {"declining": f"{declining:,}", "core": f"{core:,}"}
    if declining > core / 2:
        return say(
            "{declining} of the {core} core customers are forecast to spend at least a tenth less than at their past "
            "rate; purchases usually become rarer with time, so begin with those who may leave.",
            **values,
        )
    return say(
        "{declining} of the {core} core customers are forecast to spend at least a tenth less than at their past rate.",
        **values,
    )


def _call(lists: CustomerLists, unit: str) -> str:
    call = lists.call
    if call.empty:
        return say("No customer is on the call list.")
    first = call.iloc[0]
    values = {
        "customer": str(first["customer_id"]),
        "rank": f"{first['rank']:,}",
        "loss": f"{first['expected_loss']:,.0f}",
        "unit": unit,
    }
    if len(call) == 1:
        return say(
            "Customer {customer} (rank {rank}), the only one on the call list: expected loss {loss} {unit}.",
            **values,
        )
    return say(
        "Customer {customer} (rank {rank}): expected loss {loss} {unit}. The first {n} of the call list together: "
        "{together} {unit}.",
        **values,
        n=f"{min(100, len(call)):,}",
        together=f"{call['expected_loss'].head(100).sum():,.0f}",
    )


def _rose(customers: int | None) -> str:
    if customers is None:
        return ""
    if not customers:
        return say("No customer rose by more than season, trend and chance explain.")
    return say_count(
        "{n} customer rose by more than season, trend and chance explain; see the list of customers who rose.",
        "{n} customers rose by more than season, trend and chance explain; see the list of customers who rose.",
        customers,
    )


def _trust(
    quality: ForecastQuality | None,
    scorecard: pd.DataFrame | None,
    total: str,
    data: DataSummary | None,
    unit: str,
) -> str:
    sentences = [] if quality is None else [trust_sentence(quality)]
    if quality is not None and scorecard is not None:
        sentences += _better_method(quality, scorecard)
    if total:
        sentences.append(say("Forecast total: {total}.", total=total))
    if data is not None:
        sentences += _left_out(data, unit)
    return in_a_row(sentences) if sentences else ""


def _left_out(data: DataSummary, unit: str) -> list[Sentence]:
    """Return which orders were left out and mostly why, where they are a part of the money that matters."""
    worth = data.set_aside_money
    money = sum(worth.values())
    share = money / (money + float(data.net_total)) if money > 0 else 0.0
    if share < LEAST_LEFT_OUT:
        return []
    reason = max(worth, key=lambda name: worth[name])
    values = {
        "rows": f"{sum(rows for name, rows in data.set_aside.items() if name in worth):,}",
        "money": f"{money:,.0f}",
        "unit": unit,
        "share": f"{share:.1%}",
        "reason": translated(reason),
    }
    if reason == NO_CUSTOMER:
        return [
            say(
                "Left out: {rows} rows worth {money} {unit} ({share} of all money); most of it for this reason: "
                "{reason}. So revenue here is that of customers with an id.",
                **values,
            )
        ]
    return [
        say(
            "Left out: {rows} rows worth {money} {unit} ({share} of all money); most of it for this reason: {reason}.",
            **values,
        )
    ]


def _better_method(quality: ForecastQuality, scorecard: pd.DataFrame) -> list[Sentence]:
    """Return which simpler method found most of the money, where it is more than the ranking found."""
    found = scorecard[(scorecard["metric"] == TOP_FIFTH) & (scorecard["model"] != DURAMEN)].set_index("model")
    figures = found["figure"].astype(float).dropna()
    if figures.empty or round(figures.max(), 3) <= round(quality.captured, 3):
        return []
    digits = int(round(100 * figures.max()) == round(100 * quality.captured)) or quality.digits
    return [
        say(
            "A simpler method, {method}, would have found more: {share} instead of {own}.",
            method=translated(str(figures.idxmax())),
            share=f"{figures.max():.{digits}%}",
            own=f"{quality.captured:.{digits}%}",
        )
    ]


def trust_sentence(quality: ForecastQuality) -> Sentence:
    """Return what the ranking found in the holdout beside sorting by past spend.

    Examples
    --------
    >>> from duramen.analysis.forecast_quality import ForecastQuality
    >>> import pandas as pd
    >>> none = pd.DataFrame()
    >>> sentence = trust_sentence(ForecastQuality(none, none, none, 0.73, 0.71, 95.0, 100.0, 0.8))
    >>> sentence.split("; ")[1]
    'sorting by past spend would have found 71%. The forecast total was 5% below the actual one.'
    """
    off = quality.total_predicted / quality.total_actual - 1
    return say(
        "In the last holdout period the top fifth of the ranking accounted for {model} of the money; sorting by past "
        "spend would have found {past}. {total}",
        model=f"{quality.captured:.{quality.digits}%}",
        past=f"{quality.captured_by_past_spend:.{quality.digits}%}",
        total=say("The forecast total was {off} below the actual one.", off=f"{-off:.0%}")
        if off < 0
        else say("The forecast total was {off} above the actual one.", off=f"{off:.0%}"),
    )
