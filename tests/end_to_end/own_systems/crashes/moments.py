"""The moments of an import at which a process is killed, and how imports are kept there.

Workers reach the store by way of a proxy. It holds back the one request, or the reply to it, that
would end the moment; other requests pass. Meanwhile sweeps believe that a hint was sent, or
another worker would try what is kept as soon as its lease has run out.
"""

import threading
from dataclasses import dataclass, field
from typing import Final

from tests.support.proxies.cutting import CuttingProxy
from tests.support.systems.driving import PRODUCTION
from worker.store import JobRef, Store
from worker.store.server.scripts import ScriptName

#: The last one has no request: an import that waits for its approval waits by itself.
MOMENTS: Final = ("plan", "scatter", "size", "gather", "publish", "flip", "approval")

_LIMIT_S: Final = 60.0


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
    "plan": (_Step("job/advance", _words("plan", "scatter")),),
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
}


def _hint(import_id: str) -> str:
    """The turn at sending a hint for an import."""
    return f"hint:{JobRef('import', PRODUCTION, import_id)}"


@dataclass(slots=True)
class Moments:
    """Keeps imports at moments until they are let go, in all tries of a unit."""

    store: Store
    _kept: dict[bytes, str] = field(default_factory=dict)
    _arrived: set[bytes] = field(default_factory=set)
    _let_go: threading.Event = field(default_factory=threading.Event)

    def attach(self, proxy: CuttingProxy) -> None:
        """Have the proxy hold back what ends a moment."""
        proxy.before_request = lambda request: self._wait(request, on_reply=False)
        proxy.before_reply = lambda request, _reply: self._wait(request, on_reply=True)

    def begin(self) -> None:
        """Be ready to keep imports, none of them from before."""
        for step in {step for steps in _STEPS.values() for step in steps}:
            # A server that does not know a script is sent its text: no request that names it.
            text = self.store.database.scripts.get(step.script).text
            self.store.client.script_load(text)  # type: ignore[attr-defined]  # redis-py's
        self._let_go = threading.Event()
        self._arrived.clear()

    def keep(self, import_id: str, moment: str) -> None:
        """Keep an import, which must not have begun, at a moment."""
        self._kept = {**self._kept, import_id.encode(): moment}
        self.store.jobs.take_turn(_hint(import_id), int(_LIMIT_S * 1000))

    def let_sweep(self) -> None:
        """Have sweeps look for what has stalled."""
        for import_id in self._kept:
            self.store.client.unlink(self.store.keyspace.turn(_hint(import_id.decode())))

    def is_at(self, import_id: str) -> bool:
        """Whether what ends the import's moment has been held back."""
        return import_id.encode() in self._arrived

    def let_go(self) -> None:
        """Send what was held back, but for those that have died since."""
        self._kept = {}
        self._let_go.set()

    def _wait(self, request: bytes, *, on_reply: bool) -> None:
        let_go = self._let_go
        for import_id, moment in self._kept.items():
            if (
                on_reply == (moment == "flip")
                and import_id in request
                and self._ends(moment, request)
            ):
                self._arrived.add(import_id)
                let_go.wait(_LIMIT_S)

    def _ends(self, moment: str, request: bytes) -> bool:
        scripts = self.store.database.scripts
        return any(
            scripts.get(step.script).sha.encode() in request and step.arguments in request
            for step in _STEPS.get(moment, ())
        )
