"""Which paths are look-ups."""

import pytest

from api.launchdarkly.memberships.lookup import parse_question


@pytest.mark.parametrize(
    ("path", "asks"),
    [
        (b"/api/v2/segments/p/e/s/contexts/k", True),
        (b"/api/v2/segments/p/e/s/users/%2F", True),
        (b"/api/v2/segments/p/e/s/contexts/", True),
        (b"/api/v2/segments/p/e/s/contexts", False),
        (b"/api/v2/segments/p/e/s/contexts/k/", False),
        (b"/api/v2/segments/p/e/s/imports/k", False),
        (b"/api/v2/segments/p/s/expiring-targets/e", False),
        (b"/api/v2/other/p/e/s/contexts/k", False),
    ],
)
def test_parse_question__any_path__recognised_by_its_parts(path: bytes, *, asks: bool) -> None:
    assert (parse_question(path) is not None) == asks
