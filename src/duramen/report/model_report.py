"""A fitted model and its transactions come in; the report goes out as one HTML file."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from duramen.analysis.portfolio_axes import DEFAULT_AXES, Axes
from duramen.analysis.report_contents import ReportTables, report_tables, tables_of_model
from duramen.data.customer_file import read_customer_file
from duramen.errors import InputError
from duramen.io.atomic import atomic_file
from duramen.language import ENGLISH, using_language
from duramen.report.drawing import require_drawing

if TYPE_CHECKING:
    import pandas as pd

    from duramen.data.transactions import Transactions
    from duramen.scoring.customer_ranking import Ranked
    from duramen.scoring.market_scenarios import MarketScenario
    from duramen.scoring.model import CoreCustomerModel
    from duramen.scoring.tiers import Tiers


def write_report(
    model: CoreCustomerModel,
    tx: Transactions,
    path: str | Path,
    *,
    cutoff: date | str | None = None,
    customer_file: Any = None,
    tiers: Tiers | None = None,
    cost_to_serve: pd.Series[float] | None = None,
    axes: Axes = DEFAULT_AXES,
    scenario: MarketScenario | None = None,
    market_index: Any = None,
    language: str = ENGLISH,
) -> Path:
    """Write the report of a fitted model on its transactions as one HTML file, and return its path.

    The customers are scored and ranked at the cutoff. The file needs no network; it is written whole or not at all, and
    replaces one that is there.

    Parameters
    ----------
    model : CoreCustomerModel
        A fitted model.
    tx : Transactions
        What ``read_transactions`` returns.
    path : str or Path
        The file to write, such as ``"report.html"``.
    cutoff : date or str, optional
        The day to rank for; by default the cutoff that the model was fitted at.
    customer_file : str, Path, DataFrame or other source, optional
        A table about customers, as ``read_customer_file`` takes it; where it has a credit column, the portfolio is also
        by credit.
    tiers : Tiers, optional
        Names, cuts and treatments of the tiers; by default those of the model.
    cost_to_serve : pandas.Series, optional
        Cost of each customer over the horizon, in money, by customer id; the core is then by value after cost.
    axes : Axes
        Levels, cuts and names of the portfolio.
    scenario : MarketScenario, optional
        A change of demand, and who responds to it.
    market_index : str, Path or DataFrame, optional
        An outside market index, as ``market_elasticities`` takes it.
    language : str
        ``"en"``, or ``"zh"`` for Simplified Chinese.

    Raises
    ------
    InputError
        If the folder of ``path`` does not exist, a column that the model learned from is missing, a cost is missing or
        negative, the table about customers cannot be used, or duramen is installed without its extra ``report``; the
        file is then left as it was.
    """
    require_drawing()
    path = Path(path)
    if path.is_dir() or not path.parent.is_dir():
        raise InputError(
            f"path is {str(path)!r}; give a file in a folder that exists, such as 'report.html'."
        )
    known = None if customer_file is None else read_customer_file(customer_file)
    with using_language(language):
        tables = tables_of_model(
            model,
            tx,
            cutoff=cutoff,
            customer_file=known,
            tiers=tiers,
            cost_to_serve=cost_to_serve,
            axes=axes,
            scenario=scenario,
            market_index=market_index,
        )
        return _write(path, tables)


def write_ranked_report(
    path: str | Path,
    model: CoreCustomerModel,
    tx: Transactions,
    ranked: Ranked,
    scorecard: pd.DataFrame,
    *,
    credit: pd.Series[Any] | None = None,
    axes: Axes = DEFAULT_AXES,
) -> Path:
    """Write the report of a ranking that is already there, and return its path.

    Parameters
    ----------
    path : str or Path
    model, tx, ranked, scorecard, credit, axes
        As ``duramen.analysis.report_contents.report_tables`` takes them.
    """
    return _write(Path(path), report_tables(model, tx, ranked, scorecard, credit=credit, axes=axes))


def _write(path: Path, tables: ReportTables) -> Path:
    from duramen.report.page import render_page

    page = render_page(tables)
    with atomic_file(path) as beside:
        beside.write_text(page, encoding="utf-8", newline="\n")
    return path
