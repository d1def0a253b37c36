"""Typed configuration: TOML file, environment and flags come in; one checked object for each command goes out."""
