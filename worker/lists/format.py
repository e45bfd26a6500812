"""What a list file is, told from its first and last bytes and never from its name."""

from enum import Enum

from worker.lists.errors import UnsupportedFormat
from worker.lists.foreign import foreign_name

#: Bytes of a file's head that ``sniff`` looks at, at most: a tar header, a line of JSON.
SNIFF_BYTES = 2_048
#: Bytes of a file's tail that it looks at.
TAIL_BYTES = 16


class ListFormat(Enum):
    """The formats that lists are read from and written to."""

    CSV = "csv"
    PARQUET = "parquet"


_PARQUET = b"PAR1"


def sniff(head: bytes, tail: bytes | None) -> ListFormat:
    """Tell the format of a list file.

    Text that merely begins like a magic number (a key ``PAR1…``, ``PARE…`` or ``BZh…``)
    is still CSV: such a number counts only with the binary bytes that follow it.

    Args:
        head: The first bytes of the file, ``SNIFF_BYTES`` or all there are.
        tail: The last bytes, if they are at hand; decides where the head leaves doubt.

    Raises:
        UnsupportedFormat: It is known to be something else; the message names what.
    """
    if head.startswith(_PARQUET) and (_is_binary(head) or (tail or b"").endswith(_PARQUET)):
        return ListFormat.PARQUET
    name = foreign_name(head)
    if name is not None:
        raise UnsupportedFormat(name)
    return ListFormat.CSV


def _is_binary(head: bytes) -> bool:
    """Whether a control character that no text has follows the four bytes of magic."""
    following = head[4:5]
    return bool(following) and following < b" " and following not in b"\t\r\n"
