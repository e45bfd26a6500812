"""Regular expressions and texts for them: every construct, valid and not, in every mode."""
# ruff: noqa: RUF001  # letters that look like others are what this is about

from random import Random
from typing import Final

#: A construct that stands by itself, beside the characters that texts are made of.
_ATOMS: Final[tuple[str, ...]] = (
    *"abkKsSzZ019 _-éÉßſKµΜσςΣİıǅẞꭰᎠ",
    *("😀", "𐐨", "𐐀", "\ud83d", r"\ude00", ".", ".", r"\d", r"\w", r"\s", r"\D", r"\W", r"\S"),
    *(r"\b", r"\B", "^", "$", r"\n", r"\r", "\n", "\r", "\u2028", r"\x41", r"\u0041", r"\u{41}"),
    *(r"\u{1F600}", r"\ud83d\ude00", r"\cJ", r"\c", r"\0", r"\1", r"\8", r"\12", r"\k", r"\Z"),
    *(r"\-", r"\/", r"\.", "{", "}", "]", "[]", "[^]", r"\p{L}", r"\P{Lu}", r"\p{Lu}", r"\p"),
    *(r"\e", r"\u", r"\x4", r"\101", r"\07"),
)
_MEMBERS: Final[tuple[str, ...]] = (
    *"abzAZkKsS09_-^]é.ſK😀\nσ!|\ude00",
    *(r"\d", r"\w", r"\s", r"\W", r"\D", r"\S", "a-z", "A-Z", "0-9", r"\b", r"\-", r"\u{1F600}"),
    *(r"\n", r"\p{Lu}", r"\P{Ll}", "Σ-Ω", "z-a", "--", "&&", "[a-c]", r"\c1", r"\cA", r"\ud83d"),
    *(r"a-\d", r"\B", r"\k", r"\1", r"\377", r"\u0400-\u04ff"),
)
_QUANTIFIERS: Final = (
    *("*", "+", "?", "{2}", "{1,}", "{0,2}", "*?"),
    *("+?", "{2,1}", "{,2}", "{0}", "??", "**"),
)
_FLAGS: Final = (
    *("", "", "i", "i", "m", "s", "u", "u", "iu", "iu", "v"),
    *("iv", "im", "su", "imsu", "g", "gi", "y", "dg", "msv"),
)
_CHARACTERS: Final[tuple[str, ...]] = (
    *"abkKsSzZ019 _-éÉßſKµΜσςΣ\n\r\u2028Ac\\{}]uxpİıǆǄßẞꭰ\x01\0\b",
    *("😀", "𐐨", "𐐀", "\ud83d", "\ude00"),
)


def expression(rng: Random) -> tuple[str, str]:
    """Make a pattern and flags."""
    return _alternatives(rng, 0), rng.choice(_FLAGS)


def text_to_search(rng: Random) -> str:
    """Make a short text of the characters that patterns name."""
    return "".join(rng.choice(_CHARACTERS) for _ in range(rng.randrange(6)))


def _alternatives(rng: Random, depth: int) -> str:
    count = rng.choice((1, 1, 1, 2, 3))
    return "|".join(_sequence(rng, depth) for _ in range(count))


def _sequence(rng: Random, depth: int) -> str:
    return "".join(
        _atom(rng, depth) + (rng.choice(_QUANTIFIERS) if rng.random() < 0.25 else "")
        for _ in range(rng.randrange(4))
    )


def _atom(rng: Random, depth: int) -> str:
    which = rng.random()
    if which < 0.62 or depth > 3:
        return rng.choice(_ATOMS)
    if which < 0.8:
        members = "".join(rng.choice(_MEMBERS) for _ in range(rng.randrange(5)))
        return f"[{rng.choice(('', '', '^'))}{members}]"
    opening = rng.choice(("(", "(?:", "(?:", "(?<n>", "(?<m1>"))
    return f"{opening}{_alternatives(rng, depth + 1)})"
