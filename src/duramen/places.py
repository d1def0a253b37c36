"""Options come in; where the files of each group of customers go comes out, refused where they cannot go there.

Called by the commands, before any work is done.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from duramen.data.errors import InputError
from duramen.groups import GROUPS, TOGETHER, named

QUARANTINE = "quarantine.csv"


def group_path(path: Path, key: str) -> Path:
    """Return the place of a group's file: ``scores.end.parquet`` beside ``scores.parquet``.

    Examples
    --------
    >>> group_path(Path("scores.parquet"), "end").name, group_path(Path("scores.parquet"), "").name
    ('scores.end.parquet', 'scores.parquet')
    """
    return path.with_name(f"{path.stem}.{key}{path.suffix}") if key else path


def quarantine_path(out: Path) -> Path:
    """Return where the rows that were set aside go, once for all groups."""
    return out.with_name(f"{out.stem}.{QUARANTINE}")


def model_addresses(address: str, kind: str | None) -> dict[str, str]:
    """Return the address of the model of each group by its key, or of the one model by an empty key.

    Raises
    ------
    InputError
        If there is a model of each group and none of the kind that is asked for.
    """
    held = [] if address.startswith(("models:/", "runs:/")) else _groups_in(Path(address))
    if not held:
        return {"": address}
    if kind is None:
        return {name: str(Path(address) / name) for name in held}
    if kind not in held:
        raise InputError(
            f"{address} holds a model of {named(held)} customers, and none of {kind}; name the model, for "
            f"example {address}/{held[0]}, or train one with --kind {kind}."
        )
    return {"": str(Path(address) / kind)}


def refuse_occupied(folder: Path, apart: bool | None = None) -> None:
    """Refuse a folder that training would put something else in the place of than what is there.

    Parameters
    ----------
    folder : Path
    apart : bool, optional
        Whether there is to be a model of each group, where that is known yet.
    """
    from duramen.scoring import artefact

    held = _groups_in(folder)
    if not held or {path.name for path in folder.iterdir()} - {*GROUPS, QUARANTINE}:
        artefact.refuse_occupied(folder)
    if apart is False and held:
        raise InputError(
            f"{folder} holds a model of {named(held)} customers, and one model would replace it; choose another "
            f"folder, or one of them, for example {folder / held[0]}."
        )
    if apart and (folder / artefact.MODEL_FILE).is_file():
        raise InputError(
            f"{folder} holds one model, and models of {named(GROUPS)} customers would replace it; choose another "
            f"folder, or --kind {TOGETHER} for one model again."
        )


class RankingFiles(NamedTuple):
    """Where the files of a group's ranking go."""

    out: Path
    explanations: Path | None
    report: Path | None
    incremental: Path | None


def ranking_files(options: dict[str, Any], key: str) -> RankingFiles:
    """Return where the files go, refused before any work is done where they cannot be written."""
    from duramen.scoring.files import check_explanations_path, check_scores_path, refuse_unwritable
    from duramen.scoring.incremental import read_made_of
    from duramen.scoring.sidecar import refuse_other_json

    out = group_path(scores_path(options), key)
    check_scores_path(out)
    refuse_other_json(out)
    refuse_homeless_report(options, key)
    explanations, report, incremental = (
        group_path(Path(options[name]), key) if name in options else None
        for name in ("explanations", "report", "incremental")
    )
    if explanations is not None:
        check_explanations_path(explanations)
    if incremental is not None:
        refuse_unwritable(incremental, "--incremental")
        if incremental.exists():
            read_made_of(incremental)
    return RankingFiles(out, explanations, report, incremental)


def scores_path(options: dict[str, Any]) -> Path:
    """Return where the scores go, or those of each group beside."""
    return Path(options.get("out", "scores.parquet"))


def refuse_homeless_report(options: dict[str, Any], key: str = "") -> None:
    """Refuse a report that cannot be written, before any work is done."""
    from duramen.scoring.files import refuse_unwritable

    if "report" in options:
        refuse_unwritable(group_path(Path(options["report"]), key), "--report")


def refuse_shared_places(options: dict[str, Any], files: Mapping[str, RankingFiles]) -> None:
    """Refuse to write two files to one place, or over a file that is read."""
    from duramen.scoring.sidecar import sidecar_path

    taken = {
        Path(str(options[name])).resolve(): told
        for name, told in (
            ("orders", "the orders"),
            ("customers", "--customers"),
            ("cost_to_serve", "--cost-to-serve"),
        )
        if name in options
    }
    written = [("--out's quarantine", quarantine_path(scores_path(options)))]
    for key, places in files.items():
        of_whom = f" of {key} customers" if key else ""
        written += [(f"--{name}{of_whom}", path) for name, path in places._asdict().items() if path]
        written.append((f"--out's sidecar{of_whom}", sidecar_path(places.out)))
    for told, path in written:
        if (other := taken.setdefault(path.resolve(), told)) != told:
            raise InputError(f"{told} and {other} are both {path}; give each a place of its own.")


def _groups_in(folder: Path) -> list[str]:
    """Return the groups of which there is a model in a folder that is no model itself."""
    from duramen.scoring.artefact import MODEL_FILE

    if (folder / MODEL_FILE).is_file():
        return []
    return [name for name in GROUPS if (folder / name / MODEL_FILE).is_file()]
