"""Names of headers on the wire, for clients that tell upper case from lower."""

import pytest

from api.http.connections.header_names import as_written


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
def test_name__asked_for_in_lower_case_by_the_server__stays_as_written(
    name: bytes, written: bytes
) -> None:
    assert as_written(name).lower() == written
    assert as_written(as_written(name)).lower() == written
