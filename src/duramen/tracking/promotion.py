"""A model and its comparison with the champion come in; the registry's champion, with the evidence, goes out.

The registry knows the model in use by the alias ``champion`` and the latest that was
compared with it by ``challenger``. All tags of a promotion are written before the one step that moves ``champion``: a
fault in between leaves the old one in place.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from duramen.errors import InputError
from duramen.evaluation.champion_challenger import CHALLENGER, CHAMPION
from duramen.io.credentials import mask_credentials
from duramen.tracking.store import (
    how_to_open,
    import_mlflow,
    open_experiment,
    open_store,
    refuse_without_store,
    store_errors,
)

if TYPE_CHECKING:
    from duramen.data.transactions import Transactions
    from duramen.evaluation.champion_challenger import Challenge
    from duramen.scoring.model import CoreCustomerModel

MODEL_VERSION, KIND = "duramen.model_version", "duramen.kind"
# On the registered model: the versions that were champion, the latest last, so that each can come back.
CHAMPIONS = "duramen.champions"
PROMOTED, FIRST, KEPT_OUT, ROLLED_BACK = "promoted", "first champion", "not promoted", "rolled back"


class Registered(NamedTuple):
    """A version in the registry."""

    name: str
    version: str
    kind: str
    model_version: str

    @property
    def uri(self) -> str:
        """Where its model is."""
        return f"models:/{self.name}/{self.version}"


class Origin(NamedTuple):
    """Where a model was recorded, empty where it was not, and of what kind of customers it is."""

    uri: str
    kind: str


@dataclass(frozen=True)
class Decision:
    """The result for a challenger: its version, whether it is the champion now, and the run with the evidence."""

    name: str
    version: str
    promoted: bool
    run_id: str
    experiment: str
    how_to_open: str


def default_name(kind: str) -> str:
    """Return the name under which models of a kind of customers are registered: each kind has its own champion.

    Examples
    --------
    >>> default_name(""), default_name("channel")
    ('duramen', 'duramen-channel')
    """
    return f"duramen-{kind}" if kind else "duramen"


def find_champion(name: str) -> Registered | None:
    """Return the version of a registered model that is in use, if there is any.

    Raises
    ------
    InputError
        If the registry does not answer.
    """
    mlflow = _opened()
    with _answering(mlflow, f"the champion of {name} is not known"):
        return _aliased(mlflow, name, CHAMPION)


def find_origin(model: CoreCustomerModel, address: str) -> Origin:
    """Return where a model was recorded; that of a folder is found by the fingerprint of what was learned.

    Raises
    ------
    InputError
        If the store does not answer, or the run that is named did not finish.
    """
    mlflow = _opened()
    client = mlflow.MlflowClient()
    with _answering(mlflow, f"where {address} was recorded is not known"):
        if address.startswith("runs:/"):
            return _origin_of_run(client, address.removeprefix("runs:/").split("/")[0], address)
        if address.startswith("models:/"):
            run_id = mlflow.models.get_model_info(address).run_id
            return _origin_of_run(client, run_id, address) if run_id else Origin(address, "")
        experiments = [found.experiment_id for found in client.search_experiments()]
        recorded = f"tags.`{MODEL_VERSION}` = '{model.model_version_}' and attributes.status = 'FINISHED'"
        for run in client.search_runs(experiments, recorded, order_by=["attributes.start_time DESC"]):
            if (uri := _model_of(run)) is not None:
                return Origin(uri, run.data.tags.get(KIND, ""))
    return Origin("", "")


def _model_of(run: Any) -> str | None:
    """Return the address of the model that was logged with a run: MLflow 2 keeps it as a tag."""
    outputs = getattr(run, "outputs", None)
    if outputs and outputs.model_outputs:
        return f"models:/{outputs.model_outputs[0].model_id}"
    return f"runs:/{run.info.run_id}/model" if "mlflow.log-model.history" in run.data.tags else None


def _origin_of_run(client: Any, run_id: str, address: str) -> Origin:
    run = client.get_run(run_id)
    if run.info.status != "FINISHED":
        raise InputError(
            f"the run of {address} did not finish ({run.info.status}), so its record is not complete; train again, or "
            "name the folder of the model."
        )
    return Origin(address, run.data.tags.get(KIND, ""))


def with_kind(origin: Origin, kind: str | None, address: str) -> Origin:
    """Return the origin with the kind that the user gives, where the record has none.

    Raises
    ------
    InputError
        If the record has another.
    """
    given = "" if kind in (None, "together") else str(kind)
    if kind is not None and origin.uri and given != origin.kind:
        raise InputError(
            f"{address} was trained on {_of_whom(origin.kind)}, not on {_of_whom(given)}; leave `kind` out, or name "
            "another model."
        )
    return origin._replace(kind=origin.kind or given)


def refuse_other_kind(origin: Origin, champion: Registered) -> None:
    """Refuse to compare models of different customers: there are no customers to compare both on."""
    if origin.kind != champion.kind:
        raise InputError(
            f"the challenger is of {_of_whom(origin.kind)}, and the champion, version {champion.version} of "
            f"{champion.name}, of {_of_whom(champion.kind)}; each has a champion of its own, for example `name` "
            f"{default_name(origin.kind)}."
        )


def _of_whom(kind: str) -> str:
    return f"{kind} customers" if kind else "all customers together"


def decide(
    model: CoreCustomerModel,
    origin: Origin,
    champion: Registered | None,
    challenge: Challenge,
    tx: Transactions | None,
    *,
    name: str,
    experiment: str = "duramen",
) -> Decision:
    """Register a challenger, keep the comparison, and make it the champion where it won.

    Parameters
    ----------
    model : CoreCustomerModel
        The challenger.
    origin : Origin
        Where it was recorded, and its kind.
    champion : Registered, optional
        What it was compared with.
    challenge : Challenge
    tx : Transactions, optional
        What they were compared on; where there was no champion, none is needed.
    name : str
        Of the registered model.
    experiment : str
        Of the run that keeps the evidence.

    Returns
    -------
    Decision

    Raises
    ------
    InputError
        If the registry does not answer, another model was promoted meanwhile, or a model that was never recorded comes
        without the transactions that its record needs.
    """
    mlflow = _opened()
    client, now = mlflow.MlflowClient(), _now()
    with _answering(mlflow, "nothing was promoted"):
        evidence = _evidence(challenge, champion, tx)
        source, run_id = _record(mlflow, model, origin, challenge, evidence, tx, name, experiment)
        version = _register(mlflow, name, source, model, origin.kind)
        client.set_registered_model_alias(name, CHALLENGER, version)
        _tag(client, name, version, evidence | {"duramen.decided_at": now, "duramen.decision_run": run_id})
        client.update_model_version(name, version, challenge.sentence)
        if not challenge.won:
            _tag(client, name, version, {"duramen.decision": KEPT_OUT})
        else:
            _refuse_changed(_aliased(mlflow, name, CHAMPION), champion, name)
            past = _past_champions(mlflow, name, champion)
            client.set_registered_model_tag(name, CHAMPIONS, " ".join([*past, version]))
    if challenge.won:
        _hand_over(mlflow, name, version)
        with _answering(mlflow, f"version {version} is the champion, and only its notes are incomplete"):
            _tag(client, name, version, {"duramen.decision": PROMOTED if champion else FIRST})
            if champion:
                _tag_replaced(client, name, champion.version, version, now)
            still = _aliased(mlflow, name, CHALLENGER)
            if still and still.version == version:
                client.delete_registered_model_alias(name, CHALLENGER)
    return Decision(name, version, challenge.won, run_id, experiment, how_to_open(mlflow))


def roll_back(name: str) -> tuple[Registered, Registered]:
    """Make the champion before the champion again; return the version that was in use, and the one that is now.

    It can be repeated, back to the first.

    Raises
    ------
    InputError
        If there is no champion, there was none before it, or the registry does not answer.
    """
    refuse_without_store(f"{name} has no champion", registry=True)
    mlflow = _opened()
    client = mlflow.MlflowClient()
    with _answering(mlflow, "nothing was rolled back"):
        champion = _aliased(mlflow, name, CHAMPION)
        if champion is None:
            raise InputError(
                f"{name} has no champion in the store {mask_credentials(mlflow.get_tracking_uri())}; promote a model, "
                "or give `name`."
            )
        past = _past_champions(mlflow, name, champion)[:-1]
        if not past:
            raise InputError(
                f"version {champion.version} of {name} is its first champion, or none before it is left; there is "
                "nothing to go back to."
            )
        before = _described(mlflow, client.get_model_version(name, past[-1]))
    _hand_over(mlflow, name, before.version)
    with _answering(mlflow, f"version {before.version} is the champion, and only its notes are incomplete"):
        now = _now()
        client.set_registered_model_tag(name, CHAMPIONS, " ".join(past))
        _tag(client, name, champion.version, {"duramen.decision": ROLLED_BACK})
        _tag(client, name, before.version, {"duramen.restored_at": now})
        _tag_replaced(client, name, champion.version, before.version, now)
    return champion, before


@contextlib.contextmanager
def _answering(mlflow: Any, state: str) -> Iterator[None]:
    """Say in one sentence that the registry did not answer, or refused, and what is done so far."""
    try:
        yield
    except store_errors(mlflow) as error:
        reason = str(error).strip().split("\n")[0].rstrip(".")
        sentence = f"the MLflow registry {mlflow.get_registry_uri()} failed ({reason}); {state}."
        raise InputError(mask_credentials(sentence)) from error


def _opened() -> Any:
    """Return MLflow pointed at the store, which may be locked or gone."""
    mlflow = import_mlflow()
    with _answering(mlflow, "nothing was changed"):
        return open_store()


def _tag(client: Any, name: str, version: str, tags: dict[str, str]) -> None:
    for tag, value in tags.items():
        client.set_model_version_tag(name, version, tag, value)


def _tag_replaced(client: Any, name: str, old: str, new: str, when: str) -> None:
    """Tag the champion before with the version that replaced it; a version in use again is replaced by none."""
    replaced = {"duramen.replaced_by": new, "duramen.replaced_at": when}
    _tag(client, name, old, replaced)
    for tag in replaced.keys() & client.get_model_version(name, new).tags.keys():
        client.delete_model_version_tag(name, new, tag)


def _hand_over(mlflow: Any, name: str, version: str) -> None:
    """Move the alias: the one step in which another model comes into use."""
    with _answering(
        mlflow, f"whether version {version} became the champion of {name} must be looked up there"
    ):
        mlflow.MlflowClient().set_registered_model_alias(name, CHAMPION, version)


def _aliased(mlflow: Any, name: str, alias: str) -> Registered | None:
    try:
        found = mlflow.MlflowClient().get_model_version_by_alias(name, alias)
    except mlflow.exceptions.MlflowException as error:
        # No such model, or none by this alias: both are none; anything else is a registry that failed.
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise
    return _described(mlflow, found)


def _described(mlflow: Any, found: Any) -> Registered:
    """Return a version with its kind; one that was registered by hand has the tags of its run alone."""
    tags = dict(found.tags)
    if MODEL_VERSION not in tags and found.run_id:
        tags = mlflow.MlflowClient().get_run(found.run_id).data.tags | tags
    return Registered(found.name, str(found.version), tags.get(KIND, ""), tags.get(MODEL_VERSION, ""))


def _past_champions(mlflow: Any, name: str, champion: Registered | None) -> list[str]:
    """Return the versions that were champion up to the one in use, the latest last.

    Those behind it were written by a promotion that did not finish.
    """
    if champion is None:
        return []
    client = mlflow.MlflowClient()
    there = {str(found.version) for found in client.search_model_versions(f"name = '{name}'")}
    listed = client.get_registered_model(name).tags.get(CHAMPIONS, "").split()
    while listed and listed[-1] != champion.version and champion.version in listed:
        listed.pop()
    # A champion that was set by hand stands in no list.
    known = listed if champion.version in listed else [*listed, champion.version]
    return [version for version in known if version in there]


def _refuse_changed(now: Registered | None, compared: Registered | None, name: str) -> None:
    if (now and now.version) != (compared and compared.version):
        raise InputError(
            f"{name} got another champion meanwhile: {_called(now)} is in use, and the challenger was compared "
            f"with {_called(compared)}; nothing was promoted, run the command again."
        )


def _called(version: Registered | None) -> str:
    return f"version {version.version}" if version else "none"


def _record(
    mlflow: Any,
    model: CoreCustomerModel,
    origin: Origin,
    challenge: Challenge,
    evidence: dict[str, str],
    tx: Transactions | None,
    name: str,
    experiment: str,
) -> tuple[str, str]:
    """Keep the evidence as a run; return where the model is, and the run."""
    from duramen.data.customers import customer_table
    from duramen.tracking.record import EXAMPLE_CUSTOMERS, log_model

    if tx is None and not origin.uri:
        raise InputError(
            "this model was not recorded in this store, and recording it takes orders as an example; name them after "
            "the model."
        )
    experiment_id = open_experiment(mlflow, experiment)
    with mlflow.start_run(experiment_id=experiment_id, run_name=f"promotion of {name}") as run:
        mlflow.set_tags({"duramen.promotion": name} | _identity(model, origin.kind))
        mlflow.log_params({key.removeprefix("duramen."): value for key, value in evidence.items()})
        row = challenge.decisive
        mlflow.log_metrics(
            {key: float(row[key]) for key in (CHALLENGER, "rival", "difference", "low", "high")}
        )
        mlflow.log_text(challenge.table.to_csv(index=False), "promotion.csv")
        result = {"won": challenge.won, "sentence": challenge.sentence, "model_version": model.model_version_}
        mlflow.log_text(json.dumps(result | evidence, indent=2) + "\n", "promotion.json")
        source = origin.uri
        if tx is not None and not source:
            example = customer_table(tx, model.window_.cutoff).head(EXAMPLE_CUSTOMERS)
            client = mlflow.MlflowClient()
            source = str(log_model(mlflow, client, run.info.run_id, model, example).model_uri)
    return source, run.info.run_id


def _evidence(challenge: Challenge, champion: Registered | None, tx: Transactions | None) -> dict[str, str]:
    """Return the evidence for the decision, as tags of the version."""
    row, rule = challenge.decisive, challenge.rule
    evidence = {
        "duramen.decided_on": str(challenge.window),
        "duramen.holdout_customers": str(challenge.customers),
        "duramen.metric": rule.deciding_metric.name,
        "duramen.margin": f"{rule.margin:g}",
        "duramen.confidence": f"{rule.confidence:g}",
        "duramen.against": f"version {champion.version}" if champion else f"no champion; {row['baseline']}",
        "duramen.figure": f"{row[CHALLENGER]:.6g}",
        "duramen.figure_against": f"{row['rival']:.6g}",
        "duramen.difference": f"{row['difference']:.6g}",
        "duramen.interval": f"{row['low']:.6g} to {row['high']:.6g}",
    }
    if champion and tx is not None:
        evidence |= {"duramen.data_digest": tx.digest(challenge.window.end), "duramen.data_source": tx.source}
    return {name: mask_credentials(value) for name, value in evidence.items()}


def _register(mlflow: Any, name: str, source: str, model: CoreCustomerModel, kind: str) -> str:
    """Return the version of a model, registered where it is not yet: a second attempt makes no second version."""
    client = mlflow.MlflowClient()
    for found in client.search_model_versions(f"name = '{name}'"):
        if _described(mlflow, found)[2:] == (kind, model.model_version_):
            return str(found.version)
    # MLflow writes on stderr that it registered; the sentence of the command says so too.
    with contextlib.redirect_stderr(io.StringIO()):
        return str(mlflow.register_model(source, name, tags=_identity(model, kind)).version)


def _identity(model: CoreCustomerModel, kind: str) -> dict[str, str]:
    """Return the tags by which a model is known again."""
    return {MODEL_VERSION: model.model_version_} | ({KIND: kind} if kind else {})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
