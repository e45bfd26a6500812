"""Records the refusals that any operation may answer with, and those that nobody asked for."""

import contextlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Final

import httpx

from api.sdk.events.routes import BODY_BYTES
from tests.support.documents import names
from tests.support.documents.recorded_vercel import NAMED_BODY
from tests.support.documents.recording import REFUSALS, Dialect, Recorder, noun_of
from tests.support.servers.redis import Server
from worker.store import EnvironmentRef, Keyspace

#: What the API must be set to: everything is soon too much or too slow, and nothing stored.
FRAIL_SETTINGS: Final = {
    "S3_BUCKET": "missing-bucket",
    "BODY_TIMEOUT_S": "3",
    "LIMIT_TOKEN": "24",
}
_PIECE_BYTES: Final = 256 * 1024
#: Fewer than one caller may make in a window.
_TRIES: Final = 8
#: Path parameters that need not name anything that exists.
_ANYTHING: Final = frozenset(
    {
        *("contextKey", "contextKind", "userKey", "resourceType", "resourceKey"),
        *("side", "kind", "attribute"),
    }
)
#: Values that a query parameter of this name cannot have; unknown ones are ignored by reads.
_WRONG: Final[Mapping[str, Any]] = {"limit": 0, "part": 0, "withMetadata": "maybe"}
_VERCEL_SEGMENTS: Final = f"/v1/projects/{names.PROJECT}/feature-flags/segments"
_SEGMENTS: Final = f"/api/v2/segments/{names.PROJECT}/{names.ENVIRONMENT}"


_ENVIRONMENT: Final = f"/api/v2/projects/{names.PROJECT}/environments/{names.ENVIRONMENT}"
_SDK_DATA: Final = "/sdk/latest-all"


@dataclass(frozen=True, slots=True)
class _Collection:
    """What is asked of a dialect, to be refused: a collection in which something is created."""

    dialect: Dialect
    method: str
    path: str
    asked: str = "GET"
    """What costs nothing."""

    def create(self, client: httpx.Client, **options: Any) -> httpx.Response:
        """Ask to create something."""
        return client.request(self.method, self.path, **options)


_COLLECTIONS: Final = (
    _Collection("launchdarkly", "POST", _SEGMENTS),
    _Collection("vercel", "PUT", _VERCEL_SEGMENTS),
)

_EVENTS: Final = _Collection("sdk", "POST", "/bulk", asked="POST")


def record_refusals(recorder: Recorder, server: Server, keys: Keyspace) -> None:
    """Ask an API of its own, with ``FRAIL_SETTINGS``; its store server is stopped on the way."""
    client = recorder.client
    made = client.post("/api/v2/tokens", json={"name": "a reader", "role": "reader"}).json()
    reader = {"Authorization": made["token"]}
    sdk = {"Authorization": client.post(f"{_ENVIRONMENT}/apiKey").json()["apiKey"]}
    for collection in _COLLECTIONS:
        with recorder.about(REFUSALS, collection.dialect):
            _record_wrong_requests(recorder, collection, reader)
    _record_broken(recorder)
    with recorder.about(REFUSALS, "sdk"):
        _record_sdk_refusals(recorder, server, keys, sdk)
    with recorder.about("service"):
        recorder.ask("getReadiness", "a part does not answer", status=503)
    for collection in _COLLECTIONS:
        with recorder.about(REFUSALS, collection.dialect):
            _record_limit(recorder, collection, reader)
    with recorder.about(REFUSALS, "sdk"):
        _record_limit(recorder, _EVENTS, sdk)
    server.stop()
    for collection in _COLLECTIONS:
        with recorder.about(REFUSALS, collection.dialect):
            recorder.refuse(client.get(collection.path), 503)


def _record_wrong_requests(
    recorder: Recorder, collection: _Collection, reader: dict[str, str]
) -> None:
    client, refuse, create = recorder.client, recorder.refuse, collection.create
    refuse(client.get(collection.path, headers={"Authorization": "unknown"}), 401)
    refuse(create(client, json={}, headers=reader), 403)
    refuse(create(client, content="{}", headers={"Content-Type": "text/plain"}), 415)
    refuse(create(client, content=b" " * 5_242_881), 413)
    refuse(client.get(collection.path, headers={"X-Long": "x" * 65_536}), 431)
    refuse(_slow_request(client, collection, client.headers["Authorization"]), 408)


def _record_broken(recorder: Recorder) -> None:
    """Uploads of lists, for which there is no bucket."""
    client = recorder.client
    big = {"key": names.BIG_SEGMENT, "name": "VIP customers", "unbounded": True}
    assert client.post(_SEGMENTS, json=big).is_success
    assert client.put(_VERCEL_SEGMENTS, json=NAMED_BODY).is_success
    upload = {"file": ("customers.csv", "customer-1234\n")}
    with recorder.about(REFUSALS):
        recorder.refuse(client.post(f"{_SEGMENTS}/{names.BIG_SEGMENT}/imports", files=upload), 500)
    with recorder.about(REFUSALS, "vercel"):
        imports = f"{_VERCEL_SEGMENTS}/{NAMED_BODY['slug']}/lists/include/user/id/imports"
        recorder.refuse(client.put(imports, files=upload), 500)


def _too_many_events(client: httpx.Client, sdk: dict[str, str]) -> httpx.Response:
    """Send more than is taken, again if this machine is too slow for an API of little patience."""
    for _ in range(_TRIES):
        pieces = repeat(bytes(_PIECE_BYTES), BODY_BYTES // _PIECE_BYTES + 1)
        reply = client.post(_EVENTS.path, content=pieces, headers=sdk)
        if reply.status_code != httpx.codes.REQUEST_TIMEOUT:
            break
    return reply


def _record_sdk_refusals(
    recorder: Recorder, server: Server, keys: Keyspace, sdk: dict[str, str]
) -> None:
    """At the end the store holds what is no record.

    Were it stopped instead, chance would decide which part of the API notices first.
    """
    client, refuse = recorder.client, recorder.refuse
    refuse(client.get(_SDK_DATA, headers={"Authorization": "unknown"}), 401)
    refuse(_too_many_events(client, sdk), 413)
    refuse(client.get(_SDK_DATA, headers={**sdk, "X-Long": "x" * 65_536}), 431)
    refuse(_slow_request(client, _EVENTS, sdk["Authorization"]), 408)
    env = EnvironmentRef(names.PROJECT, names.ENVIRONMENT)
    server.command_reply("SET", keys.flag_data(env), "no hash")
    refuse(client.get(_SDK_DATA, headers=sdk), 500)
    server.command_reply("HSET", keys.sdk_store(env), "settings", "no record")
    refuse(client.get(_SDK_DATA, headers=sdk), 503)


def _record_limit(recorder: Recorder, collection: _Collection, reader: dict[str, str]) -> None:
    limited = next(
        reply
        for reply in (
            recorder.client.request(collection.asked, collection.path, headers=reader)
            for _ in range(100)
        )
        if not reply.is_success
    )
    recorder.refuse(limited, 429)


def record_missing(recorder: Recorder) -> None:
    """Ask for what is not there and with what is not known, where nobody has."""
    for template, item in recorder.document["paths"].items():
        for operation in item.values():
            name = operation["operationId"]
            examples = recorder.normaliser.real(recorder.examples(name))
            for status in sorted(operation["responses"].keys() & {"400", "404"}):
                if not recorder.has(name, status):
                    with recorder.about(*noun_of(recorder.recorded, name)):
                        _provoke(recorder, name, template, examples, int(status))


def _provoke(
    recorder: Recorder, name: str, template: str, examples: dict[str, Any], status: int
) -> None:
    parameters = examples.get("parameters", {})
    path = {one: value for one, value in parameters.items() if f"{{{one}}}" in template}
    bodies = examples.get("bodies", {})
    media_type = next(iter(bodies), "application/json")
    body = next(iter(bodies.get(media_type, {}).values()), None)
    query = next(
        ({name: wrong} for name, wrong in _WRONG.items() if name in parameters),
        {"no-such-parameter": "1"},
    )
    if "side" in path and status == 400:
        path["side"] = "both"
    if status == 404:
        query = {"after": parameters["after"]} if "after" in parameters else {}
        wrong = [name for name in path if name not in _ANYTHING][-1]
        path[wrong] = _nowhere(wrong)
    recorder.ask(name, path=path, query=query, body=body, media_type=media_type, status=status)


def _nowhere(parameter: str) -> str:
    return {
        "importID": "00000000-0000-4000-8000-000000000000",
        "exportID": "00000000-0000-4000-8000-000000000000",
        "number": "2000000000",
        "id": "000000000000000000000000",
    }.get(parameter, "no-such-key")


def _slow_request(
    client: httpx.Client, collection: _Collection, authorization: str
) -> httpx.Response:
    """A request whose body never comes."""
    url = client.base_url
    with contextlib.closing(socket.create_connection((url.host, url.port or 80))) as connection:
        head = (
            f"{collection.method} {collection.path} HTTP/1.1\r\nHost: {url.host}\r\n"
            f"Content-Length: 10\r\nAuthorization: {authorization}\r\n"
            "Content-Type: application/json\r\n\r\n"
        )
        connection.sendall(head.encode())
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    status_line, _, rest = answer.partition(b"\r\n")
    raw_headers, _, content = rest.partition(b"\r\n\r\n")
    headers = [line.partition(b": ")[::2] for line in raw_headers.split(b"\r\n")]
    return httpx.Response(int(status_line.split()[1]), headers=headers, content=content)
