"""The formats of lists, and which files are Parquet: by their bytes and never by their name."""

from enum import Enum
from typing import Final

#: Bytes of a file's tail that decide where the head is ambiguous.
TAIL_BYTES = 16


class ListFormat(Enum):
    """The formats that lists are read from."""

    CSV = "csv"
    """Any table of text, whatever separates its columns."""
    JSON_LINES = "jsonl"
    PARQUET = "parquet"


#: What a Parquet file begins and ends with.
PARQUET: Final = b"PAR1"


def is_parquet(head: bytes, tail: bytes | None) -> bool:
    """Whether a file is Parquet. Text that merely begins like it (a key ``PAR1…``) is not.

    Args:
        head: The first bytes of the file, five or all there are.
        tail: The last bytes, if available; they decide where the head is ambiguous.
    """
    return head.startswith(PARQUET) and (_is_binary(head) or (tail or b"").endswith(PARQUET))


def _is_binary(head: bytes) -> bool:
    """Whether a control character that no text has follows the four bytes of magic."""
    following = head[4:5]
    return bool(following) and following < b" " and following not in b"\t\r\n"
