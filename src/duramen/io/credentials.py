"""Text that may hold addresses with passwords comes in; the same text without the passwords goes out."""

from __future__ import annotations

import re

# What stands before the host: libpq ends a password at the last @, and a password may have a slash in it.
_USER_AND_PASSWORD = re.compile(
    r"(?P<user>\b[a-z][a-z0-9+.-]*://[^\s:/@?#'\"]*):(?P<password>[^\s'\"#]*)@", re.IGNORECASE
)
_PARAMETER = re.compile(
    r"(?P<name>[?&;][\w.-]*(?:password|passwd|pwd|token|key|secret|signature|sig|credential)[\w.-]*=)[^&;#\s'\"]*",
    re.IGNORECASE,
)


def mask_credentials(text: str) -> str:
    """Return a text in which the password of each address is ``***``, and so are its secret parameters.

    Examples
    --------
    >>> mask_credentials("postgresql://ann:s3/cr@t@db/shop?sslmode=require&password=x could not be read")
    'postgresql://ann:***@db/shop?sslmode=require&password=*** could not be read'
    >>> mask_credentials("https://shop.com/orders.csv?api_key=abc&page=2")
    'https://shop.com/orders.csv?api_key=***&page=2'
    """
    return _PARAMETER.sub(r"\g<name>***", _USER_AND_PASSWORD.sub(r"\g<user>:***@", text))
