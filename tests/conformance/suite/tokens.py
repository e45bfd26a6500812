"""Access tokens: made once, kept as digests, changed under a lock, revoked for good."""

import dataclasses
import json
import re

import pytest

from tests.support.store.stores import keys_of, raw
from worker.store import (
    AccessToken,
    Grant,
    NewToken,
    ResourceChanged,
    Store,
    TokenNotFound,
    TooManyTokens,
    UnreadableRecord,
    access_tokens,
)
from worker.store.access_tokens import digest_of

NEW = NewToken(
    name="nightly import",
    role="writer",
    created_by="admin",
    description="d",
    grants=(Grant("web-*", "prod", "?a"), Grant("app")),
    expires_ms=2_000_000_000_000,
    details={"serviceToken": True},
)


class TokenSuite:
    def test_create__any__is_found_by_the_digest_of_its_secret(self, store: Store) -> None:
        token, secret = store.access_tokens.create(NEW)
        assert re.fullmatch(r"api-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", secret)
        assert re.fullmatch(r"[0-9a-f]{24}", token.id)
        assert token.digest == digest_of(secret)
        assert token.ending == secret[-4:]
        assert token.created_ms == token.modified_ms > 1_700_000_000_000
        for name in ("name", "role", "created_by", "description", "grants", "expires_ms"):
            assert getattr(token, name) == getattr(NEW, name), name
        assert token.details == NEW.details
        assert store.access_tokens.get(token.id) == token
        assert store.access_tokens.read().tokens == (token,)

    def test_create__any__keeps_no_secret(self, store: Store) -> None:
        token, secret = store.access_tokens.create(NEW)
        _, second = store.access_tokens.reset(token.id, None)
        held = b"".join(raw(store).hgetall(store.keyspace.access_tokens()).values())
        for one in (secret, second):
            assert one.encode() not in held
            assert one.removeprefix("api-").replace("-", "").encode() not in held

    def test_create__too_many__is_refused(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(access_tokens, "MOST_TOKENS", 2)
        kept = [store.access_tokens.create(NEW)[0].id for _ in range(2)]
        with pytest.raises(TooManyTokens):
            store.access_tokens.create(NEW)
        store.access_tokens.revoke(kept[0])
        store.access_tokens.create(NEW)

    def test_changed__every_change__is_another_and_no_use_is(self, store: Store) -> None:
        tokens = store.access_tokens
        assert tokens.changed() is tokens.read().changed is None
        token, _ = tokens.create(NEW)
        seen = [tokens.changed()]
        tokens.note_used({token.id: 5})
        assert tokens.changed() == seen[0]
        tokens.update(tokens.get(token.id), dataclasses.replace(token, name="n"))
        seen.append(tokens.changed())
        tokens.reset(token.id, None)
        seen.append(tokens.changed())
        tokens.revoke(token.id)
        seen.append(tokens.changed())
        assert len(set(seen)) == 4
        assert None not in seen
        assert tokens.read().changed == seen[-1]

    def test_update__as_it_was_read__is_written_and_else_not(self, store: Store) -> None:
        tokens = store.access_tokens
        token, _ = tokens.create(NEW)
        changed = tokens.update(token, dataclasses.replace(token, role="reader", grants=()))
        assert tokens.get(token.id) == changed
        assert (changed.role, changed.grants, changed.digest) == ("reader", (), token.digest)
        with pytest.raises(ResourceChanged):
            tokens.update(token, token)
        assert tokens.get(token.id) == changed

    def test_update__changed_between_reading_and_writing__is_refused(self, store: Store) -> None:
        tokens = store.access_tokens
        before, _ = tokens.create(NEW)
        put = tokens._put
        other = dataclasses.replace(before, name="other")

        def late(token: AccessToken, expected: bytes) -> None:
            tokens._put = put  # type: ignore[method-assign]  # once
            tokens.update(before, other)
            put(token, expected)

        tokens._put = late  # type: ignore[method-assign]  # a slow caller
        with pytest.raises(ResourceChanged):
            tokens.update(before, dataclasses.replace(before, name="mine"))
        assert tokens.get(before.id).name == "other"

    def test_reset__any__has_another_secret_and_the_old_one_for_a_while(self, store: Store) -> None:
        tokens = store.access_tokens
        token, secret = tokens.create(NEW)
        changed, second = tokens.reset(token.id, 123)
        assert second != secret
        assert (changed.digest, changed.ending) == (digest_of(second), second[-4:])
        assert (changed.old_digest, changed.old_expires_ms) == (token.digest, 123)
        assert tokens.get(token.id) == changed
        last, _ = tokens.reset(token.id, None)
        assert (last.old_digest, last.old_expires_ms) == (None, None)

    def test_revoke__any__is_gone_with_all_that_was_noted(self, store: Store) -> None:
        tokens = store.access_tokens
        kept, gone = tokens.create(NEW)[0], tokens.create(NEW)[0]
        tokens.note_used({kept.id: 1, gone.id: 2})
        tokens.revoke(gone.id)
        for call in (tokens.revoke, tokens.get):
            with pytest.raises(TokenNotFound):
                call(gone.id)
        with pytest.raises(TokenNotFound):
            tokens.reset(gone.id, None)
        with pytest.raises(TokenNotFound):
            tokens.update(gone, gone)
        tokens.note_used({gone.id: 3})
        assert tokens.read().tokens == (kept,)
        fields = raw(store).hkeys(store.keyspace.access_tokens())
        assert not [field for field in fields if gone.id.encode() in field]
        assert store.keyspace.access_tokens() in keys_of(store)

    def test_note_used__several_processes__keeps_the_last_time(self, store: Store) -> None:
        tokens = store.access_tokens
        one, two = tokens.create(NEW)[0], tokens.create(NEW)[0]
        assert tokens.get(one.id).used_ms is None
        tokens.note_used({})
        tokens.note_used({one.id: 1_800_000_000_123, two.id: 7})
        tokens.note_used({one.id: 1_800_000_000_122, two.id: 8})
        assert tokens.get(one.id).used_ms == 1_800_000_000_123
        assert {token.id: token.used_ms for token in tokens.read().tokens} == {
            one.id: 1_800_000_000_123,
            two.id: 8,
        }

    def test_read__record_of_another_release__hides_no_other(self, store: Store) -> None:
        token, sound = store.access_tokens.create(NEW)[0], store.access_tokens.create(NEW)[0]
        for text in (b"[", b"[]", json.dumps({"role": "x"}).encode()):
            raw(store).hset(store.keyspace.access_tokens(), f"token:{token.id}", text)
            found = store.access_tokens.read()
            assert (found.tokens, found.unreadable) == ((sound,), (token.id,))
            with pytest.raises(UnreadableRecord, match=token.id):
                store.access_tokens.get(token.id)
