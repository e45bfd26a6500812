"""Which state of a resource the headers of a request name.

Source: RFC 9110, section 13.
"""

import re
from typing import Final

_TAG: Final = re.compile(r'(W/)?("[^"]*")')


def is_named(tag: str, if_none_match: str) -> bool:
    """Whether an ``If-None-Match`` header matches this strong tag, or any."""
    if if_none_match.strip() == "*":
        return True
    return tag in {strong for _, strong in _TAG.findall(if_none_match)}


def is_same(tag: str, if_range: str) -> bool:
    """Whether an ``If-Range`` header is this strong tag; a date or a weak tag never is."""
    return if_range.strip() == tag
