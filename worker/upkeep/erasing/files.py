"""What of an erasure is in the bucket: files that may hold the key are deleted, not searched."""

from collections.abc import Collection

from worker.jobs.services import Services
from worker.objects import export_prefix, rejected_prefix
from worker.store import EnvironmentRef, ImportRequest, JobRef, ListRef
from worker.store.erasures import Before
from worker.store.jobs import ExportRequest, RejectedFileRef
from worker.upkeep.erasing.jobs import request_of
from worker.upkeep.erasing.lists import holds_kind


def look_before(
    services: Services, env: EnvironmentRef, kind: str, at_work_before: Collection[JobRef]
) -> Before:
    """What there is now that may hold a key of a kind: jobs that have not ended, and files.

    Cost: a round trip for each job and each export, and a few more.

    Args:
        services: Whose store it is.
        env: The environment.
        kind: The context kind.
        at_work_before: Jobs that had not ended before the key was removed from the lists.
    """
    store = services.store
    active = {*at_work_before, *store.jobs.active(env)}
    at_work = [ref for ref in active if _concerns(services, ref, kind)]
    exports = [ref for ref in store.export_files.listed(env) if _concerns(services, ref, kind)]
    exports += [ref for ref in at_work if ref.kind == "export"]
    rejected = [
        ref for ref in store.rejected_files.listed(env) if holds_kind(store, ref.list_ref, kind)
    ]
    uploads = [each.id for each in store.uploads.read_all(env) if each.state != "taken"]
    return Before(
        jobs=tuple(sorted(map(str, at_work))),
        exports=tuple(sorted({ref.job_id for ref in exports})),
        rejected_rows=tuple(sorted(map(str, rejected))),
        uploads=tuple(uploads),
    )


def _concerns(services: Services, ref: JobRef, kind: str) -> bool:
    request = request_of(services, ref)
    return request is not None and holds_kind(services.store, request.list_ref, kind)


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
) -> None:
    """Delete files whose jobs are not at work. Safe to repeat and to interrupt.

    Cost: a few requests for each file.

    Args:
        services: Whose bucket it is.
        env: The environment.
        before: What there was.
        rejected: Files of rejected rows.
        waiting: Jobs that are at work.
    """
    for export_id in before.exports:
        ref = JobRef("export", env, export_id)
        if str(ref) not in waiting:
            _delete_export(services, ref)
    for file in rejected:
        if str(JobRef("import", env, file.import_id)) not in waiting:
            services.objects.delete_prefix(rejected_prefix(file.owner, file.import_id))
            services.store.rejected_files.forget(file)
    for upload_id in before.uploads:
        _drop_upload(services, env, upload_id)


def _delete_export(services: Services, ref: JobRef) -> None:
    request = request_of(services, ref)
    if isinstance(request, ExportRequest):
        services.objects.delete_prefix(export_prefix(_owner(request.list_ref), ref.job_id))
    services.store.export_files.forget(ref)


def _drop_upload(services: Services, env: EnvironmentRef, upload_id: str) -> None:
    uploads = services.store.uploads
    while (upload := uploads.find(env, upload_id)) is not None and upload.state != "taken":
        dropped = uploads.drop(env, upload)
        if dropped is not None:
            services.objects.discard_upload(upload.object_key)
            uploads.replace(env, dropped, None)


def _owner(ref: ListRef) -> tuple[str, str, str]:
    return ref.project, ref.environment, ref.segment
