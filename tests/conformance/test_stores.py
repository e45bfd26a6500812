"""The whole suite, on every store that the ``store`` fixture gives."""

from tests.conformance.suite_building import BuildSuite
from tests.conformance.suite_definitions import DefinitionSuite
from tests.conformance.suite_edits import EditSuite
from tests.conformance.suite_environments import EnvironmentSuite
from tests.conformance.suite_jobs import JobSuite
from tests.conformance.suite_publishing import PublishSuite
from tests.conformance.suite_reclaiming import ReclaimSuite
from tests.conformance.suite_tokens import TokenSuite


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


class TestReclaiming(ReclaimSuite):
    pass


class TestJobs(JobSuite):
    pass


class TestTokens(TokenSuite):
    pass
