"""Puts the API together: ``create_app`` is what a server process runs."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import structlog
from fastapi import FastAPI

from api.auth import TokenAuth
from api.front import Front
from api.health import Readiness, store_check
from api.launchdarkly.application import rest_application
from api.logs import configure_logs
from api.lookups import Lookups
from api.metrics import Metrics
from api.opening import LazyObjects, LazyStore
from api.redis_pipeline import Endpoint
from api.services import Services, new_id
from api.settings import ApiSettings
from api.token_directory import TokenDirectory
from api.work import WorkSender
from worker.store import Keyspace, StoreError

_log = structlog.get_logger(__name__)


def create_app() -> Front:
    """Make the application of one server process from ``BIGSEG_*``.

    Connects to nothing: without its store it starts and answers 503.

    Raises:
        pydantic.ValidationError: a setting has an invalid value.
    """
    configure_logs()
    return build_app(ApiSettings.from_environment())


def build_app(settings: ApiSettings) -> Front:
    """Make the application from these settings."""
    if settings.admin_token is None:
        _log.warning("token.missing", hint="set BIGSEG_ADMIN_TOKEN; only the store's tokens work")
    services = _services(settings.model_copy(update={"admin_token": None}))
    auth = TokenAuth(settings.admin_token, services.token_directory, services.clock)
    readiness = Readiness(
        {
            "redis": store_check(services.store),
            "s3": lambda: services.objects().ping(),
            "broker": services.work.check,
        }
    )
    return Front(
        rest_application(services, _lifespan),
        auth=auth,
        lookups=services.lookups,
        readiness=readiness,
        metrics=services.metrics,
        max_body_bytes=settings.max_body_bytes,
        ids=new_id,
    )


def _services(settings: ApiSettings) -> Services:
    store, clock = LazyStore(settings), _now_ms
    return Services(
        settings=settings,
        store=store,
        objects=LazyObjects(settings),
        work=WorkSender(settings),
        lookups=Lookups(
            Endpoint.of_url(settings.redis_url.get_secret_value()),
            Keyspace(settings.key_prefix),
            store,
            timeout_s=settings.lookup_timeout_s,
            backlog=settings.lookup_backlog,
            segment_limit=settings.lookup_segments,
        ),
        token_directory=TokenDirectory(store, clock=clock, timeout_s=settings.lookup_timeout_s),
        metrics=Metrics(),
        clock=clock,
        ids=new_id,
    )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    services: Services = app.state.services
    try:
        await asyncio.to_thread(services.store)
    except StoreError as exc:
        _log.warning("store.unavailable", reason=str(exc))
    try:
        async with services.token_directory.running():
            yield
    finally:
        services.lookups.close()
        await asyncio.to_thread(services.close)
