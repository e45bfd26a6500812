"""Assembles the API: ``create_app`` is what a server process runs."""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

import structlog
from fastapi import FastAPI
from pydantic import ValidationError

from api.access.auth import TokenAuth
from api.access.token_directory import TokenDirectory
from api.errors import new_id
from api.http.asgi import Asgi
from api.http.connections.slots import allow_open_files
from api.http.connections.uvicorn_protocol import connection_state
from api.http.cors import Cors
from api.http.dialects import DialectApplications, Dialects
from api.http.direct import DirectLookups
from api.http.front import Front
from api.http.health import Readiness, make_sdk_store_report, make_store_check
from api.http.identity import Identity
from api.http.limits.counts import RedisCounts
from api.http.limits.headers import HEADER_NAMES
from api.http.limits.limits import Caps, Limits
from api.http.routes import RouteTable
from api.launchdarkly import application as launchdarkly
from api.launchdarkly.dialect import LAUNCHDARKLY
from api.lookups.lookups import Lookups
from api.lookups.pipeline import Endpoint
from api.metrics.metrics import Metrics
from api.metrics.pauses import settle, watch_collections
from api.metrics.store_reader import StoreReader
from api.metrics.tally import Tally
from api.openapi.document import serve_document
from api.pages.open_paths import open_paths
from api.sdk import application as sdk
from api.sdk.dialect import SDK
from api.services.heavy.process import HeavyProcess
from api.services.object_threads import ObjectThreads
from api.services.opening import LazyObjects, LazyStore, warn_of_servers
from api.services.services import Services
from api.services.work_sender import WorkSender
from api.settings import ApiSettings
from api.vercel import application as vercel
from api.vercel.dialect import VERCEL
from worker.logs import configure_logs
from worker.store import Keyspace, invalid_settings

#: Seconds for which a thread that computes may keep the event loop waiting each time; Python's
#: default is 5 ms. A look-up waits several times.
_SWITCH_S: Final = 0.000_5

_DIALECTS: Final = Dialects(LAUNCHDARKLY, VERCEL, SDK)

_log = structlog.get_logger(__name__)


def create_app(tally: Tally | None = None) -> Asgi:
    """Make the application of one server process from ``BIGSEG_*``.

    It connects to nothing here: without its store it starts and answers 503.

    Args:
        tally: where it counts, shared with the other processes of the port, if there are any.

    Raises:
        SystemExit: a setting has an invalid value; its message says which and why.
    """
    configure_logs()
    try:
        settings = ApiSettings.from_environment()
    except ValidationError as exc:
        raise SystemExit(invalid_settings(exc)) from None
    allow_open_files(settings.connections)
    sys.setswitchinterval(_SWITCH_S)
    return build_app(settings, tally)


def build_app(settings: ApiSettings, tally: Tally | None = None) -> Asgi:
    """Make the application from these settings; by default it counts alone."""
    tally = Tally.alone() if tally is None else tally
    if settings.admin_token is None:
        _log.warning("token.missing", hint="set BIGSEG_ADMIN_TOKEN; only the store's tokens work")
    services = _services(
        settings.model_copy(update={"admin_token": None, "identity_key": None}), Metrics(tally)
    )
    auth = TokenAuth(settings.admin_token, services.token_directory, services.clock)
    readiness = Readiness(
        {
            "redis": make_store_check(services.store),
            "s3": lambda: services.objects().ping(),
            "broker": services.work.check,
        },
        {"sdkStore": make_sdk_store_report(services.store)},
    )
    direct: DirectLookups | None = DirectLookups(
        auth=auth,
        limits=services.limits,
        lookups=services.lookups,
        route=launchdarkly.LOOKUP_ROUTE,
        metrics=services.metrics,
    )
    if settings.cors_origins:  # every answer then has further headers
        direct = None
    routes = RouteTable()
    rest = launchdarkly.rest_application(
        services, routes, lambda app: _lifespan(app, tally, direct)
    )
    applications = {
        LAUNCHDARKLY: rest,
        VERCEL: vercel.rest_application(services, routes),
        SDK: sdk.rest_application(services, routes),
    }
    serve_document(
        rest,
        [
            launchdarkly.describe(rest),
            vercel.describe(applications[VERCEL]),
            sdk.describe(applications[SDK]),
        ],
    )
    front = Front(
        DialectApplications(_DIALECTS, applications),
        dialects=_DIALECTS,
        auth=auth,
        limits=services.limits,
        lookups=services.lookups,
        lookup_route=launchdarkly.LOOKUP_ROUTE,
        silent_paths=launchdarkly.SILENT_PATHS,
        sdk_key_paths=vercel.SDK_KEY_PATHS | sdk.SDK_KEY_PATHS,
        unread_routes=sdk.UNREAD_ROUTES,
        routes=routes,
        open_paths=open_paths(
            readiness,
            Identity(settings.identity_key),
            version=rest.version,
            document=rest.openapi,
            public_document=settings.public_openapi,
        ),
        metrics=services.metrics,
        max_body_bytes=settings.max_body_bytes,
        body_timeout_s=settings.body_timeout_s,
        ids=new_id,
        clock=services.clock,
    )
    if not settings.cors_origins:
        return front
    return Cors(front, origins=settings.cors_origins, exposed=("Location", "ETag", *HEADER_NAMES))


def _limits(settings: ApiSettings) -> Limits:
    caps = Caps(
        account=settings.limit_account,
        token=settings.limit_token,
        route=settings.limit_route,
        lookup_token=settings.limit_lookup_token,
        lookup_route=settings.limit_lookup_route,
    )
    counts = RedisCounts(settings.broker_address, Keyspace(settings.key_prefix).limits())
    return Limits(caps, counts, clock=_unix_ms)


def _unix_ms() -> int:
    return time.time_ns() // 1_000_000


def _services(settings: ApiSettings, metrics: Metrics) -> Services:
    store = LazyStore(settings, audit_lost=metrics.audit_lost)
    return Services(
        settings=settings,
        store=store,
        objects=LazyObjects(settings),
        object_threads=ObjectThreads(wait_s=settings.s3_timeout_s),
        work=WorkSender(settings),
        lookups=Lookups(
            Endpoint.of_address(settings.store_address),
            Keyspace(settings.key_prefix),
            store,
            timeout_s=settings.lookup_timeout_s,
            backlog=settings.lookup_backlog,
            segment_limit=settings.lookup_segments,
            counts=metrics,
        ),
        limits=_limits(settings),
        token_directory=TokenDirectory(
            store,
            clock=_unix_ms,
            timeout_s=settings.lookup_timeout_s,
            note_read=metrics.tokens_read,
        ),
        metrics=metrics,
        store_reader=StoreReader(store, clock_ms=_unix_ms),
        heavy_processes={
            name: HeavyProcess(settings, program)
            for name, program in (launchdarkly.HEAVY_PROGRAMS | vercel.HEAVY_PROGRAMS).items()
        },
        clock=_unix_ms,
        ids=new_id,
    )


@contextlib.asynccontextmanager
async def _lifespan(
    app: FastAPI, tally: Tally, direct: DirectLookups | None
) -> AsyncIterator[Mapping[str, object]]:
    services: Services = app.state.services
    stop_watching: Callable[[], None] | None = None
    await asyncio.to_thread(warn_of_servers, services.store, services.settings)
    try:
        async with services.token_directory.running():
            settle()
            stop_watching = watch_collections(tally)
            services.metrics.serving()
            yield connection_state(
                services.settings.connection_bounds, direct, _DIALECTS, services.stopping.set
            )
    finally:
        services.lookups.close()
        await services.limits.close()
        for heavy_process in services.heavy_processes.values():
            await heavy_process.close()
        await asyncio.to_thread(services.close)
        if stop_watching is not None:
            stop_watching()
