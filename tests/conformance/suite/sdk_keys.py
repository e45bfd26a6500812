"""SDK keys: made once, kept as digests, of one project, gone with it."""

import json
import re
from dataclasses import replace
from typing import Final

import pytest

from tests.support.store.stores import clock_ms, raw
from worker.store import (
    EnvironmentRef,
    NewToken,
    Project,
    SdkKey,
    SdkKeyNotFound,
    Store,
    TooManyTokens,
    create_project,
    delete_environment,
    delete_project,
    may_be_sdk_key,
    sdk_keys,
)
from worker.store.access_tokens import digest_of

_OTHER: Final = Project("other", "Other", 1)


def _create(store: Store, project: Project | None = None) -> tuple[SdkKey, str]:
    project = project or store.projects.get("default")
    return store.sdk_keys.create(project, environment="production", label="web", created_by="admin")


class SdkKeySuite:
    def test_create__any__is_found_by_its_digest(self, store: Store) -> None:
        project = store.projects.get("default")
        key, secret = _create(store)
        assert re.fullmatch(r"vf_server_[0-9a-f]{32}", secret)
        assert may_be_sdk_key(secret.encode())
        assert (key.id, key.beginning) == (digest_of(secret), secret[:13])
        assert (key.environment, key.label, key.created_by) == ("production", "web", "admin")
        assert key.created_ms > 1_700_000_000_000
        assert store.sdk_keys.read().keys == (key,)
        assert key.belongs_to(project)
        assert store.sdk_keys.of_project(project) == [key]
        held = b"".join(raw(store).hgetall(store.keyspace.access_tokens()).values())
        assert secret.removeprefix("vf_server_").encode() not in held

    def test_changes__of_keys_and_of_tokens__have_one_mark_and_hide_no_other(
        self, store: Store
    ) -> None:
        tokens = store.access_tokens
        token, _ = tokens.create(NewToken("n", "reader", "admin"))
        seen = [tokens.changed()]
        key, _ = _create(store)
        seen.append(tokens.changed())
        assert tokens.read().tokens == (token,)
        store.sdk_keys.revoke(store.projects.get("default"), key.id)
        seen.append(tokens.changed())
        assert len(set(seen)) == 3
        assert tokens.read().tokens == (token,)

    def test_revoke__any__is_gone(self, store: Store) -> None:
        project = store.projects.get("default")
        kept, gone = _create(store)[0], _create(store)[0]
        assert store.sdk_keys.revoke(project, gone.id) == gone
        assert store.sdk_keys.read().keys == (kept,)
        for key_id in (gone.id, "none", ""):
            with pytest.raises(SdkKeyNotFound):
                store.sdk_keys.revoke(project, key_id)

    def test_revoke__key_of_another_project__is_refused(self, store: Store) -> None:
        create_project(store, _OTHER, [])
        key, _ = _create(store)
        with pytest.raises(SdkKeyNotFound):
            store.sdk_keys.revoke(_OTHER, key.id)
        assert store.sdk_keys.read().keys == (key,)

    def test_delete_project__with_keys__revokes_its_own(self, store: Store) -> None:
        create_project(store, _OTHER, [])
        kept = _create(store)[0]
        for _ in range(3):
            _create(store, _OTHER)
        delete_project(store, "other")
        assert store.sdk_keys.read().keys == (kept,)

    def test_key__of_an_earlier_project__is_none_of_the_new_one(self, store: Store) -> None:
        key, _ = _create(store, _OTHER)
        again = Project("other", "Other", 2)
        assert store.sdk_keys.of_project(_OTHER) == [key]
        assert store.sdk_keys.of_project(again) == []

    def test_delete_environment__with_keys__revokes_those_of_launchdarkly(
        self, store: Store
    ) -> None:
        project = store.projects.get("default")
        made = [
            store.sdk_keys.create(
                project,
                environment=environment,
                label=None,
                created_by="admin",
                launchdarkly=launchdarkly,
                relay=relay,
            )
            for environment, launchdarkly, relay in (
                ("production", True, False),
                ("production", False, True),
                ("production", False, False),
                ("test", True, False),
            )
        ]
        keys = [key for key, _ in made]
        assert [secret[:4] for _, secret in made] == ["sdk-", "sdk-", "vf_s", "sdk-"]
        assert all(may_be_sdk_key(secret.encode()) for _, secret in made)
        assert set(store.sdk_keys.of_environment(project, "production")) == set(keys[:2])
        assert store.sdk_keys.of_project(project) == [keys[2]]
        delete_environment(store, EnvironmentRef("default", "production"))
        assert set(store.sdk_keys.read().keys) == set(keys[2:])

    @pytest.mark.parametrize(
        ("most", "whose"), [("MOST_OF_A_PROJECT", "project"), ("MOST_SDK_KEYS", "store")]
    )
    def test_create__too_many__is_refused(
        self, store: Store, monkeypatch: pytest.MonkeyPatch, most: str, whose: str
    ) -> None:
        monkeypatch.setattr(sdk_keys, most, 2)
        keys = [_create(store)[0] for _ in range(2)]
        with pytest.raises(TooManyTokens, match=f"the {whose} has 2 SDK keys"):
            _create(store)
        store.sdk_keys.revoke(store.projects.get("default"), keys[0].id)
        _create(store)

    @pytest.mark.parametrize("damaged_text", [b"[", json.dumps({"project": "x"}).encode()])
    def test_read__damaged_record__hides_no_other(self, store: Store, damaged_text: bytes) -> None:
        damaged, sound = _create(store)[0], _create(store)[0]
        field = f"sdk-key:{damaged.id}"
        raw(store).hset(store.keyspace.access_tokens(), field, damaged_text)
        found = store.sdk_keys.read()
        assert (found.keys, found.unreadable) == ((sound,), (damaged.id,))

    def test_read__record_under_another_name__hides_no_other(self, store: Store) -> None:
        sound, _ = _create(store)
        key = store.keyspace.access_tokens()
        raw(store).hset(key, "sdk-key:x", raw(store).hget(key, f"sdk-key:{sound.id}"))
        found = store.sdk_keys.read()
        assert (found.keys, found.unreadable) == ((sound,), ("x",))

    def test_reset__with_an_overlap__keeps_the_old_one_that_long(self, store: Store) -> None:
        project = store.projects.get("default")
        first, _ = store.sdk_keys.reset(
            project, "production", keep_until_ms=None, created_by="admin"
        )
        until_ms = clock_ms() + 60_000
        second, secret = store.sdk_keys.reset(
            project, "production", keep_until_ms=until_ms, created_by="admin"
        )
        assert (secret[:4], second.own, second.expires_ms) == ("sdk-", True, None)
        kept = replace(first, expires_ms=until_ms)
        assert set(store.sdk_keys.read().keys) == {kept, second}
        third, _ = store.sdk_keys.reset(
            project, "production", keep_until_ms=until_ms + 9, created_by="admin"
        )
        assert set(store.sdk_keys.read().keys) == {
            kept,
            replace(second, expires_ms=until_ms + 9),
            third,
        }
