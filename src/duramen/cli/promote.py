"""A challenger and later orders come in; the registry's champion goes out."""

from __future__ import annotations

from duramen.cli.config.commands import PromoteConfig
from duramen.cli.inputs import load_model, one_model, orders_of_model, refuse_other_units
from duramen.cli.terminal import console, show_challenge, show_decision, step
from duramen.errors import InputError


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
        console.print(
            f"This model is version {champion.version} of {name}, the champion already; nothing was changed.",
            soft_wrap=True,
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
        with step("Comparing challenger and champion with the outcomes"):
            compared = challenge(challenger, in_use, tx, window, rule, seed=config.seed)
    else:
        with step("Comparing the challenger with simple orders"):
            compared = challenge_simple_orders(challenger, rule, seed=config.seed)
    with step("Registering and recording the decision in MLflow"):
        decision = decide(challenger, origin, champion, compared, tx, name=name, experiment=config.experiment)
    show_challenge(compared)
    show_decision(decision, compared.sentence, champion.version if champion else "")
