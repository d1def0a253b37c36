"""``--previous-scores``: what changed since an earlier ranking is the first reason of ``score`` and ``lists``."""

import json

import duckdb
import pandas as pd
import pytest
from tests.pages import customers_of

from duramen.data.customers import customer_table
from duramen.explain.changes import NEW, News, what_changed
from duramen.io.files import write_scores
from duramen.scoring.customer_ranking import rank_customers

REASONS = ["reason_1", "reason_2", "reason_3"]
NOW, THEN = "1998-04-01", "1998-02-01"


@pytest.fixture(scope="module")
def before(shop):
    """Return the ranking of the shop two months earlier, of which a few customers are not known."""
    ranking = rank_customers(shop.model, shop.tx, customer_table(shop.tx, THEN))
    return ranking.drop(index=range(100, 1000, 100)).reset_index(drop=True)


@pytest.fixture(scope="module")
def news(shop, before):
    """Return what changed by customer id, with the purchases that the customer tables count."""
    then, now = (table.set_index("customer_id") for table in (customer_table(shop.tx, THEN), shop.customers))
    since = (now["frequency"] - then["frequency"]).dropna().astype(int)
    return what_changed(shop.ranking, before, since).set_axis(shop.ranking["customer_id"])


@pytest.fixture
def folder(shop, before, tmp_path):
    """Return the folder of the run, with the orders, the earlier ranking and wrong ones."""
    shop.orders.to_csv(tmp_path / "orders.csv", index=False)
    write_scores(before, tmp_path / "before.parquet")
    few = before.head(20)
    write_scores(few.assign(cutoff=pd.Timestamp("1998-05-01")), tmp_path / "later.parquet")
    write_scores(few.assign(customer_id="C-" + few["customer_id"]), tmp_path / "others.parquet")
    write_scores(pd.concat([few, few.head(1)]), tmp_path / "twice.parquet")
    few.astype({"rank": object}).assign(rank="first").to_csv(tmp_path / "words.csv", index=False)
    few[["customer_id", "rank"]].to_csv(tmp_path / "ids.csv", index=False)
    write_scores(few.head(0), tmp_path / "empty.parquet")
    return tmp_path


@pytest.fixture
def score(duramen, folder, saved):
    """Run ``duramen score`` on the shop with more words."""
    return lambda *more: duramen(
        "score", folder / "orders.csv", "--model", saved, "--currency", "USD", "--cutoff", NOW, *more
    )


def expected(shop, news):
    """Return the reasons that a ranking of the shop should have."""
    shown = shop.ranking[REASONS].copy()
    notable = (news != "").to_numpy()
    shown.loc[notable, ["reason_2", "reason_3"]] = shown.loc[notable, ["reason_1", "reason_2"]].to_numpy()
    shown.loc[notable, "reason_1"] = news.to_numpy()[notable]
    assert 100 < notable.sum() < len(notable)
    return shown


def test_the_news_comes_first_and_the_third_reason_falls_away(score, shop, news, folder, monkeypatch):
    monkeypatch.setattr("duramen.scoring.batch.WRITTEN_AT_ONCE", 1000)
    status, _, err, _ = score("--previous-scores", "before.parquet")
    assert (status, err) == (0, "")
    scores = pd.read_parquet(folder / "scores.parquet")
    pd.testing.assert_frame_equal(scores[REASONS], expected(shop, news))
    others = [name for name in scores if name not in (*REASONS, "core_in", "cutoff")]
    pd.testing.assert_frame_equal(scores[others], shop.ranking[others])
    made_of = json.loads((folder / "scores.json").read_text())
    assert made_of["options"]["previous_scores"] == {"place": "before.parquet", "cutoff": THEN}


@pytest.mark.slow
def test_a_report_is_drawn_from_a_ranking_with_the_same_news(score, shop, news, before, folder):
    before.to_csv(folder / "before.csv", index=False)
    status, _, err, _ = score("--previous-scores", "before.csv", "--report", "report.html")
    assert (status, err) == (0, "")
    scores = pd.read_parquet(folder / "scores.parquet")
    pd.testing.assert_frame_equal(scores[REASONS], expected(shop, news))
    shown = customers_of((folder / "report.html").read_text())
    assert news[news != ""].iloc[0] in json.dumps(shown)


def test_only_the_core_has_news_where_only_the_core_has_reasons(score, shop, news, folder):
    status, _, _, _ = score("--previous-scores", "before.parquet", "--reasons", "core")
    assert status == 0
    scores = pd.read_parquet(folder / "scores.parquet")
    shown = expected(shop, news)
    core = shop.ranking["tier"].isin(shop.model.tiers.core_names)
    pd.testing.assert_frame_equal(scores.loc[core, REASONS], shown[core])
    assert scores.loc[~core, REASONS].isna().all(axis=None)


def test_what_is_kept_for_the_next_run_has_no_news(score, shop, folder):
    assert score("--previous-scores", "before.parquet", "--incremental", "kept.parquet")[0] == 0
    status, out, _, _ = score("--incremental", "kept.parquet", "--out", "again.parquet")
    assert status == 0
    assert "0 of " in out
    again = pd.read_parquet(folder / "again.parquet")
    pd.testing.assert_frame_equal(again[REASONS], shop.ranking[REASONS])


def test_a_table_of_duckdb_is_an_earlier_ranking_too(score, shop, news, folder):
    with duckdb.connect(folder / "shop.db") as base:
        base.execute("create table scores as select * from 'before.parquet'")
    assert score("--previous-scores", "duckdb://shop.db/scores", "--out", "new.parquet")[0] == 0
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "new.parquet")[REASONS], expected(shop, news))


def test_reasons_of_lists_begin_with_the_news(duramen, folder, saved, news):
    status, _, _, _ = duramen(
        "lists", "orders.csv", "--model", saved, "--currency", "USD", "--cutoff", NOW, "--offer-cost", 5,
        "--previous-scores", "before.parquet",
    )  # fmt: skip
    assert status == 0
    called = pd.read_csv(folder / "lists" / "call.csv", dtype={"customer_id": str})
    shown = news[called["customer_id"]].to_numpy()
    notable = shown != ""
    assert notable.sum() > 20
    assert (called["reason"].to_numpy() == shown)[notable].all()
    assert called.loc[~notable, "reason"].notna().all()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("command", ["score", "lists --offer-cost 5"])
@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("later.parquet", "later.parquet: the previous scores are of 1998-05-01, after 1998-04-01"),
        ("twice.parquet", "twice.parquet: previous scores have 1 customers twice (for example"),
        ("ids.csv", "ids.csv has no column cutoff or tier or predicted_value; give a ranking that duramen score"),
        ("words.csv", "rank of 20 rows of words.csv is missing or not what duramen score writes (for example 'first')"),
        ("postgresql://ann:secret@db/shop/scores", "and not from postgresql://; copy it to a file and name that by"),
        ("nowhere.parquet", "there is no file or folder nowhere.parquet"),
    ],
)  # fmt: skip
def test_a_wrong_earlier_ranking_is_refused_before_the_orders_are_read(
    command, place, sentence, duramen, saved, refused, monkeypatch
):
    monkeypatch.setattr("duramen.cli.inputs.read_transactions", lambda *_, **__: pytest.fail("read"))
    shown = refused(
        duramen(*command.split(), "orders.csv", "--model", saved, "--cutoff", NOW, "--previous-scores", place)
    )
    assert sentence in shown
    assert "secret" not in shown


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("command", ["score", "score --report report.html", "lists --offer-cost 5"])
@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("others.parquet", "the previous scores have none of the 2,613 customers to score (for example 'C-"),
        ("empty.parquet", "the previous scores have none of the 2,613 customers to score; give a ranking of"),
        ("later.parquet", "the previous scores are of 1998-05-01, after 1998-04-01"),
    ],
)
def test_an_earlier_ranking_of_others_or_of_later_is_refused_before_anything_is_written(
    command, place, sentence, duramen, shop, saved, refused
):
    shop.orders[shop.orders["date"] < NOW].to_csv("orders.csv", index=False)
    # The day after the last row is the cutoff.
    words = [*command.split(), "orders.csv", "--model", saved, "--previous-scores", place]
    assert sentence in refused(duramen(*words))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--reasons none", "--previous-scores puts what changed first among the reasons, and --reasons none"),
        ("--engine spark", "--previous-scores is not for --engine spark, which writes the ranking alone"),
        ("--out before.parquet", "--out and --previous-scores are both before.parquet; give each a place of its own"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_with_an_earlier_ranking_is_refused(words, sentence, score, refused):
    assert sentence in refused(score("--previous-scores", "before.parquet", *words.split()))


def test_news_of_a_block_is_that_of_the_whole(shop, before):
    found = News(before, shop.tx, shop.window.cutoff)
    whole = found.first(shop.ranking)
    blocks = [found.first(shop.ranking.iloc[start : start + 700]) for start in range(0, len(whole), 700)]
    pd.testing.assert_frame_equal(pd.concat(blocks), whole)
    shown = what_changed(shop.ranking, before)
    assert ((whole["reason_1"] == NEW) == (shown == NEW)).all()
    assert (shown == NEW).sum() == 9
    pd.testing.assert_frame_equal(
        rank_customers(shop.model, shop.tx, shop.customers, previous=before)[REASONS], whole[REASONS]
    )
