"""The moments of a job at which a process is killed, and how imports and exports are kept there.

Workers reach the store by way of a proxy. It holds back the one request, or the reply to it, that
would end the moment; other requests pass. Meanwhile sweeps believe that a hint was sent, or
another worker would try what is kept as soon as its lease has run out.
"""

import threading
from dataclasses import dataclass, field
from typing import Final

from tests.support.proxies.cutting import CuttingProxy
from worker.store import JobRef, Store
from worker.store.server.scripts import ScriptName

#: The last one has no request: an import that waits for its approval waits by itself.
MOMENTS: Final = ("plan", "scatter", "size", "gather", "publish", "flip", "approval")
#: Before it has read anything, before a file is to be seen, before it is complete, and before what
#: it used is freed.
EXPORT_MOMENTS: Final = ("pin", "file", "end", "tidy")

_LIMIT_S: Final = 60.0
#: Of these it is the reply that is held back.
_DONE: Final = frozenset({"flip", "tidy"})


@dataclass(frozen=True, slots=True)
class _Step:
    """A script of the store, and what its arguments contain."""

    script: ScriptName
    arguments: bytes = b""


def _words(*words: str) -> bytes:
    return "".join(f"${len(word)}\r\n{word}\r\n" for word in words).encode()


#: What makes an import's outcome known: that of an import, of one that waits, of a dry run.
_OUTCOMES: Final = (_Step("list/publish"), _Step("list/hold"), _Step("job/end"))
_STEPS: Final[dict[str, tuple[_Step, ...]]] = {
    # The second step is that of a composition.
    "plan": (
        _Step("job/advance", _words("plan", "scatter")),
        _Step("job/advance", _words("plan", "gather")),
    ),
    # The others of these units may end. The second step is that of a list of one unit.
    "scatter": (
        _Step("job/finish", _words("scatter", "0")),
        _Step("job/put_field", b"entered:gather"),
    ),
    "size": (_Step("list/prepare"),),
    "gather": (
        _Step("job/finish", _words("gather", "0")),
        _Step("job/advance", _words("scatter", "publish")),
    ),
    "publish": _OUTCOMES,
    "flip": _OUTCOMES,
    "pin": (_Step("list/pin"),),
    "file": (_Step("job/renew"),),
    "end": (_Step("job/end"),),
    "tidy": (_Step("job/end"),),
}


def _hint(ref: JobRef) -> str:
    """The turn at sending a hint for a job."""
    return f"hint:{ref}"


@dataclass(slots=True)
class Moments:
    """Keeps jobs at moments until they are let go, in all tries of a unit."""

    store: Store
    _kept: dict[JobRef, str] = field(default_factory=dict)
    _arrived: set[JobRef] = field(default_factory=set)
    _let_go: threading.Event = field(default_factory=threading.Event)

    def attach(self, proxy: CuttingProxy) -> None:
        """Have the proxy hold back what ends a moment."""
        proxy.before_request = lambda request: self._wait(request, on_reply=False)
        proxy.before_reply = lambda request, _reply: self._wait(request, on_reply=True)

    def begin(self) -> None:
        """Be ready to keep jobs, none of them from before."""
        for step in {step for steps in _STEPS.values() for step in steps}:
            # A server that does not know a script is sent its text: no request that names it.
            text = self.store.database.scripts.get(step.script).text
            self.store.client.script_load(text)  # type: ignore[attr-defined]  # redis-py's
        self._let_go = threading.Event()
        self._arrived.clear()

    def keep(self, ref: JobRef, moment: str) -> None:
        """Keep a job, which must not have begun, at a moment."""
        self._kept = {**self._kept, ref: moment}
        self.store.jobs.take_turn(_hint(ref), int(_LIMIT_S * 1000))

    def let_sweep(self) -> None:
        """Have sweeps look for what has stalled."""
        for ref in self._kept:
            self.store.client.unlink(self.store.keyspace.turn(_hint(ref)))

    def is_at(self, ref: JobRef) -> bool:
        """Whether what ends the job's moment has been held back."""
        return ref in self._arrived

    def let_go(self) -> None:
        """Send what was held back, but for those that have died since."""
        self._kept = {}
        self._let_go.set()

    def _wait(self, request: bytes, *, on_reply: bool) -> None:
        let_go = self._let_go
        for ref, moment in self._kept.items():
            if (
                on_reply == (moment in _DONE)
                and ref.job_id.encode() in request
                and self._ends(moment, request)
            ):
                self._arrived.add(ref)
                let_go.wait(_LIMIT_S)

    def _ends(self, moment: str, request: bytes) -> bool:
        scripts = self.store.database.scripts
        return any(
            scripts.get(step.script).sha.encode() in request and step.arguments in request
            for step in _STEPS.get(moment, ())
        )
