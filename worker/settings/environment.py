"""Reading settings from ``BIGSEG_*``, and saying what is wrong with them."""

import contextlib
import json
from typing import Annotated

from pydantic import BeforeValidator, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class EnvironmentSettings(BaseSettings):
    """Settings of one concern; other variables are left to those of others."""

    model_config = SettingsConfigDict(env_prefix="BIGSEG_", extra="ignore", frozen=True)


def _decode_list(value: object) -> object:
    """Read a JSON list; the settings library's own refusal does not name the variable."""
    decoded = value
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            decoded = json.loads(value)
    if isinstance(decoded, list | tuple) and all(isinstance(item, str) for item in decoded):
        return tuple(decoded)
    raise ValueError('must be a JSON list of strings, such as ["…", "…"]')


#: A setting that is a list of strings.
TextList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_decode_list)]


def invalid_settings(error: ValidationError) -> str:
    """Describe what is wrong with which variable, one line each.

    Holds no value: it may be secret.
    """
    return "\n".join(
        f"BIGSEG_{'_'.join(map(str, fault['loc'])).upper()}: "
        f"{fault['msg'].removeprefix('Value error, ')}"
        for fault in error.errors(include_url=False, include_input=False, include_context=False)
    )
