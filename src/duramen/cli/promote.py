"""A challenger and later orders come in; the registry's champion goes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from duramen.cli.config.commands import PromoteConfig
from duramen.cli.groups import groups_to_score
from duramen.cli.inputs import load_model, read_customers, read_features, read_orders, refuse_other_units
from duramen.cli.output_paths import model_addresses
from duramen.cli.terminal import console, show_challenge, show_decision, step
from duramen.errors import InputError

if TYPE_CHECKING:
    from duramen.data.transactions import Transactions


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
    address = _one_model(config.model, config.kind)
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
        tx = _orders_of_model(config, origin.kind or config.kind, address)
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


def _orders_of_model(config: PromoteConfig, kind: str | None, address: str) -> Transactions:
    """Return the orders of the customers whom the model is for."""
    tx = read_orders(str(config.orders), config, read_customers(config), read_features(config))
    (group,) = groups_to_score(tx, kind, address, [""])
    return group.tx


def _one_model(address: str, kind: str | None) -> str:
    """Return the address of the one model that is meant."""
    addresses = model_addresses(address, kind)
    if len(addresses) > 1:
        raise InputError(
            f"{address} has a model of {' and '.join(addresses)} customers, who have champions of their own; promote "
            f"one after the other, for example with --kind {next(iter(addresses))}."
        )
    return addresses[""]
