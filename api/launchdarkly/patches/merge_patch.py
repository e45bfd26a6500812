"""JSON Merge Patch (RFC 7386) on a segment's representation."""

import copy

import json_merge_patch

from api.bodies.json_values import JsonObject


def apply_merge_patch(document: JsonObject, changes: JsonObject) -> JsonObject:
    """The document with the changes made: null removes a field, an object is merged into.

    Lists are replaced as a whole. Every merge patch can be applied; whether a segment comes
    out is not said.

    Args:
        document: the representation, which stays as it is.
        changes: the patch, nested no deeper than ``DEEPEST``.
    """
    merged: JsonObject = json_merge_patch.merge(copy.deepcopy(document), changes)
    return merged
