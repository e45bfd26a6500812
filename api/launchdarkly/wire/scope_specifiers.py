"""Scopes as LaunchDarkly writes them: ``proj/web-*:env/prod:segment/*``.

Tags, role attributes and other kinds of resources mean nothing here and are refused, because
a token would then be wider than its owner thinks.
"""

from typing import Final

from api.access.scope import GLOB
from worker.store import Grant

_KINDS: Final = ("proj", "env", "segment")
#: What :func:`parse_specifier` takes.
SPECIFIER_PATTERN: Final = f"^{':'.join(f'{kind}/{GLOB.pattern}' for kind in _KINDS)}$"
_EXPECTED: Final = "use proj/GLOB:env/GLOB:segment/GLOB, where * is any text and ? any character"


def specifier(grant: Grant) -> str:
    """A grant in LaunchDarkly's form."""
    return f"proj/{grant.project}:env/{grant.environment}:segment/{grant.segment}"


def parse_specifier(text: str) -> Grant:
    """Read a resource specifier.

    Raises:
        ValueError: it is none, or not one about segments; says what to write.
    """
    parts = [part.partition("/") for part in text.split(":")]
    globs = [glob for _, _, glob in parts]
    if tuple(kind for kind, _, _ in parts) != _KINDS or not all(map(GLOB.fullmatch, globs)):
        raise ValueError(_EXPECTED)
    return Grant(*globs)
