"""The CDNOW orders come in; the pictures of the pages in docs/concepts go out as SVG, one for each page.

``python docs/pictures.py`` draws all of them (a training on 23,502 customers included). ``python docs/pictures.py
value churn`` draws those two, and ``--png FOLDER`` writes PNG copies to look at. Titles state what the drawn data show,
so they are written from the data.
"""

from __future__ import annotations

import argparse
import json
import logging
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import vl_convert

import duramen as dm
from duramen.analysis import compared_periods, explain_revenue_change, read_assignment, stage_transitions
from duramen.analysis.core_summary import value_curve as curve_points
from duramen.data.windows import training_windows
from duramen.report.btyd_plots import holdout_plot
from duramen.report.charts import LABEL, finish, percent, share_pairs, value_curve
from duramen.report.curves import level_curve
from duramen.report.figures import calibration_figure
from duramen.report.numbers import share
from duramen.report.sankey import sankey_chart
from duramen.report.waterfall import waterfall_chart

logger = logging.getLogger("pictures")

FOLDER = Path(__file__).parent / "images" / "concepts"
WINDOW = dm.Window("1998-04-01", 91)
# The customer whose figures the pages explain.
CUSTOMER = "11995"
WIDTH = 860
# The variables of the report's page in its light colours: a picture of the documentation has a page of its own.
COLOURS = {
    "paper": "#ffffff",
    "ink": "#211b15",
    "muted": "#5c5247",
    "hair": "#e2d9ca",
    "heart": "#9a3d1c",
    "sap": "#d8b787",
    "good": "#2c6451",
}
INK, MUTED, HEART, SAP, GOOD = (COLOURS[name] for name in ("ink", "muted", "heart", "sap", "good"))
FONT = "Liberation Sans"
LOYALTY, SIZE = ["loyal", "wavering"], ["small", "large"]


@dataclass(frozen=True)
class Picture:
    """A chart with the finding that it shows."""

    chart: Any
    title: list[str]
    says: list[str]


class Shop:
    """CDNOW at the cutoff of the pages; each part is computed when a picture asks for it."""

    @cached_property
    def tx(self) -> dm.Transactions:
        """Return the orders."""
        return dm.read_transactions("dataset:cdnow")

    @cached_property
    def model(self) -> dm.CoreCustomerModel:
        """Return the model at the cutoff."""
        return dm.CoreCustomerModel().fit(self.tx, WINDOW)

    @cached_property
    def customers(self) -> pd.DataFrame:
        """Return the customer table at the cutoff."""
        return dm.customer_table(self.tx, WINDOW.cutoff)

    @cached_property
    def ranking(self) -> pd.DataFrame:
        """Return the ranking at the cutoff."""
        return dm.rank_customers(self.model, self.tx, self.customers)

    @cached_property
    def compared(self) -> pd.DataFrame:
        """Return the ranking with what each customer did in the horizon: ``value``, ``purchases``, ``active``."""
        outcomes = dm.customer_outcomes(self.tx, WINDOW, self.customers)
        return self.ranking.merge(outcomes, on="customer_id", validate="one_to_one")

    @cached_property
    def purchase_days(self) -> pd.DatetimeIndex:
        """Return the purchase days of the customer of the pages."""
        days = self.tx.days
        own = days.filter(days["customer_id"] == CUSTOMER).to_pandas()
        return pd.DatetimeIndex(own.loc[own["purchase"], "date"])


def cutoff_and_leakage(shop: Shop) -> Picture:
    """Draw what each step may see: training windows, holdout, forecast, and the days of one customer."""
    first = date(1997, 1, 1)
    holdout = shop.model.holdout_window_
    earlier = [window for window in training_windows(WINDOW, first) if window.cutoff < holdout.cutoff]
    steps = [(f"training window {number}", window) for number, window in enumerate(reversed(earlier), 1)]
    steps += [("holdout", holdout), ("forecast", WINDOW)]
    bars = [
        {"step": name, "from": str(start), "to": str(end), "part": part}
        for name, window in steps
        for part, start, end in (
            ("history: features", first, window.cutoff),
            ("horizon: outcomes", window.cutoff, window.cutoff + timedelta(days=window.horizon)),
        )
    ]
    names = [f"orders of customer {CUSTOMER}", *(name for name, _ in steps)]
    x = alt.X("from:T", axis=alt.Axis(title=None, format="%b %Y", tickCount=9), scale=alt.Scale(nice=False))
    y = alt.Y("step:N", sort=names, axis=alt.Axis(title=None, labelColor=INK, labelFontSize=13, labelLimit=0))
    colour = alt.Color(
        "part:N",
        scale=alt.Scale(domain=["history: features", "horizon: outcomes"], range=[SAP, HEART]),
        legend=alt.Legend(title=None, orient="top", labelFontSize=13),
    )
    points = pd.DataFrame({"from": shop.purchase_days.strftime("%Y-%m-%d"), "step": names[0]})
    cut = alt.Chart(pd.DataFrame({"from": [str(WINDOW.cutoff)]}))
    chart = finish(
        [
            alt.Chart(pd.DataFrame(bars)).mark_bar(height=14).encode(x=x, x2="to:T", y=y, color=colour),
            alt.Chart(points).mark_tick(color=INK, thickness=3, size=18, opacity=1).encode(x=x, y=y),
            cut.mark_rule(color=INK, strokeDash=[4, 3], strokeWidth=1.5).encode(x=x),
        ],
        WIDTH,
        30 * len(names),
    )
    return Picture(
        chart,
        ["Everything is learned from days before the cutoff, 1 April 1998 (dashed line)"],
        [
            "CDNOW, 91 days ahead. Outcomes of training and of the holdout end before the cutoff;",
            "the last bar on the right is what the forecast is about.",
        ],
    )


def btyd(shop: Shop) -> Picture:
    """Draw mean purchases in the horizon by earlier repeat purchases, actual and by the chosen BTYD model."""
    model = shop.model.forecast_.btyd_
    later = shop.compared.set_index("customer_id")["purchases"].reindex(shop.customers["customer_id"])
    drawn = holdout_plot(model.purchases_, shop.customers, later.to_numpy(), WINDOW.horizon)
    axis = alt.Axis(title="repeat purchase days before the cutoff", labelAngle=0)
    drawn = drawn.encode(
        x=alt.X("frequency:N", sort=[*map(str, range(7)), "7+"], axis=axis),
        y=alt.Y("purchases:Q", title="mean purchase days in the horizon"),
    )
    chart = alt.layer(drawn).properties(width=640, height=280)
    return Picture(
        chart,
        ["Customers with more repeat purchases buy more often in the horizon"],
        [
            f"CDNOW, mean purchase days in the 91 days after 1 April 1998: actual, and expected by {model.kind_}",
            "from frequency, recency and age alone.",
        ],
    )


def value(shop: Shop) -> Picture:
    """Draw how the factors of one customer lead from the typical active customer to the predicted value."""
    own = shop.customers[shop.customers["customer_id"] == CUSTOMER]
    factors = shop.model.explain(own, parts=("value",)).sort_values("rank").set_index("feature")["factor"]
    typical, strongest, rest = float(factors.iloc[0]), factors.iloc[1:7], factors.iloc[7:]
    names = ["typical active customer", *strongest.index, f"{len(rest)} other features"]
    times = np.array([typical, *strongest, float(rest.prod())])
    end = np.cumprod(times)
    bars = pd.DataFrame({"factor": names, "start": [end[0], *end[:-1]], "end": end})
    bars["text"] = [f"{typical:.2f}", *(f"\N{MULTIPLICATION SIGN}{factor:.2f}" for factor in times[1:])]
    bars["right"] = bars[["start", "end"]].max(axis=1)
    total = pd.DataFrame({"factor": ["predicted value"], "end": [end[-1]], "text": [f"{end[-1]:.2f}"]})
    order = [*names, "predicted value"]
    scale = alt.Scale(type="log", domain=[10, 1.3 * float(end.max())], nice=False)
    axis = alt.Axis(title="US dollars in 91 days, logarithmic", values=[10, 20, 30, 40, 50, 60, 70, 80, 90])
    x = alt.X("start:Q", axis=axis, scale=scale)
    y = alt.Y(
        "factor:N", sort=order, axis=alt.Axis(title=None, labelColor=INK, labelFontSize=13, labelLimit=0)
    )
    base, last = alt.Chart(bars), alt.Chart(total)
    words = {"align": "left", "dx": 10, "fontSize": LABEL, "color": INK}
    chart = finish(
        [
            base.mark_bar(color=SAP, height=14).encode(x=x, x2="end:Q", y=y),
            base.mark_tick(color=HEART, thickness=3, size=20, opacity=1).encode(x="end:Q", y=y),
            base.mark_text(**words).encode(x="right:Q", y=y, text="text:N"),
            last.mark_point(filled=True, size=110, color=HEART, opacity=1).encode(x="end:Q", y=y),
            last.mark_text(**words, fontWeight="bold").encode(x="end:Q", y=y, text="text:N"),
        ],
        WIDTH,
        30 * len(order),
    )
    return Picture(
        chart,
        [f"The factors of customer {CUSTOMER} multiply from {typical:.0f} to {end[-1]:.0f} US dollars"],
        [
            "CDNOW, 91 days from 1 April 1998. The first row is a typical active customer; each begins where the",
            "one before it ended. Names with btyd_ are the BTYD forecast, the others its correction by trees.",
        ],
    )


def churn(shop: Shop) -> Picture:
    """Draw the share of customers who bought against the predicted probability."""
    holdout = shop.model.holdout_.assign(trees_probability=np.nan)
    chart = calibration_figure(holdout).properties(width=560, height=330)
    return Picture(
        chart,
        ["Predicted probabilities of a purchase are close to the shares of customers who bought"],
        [
            "CDNOW holdout, 91 days from 31 December 1997; a point is a group of customers with similar",
            "probabilities. On the dashed line prediction and outcome are equal.",
        ],
    )


def growth(shop: Shop) -> Picture:
    """Draw the past value, the forecast and the direction of a few customers."""
    ranking = shop.ranking[shop.ranking["rank"] <= 800]
    ranking = ranking[ranking["past_value"].between(30, 130)]
    between = {"growing": (0.1, 1.0), "steady": (-0.06, 0.06), "declining": (-1.0, -0.14)}
    chosen = pd.concat(
        [
            ranking[(ranking["lifecycle_stage"] == stage) & ranking["growth_rate"].between(*ends)].head(3)
            for stage, ends in between.items()
        ]
    ).sort_values("growth_rate", ascending=False)
    chosen = chosen.assign(
        name=chosen["customer_id"] + "  " + chosen["lifecycle_stage"],
        text=[share(rate, plus=True) for rate in chosen["growth_rate"]],
        right=chosen[["past_value", "predicted_value"]].max(axis=1),
    )
    y = alt.Y("name:N", sort=None, axis=alt.Axis(title=None, labelColor=INK, labelFontSize=13, labelLimit=0))
    top = 1.15 * float(chosen["right"].max())
    x = alt.X(
        "past_value:Q",
        axis=alt.Axis(title="US dollars in 91 days"),
        scale=alt.Scale(domain=[0, top], nice=False),
    )
    base = alt.Chart(chosen[["name", "past_value", "predicted_value", "text", "right"]])
    words = base.mark_text(align="left", dx=12, fontSize=LABEL, color=INK)
    hollow = base.mark_point(
        filled=True, size=95, color=COLOURS["paper"], stroke=MUTED, strokeWidth=2, opacity=1
    )
    chart = finish(
        [
            base.mark_rule(strokeWidth=3, color=SAP).encode(x=x, x2="predicted_value:Q", y=y),
            hollow.encode(x=x, y=y),
            base.mark_point(filled=True, size=115, color=HEART, opacity=1).encode(x="predicted_value:Q", y=y),
            words.encode(x="right:Q", y=y, text="text:N"),
        ],
        WIDTH,
        30 * len(chosen),
    )
    return Picture(
        chart,
        ["A customer is growing when the forecast is at least 10 % above the customer's own past rate"],
        [
            "CDNOW, nine customers at 1 April 1998. Hollow: past value. Filled: predicted value. Number: growth rate.",
        ],
    )


def uncertainty(shop: Shop) -> Picture:
    """Draw predicted value, interval and outcome of customers from all over the core."""
    core = shop.compared[shop.compared["tier"].isin(["VIP", "main"])]
    wide = core[(core["probability_active"] > 0.2) & (core["predicted_value"] < 150)]
    chosen = wide.iloc[np.linspace(0, len(wide) - 1, 30).astype(int)].copy()
    chosen["rank"] = chosen["rank"].map("{:,}".format)
    inside = chosen["value"].between(chosen["predicted_value_low"], chosen["predicted_value_high"])
    chosen["outcome"] = np.where(inside, "outcome inside", "outcome outside")
    x = alt.X(
        "rank:N", sort=None, axis=alt.Axis(title="rank of the customer", labelAngle=-90, labelOverlap=False)
    )
    y = alt.Y("predicted_value_low:Q", axis=alt.Axis(title="US dollars in 91 days"))
    fields = ["rank", "predicted_value", "predicted_value_low", "predicted_value_high", "value", "outcome"]
    base = alt.Chart(chosen[fields])
    colour = alt.Color(
        "outcome:N",
        scale=alt.Scale(domain=["outcome inside", "outcome outside"], range=[GOOD, HEART]),
        legend=alt.Legend(title=None, orient="top", labelFontSize=13),
    )
    point = base.mark_point(filled=True, size=70, opacity=1)
    chart = finish(
        [
            base.mark_bar(color=SAP, width=9, opacity=0.8).encode(x=x, y=y, y2="predicted_value_high:Q"),
            base.mark_tick(color=INK, thickness=2, size=15).encode(x=x, y="predicted_value:Q"),
            point.encode(x=x, y="value:Q", color=colour, shape=alt.Shape("outcome:N", legend=None)),
        ],
        WIDTH,
        300,
    )
    return Picture(
        chart,
        [f"{inside.sum()} of these {len(chosen)} outcomes lie inside their 80 % interval"],
        [
            "CDNOW, customers with P(active) above 20 %, forecast at 1 April 1998. Bar: interval. Black line:",
            "predicted value. Point: what the customer spent in the 91 days after.",
        ],
    )


def ranking(shop: Shop) -> Picture:
    """Draw the cumulative share of predicted value with the core marked."""
    tiers = dm.tier_table(shop.ranking)
    core = tiers[tiers["tier"].isin(["VIP", "main"])]
    at = (float(core["share_of_customers"].sum()), float(core["share_of_value"].sum()))
    curve = curve_points(shop.ranking["predicted_value"].to_numpy(), int(core["customers"].sum()), 300)
    label = [
        f"core: {core['customers'].sum():,} customers",
        f"{share(at[0], 0)} of customers, {share(at[1], 0)} of predicted value",
    ]
    chart = value_curve(curve, at, label, WIDTH)
    return Picture(
        chart,
        [f"{share(at[0], 0)} of the customers account for {share(at[1], 0)} of the predicted value"],
        [
            "CDNOW, 91 days from 1 April 1998. Customers in the order of their predicted value; the dashed diagonal is",
            "what it would be if all were worth the same.",
        ],
    )


def segments(shop: Shop) -> Picture:
    """Draw the share of customers and of value of each segment."""
    table = shop.model.segment_table(shop.ranking)
    groups = pd.DataFrame(
        {
            "name": table["segment"].str.replace("occasional buyers, high spend, ", ""),
            "customers_share": table["customers"] / table["customers"].sum(),
            "value_share": table["share_of_value"],
        }
    )
    best = table.iloc[table["share_of_value"].to_numpy().argmax()]
    size = best["customers"] / table["customers"].sum()
    chart = share_pairs(groups, WIDTH)
    chart.layer[0].encoding.y.axis.labelLimit = 0
    return Picture(
        chart,
        [
            f"One segment has {share(size, 0)} of the customers and {share(best['share_of_value'], 0)} of the value"
        ],
        ["CDNOW, 91 days from 1 April 1998. Hollow: share of customers. Filled: share of predicted value."],
    )


def life_cycle(shop: Shop) -> Picture:
    """Draw how customers moved between stages."""
    table = stage_transitions(shop.model, shop.tx, "1998-01-01", WINDOW.cutoff)
    stayed = table.loc[table["from"] == table["to"], "customers"].sum() / table["customers"].sum()
    return Picture(
        sankey_chart(table, WIDTH),
        [f"{share(stayed, 0)} of the customers stayed in their life-cycle stage over 90 days"],
        [
            "CDNOW, customers by stage on 1 January 1998 (left) and 1 April 1998 (right). Red bands: stage changed."
        ],
    )


def market(shop: Shop) -> Picture:
    """Draw the level of the market."""
    found = dm.market_elasticities(shop.tx, WINDOW.cutoff)
    level = found.level.iloc[3:]  # the first periods have the few customers of the first weeks
    half = 1.96 * level["standard_error"]
    ends = level[["start", "level"]].assign(from_=level["level"] - half, to=level["level"] + half)
    return Picture(
        level_curve(ends, WIDTH),
        [
            f"Demand at CDNOW moved between {level['level'].min():.2f} and {level['level'].max():.2f} times its trend"
        ],
        [
            "Purchase days of known customers in 28 days over what is usual at their ages, 1 on the trend.",
            "Band: 95 % interval. First day of each period, 1997 to 1998.",
        ],
    )


def portfolio(shop: Shop) -> Picture:
    """Draw the cells of loyalty and size with their customers and value."""
    cells = dm.portfolio(shop.ranking, shop.customers, horizon=WINDOW.horizon)
    total = float(cells["predicted_value"].sum())
    cells = cells.assign(
        share=cells["predicted_value"] / total,
        line=[
            f"{customers:,} customers, {share(predicted / total, 0)} of predicted value"
            for customers, predicted in cells[["customers", "predicted_value"]].itertuples(index=False)
        ],
        stays=[f"mean churn probability {share(mean, 0)}" for mean in cells["churn_probability_mean"]],
        dark=cells["predicted_value"] / total > 0.5,
    )
    look = {"labelFontSize": 14, "labelColor": INK, "titleFontSize": 13}
    x = alt.X("size:N", sort=SIZE, axis=alt.Axis(title="size: past money per 91 days", labelAngle=0, **look))
    y = alt.Y("loyalty:N", sort=LOYALTY, axis=alt.Axis(title="loyalty", **look))
    colour = alt.Color("share:Q", scale=alt.Scale(range=["#f6ecdb", HEART], domain=[0, 1]), legend=None)
    base = alt.Chart(cells[["loyalty", "size", "cell", "line", "stays", "share", "dark"]]).encode(x=x, y=y)
    letters = alt.condition("datum.dark", alt.value(COLOURS["paper"]), alt.value(INK))
    words = [
        base.mark_text(dy=dy, fontSize=size, fontWeight=weight).encode(text=field, color=letters)
        for dy, size, weight, field in (
            (-24, 16, "bold", "cell:N"),
            (2, 13, "normal", "line:N"),
            (24, 13, "normal", "stays:N"),
        )
    ]
    chart = finish(
        [base.mark_rect(stroke=COLOURS["paper"], strokeWidth=4).encode(color=colour), *words], WIDTH, 260
    )
    best = cells.sort_values("share").iloc[-1]
    return Picture(
        chart,
        [f"The loyal and large customers bring {share(best['share'], 0)} of the predicted value"],
        [
            "CDNOW, 91 days from 1 April 1998. Each axis is cut at its median; darker cells have more predicted value."
        ],
    )


def audit(shop: Shop) -> Picture:
    """Draw how much of two labels is explained by past spend and by behaviour."""
    table = shop.customers[["customer_id"]]
    fifths = pd.qcut(shop.customers["net_spend"].rank(method="first"), 5, labels=False).astype(str)
    labels = {
        "fifths of past spend": table.assign(segment=fifths),
        "behavioural segments": shop.ranking[["customer_id", "segment"]],
    }
    questions = {
        "A3": "label explained by past spend",
        "A4": "label explained by joining date",
        "A5": "behaviour that lies between segments",
    }
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for name, label in labels.items():
            label.to_csv(Path(folder) / "labels.csv", index=False)
            assigned = read_assignment(Path(folder) / "labels.csv", assigned_on=WINDOW.cutoff)
            findings = dm.audit(shop.tx, assigned).findings.set_index("code")
            found += [
                {"label": name, "question": question, "figure": findings.loc[code, "figure"]}
                for code, question in questions.items()
            ]
    frame = pd.DataFrame(found)
    frame["text"] = [share(figure, 0) for figure in frame["figure"]]
    x = percent(
        "figure",
        "share; a label fails where past spend or joining date explains 50 % or more (dashed line)",
        alt.X,
        domain=[0, 1.08],
    )
    y = alt.Y(
        "question:N", sort=None, axis=alt.Axis(title=None, labelColor=INK, labelFontSize=13, labelLimit=0)
    )
    colour = alt.Color(
        "label:N",
        sort=None,
        scale=alt.Scale(domain=list(labels), range=[HEART, GOOD]),
        legend=alt.Legend(title=None, orient="top", labelFontSize=13),
    )
    base = alt.Chart(frame)
    offset = alt.YOffset("label:N", sort=list(labels))
    line = alt.Chart(pd.DataFrame({"at": [0.5]}))
    chart = finish(
        [
            base.mark_bar(height=14).encode(x=x, y=y, yOffset=offset, color=colour),
            base.mark_text(align="left", dx=6, fontSize=LABEL, color=INK).encode(
                x=x, y=y, yOffset=offset, text="text:N"
            ),
            line.mark_rule(color=INK, strokeDash=[4, 3]).encode(x="at:Q"),
        ],
        WIDTH,
        190,
    )
    return Picture(
        chart,
        ["Fifths of past spend are only past spend; behavioural segments are more than that"],
        ["CDNOW, two segmentations of the same 23,502 customers at 1 April 1998, by the audit."],
    )


def customer_base(shop: Shop) -> Picture:
    """Draw why revenue changed between two quarters."""
    before, after = compared_periods(shop.tx, "1998-01-01", "1998-03-31")
    parts = explain_revenue_change(shop.tx, before, after).parts
    moved = parts[parts["money"].round(2) != 0]
    change = float(parts["money"].sum())
    was = change / float(parts["share_of_before"].sum())
    moved_by = f"Revenue {'fell' if change < 0 else 'rose'} by {share(abs(change) / was, 0)}"
    chart = waterfall_chart(moved, WIDTH)
    chart.layer = chart.layer[1:]  # the rule at 0 would cross a label here; the bars begin at it
    return Picture(
        chart,
        [f"{moved_by}: lost customers cost more than returned customers brought"],
        [
            "CDNOW, first quarter of 1998 and the 90 days before; US dollars, and per cent of the revenue before."
        ],
    )


PICTURES: dict[str, Callable[[Shop], Picture]] = {
    drawn.__name__.replace("_", "-"): drawn
    for drawn in (
        cutoff_and_leakage, btyd, value, churn, growth, uncertainty, ranking, segments, life_cycle, market, portfolio,
        audit, customer_base,
    )
}  # fmt: skip


def svg_of(picture: Picture) -> str:
    """Return a picture as SVG with its title, on white."""
    text = json.dumps(picture.chart.to_dict())
    spec = json.loads(re.sub(r"var\(--(\w+)\)", lambda found: COLOURS.get(found[1], INK), text))
    spec["background"] = COLOURS["paper"]
    spec["padding"] = 14
    spec["title"] = {
        "text": picture.title,
        "subtitle": picture.says,
        "anchor": "start",
        "frame": "group" if "autosize" not in spec else "bounds",
        "fontSize": 16,
        "subtitleFontSize": 13,
        "color": INK,
        "subtitleColor": MUTED,
        "offset": 14,
    }
    config = spec.setdefault("config", {}) | {"background": COLOURS["paper"], "font": FONT}
    config["range"] = {"category": [HEART, GOOD]}
    config["legend"] = {"labelFontSize": 13, "titleFontSize": 13, "labelLimit": 0}
    config.setdefault("axis", {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"})
    spec["config"] = config
    for layer in spec.get("layer", []):
        layer.pop("title", None)
        layer.pop("width", None)
        layer.pop("height", None)
    drawn: str = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
    # Arial has the widths of the font that the text was measured with.
    return drawn.replace(f'"{FONT}"', f'"{FONT}, Arial, Helvetica, sans-serif"')


def main() -> None:
    """Draw the pictures named on the command line, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PICTURES))
    parser.add_argument("--png", type=Path, help="folder for PNG copies")
    parser.add_argument(
        "--model", type=Path, help="a saved model of CDNOW at 1998-04-01, in the place of a training"
    )
    given = parser.parse_args()
    if unknown := set(given.names) - set(PICTURES):
        parser.error(f"there is no picture {', '.join(sorted(unknown))}; there are {', '.join(PICTURES)}.")
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logger.setLevel(logging.INFO)
    FOLDER.mkdir(parents=True, exist_ok=True)
    shop = Shop()
    if given.model is not None:
        shop.__dict__["model"] = dm.CoreCustomerModel.load(given.model)
    for name in given.names or PICTURES:
        picture = PICTURES[name](shop)
        svg = svg_of(picture)
        (FOLDER / f"{name}.svg").write_text(svg + "\n", encoding="utf-8")
        if given.png is not None:
            (given.png / f"{name}.png").write_bytes(vl_convert.svg_to_png(svg, scale=1.5))
        logger.info("%s: %s", name, " ".join(picture.title))


if __name__ == "__main__":
    main()
