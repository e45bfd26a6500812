"""Sends several parts at a time, each again after a pause when it fails."""

import random
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Final

from api.cli.errors import CommandError, UnreachableError
from api.cli.uploads.bucket import Bucket, UploadGone, UrlRefused
from api.cli.uploads.meter import Meter
from api.cli.uploads.urls import PartUrls

#: Parts sent at a time: enough for a fast line, and few enough to hold in memory.
THREADS: Final = 4
#: Seconds before each further try of a part; each is shortened by up to a half.
PAUSES_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
#: Seconds between two looks at what the threads have done.
_LOOK_S: Final = 0.1


class _Stopped(Exception):
    """The command ends: what is being sent is not needed."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a list; its bytes are read by the thread that sends it."""

    number: int
    read: Callable[[], bytes]


class PartSender:
    """Sends the parts of one upload."""

    def __init__(
        self,
        bucket: Bucket,
        urls: PartUrls,
        meter: Meter,
        pauses_s: tuple[float, ...] = PAUSES_S,
    ) -> None:
        self._bucket = bucket
        self._urls = urls
        self._meter = meter
        self._pauses_s = pauses_s
        self._stopping = threading.Event()

    def send_all(self, parts: Iterable[Part]) -> None:
        """Send parts, and return when all have arrived. Takes the next one when a thread is free.

        Raises:
            CommandError: one could not be sent; the others may have arrived.
        """
        sending: set[Future[None]] = set()
        try:
            for part in parts:
                sending.add(self._start(part))
                sending = self._wait(sending, THREADS - 1)
            self._wait(sending, 0)
        except BaseException:
            self._stopping.set()
            raise

    def _start(self, part: Part) -> Future[None]:
        """Send a part in a thread of its own.

        No executor's, because a process waits for those at its end, and one that Ctrl-C ends must
        not wait for a bucket that does not answer.
        """
        future: Future[None] = Future()

        def run() -> None:
            try:
                self._send(part)
            except BaseException as exc:  # noqa: BLE001  # raised where the future is looked at
                future.set_exception(exc)
            else:
                future.set_result(None)

        threading.Thread(target=run, name=f"part {part.number}", daemon=True).start()
        return future

    def _wait(self, sending: set[Future[None]], at_most: int) -> set[Future[None]]:
        while len(sending) > at_most:
            done, sending = wait(sending, _LOOK_S, FIRST_COMPLETED)
            self._meter.show()
            for future in done:
                future.result()
        return sending

    def _send(self, part: Part) -> None:
        content = part.read()
        for pause_s in (*self._pauses_s, None):
            try:
                self._try(part.number, content)
            except (UnreachableError, UrlRefused) as exc:
                self._urls.forget(part.number)
                if pause_s is None or self._stopping.is_set():
                    raise _give_up(part, exc) from exc
                jitter = random.uniform(0.5, 1.0)  # noqa: S311  # spreads load, keeps no secret
                self._stopping.wait(pause_s * jitter)
            except UploadGone as exc:
                message = f"{exc}: it was deleted meanwhile; start the command again"
                raise CommandError(message) from exc
            else:
                return

    def _try(self, number: int, content: bytes) -> None:
        sent = 0

        def count(size: int) -> None:
            nonlocal sent
            if self._stopping.is_set():
                raise _Stopped
            sent += size
            self._meter.add(size)

        try:
            self._bucket.put(self._urls.get(number, len(content)), content, count)
        except BaseException:
            self._meter.add(-sent)
            raise


def _give_up(part: Part, exc: CommandError) -> CommandError:
    message = f"part {part.number} could not be sent: {exc}"
    if isinstance(exc, UnreachableError):
        return UnreachableError(message, status=exc.status)
    return CommandError(message, status=exc.status)
