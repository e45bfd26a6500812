"""What a list may hold that is a key by the rules and yet hardly what was meant.

Nothing here rejects a row: the report of an import counts these rows and names some, so
that nothing of the kind passes in silence. Each kind is declared once, with its words.
"""

from enum import Enum
from types import MappingProxyType
from typing import Final


class Doubt(Enum):
    """A kind of doubtful row; the value is its name in reports."""

    def __init__(self, label: str, message: str) -> None:
        self.label = label
        self.message = message

    HEADER = "header", "the first row looks like a header and was imported as a key"
    INDEX_COLUMN = (
        "index_column",
        "the first column only counts the rows; the keys may be in another column",
    )
    OTHER_TEXT_COLUMN = (
        "other_text_column",
        "the first column is a number and another column is text; only the first one is read",
    )
    SEPARATOR_LINE = "separator_line", "the first row names a separator; only the comma is read"
    SEMICOLON = "semicolon", "the keys hold ';': if it parts columns, write commas"
    PIPE = "pipe", "the keys hold '|': if it parts columns, write commas"
    TAB = "tab", "the rows hold a tab: if it parts columns, write commas"
    SPACE = (
        "edge_or_invisible_space",
        "the key begins or ends with a space, or holds an invisible character; it is kept",
    )
    BYTE_ORDER_MARK = (
        "byte_order_mark",
        "a byte order mark stood before the key, as where files were joined; it was left out",
    )
    NULL_TEXT = "null_text", "the key is a word for no value, like NULL or \\N"
    FLOAT = "float_number", "the key is a number as a spreadsheet or float column rewrites it"
    TEXT_GUARD = (
        "text_guard",
        'the cell was ="…", as spreadsheets are told of text; it was unwrapped',
    )
    LINES = "quoted_lines", "a quoted cell spans lines; a quote may have been left open before"
    OPEN_QUOTE = "open_quote", "a quote is never closed, so all lines behind it are one row"
    UNREACHABLE = (
        "unreachable_by_path",
        "clients fold the key as a part of a path; ask for it with the key in a body",
    )

    @classmethod
    def of(cls, label: str) -> "Doubt":
        """The kind that a record names."""
        return next(one for one in cls if one.label == label)


#: Delimiters that the cells of a list may hold where commas were needed.
DELIMITERS: Final = MappingProxyType({Doubt.SEMICOLON: b";", Doubt.PIPE: b"|", Doubt.TAB: b"\t"})
