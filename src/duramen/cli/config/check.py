"""The configuration of ``duramen check``."""

from __future__ import annotations

from duramen.cli.config.options import AsJson
from duramen.cli.config.reading import OrdersConfig


class CheckConfig(OrdersConfig):
    """Settings of ``duramen check``."""

    as_json: AsJson = False
