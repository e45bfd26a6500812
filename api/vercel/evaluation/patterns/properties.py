r"""Sets with a name: ``\d``, ``\w``, ``\s`` and the general categories of Unicode.

Source: ECMAScript 2025, CharacterClassEscape; Unicode, PropertyValueAliases.txt (gc).
"""

import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from itertools import chain
from types import MappingProxyType
from typing import Final

from api.vercel.evaluation.javascript.numbers import WHITE_SPACE
from api.vercel.evaluation.patterns.code_points import (
    EVERYTHING,
    Ranges,
    characters,
    complement,
    ranges_of,
    union,
)
from api.vercel.evaluation.patterns.errors import UnsupportedPattern

LINE_ENDS: Final = characters("\n\r\u2028\u2029")
DIGITS: Final[Ranges] = ((0x30, 0x39),)
SPACES: Final = characters(WHITE_SPACE)
WORD: Final = ranges_of(((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)))
#: What the flags i and u add to the characters of words: their folding is k and s.
FOLDED_WORD: Final = union(WORD, characters("\u017f\u212a"))

#: Beyond are unassigned and private planes, but for one block.
_LAST_ASSIGNED: Final = 0x33FFF
_TAGS: Final = (0xE0000, 0xE0FFF)
_PRIVATE: Final = (0xF0000, 0xFFFFD), (0x100000, 0x10FFFD)

_NAMES: Final = (
    "C=Other Cc=Control,cntrl Cf=Format Cn=Unassigned Co=Private_Use Cs=Surrogate L=Letter "
    "LC=Cased_Letter Ll=Lowercase_Letter Lm=Modifier_Letter Lo=Other_Letter Lt=Titlecase_Letter "
    "Lu=Uppercase_Letter M=Mark,Combining_Mark Mc=Spacing_Mark Me=Enclosing_Mark "
    "Mn=Nonspacing_Mark N=Number Nd=Decimal_Number,digit Nl=Letter_Number No=Other_Number "
    "P=Punctuation,punct Pc=Connector_Punctuation Pd=Dash_Punctuation Pe=Close_Punctuation "
    "Pf=Final_Punctuation Pi=Initial_Punctuation Po=Other_Punctuation Ps=Open_Punctuation "
    "S=Symbol Sc=Currency_Symbol Sk=Modifier_Symbol Sm=Math_Symbol So=Other_Symbol "
    "Z=Separator Zl=Line_Separator Zp=Paragraph_Separator Zs=Space_Separator"
)


@lru_cache(maxsize=256)
def property_set(expression: str) -> Ranges:
    r"""Give the code points of ``\p{expression}``.

    Categories are those of this Python's Unicode. The first one costs 30 ms.

    Raises:
        UnsupportedPattern: it is neither a general category nor Any, ASCII or Assigned.
    """
    whole = {"Any": EVERYTHING, "ASCII": ((0, 0x7F),)}
    if expression in whole:
        return whole[expression]
    if expression == "Assigned":
        return complement(property_set("Cn"))
    name, is_pair, value = expression.partition("=")
    if is_pair and name not in {"gc", "General_Category"}:
        raise UnsupportedPattern(rf"\p{{{expression}}} is not a general category")
    category = _short_names().get(value if is_pair else name)
    if category is None:
        raise UnsupportedPattern(rf"\p{{{expression}}} is not a general category")
    wanted = ("Lu", "Ll", "Lt") if category == "LC" else (category,)
    return union(*(ranges for name, ranges in _categories().items() if name.startswith(wanted)))


@lru_cache(maxsize=1)
def _short_names() -> Mapping[str, str]:
    names: dict[str, str] = {}
    for entry in _NAMES.split():
        short, _, others = entry.partition("=")
        names |= dict.fromkeys((short, *others.split(",")), short)
    return MappingProxyType(names)


@lru_cache(maxsize=1)
def _categories() -> Mapping[str, Ranges]:
    runs: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    start, current = 0, unicodedata.category("\0")
    for code in chain(range(_LAST_ASSIGNED + 1), range(_TAGS[0], _TAGS[1] + 1)):
        category = unicodedata.category(chr(code))
        if category != current or code == _TAGS[0]:
            end = _LAST_ASSIGNED if code == _TAGS[0] else code - 1
            runs[current].append((start, end))
            start, current = code, category
    runs[current].append((start, _TAGS[1]))
    runs["Co"].extend(_PRIVATE)
    known = ranges_of(pair for pairs in runs.values() for pair in pairs)
    runs["Cn"].extend(complement(known))
    return MappingProxyType({name: ranges_of(pairs) for name, pairs in runs.items()})
