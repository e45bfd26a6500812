"""A child that ends before it can be asked: how each event loop reports it."""

import asyncio
from asyncio.subprocess import Process
from collections.abc import Callable

import pytest
import uvloop

from api.errors import Unavailable
from api.services.heavy import process
from api.services.heavy.frames import Message
from api.services.heavy.process import HeavyProcess
from api.settings import ApiSettings

#: A module that does nothing when it is run.
_ENDS_AT_ONCE = "colorsys"


@pytest.mark.parametrize(
    "new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)
def test_ask__child_ended_before_the_first_write__is_refused_as_unavailable(
    monkeypatch: pytest.MonkeyPatch, new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    start_child = process._start_child

    async def start_and_see_it_end(program: str) -> Process:
        child = await start_child(program)
        await child.wait()
        return child

    monkeypatch.setattr(process, "_start_child", start_and_see_it_end)
    settings = ApiSettings.model_validate({"redis_url": "redis://127.0.0.1:9/0"})

    async def ask() -> None:
        heavy = HeavyProcess(settings, _ENDS_AT_ONCE)
        try:
            for _ in range(2):
                with pytest.raises(Unavailable, match="ended; retry"):
                    await heavy.ask(Message({"question": "any"}))
        finally:
            await heavy.close()

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(ask())
