"""Steps of a command come in; what is being done, how long it took and how much is left goes out on the terminal."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from typing import Any

from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.text import Text

from duramen.cli.terminal import console
from duramen.io.credentials import mask_credentials
from duramen.io.progress import FIT_WORK
from duramen.language import say

# Steps whose length is known: seconds on one core, measured on the demo, of each customer and of any number of them.
STEPS = {
    "fit": (4.0, 85e-5),
    "rank": (1.0, 17e-5),
    "write": (1.5, 6e-5),
    "draw": (13.0, 3e-5),
    "record": (16.0, 0.0),
}
# The trees learn from no more customers, so that a fit takes hardly longer with more.
MOST_IN_FIT = 60_000
# Seconds of the measured pace that count beside the pace of this run, which its first moments do not show.
PRIOR = 5.0
# A step that takes longer than expected counts down to this part of what was left when it began, and waits there.
LEAST_LEFT = 0.25


def seconds_of(name: str, customers: int) -> float:
    """Return how long a step takes on one core of the machine that was measured.

    Examples
    --------
    >>> round(seconds_of("fit", 23_500))
    24
    """
    fixed, each = STEPS[name]
    return fixed + each * min(customers, MOST_IN_FIT if name == "fit" else customers)


class TimeLeft:
    """How long a run still takes, by the work that is finished and the time that it took.

    Parameters
    ----------
    work : float
        The work of the whole run, in seconds of the machine that was measured.
    now : float
        When it begins, in seconds of any clock.

    Examples
    --------
    >>> left = TimeLeft(work=100.0, now=0.0)
    >>> left.seconds(now=0), left.seconds(now=10)
    (100.0, 90.0)
    >>> left.finish(50, now=105)
    >>> left.seconds(now=105), left.seconds(now=115)
    (100.0, 90.0)
    """

    def __init__(self, work: float, now: float) -> None:
        self.work, self.done, self._began = work, 0.0, now
        self._expected, self._at = work, now

    def finish(self, work: float, now: float) -> None:
        """Note that more work is finished."""
        self.done = min(self.done + work, self.work)
        pace = (now - self._began + PRIOR) / (self.done + PRIOR)
        self._expected, self._at = pace * (self.work - self.done), now

    def seconds(self, now: float) -> float:
        """Return the seconds that are left, as they run down between two parts."""
        return max(self._expected - (now - self._at), LEAST_LEFT * self._expected)


class _Left(ProgressColumn):
    """The time that is left, where the steps to come are known."""

    def render(self, task: Task) -> Text:
        left: TimeLeft | None = task.fields["left"]
        if left is None:
            return Text("")
        time_left = str(timedelta(seconds=round(left.seconds(time.monotonic()))))
        return Text(say("{time} left", time=time_left), style="cyan")


class Run:
    """A bar over all steps of a command, on a terminal alone."""

    def __init__(self) -> None:
        words = Column(ratio=1, no_wrap=True)
        self._bar = Progress(
            TextColumn("{task.description}", table_column=words, markup=False),
            BarColumn(bar_width=16),
            TimeElapsedColumn(),
            _Left(),
            console=console,
            transient=True,
            refresh_per_second=4,
            expand=True,
        )
        self._task = self._bar.add_task("", total=None, left=None)
        self._left: TimeLeft | None = None

    def plan(self, steps: Iterable[str], customers: Iterable[int]) -> None:
        """Set the steps that are to come for each of some groups, by the number of its customers."""
        steps = list(steps)
        work = sum(seconds_of(name, count) for count in customers for name in steps)
        self._left = TimeLeft(work, time.monotonic())
        self._bar.update(self._task, total=work, left=self._left)

    def show(self, words: str) -> None:
        """Show what is being done now."""
        self._bar.update(self._task, description=words)

    def finish(self, work: float) -> None:
        """Note that some of the planned work is finished."""
        if self._left is not None:
            self._left.finish(work, time.monotonic())
            self._bar.update(self._task, completed=self._left.done)


_runs: list[Run] = []


@contextmanager
def whole_run() -> Iterator[Run]:
    """Show one bar for all steps inside, with the time that is left once they are planned."""
    run = Run()
    # A pipe gets no bar, not even its last line.
    with run._bar if console.is_terminal else nullcontext():
        _runs.append(run)
        try:
            yield run
        finally:
            _runs.remove(run)


@contextmanager
def step(what: str, name: str = "", customers: int = 0) -> Iterator[None]:
    """Show what is being done, the parts that the log reports, and how long it took.

    Parameters
    ----------
    what : str
        The step in words.
    name : str
        Its name in ``STEPS``, where it is a planned step of a run.
    customers : int
        How many customers it is for.
    """
    started, what = time.perf_counter(), mask_credentials(what)
    log = logging.getLogger("duramen")
    with _shown(what) as (show, run):
        handler = _Parts(show, what, run if name else None, seconds_of(name, customers) if name else 0.0)
        level, propagate = log.level, log.propagate
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        # Older versions of MLflow make the root logger print whatever reaches it.
        log.propagate = False
        try:
            yield
            handler.finish()
        finally:
            log.removeHandler(handler)
            log.setLevel(level)
            log.propagate = propagate
    seconds = f"{time.perf_counter() - started:.1f} s"
    console.print(Text.assemble((say("done"), "green"), f" {what} ", (seconds, "dim")), soft_wrap=True)


@contextmanager
def _shown(what: str) -> Iterator[tuple[Any, Run | None]]:
    """Show a step in the bar of the run, or where there is none beside a turning sign."""
    if _runs:
        _runs[-1].show(what)
        yield _runs[-1].show, _runs[-1]
        return
    with console.status(f"{what} ...") as status:
        yield lambda words: status.update(f"{words} ..."), None


class _Parts(logging.Handler):
    """Shows the parts of a step that the log reports, and counts those that are finished."""

    def __init__(self, show: Any, what: str, run: Run | None, work: float) -> None:
        super().__init__()
        self.show, self.what, self.run = show, what, run
        self.left = work
        self.unit = work / FIT_WORK

    def emit(self, record: logging.LogRecord) -> None:
        work = getattr(record, "work", None)
        if work is None:
            self.show(f"{self.what}: {mask_credentials(record.getMessage())}")
        elif self.run is not None:
            self._count(work * self.unit)

    def finish(self) -> None:
        """Count what the parts left over."""
        if self.run is not None:
            self._count(self.left)

    def _count(self, work: float) -> None:
        assert self.run is not None
        work = min(work, self.left)
        self.left -= work
        self.run.finish(work)
