"""What a glob matches, and that none takes long."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.access.globs import compile_glob


def _expected(glob: str, text: str, *, question_mark: bool) -> bool:
    """The meaning of a glob, letter by letter."""
    if not glob:
        return not text
    first, rest = glob[0], glob[1:]
    if first == "*":
        ends = range(len(text) + 1)
        return any(_expected(rest, text[end:], question_mark=question_mark) for end in ends)
    same = bool(text) and (text[0] == first or (first == "?" and question_mark))
    return same and _expected(rest, text[1:], question_mark=question_mark)


@given(st.text("ab[]!*?", max_size=7), st.text("ab[]!?\n", max_size=7), st.booleans())
def test_glob__any__matches_letter_by_letter(glob: str, text: str, question_mark: bool) -> None:
    matched = compile_glob(glob, question_mark=question_mark).match(text) is not None
    assert matched is _expected(glob, text, question_mark=question_mark)


@pytest.mark.parametrize("glob", ["*a" * 500, "*" * 1_000, "a" * 1_000])
def test_glob__made_to_be_slow__is_not(glob: str) -> None:
    started = time.process_time()
    pattern = compile_glob(glob)
    for _ in range(100):
        pattern.match("a" * 600 + "b")
    assert time.process_time() - started < 1
