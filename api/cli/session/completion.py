"""Completion of keys in a shell: asks the API, briefly, and is silent when it cannot."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import typer

from api.cli.arguments.resource_keys import encode_key
from api.cli.connection.connection import Connection
from api.cli.errors import CommandError
from api.cli.session.session import OutputFormat, Session

#: Somebody has pressed the tab key and waits.
_LIMIT_S: Final = 1.5
_MOST: Final = 200

Find = Callable[[Connection, dict[str, Any]], Iterator[tuple[str, str]]]


def complete_segments(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Complete the key of a segment of the environment that the line names."""

    def find(connection: Connection, given: dict[str, Any]) -> Iterator[tuple[str, str]]:
        project = encode_key(given.get("project") or "default")
        environment = encode_key(given.get("environment") or "production")
        return _items(connection, f"/api/v2/segments/{project}/{environment}")

    return _complete(ctx, incomplete, find)


def complete_projects(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Complete the key of a project."""
    return _complete(ctx, incomplete, lambda connection, _: _items(connection, "/api/v2/projects"))


def complete_environments(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Complete the key of an environment of the project that the line names."""

    def find(connection: Connection, given: dict[str, Any]) -> Iterator[tuple[str, str]]:
        project = encode_key(given.get("project") or "default")
        return _items(connection, f"/api/v2/projects/{project}/environments")

    return _complete(ctx, incomplete, find)


def _items(connection: Connection, path: str) -> Iterator[tuple[str, str]]:
    for item in connection.get(path, limit=_MOST)["items"]:
        yield str(item["key"]), str(item["name"])


def _complete(ctx: typer.Context, incomplete: str, find: Find) -> list[tuple[str, str]]:
    given = ctx.params
    session = Session(OutputFormat.TSV, quiet=True, context=given.get("context"))
    try:
        with session.open_connection(limit_s=_LIMIT_S, tries=1) as connection:
            return [
                (key, name) for key, name in find(connection, given) if key.startswith(incomplete)
            ]
    except CommandError:
        return []
