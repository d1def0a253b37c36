"""A backtest comes in; drawings and a folder of tables go out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from duramen._version import __version__
from duramen.evaluation.backtesting import Backtest
from duramen.evaluation.forecasts import DURAMEN
from duramen.io.atomic import atomic_folder
from duramen.io.saved_model import refuse_occupied
from duramen.language import say
from duramen.report.drawing import require_drawing

# By this file a folder is known as one that may be written again.
BACKTEST_FILE = "backtest.json"
WIDTH, ROW, COLUMNS = 190, 17, 3
DURAMEN_COLOUR, OTHERS_COLOUR = "#1b6f5c", "#c9cdd2"


def draw_backtest(tested: Backtest) -> dict[str, str]:
    """Return the drawings as SVG texts by name.

    ``value``, ``activity``, ``growth`` and ``growing`` show each metric by model in the mean over the cutoffs; the
    line through the bar of duramen is the 95 % interval of the difference, from the best baseline. ``calibration``
    shows the probabilities.

    Raises
    ------
    InputError
        If duramen is installed without its extra ``report``.
    """
    require_drawing()
    from duramen.report.charts import to_svg

    figures = tested.mean_figures()
    drawings = {
        str(target): to_svg(
            _bars(rows, tested.comparisons), say("Each metric of {target} by model", target=say(str(target)))
        )
        for target, rows in figures.groupby("target", sort=False)
    }
    drawings["calibration"] = to_svg(
        _calibration(tested.calibration), say("Share active against the predicted probability")
    )
    return {name: str(drawing) for name, drawing in drawings.items()}


def _bars(figures: pd.DataFrame, comparisons: pd.DataFrame) -> Any:
    import altair as alt

    mean = comparisons[comparisons["cutoff"].isna()]
    against = mean.assign(
        model=DURAMEN, from_=mean["baseline_figure"] + mean["low"], to=mean["baseline_figure"] + mean["high"]
    )
    rows = figures.dropna(subset="figure").merge(
        against[["target", "metric", "model", "from_", "to"]], on=["target", "metric", "model"], how="left"
    )
    models = list(figures["model"].unique())
    y = alt.Y("model:N", sort=models, title=None)
    base = alt.Chart()
    bars = base.mark_bar().encode(
        alt.X("figure:Q", title=None),
        y,
        color=alt.condition(alt.datum.model == DURAMEN, alt.value(DURAMEN_COLOUR), alt.value(OTHERS_COLOUR)),
    )
    interval = base.mark_rule(strokeWidth=2).encode(alt.X("from_:Q"), y, x2="to:Q")
    panels = alt.layer(bars, interval, data=rows).properties(width=WIDTH, height=alt.Step(ROW))
    header = alt.Header(title=None, labelFontWeight="bold")
    facet = alt.Facet("metric:N", sort=list(figures["metric"].unique()), header=header)
    return panels.facet(facet, columns=COLUMNS).resolve_scale(x="independent").configure(background="white")


def _calibration(calibration: pd.DataFrame) -> Any:
    import altair as alt

    curves = calibration.assign(cutoff=calibration["cutoff"].dt.strftime("%Y-%m-%d"))
    x = alt.X("predicted:Q", title=say("Predicted P(at least one purchase)"))
    base = alt.Chart()
    even = base.mark_line(strokeDash=[4, 4], color="grey").encode(x, alt.Y("predicted:Q"))
    points = base.mark_line(point=True).encode(
        x, alt.Y("actual:Q", title=say("Share who bought")), alt.Color("model:N", title=say("Model"))
    )
    panels = alt.layer(even, points, data=curves).properties(width=WIDTH, height=WIDTH)
    return panels.facet(alt.Facet("cutoff:N", title=None), columns=COLUMNS).configure(background="white")


def write_backtest(tested: Backtest, drawings: Mapping[str, str], folder: Path) -> None:
    """Write a backtest to a folder, whole or not at all; a backtest that is already there is replaced.

    Every table is written as Parquet, and as CSV but for the forecasts, which are many; drawings as SVG; and
    ``backtest.json`` has the settings.

    Raises
    ------
    InputError
        If the folder has other content than a backtest.
    """
    refuse_occupied(folder, BACKTEST_FILE, "backtest")
    with atomic_folder(folder) as beside:
        for name, table in tested.tables().items():
            table.to_parquet(beside / f"{name}.parquet", index=False)
            if name != "forecasts":
                table.to_csv(beside / f"{name}.csv", index=False)
        for name, drawing in drawings.items():
            (beside / f"{name}.svg").write_text(drawing, encoding="utf-8")
        (beside / BACKTEST_FILE).write_text(json.dumps(_settings(tested), indent=1), encoding="utf-8")


def _settings(tested: Backtest) -> dict[str, Any]:
    return {
        "duramen_version": __version__,
        "source": tested.source,
        "unit": tested.unit,
        "windows": [
            {"cutoff": window.cutoff.isoformat(), "horizon_days": window.horizon} for window in tested.windows
        ],
        "seed": tested.seed,
        "resamples": tested.resamples,
    }
