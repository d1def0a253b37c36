"""The core-customer model, its ranking and batch scoring."""
