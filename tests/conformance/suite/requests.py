"""Records of requests: one at a time goes on, and each is kept for as long as is promised."""

import itertools
from concurrent.futures import ThreadPoolExecutor

from tests.support.servers.redis import wait_until
from tests.support.store.stores import raw
from worker.store import Store
from worker.store.jobs.requests import KEPT_MS, RECEIVING_MS, RequestRecord, digest_of

RECEIVING = RequestRecord("receiving", "a")
STARTING = RequestRecord("starting", "a", "f", "job")
DONE = RequestRecord("done", "a", "f", "job", 202, "/l", '{"id":"é"}')


class RequestSuite:
    def test_replace__step_by_step__each_is_what_is_read(self, store: Store) -> None:
        name = digest_of("import", "key")
        assert store.requests.read(name) is None
        steps = (None, RECEIVING, STARTING, DONE)
        for before, after in itertools.pairwise(steps):
            assert store.requests.replace(name, before, after)
            found = store.requests.read(name)
            assert found is not None
            assert found.record == after
            assert 0 <= found.age_ms < RECEIVING_MS

    def test_replace__another_than_expected__writes_nothing(self, store: Store) -> None:
        name = digest_of("import", "key")
        other = RequestRecord("receiving", "b")
        assert not store.requests.replace(name, RECEIVING, STARTING)
        assert store.requests.replace(name, None, RECEIVING)
        assert not store.requests.replace(name, None, other)
        assert not store.requests.replace(name, other, STARTING)
        assert not store.requests.replace(name, other, None)
        found = store.requests.read(name)
        assert found is not None
        assert found.record == RECEIVING

    def test_replace__by_nothing__takes_it_away(self, store: Store) -> None:
        name = digest_of("import", "key")
        assert store.requests.replace(name, None, RECEIVING)
        assert store.requests.replace(name, RECEIVING, None)
        assert store.requests.read(name) is None

    def test_replace__many_at_once__one_goes_on(self, store: Store) -> None:
        name = digest_of("import", "key")

        def begin(number: int) -> bool:
            return store.requests.replace(name, None, RequestRecord("receiving", str(number)))

        with ThreadPoolExecutor(8) as threads:
            assert sum(threads.map(begin, range(40))) == 1

    def test_record__whose_process_died__goes_after_a_minute(self, store: Store) -> None:
        name = digest_of("import", "key")
        assert store.requests.replace(name, None, RECEIVING)
        key = store.keyspace.request(name)
        assert RECEIVING_MS - 10_000 < raw(store).pttl(key) <= RECEIVING_MS
        raw(store).pexpire(key, 10_000)
        assert store.requests.replace(name, RECEIVING, RECEIVING)  # it lives: it is renewed
        assert RECEIVING_MS - 10_000 < raw(store).pttl(key) <= RECEIVING_MS
        raw(store).pexpire(key, 1)
        wait_until(lambda: store.requests.read(name) is None, "it is over")

    def test_record__of_a_start__is_kept_for_a_day(self, store: Store) -> None:
        for number, record in enumerate((STARTING, DONE)):
            name = digest_of("import", str(number))
            assert store.requests.replace(name, None, record)
            key = store.keyspace.request(name)
            assert KEPT_MS - 10_000 < raw(store).pttl(key) <= KEPT_MS

    def test_name__parts_cut_elsewhere__is_another(self) -> None:
        names = {digest_of(*one) for one in (("a", "bc"), ("ab", "c"), ("abc",), ("a", "b", "c"))}
        assert len(names) == 4
