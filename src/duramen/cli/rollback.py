"""The name of a registered model comes in; its champion before the present one goes out as champion."""

from __future__ import annotations

from duramen.cli.config.commands import RollbackConfig
from duramen.cli.groups import TOGETHER
from duramen.cli.terminal import console, step


def rollback(config: RollbackConfig) -> None:
    """Make the previous champion the champion again."""
    from duramen.tracking.promotion import default_name, roll_back

    kind = config.kind or TOGETHER
    name = config.name or default_name("" if kind == TOGETHER else kind)
    with step("Looking up the previous champion"):
        left, back = roll_back(name)
    console.print(
        f"Version {back.version} of {name} is the champion again; version {left.version} is kept.",
        highlight=False,
        soft_wrap=True,
    )
    console.print(
        f"Score with it: duramen score ORDERS --model models:/{name}@champion", style="dim", soft_wrap=True
    )
