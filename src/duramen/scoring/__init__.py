"""Everything fitted as one model; its scores, ranking and explanations."""
