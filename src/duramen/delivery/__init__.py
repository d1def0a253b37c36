"""A ranking goes to its readers: files and tables, whole or not at all, with a sidecar that says what they are."""
