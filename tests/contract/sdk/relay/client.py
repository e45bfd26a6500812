"""Does what ld-relay 8.10.1 does to copy big segments: polls, then streams, into a Redis.

It is written after the protocol, not after bigseg: versions are opaque, and a patch applies only if
it follows from the version that is stored.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final, Literal

import httpx
import redis
from redis.exceptions import WatchError

Step = Literal["polled", "applied a patch", "applied a page", "opened", "bridged", "streamed"]
STEPS: Final[tuple[Step, ...]] = (
    "polled",
    "applied a patch",
    "applied a page",
    "opened",
    "bridged",
    "streamed",
)

#: The relay's client gives up after this, with the body read.
_POLL_S: Final = 3.0
#: A stream without any byte for five minutes is given up; tests do not wait that long.
_STREAM_S: Final = 20.0

Events = Iterator[list[Any]]


class SessionEndedError(Exception):
    """The session has ended; a relay begins another one some seconds later."""


def nothing(_: Step) -> None:
    """Go on, whatever the step."""


class RelayClient:
    """One relay; its state is all in its Redis, so that it may be made anew at any time."""

    def __init__(self, url: str, key: str, database: redis.Redis, prefix: str) -> None:
        self._http = httpx.Client(base_url=url, headers={"Authorization": key}, timeout=_POLL_S)
        self._redis: Any = database
        self._prefix = prefix
        self.polls = 0
        """All that were sent, also those without an answer."""
        self.unmatched = 0
        """Patches that did not follow: after a poll, a relay asks again at once."""

    def close(self) -> None:
        self._http.close()

    def key(self, name: str) -> str:
        return f"{self._prefix}:{name}"

    @property
    def cursor(self) -> str:
        found: bytes | None = self._redis.get(self.key("big_segments_cursor"))
        return "" if found is None else found.decode()

    def run(self, is_done: Callable[[], bool], at_step: Callable[[Step], None] = nothing) -> None:
        """Run one session until it is done, or raise when it ends before.

        Args:
            is_done: Asked after each event of the stream, and before the first one.
            at_step: Told of each step; may end the session by raising.
        """
        # A stream stays open, unread, until the session ends.
        with ExitStack() as streams:
            try:
                self._run(streams, is_done, at_step)
            except httpx.HTTPError as exc:
                raise SessionEndedError(repr(exc)) from exc

    def _run(
        self, streams: ExitStack, is_done: Callable[[], bool], at_step: Callable[[Step], None]
    ) -> None:
        while True:
            while self._poll(at_step):
                pass
            events = streams.enter_context(self._stream())
            at_step("opened")
            if not self._poll(at_step):
                break
        self._set_synchronized()
        at_step("bridged")
        while not is_done():
            patches = next(events, None)
            if patches is None or not self._apply(patches, at_step):
                raise SessionEndedError("the stream ended, or what it sent did not follow")
            self._set_synchronized()
            at_step("streamed")

    def _poll(self, at_step: Callable[[Step], None]) -> bool:
        """Poll once; gives whether there was anything."""
        after = {"after": self.cursor} if self.cursor else {}
        self.polls += 1
        reply = self._http.get("/sdk/big-segments/revisions", params=after)
        if reply.status_code != 200:
            raise SessionEndedError(reply.status_code, reply.text)
        at_step("polled")
        patches = reply.json()
        assert sum(map(changes_of, patches)) < 5_000
        assert len(reply.content) < 1_000_000
        self._apply(patches, at_step)
        at_step("applied a page")
        return bool(patches)

    @contextmanager
    def _stream(self) -> Iterator[Events]:
        with self._http.stream("GET", "/big-segments", timeout=_STREAM_S) as reply:
            if reply.status_code != 200:
                raise SessionEndedError(reply.status_code)
            yield (
                json.loads(line.removeprefix("data:"))
                for line in reply.iter_lines()
                if line.startswith("data:")
            )

    def _set_synchronized(self) -> None:
        self._redis.set(self.key("big_segments_synchronized_on"), int(time.time() * 1000))

    def _apply(self, patches: list[Any], at_step: Callable[[Step], None]) -> bool:
        for patch in patches:
            if not self._apply_patch(patch):
                self.unmatched += 1
                return False
            at_step("applied a patch")
        return True

    def _apply_patch(self, patch: Any) -> bool:
        with self._redis.pipeline() as pipeline:
            pipeline.watch(self.key("big_segments_lock"))
            stored: bytes | None = self._redis.get(self.key("big_segments_cursor"))
            if stored is not None and stored.decode() != patch["previousVersion"]:
                return False
            pipeline.multi()
            pipeline.set(self.key("big_segments_lock"), "")
            pipeline.set(self.key("big_segments_cursor"), patch["version"])
            for side, set_name in (("included", "include"), ("excluded", "exclude")):
                changes = patch["changes"][side]
                for hashed in changes["add"]:
                    pipeline.sadd(self.key(f"big_segment_{set_name}:{hashed}"), patch["segmentId"])
                for hashed in changes["remove"]:
                    pipeline.srem(self.key(f"big_segment_{set_name}:{hashed}"), patch["segmentId"])
            try:
                pipeline.execute()
            except WatchError:
                return False
        return True


def changes_of(patch: Any) -> int:
    """How many hashes a patch has."""
    sides = patch["changes"].values()
    return sum(len(side["add"]) + len(side["remove"]) for side in sides)
