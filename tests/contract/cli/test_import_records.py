"""`bigseg imports`, against a real API; the worker's part is done by hand."""

import httpx

from tests.support.clients.command_line import IMPORT_REPORT, Run, json_of, working
from tests.support.servers.api import PRODUCTION, SEGMENTS, create_segment, include
from tests.support.store.building import build, publish
from tests.support.systems.held_imports import hold_import, publish_import
from worker.store import JobRef, Store


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


def test_imports_list__of_a_segment__has_each_with_its_outcome(
    run: Run, client: httpx.Client, store: Store
) -> None:
    key = create_segment(client)
    ids: list[str] = []
    for report in (IMPORT_REPORT, None):
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
