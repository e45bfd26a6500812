"""One TCP connection to a Redis server, from its opening to its loss."""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Any

from hiredis import HiredisError, Reader, ReplyError

from worker.store import ROLE_COUNTS_S, TURNED_AWAY, StoreUnavailable, code_of, role_in


@dataclass(slots=True)
class _Batch:
    """Commands sent together, and their replies so far."""

    future: asyncio.Future[list[Any]]
    reply_count: int
    deadline: float
    replies: list[Any]
    asks_role: bool
    """Whether the last reply is the server's role, which was requested by this module itself."""


class Wire(asyncio.Protocol):
    """Sends commands and gives each batch its replies; when lost, it stays lost.

    After :meth:`keep_asking` it asks for the server's role at the end of a batch, every quarter
    of a second, and is lost when that is no primary. So no answer is given that a server
    made later than that after its demotion.
    """

    def __init__(self, name: str, timeout_s: float) -> None:
        """Make the protocol of a connection that is about to open.

        Args:
            name: of the server, for messages.
            timeout_s: how long a batch waits for its replies.
        """
        self.lost = False
        self._name = name
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._reader = Reader(replyError=self._error_reply)
        self._batches: deque[_Batch] = deque()
        self._transport: asyncio.Transport | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._role_question = b""
        self._role_due = float("inf")
        self._turned_away: str | None = None

    def keep_asking(self, role_question: bytes) -> None:
        """Make sure of the role from now on, by this packed command."""
        self._role_question = role_question
        self._role_due = self._loop.time() + ROLE_COUNTS_S

    def submit(self, commands: bytes, reply_count: int) -> asyncio.Future[list[Any]]:
        """Send packed commands; their replies in order, errors in their place."""
        future: asyncio.Future[list[Any]] = self._loop.create_future()
        if self.lost or self._transport is None:
            future.set_exception(self._failure("the connection was lost"))
            return future
        now = self._loop.time()
        asks_role = now >= self._role_due
        if asks_role:
            self._role_due = now + ROLE_COUNTS_S
            commands += self._role_question
            reply_count += 1
        deadline = now + self._timeout_s
        self._batches.append(_Batch(future, reply_count, deadline, [], asks_role))
        try:
            self._transport.write(commands)
        except RuntimeError:  # what uvloop raises for a reset that it has not reported yet
            self.abort("the connection was lost")
            return future
        if self._watch is None:
            self._watch = self._loop.call_at(deadline, self._check_deadline)
        return future

    def abort(self, reason: str) -> None:
        """Drop the connection: a late reply must not be taken for a later one. Idempotent."""
        self.lost = True
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        if self._transport is not None:
            self._transport.abort()
        while self._batches:
            future = self._batches.popleft().future
            if not future.done():
                future.set_exception(self._failure(reason))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio's: the connection is open."""
        self._transport = transport  # type: ignore[assignment]  # a stream has a full transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Asyncio's: the connection is closed."""
        self.abort("the connection was lost" if exc is None else type(exc).__name__)

    def data_received(self, data: bytes) -> None:
        """Asyncio's: some bytes came."""
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not False:
                self._take(reply)
        except (HiredisError, IndexError) as exc:
            self.abort(f"an unreadable reply ({type(exc).__name__})")
        if self._turned_away is not None:
            self.abort(self._turned_away)

    def _take(self, reply: Any) -> None:  # noqa: ANN401 - any reply
        batch = self._batches[0]
        batch.replies.append(reply)
        if len(batch.replies) == batch.reply_count:
            if batch.asks_role and (role := role_in(batch.replies.pop())) != "master":
                self.abort(f"it is not a primary but {role}")
                return
            self._batches.popleft()
            if not batch.future.done():
                batch.future.set_result(batch.replies)

    def _error_reply(self, text: str) -> ReplyError:
        """Make an error of an error reply; hiredis calls this for those only."""
        if code_of(text) in TURNED_AWAY:
            self._turned_away = code_of(text)
        return ReplyError(text)

    def _check_deadline(self) -> None:
        self._watch = None
        if not self._batches:
            return
        deadline = self._batches[0].deadline
        if deadline <= self._loop.time():
            self.abort(f"no answer within {self._timeout_s:g} s")
        else:
            self._watch = self._loop.call_at(deadline, self._check_deadline)

    def _failure(self, reason: str) -> StoreUnavailable:
        return StoreUnavailable(f"{self._name} gave no answer: {reason}; retry")
