"""The cache with a bound on its total size."""

from worker.sized_cache import SizedCache


def _kept(cache: SizedCache[str, int], *keys: str) -> list[int | None]:
    return [cache.get(key) for key in keys]


def test_keep__too_much_in_total__drops_what_was_kept_first() -> None:
    cache = SizedCache[str, int](10)
    for number, key in enumerate("abc"):
        cache.keep(key, number, 4)
    assert _kept(cache, "a", "b", "c") == [None, 1, 2]


def test_keep__same_key_again__counts_only_the_new_value() -> None:
    cache = SizedCache[str, int](10)
    cache.keep("a", 0, 4)
    for number in range(5):
        cache.keep("b", number, 6)
    assert _kept(cache, "a", "b") == [0, 4]


def test_keep__larger_than_the_bound__drops_its_last_value_and_no_other() -> None:
    cache = SizedCache[str, int](10)
    cache.keep("a", 0, 4)
    cache.keep("b", 1, 4)
    cache.keep("b", 2, 11)
    assert _kept(cache, "a", "b") == [0, None]
