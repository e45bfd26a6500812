"""What every store promises about the flags of environments that SDKs evaluate with."""

import random
from dataclasses import replace

import pytest

from tests.support.store.stores import PRODUCTION, keys_of, raw
from worker.store import (
    EnvironmentNotFound,
    ResourceChanged,
    Store,
    UnreadableRecord,
    create_environment,
    delete_environment,
)

FIRST, SECOND = b'{"flags":{"a":{}}}', b'{"flags":{}}'


class FlagDataSuite:
    """Flags are replaced whole, and read whole."""

    def test_flags__never_put__are_unknown(self, store: Store) -> None:
        assert store.flag_data.find(PRODUCTION) is None

    def test_flags__larger_than_a_round_trip__come_back_in_bounded_pieces(
        self, store: Store
    ) -> None:
        document = random.Random(7).randbytes(1_500_000)
        state = store.flag_data.replace(PRODUCTION, None, document, flags=3)
        assert (state.number, state.flags, state.size) == (1, 3, 1_500_000)
        assert store.flag_data.find(PRODUCTION) == state
        assert store.flag_data.read(PRODUCTION, state) == document
        pieces = raw(store).hvals(store.keyspace.flag_document(PRODUCTION, state.revision))
        assert max(map(len, pieces)) <= 256 * 1024

    def test_flags__replaced__leave_nothing_and_last(self, store: Store) -> None:
        first = store.flag_data.replace(PRODUCTION, None, FIRST, flags=1)
        second = store.flag_data.replace(PRODUCTION, first, SECOND, flags=0)
        assert second.number == 2
        assert store.flag_data.read(PRODUCTION, second) == SECOND
        with pytest.raises(ResourceChanged, match="production"):
            store.flag_data.read(PRODUCTION, first)
        record = store.keyspace.flag_data(PRODUCTION)
        document = store.keyspace.flag_document(PRODUCTION, second.revision)
        assert {key for key in keys_of(store) if key.startswith(record)} == {record, document}
        assert raw(store).ttl(document) == -1

    def test_flags__changed_since_they_were_seen__stay(self, store: Store) -> None:
        state = store.flag_data.replace(PRODUCTION, None, FIRST, flags=1)
        for seen in (None, replace(state, revision="other")):
            with pytest.raises(ResourceChanged, match="production"):
                store.flag_data.replace(PRODUCTION, seen, SECOND, flags=0)
        assert store.flag_data.find(PRODUCTION) == state
        assert store.flag_data.read(PRODUCTION, state) == FIRST

    def test_flags__whose_pieces_are_gone__are_not_made_the_current_ones(
        self, store: Store
    ) -> None:
        keys = store.keyspace
        places = (
            keys.flag_data(PRODUCTION),
            keys.environment_state(PRODUCTION),
            keys.flag_document(PRODUCTION, "gone"),
            keys.flag_document(PRODUCTION, ""),
        )
        reply = store.database.run("test", "flag_data/replace", places, ["", "{}", 1])
        assert reply == b"changed"
        assert store.flag_data.find(PRODUCTION) is None

    def test_flags__whose_pieces_are_lost__are_an_error(self, store: Store) -> None:
        state = store.flag_data.replace(PRODUCTION, None, FIRST, flags=1)
        raw(store).delete(store.keyspace.flag_document(PRODUCTION, state.revision))
        with pytest.raises(UnreadableRecord, match="production"):
            store.flag_data.read(PRODUCTION, state)

    def test_delete__environment_with_flags__takes_them_along(self, store: Store) -> None:
        store.flag_data.replace(PRODUCTION, None, FIRST, flags=1)
        environment = store.environments.get(PRODUCTION)
        delete_environment(store, PRODUCTION)
        record = store.keyspace.flag_data(PRODUCTION)
        assert not [key for key in keys_of(store) if key.startswith(record)]
        with pytest.raises(EnvironmentNotFound, match="production"):
            store.flag_data.replace(PRODUCTION, None, FIRST, flags=1)
        create_environment(store, "default", environment)
        assert store.flag_data.find(PRODUCTION) is None
