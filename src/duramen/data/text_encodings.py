"""A text file comes in, compressed or not; its encoding and, where that is not UTF-8, a copy in UTF-8 go out."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import shutil
import zlib
from pathlib import Path
from typing import IO, cast

from duramen.errors import InputError

UTF8, UTF16, WINDOWS = "utf-8-sig", "utf-16", "cp1252"
_MARKS_OF_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BLOCK = 1 << 20
# Bytes that are no part of UTF-8. Four in a row are an alphabet of its own, such as Chinese or Russian.
_FOREIGN = re.compile("[\udc80-\udcff]")
_OTHER_ALPHABET = re.compile("[\udc80-\udcff]{4}")
# Bytes without a letter in Windows-1252, and zeros, which no text has.
_NO_LETTERS = re.compile("[\x00\udc81\udc8d\udc8f\udc90\udc9d]")
# Letters in UTF-8 for each byte that is none, from which on the byte is a fault in a file in UTF-8.
_MIXED = 0.05


def open_bytes(file: Path) -> IO[bytes]:
    """Open a file that may be compressed, by the ending of its name."""
    name = file.name.lower()
    if name.endswith(".gz"):
        return cast(IO[bytes], gzip.open(file))
    if name.endswith(".zst"):
        import pyarrow as pa

        return cast(IO[bytes], pa.input_stream(file, compression="zstd"))
    return file.open("rb")


def refuse_cut(file: Path) -> None:
    """Refuse a compressed file that ends early, of which DuckDB would read the beginning and say nothing."""
    if not file.name.lower().endswith((".gz", ".zst")):
        return
    try:
        with open_bytes(file) as stream:
            while stream.read(_BLOCK):
                pass
    except (OSError, EOFError, zlib.error) as error:
        kind = "gzip" if file.name.lower().endswith(".gz") else "Zstandard"
        raise InputError(f"{file} is no whole {kind} file ({error}); fetch or compress it again.") from error


def encoding_of(file: Path) -> str:
    """Return the encoding of a file that is read as a whole: UTF-8, UTF-16 with its mark, or Windows-1252.

    Raises
    ------
    InputError
        If it is none of these.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    foreign = letters = 0
    fault = False
    with open_bytes(file) as stream:
        start = stream.read(_BLOCK)
        if start.startswith(_MARKS_OF_UTF16):
            return UTF16
        block = start
        while block:
            text = decoder.decode(block)
            foreign += len(_FOREIGN.findall(text))
            letters += sum(not character.isascii() for character in text) if not text.isascii() else 0
            fault = fault or bool(_NO_LETTERS.search(text) or _OTHER_ALPHABET.search(text))
            block = stream.read(_BLOCK)
    if not foreign and not fault:
        return UTF8
    if fault or letters - foreign > _MIXED * foreign:
        raise InputError(f"{file} is not UTF-8 text, nor Windows-1252 throughout; save it as CSV in UTF-8.")
    return WINDOWS


def copy_in_utf8(file: Path, encoding: str, folder: Path, above: int = 0) -> Path:
    """Write a file in UTF-8 into a folder, below the name of its own folder, which may give a column.

    The first lines, ``above``, are left out.
    """
    copy = folder.joinpath(*[part for part in file.parts[:-1] if "=" in part], f"{file.name}.csv")
    copy.parent.mkdir(parents=True, exist_ok=True)
    with (
        io.TextIOWrapper(open_bytes(file), encoding=encoding, newline="") as source,
        copy.open("w", encoding="utf-8", newline="") as target,
    ):
        for _ in range(above):
            source.readline()
        shutil.copyfileobj(source, target, _BLOCK)
    return copy
