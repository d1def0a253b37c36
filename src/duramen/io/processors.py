"""The processors of this process come in; a pool of threads goes out, as many as it may keep busy.

Libraries start as many threads as the machine has processors. Where others use those too, or a container may use a part
of them only, threads that wait for each other take several times as long as one. So each piece of work has one thread,
and several pieces run at once: this also gives the same sums to the last digit, however many there are.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ContextDecorator, contextmanager
from math import ceil
from pathlib import Path
from threading import Lock
from typing import Any

CGROUPS = Path("/sys/fs/cgroup")
# The processor time of a container and the period that it is for, in the files of cgroup 2 and of cgroup 1.
QUOTAS = (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"))


def usable_processors() -> int:
    """Return how many threads this process may keep busy.

    That is the least of the processors it is bound to, what its container may use of them, and the threads that the
    user allows (a setting of the command, ``OMP_NUM_THREADS`` or a limit of threadpoolctl).
    """
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([bound, *container_processors(), *_openmp_threads()]))


def container_processors(cgroups: Path = CGROUPS) -> list[int]:
    """Return how many processors the container may use, or nothing where it has no limit."""
    for files in QUOTAS:
        if all((cgroups / file).is_file() for file in files):
            quota, period = " ".join((cgroups / file).read_text() for file in files).split()
            return [] if quota in ("max", "-1") else [ceil(int(quota) / int(period))]
    return []


def _openmp_threads() -> list[int]:
    """Return how many threads each OpenMP that is loaded may start, or the first would."""
    from threadpoolctl import threadpool_info

    loaded = [int(library["num_threads"]) for library in threadpool_info() if library["user_api"] == "openmp"]
    # A list is of loops inside of loops.
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return loaded or ([int(first)] if first.isdigit() else [])


class _OneBlasThread(ContextDecorator):
    """One thread for BLAS. Its limit is one of the whole process, so that the last to leave sets it back."""

    def __init__(self) -> None:
        self._change, self._inside = Lock(), 0
        self._limits: Any = None

    def __enter__(self) -> None:
        from threadpoolctl import threadpool_limits

        with self._change:
            if not self._inside:
                _let_any_thread_limit_blas()
                self._limits = threadpool_limits(1, user_api="blas")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._change:
            self._inside -= 1
            if not self._inside:
                _let_any_thread_limit_blas()
                self._limits.restore_original_limits()
                _let_any_thread_limit_blas()


def _let_any_thread_limit_blas() -> None:
    """Undo that threadpoolctl 3.8 ignores, without a word, limits from all threads but the first to set one."""
    from threadpoolctl import OpenBLASController

    if hasattr(OpenBLASController, "clear_controlling_thread"):
        OpenBLASController.clear_controlling_thread(force=True)


# Around or inside of what sums by BLAS: each number of threads rounds differently.
one_blas_thread = _OneBlasThread()


@contextmanager
def workers() -> Iterator[ThreadPoolExecutor]:
    """Give a pool with a thread for each usable processor, in which no library starts threads of its own.

    Outside the pool, too, each library has one thread until the pool ends.
    """
    import lightgbm  # noqa: F401  only libraries that are loaded can be limited
    from threadpoolctl import threadpool_limits

    count = usable_processors()
    # The limit of OpenMP is one of each thread, so that those of the pool set it for themselves.
    with (
        one_blas_thread,
        threadpool_limits(1, user_api="openmp"),
        ThreadPoolExecutor(count, initializer=threadpool_limits, initargs=(1, "openmp")) as pool,
    ):
        try:
            yield pool
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
