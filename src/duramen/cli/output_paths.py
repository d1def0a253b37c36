"""Settings come in; where the files of each group of customers go comes out, refused where they cannot go there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from duramen.cli.groups import GROUPS, TOGETHER, named
from duramen.errors import InputError

if TYPE_CHECKING:
    from duramen.cli.config.ranking import RankingConfig, ReportConfig, ScoreConfig
    from duramen.data.transactions import Transactions
    from duramen.io.tables import Table

QUARANTINE = "quarantine.csv"


def group_path(path: Path, key: str) -> Path:
    """Return the place of a group's file: ``scores.end.parquet`` beside ``scores.parquet``.

    Examples
    --------
    >>> group_path(Path("scores.parquet"), "end").name, group_path(Path("scores.parquet"), "").name
    ('scores.end.parquet', 'scores.parquet')
    """
    return path.with_name(f"{path.stem}.{key}{path.suffix}") if key else path


def group_place(place: Path | Table, key: str) -> Path | Table:
    """Return the place of a group's scores, a file or a table."""
    return group_path(place, key) if isinstance(place, Path) else place.of_group(key)


def quarantine_path(out: Path | Table) -> Path:
    """Return where the rows that were set aside go, once for all groups: beside a file, else in the current folder."""
    return (
        out.with_name(f"{out.stem}.{QUARANTINE}")
        if isinstance(out, Path)
        else Path(f"{out.name}.{QUARANTINE}")
    )


def model_addresses(address: str, kind: str | None) -> dict[str, str]:
    """Return the address of the model of each group by its key, or of the one model by an empty key.

    Raises
    ------
    InputError
        If there is a model of each group and none of the kind.
    """
    groups = [] if address.startswith(("models:/", "runs:/")) else _groups_in(Path(address))
    if not groups:
        return {"": address}
    if kind is None:
        return {name: str(Path(address) / name) for name in groups}
    if kind not in groups:
        raise InputError(
            f"{address} has a model of {named(groups)} customers, and none of {kind}; name the model, for "
            f"example {address}/{groups[0]}, or train one with --kind {kind}."
        )
    return {"": str(Path(address) / kind)}


def refuse_occupied(folder: Path, *, overwrite: bool, apart: bool | None = None) -> None:
    """Refuse a folder that training must not replace: one of something else, or of a model without ``overwrite``.

    Parameters
    ----------
    folder : Path
    overwrite : bool
        Whether a model that is there may be replaced.
    apart : bool, optional
        Whether there is to be a model of each group, where that is known yet.
    """
    from duramen.io import saved_model

    groups = _groups_in(folder)
    if not groups or {path.name for path in folder.iterdir()} - {*GROUPS, QUARANTINE}:
        saved_model.refuse_occupied(folder)
    one_model = (folder / saved_model.MODEL_FILE).is_file()
    if apart is False and groups:
        raise InputError(
            f"{folder} has a model of {named(groups)} customers, and one model would replace it; choose another "
            f"folder, or one of them, for example {folder / groups[0]}."
        )
    if apart and one_model:
        raise InputError(
            f"{folder} has one model, and models of {named(GROUPS)} customers would replace it; choose another "
            f"folder, or --kind {TOGETHER} for one model again."
        )
    if (one_model or groups) and not overwrite:
        raise InputError(
            f"{folder} has a saved model already; choose another folder by --model-out, or replace it by --overwrite."
        )


class RankingFiles(NamedTuple):
    """Where the files of a group's ranking go; the scores may go into a table."""

    out: Path | Table
    explanations: Path | None
    report: Path | None
    incremental: Path | None

    @property
    def work(self) -> Path:
        """What the work folder of the scores is named after."""
        return self.out if isinstance(self.out, Path) else self.out.work_place


def ranking_files(config: ScoreConfig, key: str) -> RankingFiles:
    """Return where the files go, refused before any work is done where they cannot be written.

    Tables are left to ``check_tables``.
    """
    from duramen.io.files import check_explanations_path, check_scores_path, refuse_unwritable
    from duramen.io.sidecar import refuse_other_json
    from duramen.report.drawing import require_drawing
    from duramen.scoring.incremental import read_made_of

    out = group_place(scores_place(config.out), key)
    if isinstance(out, Path):
        check_scores_path(out, "out")
        refuse_other_json(out)
    explanations, report, incremental = (
        None if path is None else group_path(path, key)
        for path in (config.explanations, config.report, config.incremental)
    )
    if report is not None:
        require_drawing()
        refuse_unwritable(report, "report")
    if explanations is not None:
        check_explanations_path(explanations, "explanations")
    if incremental is not None:
        refuse_unwritable(incremental, "incremental")
        if incremental.exists():
            read_made_of(incremental)
    return RankingFiles(out, explanations, report, incremental)


def scores_place(out: str) -> Path | Table:
    """Return the file or the table where the scores go, or of which those of each group are siblings."""
    from duramen.io.tables import table_at

    return table_at(out) or Path(out)


def check_tables(
    files: Mapping[str, RankingFiles], *, with_cost: bool, tx: Transactions | None = None
) -> None:
    """Refuse tables that cannot be written: before any work is done, and again when the type of ids is known."""
    from duramen.io.tables import check_table

    ids = None if tx is None else tx.days.customer_id.type().to_pyarrow()
    for places in files.values():
        if not isinstance(places.out, Path):
            check_table(places.out, with_cost=with_cost, ids=ids)


def refuse_shared_places(config: ScoreConfig, files: Mapping[str, RankingFiles]) -> None:
    """Refuse to write two files or tables to one place, or over one that is read."""
    from duramen.io.sidecar import sidecar_path

    taken = _read_places(config)
    written: list[tuple[str, Path | Table]] = [
        ("--out's quarantine", quarantine_path(scores_place(config.out)))
    ]
    for key, places in files.items():
        if config.previous_scores is not None:
            taken[_identity(group_place(scores_place(config.previous_scores), key))] = "--previous-scores"
        of_group = f" of {key} customers" if key else ""
        written += [(f"--{name}{of_group}", path) for name, path in places._asdict().items() if path]
        beside = sidecar_path(places.out) if isinstance(places.out, Path) else places.out.sidecar
        written.append((f"--out's sidecar{of_group}", beside))
    for name, place in written:
        if (other := taken.setdefault(_identity(place), name)) != name:
            raise InputError(f"{name} and {other} are both {place}; give each a place of its own.")


def refuse_report_over_input(config: ReportConfig, path: Path) -> None:
    """Refuse to write a report over a file that is read."""
    if (name := _read_places(config).get(_identity(path))) is not None:
        raise InputError(f"--out and {name} are both {path}; give each a place of its own.")


def _read_places(config: RankingConfig) -> dict[object, str]:
    """Return the name of each input by the identity of its place."""
    return {
        _identity(place): name
        for place, name in (
            (config.orders, "the orders"),
            (config.customers, "--customers"),
            (config.features, "--features"),
            (config.cost_to_serve, "--cost-to-serve"),
            (config.market.index, "--market"),
        )
        if place is not None
    }


def _identity(place: str | Path | Table) -> object:
    """Return what two names of the same file or table have in common."""
    from duramen.io.tables import table_at

    if isinstance(place, str):
        place = (table_at(place) if place.startswith("duckdb://") else None) or Path(place)
    return place.resolve() if isinstance(place, Path) else place.identity


def _groups_in(folder: Path) -> list[str]:
    """Return the groups that have a model in a folder which is not a model itself."""
    from duramen.io.saved_model import MODEL_FILE

    if (folder / MODEL_FILE).is_file():
        return []
    return [name for name in GROUPS if (folder / name / MODEL_FILE).is_file()]
