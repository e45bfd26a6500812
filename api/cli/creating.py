"""``bigseg import --create``: the segment of a list that has none yet, and nothing after a typo."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Final

import httpx
import typer

from api.cli.connection import Connection
from api.cli.errors import CommandError, UsageError
from api.cli.options import SegmentOptions
from api.cli.resource_keys import encode_key

_DEFAULT_KIND: Final = "user"
_SERVER_FAULTS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateOptions:
    """Whether the segment of an import is created, and how."""

    create: Annotated[
        bool, typer.Option("--create", help="Create the segment if it is missing.")
    ] = False
    kind: Annotated[
        str | None,
        typer.Option(help="With --create: kind of its contexts.", show_default=_DEFAULT_KIND),
    ] = None
    name: Annotated[
        str | None, typer.Option(help="With --create: its name.", show_default="the key")
    ] = None
    tag: Annotated[
        list[str] | None, typer.Option(help="With --create: a tag; may be repeated.")
    ] = None

    def body(self, segment: str) -> dict[str, Any]:
        """The new segment."""
        return {
            "key": segment,
            "name": self.name or segment,
            "tags": self.tag or [],
            "unbounded": True,
            "unboundedContextKind": self.kind or _DEFAULT_KIND,
        }


@contextmanager
def segment_for_import(
    connection: Connection, target: SegmentOptions, options: CreateOptions
) -> Iterator[None]:
    """Create the segment if it is to be and is missing; the block starts the import.

    The block's source has been checked before, so far as that can be done here. If the API
    refuses the import, a segment that was created for it is deleted again.

    Raises:
        UsageError: there are options for a segment that is not to be created.
        CommandError: as from the block, or from the API.
    """
    if not options.create:
        if options.kind or options.name or options.tag:
            raise UsageError("--kind, --name and --tag are for a new segment: add --create")
        yield
        return
    made = _create_if_missing(connection, target, options)
    try:
        yield
    except CommandError as exc:
        # Without an answer an import may have been started, so the segment stays.
        if made and exc.status is not None and exc.status < _SERVER_FAULTS:
            connection.delete(target.path)
        raise


def check_s3_uri(source: str) -> None:
    """Refuse what cannot be the address of an object.

    Raises:
        UsageError: the bucket or the key is missing.
    """
    bucket, _, key = source.removeprefix("s3://").partition("/")
    if not bucket or not key:
        raise UsageError(f"{source} names no object: write s3://BUCKET/KEY")


def _create_if_missing(
    connection: Connection, target: SegmentOptions, options: CreateOptions
) -> bool:
    encode_key(target.segment)
    try:
        connection.get(target.path)
    except CommandError as exc:
        if exc.status != httpx.codes.NOT_FOUND:
            raise
        connection.post(target.segments_path, options.body(target.segment))
        return True
    return False
