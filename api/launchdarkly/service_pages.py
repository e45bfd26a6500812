"""The service itself: metrics, the OpenAPI document, and health."""

from typing import Literal

from fastapi import APIRouter, FastAPI, Response
from pydantic import BaseModel, Field

from api.metrics.exposition import CONTENT_TYPE
from api.rest.operations import NO_TOKEN, READ, operation
from api.services.services import ServicesOf

router = APIRouter(tags=["Service"])
#: Health checks, only for the document: the front answers them.
documented = APIRouter(tags=["Service"])


class Liveness(BaseModel):
    """The process is alive."""

    status: Literal["ok"]


class PartReadiness(BaseModel):
    """Whether one part is usable."""

    ok: bool
    error: str | None = None
    lag_seconds: float | None = Field(default=None, alias="lagSeconds")
    """Of what SDKs read from Redis, if any environment has it on: how long ago that was last what
    the lists are. It makes nothing unready."""


class Readiness(BaseModel):
    """Whether the service, and each part that it needs, is usable."""

    status: Literal["ok", "down"]
    parts: dict[str, PartReadiness]


@router.get(
    "/metrics",
    operation_id="getMetrics",
    responses={
        200: {
            "description": "The metrics.",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        }
    },
    response_class=Response,
)
@operation(needs=READ)
def get_metrics(services: ServicesOf) -> Response:
    """Get the metrics of all processes of this port, in the text format of Prometheus.

    Those that come from the store are left out while it does not answer. All are totals without
    any project, environment or segment, so every token may read them.
    """
    return Response(services.metrics.render(services.store_reader.read()), media_type=CONTENT_TYPE)


@documented.get("/healthz", operation_id="getLiveness", response_model=Liveness)
@operation(needs=NO_TOKEN)
def get_liveness() -> None:
    """Check whether the process is alive. Needs no token."""


@documented.get(
    "/readyz",
    operation_id="getReadiness",
    response_model=Readiness,
    responses={503: {"description": "A part does not answer.", "model": Readiness}},
)
@operation(needs=NO_TOKEN)
def get_readiness() -> None:
    """Check whether all parts that the service needs answer. Needs no token."""


def permit_documentation(app: FastAPI) -> None:
    """Let every token read the OpenAPI document; call it before other routes are added."""
    for page in app.routes:
        operation(needs=READ)(page.endpoint)  # type: ignore[attr-defined]  # a plain route
