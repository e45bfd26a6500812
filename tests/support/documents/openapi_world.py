"""The instance that the examples were recorded from, as the documented requests need it.

A case that needs something of its own, such as a segment to delete, gets it just before it
is sent: ``PREPARATIONS`` says how, by operation.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
from schemathesis import Case

from api.launchdarkly.wire.links import RESOURCE_KEY
from tests.support.documents import names
from tests.support.documents.patches import JSON_PATCHES
from tests.support.documents.recording import Recorder

AnyCase = Case[Any]

_PROJECTS: Final = "/api/v2/projects"
_SEGMENTS: Final = "/api/v2/segments"
_HERE: Final = f"{_SEGMENTS}/{names.PROJECT}/{names.ENVIRONMENT}"
_FINE: Final = frozenset({200, 201, 204, 404, 409})


@dataclass(frozen=True, slots=True)
class World:
    """The instance, as the preparations reach it."""

    recorder: Recorder

    def __post_init__(self) -> None:
        """Make places where things may be created."""
        self.make(_PROJECTS, {"key": names.SCRATCH_PROJECT, "name": "Scratch"})
        scratch = {"key": names.SCRATCH_ENVIRONMENT, "name": "Scratch"}
        self.make(f"{_PROJECTS}/{names.PROJECT}/environments", scratch)

    @property
    def client(self) -> httpx.Client:
        """Asks the instance as its administrator."""
        return self.recorder.client

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

    def unmake(self, path: str) -> None:
        """Delete something if it is there."""
        self._ask("DELETE", path, None)

    def change(self, path: str, body: Any) -> None:
        """Patch something that is there."""
        self._ask("PATCH", path, body)

    def _ask(self, method: str, path: str, body: Any) -> None:
        reply = self.client.request(method, path, json=body)
        assert reply.status_code in _FINE, f"{method} {path}: {reply.text}"


def _reset_standard(world: World) -> None:
    patch = JSON_PATCHES["merge patch with a comment"]
    world.change(f"{_HERE}/{names.SEGMENT}", {"merge": {**patch["merge"], **_TEXTS}})


def _for_patch(world: World, case: AnyCase) -> None:
    """Instructions for big segments go to the big one; the standard one is as in the examples."""
    if "BigSegment" in str(case.body) and case.path_parameters["segmentKey"] == names.SEGMENT:
        case.path_parameters["segmentKey"] = names.BIG_SEGMENT
    _reset_standard(world)


def _for_import(world: World, case: AnyCase) -> None:
    """A list takes one import at a time, and no worker is there to end any."""
    if case.path_parameters["segmentKey"] == _NEW["segmentKey"]:
        body = {"key": _NEW["segmentKey"], "name": "New", "unbounded": True}
        world.unmake(f"{_HERE}/{_NEW['segmentKey']}")
        world.make(_HERE, body)


def _for_delete(world: World, case: AnyCase) -> None:
    """Delete something made for it, never what other cases need."""
    collection = case.operation.path.rpartition("/")[0].format(**case.path_parameters)
    kind = ("projectKey", "environmentKey", "segmentKey")[len(case.path_parameters) - 1]
    if f"{collection}/{case.path_parameters[kind]}" in _NEEDED:
        case.path_parameters[kind] = _NEW[kind]
    if case.path_parameters[kind] == _NEW[kind]:
        world.make(collection, {"key": _NEW[kind], "name": "New"})


def _for_token(world: World, case: AnyCase) -> None:
    """Delete a token made for it."""
    documented = world.recorder.examples("deleteToken")["parameters"]
    if case.path_parameters["id"] == world.real(documented)["id"]:
        case.path_parameters["id"] = world.new_token()["_id"]


def _for_post(world: World, case: AnyCase) -> None:
    """Take away what has the key already, unless other cases need it."""
    if not isinstance(case.body, dict) or not isinstance(case.body.get("key"), str):
        return
    collection = case.operation.path.format(**case.path_parameters)
    if f"{collection}/{case.body['key']}" in _NEEDED:
        case.body["key"] = _NEW["projectKey"]
    keys = (case.body["key"], *case.path_parameters.values())
    if all(RESOURCE_KEY.fullmatch(one) for one in keys):
        world.unmake(f"{collection}/{case.body['key']}")


_TEXTS: Final = {"name": "Beta testers", "description": "", "tags": ["beta"]}
_NEW: Final = {
    "projectKey": "new-project",
    "environmentKey": "new-environment",
    "segmentKey": "new-segment",
}
_NEEDED: Final = frozenset(
    {
        f"{_PROJECTS}/{names.SCRATCH_PROJECT}",
        f"{_PROJECTS}/web-shop",
        f"{_PROJECTS}/web-shop/environments/staging",
        f"{_PROJECTS}/{names.PROJECT}",
        f"{_PROJECTS}/{names.PROJECT}/environments/{names.ENVIRONMENT}",
        f"{_PROJECTS}/{names.PROJECT}/environments/{names.SCRATCH_ENVIRONMENT}",
        f"{_HERE}/{names.SEGMENT}",
        f"{_HERE}/{names.BIG_SEGMENT}",
    }
)
#: Path parameters that are not those of the examples.
PLACES: Final[Mapping[str, Mapping[str, str]]] = {
    "postSegment": {"environmentKey": names.SCRATCH_ENVIRONMENT},
    "postEnvironment": {"projectKey": names.SCRATCH_PROJECT},
    "createBigSegmentImport": {"segmentKey": _NEW["segmentKey"]},
    "createBigSegmentImportFromSource": {"segmentKey": _NEW["segmentKey"]},
    "deleteSegment": {"segmentKey": _NEW["segmentKey"]},
    "deleteEnvironment": {"environmentKey": _NEW["environmentKey"]},
    "deleteProject": {"projectKey": _NEW["projectKey"]},
}
PREPARATIONS: Final[Mapping[str, Callable[[World, AnyCase], None]]] = {
    "patchSegment": _for_patch,
    "createBigSegmentImport": _for_import,
    "createBigSegmentImportFromSource": _for_import,
    "deleteSegment": _for_delete,
    "deleteEnvironment": _for_delete,
    "deleteProject": _for_delete,
    "deleteToken": _for_token,
    "postSegment": _for_post,
    "postEnvironment": _for_post,
    "postProject": _for_post,
}
