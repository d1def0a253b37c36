"""A report comes in as HTML; the customers that it has as data come out."""

import base64
import gzip
import json
import re
from typing import Any


def customers_of(page: str) -> dict[str, Any]:
    """Unpack the customers that a page has as data."""
    packed = re.search(r'id="customers-data">([^<]*)<', page)[1]
    return json.loads(gzip.decompress(base64.b64decode(packed)))
