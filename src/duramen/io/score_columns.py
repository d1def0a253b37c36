"""The columns of a file or table of scores, in their order."""

SCORE_COLUMNS = (
    "customer_id", "cutoff", "rank", "tier", "score", "predicted_value", "predicted_value_low",
    "predicted_value_high", "past_value", "growth_rate", "probability_growing", "growth_potential",
    "quadrant", "churn_probability", "probability_active", "probability_alive", "expected_purchases",
    "expected_spend", "last_purchase", "next_purchase", "next_purchase_low", "next_purchase_high", "clv",
    "segment", "is_outlier", "lifecycle_stage", "treatment", "probability_core", "reason_1", "reason_2", "reason_3",
    "model_version",
)  # fmt: skip
REASONS = ("reason_1", "reason_2", "reason_3")
# What the ranking adds to the scores of the model.
PLACE_COLUMNS = ("rank", "tier", "quadrant", "treatment")
# Score columns that are days, without a zone. Those of the next purchase may be missing.
DATE_COLUMNS = ("cutoff", "last_purchase", "next_purchase", "next_purchase_low", "next_purchase_high")
# Score columns that are words. All others but the id, the dates, the rank and the flag of outliers are amounts and
# probabilities.
TEXT_COLUMNS = ("segment", "lifecycle_stage", *REASONS, "model_version")
# Cost to serve, and the market in which a customer is core, are there only where they are known.
_AFTER = {"quadrant": "cost_to_serve", "probability_core": "core_in"}
RANKING_COLUMNS = tuple(
    name for column in SCORE_COLUMNS for name in (column, _AFTER.get(column)) if name is not None
)
