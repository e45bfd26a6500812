"""A throw-away instance that holds what the OpenAPI document's examples name.

A case that needs something of its own, such as a segment to delete, gets it just before it
is sent: ``PREPARATIONS`` says how, by operation.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
from schemathesis import Case

from api.launchdarkly.openapi.examples import audit_log, expiring, names, tokens
from api.launchdarkly.openapi.examples.jobs import EXAMPLES
from api.launchdarkly.openapi.examples.segments import STANDARD
from api.launchdarkly.openapi.references import JSON
from api.launchdarkly.wire.links import RESOURCE_KEY
from api.launchdarkly.wire.specifiers import parse_grant
from worker.objects import ObjectStore, export_key
from worker.store import (
    Change,
    ExportRequest,
    ImportRequest,
    ListRef,
    NewToken,
    Position,
    Scope,
    SourceFile,
    Store,
    admit_export,
    admit_import,
)
from worker.store.audit.entries import encode
from worker.store.store import assemble

AnyCase = Case[Any]

SCOPE: Final = Scope(names.PROJECT, names.ENVIRONMENT)
#: Where things are created, so that they may be deleted again.
SCRATCH_PROJECT: Final = "scratch-project"
SCRATCH_ENVIRONMENT: Final = "scratch"

_PROJECTS: Final = "/api/v2/projects"
_SEGMENTS: Final = "/api/v2/segments"
_FILE: Final = b"customer-1234\ncustomer-5678\n"
_WRITABLE: Final = (
    *("name", "description", "tags", "rules"),
    *("included", "excluded", "includedContexts", "excludedContexts"),
)
_FINE: Final = frozenset({200, 201, 204, 404, 409})


@dataclass(frozen=True, slots=True)
class World:
    """The instance, as the preparations reach it."""

    client: httpx.Client

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


def seed(client: httpx.Client, store: Store, objects: ObjectStore) -> World:
    """Make all that the examples name."""
    world = World(client)
    _seed_entry(store)
    project = f"{_PROJECTS}/{SCOPE.project}"
    world.make(_PROJECTS, {"key": SCRATCH_PROJECT, "name": "Scratch"})
    world.make(f"{project}/environments", {"key": SCRATCH_ENVIRONMENT, "name": "Scratch"})
    here = f"{_SEGMENTS}/{SCOPE.project}/{SCOPE.environment}"
    world.make(here, {"key": names.SEGMENT, "name": "Beta testers"})
    _reset_standard(world)
    big = {"key": names.BIG_SEGMENT, "name": "VIP customers", "unbounded": True}
    world.make(here, {**big, "unboundedContextKind": "customer"})
    include = {"included": {"add": [names.MEMBER]}}
    assert client.post(f"{here}/{names.BIG_SEGMENT}/contexts", json=include).is_success
    _seed_jobs(store, objects)
    for name in ("patchExpiringTargetsForSegment", "patchExpiringUserTargetsForSegment"):
        _seed_expiring(client, name)
    _seed_token(store)
    return world


def _seed_entry(store: Store) -> None:
    """The entry of the log that the examples show; before any other, which are newer."""
    change = Change(
        actor="nightly import",
        token_id=names.TOKEN,
        actions=("updateName",),
        kind="segment",
        resource=audit_log.RESOURCE,
        name="Beta testers",
        verb="updated the segment",
        comment="asked for by the beta team",
        before=audit_log.BEFORE,
        after=audit_log.AFTER,
    )
    position = Position.parse(names.ENTRY)
    store.client.xadd(  # type: ignore[attr-defined]  # redis-py's
        store.keyspace.audit_log(SCOPE),
        {"entry": encode(change)},
        id=f"{position.at_ms}-{position.sequence}",
    )


def _seed_expiring(client: httpx.Client, name: str) -> None:
    """What the examples add."""
    family, segment = {
        "patchExpiringTargetsForSegment": ("expiring-targets", names.BIG_SEGMENT),
        "patchExpiringUserTargetsForSegment": ("expiring-user-targets", names.SEGMENT),
    }[name]
    path = f"{_SEGMENTS}/{SCOPE.project}/{segment}/{family}/{SCOPE.environment}"
    reply = client.patch(path, json=expiring.EXAMPLES[name].bodies[JSON]["add"])
    assert reply.json()["successfulInstructions"] == 1, reply.text


def _seed_token(store: Store) -> None:
    """The token of the examples, by its id."""
    shown = tokens.TOKEN
    named = assemble(
        dataclasses.replace(
            store.database,
            now_ms=lambda: names.CREATED,
            random_name=lambda: f"{names.TOKEN:0<32}",
        )
    )
    named.access_tokens.create(
        NewToken(
            name=shown["name"],
            role="writer",  # which the answer leaves out
            created_by=shown["ownerId"],
            description=shown["description"],
            grants=tuple(map(parse_grant, tokens.SCOPE[0]["resources"])),
        )
    )


def _seed_jobs(store: Store, objects: ObjectStore) -> None:
    """An import that is complete, and an export with its file."""
    ref = store.segments.get(SCOPE, names.BIG_SEGMENT).ref
    report = EXAMPLES["getBigSegmentImport"].answers[200]["complete"]["report"]
    source = SourceFile("bigseg", "lists/customers.csv", "customers.csv", uploaded=False)
    imported = ImportRequest(
        names.IMPORT, ref, "merge", (source,), allow_empty=False, created_ms=names.CREATED
    )
    admit_import(store, imported)
    store.jobs.end(imported.ref, "complete", report=report, keep_s=3_600)
    store.builds.cancel(ref, names.IMPORT)
    exported = ExportRequest(names.EXPORT, ref, names.CREATED, "csv", "nightly job")
    admit_export(store, exported)
    written = _write(objects, ref)
    store.jobs.end(exported.ref, "complete", report=written, keep_s=3_600)


def _write(objects: ObjectStore, ref: ListRef) -> dict[str, Any]:
    key = export_key((ref.project, ref.environment, ref.segment), names.EXPORT, "1.csv")
    with objects.open_writer(key) as writer:
        writer.write(_FILE)
        info = writer.close()
    return {
        "rows": _FILE.count(b"\n"),
        "sizeBytes": info.size_bytes,
        "bucket": info.bucket,
        "key": info.key,
        "etag": info.etag,
    }


def _reset_standard(world: World) -> None:
    fields = {name: STANDARD[name] for name in _WRITABLE}
    path = f"{_SEGMENTS}/{SCOPE.project}/{SCOPE.environment}/{names.SEGMENT}"
    world.change(path, {"merge": fields})


def _for_patch(world: World, case: AnyCase) -> None:
    """Instructions for big segments go to the big one; the standard one is as in the examples."""
    if "BigSegment" in str(case.body) and case.path_parameters["segmentKey"] == names.SEGMENT:
        case.path_parameters["segmentKey"] = names.BIG_SEGMENT
    _reset_standard(world)


def _for_import(world: World, case: AnyCase) -> None:
    """A list takes one import at a time, and no worker is there to end any."""
    if case.path_parameters["segmentKey"] == _NEW["segmentKey"]:
        path = f"{_SEGMENTS}/{SCOPE.project}/{SCOPE.environment}"
        body = {"key": _NEW["segmentKey"], "name": "New", "unbounded": True}
        world.unmake(f"{path}/{_NEW['segmentKey']}")
        world.make(path, body)


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
    if case.path_parameters["id"] == names.TOKEN:
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


_NEW: Final = {
    "projectKey": "new-project",
    "environmentKey": "new-environment",
    "segmentKey": "new-segment",
}
_NEEDED: Final = frozenset(
    {
        f"{_PROJECTS}/{SCRATCH_PROJECT}",
        f"{_PROJECTS}/{SCOPE.project}",
        f"{_PROJECTS}/{SCOPE.project}/environments/{SCOPE.environment}",
        f"{_PROJECTS}/{SCOPE.project}/environments/{SCRATCH_ENVIRONMENT}",
        f"{_SEGMENTS}/{SCOPE.project}/{SCOPE.environment}/{names.SEGMENT}",
        f"{_SEGMENTS}/{SCOPE.project}/{SCOPE.environment}/{names.BIG_SEGMENT}",
    }
)
#: Path parameters that are not those of the examples.
PLACES: Final[Mapping[str, Mapping[str, str]]] = {
    "postSegment": {"environmentKey": SCRATCH_ENVIRONMENT},
    "postEnvironment": {"projectKey": SCRATCH_PROJECT},
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
