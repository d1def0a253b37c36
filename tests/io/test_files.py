"""Scores as files: whole or not at all, the same bytes, and harmless in a spreadsheet."""

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from duramen.errors import InputError
from duramen.io.files import check_scores_path, refuse_unwritable_folder, write_explanations, write_scores
from duramen.io.score_columns import DATE_COLUMNS


def test_parquet_holds_the_ranking_as_it_is(shop, tmp_path):
    path = write_scores(shop.ranking, tmp_path / "scores.parquet")
    # Parquet knows no unit of time as coarse as a second.
    expected = shop.ranking.astype({"cutoff": "datetime64[ms]"})
    pd.testing.assert_frame_equal(pd.read_parquet(path), expected)


def test_csv_holds_the_same_rows(shop, tmp_path):
    path = write_scores(shop.ranking, tmp_path / "scores.csv")
    again = pd.read_csv(path, dtype={"customer_id": str}, parse_dates=list(DATE_COLUMNS))
    again = again.astype({name: shop.ranking[name].dtype for name in DATE_COLUMNS})
    pd.testing.assert_frame_equal(again, shop.ranking, check_dtype=False)


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_the_same_ranking_gives_the_same_bytes(shop, tmp_path, ending):
    first = write_scores(shop.ranking, tmp_path / f"a.{ending}").read_bytes()
    assert write_scores(shop.ranking.copy(), tmp_path / f"b.{ending}").read_bytes() == first


@pytest.mark.parametrize("start", ["\uff1d", "\uff0b", "\uff0d", "\uff20", "=", "+", "-", "@", "\t", "\r"])
def test_ids_that_a_spreadsheet_would_run_get_an_apostrophe_in_csv(shop, tmp_path, start):
    ranking = shop.ranking.head(2).assign(customer_id=[f"{start}cmd|'/c calc'!A1", "plain"])
    text = write_scores(ranking, tmp_path / "scores.csv").read_bytes().decode()
    assert f"'{start}cmd" in text
    assert "'plain" not in text
    kept = pd.read_parquet(write_scores(ranking, tmp_path / "scores.parquet"))
    assert kept["customer_id"].iloc[0].startswith(start)


def test_every_cell_of_text_in_csv_is_harmless(shop, tmp_path):
    ranking = shop.ranking.head(1).assign(reason_1="=HYPERLINK(1)", segment="@sum")
    text = write_scores(ranking, tmp_path / "scores.csv").read_text()
    assert "'=HYPERLINK(1)" in text
    assert "'@sum" in text


def test_negative_numbers_stay_numbers_in_csv(shop, tmp_path):
    ranking = shop.ranking.head(1).assign(customer_id=-7, predicted_value=-2.5)
    again = pd.read_csv(write_scores(ranking, tmp_path / "scores.csv"))
    assert (again["customer_id"].iloc[0], again["predicted_value"].iloc[0]) == (-7, -2.5)


def test_another_ending_or_a_missing_folder_is_refused_before_any_work(tmp_path):
    with pytest.raises(InputError, match=r"not as 'scores\.xlsx'"):
        check_scores_path(tmp_path / "scores.xlsx")
    with pytest.raises(InputError, match="there is no folder"):
        check_scores_path(tmp_path / "nowhere" / "scores.csv")


def test_a_write_that_fails_keeps_the_older_file_and_leaves_no_part(shop, tmp_path, monkeypatch):
    path = tmp_path / "scores.parquet"
    path.write_bytes(b"older")

    def broken(_self, _table, **_):
        raise OSError("no space left on device")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", broken)
    with pytest.raises(OSError, match="no space"):
        write_scores(shop.ranking, path)
    assert path.read_bytes() == b"older"
    assert [file.name for file in tmp_path.iterdir()] == ["scores.parquet"]


@pytest.mark.slow
def test_explanations_are_written_block_by_block_as_they_are(shop, tmp_path, monkeypatch):
    whole = shop.model.explain(shop.customers)
    monkeypatch.setattr("duramen.explain.explainer.EXPLAINED_AT_ONCE", 700)
    blocks = list(shop.model.explain_blocks(shop.customers))
    assert [block["customer_id"].nunique() for block in blocks][:-1] == [700] * 3
    path = tmp_path / "why.parquet"
    assert write_explanations(blocks, path) == len(whole)
    pd.testing.assert_frame_equal(pd.read_parquet(path), whole)


def test_explanations_that_fail_midway_leave_the_old_file(shop, tmp_path):
    path = tmp_path / "why.parquet"
    path.write_text("old")

    def blocks():
        yield shop.model.explain(shop.customers.head(3))
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        write_explanations(blocks(), path)
    assert [path.read_text()] == ["old"]
    assert list(tmp_path.iterdir()) == [path]


def test_explanations_are_parquet_in_a_folder_that_is_there(tmp_path):
    with pytest.raises(InputError, match=r"as \.parquet, not as 'why\.csv'; change `path`"):
        write_explanations([], tmp_path / "why.csv")
    with pytest.raises(InputError, match="there is no folder"):
        write_explanations([], tmp_path / "gone" / "why.parquet")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="a file system where even root can write nothing")
def test_a_place_where_nothing_can_be_written_is_refused_before_any_work():
    with pytest.raises(InputError, match="the folder /proc cannot be written to; change `out`"):
        check_scores_path(Path("/proc/x.parquet"), "out")
    with pytest.raises(InputError, match="the folder /proc cannot be written to; change `model_out`"):
        refuse_unwritable_folder(Path("/proc/model/new"), "model_out")
