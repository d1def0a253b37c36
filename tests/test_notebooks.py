"""The notebooks run from top to bottom."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.parametrize("notebook", sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb")))
def test_notebook_runs_from_top_to_bottom(notebook, tmp_path):
    cells = nbformat.read(ROOT / "notebooks" / notebook, as_version=4)

    NotebookClient(
        cells, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute()

    assert all(cell.get("execution_count") for cell in cells.cells if cell.cell_type == "code")
