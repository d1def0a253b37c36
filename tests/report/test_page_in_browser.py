"""The page as a browser shows it: alone, offline, with and without scripts, on a phone, on a desk, in the dark."""

import pytest
from playwright.sync_api import sync_playwright

from duramen.analysis.report_contents import ReportTables
from duramen.report.page import render_page

FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--no-first-run"),
)
SECTIONS = [
    "What happened and what to do", "Who is core", "One customer", "Lists ready for use",
    "How concentrated the value is", "Value and growth", "Tiers", "What to do for whom", "Segments", "Life cycle",
    "Churn by segment", "Market scenarios", "Portfolio", "Price-led and full-price buyers", "Why revenue changed",
    "How good the forecast is", "What drives the forecast", "Segmentation audit", "Self-test", "The data",
    "How it was made", "Next month", "Glossary",
]  # fmt: skip
# Opens all that is folded, so that it is looked at too.
OPEN = "document.querySelectorAll('details').forEach(part => { part.open = true; })"
# Contrast of every text with the nearest painted background, by the formula of WCAG 2.
FAINT = """() => {
  const rgb = colour => colour.match(/[\\d.]+/g).map(Number);
  const light = colour => {
    const linear = v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = rgb(colour).map(v => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = element => {
    for (let e = element; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor, parts = rgb(colour);
      if (parts.length < 4 || parts[3] > 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const seen = [], faint = [];
  for (const element of document.body.querySelectorAll("*")) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.getClientRects().length) continue;
    const style = getComputedStyle(element);
    const ink = element instanceof SVGElement ? style.fill : style.color;
    const [a, b] = [light(ink), light(ground(element))].sort((x, y) => y - x);
    seen.push(ink);
    if ((a + 0.05) / (b + 0.05) < 4.5) faint.push([element.textContent.trim(), ink, ground(element)]);
  }
  return {seen: seen.length, faint};
}"""


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="module", params=["parts_of", "full_parts_of"])
def made(request):
    """Name the maker of the run: with what every run hands over, or with every part that can be."""
    return request.param


@pytest.fixture(scope="module")
def address(tmp_path_factory, made, request):
    parts = request.getfixturevalue(made)()
    long = "<b onmouseover=alert(1)>" + "a-customer-with-a-very-long-name" * 4
    parts["ranking"]["customer_id"] = parts["ranking"]["customer_id"].astype(str)
    parts["ranking"].loc[0, "customer_id"] = long
    parts["past_value"].index = parts["ranking"]["customer_id"]
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render_page(ReportTables(**parts)), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def opened(chromium, address):
    """Give a function that opens the page; what the page asked for and complained of is kept on it."""
    contexts = []

    def open_page(width=1280, *, opened=True, **options):
        context = chromium.new_context(viewport={"width": width, "height": 900}, offline=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.requested, page.complaints = [], []
        page.on("request", lambda request: page.requested.append(request.url))
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.goto(address)
        if opened and options.get("java_script_enabled", True):
            page.evaluate(OPEN)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.slow
def test_it_opens_offline_and_asks_for_nothing_but_itself(opened, address):
    page = opened()
    page.wait_for_load_state("networkidle")
    assert page.requested == [address]
    assert page.complaints == []


def test_all_sections_are_shown_without_javascript(opened, made):
    page = opened(java_script_enabled=False)
    assert page.locator("h2 >> visible=true").all_inner_texts()[1:] == SECTIONS[1:]
    # Each folded section opens by its title.
    for title in page.locator(".part > summary").all():
        title.click()
    # Growth's weight, the market, churn, moves of segments and of stages, and three of the holdout; those of single
    # factors are folded away inside of theirs.
    assert page.locator("svg[role=img] >> visible=true").count() == (6 if made == "parts_of" else 6 + 5 + 3)
    assert page.locator("#core tbody tr:not(.why) >> visible=true").count() == 20


@pytest.mark.slow
@pytest.mark.parametrize("width", [320, 390, 640, 801, 1100, 1280])
def test_nothing_is_wider_than_the_screen(opened, width):
    page = opened(width)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    assert page.evaluate(
        "[...document.querySelectorAll('.scroll')].every(e => e.scrollWidth <= e.clientWidth)"
    )


def test_a_phone_gets_the_narrow_drawings_and_the_desk_the_wide_ones(opened):
    for width, shown, hidden in [(390, ".narrow", ".wide"), (1280, ".wide", ".narrow")]:
        page = opened(width)
        assert page.locator(f"{shown} svg").first.is_visible()
        assert not page.locator(f"{hidden} svg").first.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_every_text_stands_out_from_its_ground(opened, scheme, width):
    found = opened(width, color_scheme=scheme).evaluate(FAINT)
    assert found["seen"] > 300
    assert found["faint"] == []


def test_dark_is_dark_and_paper_is_white(opened):
    page = opened(color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(24, 20, 17)"
    page.emulate_media(media="print")
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    assert not page.locator("nav").is_visible()


def test_a_hostile_name_is_text_and_nothing_else(opened):
    page = opened()
    assert page.locator("main b[onmouseover]").count() == 0
    assert page.get_by_text("<b onmouseover=alert(1)>").count() >= 1


def test_every_table_has_heads_and_every_drawing_a_description(opened):
    page = opened()
    for table in page.locator("table").all():
        assert table.locator("thead th[scope=col]").count() >= 3
        assert table.locator("th[scope=row]").count() >= 1
    for drawing in page.locator("svg[role=img]").all():
        assert len(drawing.get_attribute("aria-label")) > 40


def test_figures_are_set_in_columns(opened):
    page = opened()
    styles = page.evaluate(
        """[...document.querySelectorAll("#core tbody .n, #tiers tbody .n")].map(e => {
             const style = getComputedStyle(e);
             return style.textAlign + " " + style.fontVariantNumeric;
           })"""
    )
    assert set(styles) == {"right lining-nums tabular-nums"}


FOLDED = ["market", "portfolio", "price-led", "factors", "audit", "self-test", "data", "made", "words"]


@pytest.mark.parametrize("scripts", [True, False])
def test_a_folded_section_opens_by_its_link_in_the_contents(opened, scripts):
    page = opened(opened=False, java_script_enabled=scripts)
    for name in FOLDED:
        assert not page.locator(f"#{name} > *").first.is_visible()
        page.locator(f"nav a[href='#{name}']").click()
        page.locator(f"#{name} > *").first.wait_for()
        assert page.locator(f"#h-{name}").is_visible()


def test_what_is_folded_is_printed(opened):
    page = opened(opened=False, java_script_enabled=False)
    page.emulate_media(media="print")
    for name in FOLDED:
        assert page.locator(f"#{name} > *").first.bounding_box()["height"] > 0


def test_the_page_is_shorter_than_with_all_that_is_in_it(opened):
    page = opened(opened=False)
    short = page.evaluate("document.documentElement.scrollHeight")
    page.evaluate(OPEN)
    assert short < 0.85 * page.evaluate("document.documentElement.scrollHeight")


def test_the_contents_fit_a_low_window_and_mark_what_is_read(opened, made):
    page = opened(opened=False)
    page.set_viewport_size({"width": 1280, "height": 500})
    page.evaluate("document.documentElement.style.scrollBehavior = 'auto'")
    page.evaluate("document.getElementById('tiers').scrollIntoView()")
    page.wait_for_timeout(200)
    box = page.locator("nav ol").bounding_box()
    assert box["y"] + box["height"] <= 501
    assert page.locator("nav ol").evaluate("e => e.scrollHeight > e.clientHeight")
    if made == "full_parts_of":  # a page without customers has no script
        assert page.locator("nav [aria-current]").all_inner_texts() == ["Tiers"]
        assert page.locator("nav [aria-current]").bounding_box()["y"] < 500
        page.evaluate("scrollTo(0, 1e6)")
        page.wait_for_timeout(200)
        assert page.locator("nav [aria-current]").all_inner_texts() == ["Glossary"]


def test_nothing_touches_the_table_above_it(opened):
    close = """() => [...document.querySelectorAll("main :is(table, .scroll, ul, .columns)")].flatMap(above => {
      const below = above.nextElementSibling;
      if (!below || !above.offsetHeight || !below.offsetHeight) return [];
      const gap = below.getBoundingClientRect().top - above.getBoundingClientRect().bottom;
      return gap < 8 ? [[above.outerHTML.slice(0, 60), below.textContent.slice(0, 40), gap]] : [];
    })"""
    for width in (400, 1280):
        assert opened(width).evaluate(close) == []
