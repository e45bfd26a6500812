"""`bigseg import` straight to the bucket: in parts, on after an interrupt, of pipes and files."""

import os
import secrets
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.clients.command_line import Run
from tests.support.commands.terminal import Terminal
from tests.support.processes.started import start
from tests.support.proxies.gate import Gate, running_gate
from tests.support.servers.api import PRODUCTION, SEGMENTS, TOKEN, Api, create_segment, running_api
from tests.support.servers.objects import ObjectServer, running_stand_in
from tests.support.servers.redis import Server, wait_until
from tests.support.store.jobs import jobs_of
from worker.objects import ObjectSettings, ObjectStore
from worker.store import ImportRequest, JobRef, Store

_MIB = 1024 * 1024
_PART = 5 * _MIB
_ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    """An S3 server that knows when a URL has expired."""
    with running_stand_in(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="module")
def gate(stand_in: ObjectServer) -> Iterator[Gate]:
    """The address at which clients reach it."""
    with running_gate(stand_in.endpoint) as gate:
        yield gate


@pytest.fixture(scope="module")
def objects(stand_in: ObjectServer, s3_stand_in: ObjectServer) -> Iterator[ObjectStore]:
    assert s3_stand_in.endpoint  # sets the credentials
    settings = ObjectSettings(s3_endpoint=stand_in.endpoint, s3_bucket="direct")
    with ObjectStore.open(settings) as objects:
        objects._client.create_bucket(Bucket="direct")
        yield objects


@pytest.fixture(scope="module")
def api(
    valkey_server: Server, stand_in: ObjectServer, objects: ObjectStore, gate: Gate
) -> Iterator[Api]:
    settings = {
        "S3_ENDPOINT": stand_in.endpoint,
        "S3_PUBLIC_ENDPOINT": gate.url,
        "S3_BUCKET": objects.bucket,
        "UPLOAD_PART_BYTES": str(_PART),
    }
    with running_api(valkey_server.url, settings) as running:
        yield running


@pytest.fixture(scope="module")
def client(api: Api) -> Iterator[httpx.Client]:
    with api.client() as client:
        yield client


@pytest.fixture(scope="module")
def store(api: Api) -> Iterator[Store]:
    with api.store() as store:
        yield store


@pytest.fixture
def segment(client: httpx.Client, gate: Gate) -> Iterator[str]:
    gate.passed.clear()
    yield create_segment(client)
    gate.hold()


@pytest.fixture
def big(tmp_path: Path) -> Path:
    """A file of three parts."""
    path = tmp_path / "big.csv"
    path.write_bytes(_content(2 * _PART + 12_345))
    return path


def _content(size: int) -> bytes:
    line = secrets.token_hex(500).encode() + b"\n"
    return (line * (size // len(line) + 1))[: size - 1] + b"\n"


def _sources(store: Store, objects: ObjectStore, segment: str) -> list[tuple[str, bytes]]:
    """The name and the content of each file of the segment's import."""
    (request,) = [one.request for one in jobs_of(store, segment)]
    assert isinstance(request, ImportRequest)
    found = []
    for source in request.sources:
        info = objects.head(source.key)
        assert (source.uploaded, source.size_bytes, source.etag) == (
            True,
            info.size_bytes,
            info.etag,
        )
        found.append((source.filename, b"".join(objects.read_range(info, 0, info.size_bytes))))
    return found


def _uploads(client: httpx.Client, segment: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client.get(f"{SEGMENTS}/{segment}/uploads").json()["items"]
    return items


def _received(client: httpx.Client, segment: str) -> list[dict[str, int]]:
    found = _uploads(client, segment)
    if not found:
        return []
    shown = client.get(f"{SEGMENTS}/{segment}/uploads/{found[0]['id']}").json()
    ranges: list[dict[str, int]] = shown["received"]
    return ranges


def test_import__killed_half_way__goes_on_where_it_was(
    run: Run,
    api: Api,
    client: httpx.Client,
    store: Store,
    objects: ObjectStore,
    gate: Gate,
    segment: str,
    big: Path,
) -> None:
    gate.hold(2, 3)
    words = ("import", str(big), "-s", segment, "--no-wait", "--direct")
    environment = {**os.environ, "BIGSEG_URL": api.url, "BIGSEG_TOKEN": TOKEN}
    with (big.with_suffix(".log")).open("ab") as log:
        killed = start((sys.executable, "-m", "api.cli", *words), environment, log)
    first = [{"first": 1, "last": 1}]
    wait_until(lambda: _received(client, segment) == first, "a part has arrived")
    killed.kill()
    killed.wait(60)
    gate.hold()
    gate.passed.clear()

    result = run(*words)

    assert result.exit_code == 0, result.output
    assert "big.csv: 5.2 MB are in the bucket already" in result.stderr
    assert sorted(gate.passed) == [2, 3]
    assert _sources(store, objects, segment) == [("big.csv", big.read_bytes())]
    assert _uploads(client, segment) == []


def test_import__interrupted__says_that_the_command_goes_on(
    api: Api, client: httpx.Client, gate: Gate, segment: str, big: Path, tmp_path: Path
) -> None:
    gate.hold(1, 2, 3)
    environment = {"BIGSEG_URL": api.url, "BIGSEG_TOKEN": TOKEN, "PYTHONPATH": str(_ROOT)}
    words = (sys.executable, "-m", "api.cli", "import", str(big), "-s", segment, "--direct")
    with Terminal(tmp_path, environment, 200).start(f"exec {shlex.join(words)}") as running:
        running.wait_for("uploading")
        running.interrupt()
        shown = running.end()

    assert shown.status == 130
    (line,) = shown.text.replace("^C", "").splitlines()
    assert "nothing was started: the same command goes on from there" in line
    assert [item["status"] for item in _uploads(client, segment)] == ["open"]
    assert client.get(f"{SEGMENTS}/{segment}/imports").json()["items"] == []


def test_import__file_changed_since__starts_again(
    run: Run, client: httpx.Client, store: Store, objects: ObjectStore, segment: str, big: Path
) -> None:
    url = f"{SEGMENTS}/{segment}/uploads"
    body = {"filename": "big.csv", "sizeBytes": big.stat().st_size, "fingerprint": "of-before"}
    assert client.post(url, json=body).status_code == 201

    result = run("import", str(big), "-s", segment, "--no-wait", "--direct")

    assert result.exit_code == 0, result.output
    assert "already" not in result.stderr
    assert _sources(store, objects, segment) == [("big.csv", big.read_bytes())]


def test_import__refused_after_its_upload__sends_nothing_the_second_time(
    run: Run,
    client: httpx.Client,
    store: Store,
    objects: ObjectStore,
    gate: Gate,
    segment: str,
    tmp_path: Path,
) -> None:
    file = tmp_path / "list.csv"
    file.write_bytes(b"ada\nbob\n")
    running = client.post(f"{SEGMENTS}/{segment}/imports", files={"file": ("l.csv", b"eve\n")})
    ref = JobRef("import", PRODUCTION, running.headers["location"].rpartition("/")[2])
    words = ("import", str(file), "-s", segment, "--no-wait", "--direct")

    refused = run(*words)
    assert (refused.exit_code, gate.passed) == (1, [1]), refused.output
    assert [item["status"] for item in _uploads(client, segment)] == ["complete"]
    store.builds.cancel(store.jobs.request(ref).list_ref, ref.job_id)
    store.jobs.end(ref, "stopped", keep_s=600)
    store.jobs.forget(ref)
    result = run(*words)

    assert result.exit_code == 0, result.output
    assert gate.passed == [1]
    assert _sources(store, objects, segment) == [("list.csv", b"ada\nbob\n")]


def test_import__part_fails_or_its_url_has_expired__is_sent_again(
    run: Run,
    store: Store,
    objects: ObjectStore,
    gate: Gate,
    segment: str,
    big: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("api.cli.uploads.sending.PartSender.__init__.__defaults__", ((0.01, 0.01),))
    expired = b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
    gate.refusing[:] = [(503, b"<Error><Code>SlowDown</Code></Error>"), (403, expired)]

    result = run("import", str(big), "-s", segment, "--no-wait", "--direct")

    assert result.exit_code == 0, result.output
    assert gate.refusing == []
    assert _sources(store, objects, segment) == [("big.csv", big.read_bytes())]


def test_import__standard_input__is_cut_as_it_comes(
    run: Run, store: Store, objects: ObjectStore, gate: Gate, segment: str
) -> None:
    content = _content(2 * _PART + 77)

    result = run("import", "-", "-s", segment, "--no-wait", "--direct", typed=content)

    assert result.exit_code == 0, result.output
    assert sorted(gate.passed) == [1, 2, 3]
    assert _sources(store, objects, segment) == [("standard-input", content)]


def test_import__standard_input_over_the_limit__goes_direct_by_itself(
    run: Run,
    client: httpx.Client,
    store: Store,
    objects: ObjectStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("api.cli.jobs.import_start.DIRECT_BYTES", 100_000)
    for size in (100_000, 100_001):
        key, content = create_segment(client), _content(size)
        result = run("import", "-", "-s", key, "--no-wait", "-v", typed=content)
        assert result.exit_code == 0, result.output
        assert ("/imports/from-uploads" in result.stderr) == (size > 100_000)
        assert _sources(store, objects, key) == [("standard-input", content)]


def test_import__several_files__are_one_import(
    run: Run, store: Store, objects: ObjectStore, segment: str, tmp_path: Path
) -> None:
    contents = {"a.csv": b"ada\nbob\n", "b.csv": b"", "c.csv": b"eve\n"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)

    files = [str(tmp_path / name) for name in contents]
    # One that is named twice is imported once.
    result = run("import", *files, files[0], "-s", segment, "--no-wait", "--mode", "replace")

    assert result.exit_code == 0, result.output
    assert _sources(store, objects, segment) == list(contents.items())


def test_import__bucket_out_of_reach__goes_through_the_api_with_a_note(
    run: Run,
    client: httpx.Client,
    store: Store,
    objects: ObjectStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("api.cli.jobs.import_start.DIRECT_BYTES", 10)
    monkeypatch.setattr("api.cli.uploads.bucket.Bucket.is_reachable", lambda _: False)
    content, file = b"ada\nbob\neve\nmallory\n", tmp_path / "list.csv"
    file.write_bytes(content)
    for source, name in ((str(file), "list.csv"), ("-", "standard-input")):
        key = create_segment(client)
        result = run("import", source, "-s", key, "--no-wait", typed=content)
        assert result.exit_code == 0, result.output
        assert "nothing answers at http://127.0.0.1" in result.stderr
        assert "the list goes through the API instead" in result.stderr
        assert _sources(store, objects, key) == [(name, content)]
        assert _uploads(client, key) == []

    key = create_segment(client)
    result = run("import", str(file), str(file), "-s", key, "--no-wait")
    assert result.exit_code == 3, result.output
    assert _uploads(client, key) == []


def test_import__file_that_changes_while_it_is_sent__starts_nothing(
    run: Run, client: httpx.Client, segment: str, big: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rewrite(_: object) -> None:
        os.utime(big, (1, 1))

    monkeypatch.setattr("api.progress.display.ProgressDisplay.show", lambda *_: rewrite(None))

    result = run("import", str(big), "-s", segment, "--direct")

    assert result.exit_code == 1
    assert "changed while it was uploaded" in result.stderr
    assert client.get(f"{SEGMENTS}/{segment}/imports").json()["items"] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("s3://b/k", "a.csv"), "are all in S3, or all files here"),
        (("a.csv", "a.csv", "--no-direct"), "only without --no-direct"),
        (("a.csv", "--column", ""), "--column is empty"),
    ],
)
def test_import__what_cannot_be_together__is_a_usage_error(
    run: Run, segment: str, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    (tmp_path / "a.csv").write_bytes(b"ada\n")
    with _inside(tmp_path):
        result = run("import", *words, "-s", segment)

    assert result.exit_code == 2
    assert said in result.stderr


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def test_url__that_has_expired__is_refused_and_issued_again(
    client: httpx.Client, store: Store, objects: ObjectStore, segment: str
) -> None:
    url = f"{SEGMENTS}/{segment}/uploads"
    started = client.post(url, json={"filename": "l.csv", "sizeBytes": 4}).json()
    upload = store.uploads.find(PRODUCTION, started["id"])
    assert upload is not None
    old = objects.direct_uploads.part_url(
        upload.object_key, upload.s3_id, 1, size_bytes=4, expires_s=-1
    )
    refused = httpx.put(old, content=b"ada\n")
    assert (refused.status_code, "expired" in refused.text) == (403, True)

    (again,) = client.get(f"{url}/{started['id']}/parts").json()["parts"]

    assert httpx.put(again["url"], content=b"ada\n", headers={"Content-MD5": ""}).is_success
    assert client.post(f"{url}/{started['id']}/complete").json()["status"] == "complete"
