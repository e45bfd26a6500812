"""This dialect's part of the OpenAPI document."""

from typing import Any, Final

from fastapi import FastAPI

from api.openapi.contribution import Contribution

_ABOUT: Final = """\
### LaunchDarkly's SDKs and Relay Proxies: `/all`, `/sdk/…`, `/big-segments`, `/bulk`, `/diagnostic`

What unmodified server-side SDKs and Relay Proxies ask for if bigseg is their base, stream and
events URI. They send an SDK key of an environment, never an access token, and an SDK key opens
nothing else. A refusal is `{"message", "id"}`.
"""
_TAGS: Final = {
    "LaunchDarkly SDKs": "What SDKs evaluate flags with, and what they report.",
    "LaunchDarkly Relay Proxy": "Changes of big segments, for a database of the relay's own.",
}
_SDK_KEY: Final = {
    "type": "apiKey",
    "in": "header",
    "name": "Authorization",
    "description": "An SDK key of an environment, which begins with `sdk-`.",
}
_ERROR: Final[dict[str, Any]] = {
    "type": "object",
    "description": "Why a request was refused.",
    "required": ["message", "id"],
    "properties": {
        "message": {"type": "string", "description": "What happened and what to do."},
        "id": {
            "type": "string",
            "format": "uuid",
            "description": "The id under which the operator finds the request in the log.",
        },
    },
}


def describe(app: FastAPI) -> Contribution:
    """Describe this dialect.

    Args:
        app: its application, with all its routes.
    """
    security = {"EnvironmentSdkKey": _SDK_KEY}
    return Contribution(
        about=_ABOUT,
        routes=tuple(app.routes),
        tags=_TAGS,
        project_parameter="",  # no path names a project
        security=security,
        sdk_security=security,
        schemas={},
        error=_ERROR,
        examples=__package__ or "",
        schema_prefix="Sdk",
    )
