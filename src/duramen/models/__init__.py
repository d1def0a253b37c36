"""Estimators: purchases, spend, value, activity, growth and segments."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from duramen.models.beta_geo import BetaGeoModel, ModifiedBetaGeoModel
    from duramen.models.clv import customer_lifetime_value
    from duramen.models.gamma_gamma import GammaGammaModel
    from duramen.models.pareto_nbd import ParetoNBDModel

_ROOMS = {
    "ParetoNBDModel": "pareto_nbd",
    "customer_lifetime_value": "clv",
    "BetaGeoModel": "beta_geo",
    "ModifiedBetaGeoModel": "beta_geo",
    "GammaGammaModel": "gamma_gamma",
}

__all__ = [
    "BetaGeoModel",
    "GammaGammaModel",
    "ModifiedBetaGeoModel",
    "ParetoNBDModel",
    "customer_lifetime_value",
]


def __getattr__(name: str) -> Any:
    """Import an estimator when it is first asked for, so that importing the package stays cheap."""
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
