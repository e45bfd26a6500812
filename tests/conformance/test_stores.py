"""The whole suite, on every store that the ``store`` fixture gives."""

from tests.conformance.suite.approvals import ApprovalSuite
from tests.conformance.suite.attached_lists import AttachedListSuite
from tests.conformance.suite.audit import AuditSuite
from tests.conformance.suite.building import BuildSuite
from tests.conformance.suite.cancelling import CancelSuite
from tests.conformance.suite.definitions import DefinitionSuite
from tests.conformance.suite.edits import EditSuite
from tests.conformance.suite.environments import EnvironmentSuite
from tests.conformance.suite.erasing import ErasureSuite
from tests.conformance.suite.expiry import ExpirySuite
from tests.conformance.suite.export_schedules import ExportScheduleSuite
from tests.conformance.suite.feeds import FeedSuite
from tests.conformance.suite.flag_data import FlagDataSuite
from tests.conformance.suite.flags import FlagSuite
from tests.conformance.suite.inbox import InboxSuite
from tests.conformance.suite.job_lists import JobListSuite
from tests.conformance.suite.jobs import JobSuite
from tests.conformance.suite.monitoring import MonitoringSuite
from tests.conformance.suite.project_segments import ProjectSegmentSuite
from tests.conformance.suite.publishing import PublishSuite
from tests.conformance.suite.reclaiming import ReclaimSuite
from tests.conformance.suite.requests import RequestSuite
from tests.conformance.suite.revisions import RevisionSuite
from tests.conformance.suite.schedules import ScheduleSuite
from tests.conformance.suite.sdk_keys import SdkKeySuite
from tests.conformance.suite.sdk_log import SdkLogSuite
from tests.conformance.suite.sdk_store import SdkStoreSuite
from tests.conformance.suite.snapshots import SnapshotSuite
from tests.conformance.suite.tokens import TokenSuite
from tests.conformance.suite.uploads import UploadSuite
from tests.conformance.suite.webhooks import WebhookSuite


class TestAudit(AuditSuite):
    pass


class TestDefinitions(DefinitionSuite):
    pass


class TestEnvironments(EnvironmentSuite):
    pass


class TestInbox(InboxSuite):
    pass


class TestProjectSegments(ProjectSegmentSuite):
    pass


class TestAttachedLists(AttachedListSuite):
    pass


class TestEdits(EditSuite):
    pass


class TestBuilds(BuildSuite):
    pass


class TestPublishing(PublishSuite):
    pass


class TestApprovals(ApprovalSuite):
    pass


class TestCancelling(CancelSuite):
    pass


class TestReclaiming(ReclaimSuite):
    pass


class TestRevisions(RevisionSuite):
    pass


class TestErasing(ErasureSuite):
    pass


class TestJobs(JobSuite):
    pass


class TestJobLists(JobListSuite):
    pass


class TestMonitoring(MonitoringSuite):
    pass


class TestRequests(RequestSuite):
    pass


class TestSchedules(ScheduleSuite):
    pass


class TestSnapshots(SnapshotSuite):
    pass


class TestExpiry(ExpirySuite):
    pass


class TestTokens(TokenSuite):
    pass


class TestSdkKeys(SdkKeySuite):
    pass


class TestSdkStore(SdkStoreSuite):
    pass


class TestSdkLog(SdkLogSuite):
    pass


class TestFlagData(FlagDataSuite):
    pass


class TestFlags(FlagSuite):
    pass


class TestUploads(UploadSuite):
    pass


class TestExportSchedules(ExportScheduleSuite):
    pass


class TestFeeds(FeedSuite):
    pass


class TestWebhooks(WebhookSuite):
    pass
