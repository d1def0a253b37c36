"""The customers of the page in a real browser: searched, sorted, filtered, selected, saved and looked at one by one."""

import csv
import io
import re
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import expect, sync_playwright

from duramen.analysis.report_contents import ReportTables
from duramen.io.files import FORMULA_STARTS
from duramen.language import using_language
from duramen.report.customer_data import MOST_CUSTOMERS
from duramen.report.page import render_page

pytestmark = pytest.mark.slow

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
HOSTILE = [
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "\"quoted\" and 'quoted', with a comma",
    "\U0001f469\u200d\U0001f680 and \U0001f6d2",
    "\u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd",
    "w" * 500,
    "&amp;lt; </script><!-- <script>",
    "@sum(1)",
]


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def parts(full_parts_of):
    parts = full_parts_of(600)
    ids = parts["ranking"]["customer_id"].astype(str).tolist()
    names = dict(zip(ids, HOSTILE, strict=False))
    renamed = parts["ranking"]["customer_id"].astype(str).replace(names)
    parts["ranking"] = parts["ranking"].assign(customer_id=renamed)
    details = parts["details"]
    for name in ("months", "what_if"):
        table = getattr(details, name)
        table["customer_id"] = table["customer_id"].astype(str).replace(names)
    for name in ("factors", "groups"):
        getattr(details, name).index = pd.Index(renamed, name="customer_id")
    parts["rose"] = parts["rose"].assign(customer_id=parts["rose"]["customer_id"].astype(str).replace(names))
    parts["past_value"] = None
    return parts


@pytest.fixture(scope="module")
def address(parts, tmp_path_factory):
    path = tmp_path_factory.mktemp("customers") / "report.html"
    path.write_text(render_page(ReportTables(**parts)), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def opened(chromium, address):
    """Give a function that opens the page and waits for its customers."""
    contexts = []

    def open_page(width=1280, at=address, **options):
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, offline=True, accept_downloads=True, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.requested, page.complaints = [], []
        page.on("request", lambda request: page.requested.append(request.url))
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(at)
        page.wait_for_selector("html[data-ready]", state="attached")
        # What is folded is looked at too.
        page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")
        return page

    yield open_page
    for context in contexts:
        context.close()


def shown(page, name="customer_id"):
    """Return the entries of a column of the table, as they are read."""
    cell = "th.who" if name == "customer_id" else f"td[data-name={name}]"
    return [text.strip() for text in page.locator(f"#customer-rows {cell}").all_inner_texts()]


def found(page):
    return int(page.locator("#customer-status").inner_text().split(" of ")[0].replace(",", ""))


def saved(page, button):
    with page.expect_download() as waiting:
        page.click(button)
    return waiting.value


def test_nothing_is_asked_for_and_nothing_goes_wrong(opened, address):
    page = opened()
    page.wait_for_selector("#customer-view svg")
    assert page.requested == [address]
    assert page.complaints == []


def test_the_first_customers_are_those_of_the_ranking_and_every_name_is_text(opened, parts):
    page = opened()
    assert shown(page) == [" ".join(name.split()) for name in parts["ranking"]["customer_id"].head(25)]
    assert page.locator("#customer-rows script, #customer-view script").count() == 0
    assert page.complaints == []


def test_search_looks_at_names_reasons_and_treatments(opened, parts):
    page = opened()
    page.fill("#customer-search", "=CMD")
    assert shown(page) == [HOSTILE[1]]
    wanted = str(parts["ranking"]["treatment"].iloc[-1])
    page.fill("#customer-search", wanted.upper())
    assert found(page) == (parts["ranking"]["treatment"] == wanted).sum()
    page.fill("#customer-search", "no customer is called so")
    assert found(page) == 0
    expect(page.locator("#no-customer")).to_be_visible()
    assert page.locator("#save-csv").is_disabled()


def test_columns_sort_both_ways_and_say_so(opened, parts):
    page = opened()
    growth = page.locator("#customer-heads [data-name=growth_rate]")
    growth.locator("button").click()
    assert growth.get_attribute("aria-sort") == "descending"
    highest = (
        parts["ranking"].sort_values("growth_rate", ascending=False, kind="stable")["customer_id"].iloc[0]
    )
    assert shown(page)[0] == " ".join(highest.split())
    growth.locator("button").click()
    assert growth.get_attribute("aria-sort") == "ascending"
    lowest = parts["ranking"].sort_values("growth_rate", kind="stable")["customer_id"].iloc[0]
    assert shown(page)[0] == " ".join(lowest.split())


@pytest.mark.parametrize("name", ["tier", "lifecycle_stage", "segment", "quadrant", "treatment", "country"])
def test_filters_leave_the_customers_of_a_group(opened, parts, name):
    page = opened()
    groups = parts["details"].groups
    column = parts["ranking"][name].astype(str) if name in parts["ranking"] else groups[name]
    chosen = column.dropna().iloc[-1]
    label = chosen[:1].upper() + chosen[1:]
    page.select_option(f"#filter-{name}", label=label)
    assert found(page) == (column == chosen).sum()
    page.click("#customer-clear")
    assert found(page) == len(parts["ranking"])


def lists_of(parts):
    tables = ReportTables(**parts)
    return {
        "Call": tables.lists.call, "Write to": tables.write_to, "Win back": tables.lists.win_back,
        "Below break-even": tables.lists.below_break_even, "Customers who rose": tables.rose,
    }  # fmt: skip


@pytest.mark.parametrize("name", ["Call", "Write to", "Win back", "Below break-even", "Customers who rose"])
def test_each_list_is_shown_whole_in_the_table_in_its_order_and_saved_with_its_name(opened, parts, name):
    page, expected = opened(), lists_of(parts)[name]
    page.fill("#customer-search", "something else")
    page.locator("#lists h3", has_text=name).first.locator(
        f"xpath=following::button[.='Show all {len(expected)} in the table'][1]"
    ).click()
    assert found(page) == len(expected)
    assert page.locator("#filter-list option:checked").inner_text() == name
    table = list(csv.DictReader(io.StringIO(open_text(saved(page, "#save-csv")))))
    assert {row["customer_id"].removeprefix("'") for row in table} == {*expected["customer_id"]}
    assert all(name in row["list"].split("; ") for row in table)
    if "expected_loss" in expected:
        losses = [float(row["expected_loss"]) for row in table]
        assert losses == sorted(losses, reverse=True)
        assert losses == pytest.approx(expected["expected_loss"].tolist(), abs=0.006, rel=0.01)
        first = page.locator("#lists h3", has_text=name).first.locator(
            "xpath=following::table[1]/tbody/tr[1]"
        )
        amount = first.locator("td").nth(3).inner_text()
        assert page.locator("#customer-order").input_value() == "expected_loss"
        assert float(shown(page, "expected_loss")[0].replace(",", "")) == pytest.approx(
            float(amount.replace(",", "")), abs=0.5
        )
    else:
        ranks = [int(row["rank"]) for row in table]
        assert ranks == sorted(ranks, reverse=name == "Below break-even")


def test_the_expected_loss_follows_from_the_other_columns_of_the_file(opened):
    page = opened()
    table = pd.read_csv(io.StringIO(open_text(saved(page, "#save-csv"))))
    kept = np.minimum(table["predicted_value"] / table["probability_active"], table["past_value"])
    kept = np.maximum(kept - table["cost_to_serve"], 0)
    expected = (1 - table["probability_active"]) * kept
    assert table["expected_loss"].tolist() == pytest.approx(expected.tolist(), abs=0.02, rel=0.01)


def test_a_customer_on_two_lists_is_found_under_both(opened, parts):
    called, rose = (set(lists_of(parts)[name]["customer_id"]) for name in ("Call", "Customers who rose"))
    (wanted, *_) = sorted(called & rose)
    page = opened()
    for name in ("Call", "Customers who rose"):
        page.select_option("#filter-list", label=name)
        page.fill("#customer-search", wanted)
        assert wanted in shown(page)
    page.click("#customer-clear")
    assert found(page) == len(parts["ranking"])
    assert page.locator("#customer-order").input_value() == "rank"


def test_a_list_that_is_chosen_is_in_its_own_order(opened, parts):
    page, expected = opened(), lists_of(parts)["Call"]
    page.select_option("#filter-list", label="Call")
    assert page.locator("#customer-order").input_value() == "expected_loss"
    assert shown(page) == [" ".join(name.split()) for name in expected["customer_id"].head(25)]
    page.select_option("#filter-list", value="")
    assert shown(page)[0] == " ".join(parts["ranking"]["customer_id"].iloc[0].split())


def test_pages_turn(opened, parts):
    page = opened()
    page.click("#customer-next")
    assert shown(page)[0] == parts["ranking"]["customer_id"].iloc[25]
    page.click("#customer-before")
    assert page.locator("#customer-before").is_disabled()


def test_selected_customers_are_saved_as_csv(opened, parts):
    page = opened()
    for row in (1, 3):
        page.locator("#customer-rows input[type=checkbox]").nth(row).check()
    assert page.locator("#save-csv").inner_text() == "Save 2 selected as CSV"
    text = open_text(saved(page, "#save-csv"))
    table = list(csv.DictReader(io.StringIO(text)))
    assert [row["customer_id"] for row in table] == ["'" + HOSTILE[1], HOSTILE[3]]
    ranking = parts["ranking"].iloc[[1, 3]]
    assert [float(row["predicted_value"]) for row in table] == pytest.approx(
        ranking["predicted_value"], abs=1e-4
    )
    assert [row["reason_1"] for row in table] == ranking["reason_1"].tolist()
    assert table[0]["tier"] == ranking["tier"].iloc[0]
    assert [row["last_purchase"] for row in table] == ranking["last_purchase"].dt.strftime(
        "%Y-%m-%d"
    ).tolist()


def test_as_many_are_saved_as_are_wanted_from_the_top_of_what_is_shown(opened, parts):
    page = opened()
    page.locator("#customer-heads [data-name=expected_loss] button").click()
    top = shown(page)[:7]
    page.fill("#save-first", "7")
    assert page.locator("#save-csv").inner_text() == "Save 7 as CSV"
    assert page.locator("#save-xlsx").inner_text() == "Save 7 as XLSX"
    table = list(csv.DictReader(io.StringIO(open_text(saved(page, "#save-csv")))))
    assert [" ".join(row["customer_id"].removeprefix("'").split()) for row in table] == top
    for place in range(9):
        page.locator("#customer-rows input[type=checkbox]").nth(place).check()
    page.fill("#save-first", "3")
    assert page.locator("#save-csv").inner_text() == "Save 3 selected as CSV"
    table = list(csv.DictReader(io.StringIO(open_text(saved(page, "#save-csv")))))
    assert [" ".join(row["customer_id"].removeprefix("'").split()) for row in table] == top[:3]
    page.fill("#save-first", "1000000")
    assert page.locator("#save-csv").inner_text() == "Save 9 selected as CSV"
    page.fill("#save-first", "0")
    assert page.locator("#save-csv").is_disabled()
    page.click("#customer-clear")
    assert page.locator("#save-csv").inner_text() == f"Save {len(parts['ranking'])} as CSV"


def open_text(download):
    return Path(download.path()).read_text(encoding="utf-8-sig")


def test_no_cell_of_the_csv_is_a_formula(opened):
    page = opened()
    for row in csv.reader(io.StringIO(open_text(saved(page, "#save-csv")))):
        for cell in row:
            assert not cell.startswith(FORMULA_STARTS) or is_number(cell)


def is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True


def test_filtered_customers_are_saved_as_a_workbook_with_text_as_text(opened, parts):
    from python_calamine import CalamineWorkbook

    page = opened()
    page.fill("#customer-search", "")
    workbook = CalamineWorkbook.from_path(str(saved(page, "#save-xlsx").path()))
    rows = workbook.get_sheet_by_name("customers").to_python()
    assert rows[0][0] == "customer_id"
    ids = [row[0] for row in rows[1:]]
    assert ids == parts["ranking"]["customer_id"].tolist()
    values = [row[rows[0].index("predicted_value")] for row in rows[1:]]
    assert values == pytest.approx(parts["ranking"]["predicted_value"].tolist(), abs=1e-4)


def test_select_all_takes_those_that_fit(opened, parts):
    page = opened()
    page.select_option("#filter-country", label="Japan")
    page.locator("#customer-heads input").check()
    page.select_option("#filter-country", value="")
    japan = (parts["details"].groups["country"] == "Japan").sum()
    assert page.locator("#save-csv").inner_text() == f"Save {japan} selected as CSV"


def test_one_customer_has_purchases_factors_forecast_and_treatment(opened, parts):
    page = opened()
    page.locator("#customer-rows button.link").nth(2).click()
    view = page.locator("#customer-view")
    row = parts["ranking"].iloc[2]
    assert view.locator("h3").inner_text() == HOSTILE[2]
    assert view.locator(".act").inner_text().lower() == row["treatment"].lower()
    assert row["reason_1"][1:] in view.inner_text()
    assert "ne more purchase of" in view.inner_text()
    last = view.locator("dl.facts div", has_text="Last purchase").locator("dd").inner_text()
    assert last.replace("\u00a0", " ") == f"{row['last_purchase']:%-d %B %Y}"
    view.locator("svg").nth(2).wait_for()
    texts = " ".join(view.locator("svg text").all_text_contents())
    for words in ("typical active customer", "predicted value", "at the past rate"):
        assert words in texts
    assert page.complaints == []


def test_a_customer_whose_stage_is_not_typical_of_the_segment_is_said_to_differ(opened, parts, tmp_path):
    lapsed = parts["ranking"]["lifecycle_stage"] == "lapsed"
    ranking = parts["ranking"].assign(segment="1 active frequent buyers, high spend")
    path = tmp_path / "report.html"
    path.write_text(render_page(ReportTables(**parts | {"ranking": ranking})), encoding="utf-8")
    page = opened(at=path.as_uri())
    for differs in (True, False):
        page.locator("#customer-choice").fill(str(ranking.loc[lapsed == differs, "customer_id"].iloc[-1]))
        page.locator("#customer-find button").click()
        row = page.locator("#customer-view dl.facts div", has_text="Segment (typical of the group)")
        assert row.locator("dd").inner_text() == "1 active frequent buyers, high spend" + (
            "; this customer differs: lapsed" if differs else ""
        )


def test_the_title_of_the_forecast_names_the_values_that_are_drawn(opened, parts):
    page = opened()
    for place in (0, 3, 20):
        page.locator("#customer-rows button.link").nth(place).click()
        figure = page.locator("#customer-view figure").filter(has_text="at the past rate").first
        title = figure.locator("figcaption b").inner_text()
        row = parts["ranking"].iloc[place]
        alike = round(row["predicted_value"]) == round(row["past_value"])
        above = row["predicted_value"] > row["past_value"]
        assert (" is equal to the " if alike else " above " if above else " below ") in title
        chance, each = row["probability_active"], row["predicted_value"] / row["probability_active"]
        assert f"if this customer buys, {each:,.0f} GBP are expected." in figure.inner_text()
        assert f"Probability of a purchase {chance:.0%}".replace("%", "\u202f%") in figure.inner_text()
        figure.locator("svg").wait_for()
        drawn = figure.locator("svg text").all_text_contents()
        assert all(amount in drawn for amount in re.findall(r"[\d,.]*\d", title))


def test_a_customer_is_found_by_name_or_part_of_it(opened, parts):
    page = opened()
    wanted = str(parts["ranking"]["customer_id"].iloc[100])
    page.fill("#customer-choice", wanted)
    page.click("#customer-find button")
    assert page.locator("#customer-view h3").inner_text() == wanted
    page.fill("#customer-choice", "nobody")
    page.click("#customer-find button")
    expect(page.locator("#not-found")).to_be_visible()


def test_a_customer_of_a_list_opens(opened):
    page = opened()
    link = page.locator("#lists [data-customer] button").first
    name = link.inner_text()
    link.click()
    assert page.locator("#customer-view h3").inner_text() == name


def test_a_drawing_of_a_customer_is_described_by_its_title_alone(opened):
    page = opened()
    page.wait_for_selector("#customer-view svg")
    for figure in page.locator("#customer-view figure").all():
        image = figure.get_by_role("img")
        assert image.count() == 1
        assert image.get_attribute("aria-label") == figure.locator("figcaption b").inner_text()
    spoken = page.locator("#customer-view figure").first.aria_snapshot()
    assert "Vega" not in spoken
    assert "axis" not in spoken
    assert page.locator("#customer-view [aria-label*='axis']").count() == 0


def test_the_colours_of_the_factors_are_explained(opened):
    page = opened()
    page.wait_for_selector("#customer-view svg")
    assert (
        "a reddish bar raises the value, a grey one lowers it" in page.locator("#customer-view").inner_text()
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280, 1920])
def test_axe_finds_nothing_serious(opened, width, scheme):
    page = opened(width, color_scheme=scheme)
    page.wait_for_selector("#customer-view svg")
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    serious = [
        (rule["id"], rule["nodes"][0]["html"][:200], rule["nodes"][0]["failureSummary"][:200])
        for rule in result["violations"]
        if rule["impact"] in ("serious", "critical")
    ]
    assert serious == []


@pytest.mark.parametrize("width", [320, 400, 801, 1000, 1280, 1920])
def test_the_page_is_no_wider_than_the_screen_with_any_font(opened, width):
    page = opened(width)
    page.wait_for_selector("#customer-view svg")
    for font in ("DejaVu Sans", "Liberation Sans", "Noto Sans CJK SC"):
        page.add_style_tag(content=f":root {{ --sans: '{font}'; --serif: '{font}'; }}")
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width, font


@pytest.mark.parametrize("width", [400, 1280])
def test_in_chinese_no_date_and_no_head_of_a_column_is_divided(opened, parts, tmp_path, width):
    path = tmp_path / "report.html"
    with using_language("zh"):
        path.write_text(render_page(ReportTables(**parts)), encoding="utf-8")
    page = opened(width, at=path.as_uri())
    page.wait_for_selector("#customer-view svg")
    words = page.evaluate(
        r"""() => {
          const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          for (let node = walker.nextNode(); node; node = walker.nextNode()) {
            const parent = node.parentElement;
            // On a phone the heads of most tables are only read aloud.
            const head = parent.closest("thead");
            if (parent.closest("script, style, svg, option") || head && head.clientWidth < 2) continue;
            const whole = head ? /[\u4e00-\u9fff]+/g : /\d{4}年\d{1,2}月\d{1,2}日/g;
            for (const word of node.data.matchAll(whole)) {
              const range = document.createRange();
              range.setStart(node, word.index);
              range.setEnd(node, word.index + word[0].length);
              found.push([word[0], new Set([...range.getClientRects()].map(part => Math.round(part.top))).size]);
            }
          }
          return found;
        }"""
    )
    assert sum("年" in word for word, _ in words) > 10
    assert [word for word, lines in words if lines > 1] == []
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [801, 1280, 1440])
def test_the_table_fits_where_the_unit_of_money_is_long_and_amounts_are_large(opened, parts, tmp_path, width):
    money = ["score", "predicted_value", "predicted_value_low", "predicted_value_high", "past_value"]
    ranking = parts["ranking"].assign(**{name: 100 * parts["ranking"][name] for name in money})
    path = tmp_path / "report.html"
    tables = ReportTables(**parts | {"ranking": ranking, "unit": "currency units"})
    path.write_text(render_page(tables), encoding="utf-8")
    page = opened(width, at=path.as_uri())
    table = page.locator(".scroll:has(.all-customers)")
    assert table.evaluate("e => e.scrollWidth - e.clientWidth") <= 0


@pytest.mark.parametrize("font", ["DejaVu Sans", "Liberation Sans", "Noto Sans CJK SC"])
@pytest.mark.parametrize("width", [400, 1280])
def test_no_label_of_a_chart_is_cut(opened, width, font):
    page = opened(width)
    page.add_style_tag(
        content=f":root {{ --sans: '{font}'; }} svg text {{ font-family: '{font}' !important; }}"
    )
    outside = page.evaluate(
        """() => {
          const cut = [];
          for (const text of document.querySelectorAll("figure svg[role=img] text")) {
            const box = text.getBoundingClientRect();
            if (!box.width) continue;
            if (box.left < -1 || box.right > document.documentElement.clientWidth + 1) cut.push(text.textContent);
            if (text.textContent.includes("\\u2026") && text.textContent.length < 20) cut.push(text.textContent);
          }
          return cut;
        }"""
    )
    assert outside == []


def test_paper_has_the_first_customers_and_no_tools(opened):
    page = opened()
    page.emulate_media(media="print")
    assert page.locator("#core .ranking").is_visible()
    assert not page.locator("#customer-search").is_visible()
    assert page.pdf().startswith(b"%PDF")


def test_25_000_customers_stay_below_5_mb(opened, full_parts_of, tmp_path):
    parts = full_parts_of(MOST_CUSTOMERS)
    rng = np.random.default_rng(0)
    ranking = parts["ranking"]
    # Reasons that differ from customer to customer, as real ones do.
    for name in ("reason_1", "reason_2", "reason_3"):
        days, money = rng.integers(1, 200, len(ranking)), rng.lognormal(5, 1, len(ranking))
        ranking[name] = [
            f"{a} purchase days (typical active customer 6.3), {b:,.2f} USD to date: {b / 30:.1f} times the value"
            for a, b in zip(days, money, strict=True)
        ]
    path = tmp_path / "large.html"
    path.write_text(render_page(ReportTables(**parts)), encoding="utf-8")
    assert path.stat().st_size < 5_000_000
    page = opened(at=path.as_uri())
    assert found(page) == MOST_CUSTOMERS
