"""The settings of a project's flags: read and changed."""

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from api.audit import audit_in_project
from api.bodies.faults import refusal
from api.bodies.models import json_response
from api.rest.bodies import parse_object, read_body
from api.rest.operations import NO_PROJECT, component, document_body, operation
from api.rest.requests import RequireJson
from api.services.services import CallerOf, Services, ServicesOf
from api.vercel.datafile.packs import Packs
from api.vercel.datafile.routes import PacksOf
from api.vercel.flag_settings.models import (
    SettingsPatch,
    SettingsRepresentation,
    StoredSettings,
    Totals,
)
from api.vercel.operations import READ, WRITE
from api.vercel.wire.paths import FEATURE_FLAGS
from api.vercel.wire.project_ids import project_id
from api.vercel.wire.requests import ProjectOf, WholeProjectOf
from worker.store import Project, Store, UnreadableRecord, retry_on_change

router = APIRouter(prefix=f"{FEATURE_FLAGS}/settings", tags=["Vercel flag settings"])


@router.get("", operation_id="getFlagSettings", response_model=SettingsRepresentation)
@operation(needs=READ, refuses=NO_PROJECT)
def get_settings(project: ProjectOf, services: ServicesOf, packs: PacksOf) -> Response:
    """Get the settings of a project's flags."""
    store = services.store()
    settings = _parse(project, store.flags.read_settings(project))
    return json_response(_represent(store, project, packs, settings))


@router.patch(
    "",
    operation_id="updateFlagSettings",
    response_model=SettingsRepresentation,
    dependencies=[RequireJson],
    openapi_extra=document_body("What changes.", json=component("SettingsPatch")),
)
@operation(needs=WRITE, refuses=NO_PROJECT)
async def update_settings(
    request: Request,
    project: WholeProjectOf,
    services: ServicesOf,
    caller: CallerOf,
    packs: PacksOf,
) -> Response:
    """Change the settings of a project's flags; what the body leaves out stays."""
    raw = await read_body(request)

    def update() -> Response:
        patch, store = _parse_patch(raw), services.store()
        name = f"flag settings of project {project.key}"
        before, after = retry_on_change(name, lambda: _change(services, project, patch))
        audit_in_project(
            services,
            caller,
            project,
            action="updateFlagSettings",
            verb="updated the flag settings of",
            before=_summarize(before),
            after=_summarize(after),
        )
        return json_response(_represent(store, project, packs, after))

    async with services.patch_turn:
        return await run_in_threadpool(update)


def _parse_patch(raw: bytes) -> SettingsPatch:
    try:
        return SettingsPatch.model_validate(parse_object(raw), by_alias=True, by_name=False)
    except ValidationError as exc:
        raise refusal(exc) from None


def _change(
    services: Services, project: Project, patch: SettingsPatch
) -> tuple[StoredSettings, StoredSettings]:
    flags = services.store().flags
    text, now_ms = flags.read_settings(project), services.clock()
    before = _parse(project, text)
    changed = {
        name: getattr(patch, name)
        for name in ("enabled", "entities", "environments")
        if getattr(patch, name) is not None
    }
    after = before.model_copy(
        update={**changed, "created_at": before.created_at or now_ms, "updated_at": now_ms}
    )
    flags.put_settings(project, text, after.model_dump_json(exclude_none=True).encode())
    return before, after


def _parse(project: Project, text: bytes | None) -> StoredSettings:
    if text is None:
        return StoredSettings()
    try:
        return StoredSettings.model_validate_json(text)
    except ValidationError as exc:
        name = f"the flag settings of project {project.key}"
        raise UnreadableRecord.of(name) from exc


def _represent(
    store: Store, project: Project, packs: Packs, settings: StoredSettings
) -> SettingsRepresentation:
    found = store.project_segments.read_all(project)
    pack = packs.pack(project, found)
    flags = 0 if found.definitions is None else found.definitions.flag_count
    return SettingsRepresentation(
        project_id=project_id(project),
        enabled=settings.enabled,
        entities=settings.entities,
        environments=settings.environments,
        created_at=settings.created_at,
        updated_at=settings.updated_at,
        metadata=Totals(
            active_flag_count=flags,
            segment_count=len(found.by_id),
            pack_size_in_bytes=len(pack.content),
            pack_revision=pack.change_number,
            config_updated_at=pack.changed_ms,
        ),
    )


def _summarize(settings: StoredSettings) -> dict[str, object]:
    return {
        "enabled": settings.enabled,
        "environments": settings.environments,
        "kinds": [entity.kind for entity in settings.entities],
    }
