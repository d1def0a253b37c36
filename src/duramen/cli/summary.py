"""What a command read, computed and wrote comes in; a summary of a screen or less goes out on the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from duramen.cli.config.reading import ReadingConfig
from duramen.cli.groups import Group
from duramen.cli.ranking_table import ranking_table
from duramen.cli.terminal import (
    fits,
    lines_of_notes,
    show_bold,
    show_dim,
    show_heading,
    show_lines,
    show_named,
    show_notes,
    show_place,
    show_run,
    show_table,
    warn,
)
from duramen.data.money_unit import unit_in_words
from duramen.data.transactions import Transactions
from duramen.data.windows import Window
from duramen.evaluation.forecasts import DURAMEN
from duramen.evaluation.registry import TOP_FIFTH
from duramen.language import (
    Sentence,
    is_urgent,
    marked,
    said_again,
    say,
    say_count,
    say_joined,
    say_list,
    translated,
)

if TYPE_CHECKING:
    from duramen.analysis.scenario_summary import ScenarioSummary
    from duramen.forecast.elasticities import MarketElasticities
    from duramen.scoring.model import CoreCustomerModel
    from duramen.scoring.tiers import Tiers

# Rows of the ranking, and lines of its texts, where there is one group of customers and where there are several.
ROWS, ROWS_OF_EACH = 10, 3
REASON_LINES, REASON_LINES_OF_EACH = 3, 3
READ_LINES, SCENARIO_LINES = 2, 4
# Lines of the sentences that are shown first and whole.
URGENT_LINES = 8
# How the note begins that every forecast has: it asks for nothing.
ABOUT_TOTAL = "The forecast total is that of"
AND_THEN = marked("{one}; {other}")
# The simple ranking that an analyst would use.
PAST_SPEND = "past spend"


def show_read(tx: Transactions, config: ReadingConfig) -> None:
    """Show what was read, what was set aside, and what was assumed; or all that is known of it."""
    found = tx.summary()
    if config.verbose:
        show_named(described(tx, config))
        return
    show_lines(
        say(
            "Read {rows} rows of {source}: {customers} customers, {first} to {last}, {money} {unit}.",
            rows=f"{found.rows_in:,}", source=found.source, customers=f"{found.customers:,}",
            first=str(found.first_date), last=str(found.last_date), money=f"{found.net_total:,.0f}",
            unit=unit_in_words(found.unit),
        ),
        READ_LINES,
    )  # fmt: skip
    if found.set_aside:
        reasons = say_list(f"{translated(reason)} {count:,}" for reason, count in found.set_aside.items())
        rows = f"{sum(found.set_aside.values()):,}"
        show_lines(say("Set aside: {rows} ({reasons}).", rows=rows, reasons=reasons), READ_LINES)
    assumed = [*found.assumed, *found.notes, *found.features]
    first = first_sentences(assumed)
    for sentence in first:
        warn(say("{sentence}.", sentence=config.in_flags(sentence)))
    others = [sentence for sentence in assumed if sentence not in first]
    if others and first:
        more = say_count("{n} more assumption: --verbose", "{n} more assumptions: --verbose", len(others))
        show_lines(more, 1, "yellow")
    elif others:
        show_lines(
            say("Assumed: {sentences}.", sentences=config.in_flags(say_joined(AND_THEN, others))),
            READ_LINES,
            "yellow",
        )


def first_sentences(assumed: Iterable[str]) -> list[str]:
    """Return the sentences that are shown first and whole, such as on money that may be counted wrongly."""
    first: list[str] = []
    for sentence in filter(is_urgent, assumed):
        if lines_of_notes([*first, sentence]) <= URGENT_LINES:
            first.append(sentence)
    return first


def described(tx: Transactions, config: ReadingConfig) -> list[tuple[str, str]]:
    """Return all that is known of orders as texts, each with its name."""
    found = tx.summary()
    lines = [(say("source"), found.source), *found.lines()]
    return [(name, config.in_flags(text)) for name, text in lines]


def show_window(window: Window, *, chosen: bool) -> None:
    """Show what is forecast, and whether its length was chosen here."""
    text = say("Forecast over {days} days from {cutoff}", days=window.horizon, cutoff=str(window.cutoff))
    if chosen:
        text = say("{forecast}, by the length of the history; --horizon sets another", forecast=text)
    show_lines(say("{sentence}.", sentence=text), 2)


def show_group(group: Group) -> None:
    """Show the name of the group above what follows, where there is another one."""
    if group.apart:
        show_heading(group.who[:1].upper() + group.who[1:])


def show_result(
    model: CoreCustomerModel,
    tiers: Tiers,
    head: pd.DataFrame,
    places: pd.DataFrame,
    group: Group,
    card: pd.DataFrame | None = None,
) -> None:
    """Show the core, the head of the ranking, why the first is first, and of a training how good it is and notes.

    ``head`` is the head of the ranking, and ``places`` has tier, predicted value and cost of all that are ranked.
    ``card`` is the scorecard of a model that was just trained.
    """
    show_group(group)
    show_headline(places, model, tiers, head["cutoff"].iloc[0])
    show_table(ranking_table(head.head(ROWS_OF_EACH if group.apart else _rows_below(group.tx))))
    note = say(
        "Money in {unit}; 8 in 10 outcomes are expected between low and high.",
        unit=unit_in_words(model.unit_),
    )
    show_dim(note)
    lines = REASON_LINES_OF_EACH if group.apart else REASON_LINES
    if why := why_first(head.iloc[0], lines):
        show_lines(why, lines)
    if card is None:
        return
    if worth := holdout_sentence(model, card):
        show_lines(worth)
    show_notes((note for note in model.notes_ if not _is_about_total(note)), verbose=False)


def _rows_below(tx: Transactions) -> int:
    """Return how many rows of the ranking there is room for, below what was said of the orders."""
    return max(ROWS_OF_EACH, ROWS - more_lines(tx))


def more_lines(tx: Transactions) -> int:
    """Return how many lines more than usual are shown of the orders, which what follows leaves out."""
    return max(lines_of_notes(first_sentences(said_again(tx.assumed))) + 1 - READ_LINES, 0)


def why_first(row: pd.Series[Any], lines: int | None = None) -> str:
    """Return why a customer has the rank that it has, in the whole reasons that fit into lines; empty without any."""
    found = [row[name] for name in ("reason_1", "reason_2", "reason_3")]
    reasons = [reason for reason in found if isinstance(reason, str)]
    sentence = ""
    while reasons:
        sentence = say(
            "Why {customer} is number {rank}: {reasons}.",
            customer=str(row["customer_id"]), rank=f"{row['rank']:,}", reasons=say_joined(AND_THEN, reasons),
        )  # fmt: skip
        if lines is None or fits(sentence, lines):
            break
        reasons.pop()
    return sentence


def headline(ranking: pd.DataFrame, model: Any, tiers: Tiers, cutoff: date) -> str:
    """Return how many customers are the core of how much money."""
    core, value = int(ranking["tier"].isin(tiers.core_names).sum()), ranking["predicted_value"]
    when = say("over {days} days from {cutoff}", days=model.window_.horizon, cutoff=f"{cutoff:%Y-%m-%d}")
    of = say("predicted")
    if "cost_to_serve" in ranking:
        left = value - ranking["cost_to_serve"]
        of = say("predicted after cost of those above break-even ({left} of all)", left=f"{left.sum():,.0f}")
        value = left.clip(lower=0)
    if not core:
        return say(
            "There is no core: none of {all} customers is expected to bring more than it costs {when}.",
            all=f"{len(ranking):,}", when=when,
        )  # fmt: skip
    return say(
        "{core} of {all} customers account for {share} of the {money} {unit} {of} {when}.",
        core=f"{core:,}", all=f"{len(ranking):,}", share=f"{tiers.core_share:.0%}", money=f"{value.sum():,.0f}",
        unit=unit_in_words(model.unit_), of=of, when=when,
    )  # fmt: skip


def show_headline(ranking: pd.DataFrame, model: Any, tiers: Tiers, cutoff: date) -> None:
    """Show how many customers are the core of how much money."""
    show_bold(headline(ranking, model, tiers, cutoff))


def show_market(
    customers: pd.Series[int],
    market: MarketElasticities,
    scenario: ScenarioSummary | None = None,
    *,
    verbose: bool,
) -> None:
    """Show how many customers are core in which market, by the numbers of ``core_in``, or in the stated scenario.

    Without a scenario, and where the history shows no difference, only a verbose command says so.
    """
    if scenario is not None:
        sentence = str(scenario)
        if not (market.identified or scenario.scenario.response):
            sentence = say("{sentence} {next_sentence}", sentence=sentence, next_sentence=market.reason)
    elif market.identified:
        every, up, down = (customers.get(name, 0) for name in ("every market", "up only", "down only"))
        sentence = say(
            "Market up or down by {change}: {every} are core in every market, {up} only in a rising one, {down} only "
            "in a falling one.",
            change=f"{market.typical_change:.0%}", every=f"{every:,}", up=f"{up:,}", down=f"{down:,}",
        )  # fmt: skip
    elif verbose:
        sentence = say(
            "Market up or down: this history shows no difference in the core. {reason} Give a scenario by "
            "--demand-change and [market.response] to see who would join and leave it.",
            reason=market.reason,
        )
    else:
        return
    show_lines(sentence, None if verbose else SCENARIO_LINES)


def holdout_sentence(model: CoreCustomerModel, card: pd.DataFrame) -> str:
    """Return how much money the customers brought whom the model and past spend put first; empty if there was none."""
    rows = card[(card["target"] == "value") & (card["metric"] == TOP_FIFTH)].set_index("model")["figure"]
    if not {DURAMEN, PAST_SPEND} <= set(rows.dropna().index):
        return ""
    window = model.holdout_window_
    return say(
        "On the {days} days from {cutoff}, which the models had not seen, the top fifth of the customers accounted for "
        "{own} of the money; sorting by past spend finds {simple}.",
        days=window.horizon, cutoff=str(window.cutoff), own=f"{rows[DURAMEN]:.0%}", simple=f"{rows[PAST_SPEND]:.0%}",
    )  # fmt: skip


def _is_about_total(note: str) -> bool:
    return any(text.startswith(ABOUT_TOTAL) for text in _templates(note))


def _templates(note: str) -> Iterator[str]:
    """Give the English texts that a note is made of."""
    if not isinstance(note, Sentence):
        yield note
        return
    yield note.template
    for value in note.values.values():
        if isinstance(value, str):
            yield from _templates(value)


def show_files(folder: Path, report: Path | None, run: Any, *, ranking: Path | None = None) -> None:
    """Show where the files of a trained group are, and which run of MLflow recorded its model."""
    ranking = folder / "ranking.csv" if ranking is None else ranking
    show_place(say("ranking"), f"{ranking}, {ranking.with_suffix('.parquet')}")
    if report is not None:
        show_report(report)
    show_place(say("model"), str(folder))
    if run is not None:
        show_run(run)


def show_report(path: Path) -> None:
    """Show where a report is."""
    show_place(say("report"), path, say("for a browser; it needs no network"))


def show_scores(place: object, customers: int) -> None:
    """Show where the scores are, and of how many customers."""
    show_place(say("scores"), str(place), say_count("{n} customer", "{n} customers", customers))


def show_set_aside(tx: Transactions, path: Path | str) -> None:
    """Show where the rows are that were set aside, if there are any."""
    if tx.set_aside:
        rows = sum(tx.set_aside.values())
        show_place(say("set aside"), path, say_count("{n} row", "{n} rows", rows))


def say_without(source: str, groups: Iterable[tuple[str, object]]) -> Iterator[str]:
    """Give a note for each group that a model is for and no orders are of, with the place that is not written."""
    for key, place in groups:
        yield say(
            "{source} has no {kind} customers, so {place} is not written.",
            source=source, kind=translated(key), place=str(place),
        )  # fmt: skip
