"""Replaces what varies from run to run in what the API answers by what does not.

Ids become ids made of their number in order of appearance, and a time becomes that of the step
in which it was: steps are a minute apart in the recording.
"""

import base64
import hashlib
import json
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

_BASE_MS: Final = 1_763_700_000_000
_CLOCK: Final = "2025-11-21T04:40:00Z"
_STEP_MS: Final = 60_000
_DAY_MS: Final = 86_400_000
#: For how long a URL of a part can be used.
_URL_MS: Final = 3_600_000
#: How long after its end an export is kept, and how long the URL of its file can be used.
_LASTING_MS: Final = {"expirationTime": 7 * _DAY_MS, "urlExpirationTime": _URL_MS}
_S3_ID: Final = "VXBsb2FkIGlk"
_SIGNED: Final = "5f3e0c1b"
_IDS: Final = re.compile(
    r"(?P<uuid>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
    r"|(?P<key>(?:(?<=sdk-|mob-)|(?<=vf_server_))[0-9a-f]{32})"
    r"|(?P<webhook>(?<=whsec_)[A-Za-z0-9+/]{43}=)"
    r"|(?P<start>(?:(?<=sdk-)|(?<=vf_server_))[0-9a-f]{3}(?=\*))"
    r"|(?P<hex>(?<![0-9a-f])[0-9a-f]{24}(?:[0-9a-f]{4}|[0-9a-f]{8}|[0-9a-f]{40})?(?![0-9a-f]))"
    r"|(?P<relay>(?<![0-9a-f.])[0-9a-f]{8}\.\d+\.\d+\.[0-9a-f]{8}(?![0-9a-f]))"
    r"|(?P<clock>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)"
    r"|(?P<entry>(?<!\d)1[6-9]\d{11}-\d+(?!\d))"
    r"|(?P<time>(?<!\d)1[6-9]\d{11}(?!\d))"
)
#: The specification's example is shorter; this is of as many bytes as a real one.
_WEBHOOK_SECRET: Final = (
    base64.b64encode(b"a secret that only two parties know").decode()[:43] + "="
)
#: Of changes that a relay has; one version is recorded.
_RELAY_VERSION: Final = "3c5a0d1f.1000000.1.8b2e4f70"
#: What stands for each of a kind.
_THE_SAME: Final = {
    "webhook": _WEBHOOK_SECRET,
    "relay": _RELAY_VERSION,
    "clock": _CLOCK,
}
_SECRET_END: Final = 4
#: What all keys of SDKs begin with: more are made than three digits can tell apart.
_KEY_START: Final = "d4e"
#: When a schedule is due next; the recording is not as of a set time.
_NEXT_RUN_MS: Final = 1_763_776_800_000
#: Figures that a worker measures, which differ with every run: seconds of a stage and of a job.
_STAGE_S: Final = 0.1
_JOB_S: Final = 0.4
#: How far the sets that SDKs read were behind when they were asked about.
_LAG_MS: Final = 120
_UNDER_WAY: Final = {"percent": 46.0, "bytesDone": 60_000, "rowsDone": 4_000, "etaSeconds": 1.5}


@dataclass(slots=True)
class Normaliser:
    """Replaces ids, times and measurements, the same ones by the same ones."""

    replaced: dict[str, str] = field(default_factory=dict)
    """What stands for what was answered."""
    _starts_ms: list[int] = field(default_factory=list)
    _secret_ends: dict[str, str] = field(default_factory=dict)
    _ids: int = 0

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
            return {
                _IDS.sub(self._stand_in, name): self._field_of_link(name, inside, value)
                if name in {"expiryTime", "url", *_LASTING_MS}
                else self._field(name, inside, value)
                for name, inside in value.items()
            }
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
        if name == "nextRunAt":
            return value and _NEXT_RUN_MS
        if name == "lagMs":
            return None if value is None else _LAG_MS
        return self._figure(name, value, siblings)

    def _figure(self, name: str, value: Any, siblings: Mapping[str, Any]) -> Any:
        if name == "rate":
            rows: int = siblings["rowsDone"]
            return round(rows / _JOB_S, 1) if rows else value
        if name == "reset" and "resetMs" in siblings:
            return self.normalise(siblings["resetMs"]) // 1_000
        if name == "seconds":
            return {part: _JOB_S if part == "total" else _STAGE_S for part in value}
        if name == "token" and isinstance(value, str):
            secret = self.normalise(value)
            if len(value) == _SECRET_END:
                return self._secret_ends.get(value, value)
            self._secret_ends[value[-_SECRET_END:]] = secret[-_SECRET_END:]
            return secret
        return self.normalise(value)

    def _field_of_link(self, name: str, value: Any, siblings: Mapping[str, Any]) -> Any:
        """A field of a direct upload or an export, or of what else has a field of that name."""
        if name in _LASTING_MS and value is not None:
            return self.normalise(value - _LASTING_MS[name]) + _LASTING_MS[name]
        if name == "expiryTime":
            valid_ms = _URL_MS if "parts" in siblings else _DAY_MS
            return self.normalise(value - valid_ms) + valid_ms
        signed = isinstance(value, str) and "X-Amz-Signature=" in value
        return self._part_url(value) if signed else self.normalise(value)

    def _part_url(self, url: str) -> str:
        """A presigned URL of some bucket, whose signature stands for any."""
        parts = urlsplit(url)
        key = self.normalise(parts.path.partition("/bigseg-internal/")[2])
        query = f"X-Amz-Expires=3600&X-Amz-Signature={_SIGNED}"
        if part := parse_qs(parts.query).get("partNumber"):
            query = f"partNumber={part[0]}&uploadId={_S3_ID}&{query}"
        return f"https://bigseg.s3.amazonaws.com/bigseg-internal/{key}?{query}"

    def _stand_in(self, match: re.Match[str]) -> str:
        real = match[0]
        if match["start"]:
            return _KEY_START
        if real not in self.replaced:
            self.replaced[real] = self._new_stand_in(match)
        return self.replaced[real]

    def _new_stand_in(self, match: re.Match[str]) -> str:
        if match["uuid"] or match["hex"] or match["key"]:
            # Ids alone are counted: how many different times a step has is chance.
            self._ids += 1
            number, start = str(self._ids), _KEY_START if match["key"] else ""
            if match["uuid"]:
                return str(uuid.uuid5(uuid.NAMESPACE_URL, number))
            return (start + hashlib.sha256(number.encode()).hexdigest())[: len(match[0])]
        if match.lastgroup in _THE_SAME:
            return _THE_SAME[match.lastgroup]
        at, dash, _ = match[0].partition("-")
        step = sum(1 for start in self._starts_ms if start <= int(at)) - 1
        if step < 0:
            return match[0]  # a time of the past that the request has chosen
        moment = str(_BASE_MS + step * _STEP_MS)
        if not dash:
            return moment
        taken = {name for name in self.replaced.values() if name.startswith(f"{moment}-")}
        return f"{moment}-{len(taken)}"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
