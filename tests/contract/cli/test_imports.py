"""`bigseg import` and `bigseg approve`, against a real API; the worker's part is done by hand."""

import json
from pathlib import Path

import httpx

from tests.support.clients.command_line import IMPORT_REPORT, Run, json_of, working
from tests.support.servers.api import PRODUCTION, SEGMENTS, create_segment, new_key
from tests.support.servers.redis import wait_until
from tests.support.store.jobs import jobs_of
from tests.support.systems.held_imports import hold_import, publish_import
from worker.objects import ObjectStore
from worker.options.guards import GuardOptions
from worker.options.lists import ListOptions
from worker.store import PREVIEW, ImportRequest, JobRef, Preview, Store
from worker.store.jobs import OBJECTION, Objection


def test_import__file_into_a_new_segment__waits_and_shows_the_report(
    run: Run, store: Store, tmp_path: Path
) -> None:
    key = new_key()
    file = tmp_path / "list.csv"
    file.write_text("a\na\n\nb\n")

    def end(ref: JobRef) -> None:
        store.jobs.end(ref, "complete", report=IMPORT_REPORT, keep_s=600)

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
    report = {**IMPORT_REPORT, "accepted": 0, "warnings": [warning]}
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
    for_programs = run("imports", "show", asked[0].import_id, "-s", key, "--output", "tsv")
    assert "warning (1 row, first 7): the rows hold a tab\n" in for_programs.stderr
    missing = run("import", str(file), "--segment", "not-there")
    assert missing.exit_code == 5
    assert "not-there does not exist in production (404); --create creates it" in missing.stderr
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
        store.jobs.end(ref, "complete", report=IMPORT_REPORT, keep_s=600)

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
    (import_id,) = (one.request.ref.job_id for one in jobs_of(store, key))
    assert f"bigseg approve {import_id} -s {key}" in result.stdout
    shown = run("imports", "preview", import_id, "--segment", key, "--output", "tsv").stdout
    assert shown == "added\tnew-1\nadded\tnew-2\nunchanged\told-1\n"
    store.jobs.write(JobRef("import", PRODUCTION, import_id), OBJECTION, Objection("shrink", "it"))
    guarded = run("imports", "wait", import_id, "--segment", key)
    assert guarded.exit_code == 6, guarded.output

    def publish(ref: JobRef) -> None:
        wait_until(lambda: store.jobs.get(ref).status == "in_progress", "its approval")
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
