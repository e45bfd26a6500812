"""Names of kinds of entities and of their attributes."""

from api.vercel.evaluation import INHERITED


def require_name(text: str) -> str:
    """Make sure that an entity may have a kind or an attribute of this name.

    Raises:
        ValueError: it may not.
    """
    if not text:
        raise ValueError("a kind or an attribute must not be empty")
    if text in INHERITED:
        raise ValueError("every object of JavaScript has a member of this name; choose another")
    return text
