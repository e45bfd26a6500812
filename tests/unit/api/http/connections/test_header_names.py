"""Names of headers on the wire, for clients that tell upper case from lower."""

import pytest

from api.http.connections.header_names import keep_spelling


@pytest.mark.parametrize(
    ("name", "written"),
    [
        (b"location", b"Location"),
        (b"x-ratelimit-reset", b"X-Ratelimit-Reset"),
        (b"Retry-After", b"Retry-After"),
        (b"content-length", b"content-length"),
        (b"transfer-encoding", b"transfer-encoding"),
        (b"connection", b"connection"),
    ],
)
def test_name__asked_for_in_lower_case_by_the_server__stays_keep_spelling(
    name: bytes, written: bytes
) -> None:
    assert keep_spelling(name).lower() == written
    assert keep_spelling(keep_spelling(name)).lower() == written
