"""Find the core customers of a business in its transactions, and explain why each is one.

The public names, in the order of the work; each is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "read_transactions": "duramen.data.transactions",
    "Transactions": "duramen.data.transactions",
    "InputError": "duramen.data.errors",
    "Window": "duramen.data.windows",
    "customer_table": "duramen.data.customers",
    "customer_outcomes": "duramen.data.outcomes",
    "CoreCustomerModel": "duramen.scoring.model",
    "what_if": "duramen.scoring.what_if",
    "rank_core_customers": "duramen.scoring.ranking",
    "Tiers": "duramen.scoring.ranking",
    "tier_table": "duramen.scoring.ranking",
    "scorecard": "duramen.analysis.scorecard",
    "backtest": "duramen.analysis.backtest",
    "backtest_windows": "duramen.analysis.backtest",
    "sensitivity": "duramen.analysis.sensitivity",
    "market_responses": "duramen.analysis.market",
    "core_by_market": "duramen.analysis.market",
    "newly_rising": "duramen.analysis.rising",
    "read_customer_file": "duramen.data.customer_file",
    "BehaviouralSegmenter": "duramen.models.segments",
    "segment_value": "duramen.analysis.segment_value",
    "portfolio": "duramen.analysis.portfolio",
    "price_led_table": "duramen.analysis.price_led",
    "stage_transitions": "duramen.analysis.lifecycle",
    "flows": "duramen.analysis.migration",
    "age_of_segmentation": "duramen.analysis.migration",
    "audit": "duramen.analysis.audit",
    "read_assignment": "duramen.analysis.assignment",
    "suggest_churn_days": "duramen.models.churn_definition",
    "churn_by_group": "duramen.analysis.churn_groups",
    "what_distinguishes": "duramen.analysis.churn_groups",
    "RetentionOffer": "duramen.models.retention_profit",
    "campaign": "duramen.models.retention_profit",
    "expected_maximum_profit": "duramen.models.retention_profit",
    "write_report": "duramen.report.page",
    "record_training": "duramen.tracking.record",
}

__all__ = [
    "BehaviouralSegmenter",
    "CoreCustomerModel",
    "InputError",
    "RetentionOffer",
    "Tiers",
    "Transactions",
    "Window",
    "age_of_segmentation",
    "audit",
    "backtest",
    "backtest_windows",
    "campaign",
    "churn_by_group",
    "core_by_market",
    "customer_outcomes",
    "customer_table",
    "expected_maximum_profit",
    "flows",
    "market_responses",
    "newly_rising",
    "portfolio",
    "price_led_table",
    "rank_core_customers",
    "read_assignment",
    "read_customer_file",
    "read_transactions",
    "record_training",
    "scorecard",
    "segment_value",
    "sensitivity",
    "stage_transitions",
    "suggest_churn_days",
    "tier_table",
    "what_distinguishes",
    "what_if",
    "write_report",
]

if TYPE_CHECKING:
    from duramen.analysis.assignment import read_assignment
    from duramen.analysis.audit import audit
    from duramen.analysis.backtest import backtest, backtest_windows
    from duramen.analysis.churn_groups import churn_by_group, what_distinguishes
    from duramen.analysis.lifecycle import stage_transitions
    from duramen.analysis.market import core_by_market, market_responses
    from duramen.analysis.migration import age_of_segmentation, flows
    from duramen.analysis.portfolio import portfolio
    from duramen.analysis.price_led import price_led_table
    from duramen.analysis.rising import newly_rising
    from duramen.analysis.scorecard import scorecard
    from duramen.analysis.segment_value import segment_value
    from duramen.analysis.sensitivity import sensitivity
    from duramen.data.customer_file import read_customer_file
    from duramen.data.customers import customer_table
    from duramen.data.errors import InputError
    from duramen.data.outcomes import customer_outcomes
    from duramen.data.transactions import Transactions, read_transactions
    from duramen.data.windows import Window
    from duramen.models.churn_definition import suggest_churn_days
    from duramen.models.retention_profit import RetentionOffer, campaign, expected_maximum_profit
    from duramen.models.segments import BehaviouralSegmenter
    from duramen.report.page import write_report
    from duramen.scoring.model import CoreCustomerModel
    from duramen.scoring.ranking import Tiers, rank_core_customers, tier_table
    from duramen.scoring.what_if import what_if
    from duramen.tracking.record import record_training


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for, so that importing the package stays cheap."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'duramen' has no attribute {name!r}")
