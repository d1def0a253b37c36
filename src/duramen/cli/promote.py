"""A challenger and later orders come in; the registry's champion goes out, or the one before it."""

from __future__ import annotations

from typing import Any

from duramen.cli.groups import TOGETHER, groups_to_score
from duramen.cli.inputs import given_orders, load_model
from duramen.cli.output_paths import model_addresses
from duramen.cli.terminal import console, show_decision, show_duel, step
from duramen.errors import InputError


def promote(options: dict[str, Any]) -> None:
    """Register a model as challenger, and make it the champion where it beats the one there is on later purchases."""
    from duramen.evaluation.champion_challenger import Rule, challenge, first_duel, later_fold
    from duramen.tracking.promotion import (
        decide,
        default_name,
        find_champion,
        find_origin,
        refuse_other_kind,
        tell_kind,
    )

    rule, seed = Rule.from_dict(options["promotion"]), options.get("seed", 0)
    address = _one_model(str(options.get("model", "model")), options.get("kind"))
    challenger = load_model(address)
    origin = tell_kind(find_origin(challenger, address), options.get("kind"), address)
    name = str(options.get("name", default_name(origin.kind)))
    if not name or set(name) & set("/:"):
        raise InputError(
            f"{name!r} is no name of a registered model: it is empty or holds / or :; change --name."
        )
    champion = find_champion(name)
    if champion:
        refuse_other_kind(origin, champion)
    if champion and champion.model_version == challenger.model_version_:
        console.print(
            f"This model is version {champion.version} of {name}, the champion already; nothing was changed.",
            soft_wrap=True,
        )
        return
    tx = None
    if champion or "orders" in options:
        everybody = given_orders(options)
        (group,) = groups_to_score(everybody, origin.kind or options.get("kind"), address, [""])
        tx = group.tx
    if champion and tx:
        in_use = load_model(champion.uri)
        window = later_fold(tx, [challenger, in_use], options.get("cutoff"))
        with step("Setting challenger and champion beside what came"):
            duel = challenge(challenger, in_use, tx, window, rule, seed=seed)
    else:
        with step("Setting the challenger beside plain orders"):
            duel = first_duel(challenger, rule, seed=seed)
    with step("Registering and recording the decision in MLflow"):
        experiment = options.get("experiment", "duramen")
        decision = decide(challenger, origin, champion, duel, tx, name=name, experiment=experiment)
    show_duel(duel)
    show_decision(decision, duel.sentence, champion.version if champion else "")


def _one_model(address: str, kind: str | None) -> str:
    """Return the address of the one model that is meant."""
    addresses = model_addresses(address, kind)
    if len(addresses) > 1:
        raise InputError(
            f"{address} holds a model of {' and '.join(addresses)} customers, who have champions of their own; promote "
            f"one after the other, for example with --kind {next(iter(addresses))}."
        )
    return addresses[""]


def rollback(options: dict[str, Any]) -> None:
    """Make the champion before the champion again."""
    from duramen.tracking.promotion import default_name, roll_back

    kind = options.get("kind", "")
    name = str(options.get("name", default_name("" if kind == TOGETHER else kind)))
    with step("Looking up the champion before"):
        left, back = roll_back(name)
    console.print(
        f"Version {back.version} of {name} is the champion again; version {left.version} is kept.",
        highlight=False,
        soft_wrap=True,
    )
    console.print(
        f"Score with it: duramen score ORDERS --model models:/{name}@champion", style="dim", soft_wrap=True
    )
