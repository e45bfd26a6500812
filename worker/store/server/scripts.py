"""Loads the Lua scripts and runs each as one step on the server.

They are in ``worker/store/lua``, one file each; its first lines give the call shape, the keys
and the cost. Lists change only through them.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final, Literal

from redis.exceptions import NoScriptError, ResponseError

from worker.store.server.client import Client

#: ``folder/file`` of each script.
ScriptName = Literal[
    "audit/append",
    "expiry/due",
    "expiry/hint",
    "flag_data/replace",
    "job/advance",
    "job/create",
    "job/discard",
    "job/end",
    "job/finish",
    "job/give_back",
    "job/put_field",
    "job/put_request",
    "job/record_outcome",
    "job/renew",
    "job/reopen",
    "job/take",
    "job/take_turn",
    "list/approve",
    "list/cancel",
    "list/claim",
    "list/copy_shards",
    "list/count_shards",
    "list/create",
    "list/delete",
    "list/drop_changes",
    "list/drop_feed",
    "list/edit",
    "list/erase",
    "list/expire",
    "list/fill_shards",
    "list/follow",
    "list/hold",
    "list/pin",
    "list/prepare",
    "list/publish",
    "list/read_changes",
    "list/read_feed",
    "list/reclaim",
    "list/release_snapshot",
    "list/retire",
    "list/roll_back",
    "list/schedule",
    "list/seal",
    "list/snapshot",
    "list/trim_feed",
    "list/unfollow",
    "list/walk_schedules",
    "monitoring/count",
    "monitoring/put",
    "monitoring/read",
    "project/close_environment",
    "project/open_environment",
    "project/put_record",
    "project_segments/close",
    "project_segments/create",
    "project_segments/delete",
    "project_segments/put_definitions",
    "project_segments/put_settings",
    "project_segments/read_changes",
    "project_segments/update",
    "schedule/claim",
    "schedule/create",
    "sdk_store/add",
    "sdk_store/claim",
    "sdk_store/forget",
    "sdk_store/open",
    "sdk_store/put",
    "sdk_store/remove",
    "sdk_store/sweep",
    "sdk_store/take_prefix",
    "sdk_log/admit",
    "sdk_log/append",
    "sdk_log/keep",
    "sdk_log/read",
    "sdk_log/restart",
    "segment/create",
    "segment/delete",
    "segment/read",
    "segment/update",
    "segment/watch",
    "token/note_used",
    "token/put",
    "token/revoke",
    "webhook/announce",
    "webhook/claim",
    "webhook/create",
    "webhook/delete",
    "webhook/replace",
    "webhook/settle",
]

#: Functions put in front of a script: those for all scripts, then those for its folder.
_PRELUDE: Final = "prelude.lua"

Argument = str | bytes | int | float


@dataclass(frozen=True, slots=True)
class Script:
    """One script's text and the digest under which a server knows it."""

    text: bytes
    sha: str


class Scripts:
    """All scripts, in the form that this server accepts.

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
        """Run one script on the server that holds ``keys``; raises the driver's own errors.

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
    lua = resources.files("worker.store") / "lua"
    text = (lua / f"{name}.lua").read_text()
    flags, _, body = text.partition("\n")
    if not flags.startswith("#!lua"):
        flags, body = "#!lua", text
    for prelude in (lua / name.partition("/")[0] / _PRELUDE, lua / _PRELUDE):
        if prelude.is_file():
            body = prelude.read_text() + body
    return f"{flags}\n{body}" if flagged else body
