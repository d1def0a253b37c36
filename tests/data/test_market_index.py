"""An outside index is read as it is, averaged over periods, and refused in a sentence where it cannot be used."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from duramen.data.market_index import index_by_period, read_market_index
from duramen.errors import InputError

MONTHS = pd.DataFrame({"date": ["2011-01-01", "2011-02-01", "2011-03-01"], "level": [100.0, 90.5, 110.0]})


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_file_is_read_in_order_of_time(ending, tmp_path):
    path, table = tmp_path / f"index.{ending}", MONTHS.iloc[::-1]
    table.to_csv(path, index=False) if ending == "csv" else table.to_parquet(path)
    found = read_market_index(path)
    assert found["level"].tolist() == [100.0, 90.5, 110.0]
    assert found["date"].tolist() == list(pd.to_datetime(MONTHS["date"]))
    pd.testing.assert_frame_equal(read_market_index(found), found)


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (MONTHS.rename(columns={"level": "value"}), "has no column level; its columns are 'date', 'value'"),
        (MONTHS.rename(columns={"date": "month"}), "has no column date"),
        (MONTHS.assign(date="2011-01-01"), "2 dates are there twice in the market index"),
        (MONTHS.assign(level=["100", "n/a", "110"]), "level of the market index .* 1 of 3 rows, for example 'n/a'"),
        (MONTHS.assign(level=[100, 0, 110]), "cannot be used in 1 of 3 rows, for example '0'"),
        (MONTHS.assign(date=["2011-01-01", "spring", "2011-03-01"]), "for example 'spring'; write days such as"),
        (MONTHS.assign(level=5.0), "never changes"),
        (MONTHS.head(1), "has 1 rows, and its level never changes"),
    ],
)  # fmt: skip
def test_an_index_that_cannot_be_used_is_refused_in_a_sentence(table, sentence):
    with pytest.raises(InputError, match=sentence):
        read_market_index(table)


def test_a_level_applies_until_the_next_and_the_last_as_long_as_the_one_before():
    index = read_market_index(MONTHS)
    starts = [date(2010, 12, 31), date(2011, 1, 4), date(2011, 1, 25), date(2011, 3, 1), date(2011, 3, 15)]
    level = index_by_period(index, starts, 28)
    assert level[1:4].tolist() == pytest.approx([100.0, (7 * 100 + 21 * 90.5) / 28, 110.0])
    assert np.isnan(level[[0, 4]]).all()


def test_levels_and_days_in_another_form_are_read_and_said(tmp_path):
    text = "date;level;Währung\n01.01.2023;1.250,5;x\n13.02.2023;1.300;y\n"
    (tmp_path / "index.csv").write_bytes(text.encode("cp1252"))
    assumed = []
    found = read_market_index(tmp_path / "index.csv", assumed=assumed)
    assert found["level"].tolist() == [1250.5, 1300]
    assert found["date"].tolist() == [pd.Timestamp("2023-01-01"), pd.Timestamp("2023-02-13")]
    assert "Windows-1252" in assumed[0]
    assert "the decimal mark of column 'level' is ','" in assumed[1]
