"""An open file comes in; whether its lock could be taken goes out, and folders that nobody holds any more are gone.

Called by whoever makes files that another process could make as well, or must clear away. The system lets go of a lock
however the process ends.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import weakref
from pathlib import Path
from typing import IO, Any

if sys.platform != "win32":
    import fcntl

PREFIX = "duramen-"
HELD = "held"


def take_lock(file: IO[str]) -> bool:
    """Take the lock of an open file until it is closed; return whether it was free. Windows has no such locks."""
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def temporary_folder(owner: Any) -> Path:
    """Return a folder in the system's place for temporary files that is gone with its owner, an object.

    Those of processes that were killed are cleared away on the way.
    """
    _clear_away()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    lock = None
    if sys.platform != "win32":
        lock = (folder / "new").open("w")
        take_lock(lock)
        # Only now may others look whether it is held.
        Path(lock.name).rename(folder / HELD)
    weakref.finalize(owner, _remove, folder, lock)
    return folder


def _remove(folder: Path, lock: IO[str] | None) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if lock is not None:
        lock.close()


def _clear_away() -> None:
    """Remove the temporary folders whose process is gone."""
    if sys.platform == "win32":
        return
    for held in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{HELD}"):
        try:
            lock = held.open("a")
        except OSError:  # another user's, or gone in the meantime
            continue
        with lock:
            if take_lock(lock):
                shutil.rmtree(held.parent, ignore_errors=True)
