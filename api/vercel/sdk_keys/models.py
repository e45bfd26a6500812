"""SDK keys on the wire.

Source: the models of ``@vercel/sdk`` 1.28.35.
"""

from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field

from api.bodies.models import Int64, WireModel
from api.vercel.evaluation import INHERITED
from api.vercel.wire.project_ids import project_id
from worker.store import Project, SdkKey

SERVER: Final = "server"
_MASK: Final = "*" * 8
#: Characters of an environment's name and of a label.
_LONGEST: Final = 128
_TEXT: Final = r"^[^\x00-\x1f\x7f]*$"


def _require_server(kind: str) -> str:
    if kind != SERVER:
        message = "only server keys are issued: anyone can read a key that is in a page or an app"
        raise ValueError(message)
    return kind


def _require_own_name(environment: str) -> str:
    if environment in INHERITED:
        message = "every object of JavaScript has a member of this name; choose another"
        raise ValueError(message)
    return environment


class NewSdkKeyBody(WireModel):
    """A new SDK key."""

    sdk_key_type: Annotated[Literal["server", "mobile", "client"], AfterValidator(_require_server)]
    environment: Annotated[
        str,
        Field(min_length=1, max_length=_LONGEST, pattern=_TEXT),
        AfterValidator(_require_own_name),
    ]
    label: Annotated[str | None, Field(max_length=_LONGEST, pattern=_TEXT)] = None


class SdkKeyRepresentation(WireModel):
    """An SDK key; ``key_value`` is the key itself, and only in the answer that creates it."""

    hash_key: str
    project_id: str
    type: Literal["server"] = SERVER
    environment: str
    label: str | None = None
    partial_key_value: str
    created_by: str
    created_at: Int64
    updated_at: Int64
    key_value: str | None = None

    @classmethod
    def of(cls, key: SdkKey, project: Project, secret: str | None = None) -> Self:
        """Represent a key, with the secret if it has just been created."""
        return cls(
            hash_key=key.id,
            project_id=project_id(project),
            environment=key.environment,
            label=key.label,
            partial_key_value=f"{key.beginning}{_MASK}",
            created_by=key.created_by,
            created_at=key.created_ms,
            updated_at=key.created_ms,
            key_value=secret,
        )


class SdkKeyList(WireModel):
    """All SDK keys of a project."""

    data: list[SdkKeyRepresentation]
