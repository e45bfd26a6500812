"""The import that holds a list, as refusals name it."""

from datetime import UTC, datetime

from worker.store import ImportInProgress, ImportRequest, JobNotFound, JobRef, ListRef, Store


def import_in_progress(store: Store, owner: str, ref: ListRef, import_id: str) -> ImportInProgress:
    """The refusal of what an import is in the way of.

    It says enough for a caller to recognise its own import, whose answer was lost: the id, the
    mode, the list and the start time. One that waits for an approval would wait for days, so that
    is said, with what to do.

    Cost: one round trip.

    Args:
        store: The store.
        owner: What messages call the list.
        ref: The list.
        import_id: The import.
    """
    message = f"{owner} has an import running: {import_id}"
    try:
        state = store.jobs.get(JobRef("import", ref.env, import_id))
    except JobNotFound:
        return ImportInProgress(message)
    request = state.request
    if not isinstance(request, ImportRequest):
        return ImportInProgress(message)
    started = datetime.fromtimestamp(request.created_ms // 1_000, UTC)
    facts = f"({request.mode} of {request.source_names}, started {started:%Y-%m-%dT%H:%M:%SZ})"
    if state.status == "pending_approval":
        return ImportInProgress(
            f"{owner} has an import that waits for an approval: {import_id} {facts}; approve it "
            "or cancel it first"
        )
    return ImportInProgress(f"{message} {facts}")
