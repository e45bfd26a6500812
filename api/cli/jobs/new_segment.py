"""``bigseg import --create``: creates the segment of an import, and deletes it if that fails."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Final

import httpx
import typer

from api.cli.connection.connection import Connection
from api.cli.errors import CommandError, ExitStatus, UsageError
from api.cli.session.options import SegmentOptions

DEFAULT_KIND: Final = "user"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateOptions:
    """Whether the segment of an import is created if it is missing, and how."""

    create: Annotated[
        bool, typer.Option("--create", help="Create the segment if it is missing.")
    ] = False
    kind: Annotated[
        str | None,
        typer.Option(help="With --create: kind of its contexts.", show_default=DEFAULT_KIND),
    ] = None
    name: Annotated[
        str | None, typer.Option(help="With --create: its name.", show_default="the key")
    ] = None
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", "--tags", help="With --create: a tag; may be repeated."),
    ] = None

    def body(self, segment: str) -> dict[str, Any]:
        """The new segment."""
        return segment_body(segment, self.name, self.tag, self.kind or DEFAULT_KIND)


@dataclass(slots=True)
class NewSegment:
    """The segment of an import, which is created if that was asked for and it is missing."""

    target: SegmentOptions
    options: CreateOptions
    is_made: bool = False

    def __post_init__(self) -> None:
        """Refuse options for a segment that is not to be created."""
        given = self.options
        if not given.create and (given.kind or given.name or given.tag):
            raise UsageError("--kind, --name and --tag are for a new segment: add --create")

    @contextmanager
    def for_start(self, connection: Connection) -> Iterator[None]:
        """Create it before a block that starts the import; undo that if the block fails.

        The source has been checked before, so far as that can be done here.
        """
        if self.options.create:
            self._create_if_missing(connection)
        try:
            yield
        except (CommandError, OSError) as exc:
            # Without an answer an import may have been started, so the segment stays.
            if getattr(exc, "exit_status", None) is not ExitStatus.UNREACHABLE:
                self.undo(connection)
            if isinstance(exc, CommandError) and self._is_missing(exc):
                raise CommandError(
                    f"{exc}; --create creates it",
                    exc.exit_status,
                    status=exc.status,
                    code=exc.code,
                    error_id=exc.error_id,
                ) from exc
            raise

    def undo(self, connection: Connection) -> None:
        """Delete it if it was created here; nothing was started."""
        if self.is_made:
            connection.delete(self.target.path)
            self.is_made = False

    def undo_if_empty(self, connection: Connection) -> bool:
        """Delete it if it was created here and nobody has put members in; whether that was so."""
        if not self.is_made:
            return False
        counts = connection.get(self.target.path)["_unboundedMetadata"]
        if counts["includedCount"] or counts["excludedCount"]:
            return False
        self.undo(connection)
        return True

    def _is_missing(self, exc: CommandError) -> bool:
        """Whether the API said that the segment is not there, and not something else."""
        said = f"segment {self.target.segment} does not exist"
        return exc.exit_status is ExitStatus.NOT_FOUND and str(exc).startswith(said)

    def _create_if_missing(self, connection: Connection) -> None:
        try:
            connection.get(self.target.path)
        except CommandError as exc:
            if exc.status != httpx.codes.NOT_FOUND:
                raise
            connection.post(self.target.segments_path, self.options.body(self.target.segment))
            self.is_made = True


def segment_body(
    key: str, name: str | None, tags: Sequence[str] | None, kind: str
) -> dict[str, Any]:
    """What the API is sent to create a big segment."""
    return {
        "key": key,
        "name": name or key,
        "tags": [*(tags or ())],
        "unbounded": True,
        "unboundedContextKind": kind,
    }
