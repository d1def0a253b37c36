"""A model, transactions and settings come in; what scores are made of goes out, for the sidecar beside them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from duramen._version import __version__
from duramen.data.customers import feature_version

if TYPE_CHECKING:
    from duramen.data.transactions import Transactions
    from duramen.scoring.model import CoreCustomerModel
    from duramen.scoring.tiers import Tiers


def provenance(
    model: CoreCustomerModel,
    tx: Transactions,
    cutoff: date,
    *,
    tiers: Tiers,
    reasons: str = "all",
    cost_to_serve: str | None = None,
    previous_scores: dict[str, str] | None = None,
    market: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return what scores are made of: model, features, cutoff and orders, and the settings that change them.

    Parameters
    ----------
    model : CoreCustomerModel
    tx : Transactions
    cutoff : date
    tiers : Tiers
    reasons : str
        Customers who have reasons: "all", "core" or "none".
    cost_to_serve : str, optional
        Where the costs are from.
    previous_scores : dict, optional
        Place and cutoff of the earlier ranking that the reasons compare with.
    market : mapping, optional
        The outside index and the stated scenario, as plain values.
    """
    options: dict[str, Any] = {
        "reasons": reasons,
        "cost_to_serve": cost_to_serve,
        "previous_scores": previous_scores,
        "tiers": tiers.to_dict(),
    }
    return {
        "duramen_version": __version__,
        "model_version": model.model_version_,
        "feature_version": feature_version(tx),
        "cutoff": cutoff.isoformat(),
        "horizon_days": model.window_.horizon,
        "unit": model.unit_,
        "source": tx.source,
        "source_digest": tx.digest(cutoff),
        "orders": {"read": tx.rows_in, "used": tx.rows_used, "set_aside": tx.set_aside},
        **({} if tx.features is None else {"features": tx.features.source}),
        "options": options | ({"market": dict(market)} if market else {}),
    }
