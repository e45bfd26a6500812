"""The deliveries that wait for each webhook: announced, claimed under a lease, settled.

A delivery leaves its queue only when it has been settled, so none is lost when whoever attempts
it dies; it is attempted again then, under the same id. A webhook has one attempt at a time, and
rests after one that failed, so that a receiver that is slow or down holds up no other.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from worker.batches import batches
from worker.store.jobs.records import JobRef
from worker.store.keyspace import EnvironmentRef
from worker.store.monitoring import WEBHOOK_DELIVERIES, Counting
from worker.store.records import RecordCodec
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database
from worker.store.webhooks.records import (
    MOST_ATTEMPTS_KEPT,
    MOST_QUEUED,
    Attempt,
    Claimed,
    Delivery,
    Event,
)
from worker.store.webhooks.webhook_store import decode_webhook, watch_environment

_DELIVERIES: Final = RecordCodec(Delivery)
_ATTEMPTS: Final = RecordCodec(Attempt)
_PER_CALL: Final = 500


class DeliveryQueue:
    """The queues of all webhooks. Every method may raise ``StoreUnavailable``."""

    def __init__(self, database: Database, counting: Counting) -> None:
        self._db = database
        self._counting = counting

    def announce(
        self,
        env: EnvironmentRef,
        event: Event,
        *,
        about: JobRef | None = None,
        only: str | None = None,
    ) -> int:
        """Queue an event for the webhooks that ask for its kind. Cost: one round trip.

        Args:
            env: Where it happened.
            event: What happened.
            about: The job that it is about: then it is queued once for its id, however often it
                is announced, and not at all when the job is no longer on record.
            only: The one webhook that gets it, whatever it asks for, before all that waits.

        Returns:
            How many webhooks have it in their queues; 0 also when it was announced before. Each
            whose queue is full is counted.
        """
        keys = self._db.keys
        job = keys.webhooks(env) if about is None else keys.job(env, about.kind, about.job_id)
        once = "" if about is None else f"announced:{event.kind}"
        delivery = Delivery(event.id, event.kind, event.created_ms, event.body)
        record = _DELIVERIES.encode(delivery)
        arguments = (once, event.kind, only or "", event.id, record, MOST_QUEUED)
        what = f"announce {event.kind} in {env.environment}"
        takers, full = self._db.run(what, "webhook/announce", [keys.webhooks(env), job], arguments)
        self._counting.add(WEBHOOK_DELIVERIES, "dropped", number=int(full))
        return int(takers)

    def watched(self) -> list[EnvironmentRef]:
        """The environments that have, or had, webhooks. Cost: one round trip."""
        with driver_errors("list environments with webhooks"):
            names = self._db.client.smembers(self._db.keys.webhook_environments())
        return sorted(EnvironmentRef(*name.decode().split(":")) for name in names)

    def mend_watched(self, environments: Sequence[EnvironmentRef]) -> int:
        """Watch those environments that have webhooks, and no others. Safe to repeat.

        Args:
            environments: All there are.

        Returns:
            How many are watched.
        """
        watched = []
        for group in batches(environments, _PER_CALL):
            with driver_errors("look for webhooks"):
                pipeline = self._db.client.pipeline(transaction=False)
                for env in group:
                    pipeline.hlen(self._db.keys.webhooks(env))
                counts = pipeline.execute()
            watched += [env for env, count in zip(group, counts, strict=True) if count]
        for env in watched:
            watch_environment(self._db, env)
        gone = [f"{env.project}:{env.environment}" for env in set(self.watched()) - set(watched)]
        if gone:
            with driver_errors("forget environments without webhooks"):
                self._db.client.srem(self._db.keys.webhook_environments(), *gone)
        return len(watched)

    def claim(self, env: EnvironmentRef, lease_ms: int, *, sound: bool = False) -> Claimed | None:
        """Take a delivery that is due; ``None`` if there is none. Cost: one round trip.

        Webhooks take turns. A lost answer leaves a lease to run out.

        Args:
            env: Whose webhooks.
            lease_ms: For how long no other process takes a delivery to the same webhook.
            sound: Pass over webhooks whose last attempt has failed.

        Raises:
            UnreadableRecord: the webhook or the delivery is damaged; the webhook is not tried
                again before the lease has run out.
        """
        token = self._db.random_name()
        what, key = f"claim a delivery in {env.environment}", self._db.keys.webhooks(env)
        arguments = (token, lease_ms, "1" if sound else "")
        reply = self._db.run(what, "webhook/claim", [key], arguments)
        if reply is None:
            return None
        webhook = decode_webhook(reply[0].decode(), reply[1])
        delivery = _DELIVERIES.decode(reply[3], f"delivery {reply[2].decode()[:80]}")
        return Claimed(env, webhook, delivery, token, retrying=int(reply[4]) > 0)

    def settle(
        self,
        claimed: Claimed,
        attempt: Attempt,
        *,
        pause_ms: int,
        again_ms: int,
        rest_ms: int = 0,
    ) -> bool:
        """Record how an attempt ended. Safe to retry: a second time does nothing.

        Args:
            claimed: What was attempted.
            attempt: How it went.
            pause_ms: For how long the webhook rests after a first failure; twice as long after each
                that follows, up to 60 times.
            again_ms: When this delivery is due again if it failed, in milliseconds from now.
            rest_ms: For how long it rests at least after a failure.

        Returns:
            Whether it was recorded: not if another process has the lease by now, or if the
            webhook is deleted.
        """
        tried = replace(claimed.delivery, attempts=attempt.number)
        arguments = (
            *(claimed.webhook.id, claimed.token, claimed.delivery.id, attempt.outcome),
            *(_ATTEMPTS.encode(attempt), MOST_ATTEMPTS_KEPT, pause_ms, again_ms),
            *(_DELIVERIES.encode(tried), rest_ms),
        )
        what = f"settle a delivery of {claimed.webhook.id}"
        key = self._db.keys.webhooks(claimed.env)
        settled = bool(self._db.run(what, "webhook/settle", [key], arguments))
        if settled:
            self._counting.add(WEBHOOK_DELIVERIES, attempt.outcome)
        return settled
