"""What of an erasure is in the store: lists, targets, and flags that name the key."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from worker.store import EnvironmentRef, ListRef, SegmentNotFound, Store, retry_on_change
from worker.store.erasures import Erasure, Touched
from worker.store.flag_data import flags_naming
from worker.store.lists import drop_changes_of, erase_member
from worker.store.segments import Segment, erase_target, find_key
from worker.store.workflows import lists_to_reclaim

#: Keys of segments, and of flags, that a receipt names.
_NAMED: Final = 100


def find_lists(store: Store, env: EnvironmentRef, kind: str) -> list[ListRef]:
    """The lists that may have keys of a kind, also of deleted segments, whose kind is not known.

    Cost: two round trips or a few more, as :meth:`SegmentStore.read_all`.
    """
    kinds = {segment.ref: segment.context_kind for segment in _big(store, env)}
    left = [ref for ref in lists_to_reclaim(store, env) if kinds.get(ref, kind) == kind]
    return sorted({ref for ref in kinds if kinds[ref] == kind} | {*left})


def lists_of_other_kinds(store: Store, env: EnvironmentRef, kind: str) -> set[ListRef]:
    """The lists that cannot have keys of a kind. Cost: as :func:`find_lists`."""
    return {segment.ref for segment in _big(store, env) if segment.context_kind != kind}


def erase_from_lists(store: Store, env: EnvironmentRef, erasure: Erasure, key: str) -> Touched:
    """Erase a key from all lists of its kind. Safe to repeat. Cost: two round trips a list.

    A snapshot whose changes have the key is given up.

    Returns:
        What this erasure has touched, with what it had before.
    """
    refs, touched = find_lists(store, env, erasure.kind), erasure.touched
    erased = {ref: erase_member(store.database, ref, erasure.id, key) for ref in refs}
    for ref in refs:
        drop_changes_of(store.database, ref, key)
    names = sorted({*touched.segments, *(ref.segment for ref in refs if erased[ref].touched)})

    # Of a list that was freed since the last time nothing is known any more.
    return replace(
        touched,
        lists=max(touched.lists, len(refs)),
        segments=tuple(names[:_NAMED]),
        segments_total=max(touched.segments_total, len(names)),
        included=max(touched.included, sum(each.included for each in erased.values())),
        excluded=max(touched.excluded, sum(each.excluded for each in erased.values())),
        revisions=max(touched.revisions, sum(each.revisions for each in erased.values())),
        schedules=max(touched.schedules, sum(each.schedules for each in erased.values())),
    )


def has_left_feeds(store: Store, env: EnvironmentRef, erasure: Erasure, key: str) -> bool:
    """Whether no feed of a list has a key that was erased from it; each has it for a while.

    Cost: as :func:`find_lists`, and a round trip a list, or one for each 100 requests whose edits
    are in its feed.
    """
    refs = find_lists(store, env, erasure.kind)
    return all(store.feeds.drop_erased(ref, key) for ref in refs)


@dataclass(frozen=True, slots=True)
class StandardSegments:
    """Where standard segments have a key."""

    targeting: tuple[Segment, ...]
    """Those that target it."""
    targets: tuple[str, ...]
    """Their lists that have it, such as ``included:beta``."""
    rules: tuple[str, ...]
    """Keys of those with a rule that names it, the first hundred."""


def find_targets(store: Store, env: EnvironmentRef, kind: str, key: str) -> StandardSegments:
    """Find a key in standard segments.

    Cost: a round trip for 100 segments; reads all that they target.
    """
    segments = [each for each in store.segments.read_remaining(env) if not each.unbounded]
    found: list[Segment] = []
    targets, rules = list[str](), list[str]()
    for definition in store.segments.read_many(env, [segment.key for segment in segments]):
        if definition is None:
            continue
        uses = find_key(definition, kind, key)
        if uses.sides:
            found.append(definition.segment)
            targets += [f"{side}:{definition.segment.key}" for side in uses.sides]
        if uses.in_rules:
            rules.append(definition.segment.key)
    return StandardSegments(tuple(found), tuple(targets), tuple(sorted(rules)[:_NAMED]))


def find_flags(store: Store, env: EnvironmentRef, key: str) -> tuple[str, ...]:
    """The flags that name a key, the first hundred. Cost: reads all flags of the environment."""

    def read() -> bytes:
        state = store.flag_data.find(env)
        return b"" if state is None else store.flag_data.read(env, state)

    document = retry_on_change(f"flag data of {env.environment}", read)
    return tuple(flags_naming(document, key)[:_NAMED])


def erase_targets(store: Store, segments: Iterable[Segment], kind: str, key: str) -> None:
    """Remove a key from the targets of segments. Safe to repeat. Cost: a few round trips each."""
    for segment in segments:
        try:
            erase_target(store.segments, segment.ref, kind, key)
        except SegmentNotFound:
            continue  # and its targets with it


def _big(store: Store, env: EnvironmentRef) -> list[Segment]:
    return [segment for segment in store.segments.read_remaining(env) if segment.unbounded]
