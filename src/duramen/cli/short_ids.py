"""Customer ids and a width come in; texts of that width, as different as the ids, go out."""

from __future__ import annotations

from collections.abc import Sequence

# What is kept of a long id at first: "f47ac10b…d479".
START, END = 8, 4
ELLIPSIS = "…"
# Room below which ids say too little.
SHORTEST = START + len(ELLIPSIS) + END


def short_ids(ids: Sequence[object], width: int) -> list[str]:
    """Shorten ids in the middle where they do not fit, as far as different ids stay different.

    An e-mail address keeps its domain where there is room for it. What is kept grows until no two ids have the same
    text, even beyond ``width``.

    Parameters
    ----------
    ids : sequence of shape (n,)
    width : int
        Characters that there is room for.

    Returns
    -------
    list of str, shape (n,)

    Examples
    --------
    >>> short_ids(["f47ac10b-58cc-4372-a567-0e02b2c3d479", 7], 20)
    ['f47ac10b…d479', '7']
    >>> short_ids(["customer-2024-1234-x", "customer-2024-5678-x"], 14)
    ['customer…34-x', 'customer…78-x']
    """
    whole = [str(one) for one in ids]
    room = max(width, 3)
    longest = max(map(len, whole), default=0)
    if longest <= room:
        return whole
    different = len(set(whole))
    kept = min(START + END, room - 1)
    while True:
        texts = [one if len(one) <= room else _shortened(one, kept, room) for one in whole]
        if len(set(texts)) == different:
            return texts
        kept += 1


def _shortened(one: str, kept: int, room: int) -> str:
    """Keep ``kept`` characters of an id, two thirds of them from its start, and more of an address that has room."""
    end = max(kept * END // (START + END), 1)
    start = kept - end
    domain = len(one) - one.rfind("@") if "@" in one else 0
    if domain > end and start + 1 + domain <= max(room, kept + 1):
        end = domain
    return one if start + end + 1 >= len(one) else f"{one[:start]}{ELLIPSIS}{one[len(one) - end :]}"
