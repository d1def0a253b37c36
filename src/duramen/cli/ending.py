"""What ends a command early comes in: an error or a signal; one sentence and an exit status go out."""

from __future__ import annotations

import errno
import io
import logging
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn

import typer

from duramen.errors import InputError
from duramen.io.credentials import mask_credentials

# What the user must fix; a process that a signal ended has 128 and the number of the signal.
REFUSED, BY_SIGNAL = 2, 128
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


class Stopped(BaseException):
    """A signal asked the process to end; not an Exception, so that no library takes it for a failure of its own."""


class Signals:
    """Which signal came first, if one did: libraries put exceptions of their own in the place of ``Stopped``."""

    def __init__(self) -> None:
        self.first: signal.Signals | None = None

    def stop(self, number: int, _frame: FrameType | None) -> NoReturn:
        """Raise ``Stopped`` where the program is, so that everything open is closed and removed."""
        self.first = self.first or signal.Signals(number)
        raise Stopped


@contextmanager
def ending_in_a_sentence() -> Iterator[None]:
    """Run a command; what the user must fix, a full disk and a signal are one sentence and a status."""
    signals = Signals()
    _replace_what_cannot_be_shown()
    with _masked_log(), _caught(signals):
        try:
            yield
        except BaseException as error:
            if isinstance(error, SystemExit):
                raise
            if signals.first is not None:
                show_error(f"stopped by {signals.first.name}; nothing was left half-written.")
                sys.exit(BY_SIGNAL + signals.first)
            if (sentence := _sentence(error)) is None:
                sys.stderr.write(mask_credentials("".join(traceback.format_exception(error))))
                sys.exit(1)
            show_error(sentence)
            sys.exit(REFUSED)


def show_error(sentence: str) -> None:
    """Show on stderr why something ended, without any password."""
    typer.secho(f"duramen: {mask_credentials(sentence)}", err=True, fg="red")


def _sentence(error: BaseException) -> str | None:
    """Return what an error says to the user, or None where it is a fault of the program."""
    if isinstance(error, InputError):
        return str(error)
    reason, kind = str(error).split("\n")[0].strip().rstrip("."), type(error).__name__
    # Looked up by name: DuckDB takes long to import, and was if it failed.
    if kind == "OutOfMemoryException":
        return f"DuckDB has too little memory ({reason}); raise --memory-limit."
    if (isinstance(error, OSError) and error.errno in NO_SPACE) or "No space left on device" in reason:
        return f"no space is left on the disk ({reason}); nothing was left half-written."
    if isinstance(error, OSError) or kind == "IOException":
        return f"reading or writing failed ({reason}); check the place and its permissions."
    return None


def _replace_what_cannot_be_shown() -> None:
    """Let characters that the terminal or file cannot take be replaced, whatever its encoding is."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


@contextmanager
def _caught(signals: Signals) -> Iterator[None]:
    """Let Ctrl-C and the signal with which jobs are ended go the same way."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signals.stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _masked_log() -> Iterator[None]:
    """Mask the credentials in what any library logs."""
    before = logging.getLogRecordFactory()

    def masked(*args: Any, **settings: Any) -> logging.LogRecord:
        record = before(*args, **settings)
        # Logging itself reports a message that does not fit its arguments.
        with suppress(TypeError, ValueError):
            record.msg, record.args = mask_credentials(record.getMessage()), ()
        return record

    logging.setLogRecordFactory(masked)
    try:
        yield
    finally:
        logging.setLogRecordFactory(before)
