"""HEAD and OPTIONS, which every resource answers without an operation of its own."""

from collections.abc import Sequence
from typing import Final

from api.http.asgi import Message, Scope, Send
from api.http.connections.uvicorn_protocol import forbid_whole_answer

#: What a resource that can be read takes besides its operations.
_WITH_GET: Final = "HEAD"
_ALWAYS: Final = "OPTIONS"


def as_get(scope: Scope) -> Scope:
    """The GET that a HEAD stands for; it is counted, logged and limited as one."""
    stands_for = {**scope, "method": "GET"}
    forbid_whole_answer(stands_for)  # which would write a body
    return stands_for


def without_body(send: Send) -> Send:
    """A ``send`` that keeps the head of an answer, its length included, and drops the body."""

    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_head


def allowed_methods(own: Sequence[str]) -> str:
    """The value of ``Allow`` for a resource with these operations; '' if it has none."""
    if not own:
        return ""
    added = {_ALWAYS, _WITH_GET} if "GET" in own else {_ALWAYS}
    return ", ".join(sorted({*own, *added}))


async def answer_options(send: Send, allow: str) -> None:
    """Answer OPTIONS: 204 and the methods, whoever may use them."""
    headers = [(b"allow", allow.encode())] if allow else []
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
