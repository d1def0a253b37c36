"""The audit distinguishes planted segmentations, whatever chance does, and refuses what it cannot examine."""

from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from duramen.analysis.assignment import read_assignment
from duramen.analysis.future_gain import gain_in_value
from duramen.analysis.label_dependence import explained_by_cells, recovered
from duramen.analysis.product_mix import OTHER, bought_by_customer, main_item
from duramen.analysis.segmentation_audit import audit, choose_cutoff
from duramen.data.customers import customer_table
from duramen.data.datasets import complete_journey
from duramen.data.reading import read_transactions
from duramen.errors import InputError
from duramen.segments.segmenter import BehaviouralSegmenter

CUTOFF = "2017-10-01"
PLANTED = ("product", "spend", "joined", "random", "behaviour")


def planted(customers, cutoff):
    """Label customers by one thing alone each."""
    joined = pd.Timestamp(cutoff) - pd.to_timedelta(customers["T"], unit="D")
    segmenter = BehaviouralSegmenter().fit(customers)
    return {
        "spend": pd.qcut(customers["net_spend"].rank(method="first"), 5, labels=list("abcde")).astype(str),
        "joined": joined.dt.strftime("%Y-%m"),
        "random": np.random.default_rng(0).choice(list("abcde"), len(customers)),
        "behaviour": segmenter.names(segmenter.predict(customers)),
    }


def assigned(customers, labels, **columns):
    return read_assignment(
        pd.DataFrame({"customer_id": customers["customer_id"], "segment": labels, **columns})
    )


@pytest.fixture(scope="module")
def grocery():
    """Return every second household of Complete Journey with its categories, and audits of all planted labels."""
    lines = pd.read_parquet(complete_journey())
    lines = lines[lines["household_id"] % 2 == 0]
    products = pd.read_parquet(complete_journey().with_name("products.parquet"))
    categories = products.set_index("product_id")["product_category"].rename("category")
    lines = lines.join(categories, on="product_id")
    tx = read_transactions(lines)
    customers = customer_table(tx, CUTOFF)
    bought = bought_by_customer(tx, CUTOFF)
    main = pd.Series(main_item(bought["category"], customers["customer_id"]))
    frequent = main[main != OTHER].value_counts().index[:3]
    labels = {"product": main.where(main.isin(frequent), "others")} | planted(customers, CUTOFF)
    audits = {
        name: audit(tx, assigned(customers, labels[name]), bought=bought, cutoff=CUTOFF) for name in PLANTED
    }
    return SimpleNamespace(tx=tx, customers=customers, bought=bought, audits=audits)


@pytest.fixture(scope="module")
def shop_labels(shop):
    return planted(shop.customers, shop.window.cutoff)


@pytest.fixture(scope="module")
def shop_audits(shop, shop_labels):
    return {
        name: audit(shop.tx, assigned(shop.customers, labels), cutoff=shop.window.cutoff)
        for name, labels in shop_labels.items()
    }


@pytest.mark.slow
@pytest.mark.parametrize(("name", "code"), [("product", "A2"), ("spend", "A3"), ("joined", "A4")])
def test_a_relabelling_fails_its_own_question_and_no_other_of_its_kind(grocery, name, code):
    verdicts = {other: grocery.audits[name].verdict(other) for other in ("A2", "A3", "A4")}
    assert verdicts == {other: "fails" if other == code else "passes" for other in verdicts}


def test_a_random_label_is_no_relabelling_and_says_nothing(grocery):
    found = grocery.audits["random"]
    assert [found.verdict(code) for code in ("A2", "A3", "A4", "A5")] == ["passes"] * 3 + ["fails"]
    assert found.verdict("A6") != "passes"


def test_segments_by_behaviour_pass_all_that_behaviour_can_pass(grocery):
    found = grocery.audits["behaviour"]
    assert [found.verdict(code) for code in ("A2", "A3", "A4", "A5", "A6")] == ["passes"] * 5


@pytest.mark.parametrize("name", ["product", "joined"])
def test_labels_of_products_and_vintages_do_not_pass_for_behaviour(grocery, name):
    assert grocery.audits[name].verdict("A5") == "fails"


def test_labels_by_spend_predict_nothing_beyond_spend(grocery):
    assert grocery.audits["spend"].verdict("A6") != "passes"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "verdicts"),
    [
        ("spend", ["inconclusive", "fails", "passes", "passes"]),
        ("joined", ["inconclusive", "passes", "fails", "fails"]),
        ("random", ["inconclusive", "passes", "passes", "fails"]),
        ("behaviour", ["inconclusive", "passes", "passes", "passes"]),
    ],
)
def test_planted_labels_are_distinguished_without_products(shop_audits, name, verdicts):
    assert [shop_audits[name].verdict(code) for code in ("A2", "A3", "A4", "A5")] == verdicts


@pytest.fixture(scope="module")
def few(shop):
    """Return customers enough for what looks at few figures, and labels by turns."""
    customers = shop.customers.head(240)
    return SimpleNamespace(customers=customers, labels=np.tile(["a", "b", "c"], 80))


@pytest.mark.slow
def test_the_same_input_and_seed_give_the_same_audit(shop, few):
    once, again = (audit(shop.tx, assigned(few.customers, few.labels)) for _ in range(2))
    pd.testing.assert_frame_equal(once.findings, again.findings)
    pd.testing.assert_frame_equal(once.measures, again.measures)


@pytest.mark.slow
def test_treatments_for_all_pass_the_first_question_and_one_for_all_does_not(shop, few):
    each = pd.Series(few.labels).map({"a": "call", "b": "mail", "c": "nothing more"})
    result = audit(shop.tx, assigned(few.customers, few.labels, treatment=each.to_numpy()))
    assert result.verdict("A1") == "passes"
    assert set(result.segments["treatment"]) == set(each)
    same = audit(shop.tx, assigned(few.customers, few.labels, treatment="mail"))
    assert same.verdict("A1") == "fails"
    half = each.where(pd.Series(few.labels) == "a")
    assert (
        audit(shop.tx, assigned(few.customers, few.labels, treatment=half.to_numpy())).verdict("A1")
        == "fails"
    )


@pytest.mark.slow
def test_what_is_not_given_is_inconclusive(shop, few):
    result = audit(shop.tx, assigned(few.customers, few.labels)).findings.set_index("code")
    for code, reason in [
        ("A1", "No treatment"),
        ("A2", "no product"),
        ("A6", "Only 0 days"),
        ("A7", "Neither"),
    ]:
        assert result.at[code, "verdict"] == "inconclusive"
        assert reason in result.at[code, "sentence"]


def test_labels_that_may_have_seen_the_outcomes_predict_nothing(shop, few):
    labels = assigned(few.customers, few.labels, assigned_on="1998-05-01")
    result = audit(shop.tx, labels, cutoff="1998-04-01")
    assert result.verdict("A6") == "inconclusive"
    assert "may have seen" in result.findings.set_index("code").at["A6", "sentence"]


@pytest.mark.slow
def test_the_day_of_assignment_is_the_cutoff_and_gives_the_age(shop, few):
    labels = assigned(few.customers, few.labels, assigned_on="1998-04-01")
    assert choose_cutoff(shop.tx, labels, None) == date(1998, 4, 1)
    measures = audit(shop.tx, labels).measures.set_index("measure")["figure"]
    assert measures["age in days"] == (shop.tx.last_date - date(1998, 4, 1)).days
    assert 0 < measures["changed between active, at risk and lapsed"] < 1


@pytest.mark.slow
def test_labels_of_today_are_fresh_and_labels_of_the_first_weeks_are_not(shop):
    today = shop.tx.last_date + timedelta(days=1)
    fresh = assigned(shop.customers, np.arange(len(shop.customers)) % 3, assigned_on=today.isoformat())
    assert audit(shop.tx, fresh).verdict("A7") == "passes"
    early = customer_table(shop.tx, "1997-03-01")
    old = assigned(early, np.arange(len(early)) % 3, assigned_on="1997-03-01")
    assert audit(shop.tx, old).verdict("A7") == "fails"


@pytest.mark.slow
def test_an_earlier_assignment_shows_how_much_has_stayed(shop, few):
    labels = assigned(few.customers, few.labels)
    kept = audit(shop.tx, labels, previous=labels)
    assert kept.verdict("A7") == "passes"
    shuffled = assigned(few.customers, np.random.default_rng(0).permutation(few.labels))
    assert audit(shop.tx, labels, previous=shuffled).verdict("A7") == "fails"


def test_unknown_and_unlabelled_customers_are_counted_and_left_out(shop, few):
    table = pd.DataFrame({"customer_id": few.customers["customer_id"], "segment": few.labels})
    table.loc[len(table)] = ["nobody", "a"]
    result = audit(shop.tx, read_assignment(table))
    assert result.segments["customers"].sum() == len(few.customers)
    assert any("in the orders: 1 (for example 'nobody')" in note for note in result.notes)
    assert any("have no label: " in note for note in result.notes)


@pytest.mark.slow
def test_segments_of_single_customers_are_left_out_and_said(shop, few):
    labels = few.labels.astype(object)
    labels[:5] = ["p", "q", "r", "s", "t"]
    result = audit(shop.tx, assigned(few.customers, labels))
    assert any("fewer than 10 customers among those examined: 5" in note for note in result.notes)
    assert result.verdict("A3") == "passes"
    tiny = audit(shop.tx, assigned(few.customers.head(18), np.tile(["a", "b"], 9)))
    assert {tiny.verdict(code) for code in ("A3", "A4", "A5", "A6")} == {"inconclusive"}


@pytest.mark.parametrize(
    ("change", "result"),
    [
        (lambda table: table.assign(customer_id="x" + table["customer_id"]), "none of the 240 customers"),
        (lambda table: pd.concat([table, table.head(2)]), "2 rows of the DataFrame repeat a customer"),
        (lambda table: table.assign(segment="all"), "needs two segments"),
        (lambda table: table.assign(segment=table["customer_id"]), "a segment of its own"),
        (lambda table: table.assign(segment=table["segment"].replace("a", " ")), "80 rows of the DataFrame have no"),
        (lambda table: table.rename(columns={"segment": "group"}), "has no column 'segment'"),
        (lambda table: table.drop(columns="customer_id"), "has no column 'customer_id'"),
        (lambda table: table.head(0), "has no row"),
        (lambda table: table.assign(assigned_on="soon"), "assigned_on is no day for 240 rows"),
    ],
    ids=["unknown customers alone", "duplicated ids", "one segment", "a segment each", "missing labels",
         "no column of labels", "no column of ids", "no rows", "no day"],
)  # fmt: skip
def test_what_cannot_be_audited_is_refused_in_one_sentence(shop, few, change, result):
    table = pd.DataFrame({"customer_id": few.customers["customer_id"], "segment": few.labels})
    with pytest.raises(InputError) as error:
        audit(shop.tx, read_assignment(change(table.reset_index(drop=True))))
    assert result in str(error.value)
    assert str(error.value).endswith(".")


def test_a_cutoff_outside_the_orders_is_refused(shop, few):
    with pytest.raises(InputError, match="lies outside the orders"):
        audit(shop.tx, assigned(few.customers, few.labels), cutoff="2030-01-01")


def test_many_small_cells_explain_nothing_of_a_random_label():
    rng = np.random.default_rng(1)
    labels, cells = rng.integers(5, size=600), rng.integers(200, size=600)
    assert abs(explained_by_cells(labels, cells)) < 0.05
    assert explained_by_cells(labels, labels * 2) == pytest.approx(1.0)


def test_a_label_of_nearly_all_customers_is_not_recovered_by_predicting_it_always():
    rng = np.random.default_rng(2)
    labels = np.where(rng.random(1_000) < 0.95, "most", "few")
    found = recovered(pd.DataFrame({"noise": rng.normal(size=1_000)}), labels)
    assert found.low < 0.1
    assert recovered(pd.DataFrame({"label": (labels == "few") * 1.0}), labels).figure == 1.0


def test_a_curve_of_past_spend_is_no_gain_of_its_quintiles():
    rng = np.random.default_rng(3)
    spend = rng.lognormal(size=2_000)
    value = np.expm1(np.abs(np.log(spend))) * rng.lognormal(0, 0.1, 2_000)
    quintiles = pd.qcut(spend, 5, labels=False)
    assert gain_in_value(spend, quintiles, value, 1.0).figure < 0.01
    label = rng.integers(2, size=2_000)
    assert gain_in_value(spend, label, value * (1 + 9 * label), 1.0).low > 0.1


def test_what_opening_a_file_of_segments_assumed_is_kept(tmp_path):
    (tmp_path / "segments.csv").write_bytes(
        "customer_id,segment\n1,Käufer\n2,Gäste\n3,Gäste\n".encode("cp1252")
    )
    assert "read as Windows-1252" in read_assignment(tmp_path / "segments.csv").assumed[0]
