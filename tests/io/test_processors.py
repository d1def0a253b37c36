"""How many threads may work: as many as the process has processors, its container allows and the user wants."""

import json
import os
import subprocess
import sys
import threading
import time

import lightgbm  # noqa: F401  a library that is loaded later has other limits
import numpy as np
import pytest
import sklearn.cluster  # noqa: F401
from threadpoolctl import threadpool_info, threadpool_limits

from duramen.data.workspace import open_workspace
from duramen.io.processors import container_processors, one_blas_thread, usable_processors, workers


def in_a_process(code, **environment):
    """Return what a new process prints on a machine of eight processors, so far as it can see."""
    machine = "import os; bound = getattr(os, 'sched_getaffinity', None); os.sched_getaffinity = lambda _: range(8)\n"
    known = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", machine + code],
        env=known | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


COUNT = "from duramen.io.processors import usable_processors; print(usable_processors())"


def threads_of(user_api):
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == user_api}


@pytest.mark.parametrize(("variable", "count"), [("3", 3), ("3,2", 3), ("", 8), ("many", 8)])
def test_the_variable_of_openmp_counts_before_openmp_is_loaded(variable, count):
    assert in_a_process(COUNT, OMP_NUM_THREADS=variable) == min(count, *container_processors(), 8)


@pytest.mark.slow
def test_a_limit_of_threadpoolctl_counts_more_than_the_variable():
    limited = "import sklearn.cluster, threadpoolctl; threadpoolctl.threadpool_limits(2)\n"
    assert in_a_process(limited + COUNT, OMP_NUM_THREADS="1") == min(2, *container_processors(), 8)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="a process is not bound to processors here")
def test_a_process_bound_to_one_processor_has_one_thread_for_duckdb_too():
    code = (
        "os.sched_getaffinity = bound; os.sched_setaffinity(0, {min(bound(0))})\n"
        "from duramen.data.workspace import open_workspace\n"
        "print(open_workspace().con.execute(\"SELECT current_setting('threads')\").fetchone()[0])"
    )
    assert in_a_process(code) == 1


@pytest.mark.slow
def test_threads_that_the_user_gives_are_those_of_duckdb():
    setting = "SELECT current_setting('threads')"
    assert open_workspace(threads=3).con.execute(setting).fetchone() == (3,)
    assert open_workspace().con.execute(setting).fetchone() == (usable_processors(),)


@pytest.mark.slow
def test_threads_of_a_command_are_those_of_the_trees_too():
    code = (
        "from duramen.cli.command import _limited_threads\n"
        "from duramen.cli.config.check import CheckConfig\n"
        "with _limited_threads(CheckConfig(orders='orders.csv', threads=1)):\n"
        "    import lightgbm, threadpoolctl\n"
        "    print([library['num_threads'] for library in threadpoolctl.threadpool_info()])"
    )
    assert set(in_a_process(code, OMP_NUM_THREADS="2")) == {1}


@pytest.mark.parametrize(
    ("files", "count"),
    [
        ({"cpu.max": "max 100000\n"}, []),
        ({"cpu.max": "150000 100000\n"}, [2]),
        ({"cpu.max": "20000 100000\n"}, [1]),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, []),
        ({"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"}, [3]),
        ({}, []),
    ],
)
def test_a_part_of_a_processor_that_a_container_may_use_counts_as_one(tmp_path, files, count):
    (tmp_path / "cpu").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert container_processors(tmp_path) == count


def test_no_library_starts_threads_in_a_pool_and_limits_are_back_after_it():
    with threadpool_limits({"blas": 3, "openmp": 2}):
        with workers() as pool:
            assert threads_of("blas") == threads_of("openmp") == {1}
            assert pool.submit(threads_of, "openmp").result() == {1}
            assert pool.submit(usable_processors).result() == 1
        assert threads_of("blas") == {3}
        assert threads_of("openmp") == {2}


def test_the_last_to_leave_gives_blas_its_threads_back():
    inside, leave = threading.Event(), threading.Event()

    def work():
        with one_blas_thread:
            inside.set()
            leave.wait(10)

    with threadpool_limits(3, user_api="blas"):
        other = threading.Thread(target=work)
        with one_blas_thread:
            other.start()
            inside.wait(10)
        assert threads_of("blas") == {1}
        leave.set()
        other.join()
        assert threads_of("blas") == {3}


def test_an_error_does_not_wait_for_queued_tasks():
    done = []

    def task(number):
        time.sleep(0.05)
        done.append(number)

    def fail():
        with workers() as pool:
            for number in range(200):
                pool.submit(task, number)
            raise ValueError("no orders")

    with threadpool_limits(1, user_api="openmp"), pytest.raises(ValueError, match="no orders"):
        fail()
    assert len(done) < 10


def test_results_of_tasks_do_not_depend_on_the_number_of_workers():
    random = np.random.default_rng(1)
    left, right = random.random((2, 200_000))
    sums = set()
    for threads in (1, 2, 4):
        with threadpool_limits(threads), workers() as pool:
            sums |= {pool.submit(np.dot, left, right).result(), left @ right}
    assert len(sums) == 1
