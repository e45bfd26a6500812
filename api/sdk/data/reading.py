"""Reads what SDKs of an environment evaluate with, and keeps what has not changed since."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from api.errors import Unavailable
from api.sdk.data.environment_data import FLAGS, SEGMENTS, EnvironmentData
from api.sdk.data.rendering import Item, render_flags, render_segment
from worker.batches import batches
from worker.sized_cache import SizedCache
from worker.store import (
    Definition,
    EnvironmentRef,
    FlagData,
    SdkStoreSettings,
    Segment,
    Store,
    retry_on_change,
)

#: Segments whose targets are read in one round trip: they may be half a megabyte each.
_READ_AT_ONCE: Final = 100
#: Memory of one segment beside its JSON, which is there twice.
_ITEM_BYTES: Final = 1_000
#: States before the one that is there, from which SDKs can go on; and memory of one object of one
#: of them that is the same now, which only has its place there.
_MOST_PAST: Final = 16
_PLACE_BYTES: Final = 100


@dataclass(frozen=True, slots=True)
class Audience:
    """For whom data is made."""

    env: EnvironmentRef
    relay: bool
    """Whether for Relay Proxies, which know big segments by other generations than SDKs do."""


@dataclass(frozen=True, slots=True)
class _Sources:
    """What decides how the definitions are rendered, beside themselves."""

    definitions: Sequence[Segment]
    """The object from the store, compared by identity."""
    settings: SdkStoreSettings
    shift: int
    flags: FlagData | None

    def is_same(self, other: "_Sources") -> bool:
        if self.definitions is not other.definitions:
            return False
        mine = self.settings, self.shift, self.flags
        return mine == (other.settings, other.shift, other.flags)


@dataclass(frozen=True, slots=True)
class _Known:
    sources: _Sources
    is_whole: bool
    """Whether each list was where SDKs look for it, so that only the sources can change it."""
    by_definition: Mapping[tuple[Segment, bool], Item]
    data: EnvironmentData
    past: Mapping[str, "_Past"]
    """By tag, the oldest first."""

    @property
    def size(self) -> int:
        """Bytes of memory, roughly."""
        count = sum(map(len, self.data.items.values()))
        past = sum(past.size for past in self.past.values())
        return 2 * len(self.data.content) + _ITEM_BYTES * count + past


@dataclass(frozen=True, slots=True)
class _Past:
    data: EnvironmentData
    """Without its content, which nobody is sent any more."""
    size: int


class EnvironmentReader:
    """Makes the data of environments; safe from any thread."""

    def __init__(self, *, most_bytes: int, cache_bytes: int) -> None:
        """Keep nothing yet.

        Args:
            most_bytes: That the data of one environment may have.
            cache_bytes: Bytes of memory, roughly, for data that was made before.
        """
        self._most_bytes = most_bytes
        self._known = SizedCache[Audience, _Known](cache_bytes)

    def read(self, store: Store, audience: Audience) -> EnvironmentData:
        """Read the data as it is now; the same object as long as nothing has changed.

        Cost: three round trips if nothing has changed, four for relays; while a list is being
        filled one more for each 500 lists; else that of reading and rendering what has changed.

        Raises:
            EnvironmentNotFound: Or ProjectNotFound.
            ListUnknown: The store has lost targets of a segment.
            Broken: A segment is not readable by this release.
            Unavailable: The data has more bytes than is allowed.
            StoreUnavailable: Safe to retry.
        """
        return retry_on_change(
            f"flag data of {audience.env.environment}", lambda: self._read(store, audience)
        )

    def find(self, audience: Audience, tag: str) -> EnvironmentData | None:
        """The data of a state that this process has read, now or lately; without its content."""
        known = self._known.get(audience)
        if known is None:
            return None
        if known.data.tag == tag:
            return known.data
        past = known.past.get(tag)
        return None if past is None else past.data

    def _read(self, store: Store, audience: Audience) -> EnvironmentData:
        env, known = audience.env, self._known.get(audience)
        definitions = store.segments.read_remaining(env)
        settings = store.sdk_store.settings(env)
        shift = store.sdk_log.relay_shift(env) if audience.relay else 0
        sources = _Sources(definitions, settings, shift, store.flag_data.find(env))
        if known is not None and known.is_whole and known.sources.is_same(sources):
            return known.data
        if known is None or known.sources.definitions is not definitions:
            store.environments.require(env)
        held = store.sdk_store.held(env) if settings.on else None
        return self._make(store, audience, sources, held)

    def _make(
        self,
        store: Store,
        audience: Audience,
        sources: _Sources,
        held: Mapping[str, int] | None,
    ) -> EnvironmentData:
        known = self._known.get(audience)
        before: Mapping[tuple[Segment, bool], Item] = {}
        if known is not None and known.sources.shift == sources.shift:
            before = known.by_definition
        wanted = [(segment, _is_held(segment, held)) for segment in sources.definitions]
        rendered = {name: before[name] for name in wanted if name in before}
        missing = [name for name in wanted if name not in rendered]
        rendered |= _render(store, audience.env, missing, sources.shift)
        # Segments that were deleted since they were listed are left out.
        items = {name[0].key: rendered[name] for name in wanted if name in rendered}
        flags = _read_flags(store, audience.env, sources.flags, known)
        if known is not None and known.data.items == {FLAGS: flags, SEGMENTS: items}:
            data = known.data
        else:
            data = EnvironmentData.of(items, flags)
            self._require_room(audience.env, data)
        is_whole = all(is_held for _, is_held in wanted)
        now = _Known(sources, is_whole, rendered, data, _past(known, data))
        self._known.keep(audience, now, now.size)
        return data

    def _require_room(self, env: EnvironmentRef, data: EnvironmentData) -> None:
        if len(data.content) > self._most_bytes:
            raise Unavailable(
                f"what SDKs of environment {env.environment} evaluate with has "
                f"{len(data.content):,} bytes; at most {self._most_bytes:,} are sent "
                "(BIGSEG_SDK_DATA_BYTES): make segments big ones, or raise the setting"
            )


def _is_held(segment: Segment, held: Mapping[str, int] | None) -> bool:
    """Whether SDKs find this generation; standard segments are whole in themselves."""
    if held is None or not segment.unbounded:
        return True
    return held.get(segment.key, 0) >= segment.generation


def _past(known: _Known | None, data: EnvironmentData) -> Mapping[str, _Past]:
    """What is past once this data is there."""
    if known is None or known.data is data:
        return {} if known is None else known.past
    size = sum(
        _PLACE_BYTES + (0 if data.items[kind].get(key) is item else _ITEM_BYTES + len(item.body))
        for kind, items in known.data.items.items()
        for key, item in items.items()
    )
    past = {**known.past, known.data.tag: _Past(replace(known.data, content=b""), size)}
    return dict([*past.items()][-_MOST_PAST:])


def _read_flags(
    store: Store, env: EnvironmentRef, state: FlagData | None, known: _Known | None
) -> Mapping[str, Item]:
    if state is None:
        return {}
    if known is not None and known.sources.flags == state:
        return known.data.items[FLAGS]
    before = {} if known is None else known.data.items[FLAGS]
    flags = render_flags(store.flag_data.read(env, state))
    # What has not changed is there once, also for those who have earlier flags.
    return {key: was if (was := before.get(key)) == flag else flag for key, flag in flags.items()}


def _render(
    store: Store, env: EnvironmentRef, missing: Sequence[tuple[Segment, bool]], shift: int
) -> dict[tuple[Segment, bool], Item]:
    rendered = {
        (segment, held): render_segment(Definition(segment, None), is_held=held, shift=shift)
        for segment, held in missing
        if segment.unbounded
    }
    standard = {segment.key: segment for segment, _ in missing if not segment.unbounded}
    for keys in batches(standard, _READ_AT_ONCE):
        for definition in store.segments.read_many(env, keys):
            if definition is not None:
                name = standard[definition.segment.key], True
                rendered[name] = render_segment(definition, is_held=True)
    return rendered
