"""Patches in the form that Relay Proxies apply to their database.

Source: ld-relay 8.10.1. One page or one event is a JSON array of patches. Versions are compared
only for equality; hashes are standard Base64 with padding of the SHA-256 of a context key.
"""

import json
from base64 import b64encode
from typing import Final

from api.bodies.models import WireModel
from worker.store import EnvironmentRef, Page, Patch, SideHashes

_DIGEST_BYTES: Final = 32


class RelayHashes(WireModel):
    """Hashes of context keys that one list of a segment gained and lost."""

    add: list[str]
    remove: list[str]


class RelayChanges(WireModel):
    """What changed in both lists of a segment."""

    included: RelayHashes
    excluded: RelayHashes


class RelayPatch(WireModel):
    """Changes of one segment; whoever is at the previous version applies them."""

    environment_id: str
    segment_id: str
    version: str
    previous_version: str
    changes: RelayChanges


def render_page(env: EnvironmentRef, page: Page) -> bytes:
    """The JSON array of a page. Cost: about 1 µs for each hash."""
    patches = [_patch(env, patch) for patch in page.patches]
    return json.dumps(patches, separators=(",", ":")).encode()


def _patch(env: EnvironmentRef, patch: Patch) -> dict[str, object]:
    return {
        "environmentId": f"{env.project}/{env.environment}",
        "segmentId": patch.ref,
        "version": patch.version,
        "previousVersion": patch.previous,
        "changes": {
            "included": _hashes(patch.included),
            "excluded": _hashes(patch.excluded),
        },
    }


def _hashes(hashes: SideHashes) -> dict[str, list[str]]:
    return {"add": _texts(hashes.added), "remove": _texts(hashes.removed)}


def _texts(digests: bytes) -> list[str]:
    return [
        b64encode(digests[first : first + _DIGEST_BYTES]).decode()
        for first in range(0, len(digests), _DIGEST_BYTES)
    ]
