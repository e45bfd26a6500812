"""A worker that logs what it changes, and a relay that applies what it is sent to plain sets."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from tests.support.store.building import replace as replace_list
from tests.support.store.stores import raw, token
from worker.store import Edit, EnvironmentRef, ListRef, Page, Side, Store
from worker.store.sdk_log import DIGEST_BYTES, Patch
from worker.store.sdk_log.records import shifted

_SIDES: Final[dict[str, Side]] = {"i": "included", "e": "excluded"}


def digest(key: str) -> bytes:
    """Give what stands for a context key."""
    return hashlib.sha256(key.encode()).digest()


class LoggingWorker:
    """Changes lists, and logs that as the worker does that keeps the sets for SDKs."""

    def __init__(self, store: Store, env: EnvironmentRef) -> None:
        self.store, self.env, self.token = store, env, token()
        self.refs: dict[str, ListRef] = {}
        raw(store).hset(store.keyspace.sdk_store(env), "writer", self.token)

    def follow(self, *refs: ListRef) -> None:
        """Follow these lists, too."""
        self.refs |= {ref.name: ref for ref in refs}
        self.keep()

    def keep(self) -> None:
        self.store.sdk_log.keep(self.env, self.token, self.refs)

    def edit(self, ref: ListRef, *edits: str) -> None:
        """Make edits such as ``i+key``, and log them."""
        self.keep()
        self.store.memberships.edit(ref, [Edit(text[:2], text[2:]) for text in edits])  # type: ignore[arg-type]
        self.log(ref, *edits)

    def log(self, ref: ListRef, *edits: str) -> None:
        """Log edits; the last one about a key counts."""
        changes = {side: (bytearray(), bytearray()) for side in _SIDES.values()}
        for (side, key), op in {(text[0], text[2:]): text[1] for text in edits}.items():
            changes[_SIDES[side]][op == "-"].extend(digest(key))
        logged = {side: (bytes(added), bytes(gone)) for side, (added, gone) in changes.items()}
        self.store.sdk_log.append(self.env, self.token, ref.name, logged)

    def replace(self, ref: ListRef, import_id: str, before: set[str], after: set[str]) -> None:
        """Replace the included list, and log how the two differ."""
        self.keep()
        replace_list(self.store, ref, import_id, after)
        added, gone = sorted(after - before), sorted(before - after)
        self.log(ref, *(f"i+{key}" for key in added), *(f"i-{key}" for key in gone))


@dataclass
class Relay:
    """What a relay keeps: the version it is at, and the references of each context."""

    store: Store
    env: EnvironmentRef
    version: str = ""
    added: int = 0
    """Additions that it was sent."""
    sets: dict[Side, dict[bytes, set[str]]] = field(
        default_factory=lambda: {"included": {}, "excluded": {}}
    )

    def poll(self, most: int = 1_000) -> int:
        """Poll until there is nothing, or at most so often; give how many pages came."""
        for pages in range(most):
            page = self.store.relay_pages.next_page(self.env, self.version)
            if not page.patches:
                return pages
            self.apply(page)
        return most

    def apply(self, page: Page) -> None:
        """Apply a page; each patch must follow the version before it."""
        for patch in page.patches:
            assert self.version in {"", patch.previous}
            self.version = patch.version
            self._apply(patch)
        assert self.version == page.version

    def _apply(self, patch: Patch) -> None:
        for side, hashes in (("included", patch.included), ("excluded", patch.excluded)):
            sets = self.sets[side]  # type: ignore[index]
            self.added += len(hashes.added) // DIGEST_BYTES
            for one in _digests(hashes.added):
                sets.setdefault(one, set()).add(patch.ref)
            for one in _digests(hashes.removed):
                sets.get(one, set()).discard(patch.ref)

    def members(self, name: str, side: Side = "included") -> set[bytes]:
        """Give the digests of the contexts that have the reference which relays know now."""
        ref = shifted(name, self.store.sdk_log.relay_shift(self.env))
        return {one for one, refs in self.sets[side].items() if ref in refs}

    def assert_has(self, name: str, included: Iterable[str], excluded: Iterable[str] = ()) -> None:
        """Hold the sets of one reference against context keys."""
        assert self.members(name) == set(map(digest, included))
        assert self.members(name, "excluded") == set(map(digest, excluded))


def _digests(joined: bytes) -> list[bytes]:
    return [joined[at : at + DIGEST_BYTES] for at in range(0, len(joined), DIGEST_BYTES)]
