"""The webhooks of each environment: created, read, changed and deleted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypedDict, Unpack

from worker.store.errors import (
    EnvironmentNotFound,
    ResourceChanged,
    TooManyWebhooks,
    UnreadableRecord,
    WebhookNotFound,
)
from worker.store.keyspace import EnvironmentRef
from worker.store.optimistic import retry_on_change
from worker.store.records import RecordCodec
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database
from worker.store.webhooks.records import (
    MOST_ATTEMPTS_KEPT,
    MOST_WEBHOOKS,
    Attempt,
    EventKind,
    Webhook,
    WebhookHealth,
    new_signing_secret,
)

#: For how long a secret that was replaced goes on signing, beside the new one.
ROTATION_MS: Final = 86_400_000

_WEBHOOKS: Final = RecordCodec(Webhook, outside=["id"])
_ATTEMPTS: Final = RecordCodec(Attempt)


class WebhookChanges(TypedDict, total=False):
    """What of a webhook can be changed."""

    url: str
    events: tuple[EventKind, ...]
    name: str
    paused: bool


class WebhookStore:
    """The webhooks of each environment. Every method may raise ``StoreUnavailable``.

    Secrets are stored as they are, because they have to sign: who can read the store can read
    them, as the lists. Nothing but the calls that make them, and the signing, gives them out.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def create(
        self,
        env: EnvironmentRef,
        url: str,
        *,
        events: tuple[EventKind, ...] = (),
        name: str = "",
        created_by: str = "",
    ) -> Webhook:
        """Create a webhook with a new secret. A retry after a lost answer may make another one.

        Cost: two round trips.

        Raises:
            EnvironmentNotFound: it is being deleted.
            TooManyWebhooks: the environment has its maximum.
        """
        db = self._db
        made = Webhook(
            id=db.random_name(),
            url=url,
            events=events,
            secrets=(new_signing_secret(db.random_name() + db.random_name()),),
            created_ms=db.now_ms(),
            created_by=created_by,
            name=name,
        )
        watch_environment(db, env)
        keys = [db.keys.webhooks(env), db.keys.environment_state(env)]
        arguments = (made.id, _WEBHOOKS.encode(made), MOST_WEBHOOKS)
        what = f"create a webhook in {env.environment}"
        match db.run(what, "webhook/create", keys, arguments):
            case b"gone":
                raise EnvironmentNotFound(f"environment {env.environment} does not exist")
            case b"full":
                message = (
                    f"environment {env.environment} has {MOST_WEBHOOKS} webhooks, the most that "
                    "one may have; delete one first"
                )
                raise TooManyWebhooks(message)
        return made

    def get(self, env: EnvironmentRef, webhook_id: str) -> Webhook:
        """Read one. Cost: one round trip.

        Raises:
            WebhookNotFound: the environment has none with this id.
            UnreadableRecord: it is damaged, or of another release.
        """
        return decode_webhook(webhook_id, self._text(env, webhook_id))

    def read_all(self, env: EnvironmentRef) -> list[Webhook]:
        """All readable ones, oldest first. Cost: one round trip."""
        with driver_errors(f"list webhooks of {env.environment}"):
            texts = self._db.client.hgetall(self._db.keys.webhooks(env))
        found = []
        for name, text in texts.items():
            try:
                found.append(decode_webhook(name.decode(), text))
            except UnreadableRecord:  # one bad record must not hide the others
                continue
        return sorted(found, key=lambda webhook: (webhook.created_ms, webhook.id))

    def any(self, env: EnvironmentRef) -> bool:
        """Whether the environment has webhooks. Cost: one round trip."""
        with driver_errors(f"count webhooks of {env.environment}"):
            return bool(self._db.client.hlen(self._db.keys.webhooks(env)))

    def change(
        self, env: EnvironmentRef, webhook_id: str, **fields: Unpack[WebhookChanges]
    ) -> tuple[Webhook, Webhook]:
        """Change a webhook. One that gets another URL, is paused or resumed, counts as sound.

        What waits for it stays, and goes to the new URL. Cost: two round trips.

        Returns:
            The webhook before and after.

        Raises:
            WebhookNotFound: the environment has none with this id.
            ResourceChanged: others keep changing it.
        """
        return self._replace(env, webhook_id, lambda before: replace(before, **fields))

    def rotate(self, env: EnvironmentRef, webhook_id: str) -> Webhook:
        """Give a webhook a new secret; the one before signs beside it for a day more.

        A secret that was replaced earlier signs no more. Cost: two round trips.

        Raises:
            WebhookNotFound: the environment has none with this id.
            ResourceChanged: others keep changing it.
        """
        secret = new_signing_secret(self._db.random_name() + self._db.random_name())
        ends_ms = self._db.now_ms() + ROTATION_MS

        def rotated(before: Webhook) -> Webhook:
            ending = replace(before.secrets[0], ends_ms=ends_ms)
            return replace(before, secrets=(secret, ending))

        return self._replace(env, webhook_id, rotated)[1]

    def _replace(
        self, env: EnvironmentRef, webhook_id: str, changed: Callable[[Webhook], Webhook]
    ) -> tuple[Webhook, Webhook]:
        def attempt() -> tuple[Webhook, Webhook]:
            text = self._text(env, webhook_id)
            before = decode_webhook(webhook_id, text)
            after = changed(before)
            rested = (after.url, after.paused) != (before.url, before.paused)
            key, what = self._db.keys.webhooks(env), f"write webhook {webhook_id}"
            arguments = (webhook_id, text, _WEBHOOKS.encode(after), "1" if rested else "")
            if not self._db.run(what, "webhook/replace", [key], arguments):
                raise ResourceChanged(f"webhook {webhook_id} was changed at the same time")
            return before, after

        return retry_on_change(f"webhook {webhook_id[:64]}", attempt)

    def delete(self, env: EnvironmentRef, webhook_id: str) -> None:
        """Delete a webhook with all that waits for it, also on a server out of memory.

        Raises:
            WebhookNotFound: there is none, or a retry after a lost answer.
        """
        key, what = self._db.keys.webhooks(env), f"delete webhook {webhook_id[:64]}"
        if not self._db.run(what, "webhook/delete", [key], [webhook_id]):
            raise _not_found(env, webhook_id)

    def health(self, env: EnvironmentRef, webhook_id: str) -> WebhookHealth:
        """How deliveries have gone of late. Cost: one round trip."""
        return self._healths(env, [webhook_id])[0]

    def healths(self, env: EnvironmentRef) -> list[WebhookHealth]:
        """How deliveries to each webhook have gone of late. Cost: two round trips."""
        with driver_errors(f"list webhooks of {env.environment}"):
            names = self._db.client.hkeys(self._db.keys.webhooks(env))
        return self._healths(env, [name.decode() for name in names])

    def _healths(self, env: EnvironmentRef, webhook_ids: Sequence[str]) -> list[WebhookHealth]:
        keys = self._db.keys
        with driver_errors(f"read the state of webhooks of {env.environment}"):
            pipeline = self._db.client.pipeline(transaction=False)
            for webhook_id in webhook_ids:
                pipeline.hgetall(keys.webhook_part(env, webhook_id, "state"))
                pipeline.hlen(keys.webhook_part(env, webhook_id, "deliveries"))
            found = pipeline.execute()
        return [
            _health(state, queued) for state, queued in zip(found[::2], found[1::2], strict=True)
        ]

    def attempts(self, env: EnvironmentRef, webhook_id: str) -> list[Attempt]:
        """The last attempts, newest first. Cost: one round trip.

        Raises:
            UnreadableRecord: one is damaged, or of another release.
        """
        key = self._db.keys.webhook_part(env, webhook_id, "attempts")
        name = f"the log of webhook {webhook_id}"
        with driver_errors(f"read {name}"):
            found = self._db.client.xrevrange(key, max="+", min="-", count=MOST_ATTEMPTS_KEPT)
        return [_ATTEMPTS.decode(fields[b"attempt"], name) for _, fields in found]

    def _text(self, env: EnvironmentRef, webhook_id: str) -> bytes:
        with driver_errors(f"read webhook {webhook_id[:64]}"):
            text = self._db.client.hget(self._db.keys.webhooks(env), webhook_id)
        if text is None:
            raise _not_found(env, webhook_id)
        return text


def decode_webhook(webhook_id: str, text: bytes) -> Webhook:
    """Read a webhook's record.

    Raises:
        UnreadableRecord: it is damaged, or of another release.
    """
    return _WEBHOOKS.decode(text, f"webhook {webhook_id}", id=webhook_id)


def watch_environment(database: Database, env: EnvironmentRef) -> None:
    """Have workers look for deliveries in an environment. Idempotent."""
    with driver_errors(f"watch webhooks of {env.environment}"):
        name = f"{env.project}:{env.environment}"
        database.client.sadd(database.keys.webhook_environments(), name)


def _not_found(env: EnvironmentRef, webhook_id: str) -> WebhookNotFound:
    return WebhookNotFound(f"environment {env.environment} has no webhook {webhook_id[:64]}")


def _health(state: Mapping[bytes, bytes], queued: int) -> WebhookHealth:
    numbers = {name.decode(): int(text) for name, text in state.items() if text.isdigit()}
    return WebhookHealth(
        queued=queued,
        failures=numbers.get("failures", 0),
        failing_since_ms=numbers.get("failing_since"),
        delivered_ms=numbers.get("delivered"),
        lost=numbers.get("lost", 0),
        dropped=numbers.get("dropped", 0),
    )
