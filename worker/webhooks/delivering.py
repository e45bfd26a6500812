"""Claims deliveries that are due, attempts them in a bounded number of threads, settles them."""

import logging
import queue
import threading
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from worker.errors import TerminalError, TransientError
from worker.settings import WorkerSettings
from worker.store import EnvironmentRef, Store, UnreadableRecord
from worker.store.webhooks import Attempt, AttemptOutcome, Claimed
from worker.webhooks.sending import Answer, Sender
from worker.webhooks.signing import signed_headers

logger = logging.getLogger("bigseg.webhooks")

#: Attempts at a time in one worker, each at another webhook.
MOST_AT_A_TIME: Final = 8
#: Of these, at webhooks whose last attempt has failed: however many hang, others find a thread.
MOST_RETRIES: Final = 4
#: For how long after its event a delivery is tried again.
RETRIED_MS: Final = 86_400_000
#: The pause of a webhook after a first failure; it doubles up to 60 times as long.
PAUSE_MS: Final = 1_000
#: The longest time between two tries of one delivery.
_LONGEST_MS: Final = 3_600_000
_MOST_DOUBLINGS: Final = 12


class Deliverer:
    """Delivers what is due, of all environments.

    Threads of its own attempt deliveries, so a receiver that is slow holds up neither the caller
    nor other receivers.
    """

    def __init__(self, store: Store, settings: WorkerSettings, clock_ms: Callable[[], int]) -> None:
        self._store = store
        self._clock_ms = clock_ms
        self._sender = Sender(settings.webhook_receivers, settings.webhook_timeout_s)
        # An attempt ends well before its lease, so that only a dead process loses one.
        self._lease_ms = int(settings.webhook_timeout_s * 2_000) + 1_000
        self._slots = threading.BoundedSemaphore(MOST_AT_A_TIME)
        self._retries = threading.BoundedSemaphore(MOST_RETRIES)
        self._delivered: queue.SimpleQueue[EnvironmentRef] = queue.SimpleQueue()
        self._served: EnvironmentRef | None = None

    def deliver_due(self) -> int:
        """Begin to attempt what is due, as far as threads are free; environments take turns.

        Cost: one round trip, and one for each environment with webhooks and for each delivery.

        Returns:
            Attempts that were begun.

        Raises:
            StoreUnavailable: no answer. Safe to retry.
        """
        envs = self._store.deliveries.watched()
        after = 0 if self._served is None else bisect_right(envs, self._served)
        return self._serve(envs[after:] + envs[:after])

    def deliver_more(self, seconds: float) -> None:
        """For some time, begin the next attempt of an environment when one has succeeded there.

        So a receiver that answers gets a long queue as fast as it answers.

        Raises:
            StoreUnavailable: no answer. Safe to retry.
        """
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            with suppress(queue.Empty):
                self._serve([self._delivered.get(timeout=left)])

    def _serve(self, envs: Sequence[EnvironmentRef]) -> int:
        begun, waiting = 0, deque(envs)
        while waiting and self._slots.acquire(blocking=False):
            env, is_begun = waiting.popleft(), False
            try:
                is_begun = self._begin(env)
            finally:
                if not is_begun:
                    self._slots.release()
            if is_begun:
                begun += 1
                self._served = env
                waiting.append(env)
        return begun

    def _begin(self, env: EnvironmentRef) -> bool:
        """Begin to attempt a delivery of an environment, if one is due, in a free thread."""
        may_retry = self._retries.acquire(blocking=False)
        claimed = None
        try:
            claimed = self._store.deliveries.claim(env, self._lease_ms, sound=not may_retry)
        except UnreadableRecord as exc:
            logger.warning("webhook.unreadable", extra={"reason": str(exc)})
        finally:
            if may_retry and (claimed is None or not claimed.retrying):
                self._retries.release()
        if claimed is None:
            return False
        # A daemon, so that a worker that is stopped does not wait for a slow receiver.
        threading.Thread(
            target=self._deliver, args=(claimed,), name="delivery", daemon=True
        ).start()
        return True

    def _deliver(self, claimed: Claimed) -> None:
        is_delivered = False
        try:
            is_delivered = self.attempt(claimed).outcome == "delivered"
        except (TransientError, TerminalError) as exc:
            # The lease runs out, and it is delivered again.
            facts = {"webhook": claimed.webhook.id, "error": type(exc).__name__}
            logger.warning("delivery.unsettled", extra=facts)
        finally:
            if claimed.retrying:
                self._retries.release()
            self._slots.release()
            if is_delivered:
                self._delivered.put(claimed.env)

    def attempt(self, claimed: Claimed) -> Attempt:
        """Attempt one delivery and record how it went.

        Raises:
            StoreUnavailable: it could not be recorded; it will be delivered again.
        """
        delivery, at_ms, begun = claimed.delivery, self._clock_ms(), time.monotonic()
        headers = {
            "content-type": "application/json",
            "user-agent": "bigseg",
            **signed_headers(delivery, claimed.webhook.secrets, at_ms),
        }
        answer = self._sender.send(claimed.webhook.url, headers, delivery.body)
        number, rest_ms = delivery.attempts + 1, answer.rest_s * 1_000
        again_ms = max(retry_after_ms(number), rest_ms)
        attempt = Attempt(
            at_ms=at_ms,
            event_id=delivery.id,
            kind=delivery.kind,
            number=number,
            outcome=_outcome(answer, delivery.created_ms, self._clock_ms() + again_ms),
            duration_ms=round((time.monotonic() - begun) * 1_000),
            status=answer.status,
            reason=answer.fault,
        )
        settled = self._store.deliveries.settle(
            claimed, attempt, pause_ms=PAUSE_MS, again_ms=again_ms, rest_ms=rest_ms
        )
        if settled and attempt.outcome == "lost":
            facts = {"webhook": claimed.webhook.id, "event": delivery.id, "reason": answer.fault}
            logger.warning("delivery.lost", extra=facts)
        return attempt


def retry_after_ms(attempts: int) -> int:
    """How long a delivery waits after so many failures: 1 s, twice as long each time, an hour."""
    return min(_LONGEST_MS, 1_000 << min(attempts - 1, _MOST_DOUBLINGS))


def _outcome(answer: Answer, created_ms: int, again_at_ms: int) -> AttemptOutcome:
    if answer.fault is None:
        return "delivered"
    return "failed" if again_at_ms - created_ms < RETRIED_MS else "lost"
