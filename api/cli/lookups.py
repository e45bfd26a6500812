"""Looking up many context keys, several at a time over one pool of connections."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import httpx

from api.cli.arguments.context_keys import BadKey
from api.cli.connection.connection import Connection
from api.cli.errors import CommandError
from api.cli.session.tables import Table

#: Requests at a time; a server takes far more, but other clients wait for it, too.
_AT_ONCE: Final = 8
_CHUNK: Final = 1_000
COLUMNS: Final = ("context", "included", "excluded")


@dataclass(frozen=True, slots=True)
class Found:
    """The lists that a key is in."""

    key: str
    included: bool
    excluded: bool
    answer: dict[str, Any]


def look_up(
    connection: Connection, segment_path: str, keys: Iterable[str | BadKey]
) -> Iterator[Found | BadKey]:
    """Look up each key; bad ones are passed on in their place.

    Raises:
        CommandError: the API did not answer, or refused all look-ups.
    """
    path = f"{segment_path}/contexts/lookup"

    def ask(key: str | BadKey) -> Found | BadKey:
        if isinstance(key, BadKey):
            return key
        try:
            # No key is in a path: clients and proxies change some there, and proxies log them.
            answer = connection.ask(path, {"key": key})
        except CommandError as exc:
            if exc.status != httpx.codes.BAD_REQUEST:
                raise
            return BadKey(ascii(key), "refused", str(exc))
        return Found(answer["userKey"], answer["included"], answer["excluded"], answer)

    source = iter(keys)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while chunk := list(islice(source, _CHUNK)):
            yield from pool.map(ask, chunk)


def tabulate(title: str, found: Iterable[Found]) -> Table:
    """Make the table of what was found."""
    return Table(title, COLUMNS, [(one.key, one.included, one.excluded) for one in found])
