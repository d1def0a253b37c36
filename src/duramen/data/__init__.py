"""Transactions in, one row per customer at a cutoff out."""
