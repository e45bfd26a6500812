"""What request handlers work with, assembled once per process."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final

from fastapi import Depends, Request

from api.access.auth import Caller
from api.access.token_directory import TokenDirectory
from api.http.limits.limits import Limits
from api.lookups.lookups import Lookups
from api.metrics.metrics import Metrics
from api.metrics.store_reader import StoreReader
from api.services.heavy.process import HeavyProcess
from api.services.object_threads import ObjectThreads
from api.services.opening import LazyObjects, LazyStore
from api.services.work_sender import WorkSender
from api.settings import ApiSettings

#: Patches of segments at the same time in a process; more wait.
PATCHES_AT_ONCE: Final = 4


@dataclass(frozen=True, slots=True)
class Services:
    """The parts; the application's life span closes them."""

    settings: ApiSettings
    """Without the admin token."""
    store: LazyStore
    objects: LazyObjects
    object_threads: ObjectThreads
    work: WorkSender
    lookups: Lookups
    limits: Limits
    token_directory: TokenDirectory
    metrics: Metrics
    store_reader: StoreReader
    heavy_processes: Mapping[str, HeavyProcess]
    """By the name of the dialect whose evaluations they do, or of what else they do."""
    clock: Callable[[], int]
    """Unix milliseconds."""
    ids: Callable[[], str]
    """New UUIDs."""
    patch_turn: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(PATCHES_AT_ONCE)
    )
    """A patch of a segment takes a turn: large ones compute, and compete with look-ups."""

    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the process is asked to end: answers that do not end by themselves end then."""

    def close(self) -> None:
        """Close every part. Idempotent."""
        self.lookups.close()
        self.work.close()
        self.store_reader.close()
        self.store.close()
        self.objects.close()


async def services_of(request: Request) -> Services:
    """Give the services of the application that serves this request."""
    services: Services = request.app.state.services
    return services


async def caller_of(request: Request) -> Caller:
    """Give the sender of this request; the front has authenticated it."""
    caller: Caller = request.state.caller
    return caller


#: Dependencies that wait for nothing are asynchronous: the framework hands others to a thread.
ServicesOf = Annotated[Services, Depends(services_of)]
CallerOf = Annotated[Caller, Depends(caller_of)]
