"""Text before the first boundary of a form, which RFC 2046 allows and which is dropped."""

import re
from typing import Final

from api.bodies.forms.fields import FormError

#: Far above the sentence for old mail readers that some programs put there.
MOST_BYTES: Final = 16 * 1024


class Preamble:
    """Drops what comes before the first boundary. Holds at most ``MOST_BYTES`` and one feed.

    Source: RFC 2046, section 5.1.1: a boundary stands at the beginning of a line, and nothing
    but blanks, the line's end or ``--`` follows it.
    """

    def __init__(self, boundary: bytes) -> None:
        """Look for this boundary, given without its leading ``--``."""
        delimiter = b"--" + re.escape(boundary)
        self._start = re.compile(rb"(?:\A|(?<=\n))" + delimiter + rb"(?=\r\n|--|[ \t])")
        self._reach = len(boundary) + len(b"\n----")
        self._held = bytearray()
        self._searched = 0
        self.is_over = False
        """Whether the first boundary has come."""

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes, cut anywhere.

        Returns:
            What the form's parser is to have: nothing before the first boundary is there, and
            everything from it on.

        Raises:
            FormError: it is over the limit.
        """
        if self.is_over:
            return data
        self._held += data
        found = self._start.search(self._held, self._searched)
        if found is not None:
            self.is_over = True
            return bytes(memoryview(self._held)[found.start() :])
        if len(self._held) > MOST_BYTES:
            limit = f"no boundary in the first {MOST_BYTES:,} bytes of the body"
            raise FormError(f"the form is malformed: {limit}")
        self._searched = max(0, len(self._held) - self._reach)
        return b""
