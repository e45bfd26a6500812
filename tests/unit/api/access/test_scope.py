"""What grants come to."""

import time

import pytest

from api.access.scope import EVERYTHING, AccessScope
from worker.store import Grant

_SCOPE = AccessScope((Grant("web-*", "prod", "beta-?"), Grant("app", "*", "*")))


@pytest.mark.parametrize(
    ("place", "allowed", "covered"),
    [
        (("web-shop", "prod", "beta-1"), True, True),
        (("web-", "prod", "beta-x"), True, True),
        (("web-shop", "prod", "beta-12"), False, False),
        (("web-shop", "test", "beta-1"), False, False),
        (("my-web-shop", "prod", "beta-1"), False, False),
        (("web-shop", "prod"), True, False),
        (("web-shop",), True, False),
        (("app", "test", "any"), True, True),
        (("app", "test"), True, True),
        (("app",), True, True),
        (("apps",), False, False),
        (("App",), False, False),
        (("app\n",), False, False),
        ((), True, False),
    ],
)
def test_scope__with_bounds__holds_what_one_grant_holds(
    place: tuple[str, ...], allowed: bool, covered: bool
) -> None:
    for _ in range(2):  # also what it remembers
        assert _SCOPE.allows(*place) is allowed
    assert _SCOPE.covers(*place) is covered


def test_scope__without_bounds__holds_everything() -> None:
    assert EVERYTHING.is_everything
    assert EVERYTHING.allows("p", "e", "s")
    assert EVERYTHING.covers()


def test_scope__globs_of_any_key__cover_all() -> None:
    scope = AccessScope((Grant("*", "**", "*"),))

    assert not scope.is_everything
    assert scope.covers()


@pytest.mark.parametrize("glob", ["", "[a]", "a b", "a/b", "a\n", "é", "x" * 257, "a,b", "{a}"])
def test_scope__no_glob__is_refused(glob: str) -> None:
    with pytest.raises(ValueError, match="glob"):
        AccessScope((Grant(segment=glob),))


def test_scope__glob_made_to_be_slow__is_not() -> None:
    scope = AccessScope((Grant("*a" * 127 + "*b", "*", "*"),))

    started = time.process_time()
    assert not scope.allows("a" * 256, "e", "s")
    assert time.process_time() - started < 0.1


def test_scope__asked_about_many_places__remembers_few() -> None:
    scope = AccessScope((Grant("p", "e", "s*"),))

    assert all(scope.allows("p", "e", f"s{n}") for n in range(5_000))
    assert len(scope._known) <= 1_024
