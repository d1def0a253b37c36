"""Files, folders, locks, database tables, sidecars and saved models: whole or not at all."""
