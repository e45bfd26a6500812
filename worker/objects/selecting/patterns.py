"""Globs over object keys, matched in time that is linear in the key whatever the pattern."""

import re
from dataclasses import dataclass, field
from typing import Final

_WILDCARD: Final = re.compile(r"[*?\[]")
#: A class of characters; ``]`` may come first in it.
_CLASS: Final = re.compile(r"\[([!^]?)(\]?[^\]]*)\]")
_STARS: Final = re.compile(r"\*+")


def has_wildcard(key: str) -> bool:
    """Whether a key has a character that means something in a glob."""
    return _WILDCARD.search(key) is not None


def literal_start(pattern: str) -> str:
    """What every matching key begins with: all before the first wildcard."""
    return _WILDCARD.split(pattern, maxsplit=1)[0]


@dataclass(frozen=True, slots=True)
class KeyPattern:
    """A glob: ``*`` and ``?`` stay within a ``/``, ``**`` does not, ``[…]`` is a class.

    ``**/`` also stands for no folder at all. A ``[`` that is never closed stands for itself.

    The pattern is an automaton whose states are the bits of a number, so no pattern can make
    matching slow, as it can make a regular expression.
    """

    text: str
    _tokens: tuple[tuple[str, str], ...]
    """Kind (``char``, ``any``, ``in``, ``not``, ``star``, ``deep``) and its characters."""
    _stars: int
    """The states that may be left without a character."""
    _folders: int
    """Those that, with the ``/`` behind them, may be."""
    _masks: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By character: the states that it leads on from, and those that it stays in."""

    @classmethod
    def parse(cls, text: str) -> "KeyPattern":
        """Read a glob."""
        tokens = _tokenise(text)
        stars = folders = 0
        for number, (kind, _) in enumerate(tokens):
            if kind in {"star", "deep"}:
                stars |= 1 << number
            begins = number == 0 or tokens[number - 1] == ("char", "/")
            if kind == "deep" and begins and tokens[number + 1 : number + 2] == [("char", "/")]:
                folders |= 1 << number
        return cls(text, tuple(tokens), stars, folders)

    def matches(self, key: str) -> bool:
        """Whether the whole key is of this pattern."""
        states = self._enter(1)
        for char in key:
            on, stay = self._masks.get(char) or self._add_masks(char)
            states = self._enter((states & on) << 1) | self._leave(states & stay)
            if not states:
                return False
        return bool(states >> len(self._tokens))

    def _enter(self, states: int) -> int:
        """Add the states that are reached without a character from where one has just led to."""
        while (more := states | (states & self._folders) << 2) != states:
            states = more
        return self._leave(states)

    def _leave(self, states: int) -> int:
        """Add the states behind stars, which two stars in a row do not have."""
        return states | (states & self._stars) << 1

    def _add_masks(self, char: str) -> tuple[int, int]:
        on = stay = 0
        for number, (kind, chars) in enumerate(self._tokens):
            if kind == "deep" or (kind == "star" and char != "/"):
                stay |= 1 << number
            elif _leads_on(kind, chars, char):
                on |= 1 << number
        self._masks[char] = on, stay
        return on, stay


def _tokenise(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        if stars := _STARS.match(text, at):
            tokens.append(("deep" if len(stars[0]) > 1 else "star", ""))
            at = stars.end()
        elif text[at] == "[" and (found := _CLASS.match(text, at)):
            tokens.append(("not" if found[1] else "in", _expand_class(found[2])))
            at = found.end()
        else:
            tokens.append(("any", "") if text[at] == "?" else ("char", text[at]))
            at += 1
    return tokens


def _expand_class(content: str) -> str:
    """The characters of a class, with its ASCII ranges written out."""
    return re.sub(
        r"([!-~])-([!-~])",
        lambda found: "".join(map(chr, range(ord(found[1]), ord(found[2]) + 1))),
        content,
    )


def _leads_on(kind: str, chars: str, char: str) -> bool:
    match kind:
        case "char":
            return char == chars
        case "any":
            return char != "/"
        case "in":
            return char in chars
        case "not":
            return char not in chars and char != "/"
        case _:
            return False
