"""Turn the first SIGINT, SIGTERM or SIGHUP into an exception, and further ones into a flag."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from api.local.errors import StopRequestedError


class StopSignals:
    """What the signals of this process request.

    The first one raises `StopRequestedError` in the main thread, never inside a block of
    `deferred`; each further one sets `forced`.
    """

    def __init__(self) -> None:
        self._requested: str | None = None
        self._forced = False
        self._raises = True

    @property
    def requested(self) -> str | None:
        """Name of the first signal that came."""
        return self._requested

    def forced(self) -> bool:
        """Whether a second signal came."""
        return self._forced

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Handle the signals until the block ends; in another thread than main, do nothing.

        An ignored SIGHUP (``nohup``) stays ignored.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        if before[signal.SIGHUP] == signal.SIG_IGN:
            del before[signal.SIGHUP]
        for number in before:
            signal.signal(number, self._handle)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Let a block run to its end; a request that came meanwhile is raised after it."""
        self._raises = False
        try:
            yield
        finally:
            self._raises = True
        if self._requested is not None:
            raise StopRequestedError(self._requested)

    def disarm(self) -> None:
        """Raise nothing more: the system is being stopped."""
        self._raises = False

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        if self._requested is not None:
            self._forced = True
            return
        self._requested = signal.Signals(number).name
        if self._raises:
            raise StopRequestedError(self._requested)
