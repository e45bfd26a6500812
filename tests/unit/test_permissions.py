"""Every operation that is served has its line in the table of permissions."""

from fastapi.routing import APIRoute

from api.auth import Role
from api.launchdarkly.application import rest_application
from api.launchdarkly.permissions import PERMISSIONS
from api.main import build_app
from api.settings import ApiSettings


def _operations() -> dict[str, set[str]]:
    """Give the methods of each operation, by its id."""
    app = build_app(ApiSettings(redis_url="redis://127.0.0.1:9/0"))._rest  # type: ignore[arg-type]  # pydantic makes it a secret
    return {
        route.operation_id or route.path: route.methods
        for route in app.routes  # type: ignore[attr-defined]  # a FastAPI application
        if isinstance(route, APIRoute)
    }


def test_table__every_operation__is_in_it() -> None:
    operations = _operations()

    assert len(operations) > 20
    assert operations.keys() <= PERMISSIONS.keys()


def test_table__what_changes_something__is_for_no_reader() -> None:
    asking = {"getContextInstanceSegmentsMembershipByEnv", "postAuditLogEntries"}
    for operation, methods in _operations().items():
        if not methods <= {"GET"} and operation not in asking:
            assert PERMISSIONS[operation].role > Role.READER, operation


def test_application__made__is_guarded_by_one_dependency() -> None:
    assert rest_application.__module__ == "api.launchdarkly.application"
