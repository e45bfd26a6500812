"""The store: opens the database and assembles all stores over it."""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import TracebackType
from typing import Any, Self

from redis.exceptions import NoPermissionError

from worker.settings import AUDIT_ENTRIES, JOB_RETENTION_S, SDK_LOG_BYTES, StoreSettings
from worker.store.access_tokens import AccessTokenStore
from worker.store.audit.log import AuditStore
from worker.store.erasures import ErasedKeyStore, ErasureStore
from worker.store.flag_data import FlagDataStore
from worker.store.jobs.build_memory import BuildMemory
from worker.store.jobs.export_files import ExportFiles
from worker.store.jobs.import_files import ImportFiles
from worker.store.jobs.inbox import InboxStore
from worker.store.jobs.job_index import JobIndex
from worker.store.jobs.job_store import JobStore
from worker.store.jobs.previews import PreviewIndex
from worker.store.jobs.records import ExportRequest, ImportRequest
from worker.store.jobs.rejected_files import RejectedFiles
from worker.store.jobs.requests import RequestStore
from worker.store.jobs.uploads import UploadStore
from worker.store.keyspace import Keyspace
from worker.store.lists import (
    BuildStore,
    FeedStore,
    KeptRevisions,
    MemberBrowser,
    MembershipStore,
    WritingBoard,
)
from worker.store.monitoring import AUDIT_LOSSES, Counting, CountSender, MonitoringStore
from worker.store.project_segments import FlagStore, ProjectSegmentStore
from worker.store.projects.environments import EnvironmentStore
from worker.store.projects.projects import ProjectStore
from worker.store.schedules import ExportScheduleStore
from worker.store.sdk_keys import SdkKeyStore
from worker.store.sdk_log import RelayPages, SdkLog, Walker
from worker.store.sdk_store import SdkStoreRecords
from worker.store.segments.segment_store import SegmentStore
from worker.store.server.checks import check_store, store_fallbacks
from worker.store.server.client import Client
from worker.store.server.connections import connect, driver_errors
from worker.store.server.database import Database, open_database
from worker.store.server.rights import Rights
from worker.store.webhooks import DeliveryQueue, WebhookStore


@dataclass(frozen=True, slots=True)
class Store:
    """Everything that bigseg keeps in Redis under one prefix; close it when done."""

    database: Database
    projects: ProjectStore
    environments: EnvironmentStore
    segments: SegmentStore
    project_segments: ProjectSegmentStore
    flags: FlagStore
    flag_data: FlagDataStore
    memberships: MembershipStore
    browser: MemberBrowser
    feeds: FeedStore
    builds: BuildStore
    revisions: KeptRevisions
    jobs: JobStore
    build_memory: BuildMemory
    export_files: ExportFiles
    export_schedules: ExportScheduleStore
    rejected_files: RejectedFiles
    imports: JobIndex[ImportRequest]
    exports: JobIndex[ExportRequest]
    inbox: InboxStore
    import_files: ImportFiles
    requests: RequestStore
    uploads: UploadStore
    previews: PreviewIndex
    erasures: ErasureStore
    erased_keys: ErasedKeyStore
    writing: WritingBoard
    audit: AuditStore
    access_tokens: AccessTokenStore
    sdk_keys: SdkKeyStore
    sdk_store: SdkStoreRecords
    sdk_log: SdkLog
    relay_pages: RelayPages
    webhooks: WebhookStore
    deliveries: DeliveryQueue
    monitoring: MonitoringStore
    counting: Counting
    """What this process counts; handed over only by a store that was opened from settings."""
    job_retention_s: int
    """How long the record of an ended job can be read."""
    count_sender: CountSender | None = None

    @property
    def client(self) -> Client:
        """The client of its server."""
        return self.database.client

    @property
    def keyspace(self) -> Keyspace:
        """The names of its keys."""
        return self.database.keys

    def ping(self) -> None:
        """Check that the server answers."""
        with driver_errors("ping the store"):
            self.client.ping()

    def eviction_policy(self) -> str:
        """Read what the server does at its memory limit; only ``noeviction`` keeps lists whole.

        Cost: one round trip. This uses INFO, because CONFIG is often forbidden; where INFO
        is forbidden too, ``noeviction`` is assumed.
        """
        with driver_errors("read the store's memory policy"):
            try:
                info: dict[str, Any] = self.client.info("memory")
            except NoPermissionError:
                return "noeviction"
        first = info if "maxmemory_policy" in info else next(iter(info.values()), {})
        return str(first.get("maxmemory_policy", "noeviction"))

    def fallbacks(self, rights: Rights) -> Mapping[str, str]:
        """Find optional commands that its user may not run, and what is done instead.

        Cost: two round trips.
        """
        return store_fallbacks(self.client, self.keyspace.prefix, rights)

    def close(self) -> None:
        """Hand over what was counted and close all connections; idempotent."""
        if self.count_sender is not None:
            self.count_sender.close()
        self.client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_store(
    settings: StoreSettings,
    *,
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    random_name: Callable[[], str] = lambda: secrets.token_hex(16),
    audit_lost: Callable[[], None] | None = None,
) -> Store:
    """Connect, and check what the server can do. Cost: five round trips.

    Args:
        settings: Where it is.
        now_ms: Unix milliseconds.
        random_name: Names that nobody else has.
        audit_lost: Counts an entry that the audit log did not take; without it, it is counted as
            a worker's.

    Raises:
        RightsMissing: its user may not do what is needed.
    """
    client = connect(settings)
    try:
        check_store(client, settings.key_prefix, settings.store_address.name)
        database = open_database(
            client, settings.key_prefix, now_ms=now_ms, random_name=random_name
        )
    except BaseException:
        client.close()
        raise
    store = assemble(
        database,
        audit_entries=settings.audit_entries,
        job_retention_s=settings.job_retention_s,
        sdk_log_bytes=settings.sdk_log_bytes,
        audit_lost=audit_lost,
    )
    sender = CountSender(store.counting, store.monitoring, random_name())
    return replace(store, count_sender=sender)


def assemble(
    database: Database,
    *,
    audit_entries: int = AUDIT_ENTRIES,
    job_retention_s: int = JOB_RETENTION_S,
    sdk_log_bytes: int = SDK_LOG_BYTES,
    audit_lost: Callable[[], None] | None = None,
) -> Store:
    """Build a store over a database that is already open."""
    counting = Counting()
    projects = ProjectStore(database)
    environments = EnvironmentStore(database, projects)
    memberships = MembershipStore(database)
    builds = BuildStore(database, memberships)
    sdk_log = SdkLog(database, sdk_log_bytes)
    return Store(
        database=database,
        projects=projects,
        environments=environments,
        segments=SegmentStore(database, environments, memberships),
        project_segments=ProjectSegmentStore(database),
        flags=FlagStore(database),
        flag_data=FlagDataStore(database),
        memberships=memberships,
        browser=MemberBrowser(database),
        feeds=FeedStore(database),
        builds=builds,
        revisions=KeptRevisions(database, memberships, builds),
        jobs=JobStore(database, counting),
        build_memory=BuildMemory(database),
        export_files=ExportFiles(database),
        export_schedules=ExportScheduleStore(database),
        rejected_files=RejectedFiles(database),
        imports=JobIndex(database, job_retention_s, ImportRequest),
        exports=JobIndex(database, job_retention_s, ExportRequest),
        inbox=InboxStore(database),
        import_files=ImportFiles(database),
        requests=RequestStore(database),
        uploads=UploadStore(database),
        previews=PreviewIndex(database),
        erasures=ErasureStore(database),
        erased_keys=ErasedKeyStore(database),
        writing=WritingBoard(database),
        audit=AuditStore(
            database, audit_entries, audit_lost or partial(counting.add, AUDIT_LOSSES, "worker")
        ),
        access_tokens=AccessTokenStore(database),
        sdk_keys=SdkKeyStore(database),
        sdk_store=SdkStoreRecords(database),
        sdk_log=sdk_log,
        relay_pages=RelayPages(sdk_log, Walker(database, memberships)),
        webhooks=WebhookStore(database),
        deliveries=DeliveryQueue(database, counting),
        monitoring=MonitoringStore(database),
        counting=counting,
        job_retention_s=job_retention_s,
    )
