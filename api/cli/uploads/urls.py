"""The URLs of an upload's parts, asked for as they are needed."""

import threading
from typing import Any, Final

from api.cli.connection.connection import Connection

#: URLs asked for at a time: a few for each thread, so that none waits long before its use.
_AHEAD: Final = 16


class PartUrls:
    """The URLs of one upload; safe from any thread."""

    def __init__(self, connection: Connection, path: str, first: dict[str, Any] | None) -> None:
        """Begin with those that the start of the upload gave, if there are any.

        Args:
            connection: to the API.
            path: of the upload.
            first: ``urls`` of that answer.
        """
        self._connection = connection
        self._path = f"{path}/parts"
        self._lock = threading.Lock()
        self._known: dict[int, dict[str, Any]] = {}
        if first is not None:
            self._keep(first)

    def get(self, number: int, size_bytes: int) -> str:
        """The URL for a part of this size. Errors: as ``Connection.get``."""
        with self._lock:
            if number not in self._known:
                self._ask(number, _AHEAD)
            if self._known[number]["sizeBytes"] != size_bytes:  # the last one of a pipe
                self._ask(number, 1, bytes=size_bytes)
            return str(self._known[number]["url"])

    def any(self) -> str:
        """A URL of any part, for the sake of its host."""
        with self._lock:
            if not self._known:
                self._ask(1, _AHEAD)
            return str(next(iter(self._known.values()))["url"])

    def forget(self, number: int) -> None:
        """Have the next ``get`` ask for others: this one was refused."""
        with self._lock:
            self._known.pop(number, None)

    def _ask(self, first: int, count: int, **more: int) -> None:
        wanted = {"from": first, "count": count, **more}
        self._keep(self._connection.get(self._path, **wanted))

    def _keep(self, found: dict[str, Any]) -> None:
        self._known |= {int(part["number"]): part for part in found["parts"]}
