"""``bigseg members list|sample``: the members of a list in the order of their hashes, or some."""

import json
from collections.abc import Iterator
from typing import Annotated, Any, Final

import typer

from api.cli.connection.connection import Connection
from api.cli.errors import ExitStatus
from api.cli.session.options import SegmentOptions, with_options
from api.cli.session.session import Session

#: The most that the API gives at a time.
_PAGE: Final = 1_000

_Excluded = Annotated[bool, typer.Option("--excluded", help="The excluded list, not the included.")]
_Limit = Annotated[
    int | None, typer.Option("--limit", min=1, help="Stop after this many.", show_default="all")
]
_Count = Annotated[int, typer.Option("--count", "-n", min=1, max=_PAGE, help="How many.")]


def add_browsing(members: typer.Typer) -> None:
    """Add the commands ``list`` and ``sample`` to the group ``members``."""
    members.command("list")(with_options(_list))
    members.command("sample")(with_options(_sample))


def _list(
    target: SegmentOptions, session: Session, *, limit: _Limit = None, excluded: _Excluded = False
) -> None:
    """List the keys of a segment's included list, in the order of their hashes, one a line.

    Edits made meanwhile are in it or not; if another list is published meanwhile, the keys are of
    both, and the status is 1. `bigseg export` is faster, and of one moment.
    """
    flips = 0
    between = "["
    with session.open_connection() as connection:
        for page in _pages(connection, target.path, _side(excluded=excluded), limit):
            if page["changed"]:
                flips += 1
                session.note("another list was published meanwhile: what follows is of that one")
            between = _write(session, page["items"], between)
    _end(session, between)
    if flips:
        raise typer.Exit(ExitStatus.FAILED)


def _sample(
    target: SegmentOptions, session: Session, *, count: _Count = 10, excluded: _Excluded = False
) -> None:
    """Choose keys of a segment's included list at random, one a line.

    Each set of so many keys is as likely as any other; a list with fewer is given whole.
    """
    with session.open_connection() as connection:
        sample = connection.get(f"{target.path}/sample", n=count, list=_side(excluded=excluded))
    _end(session, _write(session, sample["items"], "["))


def _pages(
    connection: Connection, path: str, side: str, limit: int | None
) -> Iterator[dict[str, Any]]:
    left = limit
    cursor: dict[str, str] = {}
    while left is None or left > 0:
        size = _PAGE if left is None else min(_PAGE, left)
        page = connection.get(f"{path}/members", list=side, limit=size, **cursor)
        if left is not None:
            page["items"] = page["items"][:left]  # a page has all that share its last hash
            left -= len(page["items"])
        yield page
        if page["cursor"] is None:
            return
        cursor = {"cursor": page["cursor"]}


def _write(session: Session, keys: list[str], between: str) -> str:
    """Write some keys as they are, or as JSON; what to write before the next ones."""
    if not keys:
        return between
    if not session.as_json:
        typer.echo("\n".join(keys))
        return between
    items = (json.dumps(key, ensure_ascii=False) for key in keys)
    typer.echo(between + ", ".join(items), nl=False)
    return ", "


def _end(session: Session, between: str) -> None:
    if session.as_json:
        typer.echo("[]" if between == "[" else "]")


def _side(*, excluded: bool) -> str:
    return "excluded" if excluded else "included"
