"""A multipart/form-data body as a stream of events: no temporary file, bounded memory.

python-multipart finds the parts, this says what they are. The caller feeds what arrives and passes
the file's bytes on between two feeds.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from api.bodies.forms.fields import (
    FILE_FIELD,
    CheckName,
    FieldEvent,
    FileData,
    FileEnd,
    FileStart,
    FormError,
    FormEvent,
)
from api.bodies.forms.preamble import Preamble

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks  # private to type checkers

#: File bytes given out at a time: passing 256 KiB to a thread costs little per byte.
_DATA_BYTES = 256 * 1024

# Encodings that change nothing; RFC 7578 section 4.7 deprecates all others.
_IDENTITY_ENCODINGS = (b"", b"binary", b"8bit", b"7bit")


@dataclass(slots=True)
class _Part:
    """The part being read."""

    header_bytes: int = 0
    header_name: bytearray = field(default_factory=bytearray)
    header_value: bytearray = field(default_factory=bytearray)
    headers: dict[bytes, bytes] = field(default_factory=dict)
    name: str = ""
    value: bytearray = field(default_factory=bytearray)


class UploadForm:
    """One upload: parts in any order, exactly one of them the list; text before them is dropped.

    Events do not depend on how the body is cut, except for where the file's bytes are. Holds under
    256 KiB of the file, one feed, and what the limits allow; copies each byte once. For one thread
    at a time. After an error it is of no further use.
    """

    def __init__(
        self,
        content_type_header: str,
        *,
        check_name: CheckName = lambda _name: None,
        max_field_bytes: int = 1024,
        max_header_bytes: int = 8192,
        max_parts: int = 8,
    ) -> None:
        """Read the boundary from the request's header.

        Args:
            content_type_header: the request's ``Content-Type``, or nothing.
            check_name: says what is wrong with the name of a part.
            max_field_bytes: longest text field.
            max_header_bytes: all headers of one part together.
            max_parts: parts in the form.

        Raises:
            FormError: it is not a form, or has no boundary.
        """
        self._check_name = check_name
        self._max_field_bytes = max_field_bytes
        self._max_header_bytes = max_header_bytes
        self._max_parts = max_parts
        self._events: list[FormEvent] = []
        self._names: list[str] = []
        self._part = _Part()
        self._in_file = False
        self._pending = bytearray()
        self._ended = False
        boundary = _boundary_of(content_type_header)
        self._preamble = Preamble(boundary)
        self._parser = self._new_parser(boundary)

    def feed(self, data: bytes) -> list[FormEvent]:
        """Take the next bytes of the body, cut anywhere.

        Returns:
            Events completed by these bytes, in the body's order; often none.

        Raises:
            FormError: the body is malformed or over a limit.
        """
        try:
            if form := self._preamble.feed(data):
                self._parser.write(form)
        except FormParserError as exc:
            raise FormError(f"the form is malformed: {exc}") from exc
        return self._take_events()

    def finish(self) -> list[FormEvent]:
        """Say that the body has ended.

        Returns:
            The events not given by a feed: none, as each feed gives all it has made whole.

        Raises:
            FormError: the body was cut short, or has no list in it.
        """
        if not self._preamble.is_over:
            raise FormError("the form is cut short: the boundary of its Content-Type is not in it")
        if not self._ended:
            raise FormError("the form is cut short: its closing boundary is missing")
        if FILE_FIELD not in self._names:
            raise FormError(f"the form has no part named {FILE_FIELD!r}")
        return self._take_events()

    def _new_parser(self, boundary: bytes) -> MultipartParser:
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._on_part_begin,
            "on_header_field": self._on_header_name,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers_finished,
            "on_part_data": self._on_part_data,
            "on_part_end": self._on_part_end,
            "on_end": self._on_end,
        }
        try:
            return MultipartParser(boundary, callbacks)
        except FormParserError as exc:
            raise FormError(f"the boundary is unusable: {exc}") from exc

    def _take_events(self) -> list[FormEvent]:
        events, self._events = self._events, []
        return events

    def _on_part_begin(self) -> None:
        if len(self._names) == self._max_parts:
            raise FormError(f"the form has over {self._max_parts} parts")
        self._part = _Part()

    def _on_header_name(self, data: bytes, start: int, end: int) -> None:
        self._count_header(end - start)
        self._part.header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._count_header(end - start)
        self._part.header_value += data[start:end]

    def _count_header(self, size: int) -> None:
        self._part.header_bytes += size
        if self._part.header_bytes > self._max_header_bytes:
            raise FormError(f"a part's headers are over {self._max_header_bytes} bytes")

    def _on_header_end(self) -> None:
        part = self._part
        part.headers[bytes(part.header_name).lower()] = bytes(part.header_value)
        part.header_name.clear()
        part.header_value.clear()

    def _on_headers_finished(self) -> None:
        headers = self._part.headers
        _, options = parse_options_header(headers.get(b"content-disposition"))
        name = options.get(b"name")
        if name is None:
            raise FormError("a part has no name: send Content-Disposition: form-data; name=…")
        encoding = headers.get(b"content-transfer-encoding", b"").strip().lower()
        if encoding not in _IDENTITY_ENCODINGS:
            raise FormError("a part has a Content-Transfer-Encoding: send its bytes as they are")
        self._part.name = name.decode(errors="replace")
        if self._part.name in self._names:
            raise FormError(f"the form has two parts named {self._part.name[:80]!r}")
        fault = self._check_name(self._part.name)
        if fault is not None:
            raise FormError(fault)
        self._names.append(self._part.name)
        self._in_file = self._part.name == FILE_FIELD
        if self._in_file:
            file_name = options.get(b"filename")
            shown = None if file_name is None else file_name.decode(errors="replace")
            self._events.append(FileStart(shown))

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._pending += memoryview(data)[start:end]
            if len(self._pending) >= _DATA_BYTES:
                self._give_out()
            return
        if len(self._part.value) + end - start > self._max_field_bytes:
            raise FormError(
                f"{self._part.name[:80]!r} is over {self._max_field_bytes} bytes: the list goes "
                f"into the part named {FILE_FIELD!r}"
            )
        self._part.value += data[start:end]

    def _on_part_end(self) -> None:
        if self._in_file:
            if self._pending:
                self._give_out()
            self._events.append(FileEnd())
            return
        try:
            value = self._part.value.decode()
        except UnicodeDecodeError as exc:
            raise FormError(f"{self._part.name[:80]!r} is not UTF-8") from exc
        self._events.append(FieldEvent(self._part.name, value))

    def _give_out(self) -> None:
        self._events.append(FileData(self._pending))
        self._pending = bytearray()

    def _on_end(self) -> None:
        self._ended = True


def _boundary_of(content_type_header: str) -> bytes:
    kind, options = parse_options_header(content_type_header)
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise FormError("Content-Type must be multipart/form-data with a boundary")
    return boundary
