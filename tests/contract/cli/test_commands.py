"""The client commands of `bigseg`, against a real API; the worker's part is done by hand."""

import json
from pathlib import Path

import httpx
import pytest

from tests.support.clients.command_line import Run, complete_export, is_of, json_of, working
from tests.support.servers.api import PRODUCTION, SEGMENTS, create_segment, include, new_key
from tests.support.servers.redis import wait_until
from tests.support.store.building import build, publish
from tests.support.systems.held_imports import hold_import, publish_import
from worker.objects import ObjectStore
from worker.options.guards import GuardOptions
from worker.options.lists import ListOptions
from worker.store import PREVIEW, ImportRequest, JobRef, Preview, Store
from worker.store.jobs import OBJECTION, Objection

_REPORT = {
    "rowsRead": 4,
    "accepted": 2,
    "duplicates": 1,
    "rejected": 1,
    "membersBefore": 0,
    "added": 2,
    "removed": 0,
    "unchanged": 0,
    "membersAfter": 2,
    "seconds": {"scatter": 0.25},
    "rejectedSample": [{"row": 3, "reason": "blank"}],
}


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


def test_imports_show__replace_over_edits__says_so(
    run: Run, client: httpx.Client, store: Store
) -> None:
    key = create_segment(client)
    path, form = f"{SEGMENTS}/{key}/imports", {"mode": "replace"}
    ids: list[str] = []
    for _ in range(2):
        reply = client.post(path, data=form, files={"file": ("l.csv", b"a")})
        ids.append(reply.headers["location"].rpartition("/")[2])
        ref = store.segments.get(PRODUCTION, key).ref
        publish(store, ref, ids[-1], build(store, ref, ids[-1], ["a"]))
        include(client, key, "b")

    first, second = (run("imports", "show", item, "--segment", key).stdout for item in ids)

    assert f"it replaces import {ids[0]} and 1 later edit\n" in second
    assert "it replaces" not in first


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


def test_import__file_into_a_new_segment__waits_and_shows_the_report(
    run: Run, store: Store, tmp_path: Path
) -> None:
    key = new_key()
    file = tmp_path / "list.csv"
    file.write_text("a\na\n\nb\n")

    def end(ref: JobRef) -> None:
        store.jobs.end(ref, "complete", report=_REPORT, keep_s=600)

    with working(store, key, end):
        result = run("import", str(file), "--segment", key, "--create", "--mode", "replace")

    assert result.exit_code == 0, result.output
    assert "complete" in result.stdout
    assert "members after" in result.stdout
    assert "blank" in result.stdout


def test_import__stopped__ends_with_status_1_and_the_reason(
    run: Run, store: Store, client: httpx.Client, tmp_path: Path
) -> None:
    key = create_segment(client)
    file = tmp_path / "list.csv"
    file.write_text("a\n")

    def end(ref: JobRef) -> None:
        store.jobs.end(ref, "stopped", reason="list changed", keep_s=600)

    with working(store, key, end):
        result = run("import", str(file), "--segment", key, "--json")

    assert result.exit_code == 1
    job = json.loads(result.stdout)
    assert (job["status"], job["reason"]) == ("stopped", "list changed")
    shown = run("imports", "show", job["id"], "--segment", key)
    assert shown.exit_code == 1
    assert "list changed" in shown.stdout


def test_import__no_key_accepted__ends_with_status_1_and_shows_the_warnings(
    run: Run, store: Store, client: httpx.Client, tmp_path: Path
) -> None:
    key = create_segment(client)
    file = tmp_path / "list.csv"
    file.write_text("\n")
    warning = {"kind": "tab", "count": 1, "rows": [7], "message": "the rows hold a tab"}
    report = {**_REPORT, "accepted": 0, "warnings": [warning]}
    asked: list[ImportRequest] = []

    def end(ref: JobRef) -> None:
        request = store.jobs.get(ref).request
        assert isinstance(request, ImportRequest)
        asked.append(request)
        store.jobs.end(ref, "complete", report=report, keep_s=600)

    with working(store, key, end):
        result = run(
            *("import", str(file), "--segment", key),
            *("--mode", "remove", "--target", "excluded"),
            *("--allow-rejected", "--allow-shrink", "--allow-empty"),
            *("--on-guard", "stop", "--on-warning", "stop", "--max-rejected-share", "0.1"),
            *("--max-warning-share", "0", "--max-shrink-share", "1", "--max-growth-share", "20"),
            *("--format", "csv", "--delimiter", "pipe", "--header", "--column", "mail"),
            *("--compression", "none", "--encoding", "latin-1", "--trim", "--lowercase"),
            *("--null-text", "NULL"),
        )

    assert result.exit_code == 1, result.output
    assert "no key in the list was accepted" in result.stderr
    assert "the rows hold a tab" in result.stdout
    assert f"into {key} (remove, excluded): complete" in result.stdout
    assert (asked[0].mode, asked[0].side) == ("remove", "excluded")
    assert asked[0].allow_rejected
    assert asked[0].allow_shrink
    assert asked[0].allow_empty
    assert asked[0].guards == GuardOptions("stop", "stop", 0.1, 0, 1, 20)
    assert asked[0].reading == ListOptions(
        format="csv",
        delimiter="pipe",
        header=True,
        column="mail",
        compression="none",
        encoding="latin-1",
        trim=True,
        lowercase=True,
        null_text="NULL",
    )


def test_dry_run__that_a_guard_objects_to__shows_the_preview_and_undoes_the_segment(
    run: Run, store: Store, client: httpx.Client, tmp_path: Path
) -> None:
    key = new_key()
    file = tmp_path / "list.csv"
    file.write_text("a\nb\n")

    def end(ref: JobRef) -> None:
        store.jobs.write(ref, OBJECTION, Objection("growth", "it would grow"))
        store.jobs.write(ref, PREVIEW, Preview(added=("a", "b")))
        store.builds.cancel(store.jobs.get(ref).request.list_ref, ref.job_id)
        store.jobs.end(ref, "complete", report=_REPORT, keep_s=600)

    with working(store, key, end):
        result = run("import", str(file), "--segment", key, "--create", "--dry-run")

    assert result.exit_code == 6, result.output
    assert "it would not be published at once: it would grow" in result.stdout
    assert "nothing was changed; run it without --dry-run" in result.stdout
    assert "a, b" in result.stdout
    assert f"segment {key}, which was created for it, is deleted again" in result.stderr
    assert client.get(f"{SEGMENTS}/{key}").status_code == 404


def test_approve__import_that_waits__publishes_it(
    run: Run, store: Store, client: httpx.Client, tmp_path: Path
) -> None:
    key = create_segment(client)
    file = tmp_path / "list.csv"
    file.write_text("a\nb\n")

    def held(ref: JobRef) -> None:
        hold_import(store, ref, ["a", "b"])

    with working(store, key, held):
        result = run("import", str(file), "--segment", key, "--wait-for-approval")

    assert result.exit_code == 0, result.output
    assert "pending_approval" in result.stdout
    assert "new-1, new-2" in result.stdout
    (import_id,) = (ref.job_id for ref in store.jobs.active(PRODUCTION) if is_of(store, ref, key))
    assert f"bigseg approve {import_id} -s {key}" in result.stdout
    shown = run("imports", "preview", import_id, "--segment", key, "--output", "tsv").stdout
    assert shown == "added\tnew-1\nadded\tnew-2\nunchanged\told-1\n"
    store.jobs.write(JobRef("import", PRODUCTION, import_id), OBJECTION, Objection("shrink", "it"))
    guarded = run("imports", "wait", import_id, "--segment", key)
    assert guarded.exit_code == 6, guarded.output

    def publish(ref: JobRef) -> None:
        wait_until(lambda: store.jobs.get(ref).status == "in_progress", "its approval", 20)
        publish_import(store, ref)

    with working(store, key, publish):
        result = run("approve", import_id, "--segment", key)
    assert result.exit_code == 0, result.output
    assert "complete" in result.stdout
    again = run("approve", import_id, "--segment", key)
    assert again.exit_code == 1
    assert again.stderr.startswith(f"bigseg: import {import_id} does not wait for an approval")
    assert "does not wait for an approval: it is complete" in again.stderr
    unknown = run("approve", "no-such-import", "--segment", key)
    assert unknown.stderr == "bigseg: import no-such-import does not exist (400)\n"


def test_import__from_s3_without_waiting__gives_the_id(
    run: Run, client: httpx.Client, objects: ObjectStore
) -> None:
    key = create_segment(client)

    job = json_of(
        run(
            *("import", f"s3://{objects.bucket}/lists/a.csv", "--segment", key),
            *("--no-wait", "--json"),
        )
    )

    assert job["status"] == "ready"
    assert json_of(run("imports", "show", job["id"], "--segment", key, "--json"))["id"] == job["id"]


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


def test_imports_list__of_a_segment__has_each_with_its_outcome(
    run: Run, client: httpx.Client, store: Store
) -> None:
    key = create_segment(client)
    ids: list[str] = []
    for report in (_REPORT, None):
        reply = client.post(f"{SEGMENTS}/{key}/imports", files={"file": ("l.csv", b"a")})
        ids.insert(0, reply.headers["location"].rpartition("/")[2])
        if report is not None:
            ref = JobRef("import", PRODUCTION, ids[0])
            store.builds.cancel(store.segments.get(PRODUCTION, key).ref, ids[0])
            store.jobs.end(ref, "complete", report=report, keep_s=600)

    listed = json_of(run("imports", "list", "-s", key, "--json"))
    rows = run("imports", "list", "-s", key, "--output", "tsv").stdout.splitlines()

    assert [job["id"] for job in listed] == ids
    assert [row.split("\t")[:4] for row in rows] == [
        [ids[0], "ready", "0.0", "merge"],
        [ids[1], "complete", "100.0", "merge"],
    ]
    assert rows[1].split("\t")[5:] == ["l.csv", "2", "1"]
    everywhere = run("imports", "list", "--since", "1h", "--limit", "1000", "--output", "tsv")
    assert f"{key}\t{rows[0]}" in everywhere.stdout.splitlines()
    names = ("--mode", "merge", "--initiator", "admin token", "--until", "2099-01-01")
    ready = json_of(run("imports", "list", "-s", key, "--status", "ready", *names, "--json"))
    assert [job["id"] for job in ready] == ids[:1]
    shown = run("imports", "show", ids[0], "-s", key)
    assert "queued 0%\n" in shown.stdout
    late = run("imports", "wait", ids[0], "-s", key, "--timeout", "0")
    assert late.exit_code == 1
    assert late.stderr == f"bigseg: {ids[0]} has not ended within 0 s: queued 0%\n"


def test_imports_cancel__queued_then_published__says_what_it_did(
    run: Run, client: httpx.Client, store: Store
) -> None:
    key = create_segment(client)
    path, form = f"{SEGMENTS}/{key}/imports", {"waitOnApprovals": "true"}
    ids = []
    for _ in range(2):
        reply = client.post(path, data=form, files={"file": ("l.csv", b"a")})
        ids.append(reply.headers["location"].rpartition("/")[2])
        if len(ids) == 1:
            done = run("imports", "cancel", ids[0], "-s", key)
    ref = JobRef("import", PRODUCTION, ids[1])
    hold_import(store, ref, ["a"])

    approved = run("imports", "approve", ids[1], "-s", key, "--no-wait")
    publish_import(store, ref)
    late = run("imports", "cancel", ids[1], "-s", key)

    assert (done.exit_code, done.stdout) == (
        0,
        f"import {ids[0]} is cancelled; {key} is as it was\n",
    )
    assert approved.exit_code == 0
    assert late.exit_code == 1
    assert "revisions publish" in late.stderr
    for elsewhere in ("..", f"../../{key}"):
        assert run("imports", "cancel", elsewhere, "-s", key).exit_code == 2
        assert run("approve", elsewhere, "-s", key).exit_code == 2
    assert client.get(f"{SEGMENTS}/{key}").status_code == 200


def test_imports_wait_and_watch__until_the_end__exit_by_the_outcome(
    run: Run, client: httpx.Client, store: Store
) -> None:
    key = create_segment(client)
    reply = client.post(f"{SEGMENTS}/{key}/imports", files={"file": ("l.csv", b"a")})
    import_id = reply.headers["location"].rpartition("/")[2]

    def end(ref: JobRef) -> None:
        store.jobs.end(ref, "stopped", reason="list changed", keep_s=600)

    with working(store, key, end):
        waited = run("imports", "wait", import_id, "-s", key)

    assert (waited.exit_code, waited.output) == (1, "")
    watched = run("imports", "watch", import_id, "-s", key)
    assert watched.exit_code == 1
    assert "reason: list changed" in watched.stdout
    gone = run("imports", "wait", "no-such", "-s", key)
    assert gone.exit_code == 5


def test_import__while_another_waits_for_approval__says_that_it_is_dropped(
    run: Run, client: httpx.Client, store: Store, objects: ObjectStore
) -> None:
    key = create_segment(client)
    reply = client.post(
        f"{SEGMENTS}/{key}/imports",
        files={"file": ("l.csv", b"a")},
        data={"waitOnApprovals": "true"},
    )
    waiting = reply.headers["location"].rpartition("/")[2]
    hold_import(store, JobRef("import", PRODUCTION, waiting), ["a"])

    source = f"s3://{objects.bucket}/lists/a.csv"
    result = run("import", source, "-s", key, "--no-wait", "--json")

    assert json_of(result)["supersedes"] == waiting
    said = f"import {waiting}, which was waiting for approval, was dropped for this one\n"
    assert result.stderr == said
