"""Hashed ids hide who customers are, and stay one id a customer in every file."""

import hashlib
import stat

import pandas as pd
import pytest

from duramen.data.costs import read_costs
from duramen.data.customer_file import read_customer_file
from duramen.data.reading import read_transactions
from duramen.errors import InputError

SALT = "0123456789abcdef"


@pytest.fixture
def salt(tmp_path):
    (tmp_path / "salt").write_text(f"{SALT}\n")
    return tmp_path / "salt"


def hashed(text):
    return hashlib.sha256(f"{SALT}{text}".encode()).hexdigest()[:32]


def ids_of(tx):
    return set(tx.days.customer_id.to_pyarrow().to_pylist())


@pytest.mark.parametrize("customer", [[7, 7, 8], [7.0, 7.0, 8.0], ["7", " 7.0 ", "8"]])
def test_an_id_is_hashed_by_the_one_rule_for_ids(orders, salt, customer):
    assert ids_of(read_transactions(orders(customer=customer), hash_ids=salt)) == {hashed("7"), hashed("8")}


def test_a_missing_id_stays_missing(orders, salt):
    tx = read_transactions(orders(customer=["é", None, "é"]), hash_ids=salt)
    assert ids_of(tx) == {hashed("é")}
    assert tx.set_aside == {"missing customer id": 1}


def test_a_salt_is_created_for_its_owner_alone_and_kept(orders, tmp_path):
    first = read_transactions(orders(), hash_ids=tmp_path / "new")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600
    assert len((tmp_path / "new").read_text().strip()) == 64
    assert "created now; keep it secret" in first.assumed[0]
    second = read_transactions(orders(), hash_ids=str(tmp_path / "new"))
    assert ids_of(first) == ids_of(second)
    assert "created now" not in second.assumed[0]


def test_customer_file_and_costs_with_plain_ids_join(orders, salt, tmp_path):
    told = pd.DataFrame(
        {"customer_id": ["1", "2"], "kind": ["channel", "consumer"], "household": [None, "H"]}
    )
    tx = read_transactions(orders(), customers=told, hash_ids=salt)
    assert ids_of(tx) == {hashed("1"), hashed("H")}
    assert read_customer_file(told, hash_ids=salt).of("kind", pd.Series([hashed("1")])).tolist() == [
        "channel"
    ]
    costs = pd.DataFrame({"customer_id": [1, "H"], "cost_to_serve": [3.0, 4.0]})
    costs.to_csv(tmp_path / "costs.csv", index=False)
    asked = pd.Series([hashed("H"), hashed("1")])
    assert read_costs(tmp_path / "costs.csv", asked, hash_ids=salt).tolist() == [4, 3]


def test_a_short_salt_and_one_that_cannot_be_written_are_refused(orders, tmp_path):
    (tmp_path / "short").write_text("abc")
    with pytest.raises(InputError, match="has 3 characters, and ids could be found by trial"):
        read_transactions(orders(), hash_ids=tmp_path / "short")
    with pytest.raises(InputError, match="could not be read or created: No such file"):
        read_transactions(orders(), hash_ids=tmp_path / "no" / "folder")


def test_doubtful_ids_are_counted_and_not_named(salt):
    ids = [*(f"c{i}" for i in range(40)), "C7", "test-1", *["Guest"] * 4, "Anna@x.org", "anna@x.org"]
    frame = pd.DataFrame({"customer": ids, "date": "2024-01-01", "amount": 1.0})
    tx = read_transactions(frame, hash_ids=salt)
    assert hashed("anna@x.org") in ids_of(tx)
    said = " ".join(tx.assumed[1:])
    assert "customer (hashed) accounts for" in said
    assert "1 customer id looks like a test account: 1 lines" in said
    assert "1 customer id differs from another only in case or in zeros in front and counts" in said
    assert "1 e-mail address differs from another in case alone: " in said
    assert "without `hash_ids` they are named" in said
    assert not any(text in said for text in ("Guest", "test-1", "C7", "@"))
