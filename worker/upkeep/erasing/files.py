"""What of an erasure is in the bucket: files that may hold the key are deleted, not searched."""

from collections.abc import Collection

from worker.jobs.services import Services
from worker.objects import rejected_prefix
from worker.store import EnvironmentRef, ImportRequest, JobRef, ListRef
from worker.store.erasures import Before
from worker.store.jobs import RejectedFileRef
from worker.upkeep.erasing.exports import delete_exports, find_exports
from worker.upkeep.erasing.jobs import request_of
from worker.upkeep.erasing.lists import lists_of_other_kinds
from worker.upkeep.erasing.uploads import takers_of


def look_before(
    services: Services, env: EnvironmentRef, kind: str, at_work_before: Collection[JobRef]
) -> Before:
    """What there is now that may hold a key of a kind: jobs that have not ended, and files.

    Cost: a round trip for each job, and as :func:`find_exports`.

    Args:
        services: Whose store it is.
        env: The environment.
        kind: The context kind.
        at_work_before: Jobs that had not ended before the key was removed from the lists.
    """
    store = services.store
    # Before the jobs: an upload that is gone by now belongs to one of them.
    uploads = store.uploads.read_all(env)
    but = lists_of_other_kinds(store, env, kind)
    active = {*at_work_before, *store.jobs.active(env)}
    at_work = [ref for ref in active if _concerns(services, ref, but)]
    exports = find_exports(services, env, but)
    exports |= {ref.job_id for ref in at_work if ref.kind == "export"}
    rejected = [ref for ref in store.rejected_files.listed(env) if ref.list_ref not in but]
    return Before(
        jobs=tuple(sorted(map(str, {*at_work, *takers_of(env, uploads)}))),
        exports=tuple(sorted(exports)),
        rejected_rows=tuple(sorted(map(str, rejected))),
        uploads=tuple(each.id for each in uploads),
    )


def _concerns(services: Services, ref: JobRef, but: Collection[ListRef]) -> bool:
    request = request_of(services, ref)
    return request is not None and request.list_ref not in but


def rejected_files(services: Services, before: Before) -> list[RejectedFileRef]:
    """The files of rejected rows that were there, and those of imports that were at work."""
    found = {RejectedFileRef.parse(text) for text in before.rejected_rows}
    for text in before.jobs:
        request = request_of(services, JobRef.parse(text))
        if isinstance(request, ImportRequest):
            ref = RejectedFileRef(request.list_ref, request.import_id)
            if services.store.rejected_files.is_listed(ref):
                found.add(ref)
    return sorted(found, key=str)


def delete_files(
    services: Services,
    env: EnvironmentRef,
    before: Before,
    rejected: Collection[RejectedFileRef],
    waiting: Collection[str],
) -> set[str]:
    """Delete files whose jobs are not at work. Safe to repeat and to interrupt.

    Cost: a few requests for each file.

    Args:
        services: Whose bucket it is.
        env: The environment.
        before: What there was.
        rejected: Files of rejected rows.
        waiting: Jobs that are at work.

    Returns:
        Exports whose files stay, because bigseg may not delete at their destination.
    """
    ended = [each for each in before.exports if str(JobRef("export", env, each)) not in waiting]
    left = delete_exports(services, env, ended)
    for file in rejected:
        if str(JobRef("import", env, file.import_id)) not in waiting:
            services.objects.delete_prefix(rejected_prefix(file.owner, file.import_id))
            services.store.rejected_files.forget(file)
    return left
