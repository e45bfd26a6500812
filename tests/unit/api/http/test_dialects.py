"""Each path has a dialect, and every refusal has a code in each of them."""

import json

import pytest

from api.errors import InvalidRequest, RateLimited
from api.http.connections.refusals import refuse_unparsed
from api.http.dialects import Dialect, Dialects
from api.launchdarkly.dialect import LAUNCHDARKLY
from api.vercel.dialect import VERCEL
from api.vercel.wire.refusals import SegmentInUse, error_body

DIALECTS = Dialects(LAUNCHDARKLY, VERCEL)


@pytest.mark.parametrize(
    ("path", "dialect"),
    [
        (b"/v1/projects/default/feature-flags/segments", VERCEL),
        (b"/v9/projects/default", VERCEL),
        (b"/v2/user", VERCEL),
        (b"/teams/team_1", VERCEL),
        (b"/v1", LAUNCHDARKLY),
        (b"/api/v2/segments", LAUNCHDARKLY),
        (b"/api/v1/x", LAUNCHDARKLY),
        (b"", LAUNCHDARKLY),
        (b"*", LAUNCHDARKLY),
    ],
)
def test_of_path__any__is_the_dialect_of_its_prefix(path: bytes, dialect: Dialect) -> None:
    assert DIALECTS.of_path(path) is dialect


@pytest.mark.parametrize(
    ("received", "target", "dialect"),
    [
        (b"BREW /v1/projects HTTP/1.1\r\n", b"", VERCEL),
        (b"BREW /api/v2/projects HTTP/1.1\r\n", b"", LAUNCHDARKLY),
        (b"x: \x00", b"/v1/projects", VERCEL),
        (b"\x16\x03\x01", b"", LAUNCHDARKLY),
    ],
)
def test_refuse_unparsed__line_of_a_dialect__is_in_its_shape(
    received: bytes, target: bytes, dialect: Dialect
) -> None:
    answer = refuse_unparsed(received, target, [], DIALECTS)

    body = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert ("error" in body) == (dialect is VERCEL)


def test_error_body__limit__says_what_is_left_and_when_it_resets() -> None:
    error = RateLimited.of_limit("too many", total=7, resets_ms=1_700_000_010_500)

    assert json.loads(error_body(error, "id-1")) == {
        "error": {
            "code": "rate_limited",
            "message": "too many",
            "id": "id-1",
            "limit": {
                "remaining": 0,
                "reset": 1_700_000_010,
                "resetMs": 1_700_000_010_500,
                "total": 7,
            },
        }
    }


def test_error_body__segment_in_use__says_by_what() -> None:
    used_by = {"flags": [], "segments": [{"id": "seg_1", "slug": "s", "name": "n", "label": "n"}]}

    body = json.loads(error_body(SegmentInUse("in use", used_by), "id-1"))

    assert body["error"]["code"] == "SEGMENT_IN_USE"
    assert body["error"]["usedBy"] == used_by


def test_error_body__half_of_a_surrogate_pair__is_still_json() -> None:
    body = json.loads(error_body(InvalidRequest("half \ud800"), "id-1"))

    assert body["error"]["message"].startswith("half ")
