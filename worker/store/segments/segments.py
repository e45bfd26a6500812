"""Segment definitions: what exists and whom it targets, not who is in the lists."""

import dataclasses
from collections.abc import Sequence
from typing import Final

from worker.store.batches import batches
from worker.store.errors import (
    EnvironmentNotFound,
    SegmentChanged,
    SegmentExists,
    SegmentNotFound,
)
from worker.store.keyspace import ListRef, Scope
from worker.store.lists import MembershipStore
from worker.store.projects.environments import EnvironmentStore
from worker.store.segments.cache import DefinitionCache, Stamp
from worker.store.segments.definitions import (
    Definition,
    DefinitionChange,
    NewSegment,
    Segment,
    decode,
    encode,
)
from worker.store.segments.target_schedules import earliest_ms, joined_text, split_stored
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database
from worker.store.server.scripts import Argument

_KEYS_PER_CALL: Final = 1_000


class SegmentStore:
    """Definitions under one prefix.

    A definition is visible only once its list exists, and a list is hidden before its
    definition goes: a reader never finds a segment whose list is not there. Targets and
    rules are stored apart, so that whoever asks for neither does not read them; both parts
    change in one step.
    """

    def __init__(
        self, database: Database, environments: EnvironmentStore, memberships: MembershipStore
    ) -> None:
        self._db = database
        self._environments = environments
        self._memberships = memberships
        self._cache = DefinitionCache()

    def create(self, scope: Scope, new: NewSegment) -> Segment:
        """Create a segment with empty lists and the next generation of its key.

        Raises:
            SegmentExists: the key is taken.
            EnvironmentNotFound: or ProjectNotFound: no such place.
            StoreUnavailable: no answer. Safe to retry; a retry may find the segment there.
        """
        self._environments.require(scope)
        keys = [
            self._db.keys.segments(scope),
            self._db.keys.generations(scope),
            self._db.keys.environment_state(scope),
        ]
        while True:
            segment = self._draft(scope, new)
            if new.unbounded and not self._exists(scope, new.key):
                self._memberships.create(segment.ref)
            arguments = (new.key, segment.generation, encode(segment), self._db.random_name())
            reply = self._db.run(f"create segment {new.key}", "segment/create", keys, arguments)
            if reply == b"ok":
                return segment
            if reply == b"exists":
                message = f"segment {new.key} already exists in {scope.environment}"
                raise SegmentExists(message)
            if reply == b"closed":
                message = f"environment {scope.environment} is being deleted"
                raise EnvironmentNotFound(message)

    def _draft(self, scope: Scope, new: NewSegment) -> Segment:
        now = self._db.now_ms()
        with driver_errors(f"create segment {new.key}"):
            last = self._db.client.hget(self._db.keys.generations(scope), new.key)
        return Segment(
            scope=scope,
            generation=int(last or 0) + 1,
            created_ms=now,
            modified_ms=now,
            salt=self._db.random_name(),
            **dataclasses.asdict(new),
        )

    def _exists(self, scope: Scope, key: str) -> bool:
        with driver_errors(f"look up segment {key}"):
            return bool(self._db.client.hexists(self._db.keys.segments(scope), key))

    def get(self, scope: Scope, key: str) -> Segment:
        """Read one definition. Cost: one round trip, two or three when it is not there.

        Raises:
            SegmentNotFound: or EnvironmentNotFound, ProjectNotFound: no such thing.
            ListUnknown: the store has lost its data.
            StoreUnavailable: no answer. Safe to retry.
        """
        with driver_errors(f"look up segment {key}"):
            found = self._db.client.hget(self._db.keys.segments(scope), key)
        if found is None:
            raise self._missing(scope, key)
        return decode(scope, found)

    def read(self, scope: Scope, key: str) -> Definition:
        """Read one definition and whom it targets. Cost and errors: as :meth:`get`.

        Raises:
            ListUnknown: the server has lost whom it targets.
        """
        definition = self.read_many(scope, [key])[0]
        if definition is None:
            raise self._missing(scope, key)
        definition.require_whole()
        return definition

    def read_many(self, scope: Scope, keys: Sequence[str]) -> Sequence[Definition | None]:
        """Read definitions and whom they target, each 1,000 as of one moment.

        Cost: one round trip for 1,000 keys.

        Returns:
            One for each key; ``None`` for a segment that does not exist. Look at
            :attr:`Definition.is_lost`.

        Raises:
            StoreUnavailable: no answer. Safe to retry.
        """
        found: list[Definition | None] = []
        for group in batches(keys, _KEYS_PER_CALL):
            names = [self._db.keys.segments(scope)]
            names += [self._db.keys.targeting(scope, key) for key in group]
            what = f"read segments of {scope.environment}"
            texts, targetings = self._db.run(what, "segment/read", names, group)
            found += [
                None if text is None else _definition(decode(scope, text), stored)
                for text, stored in zip(texts, targetings, strict=True)
            ]
        return found

    def list(self, scope: Scope) -> list[Segment]:
        """Read all definitions of an environment, newest first.

        Cost: two round trips, and a third with a large reply if a definition has changed
        since this process read them last; only those that have are decoded then.
        """
        self._environments.require(scope)
        return [*self.found_in(scope)]

    def found_in(self, scope: Scope) -> Sequence[Segment]:
        """As :meth:`list`, also of an environment whose deletion is not finished."""
        state, segments = self._db.keys.environment_state(scope), self._db.keys.segments(scope)
        with driver_errors(f"list segments of {scope.environment}"):
            pipeline = self._db.client.pipeline(transaction=True)
            pipeline.hget(state, "changed")
            pipeline.hlen(segments)
            change, count = pipeline.execute()
        known = None if change is None else self._cache.get(scope, Stamp(change, count))
        if known is not None:
            return known
        with driver_errors(f"list segments of {scope.environment}"):
            pipeline = self._db.client.pipeline(transaction=True)
            pipeline.hget(state, "changed")
            pipeline.hvals(segments)
            change, texts = pipeline.execute()
        return self._cache.read(scope, change, texts, lambda text: decode(scope, text))

    def update(self, current: Segment, change: DefinitionChange) -> Segment:
        """Change a definition, unless somebody else has changed it since it was read.

        Args:
            current: the definition that the change was made from.
            change: what it is to be from now on.

        Returns:
            The definition with its next version.

        Raises:
            SegmentChanged: the change was made from an older definition; nothing was written.
            SegmentNotFound: or EnvironmentNotFound, ProjectNotFound: it was deleted.
            OutOfMemory: the server is full; nothing was written.
            StoreUnavailable: no answer. A retry may find its own change: SegmentChanged.
        """
        scope, key = current.scope, current.key
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
        targeting = joined_text(change.targeting, change.schedules)
        arguments = (*expected, encode(changed), targeting, self._db.random_name())
        keys = self._definition_keys(current.ref)
        reply = self._db.run(f"change segment {key}", "segment/update", keys, arguments)
        if reply == b"gone":
            raise self._missing(scope, key)
        if reply == b"changed":
            message = f"segment {key} was changed at the same time; read it again"
            raise SegmentChanged(message)
        return changed

    def delete(self, scope: Scope, key: str) -> tuple[Segment, str | None]:
        """Delete a segment; its members are freed later, in bounded steps.

        The list is hidden first, so from the first step on no answer comes from it.

        Returns:
            The definition, and the id of the import that was building, if any.

        Raises:
            SegmentNotFound: no such segment.
            StoreUnavailable: no answer. Safe to retry.
        """
        segment = self.get(scope, key)
        return segment, self.remove(segment)

    def remove(self, segment: Segment) -> str | None:
        """As :meth:`delete`, of a generation that was read before; another one stays."""
        building = self._memberships.delete(segment.ref) if segment.unbounded else None
        self.forget(segment.ref)
        return building

    def forget(self, ref: ListRef) -> None:
        """Drop the definition of a generation whose list is hidden; another one stays.

        Raises:
            StoreUnavailable: no answer. Safe to retry.
        """
        arguments = (ref.segment, ref.generation, self._db.random_name())
        keys = self._definition_keys(ref)
        self._db.run(f"delete segment {ref.segment}", "segment/delete", keys, arguments)

    def _definition_keys(self, ref: ListRef) -> tuple[str, ...]:
        return (
            self._db.keys.segments(ref.scope),
            self._db.keys.targeting(ref.scope, ref.segment),
            self._db.keys.environment_state(ref.scope),
        )

    def _missing(self, scope: Scope, key: str) -> SegmentNotFound:
        self._environments.require(scope)
        message = f"segment {key} does not exist in {scope.environment}"
        return SegmentNotFound(message)


def _definition(segment: Segment, stored: bytes | None) -> Definition:
    # What an earlier segment of this key might have left is not this one's.
    return Definition(segment, *split_stored(stored if segment.targeted else None))
