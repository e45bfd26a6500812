"""Globs: patterns of a few wildcards over whole texts."""

import fnmatch
import re
from functools import lru_cache


@lru_cache(maxsize=4_096)
def compile_glob(glob: str, *, question_mark: bool = True) -> re.Pattern[str]:
    """A pattern whose ``match`` takes linear time for each ``*`` of the glob.

    ``*`` is any characters. ``fnmatch`` writes every one but the last as an atomic group, so
    nothing is tried twice.

    Args:
        glob: brackets mean nothing.
        question_mark: whether ``?`` is any one character; else it is itself.
    """
    text = glob.replace("[", "[[]")
    return re.compile(fnmatch.translate(text if question_mark else text.replace("?", "[?]")))
