"""Records what the API answers, with what varies from run to run replaced by what does not.

Ids become ids made of their number in order of appearance, and a time becomes that of the step
in which it was: steps are a minute apart in the recording.
"""

import hashlib
import json
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import quote

import httpx

from api.launchdarkly.operations import JSON
from tests.support.documents.openapi import Document
from tests.support.servers.redis import wait_until

FOLDER: Final = Path(__file__).parents[3] / "api/launchdarkly/openapi/examples"
#: The name under which refusals are recorded that any operation may answer with.
REFUSALS: Final = "refusals"

_BASE_MS: Final = 1_763_700_000_000
_CLOCK: Final = "2025-11-21T04:40:00Z"
_STEP_MS: Final = 60_000
_DAY_MS: Final = 86_400_000
_IDS: Final = re.compile(
    r"(?P<uuid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
    r"|(?P<key>(?<=sdk-|mob-)[0-9a-f]{32})"
    r"|(?P<hex>(?<![0-9a-f])[0-9a-f]{24}(?![0-9a-f]))"
    r"|(?P<clock>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"
    r"|(?P<entry>(?<!\d)1[6-9]\d{11}-\d+(?!\d))"
    r"|(?P<time>(?<!\d)1[6-9]\d{11}(?!\d))"
)
_FIRST_REFUSAL: Final = 400
_ERROR_ID: Final = "7b2a1c5e-0d4f-4c8a-9e53-1f6d0b9a2c47"
_SECRET_END: Final = 4
_HEADERS: Final = (
    *("Location", "Accept-Ranges", "Content-Disposition"),
    *("Content-Range", "ETag", "Retry-After"),
)
_LIMITED: Final = 429
_FORM: Final = "multipart/form-data"
#: Figures that a worker measures, which differ with every run: seconds of a stage and of a job.
_STAGE_S: Final = 0.1
_JOB_S: Final = 0.4
_UNDER_WAY: Final = {"bytesDone": 60_000, "rowsDone": 4_000, "etaSeconds": 1.5}

Examples = dict[str, Any]
Recorded = dict[str, dict[str, Examples]]
"""By noun and operation."""
Keep = Literal["all", "body", "answer", "nothing"]


@dataclass(slots=True)
class Normaliser:
    """Replaces ids, times and measurements, the same ones by the same ones."""

    replaced: dict[str, str] = field(default_factory=dict)
    """What stands for what was answered."""
    _starts_ms: list[int] = field(default_factory=list)
    _secret_ends: dict[str, str] = field(default_factory=dict)

    def begin_step(self) -> None:
        """All times from now on belong to another step."""
        last = _now_ms()
        while (now := _now_ms()) == last:
            pass  # for less than a millisecond
        self._starts_ms.append(now)

    def bind_time(self, real_ms: int, offset_ms: int) -> None:
        """Let a time that no step is at stand as one of the day before."""
        self.replaced[str(real_ms)] = str(_BASE_MS - _DAY_MS + offset_ms)

    def normalise(self, value: Any) -> Any:
        """Replace what varies in any JSON value."""
        if isinstance(value, str):
            return _IDS.sub(self._stand_in, value)
        if isinstance(value, list):
            return [self.normalise(inside) for inside in value]
        if isinstance(value, dict):
            if value.get("stage") == "gather" and value.get("status") == "in_progress":
                value = {**value, "progress": {**value["progress"], **_UNDER_WAY}}
            return {name: self._field(name, inside, value) for name, inside in value.items()}
        if type(value) is int:
            return int(self.normalise(str(value)))
        return value

    def real(self, value: Any) -> Any:
        """Give what stands for ids back as the ids."""
        text = json.dumps(value)
        for real, recorded in self.replaced.items():
            if not recorded.isdecimal():
                text = text.replace(recorded, real)
        return json.loads(text)

    def _field(self, name: str, value: Any, siblings: Mapping[str, Any]) -> Any:
        if name == "rate":
            rows: int = siblings["rowsDone"]
            return round(rows / _JOB_S, 1) if rows else value
        if name == "seconds":
            return {part: _JOB_S if part == "total" else _STAGE_S for part in value}
        if name == "token" and isinstance(value, str):
            secret = self.normalise(value)
            if len(value) == _SECRET_END:
                return self._secret_ends.get(value, value)
            self._secret_ends[value[-_SECRET_END:]] = secret[-_SECRET_END:]
            return secret
        return self.normalise(value)

    def _stand_in(self, match: re.Match[str]) -> str:
        real = match[0]
        if real not in self.replaced:
            self.replaced[real] = self._new_stand_in(match)
        return self.replaced[real]

    def _new_stand_in(self, match: re.Match[str]) -> str:
        number = str(len(self.replaced))
        if match["uuid"]:
            return str(uuid.uuid5(uuid.NAMESPACE_URL, number))
        if match["clock"]:
            return _CLOCK
        if match["hex"] or match["key"]:
            return hashlib.sha256(number.encode()).hexdigest()[: len(match[0])]
        at, dash, _ = match[0].partition("-")
        step = sum(1 for start in self._starts_ms if start <= int(at)) - 1
        if step < 0:
            return match[0]  # a time of the past that the request has chosen
        moment = str(_BASE_MS + step * _STEP_MS)
        if not dash:
            return moment
        taken = {one for one in self.replaced.values() if one.startswith(f"{moment}-")}
        return f"{moment}-{len(taken)}"


@dataclass(slots=True)
class Recorder:
    """Sends requests and keeps what was sent and answered, by noun and operation."""

    client: httpx.Client
    document: Document
    normaliser: Normaliser = field(default_factory=Normaliser)
    recorded: Recorded = field(default_factory=dict)
    _noun: str = ""

    @contextmanager
    def about(self, noun: str) -> Iterator[None]:
        """Keep what is recorded meanwhile in the file of this noun."""
        self._noun, before = noun, self._noun
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
            self._keep_answer(operation_id, label, reply, lines)
        return reply

    def refuse(self, reply: httpx.Response, status: int) -> None:
        """Record a refusal that any operation may answer with."""
        assert reply.status_code == status, reply.text
        self._keep_answer(REFUSALS, None, reply, "")

    def wait(self, get: Callable[[], httpx.Response], until: Callable[[Any], bool]) -> None:
        """Ask again and again until a JSON answer is as wanted; recorded by none."""
        self.normaliser.begin_step()
        wait_until(lambda: until(get().json()), "what the recording waits for", 30)

    def has(self, operation_id: str, status: str) -> bool:
        """Whether an answer with this status was recorded."""
        found = [one.get(operation_id, {}) for one in self.recorded.values()]
        return any(status in one.get("answers", {}) for one in found)

    def examples(self, operation_id: str) -> Examples:
        """What was recorded of an operation; nothing unless it was asked."""
        return next(
            (one[operation_id] for one in self.recorded.values() if operation_id in one), {}
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
        self, operation_id: str, label: str | None, reply: httpx.Response, lines: str
    ) -> None:
        kept, status = self._kept(operation_id), str(reply.status_code)
        limits = [name for name in reply.headers if name.startswith("x-ratelimit")]
        names = (*_HEADERS, *limits * (reply.status_code == _LIMITED))
        headers = {_spelled(name): reply.headers[name] for name in names if name in reply.headers}
        if headers:
            every = kept.setdefault("headers", {}).setdefault(status, {})
            for name, text in headers.items():
                value = self.normaliser.normalise(text)
                every.setdefault(name, int(value) if value.isdecimal() else value)
        if not reply.content:
            return
        is_json = reply.headers["content-type"].startswith("application/json")
        value = _lines(reply.text, lines)
        if is_json:
            value = self.normaliser.normalise(reply.json())
        if reply.status_code >= _FIRST_REFUSAL and "code" in value:
            label, value = label or value["code"], value | {"id": _ERROR_ID}
        assert label
        kept.setdefault("answers", {}).setdefault(status, {})[label] = value


def read_recorded() -> Recorded:
    """What stands in the files, by noun."""
    return {
        file.stem: json.loads(file.read_text(encoding="utf-8")) for file in FOLDER.glob("*.json")
    }


def write_recorded(recorded: Recorded) -> None:
    """Write the files anew."""
    for file in FOLDER.glob("*.json"):
        file.unlink()
    for noun, operations in recorded.items():
        text = json.dumps(operations, indent=2, ensure_ascii=False)
        (FOLDER / f"{noun}.json").write_text(f"{text}\n", encoding="utf-8")


def _place_of(document: Document, operation_id: str) -> tuple[str, str]:
    return next(
        (method, path)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if operation["operationId"] == operation_id
    )


def _spelled(name: str) -> str:
    return name if name in _HEADERS else name.title()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


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
