"""Different texts of a column of money come in; the mark that groups the thousands of its whole amounts goes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ibis

# Different amounts of three digits, and with a mark before three more: fewer prove nothing.
FEWEST = 5


def decimal_of_whole_amounts(readings: ibis.Table) -> str | None:
    """Return the decimal mark where the other one groups the thousands of whole amounts, None where it may not.

    That ``1,250`` is beside ``950``, and nothing like ``1250``, can only be a group: an export that writes 950 without
    decimals writes the decimal 1,25 without its last 0.

    Parameters
    ----------
    readings : ibis.Table
        The different texts: their bare ``number``, and ``reading``, "either" where a mark could be of both kinds.
    """
    either = (readings.reading == "either").fill_null(False)
    number = either.ifelse(readings.number, "")
    whole = readings.number.re_search(r"^[-+]?\d+$").fill_null(False)
    counts = readings.aggregate(
        points=number.contains(".").sum(),
        commas=number.contains(",").sum(),
        with_zero=number.endswith("0").sum(),
        hundreds=readings.number.re_search(r"^[-+]?[1-9]\d\d$").fill_null(False).sum(),
        longer=(whole & readings.number.re_search(r"\d{4}")).sum(),
    )
    seen = {name: int(count or 0) for name, count in counts.to_pyarrow().to_pylist()[0].items()}
    groups = seen["hundreds"] >= FEWEST and seen["with_zero"] and not seen["longer"]
    if not groups or max(seen["points"], seen["commas"]) < FEWEST or min(seen["points"], seen["commas"]):
        return None
    return "," if seen["points"] else "."
