"""Fields and parameters that an operation does not have: refused, and nothing is done."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api.launchdarkly.wire.ignored_fields import IGNORED
from tests.support.servers.api import SEGMENTS, assert_refused, create_segment, include, new_key
from tests.support.servers.objects import list_objects
from worker.objects import INTERNAL_PREFIX, ObjectStore

_SEMANTIC = "application/json; domain-model=launchdarkly.semanticpatch"
_PROJECTS = "/api/v2/projects"
_TOKENS = "/api/v2/tokens"
_LIST = ("f.csv", b"k-one\n")


@pytest.fixture(scope="module")
def vip(client: httpx.Client) -> str:
    """A big segment with two members, which every test leaves as it is."""
    key = create_segment(client)
    include(client, key, "old-1", "old-2")
    return f"{SEGMENTS}/{key}"


@pytest.fixture(scope="module")
def standard(client: httpx.Client) -> str:
    """A standard segment, which every test leaves as it is."""
    return f"{SEGMENTS}/{create_segment(client, big=False)}"


@pytest.fixture(autouse=True)
def unchanged(client: httpx.Client, vip: str, standard: str) -> Iterator[None]:
    before = [client.get(one).json() for one in (vip, standard)]
    yield
    assert [client.get(one).json() for one in (vip, standard)] == before


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"add": ["k-one"]}, "unknown field add; nearest: included.add"),
        (
            {"includes": {"add": ["k-one"]}},
            "unknown field includes; nearest: included; fields: included, excluded",
        ),
        (
            {"included": {"added": ["k-one"]}},
            "included: unknown field added; nearest: add; fields: add, remove",
        ),
        ({"included": {"ada@example.com": True}}, "included: unknown field; fields: add, remove"),
    ],
)
@pytest.mark.parametrize("family", ["contexts", "users"])
def test_edit__misspelled__is_refused(
    client: httpx.Client, vip: str, family: str, body: Any, said: str
) -> None:
    message = assert_refused(client.post(f"{vip}/{family}", json=body), 400, "invalid_request")

    assert said in message
    assert "@" not in message


@pytest.mark.parametrize(
    ("data", "files", "said"),
    [
        (
            {"mode": "replace", "waitOnApproval": "true"},
            {"file": _LIST},
            "unknown field waitOnApproval; nearest: waitOnApprovals; fields: file, target",
        ),
        (
            {"mode": "replace"},
            {"file": _LIST, "files": ("b.csv", b"k-two\n")},
            "unknown field files; nearest: file",
        ),
        ({"Mode": "replace"}, {"file": _LIST}, "nearest: mode"),
        ({"source": "s3://bigseg/lists/x.csv"}, {"file": _LIST}, "unknown field source"),
    ],
)
def test_import_form__unknown_part__is_refused_and_leaves_nothing(
    client: httpx.Client, vip: str, objects: ObjectStore, data: Any, files: Any, said: str
) -> None:
    reply = client.post(f"{vip}/imports", data=data, files=files)

    assert said in assert_refused(reply, 400, "invalid_request")
    key = vip.rpartition("/")[2]
    assert not list_objects(objects, f"{INTERNAL_PREFIX}uploads/default/production/{key}/")


def test_import_json__misspelled_option__is_refused(client: httpx.Client, vip: str) -> None:
    body = {"source": "s3://bigseg/lists/x.csv", "mode": "replace", "waitOnApproval": True}

    reply = client.post(f"{vip}/imports", json=body)

    assert "nearest: waitOnApprovals" in assert_refused(reply, 400, "invalid_request")


def test_import__options_in_the_query__are_refused(client: httpx.Client, vip: str) -> None:
    reply = client.post(f"{vip}/imports", params={"mode": "replace"}, files={"file": _LIST})

    message = assert_refused(reply, 400, "invalid_request")
    assert message == "unknown query parameter mode; parameters: none; send fields in the body"


def test_import_form__text_before_the_first_boundary__is_dropped(
    client: httpx.Client, objects: ObjectStore
) -> None:
    key = create_segment(client)
    form = (
        b'preamble\r\n--Z\r\nContent-Disposition: form-data; name="file"; filename="f.csv"'
        b"\r\n\r\nk-one\n\r\n--Z--\r\n"
    )

    reply = client.post(
        f"{SEGMENTS}/{key}/imports",
        content=form,
        headers={"Content-Type": "multipart/form-data; boundary=Z"},
    )

    assert reply.status_code == 204
    prefix = f"{INTERNAL_PREFIX}uploads/default/production/{key}/"
    (info,) = list_objects(objects, prefix)
    assert b"".join(objects.read_range(info, 0, info.size_bytes)) == b"k-one\n"


@pytest.mark.parametrize(
    ("method", "path", "body", "said"),
    [
        ("POST", "{vip}/exports", {"fromat": "parquet"}, "nearest: format"),
        ("POST", "{vip}/exports?format=parquet", None, "unknown query parameter format"),
        ("POST", SEGMENTS, {"key": "k", "name": "n", "tag": ["a"]}, "nearest: tags"),
        ("POST", SEGMENTS, {"key": "k", "name": "n", "unbound": True}, "nearest: unbounded"),
        (
            "POST",
            f"{SEGMENTS}?unbounded=true",
            {"key": "k", "name": "n"},
            "send fields in the body",
        ),
        ("DELETE", "{standard}?forced=true", None, "nearest: force; parameters: force"),
        ("DELETE", "{standard}", {"force": True}, "in the query: force"),
        ("DELETE", f"{_PROJECTS}/default", {"dryRun": True}, "this operation takes no body"),
        ("DELETE", f"{_PROJECTS}/default/environments/test", ["x"], "this operation takes no body"),
        ("DELETE", f"{_TOKENS}/0123", {"force": True}, "this operation takes no body"),
        ("PATCH", "{standard}?dryrun=true", {"name": "New"}, "nearest: dryRun"),
        ("PATCH", "{standard}", {"nmae": "New"}, "nearest: name"),
        ("PATCH", "{standard}", {"merge": {"discription": "x"}}, "nearest: description"),
        ("PATCH", "{standard}", {"merge": {"name": "New"}, "coment": "x"}, "nearest: comment"),
        ("PATCH", "{standard}", {"patch": [], "coment": "x"}, "fields: patch, comment"),
        (
            "PATCH",
            "{standard}",
            {"rules": [{"clauses": [], "wieght": 1}]},
            "rules[0]: unknown field wieght; nearest: weight",
        ),
        (
            "PATCH",
            "{standard}",
            {"includedContexts": [{"kind": "org", "values": ["a"]}]},
            "includedContexts[0]: unknown field kind",
        ),
        ("SEMANTIC", "{standard}", {"instructions": [], "dryRun": True}, "fields: environmentKey"),
        (
            "SEMANTIC",
            "{standard}",
            {"instructions": [{"kind": "addRule", "clauses": [], "wieght": 1}]},
            "instructions[0]: unknown field wieght; nearest: weight",
        ),
        (
            "PATCH",
            "{expiring}",
            {"instructions": [], "comments": "x"},
            "nearest: comment; fields: comment, instructions",
        ),
        (
            "PATCH",
            "{expiring}",
            {
                "instructions": [
                    {
                        "kind": "addExpiringTarget",
                        "contextKey": "a",
                        "contextKind": "user",
                        "targetType": "included",
                        "value": 1,
                        "versoin": 1,
                    }
                ]
            },
            "instructions.0: unknown field versoin; nearest: version",
        ),
        ("POST", _TOKENS, {"name": "t", "roles": "reader"}, "nearest: role"),
        (
            "POST",
            _TOKENS,
            {
                "inlineRole": [
                    {"effect": "allow", "actions": ["*"], "resources": ["proj/*"], "resource": []}
                ]
            },
            "inlineRole.0: unknown field resource; nearest: resources",
        ),
        ("POST", f"{_TOKENS}/0123/reset", {"expires": 1}, "nearest: expiry"),
        ("POST", _PROJECTS, {"key": "k", "name": "n", "environment": []}, "nearest: environments;"),
        (
            "POST",
            _PROJECTS,
            {"key": "k", "name": "n", "environments": [{"key": "e", "name": "n", "colour": "a"}]},
            "environments.0: unknown field colour; nearest: color",
        ),
        (
            "POST",
            f"{_PROJECTS}/default/environments",
            {"key": "e", "name": "n", "source": {"key": "production"}},
            "unknown field source",
        ),
        ("PATCH", f"{_PROJECTS}/default", {"patch": [], "coment": "x"}, "nearest: comment"),
        (
            "POST",
            "/api/v2/auditlog",
            [{"effect": "allow", "action": ["*"]}],
            "nearest: actions",
        ),
    ],
)
def test_request__unknown_field_or_parameter__is_refused_by_name(
    client: httpx.Client, vip: str, standard: str, method: str, path: str, body: Any, said: str
) -> None:
    expiring = f"/api/v2/segments/default/{vip.rpartition('/')[2]}/expiring-targets/production"
    headers = {"Content-Type": _SEMANTIC} if method == "SEMANTIC" else {}

    reply = client.request(
        method.replace("SEMANTIC", "PATCH"),
        path.format(vip=vip, standard=standard, expiring=expiring),
        json=body,
        headers=headers,
    )

    assert said in assert_refused(reply, 400, "invalid_request")


def test_edit__same_field_twice__is_refused(client: httpx.Client, vip: str) -> None:
    body = b'{"included":{"add":["first"]},"included":{"add":["second"]}}'

    reply = client.post(
        f"{vip}/contexts", content=body, headers={"Content-Type": "application/json"}
    )

    assert "two members of one name" in assert_refused(reply, 400, "invalid_request")


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"", "application/x-www-form-urlencoded", 200),
        (b"null", "application/json", 200),
        (b"{}", "application/json", 200),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"format=parquet", "application/x-www-form-urlencoded", 415),
    ],
)
def test_export__bodies_that_clients_send__are_taken_or_refused(
    client: httpx.Client, content: bytes, kind: str, status: int
) -> None:
    path = f"{SEGMENTS}/{create_segment(client)}/exports"

    reply = client.post(path, content=content, headers={"Content-Type": kind})

    assert reply.status_code == status, reply.text


def test_get__unknown_parameters__are_ignored(client: httpx.Client, standard: str) -> None:
    assert client.get(standard, params={"cachebuster": "1"}).status_code == 200


#: What a patch ignores is played by the requests of Terraform's provider.
_CREATED = {"new segment": SEGMENTS, "new project": _PROJECTS}


@pytest.mark.parametrize(
    ("body", "name"),
    [(one.body, name) for one in IGNORED if one.body in _CREATED for name in sorted(one.names)],
)
def test_create__field_that_real_clients_send__is_ignored(
    client: httpx.Client, body: str, name: str
) -> None:
    path = _CREATED[body]

    reply = client.post(path, json={"key": new_key(), "name": "N", name: [{"any": 1}]})

    assert reply.status_code == 201, reply.text
    assert reply.json().get(name, []) == []
    client.delete(f"{path}/{reply.json()['key']}")


def test_merge__representation_sent_back__is_taken(client: httpx.Client, standard: str) -> None:
    shown = client.get(standard).json()

    reply = client.patch(standard, json=shown)

    assert reply.status_code == 200, reply.text
