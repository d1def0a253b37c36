"""Folders as real exports write them: what counts is read, what does not count is left out, and both are said."""

import gzip
import json
from pathlib import Path

import pandas as pd
import pytest

from duramen.data.reading import read_transactions
from duramen.errors import InputError

ORDERS = Path(__file__).parent / "files" / "folders" / "orders.csv"
HEADER = "customer,date,amount\n"
ROW = "1,2020-01-02,3\n"


@pytest.fixture
def export(tmp_path):
    """A function that writes files below a folder, by name and content, and returns the folder."""

    def write(files, name="shop"):
        folder = tmp_path / name
        for file, content in files.items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return folder

    return write


@pytest.fixture(scope="module")
def lines():
    return ORDERS.read_text().splitlines(keepends=True)


def is_whole(tx):
    """Whether all 436 orders were read, once each."""
    return (tx.rows_in, tx.set_aside, round(tx.summary().net_total, 2)) == (436, {}, 16_630.58)


def refused(source, **options):
    with pytest.raises(InputError) as caught:
        read_transactions(source, **options)
    return str(caught.value)


def test_checkpoints_of_notebooks_are_not_read(export, lines):
    first = "".join(line for line in lines if ",2024-" not in line)
    second = lines[0] + "".join(line for line in lines if ",2024-" in line)
    copy = {".ipynb_checkpoints/2024-checkpoint.csv": second}
    shop = export({"2023.csv": first, "2024.csv": second, **copy})
    tx = read_transactions(shop)
    assert is_whole(tx)
    assert tx.assumed == (f"1 hidden folder of {shop} was not read",)


def test_resource_forks_and_locks_are_not_read(export, lines):
    forks = {
        "._orders.csv": b"\x00\x05\x16\x07" + bytes(80),
        "~$orders.csv": "ann",
        ".~lock.orders.csv#": "ann",
    }
    shop = export({"orders.csv": "".join(lines), **forks, "__MACOSX/orders.csv": "x"})
    tx = read_transactions(shop)
    assert is_whole(tx)
    assert set(tx.assumed[0].removesuffix(f" of {shop} were not read").split(" and ")) == {
        "3 hidden files",
        "1 hidden folder",
    }


def test_empty_parts_of_spark_are_not_read(export, lines):
    parts = {"part-00000-abc.csv": "".join(lines), "part-00001-abc.csv": "", "_SUCCESS": ""}
    shop = export({**parts, "part-00002-abc.csv.gz": gzip.compress(b"", mtime=0)})
    tx = read_transactions(shop)
    assert is_whole(tx)
    assert tx.assumed == (f"1 hidden file and 2 empty files of {shop} were not read",)


def test_files_of_another_kind_are_counted(export, lines):
    shop = export({"orders.csv": "".join(lines), "README.md": "# Orders"})
    assert read_transactions(shop).assumed == (f"1 other file of {shop} was not read",)


@pytest.mark.parametrize("name", ["_orders.csv", ".orders.csv", "~$orders.csv"])
def test_a_file_that_is_named_is_read_whatever_its_name(export, lines, name):
    tx = read_transactions(export({name: "".join(lines)}) / name)
    assert is_whole(tx)
    assert tx.assumed == ()


def test_a_folder_of_empty_files_is_refused_with_their_number(export):
    assert "(it has 2 empty files)" in refused(export({"a.csv": "", "b.csv": ""}))


@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize("inside", [True, False])
def test_a_folder_named_like_a_column_never_replaces_it(tmp_path, form, inside):
    days = pd.date_range("2023-01-05", "2024-12-30").astype(str)
    frame = pd.DataFrame({"customer_id": "a", "date": days, "amount": 2.5})
    file = tmp_path / "date=2024-12-31" / f"orders.{form}"
    file.parent.mkdir()
    frame.to_csv(file, index=False) if form == "csv" else frame.to_parquet(file, index=False)
    tx = read_transactions(file.parent if inside else tmp_path)
    assert (str(tx.first_date), str(tx.last_date), tx.rows_used) == ("2023-01-05", "2024-12-30", len(days))
    assert "the folder name date=2024-12-31 was not read" in tx.assumed[0]


def test_a_folder_never_takes_a_role_that_a_column_of_the_files_has(export):
    shop = export({"date=2024-12-31/a.csv": "customer,order_date,amount\n" + ROW})
    tx = read_transactions(shop)
    assert tx.columns["date"] == "order_date"
    assert str(tx.last_date) == "2020-01-02"


def test_a_column_that_no_file_has_is_read_from_the_names_of_folders(export):
    parts = {"country=DE/a.csv": HEADER + ROW, "country=C%C3%B4te/b.csv": HEADER + ROW.replace("1", "2", 1)}
    unknown = {"country=__HIVE_DEFAULT_PARTITION__/c.csv": HEADER + ROW.replace("1", "3", 1)}
    tx = read_transactions(export({**parts, **unknown}), columns={"category": "country"})
    spend = tx.product_spend("category", "2021-01-01").order_by("customer_id").to_pyarrow().to_pylist()
    assert [row["item"] for row in spend] == ["DE", "Côte", None]
    assert "the column 'country' was read from the names of folders" in tx.assumed[0]


def test_days_that_only_the_folders_have_are_read(tmp_path):
    for day in ("2020-01-02", "2020-01-03"):
        folder = tmp_path / f"date={day}"
        folder.mkdir()
        pd.DataFrame({"customer": [7], "amount": [2.0]}).to_parquet(folder / "part.parquet", index=False)
    tx = read_transactions(tmp_path)
    assert (str(tx.first_date), str(tx.last_date)) == ("2020-01-02", "2020-01-03")


def test_spaces_around_the_names_of_columns_do_not_matter(export, lines):
    header = lines[0].replace("customer_id", " customer_id\u00a0").replace(",", " ,\u3000")
    first = header + "".join(line for line in lines[1:] if ",2024-" not in line)
    second = lines[0] + "".join(line for line in lines if ",2024-" in line)
    assert is_whole(read_transactions(export({"a.csv": first, "b.csv": second})))


def test_one_column_under_two_spellings_is_one_column(export, lines):
    first = "".join(line for line in lines if ",2024-" not in line).replace("customer_id", "CustomerID")
    second = lines[0] + "".join(line for line in lines if ",2024-" in line)
    tx = read_transactions(export({"a.csv": first, "b.csv": second}))
    assert is_whole(tx)
    assert tx.assumed == ("'customer_id' in 1 file and 'CustomerID' in others were read as one column",)


def test_two_columns_of_one_file_stay_two_columns(export):
    both = "customer,date,amount,order_id,Order ID\n1,2020-01-02,3,a,b\n"
    one = "customer,date,amount,Order ID\n1,2020-01-03,3,c\n"
    tx = read_transactions(export({"a.csv": both, "b.csv": one}), columns={"order": "Order ID"})
    assert tx.assumed == ()
    assert tx.days.orders.sum().to_pyarrow().as_py() == 2


def test_a_file_without_a_required_column_is_refused_by_name(export):
    shop = export({"a.csv": HEADER + ROW, "b.csv": "client,date,amount\n" + ROW})
    assert refused(shop) == (
        f"{shop / 'b.csv'} has no column 'customer', which is the customer_id of the other files; its columns are "
        "'amount', 'client', 'date'; give that column one name in all files."
    )


def test_a_file_without_an_optional_column_is_refused_if_it_was_named_and_noted_if_not(export):
    shop = export({"a.csv": HEADER + ROW, "b.csv": HEADER.strip() + ",product\n" + ROW.strip() + ",x\n"})
    (sentence,) = read_transactions(shop).assumed
    assert (
        sentence
        == f"{shop / 'a.csv'} has no column 'product' (product), and its rows are without a value there"
    )
    assert "a.csv has no column 'product'" in refused(shop, columns={"product": "product"})


def test_parquet_files_with_other_spellings_and_types_are_read(tmp_path):
    pd.DataFrame({"CustomerID": [7], "date": ["2020-01-02"], "amount": [2]}).to_parquet(
        tmp_path / "a.parquet"
    )
    pd.DataFrame({"customer_id": [8.0], "date": ["2020-01-02"], "amount": [2.5]}).to_parquet(
        tmp_path / "b.parquet"
    )
    tx = read_transactions(tmp_path)
    assert sorted(tx.days.to_pyarrow()["customer_id"].to_pylist()) == [7, 8]
    assert float(tx.days.net.sum().to_pyarrow().as_py()) == 4.5


@pytest.fixture
def delta(tmp_path):
    """A Delta table that was overwritten once; with or without the entries that say what it is."""
    frame = pd.read_csv(ORDERS)

    def write(*, whole):
        folder = tmp_path / "delta"
        log = folder / "_delta_log"
        log.mkdir(parents=True)
        files = ["part-0-v0.parquet", "part-0-v1.parquet"]
        fields = [
            {"name": name, "type": kind, "nullable": True, "metadata": {}}
            for name, kind in zip(frame.columns, ("string", "string", "double"), strict=True)
        ]
        schema = json.dumps({"type": "struct", "fields": fields})
        about = {"id": "a", "format": {"provider": "parquet", "options": {}}, "schemaString": schema}
        about |= {"partitionColumns": [], "configuration": {}, "createdTime": 0}
        head = [{"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}, {"metaData": about}]
        added = [
            {
                "add": {
                    "path": file,
                    "partitionValues": {},
                    "size": 1,
                    "modificationTime": 0,
                    "dataChange": True,
                }
            }
            for file in files
        ]
        removed = {"remove": {"path": files[0], "deletionTimestamp": 1, "dataChange": True}}
        for file, entry in zip(files, added, strict=True):
            frame.to_parquet(folder / file, index=False)
            entry["add"]["size"] = (folder / file).stat().st_size
        for number, entries in enumerate([[*head * whole, added[0]], [removed, added[1]]]):
            text = "".join(json.dumps(entry) + "\n" for entry in entries)
            (log / f"{number:020}.json").write_text(text)
        return folder

    return write


def test_a_delta_table_is_read_through_its_log(delta):
    pytest.importorskip("deltalake")
    assert is_whole(read_transactions(delta(whole=True)))


def test_a_delta_table_whose_log_cannot_be_read_is_refused(delta):
    pytest.importorskip("deltalake")
    assert "whose log cannot be read" in refused(delta(whole=False))


def test_a_delta_table_without_the_package_is_refused_with_the_extra(delta, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "deltalake", None)
    assert refused(delta(whole=True)).endswith("install duramen with its extra: duramen[delta].")


def test_a_delta_table_inside_a_folder_is_refused(delta):
    folder = delta(whole=True)
    assert refused(folder.parent) == f"{folder} in {folder.parent} is a Delta table; give that folder itself."


def test_a_copy_of_a_file_is_named_and_small_files_are_not(tmp_path):
    rows = "".join(f"{customer},2024-01-01,5.00\n" for customer in range(100))
    for name in ("orders.csv", "orders (1).csv"):
        (tmp_path / name).write_text("customer_id,date,amount\n" + rows)
    (tmp_path / "empty.csv").write_text("customer_id,date,amount\n")
    (tmp_path / "empty2.csv").write_text("customer_id,date,amount\n")
    [sentence] = read_transactions(tmp_path).assumed
    assert sentence.endswith("and the rows of both count: remove one if it is a copy")
    assert "more such files" not in sentence
