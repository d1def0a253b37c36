"""A frame of Spark and an address come in; a folder of Parquet files takes its place there, whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from duramen.errors import InputError
from duramen.io.sidecar import folder_sidecar

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# The mark of a folder that was written here; readers of Parquet pass over names that begin so.
SIDECAR = "_duramen.json"


def write_folder(frame: DataFrame, out: str, made_of: Mapping[str, Any] | None = None) -> int:
    """Write a frame as a folder of Parquet files in its order, whole or not at all; return its rows.

    Spark writes to a hidden folder beside, ``.NAME.part``, which is renamed when all is there. A folder that was
    written here before is replaced, anything else refused. Where a store cannot rename (S3), its copy is not one step:
    readers wait for the sidecar's number of rows.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
    out : str
        A folder that the driver and all executors see, as Spark names it.
    made_of : mapping, optional
        What the sidecar ``_duramen.json`` says beside the name of the folder and the number of rows.

    Raises
    ------
    InputError
        If the folder has anything else in it than what was written here.
    """
    session = frame.sparkSession
    place = HadoopFolder(session, out)
    place.recover()
    place.refuse_occupied()
    beside = place.sibling("part")
    try:
        frame.write.mode("overwrite").parquet(beside.address)
        rows: int = session.read.parquet(beside.address).count()
        beside.write_text(SIDECAR, folder_sidecar(place.name, rows, dict(made_of or {})))
        beside.replace(place)
    finally:
        beside.delete()
    return rows


def whole_address(session: SparkSession, address: str) -> str:
    """Return an address that means the same to Java, which may run in another folder than this program."""
    default = session._jsc.hadoopConfiguration().get("fs.defaultFS", "file:///")
    if default.startswith("file:") and not re.match(r"[a-z][\w+.-]*:", address):
        return str(Path(address).absolute())
    return address


class HadoopFolder:
    """A folder on any file system that Spark writes to: this machine's, HDFS, a bucket."""

    def __init__(self, session: SparkSession, address: str) -> None:
        self._session, self._jvm = session, session._jvm
        self._path = self._jvm.org.apache.hadoop.fs.Path(whole_address(session, address))
        self._system = self._path.getFileSystem(session._jsc.hadoopConfiguration())
        self.address = address

    @property
    def name(self) -> str:
        """The last part of the address."""
        return str(self._path.getName())

    def sibling(self, ending: str) -> HadoopFolder:
        """Return a hidden folder beside this one."""
        parent = self._system.makeQualified(self._path).getParent()
        return HadoopFolder(self._session, f"{parent}/.{self.name}.{ending}")

    def refuse_occupied(self) -> None:
        """Refuse what is there and was not written here: it would be replaced."""
        if not self._system.exists(self._path):
            return
        if not self._system.getFileStatus(self._path).isDirectory():
            raise InputError(
                f"{self.address} is a file, and Spark writes a folder; choose another place by `out`."
            )
        is_ours = self._system.exists(self._child(SIDECAR))
        if not is_ours and self._system.listStatus(self._path):
            raise InputError(
                f"{self.address} has something in it that duramen did not write; choose another folder by `out`."
            )

    def write_text(self, name: str, text: str) -> None:
        """Write a small file into the folder."""
        stream = self._system.create(self._child(name), True)
        try:
            stream.write(bytearray(text.encode()))
        finally:
            stream.close()

    def replace(self, other: HadoopFolder) -> None:
        """Put this folder in the place of another, which is kept until this one is there."""
        old = other.sibling("old")
        old.delete()
        if self._system.exists(other._path):
            self._rename(other._path, old._path)
        try:
            self._rename(self._path, other._path)
        except Exception:  # whatever Hadoop raises, the folder before comes back, and the error goes on
            if self._system.exists(old._path):
                self._rename(old._path, other._path)
            raise
        old.delete()

    def recover(self) -> None:
        """Put back what a run that was killed between two renames had moved aside."""
        old = self.sibling("old")
        if self._system.exists(old._path) and not self._system.exists(self._path):
            self._rename(old._path, self._path)

    def delete(self) -> None:
        """Remove the folder, if it is there."""
        self._system.delete(self._path, True)

    def _child(self, name: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(self._path, name)

    def _rename(self, source: Any, target: Any) -> None:
        # Hadoop returns false instead of raising.
        if not self._system.rename(source, target):
            raise InputError(
                f"{source} could not be renamed to {target}; look at the permissions of the folder."
            )
