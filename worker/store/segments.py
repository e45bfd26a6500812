"""Projects, environments and segment definitions: what exists, not who is in it."""

import dataclasses
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from worker.store.client import Client
from worker.store.connections import driver_errors
from worker.store.errors import (
    EnvironmentNotFound,
    ListUnknown,
    ProjectNotFound,
    SegmentExists,
    SegmentNotFound,
    StoreUnavailable,
)
from worker.store.keyspace import Keyspace, ListRef, Scope
from worker.store.memberships import MembershipStore
from worker.store.scripts import Scripts

Clock = Callable[[], int]
Tokens = Callable[[], str]

DEFAULT_PROJECT: Final = "default"
DEFAULT_ENVIRONMENTS: Final = ("production", "test")


@dataclass(frozen=True, slots=True)
class Segment:
    """The definition of one segment."""

    scope: Scope
    key: str
    name: str
    generation: int
    """How many times this key has been created."""
    created_ms: int
    modified_ms: int
    version: int = 1
    description: str | None = None
    tags: tuple[str, ...] = ()
    unbounded: bool = False
    context_kind: str = "user"
    salt: str = field(default="", repr=False)

    @property
    def ref(self) -> ListRef:
        """The lists of this generation."""
        return ListRef(self.scope.project, self.scope.environment, self.key, self.generation)


@dataclass(frozen=True, slots=True)
class NewSegment:
    """What a caller says of a segment to be created."""

    key: str
    name: str
    description: str | None = None
    tags: tuple[str, ...] = ()
    unbounded: bool = False
    context_kind: str = "user"


class SegmentStore:
    """Definitions under one prefix.

    A definition is visible only once its list exists, and a list is hidden before its
    definition goes: a reader never finds a segment whose list is not there.
    """

    def __init__(
        self,
        client: Client,
        scripts: Scripts,
        keyspace: Keyspace,
        memberships: MembershipStore,
        clock: Clock,
        tokens: Tokens,
    ) -> None:
        self._client = client
        self._scripts = scripts
        self._keys = keyspace
        self._memberships = memberships
        self._clock = clock
        self._tokens = tokens

    def initialise(self) -> None:
        """Make the project and environments that exist from the start; idempotent.

        Raises:
            StoreUnavailable: no answer. Safe to retry.
        """
        with driver_errors("initialise the store"):
            for environment in DEFAULT_ENVIRONMENTS:
                self._client.hsetnx(
                    self._keys.environments(DEFAULT_PROJECT),
                    environment,
                    json.dumps({"name": environment.capitalize(), "created": self._clock()}),
                )
            self._client.hsetnx(
                self._keys.projects(),
                DEFAULT_PROJECT,
                json.dumps({"name": "Default", "created": self._clock()}),
            )

    def scopes(self) -> list[Scope]:
        """Every environment of every project. Cost: one round trip a project."""
        with driver_errors("list the environments"):
            projects = sorted(_text(self._client.hkeys(self._keys.projects())))
            return [
                Scope(project, environment)
                for project in projects
                for environment in sorted(
                    _text(self._client.hkeys(self._keys.environments(project)))
                )
            ]

    def require_environment(self, scope: Scope) -> None:
        """Make sure that the environment exists.

        Raises:
            ListUnknown: the store holds no project at all: it has lost its data.
            ProjectNotFound: no such project.
            EnvironmentNotFound: no such environment.
            StoreUnavailable: no answer. Safe to retry.
        """
        with driver_errors(f"look up environment {scope.environment}"):
            if self._client.hexists(self._keys.environments(scope.project), scope.environment):
                return
            projects = set(_text(self._client.hkeys(self._keys.projects())))
        if not projects:
            message = "the store holds no project: its data is lost; restore it or start again"
            raise ListUnknown(message)
        if scope.project not in projects:
            message = f"project {scope.project} does not exist"
            raise ProjectNotFound(message)
        message = f"project {scope.project} has no environment {scope.environment}"
        raise EnvironmentNotFound(message)

    def create(self, scope: Scope, new: NewSegment) -> Segment:
        """Create a segment with empty lists and the next generation of its key.

        Raises:
            SegmentExists: the key is taken.
            EnvironmentNotFound: or ProjectNotFound: no such place.
            StoreUnavailable: no answer. Safe to retry; a retry may find the segment there.
        """
        self.require_environment(scope)
        keys = [self._keys.segments(scope), self._keys.generations(scope)]
        while True:
            now = self._clock()
            with driver_errors(f"create segment {new.key}"):
                last = self._client.hget(self._keys.generations(scope), new.key)
            segment = Segment(
                scope=scope,
                generation=int(last or 0) + 1,
                created_ms=now,
                modified_ms=now,
                salt=self._tokens(),
                **dataclasses.asdict(new),
            )
            if new.unbounded and not self._exists(scope, new.key):
                self._memberships.create(segment.ref)
            with driver_errors(f"create segment {new.key}"):
                reply = self._scripts.run(
                    "segment_create", keys, [new.key, segment.generation, _encode(segment)]
                )
            if reply == b"ok":
                return segment
            if reply == b"exists":
                message = f"segment {new.key} already exists in {scope.environment}"
                raise SegmentExists(message)

    def _exists(self, scope: Scope, key: str) -> bool:
        with driver_errors(f"look up segment {key}"):
            return bool(self._client.hexists(self._keys.segments(scope), key))

    def get(self, scope: Scope, key: str) -> Segment:
        """Read one definition. Cost: one round trip, two or three when it is not there.

        Raises:
            SegmentNotFound: or EnvironmentNotFound, ProjectNotFound: no such thing.
            ListUnknown: the store has lost its data.
            StoreUnavailable: no answer. Safe to retry.
        """
        with driver_errors(f"look up segment {key}"):
            found = self._client.hget(self._keys.segments(scope), key)
        if found is None:
            self.require_environment(scope)
            message = f"segment {key} does not exist in {scope.environment}"
            raise SegmentNotFound(message)
        return _decode(scope, found)

    def list(self, scope: Scope) -> list[Segment]:
        """Read all definitions of an environment, newest first. Cost: one large reply."""
        self.require_environment(scope)
        with driver_errors(f"list segments of {scope.environment}"):
            found = self._client.hvals(self._keys.segments(scope))
        segments = [_decode(scope, text) for text in found]
        return sorted(segments, key=lambda one: (-one.created_ms, one.key))

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
        building = self._memberships.delete(segment.ref) if segment.unbounded else None
        with driver_errors(f"delete segment {key}"):
            keys = [self._keys.segments(scope)]
            self._scripts.run("segment_delete", keys, [key, segment.generation])
        return segment, building


def _text(values: Iterable[bytes]) -> list[str]:
    return [value.decode() for value in values]


def _encode(segment: Segment) -> str:
    fields = dataclasses.asdict(segment)
    del fields["scope"]
    return json.dumps(fields, separators=(",", ":"))


def _decode(scope: Scope, text: bytes) -> Segment:
    try:
        fields: dict[str, Any] = json.loads(text)
        fields["tags"] = tuple(fields["tags"])
        return Segment(scope=scope, **fields)
    except (ValueError, TypeError, KeyError) as exc:
        message = f"a definition in {scope.environment} is not readable by this release"
        raise StoreUnavailable(message) from exc
