"""The page as text: what it says and escapes, and how large it is."""

import re
from datetime import date

import numpy as np
import pandas as pd
import pytest
from tests.pages import customers_of

from duramen.analysis.lists import call_list
from duramen.analysis.report_contents import ReportTables
from duramen.errors import InputError
from duramen.report import numbers
from duramen.report.page import _vega, render_page
from duramen.scoring.ranking import rank_core_customers
from duramen.scoring.tiers import DEFAULT_TIERS, Tier, Tiers

HOSTILE = "<img src=x onerror=alert(1)>\"'&</script><script>alert(2)</script>{{ 7 * 7 }}"


def render(**parts):
    return render_page(ReportTables(**parts))


def without_scripts(page: str) -> str:
    return re.sub(r"<script[^>]*>.*?</script>", "", page, flags=re.S)


def plain(page: str) -> str:
    """Strip the markup, so that sentences can be looked for."""
    text = re.sub(r"<style>.*?</style>|<[^>]+>", " ", without_scripts(page), flags=re.S)
    return re.sub(r"\s+", " ", text.replace("\u202f", " ").replace("&#8239;", " "))


@pytest.fixture(scope="module")
def page(parts_of):
    return render(**parts_of())


@pytest.fixture(scope="module")
def full_page(full_parts_of):
    return render(**full_parts_of())


def test_the_headline_counts_the_core(page, parts_of):
    value = parts_of()["ranking"]["predicted_value"].sort_values(ascending=False)
    size = int((value.cumsum() < 0.8 * value.sum()).sum()) + 1
    assert (
        f"{size:,} of 2,000 customers ({size / 20:.1f} %) account for 80 % of the predicted value."
        in plain(page)
    )


def test_the_self_test_answers_what_the_data_knows_and_asks_the_rest(page):
    text = plain(page)
    assert "Is there a stated target customer?" in text
    assert re.search(
        r"[\d.]+ % of the customers account for 80\.0 % of the predicted value and for [\d.]+ % of past", text
    )
    assert "ask the core customers themselves" in text
    assert page.count('class="badge known"') == 3
    assert page.count('class="badge asked"') == 4


def test_rows_in_are_shown_as_used_and_set_aside(page):
    text = plain(page)
    for found in (
        "Used 397,884 73.42 %",
        "Set aside: missing customer id (1,447,682 GBP) 135,080 24.93 %",
        "Set aside: amount not a number 3,720 0.69 %",
        "Read 541,909 100.00 %",
        "completed: 397,884 rows, 8,911,408 GBP, used",
        "cancelled: 3 rows, 28 GBP, not used",
        "accounts for 20% of the lines; where leaves them out",
    ):
        assert found in text


def test_the_head_shows_twenty_customers_with_their_reasons(page, parts_of):
    head = parts_of()["ranking"].head(21)
    assert page.count('class="why"') == 20
    assert all(f">{customer}</th>" in page for customer in head["customer_id"][:20])
    assert f">{head['customer_id'][20]}</th>" not in page
    assert all(reason in page for reason in head["reason_1"][:20])


def test_every_section_is_there_and_the_contents_link_to_each(page):
    linked = re.findall(r'<li><a href="#([\w-]+)"', page)
    assert linked == re.findall(r'<section id="([\w-]+)"', page)
    assert len(linked) == 23


def test_optional_sections_are_shown_and_linked(full_page):
    linked = re.findall(r'<li><a href="#([\w-]+)"', full_page)
    assert linked == re.findall(r'<section id="([\w-]+)"', full_page)
    assert len(linked) == 23
    text = plain(full_page)
    for found in (
        "the largest weight that costs less than",
        "Core in a falling market only",
        "If demand falls by 20 % and customers respond as their purchases show",
        "How the core changes with demand",
        "customers rose between 3 June 2011 and 1 September 2011",
        "9 of the 12 customers just below the core would enter it",
        "With one more purchase day rank",
        "what customers with such a history went on to spend, not the effect of an offer",
        "The strongest 6 of 7 factors",
        "Missing for 80 customers: \u00d70.779 on average.",
        "Here, the core is the smallest set of customers that accounts for 80 % of predicted value, before cost.",
        "This segmentation is 90 days old; 17 % of 1,800 customers would be in another segment today",
        "Transitions between stages",
        "Among 400 customers drawn at random, 400 customers were steady",
        "key customer",
        "largest third by discount share",
    ):
        assert found in text
    assert "nan" not in text.split()


FOLDED = ["market", "portfolio", "price-led", "factors", "audit", "self-test", "data", "made", "words"]


def test_what_is_rarely_needed_is_folded_with_its_title_and_a_sentence(page, full_page):
    for text in (page, full_page):
        folds = re.findall(
            r'<details class="part"><summary><h2 id="h-([\w-]+)">[^<]+</h2><span class="under">[^<]+\.</span>'
            r"</summary>\s*"
            r'<section id="([\w-]+)"',
            text,
        )
        assert [name for name, _ in folds] == [name for _, name in folds] == FOLDED
    assert "<details open" not in full_page


def test_a_long_unit_stands_above_the_table_of_customers_and_not_in_its_heads(full_parts_of):
    parts = full_parts_of(60)
    page = render(**parts | {"unit": "currency units"})
    assert '"predicted_value": "Predicted value"' in page
    assert '"predicted_value": "Predicted value, currency units"' in page  # of one customer, in words
    captions = re.findall("<caption>[^<]*Money is in currency units.</caption>", page)
    assert len(captions) == 2
    short = render(**parts)
    assert '"predicted_value": "Predicted value"' not in short
    assert "<caption>Customers that fit" not in short


def test_the_page_says_that_no_customer_rose_or_is_near_the_core(full_parts_of):
    parts = full_parts_of(300)
    parts |= {name: parts[name].iloc[:0] for name in ("rose", "near_core", "dependence")}
    text = plain(render(**parts))
    assert "No customer rose between 3 June 2011 and 1 September 2011 beyond noise." in text
    assert "No customer just below the core was examined." in text
    assert "How each factor moves" not in text


def test_names_and_thresholds_are_those_of_the_tiers(parts_of):
    tiers = Tiers(
        0.25,
        0.655,
        0.9,
        vip=Tier("gold", "dine with them"),
        main=Tier("silver", "call them"),
        regular=Tier("bronze", "write to them"),
    )
    parts = parts_of()
    parts["ranking"] = rank_core_customers(parts["ranking"].drop(columns=["rank", "tier"]), tiers)
    text = plain(render(**parts, tiers=tiers))
    core = parts["ranking"]["tier"].isin(["gold", "silver"]).sum()
    assert f"{core} of 2,000 customers" in text
    assert "gold and silver are the core, which accounts for 65.5 %." in text
    assert "the fewest customers that account for 65.5 %" in text
    assert (
        "Gold: the fewest customers that account for 25 % of the predicted value. Silver: with them, 65.5 %."
        in text
    )
    assert "Bronze: up to 90 %." in text
    # Simulated outcomes know the default share only, and the page says so.
    assert "Here, the core is the smallest set of customers that accounts for 80 % of predicted value" in text
    assert "falls into the smallest set that accounts for 80 % of the predicted value, before cost," in text
    assert not re.search(r"VIP|\bmain\b|below break-even", text)
    assert all(tier.service in text for tier in tiers.tiers[:-1])


def test_costs_are_stated_wherever_they_count(full_parts_of):
    parts = full_parts_of()
    ranking = rank_core_customers(
        parts["ranking"].drop(columns=["cost_to_serve", "core_in"]),
        cost_to_serve=parts["ranking"]["cost_to_serve"].to_numpy(),
    )
    parts |= {"ranking": ranking, "market": None}
    page = render(**parts)
    text = plain(page)
    core = ranking["tier"].isin(["VIP", "main"])
    below = (ranking["tier"] == "below break-even").sum()
    assert f"{core.sum()} of 2,000 customers ({core.mean():.1%}) account for".replace("%)", " %)") in text
    assert f"{below} customers ({below / 20:.1f} %) are below break-even" in text
    assert "Score after cost, GBP" in text
    assert "Mean cost to serve, GBP" in text
    part = ranking.loc[core, "cost_to_serve"].sum() / ranking["cost_to_serve"].sum()
    assert f"{100 * part:.1f} % of the cost to serve goes to the core." in text
    assert page.count('class="badge known"') == 4
    assert "Below break-even: customers whose predicted value is less than the cost to serve" in text


def test_a_ranking_of_other_tiers_is_refused(parts_of):
    with pytest.raises(InputError, match="are in tiers of other names"):
        render(**parts_of(50), tiers=Tiers(vip=Tier("gold", "dine with them")))


def test_only_customers_whom_people_contact_are_on_the_call_list(full_parts_of):
    tables = ReportTables(**full_parts_of(600))
    called, mailed = tables.lists.call, tables.write_to
    assert min(len(called), len(mailed)) > 10
    assert not called["treatment"].str.startswith(("automated e-mail", "release")).any()
    assert mailed["treatment"].str.startswith("automated e-mail").all()
    both = call_list(tables.ranking)
    assert {*called["customer_id"], *mailed["customer_id"]} == set(both["customer_id"])
    assert len(called) + len(mailed) == len(both)
    text = plain(render_page(tables))
    assert f"Customer {called['customer_id'][0]} (rank {called['rank'][0]:,}): expected loss" in text
    first = text.index(f"The first 10 of {len(mailed)} customers with money at stake")
    assert text.index("Call The first 10 of") < text.index("Write to The first 10 of") < first


def test_lists_of_customers_to_contact_show_when_each_last_bought_and_how_often_they_usually_do(
    full_parts_of,
):
    tables = ReportTables(**full_parts_of(600))
    text = plain(render_page(tables))
    usual = {0: ", the only purchase day", 1: "", 5: ", usually every day", 6: ", usually every 26 days"}
    for table in (tables.lists.call, tables.write_to, tables.lists.win_back):
        for row in table.head(10).itertuples():
            ago = (tables.cutoff - row.last_purchase.date()).days
            gap = usual[tables.details.gaps.loc[row.customer_id, "frequency"]]
            assert f" {numbers.day(row.last_purchase)} {ago} day{'s' * (ago != 1)} ago{gap} " in text


def test_the_page_says_which_lapsed_customers_it_does_not_win_back_and_what_they_lose(full_parts_of):
    parts = full_parts_of(600)
    parts["ranking"]["treatment"] = "release: newsletter only"
    tables = ReportTables(**parts)
    released = tables.lapsed_left_out.set_index("why").loc["released"]
    customers, loss = f"{released['customers']:,.0f}", f"{released['expected_loss']:,.0f}"
    assert (
        f"Win back No customer is on the win-back list. {customers} lapsed customers are not on this list, because "
        f"their treatment is \u201crelease\u201d; expected loss {loss} GBP."
    ) in plain(render_page(tables))


def test_the_page_lists_tiers_segments_stages_and_factors(page):
    text = plain(page)
    for found in (
        "VIP",
        "rising newcomers",
        "lapsed",
        "The history holds one Christmas only",
    ):
        assert found in text
    assert "The history holds one Christmas only" in text
    assert "The model knows only transactions." in text


def test_nothing_is_fetched(page, full_page):
    assert "<script" not in page
    assert "default-src 'none'" in full_page
    page += without_scripts(full_page)
    addresses = set(re.findall(r"https?://[^\s\"'<)]+", page))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    for way_out in ("<script", "<link", "<iframe", "@import", "url(", "src="):
        assert way_out not in page


def test_ids_are_unique_and_drawings_are_described(page):
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    drawings = re.findall(r"<svg [^>]*>", page)
    assert len(drawings) == 13
    assert all('role="img" aria-label="' in drawing or 'class="joint"' in drawing for drawing in drawings)


def test_optional_sections_are_drawn_and_described(full_page):
    ids = re.findall(r'\sid="([^"]+)"', full_page)
    assert len(ids) == len(set(ids))
    drawings = re.findall(r"<svg [^>]*>", without_scripts(full_page))
    # Growth's weight, the market, churn, and moves of segments and of stages in both widths, seven features, and
    # three of the holdout.
    assert len(drawings) == 13 + 5 * 2 + 7 + 3
    assert all('role="img" aria-label="' in drawing or 'class="joint"' in drawing for drawing in drawings)


def test_the_file_is_small(page, full_page):
    assert len(page.encode()) < 250_000
    # Seven stages on both sides, each with customers of every other one; the customers are most of it. Vega, whose size
    # depends on its version, comes on top.
    assert len(full_page.encode()) - len(_vega().encode()) < 602_000


def test_the_same_run_gives_the_same_bytes_whatever_the_order_of_rows(page, parts_of):
    parts = parts_of()
    shuffled = parts["ranking"].sample(frac=1, random_state=3)
    assert render(**parts | {"ranking": shuffled}) == page


@pytest.mark.slow
@pytest.mark.parametrize("maker", ["parts_of", "full_parts_of"])
def test_the_frames_of_the_caller_stay_as_they_were(maker, request):
    parts = request.getfixturevalue(maker)(200)
    frames = {name: part for name, part in parts.items() if isinstance(part, pd.DataFrame)}
    before = {name: frame.copy() for name, frame in frames.items()}
    render(**parts)
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(frame, before[name])


@pytest.mark.slow
def test_text_from_the_data_is_escaped_everywhere(full_parts_of):
    parts = full_parts_of(400)
    parts["tiers"] = Tiers(
        **{
            name: Tier(getattr(DEFAULT_TIERS, name).name + HOSTILE, HOSTILE)
            for name in ("vip", "main", "rising", "regular", "small", "below_break_even")
        }
    )
    parts["near_core"][["tier", "new_tier", "sentence"]] += HOSTILE
    for name in ("near_core", "rose"):
        parts[name]["customer_id"] = parts[name]["customer_id"].astype(str) + HOSTILE
    parts["dependence"]["part"] += HOSTILE
    for column in ("customer_id", "tier", "lifecycle_stage", "reason_1"):
        parts["ranking"][column] = parts["ranking"][column].astype(str) + HOSTILE
    parts["segments"]["segment"] += HOSTILE
    parts["segments"]["rule"] += HOSTILE
    parts["importance"]["feature"] += HOSTILE
    parts["scorecard"]["model"] += HOSTILE
    parts["summary"].set_aside = {HOSTILE: 144_025}
    for name in ("title", "unit", "model_version"):
        parts[name] = HOSTILE
    parts["notes"] = [HOSTILE]
    page = render(**parts)
    assert len(re.findall(r"<script[ >]", page)) == page.count("</script>") == 4
    assert "alert(2)" not in " ".join(re.findall(r"<script>.*?</script>", page, flags=re.S))
    assert customers_of(page)["columns"]["customer_id"][0].endswith(HOSTILE)
    page = without_scripts(page)
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "{{ 7 * 7 }}" in page


def test_three_customers_are_enough(parts_of):
    text = plain(render(**parts_of(3)))
    assert "of 3 customers" in text
    assert "The first 3 of 3 customers." in text


def test_a_million_customers_make_no_larger_page(parts_of):
    small = parts_of(2_000)
    ranking = pd.concat([small["ranking"]] * 500, ignore_index=True)
    ranking["customer_id"] = np.arange(len(ranking))
    ranking["rank"] = np.arange(1, len(ranking) + 1)
    page = render(**small | {"ranking": ranking, "past_value": None})
    assert "of 1,000,000 customers" in plain(page)
    assert len(page.encode()) < 250_000


def test_without_value_no_core_is_named_and_nothing_is_divided_by_it(parts_of):
    parts = parts_of(10)
    parts["ranking"][["predicted_value", "predicted_value_low", "predicted_value_high", "score"]] = 0.0
    text = plain(render(**parts))
    assert "No core can be named: the predicted value of all 10 customers is not above zero." in text
    assert "No curve can be drawn" in text
    assert "nan" not in text.split()


def test_the_page_says_which_tables_are_missing(parts_of):
    parts = parts_of(30)
    for name in ("scorecard", "importance", "segments"):
        parts[name] = parts[name].iloc[:0]
    parts |= {"notes": [], "past_value": None}
    parts["ranking"][["reason_2", "reason_3"]] = None
    text = plain(render(**parts))
    for found in (
        "No scorecard was made",
        "No factors were computed",
        "No segments were formed",
    ):
        assert found in text
    assert "past revenue" not in text
    assert "None" not in text.split()


def test_rows_that_do_not_add_up_are_refused(parts_of):
    parts = parts_of(5)
    parts["summary"].rows_used = 1
    with pytest.raises(ValueError, match="differ from rows used and rows set aside by 397883"):
        render(**parts)


def test_an_empty_ranking_is_refused(parts_of):
    parts = parts_of(5)
    with pytest.raises(ValueError, match="no rows"):
        render(**parts | {"ranking": parts["ranking"].iloc[:0]})


def test_the_horizon_ends_the_day_before_it_is_over(parts_of):
    text = plain(render(**parts_of(5, cutoff=date(2024, 2, 1), horizon_days=29)))
    assert "1 February 2024 to 29 February 2024 (29 days)" in text
