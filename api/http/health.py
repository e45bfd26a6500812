"""Health checks, which need no token: is this process alive, and can it do its work?"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from api.errors import ApiError, Unavailable
from api.http.asgi import Scope, Send
from api.http.exchange import answer
from worker.objects import ObjectError
from worker.store import Store, StoreError

LIVE_PATH: Final = b"/healthz"
READY_PATH: Final = b"/readyz"

_LIVE_BODY: Final = b'{"status":"ok"}'
_OK: Final = 200
_UNAVAILABLE: Final = 503

#: Seconds an answer is reused: the path is open to all, the parts are not.
_KEEP_S: Final = 1.0
_LIMIT_S: Final = 10.0

Check = Callable[[], None]
Report = Callable[[], Mapping[str, object] | None]
"""Says how a part is that nothing else waits for; ``None`` if there is nothing to say."""


async def answer_alive(_scope: Scope, send: Send) -> None:
    """Say that this process is alive: it answers."""
    await answer(send, _OK, _LIVE_BODY)


_Parts = dict[str, Mapping[str, object]]


class Readiness:
    """Checks all parts at once, each in a thread of its own; for one event loop."""

    def __init__(
        self,
        checks: Mapping[str, Check],
        reports: Mapping[str, Report] = MappingProxyType({}),
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Check nothing yet.

        Args:
            checks: each part's name, and a function that raises if it cannot be used; may block.
            reports: parts that are told of, but without which the process can do its work.
            monotonic: seconds.
        """
        self._checks = checks
        self._reports = reports
        self._monotonic = monotonic
        self._asked_at = float("-inf")
        self._answer: asyncio.Task[tuple[bool, _Parts]] | None = None

    async def answer(self, _scope: Scope, send: Send) -> None:
        """Say whether all parts can be used, and name each; up to a second old."""
        if self._answer is None or (
            self._answer.done() and self._monotonic() - self._asked_at > _KEEP_S
        ):
            self._asked_at = self._monotonic()
            self._answer = asyncio.create_task(self._ask_all())
        ready, parts = await asyncio.shield(self._answer)
        body = json.dumps({"status": "ok" if ready else "down", "parts": parts}).encode()
        await answer(send, _OK if ready else _UNAVAILABLE, body)

    async def _ask_all(self) -> tuple[bool, _Parts]:
        faults = await asyncio.gather(*(self._ask(check) for check in self._checks.values()))
        parts: _Parts = {
            name: {"ok": fault is None} | ({} if fault is None else {"error": fault})
            for name, fault in zip(self._checks, faults, strict=True)
        }
        ready = not any(faults)
        for name, report in self._reports.items() if ready else ():
            said: list[Mapping[str, object]] = []
            await self._ask(partial(_note, report, said))
            if said:
                parts[name] = said[0]
        return ready, parts

    async def _ask(self, check: Check) -> str | None:
        try:
            async with asyncio.timeout(_LIMIT_S):
                await asyncio.to_thread(check)
        except TimeoutError:
            return f"no answer within {_LIMIT_S:g} s"
        except (ApiError, StoreError, ObjectError) as exc:
            return str(exc)
        return None


def _note(report: Report, said: list[Mapping[str, object]]) -> None:
    found = report()
    if found is not None:
        said.append(found)


def make_sdk_store_report(store: Callable[[], Store]) -> Report:
    """Make the report on the sets that SDKs read: how far they are behind, and what is wrong."""

    def report() -> Mapping[str, object] | None:
        figures = store().sdk_store.figures()
        if not figures.environments:
            return None
        lag_s = round(figures.lag_ms / 1000, 1)
        # Their texts may name hosts; the switch shows them to those who may read it.
        error = {"error": "they cannot be kept: see /api/v2/sdk-store"} if figures.failing else {}
        return {"ok": not figures.failing, "lagSeconds": lag_s, **error}

    return report


def make_store_check(store: Callable[[], Store]) -> Check:
    """Make the check of the membership store.

    A server that evicts keys would lose shards one by one; none of its answers can be relied
    on, so it counts as down.
    """

    def check() -> None:
        opened = store()
        opened.ping()
        policy = opened.eviction_policy()
        if policy.startswith("allkeys-"):
            raise Unavailable(
                f"the store evicts members (maxmemory-policy {policy}): set it to noeviction"
            )

    return check
