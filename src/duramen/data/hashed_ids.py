"""Customer ids and a secret salt come in; ids go out that do not reveal who the customer is."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from duramen.data.ids import id_text, parse_id
from duramen.errors import InputError
from duramen.language import say

if TYPE_CHECKING:
    from ibis import ir

# Half of SHA-256: two customers of a billion get the same id with a chance of 1 in 10^20.
LENGTH = 32
# A shorter secret can be found by trial.
SHORTEST_SALT = 16


def hash_id(ids: ir.Column, salt: str) -> ir.StringColumn:
    """Return the ids that ``parse_id`` returns as hexadecimal text, null where they are missing.

    It is the first half of the SHA-256 of salt and id, so that 7, 7.0 and "7" stay one customer, and the same file of
    salt gives the same ids in every engine and file.
    """
    import ibis

    salted: ir.StringColumn = ibis.literal(salt).concat(id_text(ids))
    return salted.hexdigest("sha256").lower().left(LENGTH)


def id_as_text(hash_ids: str | Path | None) -> Callable[[ir.Column], ir.StringColumn]:
    """Return how a column of ids of a file beside the orders becomes text: hashed by a file of salt, or as it is."""
    if hash_ids is None:
        return lambda column: id_text(parse_id(column))
    salt = read_salt(hash_ids, [])
    return lambda column: hash_id(parse_id(column), salt)


def read_salt(path: str | Path, assumed: list[str]) -> str:
    """Return the salt of a file, which is created with a random salt where there is none.

    Parameters
    ----------
    path : str or Path
        Only its owner can read the file that is created.
    assumed : list of str
        Gains a sentence on the salt.

    Raises
    ------
    InputError
        If the file cannot be read or written, or its salt is short.
    """
    path = Path(path)
    try:
        if created := not path.exists():
            _create_salt(path)
        salt = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InputError(
            f"the salt {path} could not be read or created: {reason}; name another file by `hash_ids`."
        ) from error
    if len(salt) < SHORTEST_SALT:
        raise InputError(
            f"the salt in {path} has {len(salt)} characters, and ids could be found by trial; write {SHORTEST_SALT} or "
            "more random ones, or name a new file by `hash_ids`."
        )
    assumed.append(
        say(
            "customer ids are hashed with the salt in {path} that was created now; keep it secret and safe, since "
            "later runs have the same ids only with it (`hash_ids`)",
            path=path,
        )
        if created
        else say(
            "customer ids are hashed with the salt in {path}; keep it secret and safe, since later runs have the "
            "same ids only with it (`hash_ids`)",
            path=path,
        )
    )
    return salt


def _create_salt(path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(secrets.token_hex(32) + "\n")
