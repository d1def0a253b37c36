"""Scoring only those whose orders changed: the same as scoring all, whatever changed."""

import copy
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from duramen.data.customers import sorted_by_customer
from duramen.data.reading import read_transactions
from duramen.errors import InputError
from duramen.scoring.batch import rank_in_blocks
from duramen.scoring.incremental import _histories, read_made_of

CUTOFF = pd.Timestamp("1998-04-01")


def ranked(folder, model, orders, earlier=None, cutoff="1998-04-01", **options):
    """Return the ranking of orders as it is written, and what became of the earlier scores."""
    folder.mkdir()
    day = pd.Timestamp(cutoff).date()
    with sorted_by_customer(read_transactions(orders, currency="USD"), cutoff) as days:
        found = rank_in_blocks(model, days, day, folder, earlier=earlier, **options)
        return pd.concat(found.blocks, ignore_index=True), found.rescored


@pytest.fixture(scope="module")
def first(shop, tmp_path_factory):
    """Return the scores that a first run keeps, with reasons."""
    folder = tmp_path_factory.mktemp("first")
    ranking, rescored = ranked(folder / "work", shop.model, shop.orders, folder / "kept.parquet")
    assert (rescored.computed, rescored.why_all) == (len(ranking), "there are no earlier scores")
    return ranking, rescored.scored.path


def changed_orders(orders, seed):
    """Return orders of which some came late, some were corrected and some customers went, and whom that concerns."""
    rng = np.random.default_rng(seed)
    ids = rng.permutation(np.sort(orders["customer_id"].unique()))
    late_ids, corrected_ids, gone = ids[:5], ids[5:9], ids[9:12]
    late = orders[orders["customer_id"].isin(late_ids)].drop_duplicates("customer_id")
    late = late.assign(date=pd.Timestamp("1998-03-02"))
    corrected = orders[orders["customer_id"].isin(corrected_ids)].drop_duplicates("customer_id")
    new = late.head(2).assign(customer_id=["00000", "99999"])
    # What comes after the cutoff is nobody's change.
    after = orders.tail(50).assign(date=CUTOFF + pd.Timedelta(days=3))
    rest = orders.drop(corrected.index)
    corrected = corrected.assign(amount=corrected["amount"] + 1)
    changed = pd.concat([rest[~rest["customer_id"].isin(gone)], late, corrected, new, after])
    return changed.sample(frac=1, random_state=seed), {*late_ids, *corrected_ids, "00000", "99999"}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_scores_are_those_of_a_full_run_and_only_the_changed_are_computed(shop, first, tmp_path, seed):
    orders, touched = changed_orders(shop.orders, seed)
    full, _ = ranked(tmp_path / "full", shop.model, orders)
    again, rescored = ranked(tmp_path / "again", shop.model, orders, first[1])
    pd.testing.assert_frame_equal(again, full, check_exact=True)
    assert rescored.why_all == ""
    assert rescored.computed == len(touched)


def test_where_nothing_changed_nothing_is_computed(shop, first, tmp_path):
    again, rescored = ranked(tmp_path / "again", shop.model, shop.orders.iloc[::-1], first[1])
    assert (rescored.computed, rescored.why_all) == (0, "")
    pd.testing.assert_frame_equal(again, first[0], check_exact=True)
    # What it keeps serves the next run as well.
    third, rescored = ranked(tmp_path / "third", shop.model, shop.orders, rescored.scored.path)
    assert rescored.computed == 0
    pd.testing.assert_frame_equal(third, first[0], check_exact=True)


@pytest.mark.slow
def test_costs_tiers_and_reasons_of_the_core_are_made_anew(shop, tmp_path):
    _, rescored = ranked(tmp_path / "first", shop.model, shop.orders, tmp_path / "none", reasons="none")
    kept, orders = rescored.scored.path, changed_orders(shop.orders, 5)[0]
    ids = orders.loc[orders["date"] < CUTOFF].groupby("customer_id")["amount"].sum()
    options = {
        "cost_to_serve": pd.Series(
            np.random.default_rng(1).exponential(9.0, (ids > 0).sum()), index=ids.index[ids > 0]
        ),
        "tiers": shop.model.tiers.from_dict({"core_share": 0.5}),
        "reasons": "core",
    }
    full, _ = ranked(tmp_path / "full", shop.model, orders, **options)
    again, rescored = ranked(tmp_path / "again", shop.model, orders, kept, **options)
    assert 0 < rescored.computed < 30
    assert full["reason_1"].notna().any()
    pd.testing.assert_frame_equal(again, full, check_exact=True)


@pytest.mark.slow
def test_blocks_and_folders_of_any_kind_make_no_difference(shop, tmp_path, monkeypatch):
    # DuckDB takes names of folders such as these for columns, and row groups of its own size.
    (tmp_path / "segment=retail").mkdir()
    (tmp_path / "cutoff=2001-01-01").mkdir()
    monkeypatch.setattr("duramen.data.customers.SLICE", 401)
    orders = changed_orders(shop.orders, 7)[0]
    full, _ = ranked(tmp_path / "full", shop.model, orders, reasons="core")
    kept = tmp_path / "cutoff=2001-01-01" / "kept.parquet"
    first, rescored = ranked(
        tmp_path / "segment=retail" / "first", shop.model, shop.orders, kept, reasons="core"
    )
    rescored.scored.path.replace(kept)
    again, rescored = ranked(tmp_path / "segment=retail" / "again", shop.model, orders, kept, reasons="core")
    assert 0 < rescored.computed < 30
    assert first["segment"].nunique() > 1
    pd.testing.assert_frame_equal(again, full, check_exact=True)


def test_any_value_of_a_day_is_part_of_what_customers_are_known_by(shop):
    some = shop.tx.of_customers(shop.customers["customer_id"].head(300))
    days = some.days.to_pyarrow().to_pandas()
    workspace = some.days.get_backend()

    def fingerprints(table):
        made = workspace.create_table("changed_days", table, overwrite=True)
        return (
            _histories(made)
            .order_by("customer_id")
            .to_pyarrow()
            .to_pandas()
            .set_index("customer_id")["history"]
        )

    before = fingerprints(days)
    twice = days[days.duplicated("customer_id", keep=False) & days["purchase"]]
    first, last = (twice.groupby("customer_id").nth(n) for n in (0, -1))
    for name in set(days) - {"customer_id", "date"}:
        swapped = days.copy()
        swapped.loc[first.index, name] = last[name].to_numpy()
        swapped.loc[last.index, name] = first[name].to_numpy()
        changed = swapped.loc[
            (swapped[name] != days[name]) & ~(swapped[name].isna() & days[name].isna()), "customer_id"
        ]
        differ = fingerprints(swapped) != before
        assert set(differ.index[differ]) == set(changed), name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"cutoff": "1998-03-31"}, "the cutoff was 1998-04-01, and each day changes all customers"),
        ({"product": True}, "the orders have other columns"),
        ({"ids": True}, "the ids are of another type"),
        ({"reasons": "none"}, "other customers had reasons"),
        ({"model": True}, "the model is another one"),
        ({"version": True}, "made the earlier ones"),
    ],
    ids=lambda change: next(iter(change)) if isinstance(change, dict) else "",
)
def test_scores_of_other_making_are_not_used(shop, history_alone, first, tmp_path, monkeypatch, change, told):
    orders, model, change = shop.orders, shop.model, dict(change)
    if change.pop("product", False):
        orders = orders.assign(product="cd")
    if change.pop("ids", False):
        orders = orders.assign(customer_id=orders["customer_id"].astype(int))
    if change.pop("version", False):
        monkeypatch.setattr("duramen.scoring.incremental.__version__", "another")
    if change.pop("model", False):
        model = copy.copy(history_alone.model)
        model.model_version_ = "another"
    full, _ = ranked(tmp_path / "full", model, orders, **change)
    again, rescored = ranked(tmp_path / "again", model, orders, first[1], **change)
    assert told in rescored.why_all
    assert rescored.computed == len(full)
    pd.testing.assert_frame_equal(again, full, check_exact=True)


def test_a_file_of_something_else_is_refused(tmp_path):
    (tmp_path / "text.parquet").write_text("no Parquet")
    table = pa.table({"customer_id": [1]})
    pq.write_table(table, tmp_path / "other.parquet")
    pq.write_table(table.replace_schema_metadata({"duramen": "3"}), tmp_path / "number.parquet")
    for name in ("text.parquet", "other.parquet", "number.parquet"):
        with pytest.raises(InputError, match=f"{name} has no scores of an earlier run; remove it"):
            read_made_of(tmp_path / name)


@pytest.mark.slow
def test_the_command_writes_the_same_bytes_and_says_who_was_scored(shop, duramen, tmp_path):
    shop.model.save(tmp_path / "model")
    shop.orders.to_parquet(tmp_path / "orders.parquet")
    words = ["score", "orders.parquet", "--model", "model", "--cutoff", "1998-04-01"]
    incremental = [*words, "--incremental", "kept.parquet"]
    status, out, _, new = duramen(*incremental)
    assert (status, new) == (0, {"scores.parquet", "scores.json", "kept.parquet"})
    assert "all were scored: there are no earlier scores" in " ".join(out.split())
    late = shop.orders.head(1).assign(date=pd.Timestamp("1998-03-30"))
    pd.concat([shop.orders, late]).to_parquet(tmp_path / "orders.parquet")
    status, out, _, new = duramen(*incremental)
    assert (status, new) == (0, set())
    customers = shop.customers["customer_id"].nunique()
    assert f"1 of {customers:,} customers had other orders, and were scored" in " ".join(out.split())
    files = ("scores.parquet", "scores.json")
    written = [(tmp_path / name).read_bytes() for name in files]
    assert duramen(*words)[0] == 0
    assert [(tmp_path / name).read_bytes() for name in files] == written
    assert json.loads(written[1])["rows"] == customers


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["bytes", "rows"])
def test_a_damaged_file_is_refused(history_alone, shop, tmp_path, damage):
    orders = shop.orders[shop.orders["date"] < pd.Timestamp(shop.window.cutoff)]
    _, first = ranked(tmp_path / "first", history_alone.model, orders, tmp_path / "nothing.parquet")
    kept = tmp_path / "kept.parquet"
    if damage == "rows":
        table = pq.read_table(first.scored.path)
        pq.write_table(pa.concat_tables([table, table.slice(0, 3)]), kept)
    else:
        held = bytearray(first.scored.path.read_bytes())
        held[2000:4000] = bytes(2000)
        kept.write_bytes(held)
    with pytest.raises(
        InputError, match=r"kept\.parquet is damaged; remove it, and all customers are scored"
    ):
        ranked(tmp_path / "again", history_alone.model, orders, kept)


def test_bad_words_end_in_one_sentence_and_leave_the_file(shop, duramen, tmp_path):
    shop.model.save(tmp_path / "model")
    shop.orders.head(50).to_parquet(tmp_path / "orders.parquet")
    (tmp_path / "other.parquet").write_text("mine")
    words = ["score", "orders.parquet", "--model", "model", "--incremental", "other.parquet"]
    for more, told in (
        ([], "has no scores of an earlier run"),
        (["--report", "report.html"], "leave --incremental or --report"),
        (["--engine", "spark"], "--incremental is not for --engine spark"),
    ):
        status, _, err, new = duramen(*words, *more)
        assert (status, new) == (2, set())
        assert told in err
    assert (tmp_path / "other.parquet").read_text() == "mine"
