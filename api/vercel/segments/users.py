"""What uses a segment, other segments and flags, and the refusal to delete it meanwhile."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from api.access.auth import Caller
from api.vercel.wire.refusals import SegmentInUse
from worker.store import FoundSegment, Project, ProjectSegment, Store

#: Segments, and flags, named in a message.
_NAMED: Final = 10


def visible_users(
    store: Store, project: Project, found: FoundSegment, caller: Caller
) -> list[ProjectSegment]:
    """The segments that refer to one and that the caller may see.

    Cost: nothing if there are none, else as reading all segments.
    """
    if not found.users:
        return []
    by_id = store.project_segments.read_all(project).by_id
    users = [by_id[user] for user in found.users if user in by_id]
    return [user for user in users if caller.scope.allows(project.key, None, user.slug)]


def visible_ids(
    store: Store, project: Project, found: FoundSegment, caller: Caller
) -> Iterable[str]:
    """Ids of :func:`visible_users`; reads nothing for a caller who may see everything."""
    if caller.scope.covers(project.key):
        return found.users
    return [user.id for user in visible_users(store, project, found, caller)]


def segment_in_use(
    store: Store, project: Project, found: FoundSegment, caller: Caller
) -> SegmentInUse:
    """The refusal to delete a segment; names the flags and those segments that the caller may see.

    Cost: as reading all segments of the project.
    """
    current = store.project_segments.get(project, found.segment.id)
    users = visible_users(store, project, current, caller)
    listed = []
    if current.users:
        slugs = [user.slug for user in users] or ["some outside the token's scope"]
        listed.append(f"other segments ({_join(slugs)})")
    if current.flags:
        listed.append(f"flags ({_join(current.flags)})")
    slug, used_by = found.segment.slug, " and ".join(listed) or "others"
    message = f"segment {slug} is used by {used_by}; change them first"
    segments = [
        {"id": user.id, "slug": user.slug, "name": user.label, "label": user.label}
        for user in users
    ]
    return SegmentInUse(
        message, {"flags": [_flag(key) for key in current.flags], "segments": segments}
    )


def _flag(key: str) -> dict[str, Any]:
    """A flag, of which only the key is known."""
    return dict.fromkeys(("id", "slug", "name", "label"), key)


def _join(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
