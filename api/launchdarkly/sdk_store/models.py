"""The switch of the sets that SDKs read, on the wire; LaunchDarkly has no such resource."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from api.bodies.models import Int32, Int64, StrictBody, WireModel
from api.launchdarkly.wire.links import PREFIX, Links, environments_path, link
from worker.store import EnvironmentRef, SdkStoreSettings, SdkStoreState

#: Without news of a worker for this long, nobody keeps the sets.
_SILENT_MS = 15_000

Status = Literal["off", "removing", "starting", "filling", "current", "behind", "failing"]


class SdkStorePatch(StrictBody):
    """The fields that change; a field that is left out or null stays as it is."""

    on: Annotated[bool | None, Field(strict=True)] = None
    """Whether the environment's big segments are kept for SDKs."""
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")] | None = None
    """What the keys that SDKs read begin with; no two environments that are on have the same."""

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.on is None and self.prefix is None:
            raise ValueError("send on, prefix or both")
        return self


class SdkStoreRepresentation(WireModel):
    """Whether the big segments of an environment are kept for SDKs, and how that is."""

    on: bool
    prefix: str
    status: Status
    """`off`; `removing`: switched off, and the sets are not empty yet; `starting`: no worker has
    taken it yet; `filling`: not every list was ever in the sets; `current`: the sets are what the
    lists are; `behind`: they are not, now; `failing`: see `reason`."""
    reason: str | None = None
    """Why the sets cannot be kept now."""
    lists: Int32
    """Big segments that are followed."""
    lists_held: Int32
    """Those of them that the sets have held as a whole."""
    lists_behind: Int32
    """Those that are being filled or compared."""
    lag_ms: Int64 | None = None
    """How long ago the sets were last what the lists are."""
    last_synchronized: Int64 | None = None
    """When SDKs were last told that the sets are current, Unix milliseconds."""
    contexts_written: Int64
    """Additions and removals since it was switched on."""
    rebuilds: Int64
    """How often the sets were found gone, or without their last changes, and filled again."""
    links: Links = Field(alias="_links")


def represent_sdk_store(
    env: EnvironmentRef,
    settings: SdkStoreSettings,
    state: SdkStoreState | None,
    *,
    removing: bool,
    now_ms: int,
) -> SdkStoreRepresentation:
    """Represent the switch of an environment, and what a worker has last said of its sets."""
    known = state or SdkStoreState(checked_ms=0)
    caught_up_ms = known.caught_up_ms
    environment = f"{environments_path(env.project)}/{env.environment}"
    return SdkStoreRepresentation(
        on=settings.on,
        prefix=settings.prefix,
        status=_status(settings, state, removing=removing, now_ms=now_ms),
        reason=known.reason if settings.on or removing else None,
        lists=known.lists,
        lists_held=known.held,
        lists_behind=known.behind,
        lag_ms=None if caught_up_ms is None else max(0, now_ms - caught_up_ms),
        last_synchronized=known.synchronized_ms,
        contexts_written=known.contexts_written,
        rebuilds=known.rebuilds,
        links={
            "self": link(f"{PREFIX}/sdk-store/{env.project}/{env.environment}"),
            "environment": link(environment),
        },
    )


def _status(
    settings: SdkStoreSettings, state: SdkStoreState | None, *, removing: bool, now_ms: int
) -> Status:
    if not settings.on:
        return "removing" if removing else "off"
    if state is None:
        return "starting"
    if state.reason is not None:
        return "failing"
    if state.behind or now_ms - state.checked_ms > _SILENT_MS or state.caught_up_ms is None:
        return "filling" if state.held < state.lists or state.caught_up_ms is None else "behind"
    return "current"
