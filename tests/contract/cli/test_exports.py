"""`bigseg export` and `bigseg exports …`: cut downloads, formats by name, lists and ends."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from api.cli.access.access import Access
from api.cli.connection.connection import Connection
from api.cli.errors import CommandError, UsageError
from api.cli.jobs.downloading import download
from api.cli.jobs.exports.options import WritingOptions
from api.progress.display import ProgressDisplay
from tests.support.clients.command_line import Run, complete_export, json_of, working
from tests.support.proxies.hostile import Fault, HostileProxy, running_hostile_proxy
from tests.support.servers.api import PRODUCTION, SEGMENTS, TOKEN, Api, create_segment
from worker.objects import ObjectStore
from worker.store import JobRef, Store

CONTENT: Final = b"".join(b"key-%06d\n" % n for n in range(100_000))
SHA256: Final = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(scope="module")
def path(client: httpx.Client, store: Store, objects: ObjectStore) -> str:
    """The download of an export."""
    segment = create_segment(client)
    location: str = client.post(f"{SEGMENTS}/{segment}/exports").headers["location"]
    ref = JobRef("export", PRODUCTION, location.rpartition("/")[2])
    complete_export(store, objects, ref, CONTENT)
    return f"{location}/download"


@pytest.fixture
def proxy(api: Api) -> Iterator[HostileProxy]:
    with running_hostile_proxy(httpx.URL(api.url).port or 0) as proxy:
        yield proxy


def _download(proxy: HostileProxy, path: str, sha256: str = SHA256) -> bytes:
    taken = bytearray()
    access = Access(proxy.endpoint, TOKEN, "the test")
    with (
        Connection(access, sleep=lambda _: None, environment={}) as connection,
        ProgressDisplay(hidden=True) as display,
    ):
        download(connection, path, taken.extend, display, sha256=sha256)
    return bytes(taken)


def test_download__cut_again_and_again__goes_on_where_it_was(
    proxy: HostileProxy, path: str
) -> None:
    cut, reset = Fault(body_bytes=200_000), Fault(body_bytes=200_000, ending="reset")
    proxy.faults.extend([cut, reset, cut])
    proxy.faults.append(Fault(status=503, body="{}"))

    assert _download(proxy, path) == CONTENT

    first, *later = proxy.of_method("GET")
    assert "range" not in first.headers
    assert all(request.headers["if-range"] for request in later)
    starts = [request.first_byte for request in later]
    assert starts == sorted(starts)


def test_download__file_is_another_one_after_the_cut__is_refused(
    proxy: HostileProxy, path: str
) -> None:
    proxy.faults.extend([Fault(body_bytes=200_000), Fault(ignore_range=True)])

    with pytest.raises(CommandError, match="has changed since the download began"):
        _download(proxy, path)


def test_download__digest_is_another__is_refused(proxy: HostileProxy, path: str) -> None:
    with pytest.raises(CommandError, match="download it again"):
        _download(proxy, path, "0" * 64)


@pytest.mark.parametrize(
    ("options", "output", "body"),
    [
        (WritingOptions(), None, {"format": "csv"}),
        (WritingOptions(), "a.b.CSV.gz", {"format": "csv", "compression": "gzip"}),
        (WritingOptions(), "list.jsonl.zst", {"format": "jsonl", "compression": "zstd"}),
        (WritingOptions(), "list.parquet", {"format": "parquet"}),
        (WritingOptions(), "list.ndjson.gz", {"format": "jsonl", "compression": "gzip"}),
        (WritingOptions(), "list.2026", {"format": "csv"}),
        (WritingOptions(format="csv"), "list.gz", {"format": "csv"}),
        (WritingOptions(format="jsonl"), "list.csv", {"format": "jsonl"}),
        (
            WritingOptions(side="both", header=True, profile="spreadsheet", part_rows=1_000),
            "parts",
            {
                "format": "csv",
                "side": "both",
                "header": True,
                "profile": "spreadsheet",
                "partRows": 1_000,
            },
        ),
    ],
    ids=str,
)
def test_format__of_the_option_or_the_name__is_asked_for(
    options: WritingOptions, output: str | None, body: dict[str, object]
) -> None:
    assert options.body(None if output is None else Path(output)) == body


@pytest.mark.parametrize("name", ["list.gz", "list.csv.bz2", "list.json", "list.XLSX"])
def test_format__name_says_one_that_there_is_not__is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="or say --format"):
        WritingOptions().body(Path(name))


def test_exports__listed_shown_downloaded_and_cancelled(
    run: Run, client: httpx.Client, store: Store, objects: ObjectStore, tmp_path: Path
) -> None:
    segment, of = create_segment(client), "--segment"

    def end(ref: JobRef) -> None:
        complete_export(store, objects, ref, b"a\nb\n")

    output = tmp_path / "list.jsonl"
    with working(store, segment, end):
        started = json_of(run("export", of, segment, "-o", str(output), "--json"))
    assert started["format"] == "jsonl"
    export = started["id"]

    (listed,) = json_of(run("exports", "list", of, segment, "--format", "jsonl", "--json"))
    assert listed["id"] == export
    assert json_of(run("exports", "list", of, segment, "--status", "stopped", "--json")) == []
    assert segment in run("exports", "list").output
    assert export in run("exports", "show", export, of, segment).output
    linked = run("exports", "files", export, of, segment, "--expires-in", "1h", "--json")
    assert httpx.get(json_of(linked)[0]["url"]).content == b"a\nb\n"
    again = run("exports", "download", export, of, segment)
    assert (again.exit_code, again.stdout_bytes) == (0, b"a\nb\n")
    assert run("exports", "download", export, of, segment, "--part", "2").exit_code == 2
    cancelled = run("exports", "cancel", export, of, segment)
    assert (cancelled.exit_code, "deleted" in cancelled.output) == (0, True)
    assert run("exports", "download", export, of, segment).exit_code == 5


def test_export__options_that_exclude_each_other__are_a_wrong_command(
    run: Run, client: httpx.Client, tmp_path: Path
) -> None:
    words = ("export", "--segment", create_segment(client))

    assert run(*words, "--part-rows", "1000").exit_code == 2
    assert run(*words, "-o", str(tmp_path / "x"), "--destination", "s3://b/exports/").exit_code == 2
    assert run(*words, "--destination", "s3://elsewhere/x").exit_code == 1
