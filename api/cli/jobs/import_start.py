"""Starts an import, from files or from S3, and can tell after Ctrl-C whether it was started.

A small file goes through the API as a form; a large one, and several, straight to the bucket.

The request has an `Idempotency-Key` of its own: by it the API can tell whether a request that
got no answer has started an import.
"""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Final

from api.cli.connection.connection import Connection
from api.cli.errors import CommandError, UsageError
from api.cli.jobs.interrupts import describe_ongoing, interrupt_error
from api.cli.jobs.list_files import ListFile, open_list
from api.cli.jobs.list_names import NamedSources
from api.cli.jobs.new_segment import NewSegment
from api.cli.session.next_command import next_command
from api.cli.session.options import SegmentOptions
from api.cli.session.session import Session
from api.cli.uploads.contents import Content
from api.cli.uploads.direct_upload import BucketUnreachable, DirectUploads
from api.cli.uploads.meter import Meter
from api.progress.display import ProgressDisplay

#: A file over this goes straight to the bucket: several requests are worth it then.
DIRECT_BYTES: Final = 64 * 1024 * 1024
_MB: Final = 1_000_000
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
    direct: bool | None = None
    """Whether files go straight to the bucket; unset lets their number and size decide."""
    operation: str = "imports/from-source"
    """What starts it if it has no file, below the segment's path."""
    sleep: Callable[[float], None] = time.sleep
    _key: str = field(default_factory=lambda: str(uuid.uuid4()))
    _files: list[ListFile] = field(default_factory=list)
    _contents: list[Content] = field(default_factory=list)
    """What goes straight to the bucket."""
    _meter: Meter | None = None
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
            with self.segment.for_start(connection):
                return self._post(connection, self.operation, self.source.body)
        with ExitStack() as opened:
            for file in self.source.files:
                self._files.append(opened.enter_context(open_list(file, display)))
            direct = self._goes_direct()
            opened.enter_context(self.segment.for_start(connection))
            location = self._upload_directly(connection, display) if direct else None
            return location or self._send_form(connection)

    def _send_form(self, connection: Connection) -> str:
        (file,) = self._files
        form = {
            name: value if isinstance(value, str) else str(value).lower()
            for name, value in self.fields.items()
        }
        return connection.upload(
            self._path, file.stream, file.name, form, idempotency_key=self._key
        )

    def _goes_direct(self) -> bool:
        if len(self._files) > 1:
            if self.direct is False:
                raise UsageError("several files are one import only without --no-direct")
            return True
        return self._files[0].is_larger(DIRECT_BYTES) if self.direct is None else self.direct

    def _upload_directly(self, connection: Connection, display: ProgressDisplay) -> str | None:
        """Upload the files and start their import; ``None`` if they must go through the API."""
        self._contents = [file.content for file in self._files]
        sizes = [content.size_bytes for content in self._contents]
        total = None if None in sizes else sum(size or 0 for size in sizes)
        self._meter = Meter(display, total)
        uploads = DirectUploads(
            connection, f"{self.target.path}/uploads", self._meter, self.session.note
        )
        try:
            # A file that is named twice is one upload, and is imported once, as an object in S3 is.
            ids = list(dict.fromkeys(map(uploads.upload, self._contents)))
        except BucketUnreachable as exc:
            if len(self._files) > 1 or self.direct:
                raise
            self.session.note(f"{exc}: the list goes through the API instead")
            self._meter = None
            return None
        return self._post(connection, "imports/from-uploads", {"uploads": ids})

    def _post(self, connection: Connection, operation: str, source: Mapping[str, object]) -> str:
        self._asked = True
        body = {**source, **self.fields}
        path = f"{self.target.path}/{operation}"
        reply = connection.post(path, body, idempotency_key=self._key)
        return connection.location(reply)

    def _describe_outcome(self) -> str:
        if self._location:
            return describe_ongoing(self.target, self._location.rpartition("/")[2])
        if not self._asked and self._meter is not None:
            return self._describe_upload(self._meter)
        if not self._asked and not any(file.is_read for file in self._files):
            return self._undo_segment()
        return self._describe_answer()

    def _describe_answer(self) -> str:
        try:
            import_id = self._find_started()
        except KeyboardInterrupt:
            return self._describe_unknown("Ctrl-C came again")
        except CommandError as exc:
            return self._describe_unknown(str(exc))
        if import_id is None:
            return self._undo_segment()
        return describe_ongoing(self.target, import_id)

    def _describe_upload(self, meter: Meter) -> str:
        """Say what is kept of a direct upload; nothing is of a pipe."""
        if not all(content.fingerprint for content in self._contents):
            return self._undo_segment()
        return (
            f"interrupted; {meter.done_bytes / _MB:,.1f} MB were sent, nothing was started: "
            "the same command goes on from there"
        )

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
