"""What the clients are set to."""

from contextlib import ExitStack
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.loaders import JSONFileLoader

from worker.objects import ObjectSettings, ObjectStore
from worker.objects.client import load_descriptions, open_clients


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


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({}, "https://bigseg.s3.amazonaws.com/k"),
        ({"s3_region": "eu-west-1"}, "https://bigseg.s3.eu-west-1.amazonaws.com/k"),
        ({"s3_endpoint": "http://objects:9000"}, "http://objects:9000/bigseg/k"),
        (
            {
                "s3_endpoint": "http://objects:9000",
                "s3_public_endpoint": "https://lists.example.com",
                "s3_encryption": "aws:kms",
            },
            "https://lists.example.com/bigseg/k",
        ),
    ],
)
def test_part_url__for_clients__is_signed_with_its_length_for_their_address(
    settings: dict[str, Any], address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with ObjectStore.open(ObjectSettings(**settings)) as objects:
        url = objects.direct_uploads.part_url("k", "upload", 7, size_bytes=9, expires_s=60)

    parts = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == address
    assert query["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
    assert query["X-Amz-SignedHeaders"] == "content-length;host"
    asked = (query["partNumber"], query["uploadId"], query["X-Amz-Expires"])
    assert asked == ("7", "upload", "60")


def test_clients__after_the_descriptions_were_loaded__read_no_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load_descriptions()

    def refuse(_self: object, path: str) -> None:
        pytest.fail(f"reads {path}")

    monkeypatch.setattr(JSONFileLoader, "load_file", refuse)
    for client in open_clients(ObjectSettings(s3_endpoint="http://127.0.0.1:9000")):
        client.close()
