"""The configuration of a command comes in; the command of the command line that reads it, and runs it, goes out."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from duramen.cli.config.commands import CONFIGS
from duramen.cli.config.read import CONFIG_VARIABLE, read_config
from duramen.cli.config.reading import ReadingConfig, ShownConfig
from duramen.cli.config.settings import Flag, has_type
from duramen.errors import InputError
from duramen.language import using_language

CONFIG_HELP = f"TOML file with any of these settings; flags win. [environment: {CONFIG_VARIABLE}]"


def build_command(name: str, summary: str, example: str) -> Any:
    """Return the command of a name, with an option for each setting that has a flag."""
    model = CONFIGS[name]

    def call(config: Path | None, **flags: Any) -> None:
        try:
            settings = read_config(model, config, flags)
            # The module of a command has its name, and so has the function.
            run = getattr(import_module(f"duramen.cli.{name}"), name)
            with _limited_threads(settings), using_language(settings.lang):
                run(settings)
        except InputError as error:
            raise InputError(model.in_flags(str(error))) from error

    parameters = list(_parameters(model))
    # Typer reads the signature that a function carries; its type does not declare one.
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    alone = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    alone.command(name, help=summary, epilog=f"Example: {example}")(call)
    return typer.main.get_command(alone)


@contextmanager
def _limited_threads(settings: ShownConfig) -> Iterator[None]:
    """Let trees and clusters use no more threads than are set; DuckDB has its own."""
    if not (isinstance(settings, ReadingConfig) and settings.threads):
        yield
        return
    from threadpoolctl import threadpool_limits

    for module in ("duramen.scoring.model", "lightgbm"):
        import_module(module)  # only libraries that are loaded can be limited
    with threadpool_limits(settings.threads):
        yield


def _parameters(model: type[ShownConfig]) -> Iterator[inspect.Parameter]:
    # What is special to the command comes first, then how results are shown, and how orders are read last.
    last = [*ShownConfig.model_fields, *ReadingConfig.model_fields]
    for flag in sorted(model.flags(), key=lambda flag: last.index(flag.name) if flag.name in last else -1):
        kind: Any = list[str] if flag.is_list else bool if has_type(flag.field, bool) else str
        if flag.option.argument:
            described = typer.Argument(help=_help(flag), show_default=False, metavar=flag.words)
        else:
            metavar = None if kind is bool else flag.option.metavar
            described = typer.Option(flag.words, help=_help(flag), show_default=False, metavar=metavar)
        yield _parameter(flag.name, Annotated[kind | None, described])
    yield _parameter(
        "config", Annotated[Path | None, typer.Option("--config", help=CONFIG_HELP, metavar="FILE")]
    )


def _parameter(name: str, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _help(flag: Flag) -> str:
    """Return what an option does, and its default."""
    default = flag.option.default
    if not default and not flag.field.is_required() and flag.field.default not in (None, False):
        default = str(flag.field.default)
    return f"{flag.option.help} [default: {default}]" if default else flag.option.help
