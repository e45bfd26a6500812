"""The one list of what is answered without a token; the front asks for one everywhere else."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from api.http.asgi import Scope, Send
from api.http.front import OpenAnswer
from api.http.health import LIVE_PATH, READY_PATH, Readiness, answer_alive
from api.http.identity import IDENTITY_PATH, Identity
from api.pages.files import make_pages
from api.pages.page import Page

DOCUMENT_PATH: Final = b"/openapi.json"


def open_paths(
    readiness: Readiness,
    identity: Identity,
    *,
    version: str,
    document: Callable[[], Mapping[str, Any]],
    public_document: bool,
) -> Mapping[bytes, OpenAnswer]:
    """Give what answers each of these paths.

    Args:
        readiness: of the parts.
        identity: of the server.
        version: of the API.
        document: makes the OpenAPI document; called with the first request for it.
        public_document: whether that needs no token either.
    """
    pages = make_pages(version, public_document=public_document)
    paths: dict[bytes, OpenAnswer] = {
        LIVE_PATH: answer_alive,
        READY_PATH: readiness.answer,
        IDENTITY_PATH: identity.answer,
        **{path: page.answer for path, page in pages.items()},
    }
    if public_document:
        paths[DOCUMENT_PATH] = _document_answer(document)
    return paths


def _document_answer(document: Callable[[], Mapping[str, Any]]) -> OpenAnswer:
    @cache
    def page() -> Page:
        text = json.dumps(document(), ensure_ascii=False, separators=(",", ":"))
        return Page.of(text.encode(), "application/json")

    async def answer(scope: Scope, send: Send) -> None:
        await page().answer(scope, send)

    return answer
