"""What a patch makes of a segment: pure, so that a dry run is the same thing.

Choices where LaunchDarkly's behaviour is not documented: a failed ``test`` is a conflict
(409), any other patch that cannot be applied is refused (400), and a patch that changes
nothing is told from one that does.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from api.bodies.json_values import JsonObject, exact_text, require_shallow
from api.bodies.unknown_names import list_known
from api.errors import Broken, InvalidRequest
from api.launchdarkly.patches.bodies import JsonPatch, MergePatch, SemanticPatch, read_patch
from api.launchdarkly.patches.json_patch import apply_json_patch, blamed, patch_refusal
from api.launchdarkly.patches.merge_patch import apply_merge_patch
from api.launchdarkly.patches.patchable import SEGMENT
from api.launchdarkly.segments.instructions import BigSegmentEdit, ListName, apply_instructions
from api.launchdarkly.segments.references import (
    MayKnow,
    RulesOf,
    require_known_segments,
    require_no_circle,
)
from api.launchdarkly.targeting.fields import Ids
from api.launchdarkly.targeting.rule_bounds import require_bounded
from api.launchdarkly.targeting.targeting import SegmentDocument, segment_document

#: A definition's JSON, in characters. 15,000 keys of the longest kind fit.
LARGEST: Final = 20_000_000

#: What a patch may address though the representation leaves it out.
_LEFT_OUT: Final[JsonObject] = {
    "description": None,
    "unbounded": False,
    "unboundedContextKind": None,
    "deleted": False,
}


@dataclass(frozen=True, slots=True)
class PatchResult:
    """What is to be stored and done; nothing has been."""

    document: SegmentDocument
    """The segment after the patch."""
    changed: bool
    """Whether it differs from before, value types included; if not, its version stays."""
    edits: tuple[BigSegmentEdit, ...] = ()
    """Edits of a big segment's lists, to be made all or none."""
    must_be_absent: Mapping[ListName, tuple[str, ...]] = field(default_factory=dict)
    """By list, keys that the edits add to the other list. One that is found here is a
    refusal: it would be both included and excluded."""
    import_id: str | None = None
    """An import that is to be processed."""
    comment: str | None = None


def apply_patch(
    shown: Mapping[str, Any],
    body: object,
    content_type: str,
    *,
    environment: str,
    ids: Ids,
    rules_of: RulesOf,
    may_know: MayKnow,
) -> PatchResult:
    """Apply a patch of any kind to a segment's representation.

    Args:
        shown: the representation as GET answers it now; ``test`` operations see its
            read-only fields. It stays as it is.
        body: the parsed body, as ``read_json`` gives it.
        content_type: the request's header, whole.
        environment: the environment's key in the path.
        ids: makes the ids of new rules and clauses: UUIDs.
        rules_of: the rules of another segment of the environment, asked only if this
            segment's rules change and refer to others.
        may_know: whether the caller may refer to a segment of the environment.

    Raises:
        Forbidden: the rules would refer to a segment that the caller may not know of.
        Conflict: a ``test`` failed. Safe to retry after reading the segment again.
        InvalidRequest: the patch is wrong, cannot be applied, or makes what no segment may
            be; says where, never a value.
    """
    require_shallow(body)
    patch = read_patch(body, content_type, environment)
    before = _stored(shown, ids)
    unbounded = bool(shown.get("unbounded"))
    if isinstance(patch, SemanticPatch):
        draft = apply_instructions(before, patch.instructions, unbounded=unbounded, ids=ids)
        after = draft.document()
        edits, clashes, import_id = draft.edits.edits(), draft.edits.clashes(), draft.import_id
    else:
        after = _documented(_patched(shown, before, patch), patch, ids)
        edits, clashes, import_id = (), {}, None
    _require_no_targets(after, unbounded=unbounded)
    if after.rules != before.rules:
        require_bounded(before.rules, after.rules)
        require_known_segments(before.rules, after.rules, may_know)
        require_no_circle(str(shown["key"]), after.rules, rules_of, may_know)
    return PatchResult(
        document=after,
        changed=_differ(before, after),
        edits=edits,
        must_be_absent=clashes,
        import_id=import_id,
        comment=patch.comment,
    )


def _stored(shown: Mapping[str, Any], ids: Ids) -> SegmentDocument:
    try:
        return segment_document(dict(shown), ids)
    except InvalidRequest as exc:
        message = f"segment {shown['key']}: its definition is not readable by this release"
        raise Broken(message) from exc


def _patched(
    shown: Mapping[str, Any], before: SegmentDocument, patch: JsonPatch | MergePatch
) -> JsonObject:
    """The representation after a patch that knows nothing of segments."""
    present = {name: value for name, value in shown.items() if value is not None}
    whole = copy.deepcopy(_LEFT_OUT | present | before.to_wire())
    fixed = {name: value for name, value in whole.items() if name not in SEGMENT.fields}
    texts = {name: exact_text(value) for name, value in fixed.items()}
    if isinstance(patch, JsonPatch):
        after = apply_json_patch(whole, patch.operations, SEGMENT)
    else:
        _require_fields(patch.changes, whole)
        after = apply_merge_patch(whole, patch.changes)
    require_shallow(after)
    for name, text in texts.items():
        if exact_text(after.get(name)) != text:
            listed = list_known(None, SEGMENT.fields, "fields that can be")
            raise InvalidRequest(f"{_blamed(patch, name)}/{name} cannot be changed; {listed}")
    return after


def _require_fields(changes: JsonObject, whole: JsonObject) -> None:
    """Make sure that a merge patch sets no field that a segment has not.

    Names that begin with ``_`` are read-only by LaunchDarkly's convention; they come with a
    segment that is sent back as it was read.
    """
    for name in changes:
        if not (name in whole or name.startswith("_") or SEGMENT.ignores(f"/{name}")):
            raise InvalidRequest(f"merge: {SEGMENT.no_field(name)}")


def _documented(after: JsonObject, patch: JsonPatch | MergePatch, ids: Ids) -> SegmentDocument:
    if isinstance(patch, MergePatch):
        return segment_document(after, ids)
    return segment_document(after, ids, lambda error: patch_refusal(error, patch.operations))


def _blamed(patch: JsonPatch | MergePatch, field: str) -> str:
    return blamed(patch.operations, field) if isinstance(patch, JsonPatch) else ""


def _require_no_targets(after: SegmentDocument, *, unbounded: bool) -> None:
    if unbounded and not after.is_empty:
        message = "a big segment takes no rules and no targets by a patch of its definition"
        raise InvalidRequest(f"{message}; use POST .../contexts or an import")


def _differ(before: SegmentDocument, after: SegmentDocument) -> bool:
    text = exact_text(after.to_wire())
    if len(text) > LARGEST:
        raise InvalidRequest(f"the definition would be over {LARGEST:,} characters")
    return text != exact_text(before.to_wire())
