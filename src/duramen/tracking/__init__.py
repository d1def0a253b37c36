"""What talks to MLflow, and nothing else does."""
