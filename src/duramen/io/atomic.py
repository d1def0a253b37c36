"""A path comes in; a new file or folder takes its place in one step, or never.

New content is made in a hidden folder beside it, ``.NAME.part``, which only the run that has the lock ``.NAME.lock``
uses. The system releases a lock when its process ends, however it ends.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from duramen.errors import InputError

if TYPE_CHECKING:
    from filelock import BaseFileLock

PREFIX = "duramen-"


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Give the path of a file to write, which takes the place of ``path`` when all is written, or never.

    Raises
    ------
    InputError
        If another run is writing the same file.
    """
    with work_folder(path) as folder:
        yield folder / path.name
        (folder / path.name).replace(path)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder to write into, which takes the place of ``path`` when all is written, or never.

    Raises
    ------
    InputError
        If another run is writing the same folder.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    old = path.with_name(f".{path.name}.old")
    with work_folder(path) as folder:
        # The last run may have been killed between the two renames below.
        _put_back(old, path)
        new = folder / path.name
        new.mkdir()
        yield new
        try:
            if path.exists():
                path.rename(old)
            new.rename(path)
        finally:
            _put_back(old, path)


def _put_back(old: Path, path: Path) -> None:
    """Undo a replacement that stopped half-way; remove what a complete one leaves."""
    if old.exists() and not path.exists():
        old.rename(path)
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def work_folder(path: Path, name: object = None) -> Iterator[Path]:
    """Give an empty folder beside ``path``, on the same disk, for files that are to take its place; then remove it.

    The remains of a run that was killed are removed first.

    Parameters
    ----------
    path : Path
        The file or folder to be written.
    name : object, optional
        What messages call it; by default the path.

    Raises
    ------
    FileNotFoundError
        If the folder of ``path`` is missing.
    InputError
        If another run is writing to the same path.
    """
    path.parent.stat()
    folder = path.with_name(f".{path.name}.part")
    lock = _lock(path.with_name(f".{path.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except TimeoutError as error:
        raise InputError(
            f"another run is writing {name or path}; wait until it ends, or write elsewhere."
        ) from error
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _release(lock)


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Wait until no other process is in such a block for ``path``; where nothing can be written, do not wait."""
    lock = _lock(path.with_name(f".{path.name}.lock"))
    try:
        lock.acquire()
    except OSError:
        yield
        return
    try:
        yield
    finally:
        _release(lock)


def temporary_folder(owner: Any) -> Path:
    """Return a folder among the system's temporary files that is removed with its owner, an object.

    Those of processes that were killed are removed too.
    """
    _remove_abandoned()
    folder = Path(tempfile.gettempdir()).resolve() / f"{PREFIX}{secrets.token_hex(8)}"
    # The lock comes first: a folder whose lock is free belongs to no process any more.
    lock = _lock(folder.with_suffix(".lock"))
    lock.acquire()
    folder.mkdir(mode=0o700)
    weakref.finalize(owner, _remove, folder, lock)
    return folder


def _remove(folder: Path, lock: BaseFileLock) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    _release(lock)


def _remove_abandoned() -> None:
    """Remove the temporary folders whose process has ended."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*.lock"):
        lock = _lock(path)
        # A lock that is taken, or another user's, stays; so does its folder.
        with suppress(OSError):
            lock.acquire(timeout=0)
            _remove(path.with_suffix(""), lock)


def _lock(path: Path) -> BaseFileLock:
    from filelock import FileLock

    # An owner may be collected in another thread than the one that made it.
    return FileLock(path, thread_local=False)


def _release(lock: BaseFileLock) -> None:
    """Remove the file of a lock and release it; in this order nobody can take the lock of a file that is gone."""
    # Windows removes no file that is open; filelock does so itself after the release there.
    with suppress(OSError):
        Path(lock.lock_file).unlink()
    lock.release()
