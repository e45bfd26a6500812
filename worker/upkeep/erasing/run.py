"""One turn at each erasure that is not complete."""

import logging
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Final

from worker.errors import TerminalError, TransientError
from worker.jobs.services import Services
from worker.store import OURSELVES, Change, EnvironmentRef, JobRef, environment_resource
from worker.store.erasures import Before, Erasure, completed
from worker.store.lists import forget_erasure
from worker.upkeep.erasing.files import delete_files, look_before, rejected_files
from worker.upkeep.erasing.jobs import clear_held, clear_previews, find_previews
from worker.upkeep.erasing.lists import (
    erase_from_lists,
    erase_targets,
    find_flags,
    find_lists,
    find_targets,
    has_left_feeds,
)
from worker.upkeep.erasing.uploads import drop_uploads, find_unadmitted, find_unwanted
from worker.upkeep.spills import Discard

logger = logging.getLogger("bigseg.upkeep")

#: The least time between two turns at one erasure.
_TURN_MS: Final = 1_000
#: How long one call goes on to other erasures.
_CALL_MS: Final = 5_000


class _Superseded(Exception):
    """Another process has changed the record: its next turn is somebody's."""


def erase_keys(services: Services, discard: Discard) -> int:
    """Continue every erasure that is not complete. Safe to repeat and to interrupt.

    First imports are told to leave the key out; then it is removed from all lists; then from what
    was made before that: imports at work are waited for, those that wait for an approval cleared,
    previews changed, files that may hold the key deleted, and those who follow a list have half a
    minute to take it out of their copies. Only then the erasure is complete and its record forgets
    the key. What it will touch is recorded before it is touched, so a receipt
    is the same whatever process dies in between.

    Cost: one round trip an environment when there is nothing to do. With many of them it stops
    after a few seconds, so that other chores have their turn; the next call goes on.

    Returns:
        Erasures that were completed.
    """
    done, ends_ms = 0, services.clock_ms() + _CALL_MS
    for env, erasure in _under_way(services):
        done += _continue(services, env, erasure, discard)
        if services.clock_ms() >= ends_ms:
            break
    return done


def _under_way(services: Services) -> list[tuple[EnvironmentRef, Erasure]]:
    """New ones first, because they are still in lists; then those that wait, the oldest first."""
    store = services.store
    envs = [env for env in store.environments.list_refs() if not env.is_of_project]
    found = [(env, each) for env in envs for each in store.erasures.read_all(env)]
    under_way = [(env, each) for env, each in found if each.state == "in_progress"]
    return sorted(under_way, key=lambda it: (it[1].before is not None, it[1].created_ms))


def _continue(services: Services, env: EnvironmentRef, erasure: Erasure, discard: Discard) -> bool:
    turn = f"erase:{env.project}:{env.environment}:{erasure.id}"
    if erasure.key is None or not services.store.jobs.take_turn(turn, _TURN_MS):
        return False
    try:
        return _Turn(services, env, erasure, erasure.key, discard).take()
    except _Superseded:
        return False
    except (TransientError, TerminalError) as exc:
        # An error about one does not delay the others.
        logger.warning("erasure.postponed", extra={"erasure": erasure.id, "reason": str(exc)})
        return False


@dataclass(slots=True)
class _Turn:
    """One turn at one erasure."""

    services: Services
    env: EnvironmentRef
    erasure: Erasure
    """As it is stored, unless somebody else has changed it."""
    key: str
    discard: Discard

    def take(self) -> bool:
        """Do what can be done now; whether it is complete."""
        self._keep_out()
        # What has ended by now leaves nothing behind that the lists do not show below.
        at_work = self.services.store.jobs.active(self.env)
        active = {*map(str, at_work)}
        self._erase_from_store()
        self._keep_out()  # An edit that was undone just now may have lifted the hash.
        before, is_first = self.erasure.before, self.erasure.before is None
        if before is None:
            before = look_before(self.services, self.env, self.erasure.kind, at_work)
            active = {*before.jobs}
            self._save(before=before)
        waiting = self._wait_for(before, active)
        if waiting and not is_first:
            return False
        self._clear_previews()
        self._delete_files(before, waiting)
        self._drop_uploads(before)
        if waiting or not has_left_feeds(self.services.store, self.env, self.erasure, self.key):
            return False
        return self._complete()

    def _save(self, **changes: Any) -> None:  # noqa: ANN401 - fields of an erasure
        changed = replace(self.erasure, **changes)
        if changed == self.erasure:
            return
        if not self.services.store.erasures.replace(self.env, self.erasure, changed):
            raise _Superseded
        self.erasure = changed

    def _touch(self, **changes: Any) -> None:  # noqa: ANN401 - fields of what is touched
        self._save(touched=replace(self.erasure.touched, **changes))

    def _keep_out(self) -> None:
        """Have imports leave the key out."""
        erasure, erased_keys = self.erasure, self.services.store.erased_keys
        erased_keys.add(self.env, erasure.kind, erasure.digest, erasure.created_ms)

    def _erase_from_store(self) -> None:
        store, kind = self.services.store, self.erasure.kind
        self._save(touched=erase_from_lists(store, self.env, self.erasure, self.key))
        found = find_targets(store, self.env, kind, self.key)
        self._touch(targets=_union(self.erasure.touched.targets, found.targets))
        self._save(rules=found.rules, flags=find_flags(store, self.env, self.key))
        erase_targets(store, found.targeting, kind, self.key)

    def _wait_for(self, before: Before, active: Collection[str]) -> tuple[str, ...]:
        """The jobs that were there before and may still have the key; clears those that wait."""
        unadmitted = find_unadmitted(self.services, self.env, before.uploads)
        active = {*active, *map(str, unadmitted)}
        waiting = tuple(
            text
            for text in before.jobs
            if text in active and not clear_held(self.services, JobRef.parse(text), self.discard)
        )
        imports = [text for text in before.jobs if not text.startswith("export:")]
        self._touch(imports=tuple(JobRef.parse(text).job_id for text in imports))
        self._save(waiting=waiting)
        return waiting

    def _clear_previews(self) -> None:
        refs = find_previews(self.services, self.env, self.key)
        ids = tuple(ref.job_id for ref in refs)
        self._touch(previews=_union(self.erasure.touched.previews, ids))
        clear_previews(self.services, refs, self.key)

    def _delete_files(self, before: Before, waiting: tuple[str, ...]) -> None:
        rejected = rejected_files(self.services, before)
        ids = tuple(file.import_id for file in rejected)
        self._touch(
            exports=before.exports,
            rejected_rows=_union(self.erasure.touched.rejected_rows, ids),
        )
        left = delete_files(self.services, self.env, before, rejected, waiting)
        deleted = tuple(each for each in before.exports if each not in left)
        self._touch(exports=deleted, undeleted_exports=tuple(sorted(left)))

    def _drop_uploads(self, before: Before) -> None:
        unwanted = find_unwanted(self.services, self.env, before.uploads)
        self._touch(uploads=_union(self.erasure.touched.uploads, unwanted))
        drop_uploads(self.services, self.env, unwanted)

    def _complete(self) -> bool:
        store, erasure = self.services.store, self.erasure
        forget_erasure(store.database, find_lists(store, self.env, erasure.kind), erasure.id)
        store.audit.record(self.env, _change_of(self.env, erasure))
        receipt = completed(erasure, self.services.clock_ms())
        if not store.erasures.replace(self.env, erasure, receipt):
            raise _Superseded
        logger.info("erasure.complete", extra={"erasure": erasure.id})
        return True


def _union(known: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({*known, *more}))


def _change_of(env: EnvironmentRef, erasure: Erasure) -> Change:
    return Change(
        actor=OURSELVES.name,
        token_id=OURSELVES.token_id,
        actions=("completeContextErasure",),
        kind="environment",
        resource=environment_resource(env),
        name=env.environment,
        verb="completed an erasure from the environment",
        after={
            "erasureId": erasure.id,
            "contextKind": erasure.kind,
            "keyHash": erasure.key_hash,
            "startedBy": erasure.initiator or None,
            **erasure.touched.counts,
        },
    )
