"""Loads the Lua scripts and runs each as one step on the server.

A script that changes a list is the only way a list changes; see ``lua/README``
lines at the top of each file for its call shape, keys and cost.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final, Literal

from redis.exceptions import NoScriptError, ResponseError

from worker.store.server.client import Client

ScriptName = Literal[
    "audit_append",
    "approve",
    "cancel",
    "claim",
    "copy_shards",
    "count_shards",
    "create_list",
    "delete_list",
    "edit",
    "expire",
    "expiry_due",
    "expiry_hint",
    "fill_shards",
    "job_advance",
    "job_end",
    "job_fail",
    "job_finish",
    "job_put",
    "job_renew",
    "job_reopen",
    "job_take",
    "job_turn",
    "pin",
    "place_close",
    "place_open",
    "place_put",
    "prepare",
    "publish",
    "put_shards",
    "reclaim",
    "request_put",
    "retire",
    "schedule",
    "seal",
    "segment_create",
    "segment_delete",
    "segment_read",
    "segment_update",
    "segment_watch",
    "walk_schedules",
    "token_put",
    "token_revoke",
    "token_used",
]

#: Scripts about a list begin with the shared functions of this fragment.
_FRAGMENT: Final = "list.lua"
_WITHOUT_FRAGMENT: Final = ("audit_", "expiry_", "job_", "place_", "request_", "segment_", "token_")

Argument = str | bytes | int | float


@dataclass(frozen=True, slots=True)
class Script:
    """One script's text and the digest under which a server knows it."""

    text: bytes
    sha: str


class Scripts:
    """All scripts, in the form this server takes.

    Redis 7 and Valkey read flags from a first line ``#!lua flags=…``; older
    servers and stand-ins refuse that line, so it is left out for them.
    """

    def __init__(self, client: Client, *, flagged: bool) -> None:
        self._client = client
        self._flagged = flagged
        self._loaded: dict[ScriptName, Script] = {}

    def get(self, name: ScriptName) -> Script:
        """The script as sent to this server."""
        script = self._loaded.get(name)
        if script is None:
            text = _read(name, flagged=self._flagged).encode()
            script = Script(text, hashlib.sha1(text, usedforsecurity=False).hexdigest())
            self._loaded[name] = script
        return script

    def run(self, name: ScriptName, keys: Sequence[str], args: Sequence[Argument]) -> Any:  # noqa: ANN401 - a reply is what the script returns
        """Run one script on the server that holds ``keys``.

        After NOSCRIPT the text is sent once; nothing has run by then, so no step
        is repeated. Cost: one round trip, two the first time.
        """
        script = self.get(name)
        try:
            return self._client.evalsha(script.sha, len(keys), *keys, *args)
        except NoScriptError:
            return self._client.eval(script.text.decode(), len(keys), *keys, *args)


def takes_flags(client: Client) -> bool:
    """Whether the server reads a ``#!lua`` line. Cost: one round trip."""
    try:
        return bool(client.eval("#!lua flags=no-writes\nreturn 1", 0) == 1)
    except ResponseError:
        return False


def _read(name: ScriptName, *, flagged: bool) -> str:
    folder = resources.files("worker.store") / "lua"
    text = (folder / f"{name}.lua").read_text()
    flags, _, body = text.partition("\n")
    if not flags.startswith("#!lua"):
        flags, body = "#!lua", text
    if not name.startswith(_WITHOUT_FRAGMENT):
        body = (folder / _FRAGMENT).read_text() + body
    return f"{flags}\n{body}" if flagged else body
