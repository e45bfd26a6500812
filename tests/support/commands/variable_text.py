"""What differs from run to run in what commands print: ids, times, rates, widths of columns."""

import re
from typing import Final

_VARIABLE: Final = (
    (re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "ID"),
    (re.compile(r"(?<![0-9a-zA-Z])[0-9a-f]{12,64}(?![0-9a-zA-Z])"), "ID"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?Z?"), "TIME"),
    (re.compile(r"(?<!\d)1[6-9]\d{11}(?!\d)"), "TIME"),
    (re.compile(r"[\d,.]+(?= ?[a-z]*/s)"), "N"),
    (re.compile(r"\d[\d,]*\.\d+"), "N"),
    # A longer figure makes a column, its rule and its frame wider.
    (re.compile(r"([─━═┄ -])\1+"), r"\1"),
)


def mask(text: str) -> str:
    """Replace what varies, and leave out what fills a line."""
    for pattern, stand_in in _VARIABLE:
        text = pattern.sub(stand_in, text)
    return "\n".join(line.strip() for line in text.strip().splitlines())


def are_same(printed: str, said: str) -> bool:
    """Whether two outputs differ in nothing but what varies."""
    return mask(printed) == mask(said)
