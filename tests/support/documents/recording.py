"""Records what the API answers, with what varies from run to run replaced by what does not."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import unified_diff
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import quote

import httpx

from api.rest.operations import JSON
from tests.support.documents.normalising import Normaliser
from tests.support.documents.openapi import Document
from tests.support.servers.redis import wait_until

_API: Final = Path(__file__).parents[3] / "api"
Dialect = Literal["launchdarkly", "vercel", "sdk"]
DIALECTS: Final[tuple[Dialect, ...]] = ("launchdarkly", "vercel", "sdk")
#: The name under which refusals are recorded that any operation may answer with.
REFUSALS: Final = "refusals"

_FIRST_REFUSAL: Final = 400
_ERROR_ID: Final = "7b2a1c5e-0d4f-4c8a-9e53-1f6d0b9a2c47"
_HEADERS: Final = (
    *("Location", "Accept-Ranges", "Content-Disposition"),
    *("Content-Range", "ETag", "Retry-After"),
)
_LIMITED: Final = 429
#: What is left of a window differs with every run.
_WAIT_S: Final = "4"
_FORM: Final = "multipart/form-data"

Examples = dict[str, Any]
Recorded = dict[str, dict[str, Examples]]
"""By dialect and noun, such as ``vercel/segments``, and by operation."""
Keep = Literal["all", "body", "answer", "nothing"]


@dataclass(slots=True)
class Recorder:
    """Sends requests and keeps what was sent and answered, see ``Recorded``."""

    client: httpx.Client
    document: Document
    normaliser: Normaliser = field(default_factory=Normaliser)
    recorded: Recorded = field(default_factory=dict)
    _noun: str = ""

    @contextmanager
    def about(self, noun: str, dialect: Dialect = "launchdarkly") -> Iterator[None]:
        """Keep what is recorded meanwhile in the dialect's file of this noun."""
        self._noun, before = f"{dialect}/{noun}", self._noun
        yield
        self._noun = before

    def ask(
        self,
        operation_id: str,
        label: str | None = None,
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        media_type: str = JSON,
        status: int = 200,
        keep: Keep = "all",
        lines: str = "",
        client: httpx.Client | None = None,
    ) -> httpx.Response:
        """Send one request, and record it and its answer.

        Args:
            operation_id: which operation.
            label: what is special about the request and the answer; a refusal has its code.
            path: the path's parameters.
            query: the query's.
            headers: the header parameters.
            body: JSON, or the fields of a form.
            media_type: of the body.
            status: what has to be answered.
            keep: what is recorded; of a refused request the answer at most.
            lines: how the lines of a text begin that are recorded; ``''`` means all.
            client: sends it with another token.
        """
        method, template = _place_of(self.document, operation_id)
        self.normaliser.begin_step()
        reply = (client or self.client).request(
            method,
            template.format(**{name: quote(value, "") for name, value in (path or {}).items()}),
            params=query,
            headers={**(headers or {}), **_type_header(body, media_type)},
            **_content(body, media_type),
        )
        assert reply.status_code == status, f"{operation_id} {label}: {reply.text}"
        accepted = status < _FIRST_REFUSAL
        given = {**(path or {}), **(query or {}), **(headers or {})}
        if accepted and keep == "all" and given:
            self._keep_parameters(operation_id, given)
        if accepted and keep in {"all", "body"} and body is not None:
            bodies = self._kept(operation_id).setdefault("bodies", {})
            bodies.setdefault(media_type, {})[label] = self.normaliser.normalise(body)
        if keep in {"all", "answer"}:
            self._keep_answer(self._kept(operation_id), label, reply, lines)
        return reply

    def keep_parameters(self, operation_id: str, given: Mapping[str, Any]) -> None:
        """Record parameters of a request whose answer has no end, and which is not sent here."""
        self._keep_parameters(operation_id, given)

    def refuse(self, reply: httpx.Response, status: int) -> None:
        """Record a refusal that any operation may answer with."""
        assert reply.status_code == status, reply.text
        kept = self.recorded.setdefault(self._noun, {}).setdefault(REFUSALS, {})
        self._keep_answer(kept, None, reply, "")

    def wait(self, get: Callable[[], httpx.Response], until: Callable[[Any], bool]) -> None:
        """Poll until a JSON answer is as wanted; nothing of it is recorded."""
        wait_until(lambda: until(get().json()), "what the recording waits for")

    def has(self, operation_id: str, status: str) -> bool:
        """Whether an answer with this status was recorded."""
        return status in self.examples(operation_id).get("answers", {})

    def examples(self, operation_id: str) -> Examples:
        """What was recorded of an operation; nothing unless it was asked."""
        return next(
            (named[operation_id] for named in self.recorded.values() if operation_id in named), {}
        )

    def _kept(self, operation_id: str) -> Examples:
        for operations in self.recorded.values():
            if operation_id in operations:
                return operations[operation_id]
        return self.recorded.setdefault(self._noun, {}).setdefault(operation_id, {})

    def _keep_parameters(self, operation_id: str, given: Mapping[str, Any]) -> None:
        parameters = self._kept(operation_id).setdefault("parameters", {})
        for name, value in given.items():
            parameters.setdefault(name, self.normaliser.normalise(value))

    def _keep_answer(
        self, kept: Examples, label: str | None, reply: httpx.Response, lines: str
    ) -> None:
        status = str(reply.status_code)
        limits = [name for name in reply.headers if name.startswith("x-ratelimit")]
        names = (*_HEADERS, *limits * (reply.status_code == _LIMITED))
        headers = {_spelled(name): reply.headers[name] for name in names if name in reply.headers}
        if headers:
            every = kept.setdefault("headers", {}).setdefault(status, {})
            for name, text in headers.items():
                value = self.normaliser.normalise(text)
                if name == "Retry-After" and limits:
                    value = _WAIT_S
                every.setdefault(name, int(value) if value.isdecimal() else value)
        if not reply.content:
            return
        is_json = reply.headers["content-type"].startswith("application/json")
        value = _lines(reply.text, lines)
        if is_json:
            value = self.normaliser.normalise(reply.json())
        if reply.status_code >= _FIRST_REFUSAL and "code" in value:
            label, value = label or value["code"], value | {"id": _ERROR_ID}
        if reply.status_code >= _FIRST_REFUSAL and "error" in value:
            error = value["error"] | {"id": _ERROR_ID}
            label, value = label or error["code"], {"error": error}
        elif reply.status_code >= _FIRST_REFUSAL and value.keys() == {"message", "id"}:
            label, value = label or "refused", value | {"id": _ERROR_ID}
        assert label
        kept.setdefault("answers", {}).setdefault(status, {})[label] = value


def noun_of(recorded: Recorded, operation_id: str) -> tuple[str, Dialect]:
    """The noun and the dialect that an operation was recorded under."""
    key = next((noun for noun, found in recorded.items() if operation_id in found), "")
    assert key, f"nobody has asked for {operation_id}: ask in tests/support/documents"
    dialect = next(dialect for dialect in DIALECTS if key.startswith(f"{dialect}/"))
    return key.removeprefix(f"{dialect}/"), dialect


def read_recorded() -> Recorded:
    """What stands in the files, by dialect and noun."""
    return {
        f"{dialect}/{file.stem}": json.loads(file.read_text(encoding="utf-8"))
        for dialect in DIALECTS
        for file in _folder(dialect).glob("*.json")
    }


def write_recorded(recorded: Recorded) -> None:
    """Write the files anew."""
    for dialect in DIALECTS:
        for file in _folder(dialect).glob("*.json"):
            file.unlink()
    for name, operations in recorded.items():
        folder, _, noun = name.partition("/")
        text = json.dumps(operations, indent=2, ensure_ascii=False)
        (_folder(folder) / f"{noun}.json").write_text(f"{text}\n", encoding="utf-8")


def find_differences(kept: Recorded, recorded: Recorded) -> list[str]:
    """What of the one is not in the other, with the lines around it."""

    def lines(one: Recorded) -> list[str]:
        return json.dumps(one, indent=2, ensure_ascii=False, sort_keys=True).splitlines()

    return [*unified_diff(lines(kept), lines(recorded), "kept", "recorded", lineterm="")]


def _folder(dialect: str) -> Path:
    return _API / dialect / "openapi/examples"


def _place_of(document: Document, operation_id: str) -> tuple[str, str]:
    return next(
        (method, path)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if operation["operationId"] == operation_id
    )


def _spelled(name: str) -> str:
    return name if name in _HEADERS else name.title()


def _lines(text: str, beginning: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if line.startswith(beginning))


def _type_header(body: Any, media_type: str) -> dict[str, str]:
    return {} if body is None or media_type == _FORM else {"Content-Type": media_type}


def _content(body: Any, media_type: str) -> dict[str, Any]:
    if body is None:
        return {}
    if media_type != _FORM:
        return {"content": json.dumps(body)}
    fields = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in body.items()
        if name != "file"
    }
    return {"files": {"file": ("customers.csv", body["file"])}, "data": fields}
