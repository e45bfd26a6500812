"""The REST application: LaunchDarkly's routes and refusals.

The only module that knows every resource. It also exports what the front needs from this API.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Final

from fastapi import Depends, FastAPI

from api.access.permissions import require_declared
from api.http.routes import RouteTable
from api.jobs.events.watching import ImportStreams
from api.launchdarkly import service_pages as service
from api.launchdarkly.audit import routes as audit
from api.launchdarkly.dialect import LAUNCHDARKLY
from api.launchdarkly.erasures import routes as erasures
from api.launchdarkly.evaluations import heavy_program
from api.launchdarkly.evaluations import routes as evaluations
from api.launchdarkly.expiring import routes as expiring
from api.launchdarkly.flag_data import routes as flag_data
from api.launchdarkly.inbox import routes as inbox
from api.launchdarkly.jobs import (
    compositions,
    downloads,
    export_files,
    export_list,
    exports,
    import_files,
    import_list,
    imports,
    rejected_rows,
    uploads,
)
from api.launchdarkly.memberships import browsing, bulk, bulk_program, bulk_requests, edits
from api.launchdarkly.memberships.lookup import LOOKUP_ROUTE
from api.launchdarkly.openapi.contribution import describe
from api.launchdarkly.operations import require_permission
from api.launchdarkly.projects import absent_resources, environments, projects
from api.launchdarkly.revisions import routes as revisions
from api.launchdarkly.schedules import routes as schedules
from api.launchdarkly.sdk_keys import routes as sdk_keys
from api.launchdarkly.sdk_store import routes as sdk_store
from api.launchdarkly.segments import listing, patch
from api.launchdarkly.segments import routes as segments
from api.launchdarkly.tokens import caller_identity
from api.launchdarkly.tokens import routes as tokens
from api.launchdarkly.webhooks import routes as webhooks
from api.launchdarkly.wire.links import SILENT_PATHS
from api.rest.error_handling import handle_errors
from api.rest.requests import require_known_query
from api.services.services import Services

__all__ = ["HEAVY_PROGRAMS", "LOOKUP_ROUTE", "SILENT_PATHS", "describe", "rest_application"]

#: The modules of child processes: for evaluations of large contexts, and for large bulk look-ups.
HEAVY_PROGRAMS: Final = {
    LAUNCHDARKLY.name: heavy_program.__name__,
    bulk_requests.CHILD: bulk_program.__name__,
}

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[Mapping[str, object]]]

_ROUTERS: Final = (
    segments.router,
    listing.router,
    patch.router,
    edits.router,
    bulk.router,
    browsing.router,
    expiring.router,
    import_list.router,
    import_files.router,
    imports.router,
    compositions.router,
    rejected_rows.router,
    uploads.router,
    export_list.router,
    export_files.router,
    exports.router,
    downloads.router,
    revisions.router,
    schedules.router,
    inbox.router,
    projects.router,
    environments.router,
    erasures.router,
    webhooks.router,
    sdk_keys.router,
    sdk_store.router,
    flag_data.router,
    audit.router,
    tokens.router,
    caller_identity.router,
    absent_resources.router,
    evaluations.router,
    service.router,
)


def rest_application(services: Services, routes: RouteTable, lifespan: Lifespan) -> FastAPI:
    """Make the application; the front, which authenticates, must be before it.

    Args:
        services: what handlers work with.
        routes: gets those of this application.
        lifespan: of the process.

    Raises:
        UndeclaredPermission: a route declares no permission.
    """
    app = FastAPI(
        title="bigseg",
        summary="Big segments behind LaunchDarkly's and Vercel's APIs of segments.",
        version="0.1.0",
        lifespan=lifespan,
        redirect_slashes=False,
        strict_content_type=False,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(require_permission), Depends(require_known_query)],
    )
    app.state.services = services
    app.state.evaluations = evaluations.Evaluations(services)
    app.state.bulk_requests = bulk_requests.BulkRequests(services)
    app.state.import_streams = ImportStreams(services)
    service.permit_documentation(app)
    for router in _ROUTERS:
        routes.add(router.routes)
        app.include_router(router)
    routes.add(app.routes)
    require_declared(app.routes)
    handle_errors(app, LAUNCHDARKLY, routes)
    return app
