"""The processors of this process come in; a pool of threads goes out, as many as it may keep busy.

Libraries start as many threads as the machine has processors. Where others use those too, or a container may use a part
of them only, threads that wait for each other take several times as long as one. So each piece of work has one thread,
and several pieces run at once: this also gives the same sums to the last digit, however many there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


def usable_processors() -> int:
    """Return how many threads this process may keep busy.

    That is the least of the processors it is bound to, what its container may use of them, and the threads that the
    user allows (a setting of the command, ``OMP_NUM_THREADS`` or a limit of threadpoolctl).
    """
    from joblib import cpu_count
    from threadpoolctl import threadpool_info

    limits = [library["num_threads"] for library in threadpool_info() if library["user_api"] == "openmp"]
    return max(1, min([int(cpu_count()), *map(int, limits)]))


@contextmanager
def workers() -> Iterator[ThreadPoolExecutor]:
    """Give a pool with a thread for each usable processor, in which no library starts threads of its own.

    Outside the pool, too, each library has one thread until the pool ends.
    """
    from threadpoolctl import threadpool_limits

    count = usable_processors()
    # The limit of OpenMP is one of each thread, so that those of the pool set it for themselves.
    with (
        threadpool_limits(1),
        ThreadPoolExecutor(count, initializer=threadpool_limits, initargs=(1,)) as pool,
    ):
        try:
            yield pool
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
