"""The bar of a run on a terminal, and the parts of a fit that it counts."""

import logging
import os
import pty
import re
import subprocess
import sys

import pytest

from duramen.cli.progress import LEAST_LEFT, TimeLeft, step, whole_run
from duramen.data.windows import Window
from duramen.io.progress import FIT_WORK, finished
from duramen.scoring.model import CoreCustomerModel

PROGRAM = """
import time
from duramen.cli.progress import step, whole_run
from duramen.io.progress import PARTS, finished
with whole_run() as run:
    run.plan(["fit", "record"], [1000])
    with step("Fitting the models", "fit", 1000):
        time.sleep(0.6)
        finished("earlier segments")
        time.sleep(0.6)
    with step("Recording in MLflow", "record"):
        time.sleep(0.6)
"""


def on_a_terminal(program):
    """Run a program on a pseudo-terminal; return what it wrote there, without colours."""
    own, its = pty.openpty()
    done = subprocess.Popen([sys.executable, "-c", program], stdout=its, stderr=its, close_fds=True,
                            env=os.environ | {"TERM": "xterm", "COLUMNS": "80"})  # fmt: skip
    os.close(its)
    written = b""
    while True:
        try:
            part = os.read(own, 4096)
        except OSError:  # Linux ends a terminal so
            break
        if not part:
            break
        written += part
    os.close(own)
    assert done.wait() == 0
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written.decode())


def test_a_terminal_shows_the_step_the_bar_and_the_time_that_is_left():
    shown = on_a_terminal(PROGRAM)
    assert re.search(r"Fitting the models +\S+ +0:00:0\d 0:00:\d\d left", shown)
    assert re.search(r"Recording in MLflow +\S+ +0:00:0\d 0:00:\d\d left", shown)
    assert re.search(r"done Fitting the models \d+\.\d s", shown)


def test_a_pipe_shows_one_line_for_each_step():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert [re.sub(r" \d+\.\d s", "", line) for line in lines] == [
        "done Fitting the models",
        "done Recording in MLflow",
    ]
    assert done.stderr == ""


def test_time_left_follows_the_pace_and_never_reaches_nothing_before_the_end():
    left = TimeLeft(work=60, now=0)
    left.finish(25, now=55)  # half as fast as measured
    assert left.seconds(55) == pytest.approx(70)
    assert left.seconds(1000) == pytest.approx(LEAST_LEFT * 70)
    left.finish(35, now=1000)
    assert left.seconds(1000) == 0


def test_a_step_counts_its_whole_work_whatever_its_parts_report():
    with whole_run() as run:
        run.plan(["fit", "rank"], [1000])
        with step("Fitting", "fit", 1000):
            for _ in range(50):
                finished("activity and value")
        fitted = run._left.done
        with step("Ranking", "rank", 1000):
            pass
        assert (fitted, run._left.done) == pytest.approx((4.85, run._left.work))


def test_a_root_logger_that_prints_does_not_repeat_the_parts_of_a_step(caplog):
    log = logging.getLogger("duramen.scoring")
    with step("fitting models"):
        log.info("fitting forest")
    assert not caplog.messages

    log.warning("outside a step")
    assert caplog.messages == ["outside a step"]


@pytest.mark.parametrize("growth_weight", [None, 0.5], ids=["learned", "given"])
def test_the_parts_of_a_fit_add_up_to_its_work(growth_weight, shop, caplog):
    caplog.set_level(logging.INFO, "duramen")
    tx = shop.tx.of_customers(shop.customers["customer_id"].iloc[::8])
    CoreCustomerModel(growth_weight=growth_weight).fit(tx, Window("1998-04-01", 91))
    work = [record.work for record in caplog.records if hasattr(record, "work")]
    assert sum(work) == pytest.approx(FIT_WORK)
    assert len(work) > 10
