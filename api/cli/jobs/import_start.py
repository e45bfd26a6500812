"""Starts an import, from a file or from S3, and can tell after Ctrl-C whether it was started.

The request has an `Idempotency-Key` of its own: by it the API can tell whether a request that
got no answer has started an import.
"""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from api.cli.connection.connection import Connection
from api.cli.errors import CommandError
from api.cli.jobs.interrupts import describe_ongoing, interrupt_error
from api.cli.jobs.list_files import ListFile, open_list
from api.cli.jobs.list_names import NamedSources
from api.cli.jobs.new_segment import NewSegment
from api.cli.session.next_command import next_command
from api.cli.session.options import SegmentOptions
from api.cli.session.session import Session
from api.progress.display import ProgressDisplay

_UNDER_WAY: Final = 409
#: Seconds to wait for the API's answer to whether an import was started.
_ANSWER_S: Final = 5.0
#: Tries, and the pause between them: a server may notice late that its client is gone.
_TRIES: Final = 20
_PAUSE_S: Final = 0.25
#: How often the API has to say that it knows no such request, which may still be on its way.
_ABSENT: Final = 4
#: Said when nothing was started.
_NOTHING_STARTED: Final = "upload aborted, nothing was started"


@dataclass(slots=True)
class ImportStart:
    """The start of one import."""

    session: Session
    target: SegmentOptions
    source: NamedSources
    fields: Mapping[str, str | bool]
    """The mode and the flags, as the API names them."""
    segment: NewSegment
    sleep: Callable[[float], None] = time.sleep
    _key: str = field(default_factory=lambda: str(uuid.uuid4()))
    _file: ListFile | None = None
    _asked: bool = False
    _location: str = ""

    @contextmanager
    def explain_interrupts(self) -> Iterator[None]:
        """Say whether the import was started when Ctrl-C comes at any point of the block."""
        try:
            yield
        except KeyboardInterrupt as exc:
            raise interrupt_error(self._describe_outcome()) from exc

    def run(self, connection: Connection, display: ProgressDisplay) -> str:
        """Start the import; returns its path.

        Raises:
            CommandError: it was refused.
        """
        self._location = self._send(connection, display)
        return self._location

    @property
    def _path(self) -> str:
        return f"{self.target.path}/imports"

    def _send(self, connection: Connection, display: ProgressDisplay) -> str:
        if self.source.body is not None:
            body = {**self.source.body, **self.fields}
            path = f"{self._path}/from-source"
            with self.segment.for_start(connection):
                self._asked = True
                reply = connection.post(path, body, idempotency_key=self._key)
            return connection.location(reply)
        form = {
            name: value if isinstance(value, str) else str(value).lower()
            for name, value in self.fields.items()
        }
        with (
            open_list(self.source.file, display) as self._file,
            self.segment.for_start(connection),
        ):
            return connection.upload(
                self._path, self._file.stream, self._file.name, form, idempotency_key=self._key
            )

    def _describe_outcome(self) -> str:
        if self._location:
            return describe_ongoing(self.target, self._location.rpartition("/")[2])
        if not self._asked and (self._file is None or not self._file.is_read):
            return self._undo_segment()
        try:
            import_id = self._find_started()
        except KeyboardInterrupt:
            return self._describe_unknown("Ctrl-C came again")
        except CommandError as exc:
            return self._describe_unknown(str(exc))
        if import_id is None:
            return self._undo_segment()
        return describe_ongoing(self.target, import_id)

    def _undo_segment(self) -> str:
        """Delete a segment that was created for nothing, and say that nothing was started."""
        if self.segment.is_made:
            try:
                with self.session.open_connection(limit_s=_ANSWER_S) as connection:
                    self.segment.undo(connection)
            except (CommandError, KeyboardInterrupt):
                return f"{_NOTHING_STARTED}; segment {self.target.segment} was created"
        return _NOTHING_STARTED

    def _describe_unknown(self, why: str) -> str:
        return (
            f"interrupted; whether the import was started is not known ({why}): "
            f"`{next_command(self.target, 'imports', 'list')}` shows it if it was"
        )

    def _find_started(self) -> str | None:
        """Ask which import the request has started, if any."""
        absent = 0
        with self.session.open_connection(limit_s=_ANSWER_S) as connection:
            for tries_left in reversed(range(_TRIES)):
                try:
                    items = connection.get(self._path, idempotencyKey=self._key)["items"]
                except CommandError as exc:
                    if exc.status != _UNDER_WAY or not tries_left:
                        raise
                else:
                    absent += 1
                    if items or absent == _ABSENT:
                        return str(items[0]["id"]) if items else None
                self.sleep(_PAUSE_S)
        raise AssertionError  # the last try returns or raises
