"""Kinds of rows that hold a valid key, but probably not the one that was intended.

Nothing here rejects a row: the report of an import counts these rows and names some. Each
kind is declared once, with its message.
"""

from enum import Enum
from types import MappingProxyType
from typing import Final


class Doubt(Enum):
    """A kind of doubtful row; the value is its name in reports."""

    def __init__(self, label: str, message: str) -> None:
        self.label = label
        self.message = message

    HEADER = (
        "header",
        (
            "the first row looks like a header and was imported as a key; if it is one, send "
            "header=true"
        ),
    )
    INDEX_COLUMN = (
        "index_column",
        (
            "the first column counts up from row to row, as an index does; if the keys are in "
            "another one, send column"
        ),
    )
    OTHER_TEXT_COLUMN = (
        "other_text_column",
        "the first column is a number and another one is text; if that holds keys, send column",
    )
    SEPARATOR_LINE = (
        "separator_line",
        "the first row names a separator, and it is not the delimiter that was asked for",
    )
    SEMICOLON = (
        "semicolon",
        "the keys contain ';': if it separates columns, send delimiter=semicolon, else comma",
    )
    PIPE = "pipe", "the keys contain '|': if it separates columns, send delimiter=pipe, else comma"
    TAB = "tab", "the rows contain a tab: if it separates columns, send delimiter=tab"
    SPACE = (
        "edge_or_invisible_space",
        "the key begins or ends with a space, or contains an invisible character; it is kept",
    )
    BYTE_ORDER_MARK = (
        "byte_order_mark",
        "a byte order mark preceded the key, as happens where files are joined; it was removed",
    )
    NULL_TEXT = "null_text", "the key looks like a placeholder for no value, such as NULL or \\N"
    FLOAT = (
        "float_number",
        "the key looks like a number rewritten by a spreadsheet or a column of floats",
    )
    TEXT_GUARD = (
        "text_guard",
        'the cell was written ="…", so that spreadsheets treat it as text; it was unwrapped',
    )
    LINES = (
        "quoted_lines",
        "a quoted cell spans several lines; an earlier quote may not have been closed",
    )
    OPEN_QUOTE = "open_quote", "a quote is never closed, so all lines after it are one row"
    MIXED_FORMS = (
        "mixed_forms",
        "the files are not all of the same form; each was read as what it is",
    )
    UNREACHABLE = (
        "unreachable_by_path",
        "clients remove this key from a path; look it up with the key in the body",
    )

    @classmethod
    def of(cls, label: str) -> "Doubt":
        """The kind that a record names."""
        return next(doubt for doubt in cls if doubt.label == label)


#: What most rows are: a few of them say nothing of a whole file.
MOST_SHARE: Final = 0.9
#: Delimiters that the cells of a list may hold where commas were needed.
#: Only counted if most of a file's first rows hold one, and only told if most of all rows do.
DELIMITERS: Final = MappingProxyType({Doubt.SEMICOLON: b";", Doubt.PIPE: b"|", Doubt.TAB: b"\t"})
