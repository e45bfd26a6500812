"""Addresses of resources: valid keys, paths, links and opaque ids."""

import hashlib
import re
from dataclasses import dataclass
from typing import Final, Self

from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12

from worker.store import EnvironmentRef, Segment

#: Keys of projects, environments and segments. Source: Terraform's provider enforces it;
#: 256 characters is the usual assumption and keeps every Redis and S3 key in bounds.
RESOURCE_KEY: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,255}")

PREFIX: Final = "/api/v2"

#: Where clients report usage: answered 404, even without a token. Source: ldcli posts there
#: after every command and ignores the answer.
SILENT_PATHS: Final = frozenset({b"/internal/tracking"})


class Link(TypedDict):
    """Where something is, and its media type."""

    href: str
    type: str


Links = dict[str, Link]
"""``_links``: each link by its relation."""


@dataclass(frozen=True, slots=True)
class SegmentPath:
    """A segment's address; the segment may not exist."""

    project: str
    environment: str
    segment: str

    @classmethod
    def of(cls, segment: Segment) -> Self:
        """The address of a stored segment."""
        return cls(segment.env.project, segment.env.environment, segment.key)

    @property
    def env(self) -> EnvironmentRef:
        """The environment."""
        return EnvironmentRef(self.project, self.environment)

    @property
    def collection(self) -> str:
        """All segments of the environment."""
        return segments_path(self.env)

    @property
    def href(self) -> str:
        """The segment."""
        return f"{self.collection}/{self.segment}"

    @property
    def site(self) -> str:
        """Where LaunchDarkly's user interface would show it."""
        return f"/{self.project}/{self.environment}/segments/{self.segment}"

    @property
    def expiring_targets(self) -> str:
        """Its expiring targets; in this path the segment comes before its environment."""
        return self._expiring("expiring-targets")

    @property
    def expiring_user_targets(self) -> str:
        """Its expiring user targets."""
        return self._expiring("expiring-user-targets")

    @property
    def links(self) -> Links:
        """The ``_links`` of the segment, wherever it is represented."""
        return {
            "parent": link(self.collection),
            "self": link(self.href),
            "site": link(self.site, "text/html"),
        }

    def import_(self, import_id: str) -> str:
        """One import."""
        return f"{self.href}/imports/{import_id}"

    def export(self, export_id: str) -> str:
        """One export."""
        return f"{self.href}/exports/{export_id}"

    def _expiring(self, kind: str) -> str:
        return f"{PREFIX}/segments/{self.project}/{self.segment}/{kind}/{self.environment}"


def project_path(key: str) -> str:
    """The address of a project."""
    return f"{PREFIX}/projects/{key}"


def environments_path(project: str) -> str:
    """The collection of a project's environments."""
    return f"{project_path(project)}/environments"


def segments_path(env: EnvironmentRef) -> str:
    """The collection of an environment's segments."""
    return f"{PREFIX}/segments/{env.project}/{env.environment}"


def link(href: str, media_type: str = "application/json") -> Link:
    """One entry of ``_links``."""
    return Link(href=href, type=media_type)


def opaque_id(name: str) -> str:
    """An id in the form of LaunchDarkly's: 24 hexadecimal digits, the same for the same name."""
    return hashlib.sha256(name.encode()).hexdigest()[:24]


def environment_id(env: EnvironmentRef) -> str:
    """The environment's opaque id."""
    return opaque_id(f"{env.project}/{env.environment}")
