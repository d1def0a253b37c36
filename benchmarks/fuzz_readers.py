"""Fuzz the readers of orders, guided by coverage: any bytes are read whole, or refused in one sentence.

In: a folder of inputs to begin with, and options of libFuzzer. Out: an input that fails, if there is one. By hand, with
the package atheris, which is no dependency of the tests. Begin with some files of random bytes in the folder: from
nothing, libFuzzer stays at inputs of a few bytes for hours.

    for i in $(seq 60); do head -c 2000 /dev/urandom > corpus/$i; done
    python benchmarks/fuzz_readers.py -runs=1000000 -len_control=0 -max_len=2000 -rss_limit_mb=4096 -timeout=60 corpus/
"""

import shutil
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["duramen"]):
    from duramen.data.reading import read_transactions
    from duramen.errors import InputError

HEADERS = (
    "customer_id,date,amount",
    "Kunde;Datum;Betrag;Status",
    "id\tday\tquantity\tprice",
    "CustomerID|date|amount|order|product",
)
CELLS = (
    "7", "7.0", "007", "NA", "-", "", "Guest", "0", "2023-01-05", "13/06/2011", "6/13/11", "13-Jun-2011",
    "20230105", "1304208000", "1304208000000", "45000", "45000.5", "2023-01-05 23:11:12 -0500", "12.50", "1.234,50",
    "1,23,456.00", "(12.50)", "12.50-", "€ 12", "1e999", "nan", "inf", '"', '""', "\\", "\n", "\r\n", ",", ";", "\t",
    "|", "wc-completed", "cancelled", "9" * 30, "\u202f", "\ufeff", "\x00", "ä", "客户",
)  # fmt: skip
ENDINGS = (".csv", ".csv.gz", ".csv.zst", ".parquet", ".tsv", ".xlsx", ".jsonl")
FOLDER = Path(tempfile.mkdtemp())


def made_text(data: atheris.FuzzedDataProvider) -> bytes:
    """Return rows of cells that exports have, with some bytes of chance between them."""
    header = data.PickValueInList(list(HEADERS))
    separator = next(mark for mark in ",;\t|" if mark in header)
    lines = [header]
    while data.remaining_bytes() and len(lines) < 40:
        width = header.count(separator) + 1 + (data.ConsumeIntInRange(0, 30) == 0)
        cells = [
            data.ConsumeUnicodeNoSurrogates(8)
            if data.ConsumeIntInRange(0, 9) == 0
            else data.PickValueInList(list(CELLS))
            for _ in range(width)
        ]
        lines.append(separator.join(cells))
    return "\n".join(lines).encode(data.PickValueInList(["utf-8", "utf-16", "utf-8-sig"]))


def read(content: bytes) -> None:
    """Read one input, and raise where a row is lost or an error is none that users can act on."""
    data = atheris.FuzzedDataProvider(content)
    ending = ENDINGS[0] if data.ConsumeBool() else data.PickValueInList(list(ENDINGS))
    path = FOLDER / f"orders{ending}"
    path.write_bytes(made_text(data) if data.ConsumeBool() else data.ConsumeBytes(data.remaining_bytes()))
    try:
        tx = read_transactions(path)
    except InputError as error:
        sentence = str(error)
        assert sentence.endswith((".", "?")), sentence
        assert "\n" not in sentence, sentence
        return
    used = tx.days.count().to_pyarrow().as_py()
    assert 0 < used <= tx.rows_used
    assert tx.rows_in == tx.rows_used + sum(tx.set_aside.values()) == tx.rows_used + len(tx.quarantine())


if __name__ == "__main__":
    atheris.Setup(sys.argv, read)
    try:
        atheris.Fuzz()
    finally:
        shutil.rmtree(FOLDER)
