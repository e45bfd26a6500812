"""Answers about the flags of an environment."""

from typing import Any

from pydantic import ConfigDict, Field

from api.bodies.models import Int32, Int64, WireModel
from api.launchdarkly.wire.links import PREFIX, Links, environments_path, link
from worker.store import EnvironmentRef, FlagData


class FlagDataDocument(WireModel):
    """Flags in the form in which LaunchDarkly's SDKs hold them."""

    model_config = ConfigDict(extra="forbid")

    flags: dict[str, dict[str, Any]]
    """By their keys."""


class FlagDataSummary(WireModel):
    """What an environment's flags are after a change."""

    flag_count: Int32
    changed_count: Int32
    """Flags that are new, other ones than before, or gone."""
    size_bytes: Int64
    last_modified: Int64 | None
    """Unix milliseconds."""
    unknown_segments: list[str]
    """Segments that rules name and that the environment does not have: nobody is in them."""
    links: Links = Field(alias="_links")


def summarise(
    env: EnvironmentRef, state: FlagData | None, *, changed: int, unknown: list[str]
) -> FlagDataSummary:
    """Represent a state."""
    environment = f"{environments_path(env.project)}/{env.environment}"
    return FlagDataSummary(
        flag_count=0 if state is None else state.flags,
        changed_count=changed,
        size_bytes=0 if state is None else state.size,
        last_modified=None if state is None else state.updated_ms,
        unknown_segments=unknown,
        links={
            "self": link(f"{PREFIX}/flag-data/{env.project}/{env.environment}"),
            "environment": link(environment),
        },
    )
