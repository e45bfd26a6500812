"""The REST application of this dialect. The only module that knows every resource."""

from typing import Final

from fastapi import Depends, FastAPI

from api.access.permissions import require_declared
from api.http.routes import RouteTable
from api.jobs.events.watching import ImportStreams
from api.rest.error_handling import handle_errors
from api.rest.requests import require_known_query
from api.services.services import Services
from api.vercel.account import routes as account
from api.vercel.datafile import routes as datafile
from api.vercel.datafile import stream_routes as datafile_streams
from api.vercel.datafile.packs import Packs
from api.vercel.datafile.routes import SDK_KEY_PATHS
from api.vercel.datafile.streams import DatafileStreams
from api.vercel.definitions import routes as definitions
from api.vercel.dialect import VERCEL
from api.vercel.evaluations import heavy_program
from api.vercel.evaluations import routes as evaluations
from api.vercel.flag_settings import routes as flag_settings
from api.vercel.lists import (
    exports,
    import_list,
    imports,
    rejected_rows,
    revisions,
    uploads,
)
from api.vercel.lists import routes as lists
from api.vercel.openapi.contribution import describe
from api.vercel.operations import require_permission
from api.vercel.projects import routes as projects
from api.vercel.sdk_keys import routes as sdk_keys
from api.vercel.segments import routes as segments
from api.vercel.segments import update

__all__ = ["HEAVY_PROGRAMS", "SDK_KEY_PATHS", "describe", "rest_application"]

#: The program of the child process for heavy evaluations.
HEAVY_PROGRAMS: Final = {VERCEL.name: heavy_program.__name__}

_ROUTERS: Final = (
    account.router,
    projects.router,
    segments.router,
    update.router,
    lists.router,
    imports.router,
    import_list.router,
    rejected_rows.router,
    uploads.router,
    exports.router,
    revisions.router,
    evaluations.router,
    flag_settings.router,
    sdk_keys.router,
    definitions.router,
    datafile.router,
    datafile_streams.router,
)


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
        strict_content_type=False,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[Depends(require_permission), Depends(require_known_query)],
    )
    app.state.services = services
    app.state.packs = Packs(services.settings.datafile_cache_bytes)
    app.state.streams = DatafileStreams(services, app.state.packs)
    app.state.import_streams = ImportStreams(services)
    app.state.evaluations = evaluations.Evaluations(services)
    for router in _ROUTERS:
        routes.add(router.routes)
        app.include_router(router)
    require_declared(app.routes)
    handle_errors(app, VERCEL, routes)
    return app
