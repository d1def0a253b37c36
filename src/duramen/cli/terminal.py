"""Texts come in; lines on the terminal go out: sentences as wide as it is, places of files, headings and tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from duramen.io.credentials import mask_credentials, mask_values
from duramen.language import ENGLISH, current_language, say, say_count

# Column in which the places of files begin.
PLACES_FROM = 12
# Lines of a note in a summary.
NOTE_LINES = 2


class _MaskedConsole(Console):
    """A console on which no text shows a password: all that a command prints passes here."""

    def print(self, *objects: Any, **settings: Any) -> None:
        """Print as rich does, with the credentials in texts masked."""
        super().print(*(mask_values(shown) for shown in objects), **settings)


console = _MaskedConsole()


def fits(text: str, lines: int) -> bool:
    """Return whether a text needs no more lines."""
    return _lines_of(text) <= lines


def lines_of_notes(notes: Iterable[str]) -> int:
    """Return how many lines ``warn`` needs for sentences that are to end in a full stop."""
    return sum(_lines_of(say("Note: {note}", note=say("{sentence}.", sentence=note))) for note in notes)


def _lines_of(text: str) -> int:
    return len(Text(mask_credentials(text)).wrap(console, console.width))


def show_lines(text: str, lines: int | None = None, style: str = "") -> None:
    """Show a text in so many lines at most; where it is longer, it ends in three dots."""
    wrapped = Text(mask_credentials(text)).wrap(console, console.width)
    shown = [line.plain.rstrip() for line in wrapped[:lines]]
    if lines is not None and len(wrapped) > lines:
        last = Text(shown[-1])
        last.truncate(console.width - 4)
        kept = last.plain
        if current_language() == ENGLISH:
            kept = kept.rsplit(" ", 1)[0]
        shown[-1] = kept.rstrip(" ,;:.\uff0c\uff1b\uff1a\u3002") + " ..."
    console.print("\n".join(shown), style=style, highlight=False, markup=False, soft_wrap=True)


def show_bold(text: str) -> None:
    """Show the sentence of a result that is read first."""
    show_lines(text, style="bold")


def show_dim(text: str) -> None:
    """Show what explains figures, such as their unit."""
    show_lines(text, style="dim")


def warn(sentence: str, lines: int | None = None) -> None:
    """Show what could not be done, where the rest goes on."""
    show_lines(say("Note: {note}", note=sentence), lines, "yellow")


def show_notes(notes: Iterable[str], *, verbose: bool, lines: int = NOTE_LINES) -> None:
    """Show all notes, or the first one and how many more there are, in so many lines."""
    kept = list(notes)
    if verbose:
        for note in kept:
            warn(note)
        return
    if not kept:
        return
    more = len(kept) - 1
    warn(kept[0], lines - bool(more))
    if more:
        show_lines(say_count("{n} more note: --verbose", "{n} more notes: --verbose", more), 1, "yellow")


def show_place(name: str, place: Path | str, note: str = "") -> None:
    """Show where something is, in one line that can be copied, and what it is."""
    gap = " " * max(PLACES_FROM - cell_len(name), 1)
    if note:
        note = say("({note})", note=note)
        note = f" {note}" if current_language() == ENGLISH else note
    console.print(
        f"{name}{gap}{mask_credentials(str(place))}{note}", highlight=False, markup=False, soft_wrap=True
    )


def show_run(run: Any) -> None:
    """Show which MLflow run was recorded, and the address of its server, if there is one."""
    where = "" if run.how_to_open.startswith("mlflow ") else f" {run.how_to_open}"
    show_place(say("MLflow run"), f"{run.run_id} ({run.experiment}){where}")


def show_next(commands: Iterable[str]) -> None:
    """Show the commands with which one goes on, each in a line of its own."""
    kept = list(commands)
    if kept:
        console.print(say("Next:"), style="bold")
    for command in kept:
        console.print(f"  {command}", highlight=False, markup=False, soft_wrap=True)


def show_heading(text: str) -> None:
    """Show a heading above what follows."""
    console.rule(Text(text, "bold"), align="left")


def new_table(*headings: str, left: Collection[int] = (0,), padding: int = 1) -> Table:
    """Return a table that cuts no word; the columns at the places ``left`` are texts, and the others figures."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, padding, 0, 0), show_edge=False)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place in left else "right", no_wrap=True)
    return table


def show_table(table: Table) -> None:
    """Show a table, however wide the terminal is."""
    console.print(table, crop=False)


def show_named(lines: Iterable[tuple[str, str]], most: int | None = None) -> None:
    """Show texts behind their names, and at most so many lines; long texts go on below themselves."""
    kept = list(lines)
    start = max((cell_len(name) for name, _ in kept), default=0) + 2
    rows: list[str] = []
    for name, text in kept:
        wrapped = [line.plain.rstrip() for line in Text(text).wrap(console, console.width - start)]
        names = [name + " " * (start - cell_len(name)), *[" " * start] * (len(wrapped) - 1)]
        rows += [f"{head}{part}" for head, part in zip(names, wrapped, strict=True)]
    shown = rows[:most]
    console.print("\n".join(shown), highlight=False, markup=False, soft_wrap=True)
    if more := len(rows) - len(shown):
        show_lines(say_count("{n} more line: --verbose", "{n} more lines: --verbose", more), 1, "yellow")
