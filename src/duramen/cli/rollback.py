"""The name of a registered model comes in; its champion before the present one goes out as champion."""

from __future__ import annotations

from duramen.cli.config.promotion import RollbackConfig
from duramen.cli.groups import TOGETHER
from duramen.cli.next_commands import command_line
from duramen.cli.progress import step
from duramen.cli.terminal import show_bold, show_next
from duramen.language import say


def rollback(config: RollbackConfig) -> None:
    """Make the previous champion the champion again."""
    from duramen.tracking.promotion import default_name, roll_back

    kind = config.kind or TOGETHER
    name = config.name or default_name("" if kind == TOGETHER else kind)
    with step(say("Looking up the previous champion")):
        left, back = roll_back(name)
    show_bold(
        say(
            "Version {version} of {name} is the champion again; version {other} is kept.",
            version=back.version,
            name=name,
            other=left.version,
        )
    )
    show_next([command_line("duramen", "score", "ORDERS", "--model", f"models:/{name}@champion")])
