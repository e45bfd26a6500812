"""What every store promises about the records of the sets that SDKs read."""

from typing import Literal

import pytest

from tests.support.store.stores import PRODUCTION, raw
from worker.store import EnvironmentRef, SdkPrefixTaken, SdkStoreSettings, SdkStoreState, Store
from worker.store.sdk_store import FollowedList
from worker.store.server.scripts import ScriptName

TEST = EnvironmentRef("default", "test")
ON = SdkStoreSettings(on=True, prefix="sdk")
LEASE_MS = 60_000
LIST = FollowedList("r1-x 4 4", "7-0", "a", held=True)


class SdkStoreSuite:
    """The switch, the lease, and what is recorded under it."""

    def test_settings__prefix_of_another_environment__changes_nothing(self, store: Store) -> None:
        store.sdk_store.put_settings(PRODUCTION, ON)
        with pytest.raises(SdkPrefixTaken, match="production"):
            store.sdk_store.put_settings(TEST, ON)
        assert store.sdk_store.settings(TEST) == SdkStoreSettings()
        assert store.sdk_store.environments() == {PRODUCTION: "sdk"}

    def test_prefix__taken_at_the_same_moment__belongs_to_the_first(self, store: Store) -> None:
        store.sdk_store._prefixes.take(PRODUCTION, "sdk")
        with pytest.raises(SdkPrefixTaken, match="production"):
            store.sdk_store._prefixes.take(TEST, "sdk")

    def test_claim__under_another_lease__is_refused_until_it_ends(self, store: Store) -> None:
        store.sdk_store.put_settings(PRODUCTION, ON)
        assert store.sdk_store.claim(PRODUCTION, "first", LEASE_MS) is not None
        assert store.sdk_store.claim(PRODUCTION, "second", LEASE_MS) is None
        assert store.sdk_store.renew(PRODUCTION, "first", LEASE_MS) is not None
        raw(store).hset(store.keyspace.sdk_store(PRODUCTION), "writer_until", 1)
        claim = store.sdk_store.claim(PRODUCTION, "second", LEASE_MS)
        assert claim is not None
        assert claim.settings == ON

    def test_claim__after_a_release__is_given_at_once(self, store: Store) -> None:
        assert store.sdk_store.renew(PRODUCTION, "first", LEASE_MS) is not None
        store.sdk_store.release(PRODUCTION, "second")
        assert store.sdk_store.renew(PRODUCTION, "second", LEASE_MS) is None
        store.sdk_store.release(PRODUCTION, "first")
        assert store.sdk_store.renew(PRODUCTION, "second", LEASE_MS) is not None

    def test_put__under_the_lease__is_what_the_next_claim_finds(self, store: Store) -> None:
        records, state = store.sdk_store, SdkStoreState(5, caught_up_ms=4)
        gone = FollowedList("r1-x 4 4", "1-0", "b", gone=True)
        assert records.renew(PRODUCTION, "first", LEASE_MS) is not None
        lists = {"a.g1": LIST, "a.b.g2": LIST, "a.g9": gone}
        assert records.put(PRODUCTION, "first", writes=3, lists=lists, state=state, canary="name")
        assert records.put(PRODUCTION, "first", writes=4, lists={"a.b.g2": None})
        claim = records.claim(PRODUCTION, "first", LEASE_MS)
        assert claim is not None
        assert (claim.lists, claim.state) == ({"a.g1": LIST, "a.g9": gone}, state)
        assert (claim.canary, claim.writes) == ("name", 4)
        assert records.held(PRODUCTION) == {"a": 1}
        assert records.states([TEST, PRODUCTION]) == [None, state]

    def test_put__without_the_lease__writes_nothing(self, store: Store) -> None:
        assert store.sdk_store.renew(PRODUCTION, "first", LEASE_MS) is not None
        assert not store.sdk_store.put(PRODUCTION, "second", writes=3, lists={"a.g1": LIST})
        assert store.sdk_store.lists(PRODUCTION) == {}

    def test_forget__switched_on_meanwhile__keeps_the_prefix(self, store: Store) -> None:
        records, off = store.sdk_store, SdkStoreSettings(on=False, prefix="sdk")
        records.put_settings(PRODUCTION, ON)
        assert records.renew(PRODUCTION, "first", LEASE_MS) is not None
        assert not records.forget(PRODUCTION, "first", off)
        assert records.environments() == {PRODUCTION: "sdk"}
        records.put_settings(PRODUCTION, off)
        assert not records.forget(PRODUCTION, "second", off)
        assert records.find_settings(PRODUCTION) == off
        assert records.forget(PRODUCTION, "first", off)
        assert records.environments() == {}
        assert records.find_settings(PRODUCTION) is None

    def test_sets__of_their_writer__are_changed_and_counted(self, store: Store) -> None:
        sets = _Sets(store)
        assert sets.open("name", "first", "1") == 0
        assert sets.run("add", "first", sets.prefix, "a.g1", HASHES) == [1, 2]
        assert sets.run("add", "first", sets.prefix, "b.g1", HASHES) == [2, 2]
        assert sets.run("remove", "first", sets.prefix, "a.g1", HASHES[:44]) == [3, 1]
        assert sets.run("sweep", "first", sets.prefix + HASHES[44:], "a.g1") == [4, 1]
        assert sets.members() == [{b"b.g1"}, {b"b.g1"}]
        assert sets.open("name", "second", "") == 4

    def test_sets__of_another_writer_or_name__are_left_alone(self, store: Store) -> None:
        sets = _Sets(store)
        assert sets.open("name", "first", "") == -1
        assert sets.run("add", "first", sets.prefix, "a.g1", HASHES) == []
        assert sets.open("name", "first", "1") == 0
        assert sets.run("add", "first", sets.prefix, "a.g1", HASHES) == [1, 2]
        assert sets.open("other", "first", "") == -1
        assert sets.open("name", "second", "") == 1
        assert sets.run("add", "first", sets.prefix, "b.g1", HASHES) == []
        assert sets.run("remove", "first", sets.prefix, "a.g1", HASHES) == []
        assert sets.run("sweep", "first", sets.prefix + HASHES[:44], "a.g1") == []
        assert sets.members() == [{b"a.g1"}, {b"a.g1"}]
        assert sets.open("other", "second", "1") == 0
        assert sets.open("name", "second", "") == -1


#: Two hashes of 44 characters.
HASHES = f"{'a' * 43}={'b' * 43}="


class _Sets:
    """Sets that share a slot with their canary, so that a cluster takes them, too."""

    def __init__(self, store: Store) -> None:
        self._store = store
        tag = f"{store.keyspace.prefix}:{{sdk}}"
        self._canary, self.prefix = f"{tag}:canary", f"{tag}:include:"

    def open(self, name: str, writer: str, make: str) -> int:
        found: int = self._store.database.run(
            "open sets", "sdk_store/open", [self._canary], [name, writer, make]
        )
        return found

    def run(self, what: Literal["add", "remove", "sweep"], writer: str, *args: str) -> list[int]:
        script: ScriptName = f"sdk_store/{what}"  # type: ignore[assignment]  # one of three
        found: list[int] = self._store.database.run(
            "change sets", script, [self._canary], ["name", writer, *args]
        )
        return found

    def members(self) -> list[set[bytes]]:
        keys = (f"{self.prefix}{HASHES[at : at + 44]}" for at in (0, 44))
        return [{*raw(self._store).smembers(key)} for key in keys]
