"""What a list file is, told from its first and last bytes and never from its name."""

from enum import Enum

from worker.lists.errors import UnsupportedFormat

#: Bytes of a file's head and tail that ``sniff`` looks at, at most.
SNIFF_BYTES = 16


class ListFormat(Enum):
    """The formats that lists are read from and written to."""

    CSV = "csv"
    PARQUET = "parquet"


_PARQUET = b"PAR1"
_BZIP2_BLOCKS = (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90")
_FOREIGN = {
    b"\x1f\x8b": "gzip-compressed",
    b"\x28\xb5\x2f\xfd": "zstd-compressed",
    b"PK\x03\x04": "a zip archive (or an Excel workbook)",
    b"PK\x05\x06": "an empty zip archive",
    b"\xfd7zXZ\x00": "xz-compressed",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
    b"PARE": "an encrypted Parquet file",
}


def sniff(head: bytes, tail: bytes | None) -> ListFormat:
    """Tell the format of a list file.

    Text that merely begins like a magic number (a key ``PAR1…``, ``PARE…`` or ``BZh…``)
    is still CSV: such a number counts only with the binary bytes that follow it.

    Args:
        head: The first bytes of the file, ``SNIFF_BYTES`` or all there are.
        tail: The last bytes, if they are at hand; decides where the head leaves doubt.

    Raises:
        UnsupportedFormat: Compressed, UTF-16 or encrypted; the message names which.
    """
    if head.startswith(_PARQUET) and (_is_binary(head) or (tail or b"").endswith(_PARQUET)):
        return ListFormat.PARQUET
    if head.startswith(b"BZh") and head[4:10] in _BZIP2_BLOCKS:
        raise UnsupportedFormat("bzip2-compressed")
    for magic, name in _FOREIGN.items():
        if head.startswith(magic) and (magic != b"PARE" or _is_binary(head)):
            raise UnsupportedFormat(name)
    return ListFormat.CSV


def _is_binary(head: bytes) -> bool:
    """Whether a control character that no text has follows the four bytes of magic."""
    following = head[4:5]
    return bool(following) and following < b" " and following not in b"\t\r\n"
