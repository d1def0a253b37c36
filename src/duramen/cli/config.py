"""Options of the command line and a TOML file come in; one table of them goes out. Called by the command line."""

from __future__ import annotations

import difflib
import math
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

from duramen.errors import InputError

OPTIONS = (
    "orders", "cutoff", "cutoffs", "horizon", "model", "model_out", "out", "report", "experiment",
    "customer_id", "date", "amount", "columns", "customers", "date_format", "decimal", "currency",
    "growth_weight", "tiers", "treatments", "segment_weights", "portfolio", "cost_to_serve", "explanations", "seed",
    "memory_limit", "threads", "reasons", "incremental", "engine", "master",
    "segments", "segment", "treatment", "assigned_on", "previous", "kind",
    "name", "promotion",
)  # fmt: skip
# Whom to model: one kind of customer, all but channel customers (end), or all as one.
WHOM = ("channel", "end", "together", "consumer", "business")
# Who is explained in the scores: everybody, the core, or nobody.
EXPLAINED = ("all", "core", "none")
# What builds the customer table and scores it.
ENGINES = ("duckdb", "spark")
# What an option may be in the TOML file where it is not text, and how to say so.
KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "columns": ((dict,), 'a table of ROLE = "NAME"'),
    "tiers": ((dict,), "a table such as { vip_share = 0.3 }"),
    "treatments": ((dict,), 'a table such as { "quiet one-time" = "a card at Christmas" }'),
    "segment_weights": ((dict,), "a table such as { trend = 0.5 }"),
    "portfolio": ((dict,), 'a table such as { size_from = "predicted" }'),
    "promotion": ((dict,), "a table such as { margin = 0.01 }"),
    "cutoff": ((str, date, list), "a day such as 2011-06-01"),  # several for a backtest
    "cutoffs": ((int,), "a whole number"),
    "assigned_on": ((str, date), "a day such as 2011-06-01"),
    "horizon": ((str, int), 'a number of days, or text such as "26w"'),
    "growth_weight": ((int, float), "a number"),
    "seed": ((int,), "a whole number"),
    "threads": ((int,), "a whole number"),
}


def read_options(config: Path | None, **given: Any) -> dict[str, Any]:
    """Return the options that were given, those of the command line before those of the TOML file.

    Raises
    ------
    InputError
        If the file is missing, is no TOML, or holds a key or a value that is no option.
    """
    options: dict[str, Any] = {}
    if config is not None:
        try:
            options = tomllib.loads(config.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"the configuration {config} could not be read: {error.strerror}.") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputError(f"the configuration {config} is no TOML: {error}.") from error
        for key, value in options.items():
            _refuse_unknown(config, key, value)
    if isinstance(given.get("columns"), list):
        given["columns"] = dict(map(_role_and_name, given["columns"]))
    options |= {key: value for key, value in given.items() if value is not None}
    if options.get("seed", 0) < 0:
        raise InputError(f"the seed {options['seed']} is below 0; give a whole number from 0 on.")
    if options.get("cutoffs", 1) < 1:
        raise InputError(f"{options['cutoffs']} cutoffs leave nothing to test; give 1 or more.")
    if options.get("kind", "end") not in WHOM:
        raise InputError(
            f"the kind {options['kind']!r} is none of customers; write one of {', '.join(WHOM)}."
        )
    _refuse_of_scoring(options)
    _refuse_engine(options)
    weight = options.get("growth_weight", 0)
    if not math.isfinite(weight):
        raise InputError(f"the growth weight {weight} is no finite number; give one such as 0.25.")
    return options


def _refuse_of_scoring(options: dict[str, Any]) -> None:
    """Refuse values of the options that scoring alone has."""
    if options.get("threads", 1) < 1:
        raise InputError(f"{options['threads']} threads do no work; give 1 or more.")
    if options.get("reasons", "all") not in EXPLAINED:
        raise InputError(
            f"the reasons {options['reasons']!r} are of nobody; write one of {', '.join(EXPLAINED)}."
        )
    if "report" in options and options.get("reasons", "all") != "all":
        raise InputError(
            "a report tells the reasons of customers of all tiers; leave --reasons or --report out."
        )


def _refuse_engine(options: dict[str, Any]) -> None:
    """Refuse an engine that there is not, and a master of none."""
    if (engine := options.get("engine", "duckdb")) not in ENGINES:
        raise InputError(f"there is no engine {engine!r}; write one of {', '.join(ENGINES)}.")
    if "master" in options and engine != "spark":
        raise InputError("a master is for Spark alone; give --engine spark with it.")


def _refuse_unknown(config: Path, key: str, value: Any) -> None:
    """Refuse a key of the TOML file that is no option, and a value of a kind that the option does not take."""
    if key not in OPTIONS:
        near = difflib.get_close_matches(key, OPTIONS, n=1)
        raise InputError(
            f"{config} holds the key {key!r}, which is no option"
            + (f"; did you mean {near[0]!r}?" if near else f"; the options are {', '.join(OPTIONS)}.")
        )
    kinds, told = KINDS.get(key, ((str,), "text in quotes"))
    fits = isinstance(value, kinds) and not isinstance(value, bool)
    if fits and key == "columns":
        fits = all(isinstance(name, str) for name in value.values())
    if not fits:
        raise InputError(f"{config} holds {key} = {value!r}; {key} must be {told}.")


def _role_and_name(pair: str) -> tuple[str, str]:
    role, equals, name = pair.partition("=")
    if not equals:
        raise InputError(
            f"--column {pair!r} names no role; write ROLE=NAME, for example --column order=InvoiceNo."
        )
    return role, name
