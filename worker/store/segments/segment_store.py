"""Segment definitions: which segments exist and their targets, but not the members of lists."""

import dataclasses
from collections.abc import Sequence
from functools import partial
from typing import Final

from worker.batches import batches
from worker.store.errors import (
    EnvironmentNotFound,
    ResourceChanged,
    SegmentExists,
    SegmentNotFound,
)
from worker.store.keyspace import EnvironmentRef, ListRef
from worker.store.lists import MembershipStore
from worker.store.projects.environments import EnvironmentStore
from worker.store.segments.cache import DefinitionCache, Stamp
from worker.store.segments.definitions import (
    Definition,
    DefinitionChange,
    NewSegment,
    Segment,
    decode_definition,
    decode_segment,
    earliest_ms,
    encode_segment,
    encode_targets,
)
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database
from worker.store.server.scripts import Argument

#: Definitions read in one call, with their targets.
_KEYS_PER_CALL: Final = 100
#: Definitions read in one step of listing them all.
_PAGE: Final = 500
#: Tries to read them all as of one moment.
_TRIES: Final = 3


class SegmentStore:
    """Definitions under one prefix.

    A definition is visible only once its list exists, and a list is hidden before its
    definition goes: a reader never finds a segment whose list is not there. Targets and
    rules are stored apart, so that a reader that needs neither does not load them; both parts
    change in one step. Every method may raise ``StoreUnavailable``, and is safe to retry then.
    """

    def __init__(
        self, database: Database, environments: EnvironmentStore, memberships: MembershipStore
    ) -> None:
        self._db = database
        self._environments = environments
        self._memberships = memberships
        self._cache = DefinitionCache()

    def create(self, env: EnvironmentRef, new: NewSegment) -> Segment:
        """Create a segment with empty lists and the next generation of its key.

        Raises:
            SegmentExists: the key is taken.
            EnvironmentNotFound: or ProjectNotFound.
            StoreUnavailable: no answer. A retry may find the segment there.
        """
        self._environments.require(env)
        keys = [
            self._db.keys.segments(env),
            self._db.keys.generations(env),
            self._db.keys.environment_state(env),
        ]
        while True:
            segment = self._draft(env, new)
            if new.unbounded and not self._exists(env, new.key):
                self._memberships.create(segment.ref)
            text, change = encode_segment(segment), self._db.random_name()
            arguments = (new.key, segment.generation, text, change)
            reply = self._db.run(f"create segment {new.key}", "segment/create", keys, arguments)
            if reply == b"ok":
                return segment
            if reply == b"exists":
                message = f"segment {new.key} already exists in {env.environment}"
                raise SegmentExists(message)
            if reply == b"closed":
                message = f"environment {env.environment} is being deleted"
                raise EnvironmentNotFound(message)

    def _draft(self, env: EnvironmentRef, new: NewSegment) -> Segment:
        now = self._db.now_ms()
        with driver_errors(f"create segment {new.key}"):
            last = self._db.client.hget(self._db.keys.generations(env), new.key)
        return Segment(
            env=env,
            generation=int(last or 0) + 1,
            created_ms=now,
            modified_ms=now,
            salt=self._db.random_name(),
            **dataclasses.asdict(new),
        )

    def _exists(self, env: EnvironmentRef, key: str) -> bool:
        with driver_errors(f"look up segment {key}"):
            return bool(self._db.client.hexists(self._db.keys.segments(env), key))

    def get(self, env: EnvironmentRef, key: str) -> Segment:
        """Read one definition. Cost: one round trip, two or three when it is not there.

        Raises:
            SegmentNotFound: or EnvironmentNotFound, ProjectNotFound.
            ListUnknown: the store has lost its data.
            UnreadableRecord: the definition is damaged, or of another release.
        """
        with driver_errors(f"look up segment {key}"):
            found = self._db.client.hget(self._db.keys.segments(env), key)
        if found is None:
            raise self._missing(env, key)
        return decode_segment(env, key, found)

    def read(self, env: EnvironmentRef, key: str) -> Definition:
        """Read one definition with its targets. Cost and errors: as :meth:`get`.

        Raises:
            ListUnknown: the server has lost its targets.
        """
        definition = self.read_many(env, [key])[0]
        if definition is None:
            raise self._missing(env, key)
        definition.require_whole()
        return definition

    def read_many(self, env: EnvironmentRef, keys: Sequence[str]) -> Sequence[Definition | None]:
        """Read definitions with their targets, each with its own as of one moment.

        Cost: one round trip for 100 keys.

        Returns:
            One for each key; ``None`` for a segment that does not exist. Check
            :attr:`Definition.is_lost`.

        Raises:
            UnreadableRecord: a definition is damaged, or of another release.
        """
        found: list[Definition | None] = []
        for group in batches(keys, _KEYS_PER_CALL):
            names = [self._db.keys.segments(env)]
            names += [self._db.keys.targeting(env, key) for key in group]
            what = f"read segments of {env.environment}"
            texts, targetings = self._db.run(what, "segment/read", names, group)
            found += [
                None if text is None else decode_definition(decode_segment(env, key, text), stored)
                for key, text, stored in zip(group, texts, targetings, strict=True)
            ]
        return found

    def read_all(self, env: EnvironmentRef) -> list[Segment]:
        """Read all definitions of an environment, newest first.

        They are as of one moment, unless others change them without a pause.

        Cost: two round trips, and one more for 500 definitions if one has changed since this
        process read them last; only those that have are decoded then.
        """
        self._environments.require(env)
        return [*self.read_remaining(env)]

    def read_remaining(self, env: EnvironmentRef) -> Sequence[Segment]:
        """As :meth:`read_all`, but without a check that the environment exists.

        Deletions read what remains of an environment this way.
        """
        stamp = self._stamp(env)
        for _ in range(_TRIES):
            known = None if stamp is None else self._cache.get(env, stamp)
            if known is not None:
                return known
            before, texts = stamp, self._scan(env)
            stamp = self._stamp(env)
            if stamp == before:
                break
        # What was changed while it was read is not kept under any stamp.
        change = stamp.change if stamp is not None and stamp == before else None
        return self._cache.read(env, change, texts, partial(decode_segment, env))

    def _stamp(self, env: EnvironmentRef) -> Stamp | None:
        """The state of an environment's definitions; ``None`` if none was ever written."""
        with driver_errors(f"list segments of {env.environment}"):
            pipeline = self._db.client.pipeline(transaction=True)
            pipeline.hget(self._db.keys.environment_state(env), "changed")
            pipeline.hlen(self._db.keys.segments(env))
            change, count = pipeline.execute()
        return None if change is None else Stamp(change, count)

    def _scan(self, env: EnvironmentRef) -> dict[bytes, bytes]:
        """All definitions by key, page by page: one long reply would hold up the server."""
        cursor, texts = 0, dict[bytes, bytes]()
        with driver_errors(f"list segments of {env.environment}"):
            while True:
                cursor, page = self._db.client.hscan(
                    self._db.keys.segments(env), cursor, count=_PAGE
                )
                texts |= page
                if not cursor:
                    return texts

    def update(self, current: Segment, change: DefinitionChange) -> Segment:
        """Change a definition, unless it has changed since it was read.

        Args:
            current: the definition as it was read.
            change: its new content.

        Returns:
            The definition with its next version.

        Raises:
            ResourceChanged: it has changed since; nothing was written.
            SegmentNotFound: or EnvironmentNotFound, ProjectNotFound.
            OutOfMemory: the server is full; nothing was written.
            StoreUnavailable: no answer. A retry may find its own change: ResourceChanged.
        """
        env, key = current.env, current.key
        changed = dataclasses.replace(
            current,
            name=change.name,
            description=change.description,
            tags=change.tags,
            version=current.version + 1,
            modified_ms=max(self._db.now_ms(), current.modified_ms),
            expires_ms=earliest_ms(change.schedules),
            targeted=change.targeting is not None,
        )
        expected: tuple[Argument, ...] = (key, current.generation, current.version)
        texts = (encode_segment(changed), encode_targets(change))
        arguments = (*expected, *texts, self._db.random_name())
        keys = self._definition_keys(current.ref)
        reply = self._db.run(f"change segment {key}", "segment/update", keys, arguments)
        if reply == b"gone":
            raise self._missing(env, key)
        if reply == b"changed":
            message = f"segment {key} was changed at the same time; read it again"
            raise ResourceChanged(message)
        return changed

    def delete(self, env: EnvironmentRef, key: str) -> tuple[Segment, str | None]:
        """Delete a segment; its members are freed later, in bounded steps.

        The list is hidden first: from the first step on it answers no look-up.

        Returns:
            The definition, and the id of the import that was building, if any.

        Raises:
            SegmentNotFound: no such segment.
        """
        segment = self.get(env, key)
        return segment, self.remove(segment)

    def remove(self, segment: Segment) -> str | None:
        """As :meth:`delete`, for a generation that was read before; any other stays."""
        building = self._memberships.delete(segment.ref) if segment.unbounded else None
        self.forget(segment.ref)
        return building

    def forget(self, ref: ListRef) -> None:
        """Drop the definition of a generation whose list is hidden; any other stays."""
        arguments = (ref.segment, ref.generation, self._db.random_name())
        keys = self._definition_keys(ref)
        self._db.run(f"delete segment {ref.segment}", "segment/delete", keys, arguments)

    def _definition_keys(self, ref: ListRef) -> tuple[str, ...]:
        return (
            self._db.keys.segments(ref.env),
            self._db.keys.targeting(ref.env, ref.segment),
            self._db.keys.environment_state(ref.env),
        )

    def _missing(self, env: EnvironmentRef, key: str) -> SegmentNotFound:
        self._environments.require(env)
        message = f"segment {key} does not exist in {env.environment}"
        return SegmentNotFound(message)
