"""What of an erasure is in jobs: imports that are at work or wait, and previews."""

from collections.abc import Sequence
from typing import Final

from worker.jobs.services import Services
from worker.store import (
    EnvironmentRef,
    Fenced,
    ImportRequest,
    JobNotFound,
    JobRef,
    Preview,
    UnreadableRecord,
    Unsealed,
)
from worker.store.jobs import COUNTED, PREVIEW, JobRequest
from worker.store.workflows import builder_of
from worker.upkeep.spills import Discard

#: Steps of 100 edits in one turn.
_MOST_STEPS: Final = 2_000


def request_of(services: Services, ref: JobRef) -> JobRequest | None:
    """What a job was asked for; ``None`` if its record is gone. Cost: one round trip."""
    try:
        return services.store.jobs.request(ref)
    except (JobNotFound, UnreadableRecord):
        return None


def clear_held(services: Services, ref: JobRef, discard: Discard) -> bool:
    """Take a key that was erased from its list out of an import that waits for its approval.

    The edits made since its claim are replayed, which drops them from the journal; with them it
    can never be built again from its files, so these go. Safe to repeat.

    Returns:
        Whether that was possible; not if it is at work, or has ended.
    """
    request = _held_request(services, ref)
    if request is None or not _replay(services, request):
        return False
    discard(services, request)
    return True


def _held_request(services: Services, ref: JobRef) -> ImportRequest | None:
    """What an import was asked for that waits for its approval; else ``None``."""
    try:
        state = services.store.jobs.get(ref)
    except (JobNotFound, UnreadableRecord):
        return None
    request = state.request
    if state.ended_ms is not None or state.status != "pending_approval":
        return None
    if not isinstance(request, ImportRequest):
        return None
    return request if builder_of(services.store, request.list_ref) == ref else None


def _replay(services: Services, request: ImportRequest) -> bool:
    """Replay all edits onto a build that is held; not if it is approved, or has to be counted."""
    store, ref = services.store, request.ref
    counted = store.jobs.read(ref, COUNTED)
    if counted is None:
        return False
    for _ in range(_MOST_STEPS):
        try:
            held = store.builds.hold(
                request.list_ref, request.import_id, counts=counted.counts, seal=counted.seal
            )
        except (Unsealed, Fenced):
            break
        if held is None:
            break
        store.jobs.note_edited(ref, held.edited(request.side))
        if not held.more:
            return True
    return False


def find_previews(services: Services, env: EnvironmentRef, key: str) -> list[JobRef]:
    """The imports whose preview shows a key. Cost: a round trip for each that has one."""
    found = []
    for ref in services.store.previews.find_all(env):
        preview = services.store.jobs.read(ref, PREVIEW)
        if preview is not None and key in (*preview.added, *preview.removed, *preview.unchanged):
            found.append(ref)
    return found


def clear_previews(services: Services, refs: Sequence[JobRef], key: str) -> None:
    """Take a key out of previews. Safe to repeat. Cost: two round trips each."""
    jobs = services.store.jobs
    for ref in refs:
        preview = jobs.read(ref, PREVIEW)
        if preview is not None:
            jobs.write(
                ref,
                PREVIEW,
                Preview(
                    *(
                        tuple(each for each in keys if each != key)
                        for keys in (preview.added, preview.removed, preview.unchanged)
                    )
                ),
            )
