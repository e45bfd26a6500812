"""The application of what SDKs and relays connect to. The only module that knows all of it."""

from typing import Final

from fastapi import Depends, FastAPI

from api.access.permissions import PathNames, permission_check, require_declared
from api.http.routes import RouteTable
from api.rest.error_handling import handle_errors
from api.rest.requests import require_known_query
from api.sdk.data import routes as data
from api.sdk.data.reading import EnvironmentReader
from api.sdk.data.streams import DataStreams
from api.sdk.dialect import SDK
from api.sdk.events import routes as events
from api.sdk.fdv2 import routes as fdv2
from api.sdk.fdv2.transfers import Transfers
from api.sdk.openapi.contribution import describe
from api.sdk.relay import routes as relay
from api.sdk.relay.streams import RelayStreams
from api.services.services import Services

__all__ = ["SDK_KEY_PATHS", "describe", "rest_application"]

#: The paths that take an SDK key, and nothing else.
SDK_KEY_PATHS: Final = data.DATA_PATHS | fdv2.FDV2_PATHS | events.EVENT_PATHS | relay.RELAY_PATHS

#: Routes whose bodies are dropped as they come, and bounded by their handlers.
UNREAD_ROUTES: Final = events.UNREAD_ROUTES

_ROUTERS: Final = (data.router, fdv2.router, events.router, relay.router)
_require_permission: Final = permission_check(PathNames("", "", ""))


def rest_application(services: Services, routes: RouteTable) -> FastAPI:
    """Make the application; the front, which authenticates, must be before it.

    Args:
        services: what handlers work with.
        routes: gets those of this application.

    Raises:
        UndeclaredPermission: a route declares no permission.
    """
    app = FastAPI(
        title="bigseg",
        version="0.1.0",
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[Depends(_require_permission), Depends(require_known_query)],
    )
    app.state.services = services
    settings = services.settings
    cache_bytes = settings.datafile_cache_bytes
    app.state.sdk_data = EnvironmentReader(
        most_bytes=settings.sdk_data_bytes, cache_bytes=cache_bytes * 3 // 4
    )
    app.state.transfers = Transfers(cache_bytes // 4)
    app.state.data_streams = DataStreams(services, app.state.sdk_data)
    app.state.relay_streams = RelayStreams(services)
    for router in _ROUTERS:
        routes.add(router.routes)
        app.include_router(router)
    require_declared(app.routes)
    handle_errors(app, SDK, routes)
    return app
