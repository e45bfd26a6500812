"""The fixed list of files behind ``/`` and ``/docs``; no path of a request reaches a directory.

Swagger UI comes from the package ``fastapi-swagger``, of which only these files are used. All
links are relative, so that the pages work below any prefix that a proxy removes.
"""

from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from string import Template
from typing import Final

from api.pages.page import KEEP, Page

LANDING_PATH: Final = b"/"
DOCUMENTATION_PATH: Final = b"/docs"

_HTML: Final = "text/html; charset=utf-8"
_CSS: Final = "text/css; charset=utf-8"
_SCRIPT: Final = "text/javascript; charset=utf-8"
_OURS: Final = {"pages.css": _CSS, "documentation.js": _SCRIPT, "icon.svg": "image/svg+xml"}
_SWAGGER_UI: Final = {"swagger-ui.css": _CSS, "swagger-ui-bundle.js": _SCRIPT}


def make_pages(version: str, *, public_document: bool) -> Mapping[bytes, Page]:
    """Read all files, and give each page by its path.

    Args:
        version: of the API.
        public_document: whether the OpenAPI document needs no token.
    """
    ours = resources.files(__package__) / "static"
    swagger_ui = resources.files("fastapi_swagger") / "resources"
    assets = _read(ours, _OURS) | _read(swagger_ui, _SWAGGER_UI)
    values = {
        "version": version,
        "document": "public" if public_document else "protected",
        **{_placeholder(name): f"static/{name}?v={page.digest}" for name, page in assets.items()},
    }
    return {
        LANDING_PATH: _render(ours / "landing.html", values),
        DOCUMENTATION_PATH: _render(ours / "documentation.html", values),
        **{f"/static/{name}".encode(): page for name, page in assets.items()},
    }


def _read(folder: Traversable, media_types: Mapping[str, str]) -> dict[str, Page]:
    return {
        name: Page.of((folder / name).read_bytes(), media_type, KEEP)
        for name, media_type in media_types.items()
    }


def _render(template: Traversable, values: Mapping[str, str]) -> Page:
    text = Template(template.read_text(encoding="utf-8")).substitute(values)
    return Page.of(text.encode(), _HTML)


def _placeholder(name: str) -> str:
    """The name that stands for the address of a file in a template."""
    return name.translate(str.maketrans(".-", "__"))
