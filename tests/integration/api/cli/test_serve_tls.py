"""`bigseg api` with a certificate: real HTTPS, and clear words about files that do not do."""

import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from launchdarkly_api import ApiClient, Configuration, SegmentBody, SegmentsApi

from tests.support.clients.program import run_program
from tests.support.processes.started import ROOT
from tests.support.servers.api import NOWHERE, SEGMENTS, TOKEN
from tests.support.servers.ports import free_port
from tests.support.servers.redis import Server, wait_until


@dataclass(frozen=True, slots=True)
class Files:
    authority: Path
    certificate: Path
    key: Path
    other_key: Path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    files = Files(*(folder / f"{name}.pem" for name in ("authority", "chain", "key", "other")))
    authority.cert_pem.write_to_path(files.authority)
    issued = authority.issue_cert("127.0.0.1", "localhost")
    for blob in issued.cert_chain_pems:
        blob.write_to_path(files.certificate, append=True)
    issued.private_key_pem.write_to_path(files.key)
    authority.issue_cert("other.example").private_key_pem.write_to_path(files.other_key)
    return files


@pytest.fixture(scope="module")
def url(
    files: Files, valkey_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    port, log = free_port(), tmp_path_factory.mktemp("api") / "log"
    command = (*(sys.executable, "-m", "api.cli", "api"), "--port", str(port))
    options = ("--tls-cert", str(files.certificate), "--tls-key", str(files.key))
    environment = {
        "BIGSEG_REDIS_URL": valkey_server.url,
        "BIGSEG_KEY_PREFIX": "test_tls",
        "BIGSEG_ADMIN_TOKEN": TOKEN,
        "BIGSEG_S3_ENDPOINT": NOWHERE,
    }
    with (
        log.open("wb") as output,
        subprocess.Popen(
            (*command, *options),
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            wait_until(lambda: "Uvicorn running on https" in log.read_text(), "HTTPS is served", 60)
            yield f"https://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)


def test_https__httpx_that_trusts_the_authority__is_answered(url: str, files: Files) -> None:
    trust = ssl.create_default_context(cafile=str(files.authority))

    with httpx.Client(base_url=url, verify=trust, headers={"Authorization": TOKEN}) as client:
        assert client.get("/healthz").status_code == 200
        assert client.get(SEGMENTS).status_code == 200
        assert client.get(f"{SEGMENTS}/s/contexts/a").status_code == 404


def test_https__client_that_does_not_trust_it__gets_no_answer(url: str) -> None:
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"{url}/healthz")


def test_https__plain_http__gets_no_answer(url: str) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(url.replace("https", "http") + "/healthz")


def test_https__python_client__creates_and_reads_a_segment(url: str, files: Files) -> None:
    configuration = Configuration(
        host=url, api_key={"ApiKey": TOKEN}, ssl_ca_cert=str(files.authority)
    )
    with ApiClient(configuration) as client:
        segments = SegmentsApi(client)
        body = SegmentBody(name="Over TLS", key="over-tls", unbounded=True)
        created = segments.post_segment("default", "production", body)
        read = segments.get_segment("default", "production", "over-tls")
        membership = segments.get_segment_membership_for_context(
            "default", "production", "over-tls", "org/key é?#"
        )
        segments.delete_segment("default", "production", "over-tls")
    assert created.key == read.key == "over-tls"
    assert membership.included is False


def _complaint(*options: str, **environment: str) -> str:
    """What `bigseg api` says about its files; it must not get as far as starting."""
    result = run_program("api", *options, env=environment | {"COLUMNS": "1000"})
    assert result.exit_code == 2, result.output
    return " ".join(result.output.replace("│", " ").split())


def test_files__only_one_given__is_told(files: Files) -> None:
    assert "give both" in _complaint("--tls-cert", str(files.certificate))
    assert "give both" in _complaint(BIGSEG_TLS_KEY=str(files.key))


def test_files__missing__is_told(files: Files, tmp_path: Path) -> None:
    missing = tmp_path / "no.pem"

    said = _complaint("--tls-cert", str(missing), "--tls-key", str(files.key))

    assert "no.pem cannot be read: No such file" in said


def test_files__not_of_each_other__is_told(files: Files) -> None:
    said = _complaint(BIGSEG_TLS_CERT=str(files.certificate), BIGSEG_TLS_KEY=str(files.other_key))

    assert "KEY_VALUES_MISMATCH" in said


def test_files__not_pem__is_told(files: Files, tmp_path: Path) -> None:
    text = tmp_path / "text.pem"
    text.write_text("no certificate")

    said = _complaint("--tls-cert", str(text), "--tls-key", str(files.key))

    assert "are not a certificate and its key" in said


def test_files__encrypted_key__is_told_and_nobody_is_asked(files: Files, tmp_path: Path) -> None:
    key = load_pem_private_key(files.key.read_bytes(), None)
    encrypted = tmp_path / "encrypted.pem"
    encrypted.write_bytes(
        key.private_bytes(
            Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"secret")
        )
    )

    said = _complaint("--tls-cert", str(files.certificate), "--tls-key", str(encrypted))

    assert "the key is encrypted" in said
