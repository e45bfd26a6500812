"""Erasing a key over HTTP and on the command line: who may, how a key is named, what is told."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from urllib.parse import quote

import httpx
import pytest

from tests.support.clients.command_line import Run, json_of
from tests.support.servers.api import PRODUCTION, Api, assert_refused, create_segment, include
from tests.support.servers.redis import wait_until
from tests.support.store.stores import raw
from worker.store import Store
from worker.store.erasures import Erasure, Touched, completed

_CONTEXTS: Final = "/api/v2/contexts/default/production"
_ERASURES: Final = "/api/v2/projects/default/environments/production/erasures"


def _find(store: Store, reply: httpx.Response) -> Erasure:
    assert reply.status_code == 202, reply.text
    found: dict[str, Any] = reply.json()
    assert reply.headers["Location"] == f"{_ERASURES}/{found['id']}"
    return store.erasures.get(PRODUCTION, found["id"])


@pytest.mark.parametrize(
    "key",
    ["ann", "a%2Fb", "a/b/", ".", "..", "ä ö+?#&", "'\";--", "x" * 1_024, "lookup"],
    ids=["plain", "percent", "slash", "dot", "dots", "text", "quotes", "long", "word"],
)
def test_erase__key_in_the_path__is_the_key(client: httpx.Client, store: Store, key: str) -> None:
    encoded = quote(key, safe="").replace(".", "%2E")
    erasure = _find(store, client.delete(f"{_CONTEXTS}/user/{encoded}"))
    assert (erasure.key, erasure.kind) == (key, "user")
    assert key not in erasure.digest
    by_body = client.post(_ERASURES, json={"kind": "user", "key": key})
    assert _find(store, by_body) == erasure


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("user/a/b", 404),
        ("user/", 400),
        ("user/%FF", 400),
        ("user/%0A", 400),
        ("multi/a", 400),
        ("kind/a", 400),
        ("%20/a", 404),
        ("user%2Fa/b", 404),
        (f"user/{'x' * 1_025}", 400),
    ],
)
def test_erase__no_key__is_refused(client: httpx.Client, path: str, status: int) -> None:
    reply = client.delete(f"{_CONTEXTS}/{path}")
    assert reply.status_code == status, reply.text


def test_erase__environment_that_is_not_there__is_refused(client: httpx.Client) -> None:
    missing = client.delete("/api/v2/contexts/default/no-such/user/a")
    assert_refused(missing, 404, "not_found")
    assert_refused(
        client.get(f"{_ERASURES}/00000000-0000-4000-8000-000000000000"), 404, "not_found"
    )
    assert_refused(client.get(f"{_ERASURES}/x"), 404, "not_found")


@pytest.mark.parametrize("role", ["reader", "writer"])
def test_erase__scope_of_a_segment__is_not_enough(
    client: httpx.Client, api: Api, role: str
) -> None:
    resources = ["proj/default:env/production:segment/beta-*"]
    statement = {"effect": "allow", "actions": ["*"], "resources": resources}
    bodies = ({"role": "reader"}, {"role": role, "inlineRole": [statement]})
    for body in bodies:
        made = client.post("/api/v2/tokens", json={"name": "t", **body}).json()
        with api.client(made["token"]) as caller:
            assert_refused(caller.delete(f"{_CONTEXTS}/user/a"), 403, "forbidden")
            assert_refused(
                caller.post(_ERASURES, json={"kind": "user", "key": "a"}), 403, "forbidden"
            )


def test_erase__audit_log_and_answers__never_show_the_key(
    client: httpx.Client, store: Store
) -> None:
    key = "never-shown@example.com"
    erasure = _find(store, client.delete(f"{_CONTEXTS}/user/{key}"))
    log = client.get("/api/v2/auditlog?limit=20").text
    assert erasure.id in client.get(f"/api/v2/auditlog?limit=20&q={erasure.id}").text + log
    for shown in (log, client.get(_ERASURES).text, client.get(f"{_ERASURES}/{erasure.id}").text):
        assert key not in shown
        # From the tag, and those of keys that one knows, the salt of all tags can be computed.
        assert erasure.digest[:8] not in shown
    assert erasure.key_hash in client.get(f"{_ERASURES}/{erasure.id}").text


def test_erase__key_is_added_again_by_hand__imports_may_have_it(
    client: httpx.Client, store: Store
) -> None:
    segment = create_segment(client)
    erasure = _find(store, client.delete(f"{_CONTEXTS}/user/back"))
    erased = store.keyspace.erased(PRODUCTION)
    assert raw(store).hexists(erased, f"user:{erasure.digest}")
    include(client, segment, "other")
    assert raw(store).hexists(erased, f"user:{erasure.digest}")
    include(client, segment, "back")
    assert not raw(store).hexists(erased, f"user:{erasure.digest}")


def test_commands__erase_and_show__print_the_receipt(run: Run, store: Store) -> None:
    done = run("erase", "user", "by-command", "--yes", "--no-wait", "--json")
    erasure = store.erasures.get(PRODUCTION, json_of(done)["id"])
    assert erasure.key == "by-command"
    touched = Touched(segments=("beta", "gamma"), undeleted_exports=("export-1",))
    done_ms = 1_763_700_000_000
    changed = completed(dataclasses.replace(erasure, touched=touched), done_ms)
    assert store.erasures.replace(PRODUCTION, erasure, changed)
    receipt = json_of(run("erasures", "show", erasure.id, "--json"))
    assert (receipt["status"], receipt["touched"]["included"]) == ("complete", 0)
    shown = run("erasures", "show", erasure.id).stdout
    assert "beta, gamma" in shown
    assert "export-1" in shown
    assert erasure.id in run("erasures", "list").stdout
    assert run("erase", "user", "k").exit_code == 2


@pytest.mark.parametrize(
    ("touched", "noted"),
    [(Touched(lists=3), True), (Touched(segments_total=1), False)],
    ids=["nothing", "a_segment"],
)
def test_erase_command__nothing_had_the_key__says_so(
    run: Run, store: Store, touched: Touched, noted: bool
) -> None:
    key = f"typo-{noted}"

    def under_way() -> list[Erasure]:
        return [each for each in store.erasures.read_all(PRODUCTION) if each.key == key]

    def complete() -> None:
        wait_until(lambda: bool(under_way()), "the erasure has begun")
        (erasure,) = under_way()
        done = completed(dataclasses.replace(erasure, touched=touched), erasure.created_ms)
        assert store.erasures.replace(PRODUCTION, erasure, done)

    with ThreadPoolExecutor(1) as pool:
        completing = pool.submit(complete)
        shown = run("erase", "user", key, "--yes")
        completing.result()
    assert shown.exit_code == 0, shown.output
    assert ("check how both are spelled" in shown.stderr) == noted
