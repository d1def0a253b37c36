"""A fitted model and its orders come in; the settings that make it again go out, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from duramen.scoring.tiers import THRESHOLDS

if TYPE_CHECKING:
    from duramen.data.transactions import Transactions
    from duramen.forecast.settings import ForecastSettings
    from duramen.scoring.model import CoreCustomerModel


def forecast_parameters(settings: ForecastSettings) -> dict[str, Any]:
    """Return the settings of a forecast by names with ``forecast.`` before them."""
    plain = settings.to_dict() | {"btyd_models": ", ".join(settings.btyd_models)}
    plain |= {f"trees.{name}": value for name, value in plain.pop("trees").items()}
    return {f"forecast.{name}": value for name, value in plain.items()}


def training_parameters(model: CoreCustomerModel, tx: Transactions) -> dict[str, Any]:
    """Return what a model was trained on, and with which settings, by name."""
    return {
        "source": tx.source,
        "cutoff": model.window_.cutoff.isoformat(),
        "horizon_days": model.window_.horizon,
        "holdout_cutoff": model.holdout_window_.cutoff.isoformat(),
        "holdout_horizon_days": model.holdout_window_.horizon,
        "unit": model.unit_,
        **{f"column.{role}": name for role, name in tx.columns.items()},
        **{name: value for name, value in model.parameters.items() if name != "forecast"},
        **forecast_parameters(model.forecast),
        "tiers": ", ".join(model.tiers.names),
        **{f"tiers.{name}": getattr(model.tiers, name) for name in THRESHOLDS},
        "tiers.treatments": dict(model.tiers.treatments),
    }
