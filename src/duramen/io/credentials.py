"""Text or plain values come in; the same go out with every password, token and key in an address masked."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

MASK = "***"
# A password may have a raw @ or / in it: all up to the last @ of the word is masked. A path has one slash of two left.
_PASSWORD = re.compile(r"(:/{1,2}[^\s:/@?#]*:)[^\s]*@")
# Where a port would be, and is none: the @ behind a password was left out.
_INSTEAD_OF_PORT = re.compile(r"(://[^\s:/@?#]+:)(?!\d+(?:\W|$)|\*\*\*@)[^\s/\\?#'\"]+")
# Services take a token as the name of the user.
_TOKEN = re.compile(r"(https?:/{1,2})[^\s:/@?#]+@", re.IGNORECASE)
_PARAMETER = re.compile(r"([?&;])([^\s=&;?]+)=([^\s&;'\"]+)")
_SECRET = re.compile(r"passw|pwd|token|key|secret|credential|^sig$|signature", re.IGNORECASE)


def mask_credentials(text: str) -> str:
    """Return a text in which no address shows a password, a token, a key or a signature, however it is written.

    Parameters
    ----------
    text : str
        An address, or any text with addresses in it.

    Examples
    --------
    >>> mask_credentials("the store http://ann:s3/cr@t@host:5000 does not answer")
    'the store http://ann:***@host:5000 does not answer'
    >>> mask_credentials("s3://shop/orders.parquet?region=eu&sig=AbC%3D")
    's3://shop/orders.parquet?region=eu&sig=***'
    """
    if ":/" in text:
        text = _PASSWORD.sub(rf"\1{MASK}@", text)
        text = _INSTEAD_OF_PORT.sub(rf"\1{MASK}", text)
        text = _TOKEN.sub(rf"\1{MASK}@", text)
    return _PARAMETER.sub(_masked_parameter, text)


def _masked_parameter(found: re.Match[str]) -> str:
    before, name, _ = found.groups()
    return f"{before}{name}={MASK}" if _SECRET.search(unquote(name)) else found[0]


def mask_values(value: Any) -> Any:
    """Return a plain value, such as the content of a JSON file, with the credentials in all its texts masked.

    Examples
    --------
    >>> mask_values({"orders": ["postgresql://ann:s3cret@db/shop"], "seed": 1})
    {'orders': ['postgresql://ann:***@db/shop'], 'seed': 1}
    """
    if isinstance(value, str):
        return mask_credentials(value)
    if isinstance(value, dict):
        return {key: mask_values(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [mask_values(item) for item in value]
    return value
