"""Erasures and their receipts on the wire."""

from typing import Annotated, Final, Literal

from pydantic import Field

from api.bodies.models import Int64, StrictBody, WireModel
from api.launchdarkly.targeting.fields import KindName
from api.launchdarkly.wire.links import Links, environments_path, link
from worker.context_keys import KEY_LIMIT_BYTES
from worker.store import EnvironmentRef, Erasure, JobRef

#: Exports that a receipt names.
_NAMED: Final = 100


class NewErasure(StrictBody):
    """What to erase."""

    kind: Annotated[KindName, Field(description="The context's kind, such as `user`.")]
    key: Annotated[
        str,
        Field(min_length=1, max_length=KEY_LIMIT_BYTES, description="The context's key."),
    ]


class TouchedRepresentation(WireModel):
    """What had the key, or was deleted because it may have had it."""

    lists: Int64
    """Lists of big segments that were looked through."""
    segments: Int64
    """Big segments whose lists had the key."""
    segment_keys: list[str]
    """Their keys, the first hundred."""
    included: Int64
    """Removals from included members that could be seen."""
    excluded: Int64
    revisions: Int64
    """Earlier revisions that had it."""
    schedules: Int64
    """Removals to come that were dropped."""
    targets: Int64
    """Lists of targets of standard segments that had it."""
    imports: Int64
    """Imports that were at work or waited for an approval, and go on without it."""
    previews: Int64
    """Previews of imports that showed it."""
    exports: Int64
    """Exports whose files were deleted, also at destinations."""
    undeleted_exports: Int64
    """Exports whose files stay, because bigseg may not delete at their destination."""
    undeleted_export_ids: list[str]
    """Their ids, the first hundred."""
    rejected_rows: Int64
    """Imports whose files of rejected rows were deleted."""
    uploads: Int64
    """Uploads that no import had taken, and were dropped."""


class ErasureRepresentation(WireModel):
    """One erasure of a context key; its receipt once it is complete. It never shows the key."""

    id: str
    context_kind: str
    key_hash: str
    """The key's hash under a salt of the environment, which the audit log has too."""
    status: Literal["in_progress", "complete"]
    creation_date: Int64
    completion_date: Int64 | None = None
    initiator: str
    waits_for: list[str]
    """Ids of imports and exports that are at work and may still have the key."""
    touched: TouchedRepresentation | None = None
    """Once it is complete."""
    rules: list[str]
    """Standard segments with a rule that has the key as a value, which stays: the first hundred."""
    flags: list[str]
    """Flags with the key as a target or another value, which stays, too: the first hundred."""
    links: Annotated[Links, Field(alias="_links")]


class ErasurePage(WireModel):
    """Erasures of an environment, newest first."""

    items: list[ErasureRepresentation]
    total_count: Int64
    links: Annotated[Links, Field(alias="_links")]


def erasures_path(env: EnvironmentRef) -> str:
    """The collection of an environment's erasures."""
    return f"{environments_path(env.project)}/{env.environment}/erasures"


def represent_erasure(env: EnvironmentRef, erasure: Erasure) -> ErasureRepresentation:
    """An erasure as callers see it."""
    touched = None
    if erasure.state == "complete":
        names = {
            "segmentKeys": list(erasure.touched.segments),
            "undeletedExportIds": list(erasure.touched.undeleted_exports[:_NAMED]),
        }
        touched = TouchedRepresentation.model_validate({**erasure.touched.counts, **names})
    collection = erasures_path(env)
    return ErasureRepresentation(
        id=erasure.id,
        context_kind=erasure.kind,
        key_hash=erasure.key_hash,
        status=erasure.state,
        creation_date=erasure.created_ms,
        completion_date=erasure.completed_ms,
        initiator=erasure.initiator,
        waits_for=[JobRef.parse(text).job_id for text in erasure.waiting],
        touched=touched,
        rules=list(erasure.rules) if erasure.state == "complete" else [],
        flags=list(erasure.flags) if erasure.state == "complete" else [],
        links={"parent": link(collection), "self": link(f"{collection}/{erasure.id}")},
    )
