"""What a list of text turned out to be: all that is needed to read its rows."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from worker.options.lists import Compression

#: The delimiters of tables, by the names that importers use.
DELIMITERS: Final = MappingProxyType({"comma": ",", "semicolon": ";", "pipe": "|", "tab": "\t"})

TableDelimiter = Literal["comma", "semicolon", "pipe", "tab"]
KnownEncoding = Literal["utf-8", "utf-16le", "utf-16be", "windows-1252", "latin-1"]

#: Encodings in which a byte that is ASCII is that character, so that rows can be cut as bytes.
_CUT_AS_BYTES: Final = frozenset({"utf-8", "windows-1252", "latin-1"})


@dataclass(frozen=True, slots=True)
class TextForm:
    """How a list of text is read."""

    compression: Compression = "none"
    encoding: KnownEncoding = "utf-8"
    delimiter: TableDelimiter | None = "comma"
    """Of a table; ``None`` for JSON Lines."""
    skipped: int = 0
    """Rows at the front that hold no keys: a line that names the separator, and a header."""
    header: bool = False
    column: int = 0
    """The place of the keys, from 0; of JSON Lines in the first object."""
    field: str | None = None
    """Of JSON Lines of objects: the name of the field that holds the keys."""
    suspects: tuple[TableDelimiter, ...] = ()
    """Other delimiters that most of the first keys hold."""
    is_numbered: bool = False
    """Whether the first keys count up and there are other columns, as beside an index."""

    @property
    def is_splittable(self) -> bool:
        """Whether any part of the file can be read without what is before it."""
        cut_as_bytes = _CUT_AS_BYTES if self.delimiter is not None else {"utf-8"}
        return self.compression == "none" and self.encoding in cut_as_bytes
