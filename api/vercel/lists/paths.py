"""The attached list that a path names, checked against the caller's scope."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Final

from fastapi import Depends, Path

from api.errors import InvalidRequest, NotFound
from api.services.services import CallerOf, Services, ServicesOf
from api.vercel.segments.access import SegmentIdOrSlug, require_segment
from api.vercel.wire.list_names import ListName, ListSide
from api.vercel.wire.names import require_name
from api.vercel.wire.paths import SEGMENTS
from api.vercel.wire.requests import ProjectOf
from worker.store import EnvironmentRef, ListRef, Project, ProjectSegment, attached_list_ref

LISTS: Final = f"{SEGMENTS}/{{segmentIdOrSlug}}/lists"
LIST: Final = f"{LISTS}/{{side}}/{{kind}}/{{attribute}}"

#: Clients take them for steps in a path, also encoded, and would never find the list.
_DOTS: Final = frozenset({".", ".."})

Side = Annotated[ListSide, Path(description="Whether the list's values are in, or out.")]
Kind = Annotated[str, Path(description="The kind of entity, such as `user`.")]
Attribute = Annotated[str, Path(description="The attribute that has the values, such as `id`.")]


@dataclass(frozen=True, slots=True)
class ListPath:
    """A list's address; it may not be attached."""

    project: Project
    segment: ProjectSegment
    name: ListName

    @property
    def env(self) -> EnvironmentRef:
        """Where the store has the project's lists."""
        return EnvironmentRef.of_project(self.project.key)

    @property
    def owner(self) -> str:
        """What messages call it."""
        return f"list {self.name} of segment {self.segment.slug}"

    @property
    def href(self) -> str:
        """Its path."""
        segments = SEGMENTS.replace("{projectIdOrName}", self.project.key)
        return f"{segments}/{self.segment.slug}/lists/{self.name.path}"

    @property
    def file_stem(self) -> str:
        """What files of the list are called."""
        return f"{self.segment.slug}-{self.name.side}"

    def with_key(self, key: str) -> "ListPath":
        """The same address once the segment names the list under this key."""
        lists = {**self.segment.lists, str(self.name): key}
        return replace(self, segment=replace(self.segment, lists=lists))

    def require_ref(self) -> ListRef:
        """The list in the store. Errors: as :meth:`require_key`."""
        return attached_list_ref(self.project.key, self.require_key())

    def require_key(self) -> str:
        """The key under which the store has the list.

        Raises:
            NotFound: it is not attached.
        """
        key = self.segment.lists.get(str(self.name))
        if key is None:
            raise NotFound(f"segment {self.segment.slug} has no list {self.name}")
        return key


def _list_path_parser(*, to_change: bool) -> Callable[..., ListPath]:
    """Make the dependency that finds the list of a path, for a caller who may see or change it."""

    def parse(
        project: ProjectOf,
        segmentIdOrSlug: SegmentIdOrSlug,  # noqa: N803 - the documented name
        side: Side,
        kind: Kind,
        attribute: Attribute,
        services: ServicesOf,
        caller: CallerOf,
    ) -> ListPath:
        """The list that the path names.

        Raises:
            InvalidRequest: no entity can have such a kind or attribute.
            Forbidden: the segment is out of the caller's scope.
            SegmentNotFound: there is no such segment.
        """
        name = _require_list_name(services, ListName(side, kind, attribute))
        store = services.store()
        found = require_segment(store, caller, project, segmentIdOrSlug, to_change=to_change)
        return ListPath(project, found.segment, name)

    return parse


ListPathOf = Annotated[ListPath, Depends(_list_path_parser(to_change=False))]
ChangedListOf = Annotated[ListPath, Depends(_list_path_parser(to_change=True))]


def _require_list_name(services: Services, name: ListName) -> ListName:
    most = services.settings.vercel_name_length
    for part in (name.kind, name.attribute):
        try:
            require_name(part)
        except ValueError as exc:
            raise InvalidRequest(str(exc)) from exc
        if len(part) > most:
            raise InvalidRequest(f"kinds and attributes have at most {most:,} characters")
        if part in _DOTS or "/" in part or not part.isprintable():
            raise InvalidRequest(
                "a list cannot be attached to a kind or an attribute that is '.' or '..', or has a "
                "slash or a control character; use entries of the segment itself, or rename it"
            )
    return name
