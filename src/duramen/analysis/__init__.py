"""What the scores are worth: held-out comparisons with plain baselines."""
