"""This dialect's part of the OpenAPI document."""

from typing import Final

from fastapi import FastAPI

from api.openapi.contribution import Contribution
from api.vercel.openapi.error_schemas import ERROR, ERROR_PARTS
from api.vercel.openapi.schemas import build_schemas

_ABOUT: Final = """\
### Vercel's dialect: paths below `/v1`, `/v2`, `/v9` and `/teams`

Segments of a project, as Vercel's feature flags have them. A project is named by its key or by its
id. `teamId` and `slug` in a query are ignored: there are no teams. Unknown keys of a body are
dropped. A refusal is `{"error": {"code", "message", "id"}}`. These segments and those of
LaunchDarkly's dialect do not know of each other.
"""
_TAGS: Final = {
    "Vercel segments": "Segments of a project, their rules and values.",
    "Vercel lists": "Lists of any size that are attached to a segment, their imports and exports.",
    "Vercel projects": "Projects, as Vercel's clients ask for them.",
    "Vercel account": "Who calls, as Vercel's command line asks.",
    "Vercel flag settings": "Which entities people write rules for.",
    "Vercel SDK keys": "Keys of SDKs, which show the datafile and nothing else.",
    "Vercel datafile": "What SDKs evaluate flags with, and the definitions in it.",
}
_TOKEN: Final = {"type": "http", "scheme": "bearer", "description": "An access token."}
_SDK_KEY: Final = {
    "type": "http",
    "scheme": "bearer",
    "description": "An SDK key, which begins with `vf_server_`.",
}


def describe(app: FastAPI) -> Contribution:
    """Describe this dialect.

    Args:
        app: its application, with all its routes.
    """
    return Contribution(
        about=_ABOUT,
        routes=tuple(app.routes),
        tags=_TAGS,
        project_parameter="projectIdOrName",
        security={"BearerToken": _TOKEN},
        sdk_security={"SdkKey": _SDK_KEY},
        schemas=build_schemas() | ERROR_PARTS,
        error=ERROR,
        examples=__package__ or "",
        schema_prefix="Vercel",
    )
