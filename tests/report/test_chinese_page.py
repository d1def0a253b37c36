"""The pages in Chinese: no English sentence is left in them, and names of the user's own stay as they are."""

import html
import re
from datetime import date

import pandas as pd
import pytest

from duramen.analysis.assignment import read_assignment
from duramen.analysis.report_contents import ReportTables
from duramen.analysis.segmentation_audit import audit
from duramen.language import using_language
from duramen.report.audit import render_audit
from duramen.report.charts import to_svg
from duramen.report.dependence import dependence_section
from duramen.report.numbers import chosen, day, factor, per_cent, share, spaced
from duramen.report.page import render_page
from duramen.report.page_texts import folded, heads, texts, titles
from duramen.report.quality import deciles_chart

# Names that Chinese analysts write in Latin letters, and names of commands, files and settings.
NAMES = (
    "duramen lists", "duramen audit", "duramen score", "duramen monitor", "duramen", "LightGBM", "BTYD", "gamma-gamma",
    "Spearman", "Brier", "SHAP", "Pareto", "Buy till you die",
    "MAE", "AUC", "RFM", "VIP", "GBP", "USD", "CSV", "XLSX", "NBD", "HDBSCAN", "k-means", "JavaScript", "EWMA",
    "demand_change", "market.response", "cost_to_serve",
    "acquisition_cost", "complete_history", "win_back_or_release.csv", "customers.csv",
)  # fmt: skip
LATIN = re.compile(r"[A-Za-z]{3,}[^\u4e00-\u9fff]{0,40}")


def visible(page: str) -> str:
    """Return what readers see or hear: text, descriptions of drawings, and heads of cells on phones."""
    body = page[page.index("<body") :]
    body = re.sub(r"<(script|style|code)\b.*?</\1>", " ", body, flags=re.DOTALL)
    said = re.findall(r'(?:aria-label|data-is)="([^"]*)"', body)
    return html.unescape(" | ".join([re.sub(r"<[^>]*>", " | ", body), *said]))


def own_texts(parts: dict[str, object]) -> set[str]:
    """Return the texts of the made-up run that stand in for names and sentences of the user's data."""
    ranking, segments, summary = parts["ranking"], parts["segments"], parts["summary"]
    found = {parts["title"], *parts["notes"], *summary.assumed, *summary.can_fit, *summary.set_aside}
    found |= {status.status for status in summary.statuses}
    for name in ("reason_1", "reason_2", "reason_3"):
        found |= set(ranking[name])
    for name in ("name", "rule", "treatment"):
        found |= set(segments[name])
    # Drawings write a name over several lines.
    found |= {word for name in segments["name"] for word in name.split()}
    if "near_core" in parts:
        found |= set(parts["near_core"]["sentence"])
    if "segmentation" in parts:
        found |= {parts["segmentation"].information}
    if "details" in parts:
        found |= set(parts["details"].what_if["sentence"])
    return {str(text) for text in found}


def english_left(page: str, own: set[str] = frozenset()) -> list[str]:
    """Return the runs of Latin letters that are no names."""
    text = visible(page)
    for word in sorted({*own, *(word[:1].upper() + word[1:] for word in own)}, key=len, reverse=True):
        for written in (word, word.replace("`", ""), spaced(word)):
            text = text.replace(written, "")
    for name in NAMES:
        text = text.replace(name, "")
    return LATIN.findall(text)


def test_no_english_is_left_in_a_report_without_optional_parts(parts_of):
    with using_language("zh"):
        parts = parts_of(400)
        page = render_page(ReportTables(**parts))
        assert english_left(page, own_texts(parts)) == []
    assert '<html lang="zh-Hans">' in page


@pytest.mark.slow
def test_no_english_is_left_in_a_report_with_every_part(full_parts_of):
    with using_language("zh"):
        parts = full_parts_of(400)
        page = render_page(ReportTables(**parts))
        assert english_left(page, own_texts(parts)) == []
    assert page.count("<figcaption><b>") >= 10


@pytest.mark.slow
def test_the_page_of_the_english_report_has_no_chinese(full_parts_of):
    page = render_page(ReportTables(**full_parts_of(400)))
    assert not re.search(r"[\u4e00-\u9fff]", visible(page))


@pytest.mark.slow
def test_no_english_is_left_in_an_audit(shop):
    ids = shop.customers["customer_id"].head(150)
    labels = [("甲", "乙", "丙")[place % 3] for place in range(150)]
    given = pd.DataFrame({"customer_id": ids, "segment": labels})
    with using_language("zh"):
        page = render_audit(audit(shop.tx, read_assignment(given)))
        assert english_left(page, {shop.tx.source}) == []
    assert '<html lang="zh-Hans">' in page


def test_texts_of_the_script_are_chinese_and_keep_their_names():
    english = texts("USD") | heads("USD") | titles() | folded()
    with using_language("zh"):
        chinese = texts("USD") | heads("USD") | titles() | folded()
    for name, text in chinese.items():
        assert re.search(r"[\u4e00-\u9fff]", text) or not re.search(
            r"[A-Za-z]", re.sub(r"\{\w+\}", "", text)
        ), name
        assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", english[name])), name


def test_figures_and_dates_follow_the_language():
    assert (share(0.2061), chosen(0.8), factor(1.8)) == ("20.6\u202f%", "80\u202f%", "\u00d71.8")
    with using_language("zh"):
        assert (share(0.2061), chosen(0.8), per_cent()) == ("20.6%", "80%", "%")
        assert day(date(2011, 6, 1)) == "2011年6月1日"
        assert spaced("95 % 区间") == "95% 区间"


def test_each_date_in_the_text_of_a_page_is_kept_on_one_line(parts_of):
    with using_language("zh"):
        page = render_page(ReportTables(**parts_of(400)))
    text = re.sub(r"<(title|svg)\b.*?</\1>", "", page, flags=re.DOTALL)
    dates = re.findall(
        r"(<span class=\"day\">)?\d{4}年\d{1,2}月\d{1,2}日", re.sub(r"<(?!span class=\"day)[^>]*>", "", text)
    )
    assert len(dates) >= 3
    assert all(dates)
    assert ".day { white-space: nowrap; }" in page
    assert '<span class="day">' not in re.search(r"<title>.*?</title>", page)[0]


def test_a_page_says_that_the_data_name_no_currency(parts_of):
    with using_language("zh"):
        page = render_page(ReportTables(**parts_of(400, unit="currency units")))
    assert "<dt>金额单位</dt><dd>数据未注明币种</dd>" in page
    assert "单位货币单位" not in visible(page)
    assert "单位为货币单位" not in visible(page)


def test_axes_of_large_amounts_have_chinese_units():
    deciles = pd.DataFrame(
        {"decile": [1, 2], "actual": [1_200_000.0, 5_000.0], "predicted": [1_100_000.0, 6_000.0]}
    )
    drawn = str(to_svg(deciles_chart(deciles, "GBP", 400), ""))
    assert ">1M<" in drawn or ">1.0M<" in drawn
    with using_language("zh"):
        drawn = str(to_svg(deciles_chart(deciles, "GBP", 400), ""))
    assert re.search(r">\d+万<", drawn)
    assert not re.search(r">[\d.]+[kM]<", drawn)


def test_a_factor_is_headed_by_its_meaning(full_parts_of):
    page = render_page(ReportTables(**full_parts_of(400)))
    assert "<figcaption><b>Days from the last purchase day to the cutoff.</b> Higher values raise" in page
    assert '<th scope="row">Days from the last purchase day to the cutoff.<span' in page


def test_months_and_quarters_are_in_words():
    assert spaced("2010 Q3 and 2017-05") == "2010 Q3 and 2017-05"
    with using_language("zh"):
        assert (
            spaced("2010 Q3 获得的客户和 2017-05 至 2017-12 的客户")
            == "2010年第3季度获得的客户和2017年5月至2017年12月的客户"
        )
        assert spaced("orders-2017-05.csv") == "orders-2017-05.csv"


def test_a_feature_of_the_users_own_keeps_its_name(shapes):
    own = shapes.assign(feature=shapes["feature"].replace("orders", "extra.region"))
    with using_language("zh"):
        sections = dependence_section(own, "USD")
    assert {"extra.region"} <= {row["feature"] for row in sections[0]["ranked"]}


def test_names_of_segments_that_no_template_wrote_are_not_translated(parts_of):
    with using_language("zh"):
        parts = parts_of(400)
        page = render_page(ReportTables(**parts))
    assert "seasonal big baskets" in page
