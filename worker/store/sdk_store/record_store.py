"""The records of the sets that SDKs read: the switch, who keeps the sets, and how far they are."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from worker.store.errors import SdkPrefixTaken
from worker.store.keyspace import EnvironmentRef
from worker.store.sdk_store.codecs import (
    LIST,
    SETTINGS,
    STATE,
    decode_settings,
    decode_state,
)
from worker.store.sdk_store.prefixes import SdkPrefixes
from worker.store.sdk_store.records import (
    FollowedList,
    SdkStoreClaim,
    SdkStoreFigures,
    SdkStoreSettings,
    SdkStoreState,
)
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database

_LIST_FIELD: Final = "list:"
_PAGE: Final = 500
#: Fields written in one step.
_FIELDS_PER_CALL: Final = 500


class SdkStoreRecords:
    """The records of all environments. Every method may raise ``StoreUnavailable``."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._prefixes = SdkPrefixes(database)

    def environments(self) -> dict[EnvironmentRef, str]:
        """The prefix of each environment that is on, or whose sets are being removed.

        Cost: one round trip.
        """
        return self._prefixes.all()

    def settings(self, env: EnvironmentRef) -> SdkStoreSettings:
        """The switch of an environment; off if it was never set.

        Cost and errors: as :meth:`find_settings`.
        """
        return self.find_settings(env) or SdkStoreSettings()

    def find_settings(self, env: EnvironmentRef) -> SdkStoreSettings | None:
        """The same; ``None`` if it was never set. Cost: one round trip.

        Raises:
            UnreadableRecord: it is damaged, or of another release.
        """
        with driver_errors(f"read the SDK store of {env.environment}"):
            text = self._db.client.hget(self._db.keys.sdk_store(env), "settings")
        return None if text is None else decode_settings(env, text)

    def put_settings(self, env: EnvironmentRef, settings: SdkStoreSettings) -> None:
        """Set the switch. Workers follow within about a second. Safe to retry.

        Cost: one round trip, four if it is switched on.

        Raises:
            SdkPrefixTaken: another environment has the prefix, or this one still has another;
                it is off then, or as it was.
        """
        if settings.on:
            self._prefixes.require_free(env, settings.prefix)
            self._prefixes.take(env, settings.prefix)
        self._write_settings(env, settings)
        if settings.on:
            try:
                # A worker that has just removed the sets may have freed the prefix meanwhile.
                self._prefixes.take(env, settings.prefix)
            except SdkPrefixTaken:
                self._write_settings(env, replace(settings, on=False))
                raise

    def _write_settings(self, env: EnvironmentRef, settings: SdkStoreSettings) -> None:
        with driver_errors(f"set the SDK store of {env.environment}"):
            self._db.client.hset(
                self._db.keys.sdk_store(env), "settings", SETTINGS.encode(settings)
            )

    def switch_off(self, env: EnvironmentRef) -> None:
        """Switch it off if it is on, for an environment that is deleted. Safe to repeat.

        Cost: one round trip, two if it is on.
        """
        before = self.settings(env)
        if before.on:
            self.put_settings(env, replace(before, on=False))

    def switch_on_first(self, env: EnvironmentRef, prefix: str) -> None:
        """Switch it on if it was never set, and the prefix is free. Safe to repeat.

        Cost: one round trip, five the first time.
        """
        if self.find_settings(env) is None:
            with suppress(SdkPrefixTaken):
                self.put_settings(env, SdkStoreSettings(on=True, prefix=prefix))

    def lists(self, env: EnvironmentRef) -> dict[str, FollowedList]:
        """How far the sets have followed each list, by ``segment.gN``.

        Cost: one round trip for each 500.

        Raises:
            UnreadableRecord: one is damaged, or of another release.
        """
        cursor, texts = 0, dict[bytes, bytes]()
        with driver_errors(f"read the SDK store of {env.environment}"):
            while True:
                cursor, page = self._db.client.hscan(
                    self._db.keys.sdk_store(env), cursor, count=_PAGE
                )
                texts |= page
                if not cursor:
                    break
        names = {field.decode(): text for field, text in texts.items()}
        return {
            name.removeprefix(_LIST_FIELD): LIST.decode(text, f"SDK store: {name}")
            for name, text in names.items()
            if name.startswith(_LIST_FIELD)
        }

    def held(self, env: EnvironmentRef) -> dict[str, int]:
        """The newest generation of each segment that the sets have held as a whole.

        Cost and errors: as :meth:`lists`.
        """
        newest: dict[str, int] = {}
        for name, followed in self.lists(env).items():
            segment, _, generation = name.rpartition(".g")
            if followed.held and not followed.gone:
                newest[segment] = max(int(generation), newest.get(segment, 0))
        return newest

    def state(self, env: EnvironmentRef) -> SdkStoreState | None:
        """How the sets are; ``None`` if no worker has kept them yet. Cost: one round trip.

        Raises:
            UnreadableRecord: it is damaged, or of another release.
        """
        return self.states([env])[0]

    def states(self, envs: Sequence[EnvironmentRef]) -> list[SdkStoreState | None]:
        """As :meth:`state`, of several. Cost: one round trip."""
        with driver_errors("read the state of SDK stores"):
            pipeline = self._db.client.pipeline(transaction=False)
            for env in envs:
                pipeline.hget(self._db.keys.sdk_store(env), "state")
            texts = pipeline.execute()
        return [decode_state(env, text) for env, text in zip(envs, texts, strict=True)]

    def figures(self) -> SdkStoreFigures:
        """How all sets are, together. Cost: two round trips; one if none are kept.

        Raises:
            UnreadableRecord: one is damaged, or of another release.
        """
        envs = [*self.environments()]
        states = [state or SdkStoreState(0) for state in self.states(envs)] if envs else []
        now_ms = self._db.now_ms()
        known = [state.caught_up_ms for state in states if state.caught_up_ms is not None]
        reasons = [state.reason for state in states if state.reason is not None]
        return SdkStoreFigures(
            environments=len(envs),
            failing=len(reasons),
            lists=sum(state.lists for state in states),
            held=sum(state.held for state in states),
            behind=sum(state.behind for state in states),
            lag_ms=max((max(0, now_ms - caught_up_ms) for caught_up_ms in known), default=0),
            reason=reasons[0] if reasons else None,
        )

    def claim(self, env: EnvironmentRef, token: str, lease_ms: int) -> SdkStoreClaim | None:
        """Become the only worker that keeps the sets of an environment.

        Cost: two round trips, and one for each 500 lists.

        Returns:
            ``None`` while another worker has the lease.

        Raises:
            UnreadableRecord: what was recorded is damaged, or of another release.
        """
        if self.renew(env, token, lease_ms) is None:
            return None
        fields = "settings", "canary", "writes", "state"
        with driver_errors(f"read the SDK store of {env.environment}"):
            found = self._db.client.hmget(self._db.keys.sdk_store(env), fields)
        settings, canary, writes, state = found
        return SdkStoreClaim(
            env=env,
            settings=decode_settings(env, settings),
            canary=None if canary is None else canary.decode(),
            writes=int(writes or 0),
            state=decode_state(env, state),
            lists=self.lists(env),
        )

    def renew(self, env: EnvironmentRef, token: str, lease_ms: int) -> "Renewed | None":
        """Take or renew the lease. Cost: one round trip.

        Returns:
            ``None`` while another worker has it.

        Raises:
            UnreadableRecord: the switch is damaged, or of another release.
        """
        what, key = f"keep the SDK store of {env.environment}", self._db.keys.sdk_store(env)
        reply = self._db.run(what, "sdk_store/claim", [key], [token, lease_ms])
        if not reply:
            return None
        return decode_settings(env, reply[0] or None), int(reply[1]), bool(reply[2])

    def release(self, env: EnvironmentRef, token: str) -> None:
        """Give the lease back, if it is still this one. Cost: one round trip."""
        what, key = f"let go of the SDK store of {env.environment}", self._db.keys.sdk_store(env)
        self._db.run(what, "sdk_store/put", [key], [token, "writer", ""])

    def put(
        self,
        env: EnvironmentRef,
        token: str,
        *,
        writes: int,
        lists: Mapping[str, FollowedList | None] | None = None,
        state: SdkStoreState | None = None,
        canary: str | None = None,
    ) -> bool:
        """Record how far the sets are, under the lease; what is not given stays.

        Cost: one round trip for each 500 lists.

        Args:
            env: Whose sets.
            token: Of the lease.
            writes: Calls that have changed the sets.
            lists: By ``segment.gN``; ``None`` removes one.
            state: How the sets are.
            canary: The name that the sets must bear.

        Returns:
            Whether it was recorded: not if another worker has the lease.
        """
        fields: list[tuple[str, str | bytes]] = []
        for name, followed in (lists or {}).items():
            text = b"" if followed is None else LIST.encode(followed)
            fields.append((f"{_LIST_FIELD}{name}", text))
        if state is not None:
            fields.append(("state", STATE.encode(state)))
        if canary is not None:
            fields.append(("canary", canary))
        fields.append(("writes", str(writes)))
        what, key = f"record the SDK store of {env.environment}", self._db.keys.sdk_store(env)
        for first in range(0, len(fields), _FIELDS_PER_CALL):
            flat = [item for pair in fields[first : first + _FIELDS_PER_CALL] for item in pair]
            if not self._db.run(what, "sdk_store/put", [key], [token, *flat]):
                return False
        return True

    def forget(self, env: EnvironmentRef, token: str, settings: SdkStoreSettings) -> bool:
        """Drop the records of an environment that is off, once its sets are removed.

        Returns:
            Whether they were dropped: not if it was switched on meanwhile.
        """
        what = f"forget the SDK store of {env.environment}"
        # Out of the way first, so that whoever switches it on now is found to have done so.
        self._prefixes.free(settings.prefix)
        expected = SETTINGS.encode(settings)
        key = self._db.keys.sdk_store(env)
        if self._db.run(what, "sdk_store/forget", [key], [token, expected]):
            return True
        now = self.settings(env)
        if now.on:
            # Another environment may have it now: whoever switches this one on is told.
            with suppress(SdkPrefixTaken):
                self._prefixes.take(env, now.prefix)
        return False


#: The switch, the calls that had changed the sets by the record, and whether the lease is new.
Renewed = tuple[SdkStoreSettings, int, bool]
