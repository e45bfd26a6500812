"""The REST application: LaunchDarkly's routes, refusals in its words, and its document.

Also what the front serves or refuses before it. The only module that knows every resource.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Final

from fastapi import Depends, FastAPI, Response

from api.http.metrics import CONTENT_TYPE
from api.http.routes import RouteTable
from api.launchdarkly import openapi as documents
from api.launchdarkly.audit import routes as audit_log
from api.launchdarkly.error_handling import handle_errors
from api.launchdarkly.evaluations import heavy_program
from api.launchdarkly.evaluations import routes as evaluate
from api.launchdarkly.expiring import routes as expiring_targets
from api.launchdarkly.jobs import downloads as export_downloads
from api.launchdarkly.jobs import exports, imports
from api.launchdarkly.memberships import edits as targets
from api.launchdarkly.memberships.lookup import LOOKUP_ROUTE
from api.launchdarkly.operations import require_permission
from api.launchdarkly.projects import absent_resources, environments, projects
from api.launchdarkly.segments import listing as segment_list
from api.launchdarkly.segments import patch as segment_patches
from api.launchdarkly.segments import routes as segments
from api.launchdarkly.tokens import caller_identity
from api.launchdarkly.tokens import routes as tokens
from api.launchdarkly.wire.links import SILENT_PATHS
from api.launchdarkly.wire.requests import require_known_query
from api.services.services import Services, ServicesOf

__all__ = ["HEAVY_PROGRAM", "LOOKUP_ROUTE", "SILENT_PATHS", "rest_application"]

#: The module of the child process that evaluates large contexts.
HEAVY_PROGRAM: Final = heavy_program.__name__

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[Mapping[str, object]]]


def rest_application(services: Services, lifespan: Lifespan) -> FastAPI:
    """Make the application; it expects the front before it, which authenticates."""
    app = FastAPI(
        title="bigseg",
        summary="Big segments behind the LaunchDarkly Segments API.",
        version="0.1.0",
        lifespan=lifespan,
        redirect_slashes=False,
        strict_content_type=False,
        redoc_url=None,
        dependencies=[Depends(require_permission), Depends(require_known_query)],
    )
    app.state.services = services
    routes = app.state.routes = RouteTable()
    modules = (
        segments,
        segment_list,
        segment_patches,
        targets,
        expiring_targets,
        imports,
        exports,
        export_downloads,
        projects,
        environments,
        audit_log,
        tokens,
        caller_identity,
        absent_resources,
    )
    for router in (*(module.router() for module in modules), evaluate.router(services)):
        routes.add(router.routes)
        app.include_router(router)
    app.get("/metrics", include_in_schema=False, operation_id="getMetrics")(_metrics)
    routes.add(app.routes)
    handle_errors(app)
    documents.install(app)
    return app


async def _metrics(services: ServicesOf) -> Response:
    lookups = services.lookups
    services.metrics.lookup_totals(lookups.pipelines, lookups.asked_again)
    return Response(services.metrics.render(), media_type=CONTENT_TYPE)
