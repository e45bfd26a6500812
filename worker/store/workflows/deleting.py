"""Deleting environments and projects with all that they hold, and making them anew.

A deletion has a number, one more than the last that was ended, and a random name. The
environment's record carries both first, so that nobody finds the environment any more; then
the environment's state is closed under it, so that it takes no new segment; then everything
in it is deleted. Upkeep finishes what is cut off, and strikes the record off once all is
freed. Making the environment anew opens its state, which ends that deletion for good: a late
finisher, of this deletion or an earlier one, can no longer touch what comes after.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from worker.store.errors import (
    EnvironmentExists,
    LastProject,
    ProjectExists,
    ProjectNotFound,
    StoreUnavailable,
)
from worker.store.jobs.records import JobRef
from worker.store.keyspace import Scope
from worker.store.projects.records import Place, PlaceRecord, decode, encode
from worker.store.segments.definitions import Segment
from worker.store.server.connections import driver_errors
from worker.store.store import Store
from worker.store.workflows.claims import DELETED

_REASON: Final = "environment deleted"
_EXPORTS_PER_CALL: Final = 1_000


def create_project(store: Store, place: Place, environments: Sequence[Place]) -> None:
    """Create a project, then its environments; see :func:`create_environment`.

    Raises:
        ProjectExists: the key is taken.
        StoreUnavailable: no answer. A retry may find the project there.
    """
    hash_key = store.keyspace.projects()
    left = store.environments.project_record(place.key)
    if left is not None and left.deletion is not None:
        _delete_environments(store, left)
    free = left is None or left.deletion is not None
    expected = None if left is None else left.text
    if not free or not store.environments.put(hash_key, place.key, expected, encode(place)):
        message = f"project {place.key} already exists"
        raise ProjectExists(message)
    for environment in environments:
        create_environment(store, place.key, environment)


def create_environment(store: Store, project: str, place: Place) -> None:
    """Create an environment without segments; the generations of old ones go on.

    What a deleted environment of this key left is deleted first.

    Raises:
        EnvironmentExists: the key is taken.
        ProjectNotFound: no such project.
        StoreUnavailable: no answer. A retry may find the environment there.
    """
    scope, hash_key = Scope(project, place.key), store.keyspace.environments(project)
    store.environments.project(project)
    while True:
        with driver_errors(f"create environment {place.key}"):
            closed = store.client.hget(store.keyspace.environment_state(scope), "closed")
        left = store.environments.environment_record(scope)
        if left is not None and left.deletion is None:
            message = f"environment {place.key} already exists in project {project}"
            raise EnvironmentExists(message)
        if left is not None and left.deletion is not None:
            _empty(store, scope, left.deletion)
            closed = left.deletion.encode()
        if closed is not None:
            _open(store, scope, closed.decode())
        expected = None if left is None else left.text
        if store.environments.put(hash_key, place.key, expected, encode(place)):
            break
    try:
        store.environments.project(project)
    except ProjectNotFound:
        # Deleted in between, and its deletion may not have seen this environment.
        delete_environment(store, scope)
        raise


def delete_environment(store: Store, scope: Scope) -> None:
    """Delete an environment; the members of its lists are freed later, in bounded steps.

    Cost: some round trips a segment.

    Raises:
        EnvironmentNotFound: or ProjectNotFound: no such place.
        StoreUnavailable: no answer. Safe to retry: upkeep finishes a deletion once begun.
    """
    while True:
        store.environments.environment(scope)
        record = store.environments.environment_record(scope)
        if record is None or record.deletion is not None:
            continue
        deletion = _mark_environment(store, scope, record)
        if deletion is not None:
            _empty(store, scope, deletion)
            return


def delete_project(store: Store, key: str) -> None:
    """Delete a project and its environments; see :meth:`delete_environment`.

    Raises:
        ProjectNotFound: no such project.
        LastProject: there is no other.
        StoreUnavailable: no answer. Safe to retry: upkeep finishes a deletion once begun.
    """
    while True:
        store.environments.project(key)
        if [one.key for one in store.environments.projects()] == [key]:
            message = f"project {key} is the last one; create another one first"
            raise LastProject(message)
        record = store.environments.project_record(key)
        if record is None or record.deletion is not None:
            continue
        if _mark(store, store.keyspace.projects(), record, store.database.random_name()):
            marked = store.environments.project_record(key)
            if marked is not None:
                _delete_environments(store, marked)
            return


def remove_segment(store: Store, scope: Scope, key: str) -> Segment:
    """Delete a segment, and end the import that was building its lists.

    Its members are hidden at once and freed later, in bounded steps.

    Returns:
        The deleted definition.

    Raises:
        SegmentNotFound: or EnvironmentNotFound, ProjectNotFound: no such thing.
        StoreUnavailable: no answer. Safe to retry.
    """
    segment, building = store.segments.delete(scope, key)
    if building is not None:
        job = JobRef("import", scope, building)
        # When this goes unanswered, the import finds its list deleted and ends by itself.
        with suppress(StoreUnavailable):
            store.jobs.end(job, "stopped", reason=DELETED, keep_s=store.job_retention_s)
    return segment


def finish_deletions(store: Store) -> int:
    """Go on with every deletion that is not finished. Safe to repeat and to interrupt.

    Cost: one round trip a project and one an environment when there is nothing to do.

    Returns:
        Places whose last trace was removed.

    Raises:
        StoreUnavailable: no answer. Safe to retry.
    """
    finished = 0
    for scope in store.environments.scopes():
        finished += _finish_environment(store, scope)
    projects = store.keyspace.projects()
    with driver_errors("list the projects"):
        keys = [key.decode() for key in store.client.hkeys(projects)]
    for key in keys:
        record = store.environments.project_record(key)
        if record is None or record.deletion is None:
            continue
        _delete_environments(store, record)
        with driver_errors(f"look for environments of {key}"):
            empty = not store.client.hlen(store.keyspace.environments(key))
        if empty:
            finished += store.environments.put(projects, key, record.text, None, keep_last=True)
    return finished


def _finish_environment(store: Store, scope: Scope) -> bool:
    record = store.environments.environment_record(scope)
    if record is None or record.deletion is None or not _empty(store, scope, record.deletion):
        return False
    keys = store.keyspace
    with driver_errors(f"look at what is left of {scope.environment}"):
        left = (
            store.client.hlen(keys.segments(scope)),
            store.client.smembers(keys.active_jobs(scope)),
            store.client.smembers(keys.reclaimable_lists(scope)),
        )
    if any(left):
        return False
    return store.environments.put(
        keys.environments(scope.project), scope.environment, record.text, None
    )


def _delete_environments(store: Store, project: PlaceRecord) -> None:
    """Delete the environments of a deleted project, unless it was made anew since."""
    key = project.place.key
    hash_key = store.keyspace.environments(key)
    with driver_errors(f"list environments of {key}"):
        found = store.client.hgetall(hash_key)
    now = store.environments.project_record(key)
    if now is None or now.text != project.text or now.deletion is None:
        return
    # What was read before this comparison is old, and is replaced only if it still is.
    for name, text in found.items():
        scope, record = Scope(key, name.decode()), decode(name.decode(), text)
        deletion = record.deletion or _mark_environment(store, scope, record)
        if deletion is not None:
            _empty(store, scope, deletion)


def _mark_environment(store: Store, scope: Scope, record: PlaceRecord) -> str | None:
    """Give the deletion that is now on the record; ``None`` when somebody changed it."""
    # All that came before this record was opened before it was made, so its number is the next.
    with driver_errors(f"delete environment {scope.environment}"):
        opened = store.client.hget(store.keyspace.environment_state(scope), "opened")
    deletion = f"{int(opened or 0) + 1}-{store.database.random_name()}"
    marked = _mark(store, store.keyspace.environments(scope.project), record, deletion)
    return deletion if marked else None


def _mark(store: Store, hash_key: str, record: PlaceRecord, deletion: str) -> bool:
    """Write on the record which deletion it is; whether nobody had changed it."""
    text = encode(record.place, deletion)
    return store.environments.put(hash_key, record.place.key, record.text, text)


def _empty(store: Store, scope: Scope, deletion: str) -> bool:
    """Delete what the environment holds, unless it was made anew since that deletion."""
    keys = store.keyspace
    state = keys.environment_state(scope)
    what, closing = f"empty environment {scope.environment}", [state, keys.audit_log(scope)]
    if not store.database.run(
        what, "project/close_environment", closing, [deletion, store.database.random_name()]
    ):
        return False
    definitions = store.segments.found_in(scope)
    jobs = store.jobs.active(scope)
    with driver_errors(what):
        # While it is closed nothing comes in, so all that was read until now is old.
        closed = store.client.hget(state, "closed")
    if closed != deletion.encode():
        return False
    for definition in definitions:
        building = store.segments.remove(definition)
        if building is not None:
            jobs.append(JobRef("import", scope, building))
    for job in jobs:
        store.jobs.end(job, "stopped", reason=_REASON, keep_s=store.job_retention_s)
    _expire_exports(store, scope)
    return True


def _expire_exports(store: Store, scope: Scope) -> None:
    """Have upkeep delete the files that were exported from this environment."""
    key, first = store.keyspace.expiring_exports(), 0
    own = str(JobRef("export", scope, "")).encode()
    with driver_errors(f"expire exports of {scope.environment}"):
        while found := store.client.zrangebyscore(
            key, 1, float("inf"), start=first, num=_EXPORTS_PER_CALL
        ):
            due = {one.decode(): 0.0 for one in found if one.startswith(own)}
            if due:
                store.client.zadd(key, due)
            first += len(found) - len(due)


def _open(store: Store, scope: Scope, deletion: str) -> None:
    state = store.keyspace.environment_state(scope)
    store.database.run(
        f"open environment {scope.environment}", "project/open_environment", [state], [deletion]
    )
