"""The columns of a file or table of scores, in their order."""

SCORE_COLUMNS = (
    "customer_id", "cutoff", "rank", "tier", "score", "predicted_value", "predicted_value_low",
    "predicted_value_high", "past_value", "growth_rate", "probability_growing", "growth_potential",
    "churn_probability", "probability_active",
    "probability_alive", "expected_purchases", "expected_spend", "clv", "segment", "lifecycle_stage",
    "probability_core", "reason_1", "reason_2", "reason_3", "model_version",
)  # fmt: skip
REASONS = ("reason_1", "reason_2", "reason_3")
# Score columns that are words; all others but the id, the cutoff and the rank are amounts and probabilities.
TEXT_COLUMNS = ("segment", "lifecycle_stage", *REASONS, "model_version")
# Cost to serve, and the market in which a customer is core, are there only where they are known.
_AFTER = {"growth_potential": "cost_to_serve", "probability_core": "core_in"}
RANKING_COLUMNS = tuple(
    name for column in SCORE_COLUMNS for name in (column, _AFTER.get(column)) if name is not None
)
