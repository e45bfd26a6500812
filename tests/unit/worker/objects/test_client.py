"""What the clients are set to."""

from contextlib import ExitStack
from typing import Any

import pytest

from worker.objects import ObjectSettings
from worker.objects.client import open_clients


@pytest.mark.parametrize(
    ("endpoint", "style", "signed"),
    [
        (None, "auto", False),
        ("https://objects.example", "path", False),
        ("http://127.0.0.1:9000", "path", False),
        ("http://localhost:9000", "path", False),
        ("http://objects:9000", "path", True),
    ],
)
def test_clients__for_an_endpoint__bounded_and_without_surprises(
    endpoint: str | None,
    style: str,
    signed: bool,  # the value under test
) -> None:
    settings = ObjectSettings(s3_endpoint=endpoint, s3_timeout_s=9)
    with ExitStack() as stack:
        client, probe = open_clients(settings)
        for opened, timeout_s, attempts in ((client, 9, 3), (probe, 2, 1)):
            stack.callback(opened.close)
            config: Any = opened.meta.config  # its stubs know no attribute
            assert (config.connect_timeout, config.read_timeout) == (min(timeout_s, 5), timeout_s)
            assert config.retries == {"mode": "standard", "total_max_attempts": attempts}
            assert config.s3 == {"addressing_style": style, "payload_signing_enabled": signed}
            assert config.tcp_keepalive
            assert config.request_checksum_calculation == "when_required"
            assert config.response_checksum_validation == "when_required"
