"""Compositions: imports that are made of other segments, on the workers, without a file."""

from collections.abc import Sequence
from typing import Annotated, Final, Self

from fastapi import Response
from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from api.bodies.models import Int32, Int64, WireModel, blank_is
from api.jobs.admission import admit, require_free
from api.jobs.change_options import ChangeOptions
from api.jobs.options import Mode
from api.jobs.starting import Start
from worker.store import (
    MOST_SOURCES,
    Composition,
    ImportRequest,
    ListRef,
    Operation,
    PinnedList,
    Side,
    TerminalError,
    digest_of,
    pin_sources,
    release_sources,
)

_LONGEST_KEY: Final = 256
SourceKey = Annotated[str, Field(min_length=1, max_length=_LONGEST_KEY)]


class ComposeBody(ChangeOptions):
    """What a segment is made of, and what becomes of it."""

    op: Annotated[
        Operation,
        Field(
            description="`union`: the keys of any of the segments; `intersect`: those of all; "
            "`except`: those of the first that are in none of the others."
        ),
    ]
    segments: Annotated[
        list[SourceKey],
        Field(
            min_length=1,
            max_length=MOST_SOURCES,
            description="Keys of big segments of the same environment, each once; two at least, "
            "but for a `union`.",
        ),
    ]
    mode: Annotated[
        Mode,
        blank_is("replace"),
        Field(
            description="Whether the result replaces the segment's keys, is added to them, or is "
            "removed from them."
        ),
    ] = "replace"
    source_list: Annotated[
        Side,
        blank_is("included"),
        Field(description="Which of the two lists of each segment is read."),
    ] = "included"

    @model_validator(mode="after")
    def _require_sense(self) -> Self:
        fault = None
        if len(set(self.segments)) < len(self.segments):
            fault = "segments: one is named twice"
        elif self.op != "union" and len(self.segments) == 1:
            fault = f"segments: {self.op} takes two or more"
        if fault is not None:
            raise PydanticCustomError("composition", "{fault}", {"fault": fault})
        return self


class ComposedSource(WireModel):
    """A segment of which an import is made, as it was at one moment."""

    segment_key: str
    list: Side
    """Which of its two lists is read."""
    revision: Int32
    """The number of its revision; edits made until the moment are seen as well."""
    time: Int64
    """The moment: what was changed later is not seen."""
    members: Int64
    """Its keys at that moment."""


class CompositionRepresentation(WireModel):
    """What an import is made of, in place of files."""

    op: Operation
    segments: list[ComposedSource]


def represent_composition(request: ImportRequest) -> CompositionRepresentation | None:
    """What an import is made of; ``None`` if it is of files."""
    if request.composition is None:
        return None
    return CompositionRepresentation(
        op=request.composition.op,
        segments=[
            ComposedSource(
                segment_key=source.ref.segment,
                list=source.side,
                revision=source.number,
                time=source.pinned_ms,
                members=source.members,
            )
            for source in request.composition.sources
        ],
    )


def compose(body: ComposeBody, start: Start, sources: Sequence[ListRef]) -> Response:
    """Start a composition, or repeat the answer of an earlier request.

    Args:
        body: what is asked for.
        start: of the import.
        sources: the lists of the segments that the body names, which the caller may read.

    Raises:
        ImportInProgress: or another error of :func:`admit`.
    """

    def admit_composition(import_id: str) -> None:
        _admit(import_id, body, start, sources)

    return start.admit_once("import", digest_of("compose", body.model_dump()), admit_composition)


def _admit(import_id: str, body: ComposeBody, start: Start, sources: Sequence[ListRef]) -> None:
    """Pin the sources and admit the import; one that is refused keeps none of them."""
    store = start.services.store()
    require_free(start, supersedes=not body.dry_run)
    pinned = pin_sources(store, import_id, sources, body.source_list)
    try:
        admit(start, _request(import_id, body, start, pinned))
    except TerminalError:
        # After any other error it may have been admitted; then it, or time, releases them.
        release_sources(store, import_id, pinned)
        raise


def _request(
    import_id: str, body: ComposeBody, start: Start, pinned: tuple[PinnedList, ...]
) -> ImportRequest:
    return ImportRequest(
        import_id,
        start.ref,
        body.mode,
        (),
        body.allow_empty,
        start.services.clock(),
        start.caller.name,
        body.wait_on_approvals,
        allow_shrink=body.allow_shrink,
        side=body.target,
        guards=body.guards,
        dry_run=body.dry_run,
        composition=Composition(body.op, pinned),
    )
