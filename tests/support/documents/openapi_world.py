"""The instance that the examples were recorded from, as the documented requests need it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import httpx

from tests.support.documents import names
from tests.support.documents.recorded_sdks import RELAY_OPERATIONS, SDK_KEYS, SDK_OPERATIONS
from tests.support.documents.recorded_vercel import SDK_KEY_BODY
from tests.support.documents.recording import Recorder

PROJECTS: Final = "/api/v2/projects"
_FINE: Final = frozenset({200, 201, 202, 204, 404, 409})
FLAGS: Final = f"/v1/projects/{names.PROJECT}/feature-flags"
_VERCEL_SDKS: Final = frozenset({"getDatafile", "postFlagMetrics", "streamDatafile"})


@dataclass(frozen=True)
class World:
    """The instance, as the preparations reach it."""

    recorder: Recorder

    def __post_init__(self) -> None:
        """Make places where things may be created."""
        self.make(PROJECTS, {"key": names.SCRATCH_PROJECT, "name": "Scratch"})
        scratch = {"key": names.SCRATCH_ENVIRONMENT, "name": "Scratch"}
        self.make(f"{PROJECTS}/{names.PROJECT}/environments", scratch)

    @property
    def client(self) -> httpx.Client:
        """Asks the instance as its administrator."""
        return self.recorder.client

    def headers_of(self, operation_id: str) -> dict[str, str]:
        """What those send who may ask for this operation, where an access token is not enough."""
        if operation_id in _VERCEL_SDKS:
            return {"Authorization": f"Bearer {self.sdk_key['keyValue']}"}
        if operation_id in SDK_OPERATIONS | RELAY_OPERATIONS:
            return {"Authorization": self._environment_keys[operation_id in RELAY_OPERATIONS]}
        return {}

    def strange_headers_of(self, operation_id: str) -> dict[str, str]:
        """What those send who may not ask for this operation, where no access token would do."""
        is_for_relays = operation_id in RELAY_OPERATIONS
        return {"Authorization": self._environment_keys[False]} if is_for_relays else {}

    def real(self, value: Any) -> Any:
        """Put the instance's ids in the place of those that the document shows."""
        return self.recorder.normaliser.real(value)

    def make(self, path: str, body: Mapping[str, Any]) -> None:
        """Create something unless it is there."""
        self._ask("POST", path, body)

    def new_token(self, *resources: str) -> dict[str, Any]:
        """Create an access token for a reader of these resources, or of all."""
        statement = {"effect": "allow", "actions": ["*"], "resources": resources}
        body = {"name": "for one case", "inlineRole": [statement] * bool(resources)}
        reply = self.client.post("/api/v2/tokens", json={**body, "role": "reader"})
        assert reply.is_success, reply.text
        token: dict[str, Any] = reply.json()
        return token

    def put(self, path: str, body: Mapping[str, Any]) -> None:
        """Create something by PUT, as Vercel's dialect does, unless it is there."""
        self._ask("PUT", path, body)

    @cached_property
    def sdk_key(self) -> dict[str, Any]:
        """An SDK key of the project, which stays."""
        return self.new_sdk_key()

    @cached_property
    def _environment_keys(self) -> dict[bool, str]:
        """SDK keys of an environment, by whether they are for relays."""
        made = {relay: self.client.post(SDK_KEYS, json={"relay": relay}) for relay in (False, True)}
        return {relay: reply.raise_for_status().json()["key"] for relay, reply in made.items()}

    def new_environment_sdk_key(self) -> str:
        """Create an SDK key of an environment, and give its id."""
        reply = self.client.post(SDK_KEYS, json={}).raise_for_status()
        return str(reply.json()["_id"])

    def new_sdk_key(self) -> dict[str, Any]:
        """Create an SDK key."""
        reply = self.client.put(f"{FLAGS}/sdk-keys", json=SDK_KEY_BODY)
        assert reply.is_success, reply.text
        key: dict[str, Any] = reply.json()
        return key

    def unmake(self, path: str) -> None:
        """Delete something if it is there."""
        self._ask("DELETE", path, None)

    def change(self, path: str, body: Any) -> None:
        """Patch something that is there."""
        self._ask("PATCH", path, body)

    def _ask(self, method: str, path: str, body: Any) -> None:
        reply = self.client.request(method, path, json=body)
        assert reply.status_code in _FINE, f"{method} {path}: {reply.text}"
