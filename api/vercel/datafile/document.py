"""The datafile as it is sent, and when there is none.

Source: the types of flags-core 1.8.2. It ignores an answer whose ``configUpdatedAt`` is not later
than that of what it has.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ConfigDict

from api.bodies.models import Int32, Int64, WireModel
from api.vercel.datafile.packs import Pack
from api.vercel.wire.project_ids import project_id
from api.vercel.wire.refusals import DatafileIncomplete, DatafileTooLarge
from worker.store import Project, ProjectSegment

#: Segments that a refusal names.
_NAMED: Final = 20


class OmittedSegment(WireModel):
    """A segment that is not in a datafile, because an attached list decides about it."""

    id: str
    slug: str


class DatafileModel(WireModel):
    """What a client evaluates flags with; the types of flags-core describe it whole."""

    model_config = ConfigDict(extra="allow")

    project_id: str
    environment: str
    revision: Int32
    config_updated_at: Int64
    digest: str
    omitted_segments: list[OmittedSegment]
    definitions: dict[str, Any]
    segments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Datafile:
    """The datafile of a project for one environment of flags."""

    head: bytes
    """All but the content: a JSON object that another state or environment never has."""
    content: bytes
    revision: int

    @property
    def tag(self) -> str:
        """Its ``ETag``."""
        return f'"{hashlib.sha256(self.head).hexdigest()[:32]}"'

    @property
    def size_bytes(self) -> int:
        """Bytes of the body."""
        return len(self.head) + len(",") + len(self.content)

    def body(self) -> bytes:
        """The whole as JSON."""
        return b"%b,%b}" % (self.head[:-1], self.content)


def make_datafile(pack: Pack, project: Project, environment: str, most_bytes: int) -> Datafile:
    """Make the datafile of a project.

    Args:
        pack: of the project.
        project: the project.
        environment: for which a client evaluates.
        most_bytes: that it may have.

    Raises:
        DatafileIncomplete: a flag may depend on a segment that is not in it.
        DatafileTooLarge: it has more bytes.
    """
    _require_complete(pack)
    datafile = Datafile(_head(pack, project, environment), pack.content, pack.change_number)
    if datafile.size_bytes > most_bytes:
        raise DatafileTooLarge(
            f"the datafile of project {project.key} would have {datafile.size_bytes:,} bytes; at "
            f"most {most_bytes:,} are allowed (BIGSEG_VERCEL_DATAFILE_BYTES): make segments "
            "smaller, or evaluate them here"
        )
    return datafile


def _require_complete(pack: Pack) -> None:
    if pack.missing:
        slugs = ", ".join(segment.slug for segment in pack.missing[:_NAMED])
        more = len(pack.missing) - _NAMED
        rest = f" and {more:,} more" if more > 0 else ""
        raise DatafileIncomplete(
            f"attached lists decide about segments that flags may depend on: {slugs}{rest}; a "
            "client cannot hold such lists, and would take their members for none: evaluate these "
            "segments here, or store definitions of flags that do not depend on them"
        )


def _head(pack: Pack, project: Project, environment: str) -> bytes:
    """All but the content: an object that another state or environment never has."""
    return json.dumps(
        {
            "projectId": project_id(project),
            "environment": environment,
            "revision": pack.change_number,
            "configUpdatedAt": pack.changed_ms,
            "digest": pack.digest,
            "omittedSegments": [_represent(segment) for segment in pack.omitted],
        },
        separators=(",", ":"),
    ).encode()


def _represent(segment: ProjectSegment) -> dict[str, str]:
    return {"id": segment.id, "slug": segment.slug}
