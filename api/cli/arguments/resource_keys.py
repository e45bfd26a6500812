"""Keys of projects, environments and segments, and ids of what the service names itself.

Either becomes one part of a path. A part such as ``..`` would make it the path of something
else, so that a command would show, change or delete what nobody has named.
"""

import re
from typing import Final

from api.cli.errors import UsageError

_MOST_CHARACTERS: Final = 256
_KEY: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_ID: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]*")


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


def encode_id(given: str) -> str:
    """Write the id of an import, an export, a token or an SDK key as a part of a path.

    Raises:
        UsageError: it cannot be an id.
    """
    if len(given) > _MOST_CHARACTERS or _ID.fullmatch(given) is None:
        raise UsageError(
            f"{given!r:.80} cannot be an id: letters, digits, `_` and `-`, the first a letter or "
            f"digit, at most {_MOST_CHARACTERS}"
        )
    return given
