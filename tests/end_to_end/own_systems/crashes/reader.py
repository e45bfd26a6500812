"""A reader beside the kills: each list is wholly old or wholly new, and never old again."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import httpx

from tests.support.servers.plain_http import NO_ROOTS
from tests.support.servers.redis import wait_until
from tests.support.systems.driving import SEGMENTS
from tests.support.systems.system import TOKEN

_LIMIT_S: Final = 60.0
#: Between two questions: the reader is not what is measured.
_PAUSE_S: Final = 0.1

#: What is said of the probed keys, in their order.
Answers = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Probe:
    """One list, and what is to be said of the probed keys before and after its import."""

    segment: str
    old: Answers
    new: Answers


@dataclass(slots=True)
class Reader:
    """Asks for the probed keys in all lists, again and again.

    Attributes:
        answered: questions that were answered.
        refused: questions that were refused, or not answered.
    """

    url: str
    keys: Sequence[str]
    probes: Sequence[Probe]
    answered: int = 0
    refused: int = 0
    _new: set[str] = field(default_factory=set)
    _client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self._client = httpx.Client(
            base_url=self.url,
            headers={"Authorization": TOKEN},
            timeout=_LIMIT_S,
            verify=NO_ROOTS,
        )

    def ask(self, _number: int) -> None:
        """One question; for `beside`."""
        threading.Event().wait(_PAUSE_S)
        segments = [probe.segment for probe in self.probes]
        question = {"segments": segments, "contexts": [*self.keys]}
        try:
            reply = self._client.post(f"{SEGMENTS}/memberships", json=question)
        except httpx.TransportError:
            self.refused += 1
            return
        if reply.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            self.refused += 1
            return
        assert reply.is_success, reply.text
        for probe, item in zip(self.probes, reply.json()["segments"], strict=True):
            self._judge(probe, tuple(item["answers"]))
        self.answered += 1

    def wait(self) -> None:
        """Wait until a question that begins now has been answered."""
        begun = self.answered
        wait_until(lambda: self.answered > begun + 1, "the reader has its answers", _LIMIT_S)

    def sees_new(self, segment: str) -> bool:
        """Whether it has seen the new list of this segment."""
        return segment in self._new

    def close(self) -> None:
        self._client.close()

    def _judge(self, probe: Probe, answers: Answers) -> None:
        if answers == probe.new != probe.old:
            self._new.add(probe.segment)
        else:
            assert answers == probe.old, f"neither the old nor the new list: {probe}, {answers}"
            assert probe.segment not in self._new, f"the old list after the new one: {probe}"
