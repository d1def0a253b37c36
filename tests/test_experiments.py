import subprocess
import sys
from pathlib import Path

import pytest

from duramen.scoring.model import CoreCustomerModel

EXPERIMENTS = Path(__file__).parents[1] / "experiments"


@pytest.mark.parametrize("experiment", sorted(path.stem for path in EXPERIMENTS.glob("*.toml")))
def test_experiment_trains_judges_and_reports(experiment, tmp_path):
    command = [sys.executable, "-c", "from duramen.cli import main; main()", "train"]

    done = subprocess.run(
        [*command, "--config", str(EXPERIMENTS / f"{experiment}.toml")],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "on purchases that the models had not seen" in done.stdout
    assert CoreCustomerModel.load(tmp_path / "models" / experiment).importance_ is not None
    assert (tmp_path / f"{experiment}.html").stat().st_size > 50_000
    assert (tmp_path / "mlruns" / "mlflow.db").is_file()
