"""Which strings are context keys: the one rule, for lists, requests and evaluations.

A key is valid Unicode of at most 1,024 bytes of UTF-8, holds no control character, and is not
blank. ``worker.lists.keys`` applies it to whole columns, and a test compares the two.
"""

import re
from typing import Final

#: Longest context key in bytes of UTF-8. Source: LaunchDarkly's API.
KEY_LIMIT_BYTES: Final = 1_024

#: Unicode category Cc: C0, DEL and C1; newlines too.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_TOO_LONG: Final = f"a context key must not be over {KEY_LIMIT_BYTES:,} bytes of UTF-8"


def fault_of(key: str) -> str | None:
    """Describe what is wrong with a key without repeating it; ``None`` if it is valid.

    Cost: well under a microsecond for printable ASCII.
    """
    if key.isascii() and key.isprintable() and not key.isspace() and len(key) > 0:
        return None if len(key) <= KEY_LIMIT_BYTES else _TOO_LONG
    try:
        size_bytes = len(key.encode())
    except UnicodeEncodeError:
        return "a context key must be valid Unicode; this one has half of a surrogate pair"
    if not key or key.isspace():
        return "a context key must not be blank"
    if size_bytes > KEY_LIMIT_BYTES:
        return _TOO_LONG
    if _CONTROL.search(key):
        return "a context key must not hold control characters"
    return None
