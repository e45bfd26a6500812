"""What every store promises about the flags of environments."""

import random
from dataclasses import replace

import pytest

from tests.support.store.stores import PRODUCTION, keys_of, raw
from worker.store import (
    EnvironmentNotFound,
    FlagDataRecord,
    ResourceChanged,
    Store,
    StoredFlag,
    UnreadableRecord,
    create_environment,
    delete_environment,
)

NONE = FlagDataRecord()
FLAGS = (StoredFlag("a", 3, b'{"key":"a"}'), StoredFlag("b.c", 1, b'{"key":"b.c","x":" "}'))


class FlagDataSuite:
    """Flags are replaced whole, and read whole."""

    def test_read__never_put__is_nothing(self, store: Store) -> None:
        assert store.flag_data.get(PRODUCTION) == NONE
        assert store.flag_data.read(PRODUCTION) == (NONE, ())

    def test_put__in_any_order__is_read_by_key(self, store: Store) -> None:
        record = store.flag_data.put(PRODUCTION, NONE, FLAGS[::-1])
        assert (record.flags, record.size_bytes) == (2, 43)
        assert store.flag_data.get(PRODUCTION) == record
        assert store.flag_data.read(PRODUCTION) == (record, FLAGS)
        assert store.flag_data.put(PRODUCTION, record, FLAGS) is record

    def test_put__larger_than_a_call__comes_back_whole(self, store: Store) -> None:
        noise = random.Random(7).randbytes(1_500_000).hex().encode()
        flags = [StoredFlag("a", 1, noise), StoredFlag("b", 1, b"{}")]
        record = store.flag_data.put(PRODUCTION, NONE, flags)
        assert store.flag_data.read(PRODUCTION) == (record, tuple(flags))
        sizes = raw(store).hvals(store.keyspace.flag_data_pieces(PRODUCTION, record.revision))
        assert max(map(len, sizes)) <= 256 * 1024

    def test_put__next_flags__leaves_nothing_of_those_before(self, store: Store) -> None:
        first = store.flag_data.put(PRODUCTION, NONE, FLAGS)
        second = store.flag_data.put(PRODUCTION, first, FLAGS[:1])
        assert store.flag_data.read(PRODUCTION) == (second, FLAGS[:1])
        pieces = store.keyspace.flag_data_pieces(PRODUCTION, second.revision)
        prefix = store.keyspace.flag_data(PRODUCTION)
        assert {key for key in keys_of(store) if key.startswith(prefix)} == {prefix, pieces}
        assert raw(store).ttl(pieces) == -1

    def test_put__replaced_since_it_was_seen__changes_nothing(self, store: Store) -> None:
        record = store.flag_data.put(PRODUCTION, NONE, FLAGS)
        for seen in (NONE, replace(record, revision="other", digest="other")):
            with pytest.raises(ResourceChanged, match="production"):
                store.flag_data.put(PRODUCTION, seen, ())
        assert store.flag_data.read(PRODUCTION) == (record, FLAGS)

    def test_put__pieces_that_were_not_published_in_time__changes_nothing(
        self, store: Store
    ) -> None:
        keys = store.keyspace
        names = (
            keys.environment_state(PRODUCTION),
            keys.flag_data(PRODUCTION),
            keys.flag_data_pieces(PRODUCTION, "gone"),
        )
        assert store.database.run("test", "flag_data/publish", names, ["", "{}"]) == b"lost"
        assert store.flag_data.get(PRODUCTION) == NONE

    def test_read__pieces_are_lost__is_an_error(self, store: Store) -> None:
        record = store.flag_data.put(PRODUCTION, NONE, FLAGS)
        raw(store).delete(store.keyspace.flag_data_pieces(PRODUCTION, record.revision))
        with pytest.raises(UnreadableRecord, match="production"):
            store.flag_data.read(PRODUCTION)

    def test_delete__environment_with_flags__takes_them_along(self, store: Store) -> None:
        store.flag_data.put(PRODUCTION, NONE, FLAGS)
        environment = store.environments.get(PRODUCTION)
        delete_environment(store, PRODUCTION)
        prefix = store.keyspace.flag_data(PRODUCTION)
        assert not [key for key in keys_of(store) if key.startswith(prefix)]
        with pytest.raises(EnvironmentNotFound, match="deleted"):
            store.flag_data.put(PRODUCTION, NONE, FLAGS)
        create_environment(store, "default", environment)
        assert store.flag_data.read(PRODUCTION) == (NONE, ())
