"""The head and the body of an answer in one write.

Each write of a transport is a call of the system and wakes the client. Uvicorn writes the
head of an answer before it knows the body, so a look-up's answer of one packet went out as
two; with this protocol, which uvicorn is told to use, it is one.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: Bytes above which joining, which copies, costs more than it saves.
_MOST_JOINED_BYTES: Final = 8 * 1024


class JoinedWrites(asyncio.Transport):
    """A transport that keeps a short write until the next one, or the loop's next turn.

    Bytes keep their order. Nothing is kept beyond one turn of the loop, and never more than
    8 KiB, so flow control stays the transport's own.
    """

    def __init__(
        self, transport: asyncio.Transport, call_soon: Callable[[Callable[[], None]], object]
    ) -> None:
        """Wrap a transport.

        Args:
            transport: what really writes.
            call_soon: has something done in the loop's next turn.
        """
        super().__init__()
        self._transport = transport
        self._call_soon = call_soon
        self._held = b""

    def write(self, data: Any) -> None:  # noqa: ANN401 - any buffer of bytes
        """Write, now or with what follows."""
        held = self._held
        if held:
            self._held = b""
            if len(data) <= _MOST_JOINED_BYTES:
                self._transport.write(held + data)
            else:
                self._transport.write(held)
                self._transport.write(data)
        elif len(data) <= _MOST_JOINED_BYTES:
            self._held = bytes(data)
            self._call_soon(self._flush)
        else:
            self._transport.write(data)

    def _flush(self) -> None:
        held, self._held = self._held, b""
        if held and not self._transport.is_closing():
            self._transport.write(held)

    def close(self) -> None:
        """Close once all is written."""
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        """Close now."""
        self._held = b""
        self._transport.abort()

    def is_closing(self) -> bool:
        """Whether it is closed, or about to be."""
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        """Give the protocol no more data for now."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Give the protocol data again."""
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - asyncio's
        """What the transport knows of its socket."""
        return self._transport.get_extra_info(name, default)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Who gets the data."""
        return self._transport.get_protocol()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Have another protocol get the data."""
        self._transport.set_protocol(protocol)


class JoinedWritesProtocol(HttpToolsProtocol):
    """Uvicorn's protocol over such a transport."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin with a connection."""
        super().connection_made(JoinedWrites(transport, self.loop.call_soon))
