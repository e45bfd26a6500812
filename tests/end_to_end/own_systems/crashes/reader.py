"""A reader beside the kills: each list is wholly old or wholly new, and never old again."""

import io
import re
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import httpx

from tests.support.servers.redis import wait_until
from tests.support.systems.system import TOKEN

_LIMIT_S: Final = 30.0
#: Between two rounds of questions: the reader is not what is measured.
_PAUSE_S: Final = 0.03


@dataclass(frozen=True, slots=True)
class Probe:
    """One key of one list, and the answers before and after the import."""

    path: str
    key: str
    old: bool
    new: bool


@dataclass(slots=True)
class Reader:
    """Asks for all keys of all lists in one go over one connection, again and again.

    Attributes:
        whole: rounds in which every question was answered.
        refused: rounds in which one was refused, or not answered.
    """

    url: str
    probes: Sequence[Probe]
    whole: int = 0
    refused: int = 0
    _new: set[str] = field(default_factory=set)
    _connection: socket.socket | None = None

    def ask(self, _number: int) -> None:
        """One round; for `beside`."""
        threading.Event().wait(_PAUSE_S)
        try:
            answers = self._answers()
        except OSError:
            self.close()
            self.refused += 1
            return
        for probe, answer in zip(self.probes, answers, strict=True):
            if answer is not None:
                self._judge(probe, included=answer)
        if None in answers:
            self.refused += 1
        else:
            self.whole += 1

    def wait(self) -> None:
        """Wait until a round that begins now has been answered."""
        begun = self.whole
        wait_until(lambda: self.whole > begun + 1, "the reader has its answers", _LIMIT_S)

    def sees_new(self, path: str) -> bool:
        """Whether it has seen the new list at this path."""
        return path in self._new

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _judge(self, probe: Probe, *, included: bool) -> None:
        if probe.old == probe.new:
            assert included == probe.old, f"{probe} is neither in the old nor in the new list"
        elif included == probe.new:
            self._new.add(probe.path)
        else:
            assert probe.path not in self._new, f"{probe} is as in the old list, after the new one"

    def _answers(self) -> list[bool | None]:
        if self._connection is None:
            url = httpx.URL(self.url)
            self._connection = socket.create_connection((url.host, url.port or 80), _LIMIT_S)
        head = f" HTTP/1.1\r\nHost: test\r\nAuthorization: {TOKEN}\r\n\r\n"
        questions = "".join(f"GET {one.path}/contexts/{one.key}{head}" for one in self.probes)
        self._connection.sendall(questions.encode())
        with self._connection.makefile("rb") as replies:
            return [_read_answer(*_read_reply(replies)) for _ in self.probes]


def _read_reply(replies: io.BufferedReader) -> tuple[int, bytes]:
    status, length = replies.readline().split(), 0
    if len(status) < 2:
        raise ConnectionError("the API has ended")
    while (line := replies.readline()).strip():
        if found := re.match(rb"(?i)content-length: (\d+)", line):
            length = int(found[1])
    body = replies.read(length)
    if len(body) < length:
        raise ConnectionError("the API has ended")
    return int(status[1]), body


def _read_answer(status: int, body: bytes) -> bool | None:
    """What is said of the key; nothing while the store is away."""
    if status == 503:
        return None
    assert status == 200, body
    return b'"included":true' in body
