"""The configuration of ``duramen demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from duramen.cli.config.options import File, folder
from duramen.cli.config.reading import ShownConfig


class DemoConfig(ShownConfig):
    """Settings of ``duramen demo``."""

    out: Annotated[File, folder("Folder for the ranking, the report and the model.", "duramen-demo")] = Path(
        "duramen-demo"
    )
