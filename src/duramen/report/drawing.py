"""Whether the packages that draw, of the extra ``report``, are installed."""

from __future__ import annotations

from importlib.util import find_spec

from duramen.errors import InputError

PACKAGES = ("altair", "jinja2", "vl_convert")


def missing_package() -> str | None:
    """Return the first package of the extra that is not installed, if any."""
    return next((package for package in PACKAGES if find_spec(package) is None), None)


def require_drawing() -> None:
    """Refuse to begin what ends in a drawing where nothing can be drawn.

    Raises
    ------
    InputError
        If a package of the extra is missing.
    """
    if (package := missing_package()) is not None:
        raise InputError(
            f"the package {package} is not installed; install duramen with its extra: duramen[report]."
        )
