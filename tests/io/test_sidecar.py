"""The sidecar of a scores file: what it tells, that it is always the same, and what it never replaces."""

import json

import pytest

from duramen.data.customers import feature_version
from duramen.data.reading import read_transactions
from duramen.errors import InputError
from duramen.io.atomic import work_folder
from duramen.io.sidecar import file_digest, put_in_place, read_sidecar, refuse_other_json
from duramen.scoring.provenance import provenance


def test_it_tells_model_features_cutoff_orders_and_file(shop, tmp_path):
    told = provenance(
        shop.model,
        shop.tx,
        shop.window.cutoff,
        tiers=shop.model.tiers,
        reasons="none",
        cost_to_serve="c.csv",
        previous_scores={"place": "b.parquet", "cutoff": "1998-03-01"},
    )
    out = tmp_path / "scores.parquet"
    with work_folder(out) as folder:
        (folder / out.name).write_bytes(b"scores")
        put_in_place(folder / out.name, out, 7, told)
    assert {path.name for path in tmp_path.iterdir()} == {"scores.parquet", "scores.json"}
    found = read_sidecar(tmp_path / "scores.json")
    assert found["model_version"] == shop.model.model_version_
    assert (found["cutoff"], found["horizon_days"], found["unit"]) == ("1998-04-01", 91, "USD")
    assert (found["rows"], found["bytes"], found["sha256"]) == (7, 6, file_digest(out))
    assert found["orders"] == {"read": shop.tx.rows_in, "used": shop.tx.rows_used, "set_aside": {}}
    assert found["options"] == {
        "reasons": "none",
        "cost_to_serve": "c.csv",
        "previous_scores": {"place": "b.parquet", "cutoff": "1998-03-01"},
        "tiers": shop.model.tiers.to_dict(),
    }


def test_rows_in_another_order_leave_every_fact(shop):
    again = read_transactions(shop.orders.iloc[::-1], currency="USD")
    cutoff, tiers = shop.window.cutoff, shop.model.tiers
    assert provenance(shop.model, again, cutoff, tiers=tiers) == provenance(
        shop.model, shop.tx, cutoff, tiers=tiers
    )


def test_another_column_is_another_version_of_the_features_and_another_cutoff_is_not(shop):
    plain = read_transactions(shop.orders[["customer_id", "date", "amount"]])
    assert feature_version(plain) == feature_version(plain.of_customers(shop.customers["customer_id"][:9]))
    with_product = read_transactions(shop.orders.assign(product="cd"))
    assert feature_version(with_product) != feature_version(plain)


def test_the_sidecar_of_another_file_that_is_there_is_not_replaced(tmp_path):
    told = {"format_version": 1, "sha256": "of an earlier run", "file": "scores.parquet"}
    (tmp_path / "scores.json").write_text(json.dumps(told))
    refuse_other_json(tmp_path / "scores.csv")
    (tmp_path / "scores.parquet").write_bytes(b"PAR1")
    refuse_other_json(tmp_path / "scores.parquet")
    with pytest.raises(InputError, match=r"is the sidecar of scores\.parquet, and that of scores\.csv would"):
        refuse_other_json(tmp_path / "scores.csv")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"sha256": 1}', "\x00"])
def test_a_file_that_is_no_sidecar_is_not_replaced(tmp_path, text):
    (tmp_path / "scores.json").write_text(text)
    with pytest.raises(InputError, match="is not a sidecar of scores"):
        refuse_other_json(tmp_path / "scores.parquet")
    (tmp_path / "scores.json").write_text(json.dumps({"format_version": 1, "sha256": "of an earlier run"}))
    refuse_other_json(tmp_path / "scores.parquet")
