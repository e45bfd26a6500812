"""Every operation that is served has its line in the table of permissions."""

from api.access.auth import Role
from api.launchdarkly.operations import PERMISSIONS
from api.main import build_app
from api.settings import ApiSettings

#: The front serves them: the look-ups to every role, health to everybody.
_OF_THE_FRONT = {
    *("getSegmentMembershipForContext", "getSegmentMembershipForUser"),
    *("lookUpSegmentMembershipForContext", "lookUpSegmentMembershipForUser"),
    *("getLiveness", "getReadiness"),
}
#: Asked with a body, and change nothing.
_QUESTIONS = {"getContextInstanceSegmentsMembershipByEnv", "postAuditLogEntries"}


def _operations() -> dict[str, str]:
    """Give the method of each documented operation that FastAPI serves, by its id."""
    front = build_app(ApiSettings.model_validate({"redis_url": "redis://127.0.0.1:9/0"}))
    paths = front._rest.openapi()["paths"]  # type: ignore[attr-defined]  # a FastAPI application
    found = {one["operationId"]: method for path in paths.values() for method, one in path.items()}
    return {name: method for name, method in found.items() if name not in _OF_THE_FRONT}


def test_table__every_operation__is_in_it() -> None:
    operations = _operations()

    assert len(operations) > 20
    assert operations.keys() <= PERMISSIONS.keys()


def test_table__what_changes_something__is_for_no_reader() -> None:
    for operation, method in _operations().items():
        if method != "get" and operation not in _QUESTIONS:
            assert PERMISSIONS[operation].role > Role.READER, operation
