"""A challenger and later orders come in; the registry's champion goes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duramen.cli.challenge_table import show_challenge
from duramen.cli.config.promotion import PromoteConfig
from duramen.cli.inputs import load_model, one_model, orders_of_model, refuse_other_units
from duramen.cli.next_commands import orders_command, store_commands
from duramen.cli.progress import step
from duramen.cli.terminal import show_bold, show_lines, show_next, show_run
from duramen.errors import InputError
from duramen.language import say

if TYPE_CHECKING:
    from duramen.tracking.promotion import Decision


def promote(config: PromoteConfig) -> None:
    """Register a model as challenger, and make it the champion where it beats the present one on later purchases."""
    from duramen.evaluation.champion_challenger import challenge, challenge_simple_orders, unseen_window
    from duramen.tracking.promotion import (
        decide,
        default_name,
        find_champion,
        find_origin,
        refuse_other_kind,
        with_kind,
    )

    rule = config.promotion.rule()
    address = one_model(config.model, config.kind)
    challenger = load_model(address)
    origin = with_kind(find_origin(challenger, address), config.kind, address)
    name = config.name or default_name(origin.kind)
    champion = find_champion(name)
    if champion:
        refuse_other_kind(origin, champion)
    if champion and champion.model_version == challenger.model_version_:
        show_lines(
            say(
                "This model is version {version} of {name}, the champion already; nothing was changed.",
                version=champion.version,
                name=name,
            )
        )
        return
    tx = None
    if champion and not config.orders:
        raise InputError("ORDERS is missing; give orders later than those that both models were trained on.")
    if config.orders:
        tx = orders_of_model(str(config.orders), config, address, origin.kind or config.kind)
    if champion and tx:
        in_use = load_model(champion.uri)
        refuse_other_units([challenger, in_use], tx)
        window = unseen_window(tx, [challenger, in_use], config.cutoff)
        with step(say("Comparing challenger and champion with the outcomes")):
            compared = challenge(challenger, in_use, tx, window, rule, seed=config.seed)
    else:
        with step(say("Comparing the challenger with simple rankings")):
            compared = challenge_simple_orders(challenger, rule, seed=config.seed)
    with step(say("Registering and recording the decision in MLflow")):
        decision = decide(challenger, origin, champion, compared, tx, name=name, experiment=config.experiment)
    show_challenge(compared)
    show_lines(compared.sentence)
    show_bold(_result(decision, champion.version if champion else ""))
    show_run(decision)
    show_next(_next_commands(decision, config))


def _result(decision: Decision, before: str) -> str:
    """Return which version is the champion now; ``before`` is that before it, empty where there was none."""
    values = {"version": decision.version, "name": decision.name}
    if decision.promoted and before:
        return say(
            "Version {version} of {name} is the champion now; version {before} was before (duramen rollback --name "
            "{name}).",
            **values,
            before=before,
        )
    if decision.promoted:
        return say("Version {version} of {name} is the champion now, the first.", **values)
    if before:
        return say(
            "Version {version} of {name} stays challenger; version {before} stays the champion.",
            **values,
            before=before,
        )
    return say("Version {version} of {name} stays challenger; there is still no champion.", **values)


def _next_commands(decision: Decision, config: PromoteConfig) -> list[str]:
    """Return the command that scores with the champion, and that which opens the evidence."""
    address = f"models:/{decision.name}@champion"
    score = [orders_command("score", config.orders or "ORDERS", config, "--model", address)]
    return [*(score if decision.promoted else []), *store_commands(decision)]
