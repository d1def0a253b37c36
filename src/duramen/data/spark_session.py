"""A master and an address come in; a Spark session and the frame of orders behind the address go out.

Called by scoring on Spark. Needs the extra ``spark`` and Java 17; without them it says so in a sentence.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from duramen.data.datasets import open_dataset
from duramen.data.folders import CSV_ENDINGS
from duramen.data.workspace import parse_memory
from duramen.errors import InputError
from duramen.io.hadoop import whole_address

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# What Spark 4.0 runs on.
LEAST_JAVA = 17
# Customers that a Python worker scores at once: fewer pay for each call, more take memory.
BLOCK = 50_000


@contextmanager
def spark_session(master: str | None = None, memory: str | None = None) -> Iterator[SparkSession]:
    """Give the Spark session that is open, or a new one on ``master``, which is stopped at the end.

    Its days are those of UTC. ``PYSPARK_PYTHON`` is this interpreter where it is not set: workers must run a Python
    that has duramen.

    Parameters
    ----------
    master : str, optional
        As Spark takes it, such as ``local[2]``, ``yarn`` or ``spark://host:7077``; by default what ``spark-submit`` or
        the cluster has set, else all processors of this machine. A session that is open goes on with its own.

    memory : str, optional
        What a new Spark may hold on this machine (``spark.driver.memory``), such as ``4GB``.

    Raises
    ------
    InputError
        If PySpark or Java is missing or too old, the memory is no amount of it, or Spark does not start.
    """
    if importlib.util.find_spec("pyspark") is None:
        raise InputError(
            "the package pyspark is not installed; install duramen with its extra: duramen[spark]."
        )
    from pyspark.sql import SparkSession

    found = SparkSession.getActiveSession()
    if found is None:
        refuse_missing_java()
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    session = found or _start(SparkSession.builder, master, memory)
    session.conf.set("spark.sql.session.timeZone", "UTC")
    try:
        yield session
    finally:
        if found is None:
            session.stop()


def _start(builder: Any, master: str | None, memory: str | None) -> SparkSession:
    # Progress bars of Spark would be drawn into ours; a session that was configured by somebody else keeps its own.
    quiet = {"spark.ui.showConsoleProgress": "false", "spark.log.level": "ERROR"}
    settings = quiet | {"spark.sql.execution.arrow.maxRecordsPerBatch": str(BLOCK)}
    if memory is not None:
        settings["spark.driver.memory"] = f"{parse_memory(memory) // 2**20}m"
    if master is not None:
        builder = builder.master(master)
        if master.startswith("local"):
            # One machine needs no page and no address that others can reach.
            settings |= {
                "spark.ui.enabled": "false",
                "spark.driver.host": "127.0.0.1",
                "spark.driver.bindAddress": "127.0.0.1",
                "spark.sql.shuffle.partitions": "16",
            }
    try:
        session: SparkSession = builder.appName("duramen").config(map=settings).getOrCreate()
    except Exception as error:
        raise InputError(
            f"Spark did not start on the master {master or 'of its configuration'!r}: {_reason(error)}"
        ) from error
    return session


def refuse_missing_java() -> None:
    """Refuse to start Spark without a Java that it runs on, which it would tell by a stack trace.

    Raises
    ------
    InputError
        If there is no Java, or it is older than 17.
    """
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")
    if java is None:
        where = f"in JAVA_HOME ({home})" if home else "on the path, and JAVA_HOME is not set"
        raise InputError(f"Spark needs Java {LEAST_JAVA}, and there is none {where}; install a JRE of it.")
    stated = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(?:1\.)?(\d+)', stated)
    if found and int(found[1]) < LEAST_JAVA:
        raise InputError(
            f"Spark needs Java {LEAST_JAVA} or later, and {java} is Java {found[1]}; set JAVA_HOME to a later one."
        )


def read_orders(session: SparkSession, address: str) -> DataFrame:
    """Return the raw orders behind an address, whose text stays text: what a value is, the reading decides.

    Parameters
    ----------
    session : SparkSession
    address : str
        A table of the catalog, ``dataset:cdnow`` or ``dataset:complete_journey``, or a path that all executors see:
        CSV where it ends so (``orders/*.csv``), Parquet otherwise.

    Raises
    ------
    InputError
        If there is nothing at the address, or it cannot be read.
    """
    if address.startswith("dataset:"):
        data = open_dataset(address.removeprefix("dataset:"))
        if not isinstance(data, Path):
            import pyarrow as pa

            return session.createDataFrame(pa.Table.from_pandas(data, preserve_index=False))
        address = str(data)
    from pyspark.errors import PySparkException

    is_name = re.fullmatch(r"[\w`]+(\.[\w`]+){0,2}", address)
    try:
        if is_name and session.catalog.tableExists(address):
            return session.table(address)
        address = whole_address(session, address)
        if address.lower().endswith(CSV_ENDINGS):
            separator = "\t" if ".tsv" in address.lower() else ","
            return session.read.csv(
                address, header=True, sep=separator, quote='"', escape='"', mode="FAILFAST"
            )
        return session.read.parquet(address)
    except PySparkException as error:
        if "TIMESTAMP(NANOS" in str(error):
            raise InputError(
                f"{address} has times in nanoseconds, which Spark does not read; write it again in microseconds, in "
                'pandas by to_parquet(..., coerce_timestamps="us").'
            ) from error
        raise InputError(f"{address} could not be read by Spark: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    """Return what went wrong in one sentence, without the name of the error and the stack behind it."""
    lines = [line.strip() for line in str(error).split("\n") if line.strip()]
    stated = next(
        (line for line in lines if not line.startswith(("An error occurred", "JVM stacktrace"))), ""
    )
    sentence = re.sub(r"^(\S+Exception: |: )+", "", stated).split(". ")[0]
    return (sentence or type(error).__name__).rstrip(".") + "."
