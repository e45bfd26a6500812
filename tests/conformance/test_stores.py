"""The whole suite, on every store that the ``store`` fixture gives."""

from tests.conformance.suite_approvals import ApprovalSuite
from tests.conformance.suite_audit import AuditSuite
from tests.conformance.suite_building import BuildSuite
from tests.conformance.suite_definitions import DefinitionSuite
from tests.conformance.suite_edits import EditSuite
from tests.conformance.suite_environments import EnvironmentSuite
from tests.conformance.suite_expiry import ExpirySuite
from tests.conformance.suite_jobs import JobSuite
from tests.conformance.suite_publishing import PublishSuite
from tests.conformance.suite_reclaiming import ReclaimSuite
from tests.conformance.suite_requests import RequestSuite
from tests.conformance.suite_schedules import ScheduleSuite
from tests.conformance.suite_tokens import TokenSuite


class TestAudit(AuditSuite):
    pass


class TestDefinitions(DefinitionSuite):
    pass


class TestEnvironments(EnvironmentSuite):
    pass


class TestEdits(EditSuite):
    pass


class TestBuilds(BuildSuite):
    pass


class TestPublishing(PublishSuite):
    pass


class TestApprovals(ApprovalSuite):
    pass


class TestReclaiming(ReclaimSuite):
    pass


class TestJobs(JobSuite):
    pass


class TestRequests(RequestSuite):
    pass


class TestSchedules(ScheduleSuite):
    pass


class TestExpiry(ExpirySuite):
    pass


class TestTokens(TokenSuite):
    pass
