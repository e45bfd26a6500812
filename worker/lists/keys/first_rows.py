"""Detects a header or a separator line in the first rows of a text file."""

import re
from typing import Any, Final

import numpy as np

from worker.lists.keys.doubtful_rows import DoubtfulRows
from worker.lists.keys.doubts import Doubt
from worker.lists.keys.validation import KeyBatch

_SEPARATOR: Final = re.compile(rb"sep=.?", re.IGNORECASE)
_LAST_WORDS: Final = frozenset(
    (
        *("id", "ids", "key", "keys", "uuid", "guid", "email", "mail", "identifier"),
        *("userid", "contextkey", "userkey"),
    )
)
#: These alone are a name; with others before them they end many a key, too.
_WORDS: Final = _LAST_WORDS | {
    *("user", "users", "username", "name", "customer", "account", "member", "context"),
    *("device", "visitor", "login", "index"),
}
_MOST_WORDS: Final = 4
_LONGEST_HEADER: Final = 64


def find_start_doubts(batch: KeyBatch) -> DoubtfulRows:
    """Check the first rows of a text file: a header, a separator line.

    Args:
        batch: The file's first rows.
    """
    if len(batch.rejected_rows) and batch.rejected_rows[0] == 0:
        return {}
    first: list[Any] = batch.keys[:2].to_pylist()
    row_one = np.zeros(1, np.int64)
    found = {}
    if first and _SEPARATOR.fullmatch(first[0]):
        found[Doubt.SEPARATOR_LINE] = row_one
    if first and _is_name(first[0]) and not any(map(_is_name, first[1:])):
        found[Doubt.HEADER] = row_one
    return found


def _is_name(cell: bytes) -> bool:
    """Whether a cell reads like the name of a column of keys: `user_id`, `contextKey`, `E-Mail`."""
    text = re.split(rb"[;|\t]", cell)[0].decode("utf-8", "replace").strip(" \"'")
    if not text or len(text) > _LONGEST_HEADER:
        return False
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).casefold()
    words = [word for word in re.split(r"[\s_.:/-]+", spaced) if word]
    if not words or len(words) > _MOST_WORDS or not all(word.isalpha() for word in words):
        return False
    return words[-1] in (_WORDS if len(words) == 1 else _LAST_WORDS)
