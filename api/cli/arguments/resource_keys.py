"""Keys of projects, environments and segments."""

import re
from typing import Final

from api.cli.errors import UsageError

_MOST_CHARACTERS: Final = 256
_KEY: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")


def encode_key(key: str) -> str:
    """Write the key of a resource as a part of a path.

    Raises:
        UsageError: it cannot be a key.
    """
    if len(key) > _MOST_CHARACTERS or _KEY.fullmatch(key) is None:
        raise UsageError(
            f"{key!r:.80} cannot be a key: letters, digits, `_`, `.` and `-`, the first a letter "
            f"or digit, at most {_MOST_CHARACTERS}"
        )
    return key
