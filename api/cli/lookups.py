"""Looks up many context keys, several at a time over one pool of connections."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import httpx
import typer

from api.cli.arguments.context_keys import BadKey
from api.cli.connection.connection import Connection
from api.cli.errors import CommandError
from api.cli.session.session import Session
from api.cli.session.tables import Table

#: Requests at a time; a server takes far more, but other clients wait for it, too.
_AT_ONCE: Final = 8
_CHUNK: Final = 1_000
_COLUMNS: Final = ("context", "included", "excluded")


@dataclass(frozen=True, slots=True)
class Answer:
    """Which lists a key is in."""

    key: str
    included: bool
    excluded: bool
    representation: dict[str, Any]
    """As the API gave it."""


def look_up(
    connection: Connection, segment_path: str, keys: Iterable[str | BadKey]
) -> Iterator[Answer | BadKey]:
    """Look up each key; bad ones are passed on in their place.

    Raises:
        CommandError: the API did not answer, or refused all look-ups.
    """
    path = f"{segment_path}/contexts/lookup"

    def ask(key: str | BadKey) -> Answer | BadKey:
        if isinstance(key, BadKey):
            return key
        try:
            # No key is in a path: clients and proxies change some there, and proxies log them.
            answer = connection.query(path, {"key": key})
        except CommandError as exc:
            if exc.status != httpx.codes.BAD_REQUEST:
                raise
            return BadKey(ascii(key), "refused", str(exc))
        return Answer(answer["userKey"], answer["included"], answer["excluded"], answer)

    source = iter(keys)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while chunk := list(islice(source, _CHUNK)):
            yield from pool.map(ask, chunk)


def show_lookups(
    session: Session, segment: str, results: Sequence[Answer | BadKey]
) -> Sequence[Answer]:
    """Print each answer, then each bad key; returns the answers."""
    answers = [result for result in results if isinstance(result, Answer)]
    rows = [(each.key, each.included, each.excluded) for each in answers]
    session.show(
        [each.representation for each in answers], Table(f"Segment {segment}", _COLUMNS, rows)
    )
    report_bad_keys(result for result in results if isinstance(result, BadKey))
    return answers


def report_bad_keys(keys: Iterable[BadKey]) -> int:
    """Print each on standard error; returns how many there are."""
    count = 0
    for key in keys:
        typer.echo(f"bigseg: {key}", err=True)
        count += 1
    return count
