"""Messages between the API and its child process: a size, a header of JSON, then bytes."""

import json
from dataclasses import dataclass, field
from typing import Any, Final, Self

#: Bytes of the size that comes before each message.
SIZE_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Message:
    """One message; either side trusts the other, so what it holds is not checked."""

    header: dict[str, Any]
    body: bytes = field(default=b"", repr=False)

    def parts(self) -> tuple[bytes, bytes]:
        """The whole message, its size first: what is before the body, and the body, not copied."""
        # JSON has no line breaks, so the first one ends the header.
        header = json.dumps(self.header).encode()
        size = len(header) + 1 + len(self.body)
        return size.to_bytes(SIZE_BYTES) + header + b"\n", self.body

    @classmethod
    def parse(cls, packed: bytes) -> Self:
        """Read a message that came without its size."""
        header, _, body = packed.partition(b"\n")
        return cls(json.loads(header), body)
