"""SDK keys: each lets a client read what flags depend on, and nothing else.

A key of Vercel's dialect is of a project; a key of LaunchDarkly's is of one of its environments,
which has one that is its own, and may have others.

They are kept beside the access tokens, under the same mark of changes, so that whoever checks
both asks once whether anything has changed. A key is never stored, only its SHA-256, which is its
id: it is random, so there is nothing to guess.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from worker.store.access_tokens import digest_of
from worker.store.errors import SdkKeyNotFound, TooManyTokens, UnreadableRecord
from worker.store.keyspace import EnvironmentRef
from worker.store.projects.records import Project
from worker.store.records import RecordCodec, stored
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database

#: Every process holds all of them in memory, mostly under 1 KiB each.
MOST_SDK_KEYS: Final = 10_000
#: So that one project leaves room for others.
MOST_OF_A_PROJECT: Final = 200
#: Fields read in one step.
_PAGE: Final = 500
#: Fields removed in one step.
_AT_ONCE: Final = 100

_PREFIX: Final = "vf_server_"
#: Of what LaunchDarkly's SDKs and relays take for a key.
_LAUNCHDARKLY_PREFIX: Final = "sdk-"
_SDK_KEY: Final = re.compile(rb"(?:vf_server_|sdk-)[0-9a-f]{32}")
_ID: Final = re.compile(r"[0-9a-f]{64}")
_SHOWN: Final = 3
_MASK: Final = "*" * 8
_FIELD: Final = "sdk-key:"


@stored
@dataclass(frozen=True, slots=True)
class SdkKey:
    """An SDK key without its secret."""

    id: str
    """The key's SHA-256 in hexadecimal digits."""
    project: str
    project_created_ms: int
    """When its project was created: a project made again under the same key is another one."""
    environment: str
    """The environment of flags for which its client evaluates."""
    beginning: str
    """The key's first characters, by which people recognise it."""
    created_ms: int
    created_by: str
    """Id of the access token that created it."""
    label: str | None = None
    launchdarkly: bool = False
    """Whether it is for LaunchDarkly's SDKs, and of an environment of the project; any other is
    for Vercel's."""
    relay: bool = False
    """Whether it is for Relay Proxies, which know segments by other generations than SDKs do."""
    own: bool = False
    """Whether it is the one that its environment shows and that is reset there."""
    expires_ms: int | None = None
    """When it stops being valid, Unix ms."""

    @property
    def masked(self) -> str:
        """What everybody may see of it."""
        return f"{self.beginning}{_MASK}"

    def is_over(self, now_ms: int) -> bool:
        """Whether it has expired."""
        return self.expires_ms is not None and self.expires_ms <= now_ms

    def belongs_to(self, project: Project) -> bool:
        """Whether it was created for this project, not for an earlier one of the same key."""
        return (self.project, self.project_created_ms) == (project.key, project.created_ms)


_CODEC: Final = RecordCodec(SdkKey, outside=["id"])


@dataclass(frozen=True, slots=True)
class SdkKeySet:
    """All SDK keys."""

    keys: tuple[SdkKey, ...]
    """Newest first."""
    unreadable: tuple[str, ...] = ()
    """Ids of those whose record this release cannot read."""


class SdkKeyStore:
    """The SDK keys under one prefix. Every method may raise ``StoreUnavailable``."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._key = database.keys.access_tokens()

    def create(
        self,
        project: Project,
        *,
        environment: str,
        label: str | None,
        created_by: str,
        launchdarkly: bool = False,
        relay: bool = False,
        own: bool = False,
    ) -> tuple[SdkKey, str]:
        """Create an SDK key. Only this ever returns the key itself.

        One for LaunchDarkly's SDKs, as any for relays is, is of an environment of the project, any
        other of one of Vercel's. Keys that have expired are removed.

        Cost: two round trips, and one more for each 500 tokens and keys.

        Raises:
            TooManyTokens: the project or the store has its maximum of SDK keys.
        """
        now_ms = self._db.now_ms()
        self._require_room(project, now_ms)
        launchdarkly = launchdarkly or relay
        prefix = _LAUNCHDARKLY_PREFIX if launchdarkly else _PREFIX
        secret = f"{prefix}{self._db.random_name()}"
        made = SdkKey(
            id=digest_of(secret),
            project=project.key,
            project_created_ms=project.created_ms,
            environment=environment,
            beginning=secret[: len(prefix) + _SHOWN],
            created_ms=now_ms,
            created_by=created_by,
            label=label,
            launchdarkly=launchdarkly,
            relay=relay,
            own=own,
        )
        self._put(made, b"", f"create an SDK key of project {project.key}")
        return made, secret

    def _require_room(self, project: Project, now_ms: int) -> None:
        found = self.read().keys
        expired = [key.id for key in found if key.is_over(now_ms)]
        if expired:
            self._remove_all(expired)
        left = [key for key in found if key.id not in expired]
        own = sum(key.belongs_to(project) for key in left)
        if own >= MOST_OF_A_PROJECT or len(left) >= MOST_SDK_KEYS:
            owner, most = ("project", own) if own >= MOST_OF_A_PROJECT else ("store", len(left))
            raise TooManyTokens(f"the {owner} has {most:,} SDK keys; revoke some first")

    def _put(self, key: SdkKey, expected: bytes, what: str) -> bool:
        arguments = (f"{_FIELD}{key.id}", expected, _CODEC.encode(key), self._db.random_name())
        return bool(self._db.run(what, "token/put", [self._key], arguments))

    def reset(
        self, project: Project, environment: str, *, keep_until_ms: int | None, created_by: str
    ) -> tuple[SdkKey, str]:
        """Give an environment another key of its own.

        Args:
            project: The project.
            environment: One of LaunchDarkly's.
            keep_until_ms: Until when those of before are valid, Unix ms; ``None`` revokes them.
            created_by: Id of the access token.

        Raises:
            TooManyTokens: As :meth:`create`; nothing was changed.
        """
        before = [key for key in self.of_environment(project, environment) if key.own]
        made = self.create(
            project,
            environment=environment,
            label=None,
            created_by=created_by,
            launchdarkly=True,
            own=True,
        )
        if keep_until_ms is None:
            self._remove_all([key.id for key in before])
            return made
        for key in before:
            ends_ms = min(keep_until_ms, key.expires_ms or keep_until_ms)
            changed = replace(key, expires_ms=ends_ms)
            what = f"let SDK key {key.id} expire"
            # One that is gone meanwhile needs no end.
            self._put(changed, _CODEC.encode(key), what)
        return made

    def read(self) -> SdkKeySet:
        """All SDK keys. Cost: one round trip for each 500 tokens and keys."""
        keys, unreadable = [], []
        for key_id, text in self._scan().items():
            try:
                keys.append(_decode(key_id, text))
            except UnreadableRecord:  # one bad record must not lock out all others
                unreadable.append(key_id)
        keys.sort(key=lambda key: (-key.created_ms, key.id))
        return SdkKeySet(tuple(keys), tuple(unreadable))

    def of_project(self, project: Project) -> list[SdkKey]:
        """The SDK keys of a project for Vercel's SDKs, newest first. Cost: as :meth:`read`."""
        return [key for key in self.read().keys if key.belongs_to(project) and not key.launchdarkly]

    def of_environment(self, project: Project, environment: str) -> list[SdkKey]:
        """Those of an environment for LaunchDarkly's SDKs, newest first. Cost: as :meth:`read`."""
        return [
            key
            for key in self.read().keys
            if key.launchdarkly and key.belongs_to(project) and key.environment == environment
        ]

    def revoke(self, project: Project, key_id: str) -> SdkKey:
        """Revoke an SDK key, also on a server out of memory; return what it was.

        Raises:
            SdkKeyNotFound: the project has no such key, or a retry after a lost answer.
        """
        with driver_errors(f"read SDK key {key_id}"):
            text = self._db.client.hget(self._key, f"{_FIELD}{key_id}")
        key = None if text is None else _decode(key_id, text)
        if key is None or not key.belongs_to(project) or not self._remove([key_id]):
            message = f"project {project.key} has no SDK key {key_id[:64]}"
            raise SdkKeyNotFound(message)
        return key

    def revoke_of_environment(self, env: EnvironmentRef) -> None:
        """Revoke those of a deleted environment for LaunchDarkly's SDKs; as :meth:`revoke_all`."""
        ids = [
            key.id
            for key in self.read().keys
            if key.launchdarkly and (key.project, key.environment) == (env.project, env.environment)
        ]
        self._remove_all(ids)

    def revoke_all(self, project: Project) -> None:
        """Revoke all SDK keys of a project. Safe to repeat. Cost: as :meth:`read`."""
        self._remove_all([key.id for key in self.read().keys if key.belongs_to(project)])

    def _remove_all(self, ids: Sequence[str]) -> None:
        for first in range(0, len(ids), _AT_ONCE):
            self._remove(ids[first : first + _AT_ONCE])

    def _remove(self, ids: Sequence[str]) -> bool:
        arguments = (self._db.random_name(), *(f"{_FIELD}{key_id}" for key_id in ids))
        return bool(self._db.run("revoke SDK keys", "token/revoke", [self._key], arguments))

    def _scan(self) -> dict[str, bytes]:
        """The records by id, page by page: one long reply would hold up the server."""
        cursor, found = 0, dict[str, bytes]()
        with driver_errors("read the SDK keys"):
            while True:
                cursor, page = self._db.client.hscan(self._key, cursor, count=_PAGE)
                for name, text in page.items():
                    field = name.decode()
                    if field.startswith(_FIELD):
                        found[field.removeprefix(_FIELD)] = text
                if not cursor:
                    return found


def _decode(key_id: str, text: bytes) -> SdkKey:
    name = f"SDK key {key_id[:64]}"
    if _ID.fullmatch(key_id) is None:
        raise UnreadableRecord.of(name)
    return _CODEC.decode(text, name, id=key_id)


def may_be_sdk_key(text: bytes) -> bool:
    """Whether a text has the form of an SDK key; no other text needs a look-up."""
    return _SDK_KEY.fullmatch(text) is not None
