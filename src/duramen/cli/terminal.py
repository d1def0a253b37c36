"""Rankings, scorecards and files come in; words and tables on the terminal go out."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from duramen.cli.short_ids import SHORTEST, short_ids
from duramen.data.transactions import Transactions
from duramen.io.credentials import mask_credentials, mask_values
from duramen.report.ranking import next_purchase
from duramen.scoring.model_summary import total_sentence

if TYPE_CHECKING:
    from duramen.analysis.scenario_summary import ScenarioSummary
    from duramen.forecast.elasticities import MarketElasticities
    from duramen.scoring.tiers import Tiers

HEAD, REASONS_SHOWN = 15, 3
RANKING_HEADINGS = ("rank", "customer", "tier", "score", "value", "low to high", "growth", "P(core)")
# Spaces after each column, and whether tiers and intervals go over two lines; the first that fits is taken.
LAYOUTS = ((1, False), (0, False), (0, True))
# So narrow that a model and seven others fit side by side into 80 columns.
MOST_BESIDE = 7
HEADINGS = {
    "duramen": "dura-\nmen",
    "past spend": "past\nspend",
    "past rate": "past\nrate",
    "past trend": "past\ntrend",
    "RFM score": "RFM",
    "recency": "re-\ncency",
    "BG/NBD x gamma-gamma": "BG/NBD\nx GG",
    "Pareto/NBD x gamma-gamma": "Pareto\nx GG",
    "Pareto/NBD": "Pareto\n/NBD",
    "last horizon": "last\nhoriz.",
    "plain LightGBM": "Light\nGBM",
    "hurdle LightGBM": "hur-\ndle",
    "BTYD x gamma-gamma": "BTYD\nx GG",
    "LightGBM": "Light\nGBM",
    "LightGBM two-stage": "two-\nstage",
}


class _MaskedConsole(Console):
    """A console on which no text shows a password: all that a command prints passes here."""

    def print(self, *objects: Any, **settings: Any) -> None:
        """Print as rich does, with the credentials in texts masked."""
        super().print(*(mask_values(shown) for shown in objects), **settings)


console = _MaskedConsole()


@contextmanager
def step(what: str) -> Iterator[None]:
    """Show what is being done, the parts that the log reports, and how long it took."""
    started, what = time.perf_counter(), mask_credentials(what)
    log = logging.getLogger("duramen")
    with console.status(f"{what} ...") as status:
        handler = _StatusHandler(status, what)
        level = log.level
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        try:
            yield
        finally:
            log.removeHandler(handler)
            log.setLevel(level)
    console.print(f"[green]done[/] {what} [dim]{time.perf_counter() - started:.1f} s[/]", highlight=False)


class _StatusHandler(logging.Handler):
    def __init__(self, status: Any, what: str) -> None:
        super().__init__()
        self.status, self.what = status, what

    def emit(self, record: logging.LogRecord) -> None:
        self.status.update(f"{self.what}: {mask_credentials(record.getMessage())} ...")


def show_place(name: str, path: Path | str, how: str) -> None:
    """Show where something is and what to do with it."""
    console.print(
        f"  [bold]{name:<11}[/]{escape(str(path))}  [dim]{escape(how)}[/]", highlight=False, soft_wrap=True
    )


def warn(sentence: str) -> None:
    """Show what could not be done, where the rest goes on."""
    console.print(f"Note: {sentence}", style="yellow", highlight=False, markup=False, soft_wrap=True)


def show_quarantine(tx: Transactions, path: Path | str) -> None:
    """Show where the rows are that were set aside, if there are any."""
    if tx.set_aside:
        show_place("set aside", path, f"{sum(tx.set_aside.values()):,} rows with their reasons")


def show_run(run: Any) -> None:
    """Show which MLflow run was recorded and how to open it."""
    show_place("MLflow run", run.run_id, f"experiment {run.experiment!r}; open it with: {run.how_to_open}")


def show_ranking(
    head: pd.DataFrame,
    places: pd.DataFrame,
    model: Any,
    tiers: Tiers,
    market: MarketElasticities,
    scenario: ScenarioSummary | None = None,
) -> None:
    """Show the head of a ranking, why its first customers are there, its tiers, and the markets in which it holds.

    ``places`` has tier, predicted value, core_in and the cost to serve, if any, of all that are ranked.
    """
    when = f"over {model.window_.horizon} days from {head['cutoff'].iloc[0]:%Y-%m-%d}"
    console.print(f"\n[bold]{escape(_headline(places, model, tiers, when))}[/]", highlight=False)
    console.print(_ranking_table(head.head(HEAD)), crop=False)
    console.print(
        f"Score is value{_growth_in_score(model.growth_weight_)}. Money in {model.unit_}; 8 in 10 outcomes are "
        "expected between low and high.",
        style="dim",
    )
    for row in head.head(REASONS_SHOWN).itertuples(index=False):
        reasons = [words for words in (row.reason_1, row.reason_2, row.reason_3) if isinstance(words, str)]
        if reasons:
            console.print(
                f"Why {row.customer_id} is number {row.rank}: {'; '.join(reasons)}.",
                highlight=False,
                markup=False,
            )
        dates = next_purchase(row.next_purchase, row.next_purchase_low, row.next_purchase_high)
        console.print(f"Expected next purchase of {row.customer_id}: {dates}.", highlight=False, markup=False)
    sizes = places["tier"].value_counts()
    counted = [f"{sizes[name]:,} {name}" for name in tiers.names if name in sizes]
    console.print(f"Tiers: {', '.join(counted)}.", highlight=False, markup=False)
    show_market(places["core_in"].value_counts(), market, scenario)


def _ranking_table(head: pd.DataFrame) -> Table:
    """Return the head as a table that cuts no figure: where it is too wide, it shortens ids and moves closer."""
    cells: dict[str, list[str]] = {name: [] for name in RANKING_HEADINGS}
    for row in head.itertuples(index=False):
        figures = (
            f"{row.rank:,}", "", str(row.tier), f"{row.score:,.0f}", f"{row.predicted_value:,.0f}",
            f"{row.predicted_value_low:,.0f} to {row.predicted_value_high:,.0f}", f"{row.growth_rate:+.0%}",
            f"{row.probability_core:.2f}",
        )  # fmt: skip
        for name, figure in zip(RANKING_HEADINGS, figures, strict=True):
            cells[name].append(figure)
    widths: dict[str, int] = {}
    for padding, wrapped in LAYOUTS:
        widths = {name: _width([name, *cells[name]], wrapped=wrapped) for name in cells}
        # A space at each end, and one between columns.
        others = sum(widths.values()) - widths["customer"] + len(widths) * (1 + padding) + 1
        room = console.width - others
        cells["customer"] = short_ids(head["customer_id"].tolist(), max(room, SHORTEST))
        widths["customer"] = _width(["customer", *cells["customer"]], wrapped=False)
        if widths["customer"] <= room:
            break
    else:
        # Ids that are too alike to be shortened so far go on in the next line.
        widths["customer"] = min(widths["customer"], max(room, SHORTEST))
    table = Table(box=box.SIMPLE_HEAD, padding=(0, padding, 0, 0), width=others + widths["customer"])
    for name, width in widths.items():
        justify: Any = "left" if name in ("customer", "tier") else "right"
        table.add_column(name, justify=justify, width=width, overflow="fold")
    # Texts and not strings: an id may look like markup.
    for texts in zip(*cells.values(), strict=True):
        table.add_row(*map(Text, texts))
    return table


def _width(texts: list[str], *, wrapped: bool) -> int:
    """Return the width of a column that cuts no word; where it is wrapped, "to" follows a figure in its line."""
    parts = [text.replace(" to", "_to").split() if wrapped else [text] for text in texts]
    return max(cell_len(part) for words in parts for part in words or [""])


def _growth_in_score(weight: float) -> str:
    return f" plus {weight:g} times growth" if weight else " alone: the weight of growth is 0"


def _headline(ranking: pd.DataFrame, model: Any, tiers: Tiers, when: str) -> str:
    """Return how many customers are the core of how much money."""
    core, value, of = (
        int(ranking["tier"].isin(tiers.core_names).sum()),
        ranking["predicted_value"],
        "predicted",
    )
    if "cost_to_serve" in ranking:
        left = value - ranking["cost_to_serve"]
        of = f"predicted after cost of those above break-even ({left.sum():,.0f} of all)"
        value = left.clip(lower=0)
    if not core:
        return f"There is no core: none of {len(ranking):,} customers is expected to bring more than it costs {when}."
    return (
        f"{core:,} of {len(ranking):,} customers account for {tiers.core_share:.0%} of the {value.sum():,.0f} "
        f"{model.unit_} {of} {when}."
    )


def show_market(
    customers: pd.Series[int], market: MarketElasticities, scenario: ScenarioSummary | None = None
) -> None:
    """Show how many customers are core in which market, by the numbers of ``core_in``, or in the stated scenario."""
    if scenario is not None:
        sentence = str(scenario)
        if not (market.identified or scenario.scenario.response):
            sentence += f" {market.reason}"
    elif market.identified:
        every, up, down = (customers.get(name, 0) for name in ("every market", "up only", "down only"))
        sentence = (
            f"Market up or down by {market.typical_change:.0%}: {every:,} are core in every market, {up:,} only in a "
            f"rising one, {down:,} only in a falling one."
        )
    else:
        sentence = (
            f"Market up or down: this history shows no difference in the core. {market.reason} Give a scenario by "
            "--demand-change and [market.response] to see who would join and leave it."
        )
    console.print(sentence, highlight=False, markup=False)


def show_scorecard(card: pd.DataFrame, model: Any) -> None:
    """Show the holdout figures of the model and of the baselines, and what the data could not support."""
    console.print(
        f"\n[bold]Holdout: {model.holdout_window_}, on purchases that the models had not seen.[/]",
        highlight=False,
    )
    if total := total_sentence(model.forecast_):
        console.print(f"Total forecast: {total}.", highlight=False, markup=False)
    # A table for each target: all models side by side would not fit into 80 columns.
    for target in card["target"].unique():
        rows = card[card["target"] == target]
        wide = rows.pivot_table(index="metric", columns="model", values="figure", sort=False)
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        table.add_column(str(target), no_wrap=True)
        for name in wide.columns:
            table.add_column(HEADINGS.get(str(name), str(name)), justify="right", no_wrap=True)
        for metric, row in wide.iterrows():
            figures = ("" if pd.isna(figure) else f"{figure:,.3f}" for figure in row)
            table.add_row(str(metric).removeprefix("value "), *figures)
        console.print(table)
    for note in model.notes_:
        console.print(f"Note: {note}", style="yellow", highlight=False)


def show_heading(text: str) -> None:
    """Show a heading above what follows."""
    console.print()
    console.rule(f"[bold]{text}[/]", align="left")


def show_changes(changes: pd.DataFrame) -> None:
    """Show how the segments of the previous model changed, if there was one."""
    if changes.empty:
        return
    console.print("\n[bold]Changes from the segments of the previous model[/]")
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("segment", "change", "previous", "overlap", "customers"):
        table.add_column(name, justify="left" if name in ("change", "previous") else "right", no_wrap=True)
    for row in changes.itertuples(index=False):
        table.add_row(
            str(row.segment), str(row.change), str(row.previous), f"{row.overlap:.2f}", f"{row.customers:,}"
        )
    console.print(table)


def show_groups(ranked: Mapping[str, tuple[int, int, float]], left_out: Mapping[str, int], unit: str) -> None:
    """Show groups of customers side by side.

    Parameters
    ----------
    ranked : mapping
        Customers, core customers and predicted value of each group, by its name.
    left_out : mapping
        Customers of each group that could not be ranked.
    unit : str
        Unit of money.
    """
    console.print("\n[bold]Side by side[/]")
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("group", "customers", "core", "predicted value", "share of all"):
        table.add_column(name, justify="left" if name == "group" else "right", no_wrap=True)
    total = sum(value for _, _, value in ranked.values())
    for name, (customers, core, value) in ranked.items():
        share = f"{value / total:.0%}" if total > 0 else ""
        table.add_row(name, f"{customers:,}", f"{core:,}", f"{value:,.0f}", share)
    for name, customers in left_out.items():
        table.add_row(name, f"{customers:,}", "left out", "", "")
    console.print(table)
    console.print(f"Money in {unit}; each group has its own core.", style="dim")


def show_backtest(tested: Any) -> None:
    """Show each metric by model in the mean over the cutoffs, the best marked, and the model against the best other."""
    mean = tested.mean_figures()
    cutoffs = ", ".join(str(window.cutoff) for window in tested.windows)
    console.print(
        f"\n[bold]Mean over the holdouts from {cutoffs}; * is best.[/]",
        highlight=False,
        soft_wrap=True,
    )
    for target, rows in mean.groupby("target", sort=False):
        # The model first, then as many others as fit beside it.
        own, *others = rows["model"].unique()
        tables = -(-len(others) // MOST_BESIDE) or 1
        beside = -(-len(others) // tables)
        for part in range(tables):
            models = [own, *others[part * beside : (part + 1) * beside]]
            console.print(_figures_by_model(str(target), rows, models))
    _show_comparisons(tested)


def _figures_by_model(target: str, rows: pd.DataFrame, models: list[str]) -> Table:
    """Return a table of the figures of some models, a row a metric, the best of all marked."""
    table = Table(box=box.SIMPLE_HEAD, padding=0)
    table.add_column(target, no_wrap=True)
    for model in models:
        table.add_column(HEADINGS.get(model, model), justify="right", no_wrap=True)
    for metric, of_metric in rows.groupby("metric", sort=False):
        by_model = of_metric.set_index("model")
        figures, best = by_model["figure"].reindex(models), by_model["best"].reindex(models, fill_value=False)
        marked = (
            _figure(figure) + "*" * bool(is_best) for figure, is_best in zip(figures, best, strict=True)
        )
        table.add_row(_short(str(metric)), *marked)
    return table


def _show_comparisons(tested: Any) -> None:
    mean = tested.comparisons[tested.comparisons["cutoff"].isna()]
    table = Table(box=box.SIMPLE_HEAD, padding=0)
    for name in ("duramen against", "best baseline", "difference", "95 % interval", "verdict"):
        right = name in ("difference", "95 % interval")
        table.add_column(name, justify="right" if right else "left", no_wrap=True)
    for row in mean.itertuples(index=False):
        baseline = row.baseline.replace(" x gamma-gamma", "")
        interval = f"{_difference(row.low)} to {_difference(row.high)}"
        style = {"better": "green", "worse": "red"}.get(row.verdict)
        metric = _short(row.metric).removeprefix("normalised ")
        name = metric if row.target == "value" else f"{row.target}: {metric}"
        table.add_row(name, baseline, _difference(row.difference), interval, row.verdict, style=style)
    console.print(table)
    inside = tested.coverage.groupby("group")["inside"].mean()
    console.print(
        f"{inside['all']:.0%} of the customers were inside their 80 % interval, {inside['positive interval']:.0%} of "
        f"those whose probability to be active is above 20 %; where nearest to zero is best, absolute "
        f"values are compared; money in {tested.unit}.",
        style="dim",
        highlight=False,
    )
    console.print(_next_purchase(tested.next_purchase), style="dim", highlight=False)
    if tested.seeds is not None:
        console.print(_seeds(tested.seeds), style="dim", highlight=False)


def _seeds(seeds: pd.DataFrame) -> str:
    """Say how far ranks and values differ with other seeds."""
    mean = seeds[["spearman", "top_10", "value_change"]].mean()
    return (
        f"With {len(seeds)} other seeds {mean['top_10']:.0%} of the first tenth stay there, ranks correlate by "
        f"{mean['spearman']:.3f}, and half of the values change by less than {mean['value_change']:.1%}."
    )


def _next_purchase(errors: pd.DataFrame) -> str:
    """Say how far the dates of the next purchase were off, in the mean over the cutoffs."""
    own, gap = (rows.mean(numeric_only=True) for _, rows in errors.groupby("model", sort=False))
    sentence = (
        f"Next purchase of buyers with a date: off by {own['median_error']:,.0f} days in the median, "
        f"{gap['median_error']:,.0f} by the own mean gap; of all customers by {own['mean_error']:,.0f} against "
        f"{gap['mean_error']:,.0f} days in the mean, up to the horizon"
    )
    if math.isnan(own["inside"]):
        return f"{sentence}."
    return f"{sentence}; {own['inside']:.0%} were inside their 80 % interval."


def show_challenge(compared: Any) -> None:
    """Show each metric of challenger and champion, the difference with its interval, and what decided."""
    rival = "champion" if compared.against_champion else "simple order"
    console.print(
        f"\n[bold]Challenger and {rival} compared with the outcomes: {compared.window}.[/]", highlight=False
    )
    console.print(_challenge_table(compared))
    console.print(
        "* decides; the simple order is past spend for value and recency for activity.", style="dim"
    )


def _challenge_table(compared: Any) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=0)
    # So narrow that a row fits into 80 columns.
    names = [
        "chal-\nlenger", "cham-\npion" if compared.against_champion else "simple\norder", "differ-\nence",
        f"{100 * compared.rule.confidence:g} % interval", "verdict",
    ]  # fmt: skip
    if compared.against_champion:
        names.append("simple\norder")
    table.add_column("", no_wrap=True)
    for name in names:
        table.add_column(name, justify="left" if name == "verdict" else "right", no_wrap=True)
    metric = compared.rule.deciding_metric
    for row in compared.table.itertuples(index=False):
        decides = (row.target, row.metric) == (metric.target, metric.name)
        style = {"better": "green", "worse": "red"}.get(row.verdict, "") + " bold" * decides
        cells = [
            _short(row.metric) + "*" * decides, _figure(row.challenger), _figure(row.rival),
            _difference(row.difference), f"{_difference(row.low)} to {_difference(row.high)}", row.verdict,
        ]  # fmt: skip
        table.add_row(
            *cells,
            *([_figure(row.baseline_figure)] if compared.against_champion else []),
            style=style.strip(),
        )
    return table


def show_decision(decision: Any, sentence: str, before: str) -> None:
    """Show whether a challenger was promoted, and why.

    Parameters
    ----------
    decision : Decision
    sentence : str
        The sentence of the comparison.
    before : str
        Version of the champion that it was against, empty where there was none.
    """
    console.print(sentence, highlight=False, markup=False, soft_wrap=True)
    version, name = f"version {decision.version}", decision.name
    if decision.promoted:
        result = f"{version.capitalize()} of {name} is the champion now" + (
            f"; version {before} was before (duramen rollback --name {name})." if before else ", the first."
        )
    else:
        result = f"{version.capitalize()} of {name} stays challenger; " + (
            f"version {before} stays the champion." if before else "there is still no champion."
        )
    console.print(result, style="bold green" if decision.promoted else "bold yellow", highlight=False, markup=False,
                  soft_wrap=True)  # fmt: skip
    show_run(decision)


def show_audit(examined: Any) -> None:
    """Show the seven questions with figure, threshold and verdict, and what each figure means."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    table.add_column("question")
    for name in ("figure", "must be", "verdict"):
        table.add_column(name, justify="left" if name == "verdict" else "right", no_wrap=True)
    styles = {"passes": "green", "fails": "red"}
    for row in examined.findings.itertuples(index=False):
        table.add_row(
            row.code,
            Text.assemble(row.question, "\n", (row.sentence, "dim")),
            "" if math.isnan(row.figure) else f"{row.figure:z.1%}",
            f"{'from' if row.must_be == 'at least' else 'below'} {row.threshold:.0%}",
            Text(row.verdict, styles.get(row.verdict, "yellow")),
        )  # fmt: skip
    console.print(table)
    for note in examined.notes:
        console.print(f"Note: {note}", style="yellow", highlight=False, markup=False)


def _short(metric: str) -> str:
    short = metric.removeprefix("value ").removeprefix("retention ").replace(" at top ", " top ")
    return short.replace("calibration error", "calibration")


def _figure(figure: float) -> str:
    """Write a figure in three digits or four, and a missing one as nothing."""
    return "" if math.isnan(figure) else f"{figure:,.{_decimals(figure, 3)}f}"


def _difference(figure: float) -> str:
    return f"{figure:+z,.{_decimals(figure, 4)}f}"


def _decimals(figure: float, most: int) -> int:
    return most if abs(figure) < 10 else 1 if abs(figure) < 1000 else 0


def _two_lines(name: str) -> str:
    """Break a heading at the space nearest to its middle."""
    spaces = [at for at, letter in enumerate(name) if letter == " "]
    if not spaces:
        return name
    middle = min(spaces, key=lambda at: abs(at - len(name) / 2))
    return f"{name[:middle]}\n{name[middle + 1 :]}"
