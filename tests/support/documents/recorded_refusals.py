"""Records the refusals that any operation may answer with, and those that nobody asked for."""

import contextlib
import socket
from typing import Any, Final

import httpx

from tests.support.documents import names
from tests.support.documents.recording import REFUSALS, Recorder
from tests.support.servers.redis import Server

#: What the API must be set to: everything is soon too much or too slow, and nothing stored.
FRAIL_SETTINGS: Final = {
    "S3_BUCKET": "missing-bucket",
    "BODY_TIMEOUT_S": "1",
    "LIMIT_TOKEN": "12",
}
#: Path parameters that need not name anything that exists.
_ANYTHING: Final = frozenset({"contextKey", "userKey", "resourceType", "resourceKey"})
_SEGMENTS: Final = f"/api/v2/segments/{names.PROJECT}/{names.ENVIRONMENT}"


def record_refusals(recorder: Recorder, server: Server) -> None:
    """Ask an API of its own, with ``FRAIL_SETTINGS``; its store server is stopped on the way."""
    client = recorder.client
    with recorder.about(REFUSALS):
        recorder.refuse(client.get(_SEGMENTS, headers={"Authorization": "unknown"}), 401)
        made = client.post("/api/v2/tokens", json={"name": "a reader", "role": "reader"}).json()
        reader = {"Authorization": made["token"]}
        recorder.refuse(client.post(_SEGMENTS, json={}, headers=reader), 403)
        recorder.refuse(
            client.post(_SEGMENTS, content="{}", headers={"Content-Type": "text/plain"}), 415
        )
        recorder.refuse(client.post(_SEGMENTS, content=b" " * 5_242_881), 413)
        recorder.refuse(client.get(_SEGMENTS, headers={"X-Long": "x" * 65_536}), 431)
        recorder.refuse(_slow_request(client), 408)
        big = {"key": names.BIG_SEGMENT, "name": "VIP customers", "unbounded": True}
        assert client.post(_SEGMENTS, json=big).is_success
        upload = {"file": ("customers.csv", "customer-1234\n")}
        recorder.refuse(client.post(f"{_SEGMENTS}/{names.BIG_SEGMENT}/imports", files=upload), 500)
        recorder.ask("getReadiness", "a part does not answer", status=503)
        limited = next(
            reply
            for reply in (client.get(_SEGMENTS, headers=reader) for _ in range(100))
            if not reply.is_success
        )
        recorder.refuse(limited, 429)
        server.stop()
        recorder.refuse(client.get(_SEGMENTS), 503)


def record_missing(recorder: Recorder) -> None:
    """Ask for what is not there and with what is not known, where nobody has."""
    for template, item in recorder.document["paths"].items():
        for operation in item.values():
            name = operation["operationId"]
            examples = recorder.normaliser.real(recorder.examples(name))
            for status in sorted(operation["responses"].keys() & {"400", "404"}):
                if not recorder.has(name, status):
                    with recorder.about(_noun_of(recorder, name)):
                        _provoke(recorder, name, template, examples, int(status))


def _provoke(
    recorder: Recorder, name: str, template: str, examples: dict[str, Any], status: int
) -> None:
    parameters = examples.get("parameters", {})
    path = {one: value for one, value in parameters.items() if f"{{{one}}}" in template}
    bodies = examples.get("bodies", {})
    media_type = next(iter(bodies), "application/json")
    body = next(iter(bodies.get(media_type, {}).values()), None)
    query = {"limit": 0} if "limit" in parameters else {"no-such-parameter": "1"}
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


def _noun_of(recorder: Recorder, operation_id: str) -> str:
    return next(noun for noun, found in recorder.recorded.items() if operation_id in found)


def _slow_request(client: httpx.Client) -> httpx.Response:
    """A request whose body never comes."""
    url = client.base_url
    with contextlib.closing(socket.create_connection((url.host, url.port or 80))) as connection:
        head = (
            f"POST {_SEGMENTS} HTTP/1.1\r\nHost: {url.host}\r\nContent-Length: 10\r\n"
            f"Authorization: {client.headers['Authorization']}\r\n"
            "Content-Type: application/json\r\n\r\n"
        )
        connection.sendall(head.encode())
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    status_line, _, rest = answer.partition(b"\r\n")
    raw_headers, _, content = rest.partition(b"\r\n\r\n")
    headers = [line.partition(b": ")[::2] for line in raw_headers.split(b"\r\n")]
    return httpx.Response(int(status_line.split()[1]), headers=headers, content=content)
