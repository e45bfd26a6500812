"""The client commands of `bigseg`, against a real API; the worker's part is done by hand."""

import json
from pathlib import Path

import httpx
import pytest

from tests.support.clients.command_line import Run, complete_export, json_of, working
from tests.support.servers.api import SEGMENTS, create_segment, include, new_key
from worker.objects import ObjectStore
from worker.store import JobRef, Store


def _refer(client: httpx.Client, key: str) -> str:
    """Make a segment with a rule on another one; give its key."""
    referrer = create_segment(client, big=False)
    clause = {"attribute": "", "op": "segmentMatch", "values": [key], "negate": False}
    patch = [{"op": "add", "path": "/rules/-", "value": {"clauses": [clause]}}]
    assert client.patch(f"{SEGMENTS}/{referrer}", json=patch).is_success
    return referrer


def test_segments__created_shown_listed_deleted__are_as_asked(run: Run) -> None:
    key = new_key()

    made = json_of(run("segments", "create", key, "--name", "N", "--tag", "t", "--json"))
    shown = json_of(run("segments", "show", key, "--json"))
    listed = json_of(run("segments", "list", "--json"))
    table = run("segments", "show", key)

    assert (made["key"], made["name"], made["tags"], made["unbounded"]) == (key, "N", ["t"], True)
    assert shown["key"] == key
    assert key in [item["key"] for item in listed]
    assert key in table.stdout
    assert key in run("segments", "list").stdout
    assert run("segments", "delete", key, "--yes").exit_code == 0
    gone = run("segments", "show", key, "--json")
    assert gone.exit_code == 5
    error = json.loads(gone.stderr)
    assert "does not exist" in error["error"]
    assert (error["code"], error["status"], len(error["id"])) == ("not_found", 404, 36)


def test_segments_delete__others_refer_to_it__needs_force(run: Run, client: httpx.Client) -> None:
    key = create_segment(client)
    referrer = _refer(client, key)

    refused = run("segments", "delete", key, "--yes")

    assert refused.exit_code == 1
    assert referrer in refused.stderr
    assert run("segments", "show", key).exit_code == 0
    assert run("segments", "delete", key, "--force", "--yes").exit_code == 0
    assert run("segments", "show", key).exit_code == 5


def test_lookup__members_and_strangers__are_told_apart(run: Run, client: httpx.Client) -> None:
    key = create_segment(client)
    members = ("a/b", "..", ".", "../../..", "[bold]é")
    include(client, key, *members)

    answers = json_of(run("lookup", "--segment", key, *members, "no", "--json"))
    table = run("lookup", "--segment", key, "[bold]é")

    assert [item["included"] for item in answers] == [True] * 5 + [False]
    assert "[bold]é" in table.stdout
    not_text = run("lookup", "--segment", key, "\udcff")
    assert not_text.exit_code == 1
    assert "a context key must be valid UTF-8" in not_text.stderr


@pytest.mark.parametrize("as_file", [True, False])
def test_export__complete__writes_the_file_or_standard_output(
    run: Run,
    store: Store,
    client: httpx.Client,
    objects: ObjectStore,
    tmp_path: Path,
    *,
    as_file: bool,
) -> None:
    key = create_segment(client)
    output = tmp_path / "out.csv"

    def end(ref: JobRef) -> None:
        complete_export(store, objects, ref, b"a\nb\n")

    with working(store, key, end):
        result = run("export", "--segment", key, *(("-o", str(output)) if as_file else ()))

    assert result.exit_code == 0, result.output
    if as_file:
        assert output.read_bytes() == b"a\nb\n"
        assert "2 keys" in result.stdout
        assert list(tmp_path.iterdir()) == [output]
    else:
        assert result.stdout_bytes == b"a\nb\n"


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("segments", "show", "no-such"), 5),
        (("segments", "delete", "no-such", "--yes"), 5),
        (("lookup", "-s", "no-such", "a"), 5),
        (("export", "-s", "no-such"), 5),
        (("import", "/no/such/file", "-s", "no-such"), 1),
        (("import", "s3://elsewhere/a.csv", "-s", "no-such"), 5),
        (("imports", "show", "x", "-s", "no-such"), 5),
        (("approve", "x", "-s", "no-such"), 5),
        (("segments", "create", "-bad-"), 2),
    ],
)
def test_command__that_fails__says_why_in_one_line(
    run: Run, words: tuple[str, ...], status: int
) -> None:
    result = run(*words[:2], "--", words[2]) if words[1] == "create" else run(*words)

    assert result.exit_code == status
    assert result.stderr.startswith("bigseg: ")
    assert result.stderr.count("\n") == 1


def test_command__nobody_answers__says_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGSEG_URL", "127.0.0.1:9")

    result = run("segments", "list")

    assert result.exit_code == 3
    assert "no answer from http://127.0.0.1:9 (Connection refused)" in result.stderr


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("BIGSEG_TOKEN", "caf\xe9-secret", "the access token contains invalid characters"),
        ("BIGSEG_TOKEN", "half-\nsecret", "the access token contains invalid characters"),
        ("BIGSEG_URL", "http://[::1", "BIGSEG_URL is not an address"),
        ("BIGSEG_URL", "http://", "BIGSEG_URL is not an address"),
        ("BIGSEG_URL", "ftp://127.0.0.1", "BIGSEG_URL is not an address"),
        ("BIGSEG_URL", "http://me:secret@127.0.0.1:9", "BIGSEG_URL contains a user or password"),
    ],
)
def test_command__unusable_address_or_token__says_which_and_repeats_no_secret(
    run: Run, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)

    result = run("segments", "list")

    assert result.exit_code == 2
    assert result.stderr.startswith(f"bigseg: {said}")
    assert "secret" not in result.output
