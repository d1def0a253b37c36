"""Costs come from a file by customer id, and what is not sound is refused in one sentence."""

import pandas as pd
import pytest

from duramen.data.costs import read_costs
from duramen.errors import InputError

IDS = pd.Series(["007", "12", "b"])


def write(path, rows):
    path.write_text("customer_id,cost_to_serve\n" + "".join(f"{row}\n" for row in rows))
    return path


def test_costs_come_by_customer_id_whatever_the_order_of_the_file(tmp_path):
    cost = read_costs(write(tmp_path / "c.csv", ["b,3", "007,1.50", "12,0", "unknown,9"]), IDS)
    assert cost.to_dict() == {"007": 1.5, "12": 0.0, "b": 3.0}


def test_whole_numbers_as_ids_are_found_in_text_and_in_parquet(tmp_path):
    ids = pd.Series([7, 12])
    text = write(tmp_path / "c.csv", ["12,2", "7,1"])
    pd.DataFrame({"customer_id": [7, 12], "cost_to_serve": [1, 2]}).to_parquet(tmp_path / "c.parquet")
    for path in (text, tmp_path / "c.parquet"):
        cost = read_costs(path, ids)
        assert cost.to_dict() == {7: 1.0, 12: 2.0}
        assert cost.index.dtype == ids.dtype


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (["007,1", "12,2"], r"costs of 1 customers are missing in .*'b'.* with 0 where there is none"),
        (["007,1", "12,2", "b,3", "b,4"], r"costs of 1 customers are in more than one row .*'b'"),
        (["007,1", "12,2", "b,dear"], r"costs of 1 customers are not numeric .*'b'"),
        (["007,1", "12,-2", "b,3"], r"costs of 1 customers are negative in .*'12'"),
        (["007,1", "12,2", "b,"], r"costs of 1 customers are not numeric"),
    ],
)
def test_costs_that_are_not_sound_are_refused(tmp_path, rows, told):
    with pytest.raises(InputError, match=told):
        read_costs(write(tmp_path / "c.csv", rows), IDS)


def test_a_file_without_the_columns_is_refused(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text("id,cost\n1,2\n")
    with pytest.raises(
        InputError, match=r"no column customer_id or cost_to_serve; its columns are 'id', 'cost'"
    ):
        read_costs(path, IDS)


def test_blanks_about_ids_and_a_decimal_comma_are_understood(tmp_path):
    path = write(tmp_path / "c.csv", ['" 007 ","1,50"', '12,"2"', 'b,"0,25"'])
    assert read_costs(path, IDS, decimal=",").to_dict() == {"007": 1.5, "12": 2.0, "b": 0.25}
    with pytest.raises(InputError, match="costs of 2 customers are not numeric"):
        read_costs(path, IDS, decimal=".")
    assert read_costs(path, IDS).to_dict() == {"007": 1.5, "12": 2.0, "b": 0.25}


@pytest.mark.parametrize("wrong", [pd.Timestamp("2020-01-01"), True])
def test_what_is_no_money_is_refused(tmp_path, wrong):
    pd.DataFrame({"customer_id": IDS, "cost_to_serve": wrong}).to_parquet(tmp_path / "c.parquet")
    with pytest.raises(InputError, match="which is not money; write numbers"):
        read_costs(tmp_path / "c.parquet", IDS)


def test_a_file_without_a_name_is_refused():
    with pytest.raises(InputError, match="has no name"):
        read_costs("", IDS)
