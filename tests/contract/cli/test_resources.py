"""The commands for members, projects, environments, the audit log, evaluations and the status."""

import json
import sys
from pathlib import Path

import httpx
import pytest

from tests.support.clients.command_line import Run, json_of, working
from tests.support.commands.terminal import Terminal
from tests.support.servers.api import SEGMENTS, TOKEN, Api, create_segment, include, new_key
from worker.store import Store
from worker.store.jobs import JobRef

_ROOT = Path(__file__).parents[3]


def _counts(client: httpx.Client, key: str) -> tuple[int, int]:
    lists = client.get(f"{SEGMENTS}/{key}").json()["_unboundedMetadata"]
    return lists["includedCount"], lists["excludedCount"]


def test_members__added_in_batches_checked_removed__are_in_the_lists(
    run: Run, client: httpx.Client, tmp_path: Path
) -> None:
    key, file = create_segment(client), tmp_path / "keys"
    file.write_text("".join(f"key-{number}\r\n\n" for number in range(10_001)))

    added = run("members", "add", "-s", key, "--from", str(file), "--json")
    typed = run("members", "add", "-s", key, "-", "--excluded", typed="é/ü\nother".encode())
    present = run("members", "check", "-s", key, "key-0", "key-10000", "--json")
    absent = run("members", "check", "-s", key, "key-0", "é/ü")
    excluded = run("members", "check", "-s", key, "é/ü", "--excluded")

    assert json_of(added) == [{"batch": 1, "keys": 10_000}, {"batch": 2, "keys": 1}]
    assert typed.exit_code == 0, typed.output
    assert [item["included"] for item in json_of(present)] == [True, True]
    assert (absent.exit_code, excluded.exit_code) == (1, 0)
    assert "1 of 2 keys are not in the included list" in absent.stderr
    assert _counts(client, key) == (10_001, 2)
    assert run("members", "remove", "-s", key, "--from", str(file), "-q").exit_code == 0
    assert _counts(client, key) == (0, 2)


def test_keys__some_cannot_be_one__are_named_and_the_others_go_on(
    run: Run, client: httpx.Client, tmp_path: Path
) -> None:
    key, file = create_segment(client), tmp_path / "keys"
    file.write_bytes(b"good\n" + b"k" * 9_000 + b"\nbad\x01\n \nalso good\n\xff\n")

    edited = run("members", "add", "-s", key, "--from", str(file))
    looked_up = run("lookup", "-s", key, "--from", str(file), "--json")

    for result in (edited, looked_up):
        assert result.exit_code == 1
        lines = result.stderr.splitlines()
        assert [line.partition(" (")[0] for line in lines] == [
            f"bigseg: {file}:{number}" for number in (2, 3, 4, 6)
        ]
        assert "must not be over 1,024 bytes" in lines[0]
        assert "valid UTF-8" in lines[3]
    found = json.loads(looked_up.stdout)
    assert found == [{"context": key, "answer": "included"} for key in ("good", "also good")]


def test_lookup__many_keys__keeps_their_order(run: Run, client: httpx.Client) -> None:
    key = create_segment(client)
    include(client, key, *(f"k{number}" for number in range(0, 300, 3)))
    words = [f"k{number}" for number in range(300)]

    found = json_of(run("lookup", "-s", key, "-", "--json", typed="\n".join(words).encode()))

    assert [item["context"] for item in found] == words
    answers = ["unknown" if number % 3 else "included" for number in range(300)]
    assert [item["answer"] for item in found] == answers


def test_projects_and_environments__made_shown_deleted__are_as_asked(run: Run) -> None:
    project = new_key("project")
    made = json_of(run("projects", "create", project, "--name", "P", "--tag", "t", "--json"))
    assert (made["key"], made["name"], made["tags"]) == (project, "P", ["t"])
    environment = json_of(
        run("environments", "create", "qa", "--project", project, "--critical", "--json")
    )
    assert environment["critical"]
    listed = json_of(run("environments", "list", "--project", project, "--json"))
    assert [item["key"] for item in listed][-1] == "qa"
    assert "qa" in run("projects", "show", project).stdout
    assert project in run("projects", "list").stdout
    assert run("environments", "show", "qa", "--project", project).exit_code == 0
    assert run("environments", "delete", "qa", "--project", project, "--yes").exit_code == 0
    assert run("environments", "show", "qa", "--project", project).exit_code == 5
    assert run("projects", "delete", project, "--yes").exit_code == 0
    assert run("projects", "show", project).exit_code == 5


def test_segments_update__name_description_tags__are_changed(
    run: Run, client: httpx.Client
) -> None:
    key = create_segment(client)

    first = ("--name", "N", "--description", "D", "--tag", "a", "--tag", "b")
    made = json_of(run("segments", "update", key, *first, "--json"))
    second = ("--description", "", "--untag", "a", "--tag", "c")
    changed = json_of(run("segments", "update", key, *second, "--json"))

    assert (made["name"], made["description"], made["tags"]) == ("N", "D", ["a", "b"])
    assert (changed["name"], changed.get("description")) == ("N", None)
    assert changed["tags"] == ["b", "c"]


def test_audit__of_a_segment__is_newest_first_and_ends_at_the_limit(
    run: Run, client: httpx.Client
) -> None:
    key = create_segment(client)
    for number in range(22):
        include(client, key, f"k{number}")

    found = json_of(run("audit", "-s", key, "--limit", "30", "--since", "1h", "--json"))
    few = run("audit", "-s", key, "--limit", "2")

    assert len(found) == 23
    assert found[-1]["shortDescription"].startswith("created the segment")
    dates = [item["date"] for item in found]
    assert dates == sorted(dates, reverse=True)
    assert len({item["_id"] for item in found}) == 23
    assert few.stdout.count("edited the lists") == 2
    assert json_of(run("audit", "-s", key, "--since", "2999-01-01", "--json")) == []


def test_evaluate__key_or_context__lists_its_segments(run: Run, client: httpx.Client) -> None:
    key, other = create_segment(client), create_segment(client)
    include(client, key, "eva")

    found = json_of(run("evaluate", "eva", "--json"))
    context = '{"kind": "user", "key": "eva", "plan": "gold"}'
    every = json_of(run("evaluate", context, "--all", "--json"))

    assert [item["key"] for item in found] == [key]
    assert {key, other} <= {item["key"] for item in every}
    assert key in run("evaluate", "eva").stdout


def test_status__ready__needs_no_token_for_health(
    run: Run, client: httpx.Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    idle, busy = create_segment(client), create_segment(client)
    started = client.post(f"{SEGMENTS}/{busy}/imports", files={"file": ("l.csv", b"a")})
    assert started.is_success
    full = json_of(run("status", "--json"))
    monkeypatch.delenv("BIGSEG_TOKEN")
    monkeypatch.chdir(tmp_path)
    health = json_of(run("status", "--json"))

    assert full["ready"]
    assert set(full["parts"]) == {"redis", "s3", "broker"}
    assert set(full["versions"]) == {"cli", "api"}
    assert busy in full["importing"]
    assert idle not in full["importing"]
    assert health["parts"] == full["parts"]
    assert "importing" not in health
    monkeypatch.setenv("BIGSEG_TOKEN", "wrong-token")
    refused = run("segments", "list", "--json")
    assert refused.exit_code == 4
    assert json.loads(refused.stderr)["status"] == 401


@pytest.mark.parametrize("typed", ["the key", "something else", None])
def test_delete__on_a_terminal__asks_for_the_key(
    api: Api, client: httpx.Client, tmp_path: Path, typed: str | None
) -> None:
    key = create_segment(client)
    include(client, key, "a", "b")
    environment = {"BIGSEG_URL": api.url, "BIGSEG_TOKEN": TOKEN, "PYTHONPATH": str(_ROOT)}
    command = f"exec {sys.executable} -m api.cli segments delete {key}"
    with Terminal(tmp_path, environment, columns=200).start(command) as running:
        running.wait_for("to go on: ")
        if typed is None:
            running.interrupt()
        else:
            running.type(key if typed == "the key" else typed)
        shown = running.end()

    assert f"This deletes segment {key} with 2 members." in shown.text
    assert shown.status == {"the key": 0, "something else": 1, None: 130}[typed]
    gone = client.get(f"{SEGMENTS}/{key}").status_code == 404
    assert gone is (typed == "the key")


@pytest.mark.parametrize(
    ("source", "options", "status", "said"),
    [
        ("/no/such/file", (), 1, "cannot read /no/such/file"),
        ("/", (), 1, "Is a directory"),
        ("s3://", (), 2, "names no object"),
        ("s3://elsewhere/a.csv", (), 1, "s3://elsewhere/a.csv"),
        ("/dev/null", ("--kind", "-bad kind-"), 1, "kind"),
    ],
)
def test_import__create_and_a_typo__leaves_nothing_behind(
    run: Run,
    client: httpx.Client,
    source: str,
    options: tuple[str, ...],
    status: int,
    said: str,
) -> None:
    key = new_key()

    result = run("import", source, "-s", key, "--create", *options)

    assert (result.exit_code, result.stderr.count("\n")) == (status, 1), result.output
    assert said in result.stderr
    assert client.get(f"{SEGMENTS}/{key}").status_code == 404


def test_import__create_and_an_import_that_is_stopped__leaves_no_segment(
    run: Run, client: httpx.Client, store: Store, tmp_path: Path
) -> None:
    key, file = new_key(), tmp_path / "list.csv"
    file.write_text("a\n")

    def end(ref: JobRef) -> None:
        store.jobs.end(ref, "stopped", reason="s3://lists/a.csv is missing", keep_s=600)

    with working(store, key, end):
        result = run("import", str(file), "-s", key, "--create")

    assert (result.exit_code, "is missing" in result.output) == (1, True), result.output
    assert f"segment {key}, which was created for it, is deleted again" in result.stderr
    assert client.get(f"{SEGMENTS}/{key}").status_code == 404


def test_import__create__makes_the_segment_as_asked(
    run: Run, client: httpx.Client, tmp_path: Path
) -> None:
    key, file = new_key(), tmp_path / "list.csv"
    file.write_text("a\n")
    options = ("--kind", "device", "--name", "N", "--tag", "t", "--tag", "u")

    started = run("import", str(file), "-s", key, "--create", *options, "--no-wait")
    made = client.get(f"{SEGMENTS}/{key}").json()
    alone = run("import", str(file), "-s", key, *options)

    assert started.exit_code == 0, started.output
    assert (made["name"], made["tags"]) == ("N", ["t", "u"])
    assert made["unboundedContextKind"] == "device"
    assert alone.exit_code == 2
    assert "add --create" in alone.stderr
