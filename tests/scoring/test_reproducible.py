"""A training and its scores are the same to the byte with one thread, with two and with four."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from duramen.data.customers import customer_table
from duramen.data.datasets import cdnow
from duramen.data.reading import read_transactions
from duramen.data.windows import Window
from duramen.forecast.btyd_value import BTYDValueModel
from duramen.io.processors import container_processors, usable_processors
from duramen.scoring.model import CoreCustomerModel


def train(orders: Path, threads: int) -> None:
    """Train on some customers and score them all, in this folder; write the threads that there were to stdout."""
    # The machine of the test may have fewer processors. BLAS asks it, whatever its variable says.
    os.sched_getaffinity = lambda _: set(range(threads))
    threadpool_limits(threads, user_api="blas")
    window = Window("1998-04-01", 91)
    model = CoreCustomerModel().fit(read_transactions(orders, currency="USD", threads=threads), window)
    # So many histories that BLAS shares their sums among threads.
    every = customer_table(read_transactions(cdnow(), currency="USD", threads=threads), window.cutoff)
    Path("btyd.json").write_text(json.dumps(BTYDValueModel().fit(every).to_dict()))
    model.save("model")
    model.predict(every).to_parquet("scores.parquet")
    libraries = {library["num_threads"] for library in threadpool_info()}
    json.dump([usable_processors(), *libraries, len(model.growth_weight_curve_)], sys.stdout)


@pytest.fixture(scope="module")
def trained_with(shop_orders, tmp_path_factory):
    """Train with 1, 2 and 4 threads, each in a process; return what each wrote, and the folder of each."""
    root = tmp_path_factory.mktemp("reproducible")
    shop_orders.to_parquet(root / "orders.parquet")
    results = {}
    for threads in (1, 2, 4):
        folder = root / str(threads)
        folder.mkdir()
        done = subprocess.run(
            [sys.executable, __file__, root / "orders.parquet", str(threads)],
            env=os.environ | {"OMP_NUM_THREADS": str(threads)},
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        results[threads] = json.loads(done.stdout), folder
    return results


@pytest.mark.slow
def test_each_training_had_its_threads_and_has_them_again(trained_with):
    for threads, (written, _) in trained_with.items():
        usable, *of_libraries, weights = written
        assert usable == min([threads, *container_processors()])
        assert of_libraries == [threads]
        # The weight of growth, which has a forecast of its own, was learned.
        assert weights > 1


@pytest.mark.slow
@pytest.mark.parametrize("threads", [2, 4])
def test_any_number_of_threads_gives_the_same_bytes(trained_with, threads):
    (_, first), (_, second) = trained_with[1], trained_with[threads]
    names = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(second) for path in second.rglob("*") if path.is_file())
    assert {Path("btyd.json"), Path("scores.parquet"), Path("model/model.json")} < set(names)
    differing = [name for name in names if (first / name).read_bytes() != (second / name).read_bytes()]
    assert differing == []


@pytest.mark.slow
def test_scores_have_reasons(trained_with):
    scores = pd.read_parquet(trained_with[4][1] / "scores.parquet")
    assert scores["reason_1"].notna().all()
    assert np.isfinite(scores["score"]).all()


if __name__ == "__main__":
    train(Path(sys.argv[1]), int(sys.argv[2]))
