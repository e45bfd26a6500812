"""The log of changes of each environment, from which relays learn what changes in its lists.

It is linear: every entry has the next number. It holds digests of context keys, no keys, because
that is what relays store. It exists only while relays ask for it, and is bounded; a relay that has
missed what was dropped begins anew.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from worker.settings import SDK_LOG_BYTES
from worker.store.keyspace import EXCLUDED, INCLUDED, SDK_LOG_PARTS, EnvironmentRef, Side
from worker.store.sdk_log.records import DIGEST_BYTES, LogEntry, LogPoint, LogState
from worker.store.server.connections import driver_errors
from worker.store.server.database import Database

#: Digests in one entry, and in one patch: a relay applies each in one transaction.
MOST_CHANGES: Final = 4_000
#: How long after the shift was raised it can be raised again.
PAUSE_MS: Final = 600_000

_NAME_LENGTH: Final = 8
#: Above any generation of LaunchDarkly's and ours, and below any that it is raised to.
_FIRST_SHIFT: Final = 1_000_000
#: 2020-01-01, Unix ms: a shift that is raised becomes the minutes since then at least, so that it
#: is above any that a store had which is lost.
_SHIFT_BEGIN_MS: Final = 1_577_836_800_000
_MINUTE_MS: Final = 60_000
_FIELDS: Final[Mapping[str, tuple[Side, int]]] = {
    "i+": (INCLUDED, 0),
    "i-": (INCLUDED, 1),
    "e+": (EXCLUDED, 0),
    "e-": (EXCLUDED, 1),
}

#: Digests that are added to each list and removed from it, one after the other.
Changes = Mapping[Side, tuple[bytes, bytes]]


class SdkLog:
    """The logs of all environments. Every method may raise ``StoreUnavailable``.

    All that writes to a log takes the token of the worker that keeps the environment's sets for
    SDKs; a call of another worker does nothing. All is safe to repeat: a relay that gets a change
    twice is where it was.
    """

    def __init__(self, database: Database, most_bytes: int = SDK_LOG_BYTES) -> None:
        """Take the parts.

        Args:
            database: Where the logs are.
            most_bytes: That the entries of one log may have.
        """
        self._db = database
        self._most_bytes = most_bytes

    def keep(self, env: EnvironmentRef, token: str, refs: Collection[str]) -> None:
        """Have the log follow these lists, and no others; to be called before feeds are read.

        A list that is new to it is sent to relays whole, as it is when they ask. What changes a
        list after this call must be appended; what changed it before need not be.

        Cost: one round trip, a few more when the lists are others than before.
        """
        ordered = sorted(refs)
        digest = hashlib.sha256("\n".join(ordered).encode()).hexdigest()
        if self._write(env, "sdk_log/keep", token, digest):
            self._write(env, "sdk_log/keep", token, digest, self._short_name(), *ordered)

    def append(self, env: EnvironmentRef, token: str, ref: str, changes: Changes) -> None:
        """Append changes of one list; nothing if the log does not follow it.

        Removals go last, so that a context that changes sides is never in none.

        Cost: one round trip for each 4,000 digests.
        """
        for fields in _entries(changes):
            flat = [item for field in fields.items() for item in field]
            arguments = (self._most_bytes, ref, self._short_name(), *flat)
            self._write(env, "sdk_log/append", token, *arguments)

    def restart(self, env: EnvironmentRef, token: str, ref: str | None = None) -> None:
        """Drop the log, because changes may be missing from it: relays then begin anew.

        Args:
            env: Whose log.
            token: Of the worker that keeps the sets.
            ref: Drop it only if it follows this list.
        """
        self._write(env, "sdk_log/restart", token, *(() if ref is None else (ref,)))

    def read(
        self, env: EnvironmentRef, after: LogPoint | None = None, most: int = MOST_CHANGES
    ) -> LogState:
        """Read the state of a log, and what follows an entry; have it kept for a week from now.

        Cost: one round trip.

        Args:
            env: Whose log.
            after: The entry; without it none is read.
            most: Digests to read at most, each entry counting for one more, but at least an
                entry; with 0 it is only looked whether the entry is known.
        """
        point = ("", "", "") if after is None else (after.epoch, after.number, after.tag)
        names = (self._short_name(), self._short_name())
        reply = self._run(env, "read", "sdk_log/read", (*names, *point, most))
        epoch, head, tag, is_kept, is_known, entries = reply
        name = epoch.decode()
        return LogState(
            LogPoint(name, head, tag.decode()),
            bool(is_kept),
            bool(is_known),
            tuple(_decode(name, number, fields) for number, fields in entries),
        )

    def refs(self, env: EnvironmentRef) -> list[str]:
        """The lists that the log follows, ``segment.gN``, in order. Cost: one round trip."""
        with driver_errors(f"list what relays of {env.environment} are sent"):
            return sorted(
                ref.decode() for ref in self._db.client.hkeys(self._db.keys.sdk_log(env, "refs"))
            )

    def relay_shift(self, env: EnvironmentRef) -> int:
        """By how much generations are raised in all that relays are sent. Cost: one round trip.

        It is never zero, so that an SDK that uses a relay's key beside the sets for SDKs is found
        out at once, and not when it is raised.
        """
        with driver_errors(f"read the relay shift of {env.environment}"):
            reply = self._db.client.hget(self._db.keys.environment_state(env), "relay_shift")
        return int(reply or _FIRST_SHIFT)

    def admit(self, env: EnvironmentRef, version: str, above: int) -> int | None:
        """Find whether a relay may begin anew that may hold anything of what was ever sent.

        It begins under references that nobody was ever sent: the shift is raised for it, and for
        all that wait, at most once in ten minutes. Definitions for relays change with it.

        Args:
            env: Whose lists.
            version: What it sent.
            above: A shift under which it may hold something.

        Returns:
            The shift under which it begins; ``None`` while it has to wait.
        """
        digest = hashlib.sha256(version.encode(errors="surrogatepass")).hexdigest()[:32]
        minutes = (self._db.now_ms() - _SHIFT_BEGIN_MS) // _MINUTE_MS
        keys = [self._db.keys.environment_state(env), self._db.keys.sdk_log(env, "strangers")]
        least = max(minutes, above + 1)
        arguments = (digest, _FIRST_SHIFT, least, PAUSE_MS, self._db.random_name())
        what = f"admit a relay in {env.environment}"
        shift, is_admitted = self._db.run(what, "sdk_log/admit", keys, arguments)
        return int(shift) if is_admitted else None

    def forget(self, env: EnvironmentRef) -> None:
        """Drop the log of an environment that is deleted. Safe to repeat."""
        keys = self._db.keys
        parts = [keys.sdk_log(env), *(keys.sdk_log(env, part) for part in SDK_LOG_PARTS)]
        with driver_errors(f"drop what relays of {env.environment} were to be sent"):
            self._db.client.unlink(*parts)

    def _write(self, env: EnvironmentRef, name: Any, token: str, *args: Any) -> int:  # noqa: ANN401 - arguments of a script
        return int(self._run(env, "write to", name, (token, *args)))

    def _run(self, env: EnvironmentRef, what: str, name: Any, args: Sequence[Any]) -> Any:  # noqa: ANN401 - a reply is what the script returns
        keys = self._db.keys
        names = [keys.sdk_log(env), keys.sdk_log(env, "entries"), keys.sdk_log(env, "refs")]
        return self._db.run(
            f"{what} the log for relays of {env.environment}",
            name,
            [*names, keys.sdk_store(env)],
            args,
        )

    def _short_name(self) -> str:
        return self._db.random_name()[:_NAME_LENGTH]


def _entries(changes: Changes) -> Iterator[dict[str, bytes]]:
    """Split changes into entries: what is added first."""
    most, room, entry = MOST_CHANGES * DIGEST_BYTES, MOST_CHANGES * DIGEST_BYTES, dict[str, bytes]()
    for field, (side, which) in sorted(_FIELDS.items(), key=lambda item: item[1][1]):
        left = changes.get(side, (b"", b""))[which]
        while left:
            entry[field], left = left[:room], left[room:]
            room -= len(entry[field])
            if not room:
                yield entry
                room, entry = most, {}
    if entry:
        yield entry


def _decode(epoch: str, number: int, flat: Sequence[bytes]) -> LogEntry:
    fields = {name.decode(): value for name, value in zip(flat[::2], flat[1::2], strict=True)}
    changes: dict[Side, tuple[bytes, bytes]] = {}
    for side in (INCLUDED, EXCLUDED):
        added, removed = fields.get(f"{side[0]}+", b""), fields.get(f"{side[0]}-", b"")
        if added or removed:
            changes[side] = (added, removed)
    at = LogPoint(epoch, number, fields["tag"].decode())
    return LogEntry(at, fields["ref"].decode(), changes)
