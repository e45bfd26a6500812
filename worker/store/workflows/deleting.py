"""Deletes environments and projects with everything in them, and creates them again.

A deletion has a number, one more than the last that ended, and a random name. First the
environment's record gets both, so that the environment is no longer found; then its state is
closed by this deletion, so that it accepts no new segment; then everything in it is deleted.
Upkeep finishes an interrupted deletion, and removes the record once everything is freed.
Creating the environment again opens its state, which ends that deletion for good: a late
worker, of this deletion or an earlier one, can no longer touch what was created since.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from worker.store.errors import (
    EnvironmentExists,
    LastProject,
    ProjectExists,
    ProjectNotFound,
    StoreUnavailable,
)
from worker.store.jobs.records import JobRef
from worker.store.keyspace import EnvironmentRef
from worker.store.projects.records import Environment, Project, Record
from worker.store.segments.definitions import Segment
from worker.store.server.connections import driver_errors
from worker.store.store import Store
from worker.store.workflows.claims import DELETED

_REASON: Final = "environment deleted"
_EXPORTS_PER_CALL: Final = 1_000


def create_project(store: Store, project: Project, environments: Sequence[Environment]) -> None:
    """Create a project, then its environments; see :func:`create_environment`.

    Raises:
        ProjectExists: the key is taken.
        StoreUnavailable: no answer. A retry may find the project there.
    """
    left = store.projects.records.find(project.key)
    if left is not None and left.value.deletion is not None:
        _free_project(store, left.value)
        _delete_environments(store, left)
    free = left is None or left.value.deletion is not None
    if not free or not store.projects.records.put(left, project):
        message = f"project {project.key} already exists"
        raise ProjectExists(message)
    for environment in environments:
        create_environment(store, project.key, environment)


def create_environment(store: Store, project: str, environment: Environment) -> None:
    """Create an environment without segments; generations of former segments continue.

    What remains of a deleted environment with this key is deleted first.

    Raises:
        EnvironmentExists: the key is taken.
        ProjectNotFound: no such project.
        StoreUnavailable: no answer. A retry may find the environment there.
    """
    env, records = EnvironmentRef(project, environment.key), store.environments.records(project)
    store.projects.get(project)
    while True:
        with driver_errors(f"create environment {environment.key}"):
            closed = store.client.hget(store.keyspace.environment_state(env), "closed")
        left = records.find(environment.key)
        if left is not None and left.value.deletion is None:
            message = f"environment {environment.key} already exists in project {project}"
            raise EnvironmentExists(message)
        if left is not None and left.value.deletion is not None:
            _empty(store, env, left.value.deletion)
            closed = left.value.deletion.encode()
        if closed is not None:
            _open(store, env, closed.decode())
        if records.put(left, environment):
            break
    try:
        store.projects.get(project)
    except ProjectNotFound:
        # Deleted in between, and its deletion may not have seen this environment.
        delete_environment(store, env)
        raise


def delete_environment(store: Store, env: EnvironmentRef) -> None:
    """Delete an environment; the members of its lists are freed later, in bounded steps.

    Cost: some round trips a segment.

    Raises:
        EnvironmentNotFound: or ProjectNotFound.
        StoreUnavailable: no answer. Safe to retry: upkeep finishes a deletion once begun.
    """
    while True:
        store.environments.require(env)
        record = store.environments.records(env.project).find(env.environment)
        if record is None or record.value.deletion is not None:
            continue
        deletion = _mark_environment(store, env, record)
        if deletion is not None:
            _empty(store, env, deletion)
            return


def delete_project(store: Store, key: str) -> None:
    """Delete a project, its segments and its environments; see :func:`delete_environment`.

    Raises:
        ProjectNotFound: no such project.
        LastProject: it is the only one.
        StoreUnavailable: no answer. Safe to retry: upkeep finishes a deletion once begun.
    """
    while True:
        store.projects.get(key)
        if [project.key for project in store.projects.read_all()] == [key]:
            message = f"project {key} is the last one; create another one first"
            raise LastProject(message)
        records = store.projects.records
        record = records.find(key)
        if record is None or record.value.deletion is not None:
            continue
        deletion = store.database.random_name()
        if records.put(record, replace(record.value, deletion=deletion)):
            _free_project(store, record.value)
            marked = records.find(key)
            if marked is not None:
                _delete_environments(store, marked)
            return


def remove_segment(store: Store, env: EnvironmentRef, key: str) -> Segment:
    """Delete a segment, and end the import that was building its lists.

    Its members are hidden at once and freed later, in bounded steps.

    Returns:
        The deleted definition.

    Raises:
        SegmentNotFound: or EnvironmentNotFound, ProjectNotFound.
    """
    segment, building = store.segments.delete(env, key)
    # Upkeep removes what is left of them.
    with suppress(StoreUnavailable):
        store.export_schedules.forget(segment.ref)
    if building is not None:
        job = JobRef("import", env, building)
        # Without an answer, the import finds its list deleted and ends by itself.
        with suppress(StoreUnavailable):
            store.jobs.end(job, "stopped", reason=DELETED, keep_s=store.job_retention_s)
    return segment


def finish_deletions(store: Store) -> int:
    """Continue every unfinished deletion. Safe to repeat and to interrupt.

    Cost: one round trip a project and one an environment when there is nothing to do.

    Returns:
        Projects and environments that are completely removed.
    """
    finished = 0
    for env in store.environments.list_refs():
        finished += _finish_environment(store, env)
    for record in store.projects.records.find_all():
        if record.value.deletion is None:
            continue
        _free_project(store, record.value)
        _delete_environments(store, record)
        if store.environments.records(record.value.key).is_empty():
            finished += store.projects.records.remove(record, keep_last=True)
    return finished


def _finish_environment(store: Store, env: EnvironmentRef) -> bool:
    records = store.environments.records(env.project)
    record = records.find(env.environment)
    deletion = None if record is None else record.value.deletion
    if record is None or deletion is None or not _empty(store, env, deletion):
        return False
    keys = store.keyspace
    with driver_errors(f"look at what is left of {env.environment}"):
        left = (
            store.client.hlen(keys.segments(env)),
            store.client.smembers(keys.active_jobs(env)),
            store.client.smembers(keys.reclaimable_lists(env)),
            # Upkeep deletes their objects, then their records.
            store.client.hlen(keys.uploads(env)),
        )
    if any(left):
        return False
    with driver_errors(f"free what is left of {env.environment}"):
        store.client.unlink(keys.unsettled_lists(env))
    return records.remove(record)


def _free_project(store: Store, project: Project) -> None:
    """Free what a deleted project held beside its environments. Safe to repeat."""
    store.project_segments.close(project)
    store.sdk_keys.revoke_all(project)


def _delete_environments(store: Store, project: Record[Project]) -> None:
    """Delete the environments of a deleted project, unless it was created again since."""
    key = project.value.key
    found = store.environments.records(key).find_all()
    if project.value.deletion is None or store.projects.records.find(key) != project:
        return
    # A record read before this comparison is replaced only if it has not changed since.
    for record in found:
        env = EnvironmentRef(key, record.value.key)
        deletion = record.value.deletion or _mark_environment(store, env, record)
        if deletion is not None:
            _empty(store, env, deletion)


def _mark_environment(store: Store, env: EnvironmentRef, record: Record[Environment]) -> str | None:
    """Write a deletion to the record and return it; ``None`` when the record has changed."""
    # Earlier deletions ended before this record was created, so this number is the next one.
    with driver_errors(f"delete environment {env.environment}"):
        opened = store.client.hget(store.keyspace.environment_state(env), "opened")
    deletion = f"{int(opened or 0) + 1}-{store.database.random_name()}"
    marked = replace(record.value, deletion=deletion)
    return deletion if store.environments.records(env.project).put(record, marked) else None


def _empty(store: Store, env: EnvironmentRef, deletion: str) -> bool:
    """Delete what the environment holds, unless it was created again since that deletion."""
    keys = store.keyspace
    state = keys.environment_state(env)
    what, closing = (
        f"empty environment {env.environment}",
        [
            state,
            keys.audit_log(env),
            keys.webhooks(env),
        ],
    )
    if not store.database.run(
        what, "project/close_environment", closing, [deletion, store.database.random_name()]
    ):
        return False
    definitions = store.segments.read_remaining(env)
    jobs = store.jobs.active(env)
    with driver_errors(what):
        # While it is closed nothing is added, so everything read until now is old.
        closed = store.client.hget(state, "closed")
    if closed != deletion.encode():
        return False
    for definition in definitions:
        building = store.segments.remove(definition)
        if building is not None:
            jobs.append(JobRef("import", env, building))
    for job in jobs:
        store.jobs.end(job, "stopped", reason=_REASON, keep_s=store.job_retention_s)
    _expire_exports(store, env)
    store.imports.forget(env)
    store.sdk_store.switch_off(env)
    store.sdk_log.forget(env)
    store.flag_data.forget(env)
    store.sdk_keys.revoke_of_environment(env)
    store.previews.forget(env)
    store.erasures.forget(env)
    store.erased_keys.forget(env)
    store.export_schedules.forget(env)
    store.exports.forget(env)
    return True


def _expire_exports(store: Store, env: EnvironmentRef) -> None:
    """Have upkeep delete the files that were exported from this environment."""
    key, first = store.keyspace.expiring_exports(), 0
    own = str(JobRef("export", env, "")).encode()
    with driver_errors(f"expire exports of {env.environment}"):
        while found := store.client.zrangebyscore(
            key, 1, float("inf"), start=first, num=_EXPORTS_PER_CALL
        ):
            due = {name.decode(): 0.0 for name in found if name.startswith(own)}
            if due:
                store.client.zadd(key, due)
            first += len(found) - len(due)


def _open(store: Store, env: EnvironmentRef, deletion: str) -> None:
    state = store.keyspace.environment_state(env)
    store.database.run(
        f"open environment {env.environment}", "project/open_environment", [state], [deletion]
    )
