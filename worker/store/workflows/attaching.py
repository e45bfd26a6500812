"""Lists that are attached to segments of a project: made, detached, and freed.

A list is one like any other, of a segment in what stands for an environment of the project
(:meth:`EnvironmentRef.of_project`), under a random key that the project's segment names; its
description is the slug of that segment. What the segment names is attached; every other list
there is to be freed.

Before a list is made, and before a segment stops naming one, its key is noted as unsettled; it is
settled once the list is named, or gone. After a crash in between, upkeep looks which it is.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final

from worker.errors import TerminalError
from worker.store.errors import (
    EnvironmentExists,
    EnvironmentNotFound,
    ProjectNotFound,
    ResourceChanged,
    SegmentNotFound,
    TooManyLists,
)
from worker.store.keyspace import PROJECT_LISTS, EnvironmentRef, ListRef
from worker.store.optimistic import retry_on_change
from worker.store.project_segments import (
    ProjectSegment,
    ProjectSegmentChange,
    SegmentBounds,
)
from worker.store.projects.records import Project
from worker.store.segments.definitions import NewSegment, Segment
from worker.store.server.connections import driver_errors
from worker.store.store import Store
from worker.store.workflows.deleting import create_environment, remove_segment

#: An attachment or a deletion that takes longer has been cut off.
_SETTLE_AFTER_MS: Final = 600_000
_SETTLED_PER_TURN: Final = 100
#: Lists of one segment; each takes some kilobytes, and every evaluation asks all of them.
MOST_LISTS: Final = 64


def attach_list(
    store: Store, project: Project, segment_id: str, name: str, title: str, bounds: SegmentBounds
) -> tuple[Segment, bool]:
    """Give the list that a segment has under a name; attach an empty one if it has none.

    Cost: two round trips; about ten if the list is made.

    Args:
        store: the store.
        project: of the segment.
        segment_id: the segment's id.
        name: of the list, for the segment.
        title: of the list, for people.
        bounds: of the project.

    Returns:
        The definition of the list, and whether it was made.

    Raises:
        SegmentNotFound: or ProjectNotFound: it is deleted.
        TooManyLists: the segment has as many as it may.
        TooManySegments: the project holds as many bytes as it may.
        ResourceChanged: the segment changes without a pause.
    """
    env = EnvironmentRef.of_project(project.key)

    def attempt() -> tuple[Segment, bool]:
        segment = store.project_segments.get(project, segment_id).segment
        if name in segment.lists:
            with suppress(SegmentNotFound, EnvironmentNotFound):
                return store.segments.get(env, segment.lists[name]), False
        elif len(segment.lists) >= MOST_LISTS:
            message = f"segment {segment.slug} has {MOST_LISTS} lists; detach one first"
            raise TooManyLists(message)
        return _attach(store, project, segment, name, title, bounds), True

    return retry_on_change(f"segment {segment_id}", attempt)


def attached_list_ref(project: str, key: str) -> ListRef:
    """The list that a segment of a project names by this key, which is never used twice."""
    env = EnvironmentRef.of_project(project)
    return ListRef(env.project, env.environment, key, 1)


def detach_list(
    store: Store, project: Project, segment_id: str, name: str, bounds: SegmentBounds
) -> str:
    """Take a list from a segment; its members are freed later, in bounded steps.

    An import into it is stopped. Cost: about ten round trips.

    Returns:
        The key that the list had.

    Raises:
        SegmentNotFound: there is no such segment, or it has no such list.
        ResourceChanged: the segment changes without a pause.
    """
    env = EnvironmentRef.of_project(project.key)

    def attempt() -> str:
        segment = store.project_segments.get(project, segment_id).segment
        key = segment.lists.get(name)
        if key is None:
            message = f"segment {segment.slug} has no list {name}"
            raise SegmentNotFound(message)
        _note_unsettled(store, env, [key])
        lists = {other: found for other, found in segment.lists.items() if other != name}
        _name_lists(store, project, segment, lists, bounds)
        return key

    key = retry_on_change(f"segment {segment_id}", attempt)
    _free(store, env, [key])
    return key


def delete_project_segment(store: Store, project: Project, segment: ProjectSegment) -> None:
    """Delete a segment of a project that is still as it was read, with the lists attached to it.

    Cost: one round trip, and about eight for each list.

    Raises:
        SegmentNotFound: or another error of :meth:`ProjectSegmentStore.delete`; nothing was
            deleted then.
    """
    env, keys = EnvironmentRef.of_project(project.key), list(segment.lists.values())
    _note_unsettled(store, env, keys)
    store.project_segments.delete(project, segment)
    _free(store, env, keys)


def settle_lists(store: Store) -> int:
    """Free lists whose attachment or deletion was cut off, after ten minutes. Safe to repeat.

    Cost: one round trip a project when there is nothing to do.

    Returns:
        Lists that were freed.
    """
    freed = 0
    for env in store.environments.list_refs():
        if env.is_of_project:
            freed += _settle(store, env)
    return freed


def _attach(
    store: Store,
    project: Project,
    segment: ProjectSegment,
    name: str,
    title: str,
    bounds: SegmentBounds,
) -> Segment:
    """Make a list, and have the segment name it.

    Raises:
        ResourceChanged: the segment has changed meanwhile; nothing is left.
    """
    env = EnvironmentRef.of_project(project.key)
    key = f"list-{store.database.random_name()}"
    open_project_lists(store, project)
    _note_unsettled(store, env, [key])
    try:
        new = NewSegment(key, title, segment.slug, unbounded=True)
        made = store.segments.create(env, new)
        _name_lists(store, project, segment, {**segment.lists, name: key}, bounds)
    except (ResourceChanged, TerminalError):
        _free(store, env, [key])
        raise
    _mark_settled(store, env, [key])
    # Had this process stood still, upkeep could have freed the list before it was named.
    store.memberships.state(made.ref)
    return made


def open_project_lists(store: Store, project: Project) -> None:
    """Make what stands for an environment of the project, unless it is there."""
    with suppress(EnvironmentNotFound):
        store.environments.require(EnvironmentRef.of_project(project.key))
        return
    with suppress(EnvironmentExists):
        create_environment(
            store, project.key, store.environments.new(PROJECT_LISTS, "Lists of the project")
        )


def _name_lists(
    store: Store,
    project: Project,
    segment: ProjectSegment,
    lists: Mapping[str, str],
    bounds: SegmentBounds,
) -> None:
    names = [field.name for field in dataclasses.fields(ProjectSegmentChange)]
    same = {name: getattr(segment, name) for name in names}
    change = ProjectSegmentChange(**{**same, "lists": lists})
    store.project_segments.update(project, segment, change, bounds)


def _note_unsettled(store: Store, env: EnvironmentRef, keys: Iterable[str]) -> None:
    times = dict.fromkeys(keys, store.database.now_ms())
    if times:
        with driver_errors(f"note lists of project {env.project}"):
            store.client.zadd(store.keyspace.unsettled_lists(env), times)


def _mark_settled(store: Store, env: EnvironmentRef, keys: Iterable[str]) -> None:
    found = list(keys)
    if found:
        with driver_errors(f"settle lists of project {env.project}"):
            store.client.zrem(store.keyspace.unsettled_lists(env), *found)


def _free(store: Store, env: EnvironmentRef, keys: Iterable[str]) -> None:
    for key in keys:
        with suppress(SegmentNotFound, EnvironmentNotFound, ProjectNotFound):
            remove_segment(store, env, key)
        _mark_settled(store, env, [key])


def _settle(store: Store, env: EnvironmentRef) -> int:
    until_ms = store.database.now_ms() - _SETTLE_AFTER_MS
    with driver_errors(f"look for unsettled lists of project {env.project}"):
        found = store.client.zrangebyscore(
            store.keyspace.unsettled_lists(env), 0, until_ms, start=0, num=_SETTLED_PER_TURN
        )
    if not found:
        return 0
    keys, named = [key.decode() for key in found], _named_keys(store, env)
    _mark_settled(store, env, [key for key in keys if key in named])
    left = [key for key in keys if key not in named]
    _free(store, env, left)
    return len(left)


def _named_keys(store: Store, env: EnvironmentRef) -> frozenset[str]:
    """The keys of all lists that segments of the project name."""
    try:
        project = store.projects.get(env.project)
    except ProjectNotFound:
        return frozenset()
    segments = store.project_segments.read_all(project).by_id.values()
    return frozenset(key for segment in segments for key in segment.lists.values())
