"""What a client evaluates a project's flags with: definitions and segments in packed form.

Made again only when one of them has changed, and then only what has.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from api.vercel.evaluation import pack_segment
from worker.sized_cache import SizedCache
from worker.store import Project, ProjectSegment, ProjectSegments

_NONE = b"{}"


@dataclass(frozen=True, slots=True)
class Pack:
    """The definitions and segments of a project at one moment."""

    content: bytes
    """Members of a JSON object: ``"definitions":{…},"segments":{…}``."""
    digest: str
    """The SHA-256 of the content, in hexadecimal digits."""
    change_number: int
    changed_ms: int
    """When the last change was made; later after every change."""
    omitted: tuple[ProjectSegment, ...]
    """Left out, because lists decide about them that no client has; no flag depends on them."""
    missing: tuple[ProjectSegment, ...]
    """The same, but flags may depend on them: nothing can be evaluated without them."""


@dataclass(frozen=True, slots=True)
class _Known:
    mark: str
    pack: Pack
    parts: Mapping[str, bytes]
    """The packed form of each segment, by its revision."""

    @property
    def size_bytes(self) -> int:
        return len(self.pack.content) + sum(map(len, self.parts.values()))


class Packs:
    """The packs that this process has made, up to a number of bytes; safe from any thread."""

    def __init__(self, most_bytes: int) -> None:
        self._known = SizedCache[tuple[str, int], _Known](most_bytes)

    def pack(self, project: Project, found: ProjectSegments) -> Pack:
        """Pack a project, unless that was done under the same mark.

        Cost: 30 ms per MB the first time; after a change, that of the changed segments and
        2 ms per MB.
        """
        name = (project.key, project.created_ms)
        known = self._known.get(name)
        if known is not None and known.mark == found.mark:
            return known.pack
        made = _make(project, found, {} if known is None else known.parts)
        self._known.keep(name, made, made.size_bytes)
        return made.pack


def _make(project: Project, found: ProjectSegments, before: Mapping[str, bytes]) -> _Known:
    segments = found.by_id.values()
    with_lists = _users_of(found, [segment.id for segment in segments if segment.lists])
    needed = with_lists if found.definitions is None else _needed_by_flags(found) & with_lists
    kept = [segment for segment in segments if segment.id not in with_lists]
    parts = {segment.revision: before.get(segment.revision) or _pack(segment) for segment in kept}
    definitions = _NONE if found.definitions is None else found.definitions.document.encode()
    content = b'"definitions":%b,"segments":{%b}' % (definitions, b",".join(parts.values()))
    pack = Pack(
        content,
        hashlib.sha256(content).hexdigest(),
        found.change_number,
        found.changed_ms or project.created_ms,
        omitted=tuple(found.by_id[name] for name in found.by_id if name in with_lists - needed),
        missing=tuple(found.by_id[name] for name in found.by_id if name in needed),
    )
    return _Known(found.mark, pack, parts)


def _pack(segment: ProjectSegment) -> bytes:
    """A member of the object of segments."""
    packed = pack_segment(json.loads(segment.data))
    text = json.dumps(packed, ensure_ascii=False, separators=(",", ":"))
    return b"%b:%b" % (json.dumps(segment.id).encode(), text.encode())


def _users_of(found: ProjectSegments, ids: Iterable[str]) -> set[str]:
    """These segments, and all that depend on one of them."""
    users, reached = found.users(), set[str]()
    ahead = list(ids)
    while ahead:
        segment_id = ahead.pop()
        if segment_id not in reached:
            reached.add(segment_id)
            ahead += [user.id for user in users.get(segment_id, ())]
    return reached


def _needed_by_flags(found: ProjectSegments) -> set[str]:
    """The segments that flags name, and all on which those depend."""
    reached, ahead = set[str](), list(found.flags())
    while ahead:
        segment_id = ahead.pop()
        segment = found.by_id.get(segment_id)
        if segment is not None and segment_id not in reached:
            reached.add(segment_id)
            ahead += segment.references
    return reached
