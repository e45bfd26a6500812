"""``If-Match``: change only what is still in the state that was read."""

from typing import Annotated, Any

from fastapi import Header

from api.errors import PreconditionFailed

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description="Change only this state of the resource: its `ETag`; several, or `*`.",
    ),
]


def describe_tagged(resource: str) -> dict[str, Any]:
    """Document the ``ETag`` of an answer, for ``responses``.

    Args:
        resource: what is answered.
    """
    return {
        "description": "",
        "headers": {
            "ETag": {
                "description": f"Identifies the state of the {resource}, for `If-Match`.",
                "required": True,
                "schema": {"type": "string"},
            }
        },
    }


def require_tag(tag: str | None, if_match: str | None, name: str) -> None:
    """Make sure that a resource is in the state that a request requires.

    Args:
        tag: of the resource; ``None`` if there is none.
        if_match: the header, if there is one.
        name: what a refusal calls the resource.

    Raises:
        PreconditionFailed: it is not.
    """
    if if_match is None or (tag is not None and if_match.strip() == "*"):
        return
    if tag not in [listed.strip() for listed in if_match.split(",")]:
        raise PreconditionFailed(f"{name}: no longer in the state of If-Match; read it again")
