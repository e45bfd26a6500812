"""Options of an import, in a form and as JSON: each is part of the request, or refused."""

from typing import Final

import httpx
import pytest

from tests.support.clients.imports import post_list, stored_request, uploaded_keys
from tests.support.servers.api import SEGMENTS, assert_refused, create_segment
from worker.objects import ObjectStore
from worker.options.guards import GuardOptions
from worker.options.lists import ListOptions
from worker.store import Store


@pytest.fixture
def segment(client: httpx.Client) -> str:
    return create_segment(client)


_FLAGS: Final = {
    "allowRejected": "allow_rejected",
    "allowShrink": "allow_shrink",
    "allowEmpty": "allow_empty",
    "allowErased": "allow_erased",
}


@pytest.mark.parametrize("as_form", [True, False])
@pytest.mark.parametrize("flag", [None, *_FLAGS])
def test_import__flag_that_overrides_a_guard__is_part_of_the_request(
    client: httpx.Client,
    store: Store,
    objects: ObjectStore,
    segment: str,
    flag: str | None,
    *,
    as_form: bool,
) -> None:
    if as_form:
        reply = post_list(client, segment, data={flag: "true"} if flag else {})
    else:
        body = {"source": f"s3://{objects.bucket}/lists/a"} | ({flag: True} if flag else {})
        reply = client.post(f"{SEGMENTS}/{segment}/imports", json=body)

    request = stored_request(store, reply.headers["location"].rpartition("/")[2])
    overridden = [name for name, of in _FLAGS.items() if getattr(request, of)]
    assert overridden == ([flag] if flag else [])


_GUARDS: Final = {
    "onGuard": "stop",
    "onWarning": "pend",
    "maxRejectedShare": 0,
    "maxWarningShare": 0.5,
    "maxShrinkShare": 1,
    "maxGrowthShare": 2.5,
}


@pytest.mark.parametrize("as_form", [True, False])
@pytest.mark.parametrize("given", [True, False])
def test_import__what_is_said_of_the_guards__is_part_of_the_request(
    client: httpx.Client,
    store: Store,
    objects: ObjectStore,
    segment: str,
    *,
    given: bool,
    as_form: bool,
) -> None:
    if as_form:
        text = {name: str(value) if given else "" for name, value in _GUARDS.items()}
        reply = post_list(client, segment, data={**text, "dryRun": str(given)})
    else:
        said = {**_GUARDS, "dryRun": True} if given else dict.fromkeys(_GUARDS)
        body = {"source": f"s3://{objects.bucket}/lists/a", **said}
        reply = client.post(f"{SEGMENTS}/{segment}/imports", json=body)

    import_id = reply.headers["location"].rpartition("/")[2]
    request = stored_request(store, import_id)
    expected = GuardOptions("stop", "pend", 0, 0.5, 1, 2.5) if given else GuardOptions()
    assert (request.guards, request.dry_run) == (expected, given)
    no_preview = client.get(f"{SEGMENTS}/{segment}/imports/{import_id}/preview")
    assert "has no preview: it is ready" in assert_refused(no_preview, 404, "not_found")
    entries = client.get(
        "/api/v2/auditlog", params={"limit": 1, "spec": f"proj/*:env/*:segment/{segment}"}
    ).json()["items"]
    assert ("import" in entries[0]["titleVerb"]) is not given, "a dry run changes nothing"


_READING: Final = {
    "format": "csv",
    "delimiter": ";",
    "header": True,
    "column": 2,
    "compression": "gzip",
    "encoding": "windows-1252",
    "trim": True,
    "lowercase": True,
    "nullText": "NULL",
}


@pytest.mark.parametrize("as_form", [True, False])
def test_import__how_its_list_is_read__is_part_of_the_request(
    client: httpx.Client, store: Store, objects: ObjectStore, segment: str, *, as_form: bool
) -> None:
    if as_form:
        fields = {name: str(value) for name, value in _READING.items()}
        reply = post_list(client, segment, data=fields)
    else:
        body = {"source": f"s3://{objects.bucket}/lists/a"} | _READING
        reply = client.post(f"{SEGMENTS}/{segment}/imports", json=body)

    request = stored_request(store, reply.headers["location"].rpartition("/")[2])
    assert request.reading == ListOptions(
        format="csv",
        delimiter="semicolon",
        header=True,
        column="2",
        compression="gzip",
        encoding="windows-1252",
        trim=True,
        lowercase=True,
        null_text="NULL",
    )


def test_import__null_or_empty_options__are_left_out(
    client: httpx.Client, store: Store, objects: ObjectStore, segment: str
) -> None:
    body = {"source": f"s3://{objects.bucket}/lists/a"} | dict.fromkeys(_READING)

    reply = client.post(f"{SEGMENTS}/{segment}/imports", json=body)

    request = stored_request(store, reply.headers["location"].rpartition("/")[2])
    assert request.reading == ListOptions()
    other = create_segment(client)
    reply = post_list(client, other, data=dict.fromkeys(_READING, ""))
    request = stored_request(store, reply.headers["location"].rpartition("/")[2])
    assert request.reading == ListOptions()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"format": "orc"}, "format"),
        ({"delimiter": "#"}, "delimiter"),
        ({"column": "0"}, "columns are counted from 1"),
        ({"column": "x" * 201}, "column"),
        ({"column": "id", "header": "false"}, "found by its name in the header"),
        ({"format": "parquet", "encoding": "latin-1"}, "format parquet has none"),
        ({"format": "tsv", "delimiter": "comma"}, "separated by tabs"),
        ({"trim": "perhaps"}, "use true or false"),
    ],
)
def test_import__how_no_list_is_read__refused_and_nothing_is_left(
    client: httpx.Client, objects: ObjectStore, segment: str, fields: dict[str, str], said: str
) -> None:
    body = {"source": f"s3://{objects.bucket}/lists/a"} | fields

    from_form = assert_refused(post_list(client, segment, data=fields), 400, "invalid_request")
    reply = client.post(f"{SEGMENTS}/{segment}/imports", json=body)
    from_json = assert_refused(reply, 400, "invalid_request")

    assert said in from_form
    assert said in from_json
    assert uploaded_keys(objects, segment) == []
