"""Computes the result of a patch and stores nothing, so a dry run does the same.

JSON and merge patches (RFC 6902, RFC 7386) change the representation, which is then checked;
a semantic patch changes checked values.

Choices where LaunchDarkly's behaviour is not documented: a failed ``test`` is a conflict
(409), any other patch that cannot be applied is refused (400), and a patch that changes
nothing is distinguished from one that does.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import json_merge_patch

from api.bodies.json_values import JsonObject, exact_text, require_shallow
from api.bodies.unknown_names import list_known
from api.errors import Broken, InvalidRequest
from api.launchdarkly.segments.instructions import ListEdit, ListName, apply_instructions
from api.launchdarkly.segments.references import (
    OtherSegments,
    require_known_segments,
    require_no_cycle,
)
from api.launchdarkly.targeting.bounds import require_bounded
from api.launchdarkly.targeting.fields import Ids
from api.launchdarkly.targeting.values import SegmentDocument, parse_document
from api.launchdarkly.wire.ignored_fields import ignored_in
from api.launchdarkly.wire.json_patch import Patchable, apply_json_patch, blame, patch_refusal
from api.launchdarkly.wire.patch_bodies import JsonPatch, MergePatch, SemanticPatch, read_patch

#: A definition's JSON, in characters. 15,000 keys of the longest kind fit.
LARGEST: Final = 20_000_000

SEGMENT: Final = Patchable(
    "a segment",
    (
        "name",
        "description",
        "tags",
        "included",
        "excluded",
        "includedContexts",
        "excludedContexts",
        "rules",
    ),
    ignored=ignored_in("segment patch"),
)

#: Fields that a patch may address although the representation leaves them out.
_LEFT_OUT: Final[JsonObject] = {
    "description": None,
    "unbounded": False,
    "unboundedContextKind": None,
    "deleted": False,
}


@dataclass(frozen=True, slots=True)
class PatchResult:
    """What to store and to do; nothing has been stored or done."""

    before: SegmentDocument
    """The segment as it is."""
    document: SegmentDocument
    """The segment after the patch."""
    changed: bool
    """Whether the two differ, also in the types of values; if not, the version stays."""
    edits: tuple[ListEdit, ...] = ()
    """Edits of a big segment's lists: all of them or none."""
    must_be_absent: Mapping[ListName, tuple[str, ...]] = field(default_factory=dict)
    """By list, keys that the edits add to the other list. If one of them is found here, the
    patch is refused: the key would be both included and excluded."""
    import_id: str | None = None
    """An import to approve."""
    comment: str | None = None


def apply_patch(
    representation: JsonObject,
    body: object,
    content_type: str,
    *,
    environment: str,
    ids: Ids,
    others: OtherSegments,
) -> PatchResult:
    """Apply a patch of any kind to a segment's representation.

    Args:
        representation: as GET returns it now; ``test`` operations see its read-only fields.
            It is not changed.
        body: the parsed body, as ``read_json`` gives it.
        content_type: the request's header, whole.
        environment: the environment's key in the path.
        ids: makes the ids of new rules and clauses: UUIDs.
        others: consulted only if this segment's rules change and refer to other segments.

    Raises:
        Forbidden: the rules would refer to a segment that the caller may not see.
        Conflict: a ``test`` failed. Safe to retry after reading the segment again.
        InvalidRequest: the patch is wrong, cannot be applied, or makes an invalid segment;
            says where, never a value.
    """
    require_shallow(body)
    patch = read_patch(body, content_type, environment)
    before = _parse_stored(representation, ids)
    unbounded = bool(representation.get("unbounded"))
    if isinstance(patch, SemanticPatch):
        draft = apply_instructions(before, patch.instructions, unbounded=unbounded, ids=ids)
        after = draft.document()
        edits, clashes, import_id = draft.edits.edits(), draft.edits.clashes(), draft.import_id
    else:
        after = _apply_to_json(representation, before, patch, ids)
        edits, clashes, import_id = (), {}, None
    if unbounded:
        _require_no_targeting(after)
    if after.rules != before.rules:
        require_bounded(before.rules, after.rules)
        require_known_segments(before.rules, after.rules, others)
        require_no_cycle(str(representation["key"]), after.rules, others)
    changed = _differ(before, after)
    return PatchResult(before, after, changed, edits, clashes, import_id, patch.comment)


def _parse_stored(representation: JsonObject, ids: Ids) -> SegmentDocument:
    try:
        return parse_document(representation, ids)
    except InvalidRequest as exc:
        key = representation["key"]
        raise Broken(f"segment {key}: its definition is not readable by this release") from exc


def _apply_to_json(
    representation: JsonObject, before: SegmentDocument, patch: JsonPatch | MergePatch, ids: Ids
) -> SegmentDocument:
    whole = copy.deepcopy(_LEFT_OUT | representation | before.to_wire())
    fixed = {name: exact_text(whole[name]) for name in whole if name not in SEGMENT.fields}
    operations = patch.operations if isinstance(patch, JsonPatch) else ()
    if isinstance(patch, JsonPatch):
        after = apply_json_patch(whole, operations, SEGMENT)
    else:
        _require_fields(patch.changes, whole)
        after = json_merge_patch.merge(whole, patch.changes)
    require_shallow(after)
    for name, text in fixed.items():
        if exact_text(after.get(name)) != text:
            listed = list_known(None, SEGMENT.fields, "fields that can be")
            raise InvalidRequest(f"{blame(operations, name)}/{name} cannot be changed; {listed}")
    return parse_document(after, ids, lambda error: patch_refusal(error, operations))


def _require_fields(changes: JsonObject, whole: JsonObject) -> None:
    """Make sure that a merge patch sets only fields of a segment.

    Names that begin with ``_`` are read-only by LaunchDarkly's convention; a segment
    that is sent back as it was read includes them.
    """
    for name in changes:
        if not (name in whole or name.startswith("_") or SEGMENT.ignores(f"/{name}")):
            raise InvalidRequest(f"merge: {SEGMENT.explain_no_field(name)}")


def _require_no_targeting(after: SegmentDocument) -> None:
    if after.has_targeting:
        message = "a big segment takes no rules and no targets by a patch of its definition"
        raise InvalidRequest(f"{message}; use POST .../contexts or an import")


def _differ(before: SegmentDocument, after: SegmentDocument) -> bool:
    text = exact_text(after.to_wire())
    if len(text) > LARGEST:
        raise InvalidRequest(f"the definition would be over {LARGEST:,} characters")
    return text != exact_text(before.to_wire())
