"""The parts of uvicorn that are not its public interface and are leaned on all the same."""

import ast
import inspect
import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from uvicorn.protocols.http import httptools_impl
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from api.http.connections import uvicorn_protocol
from api.http.connections.direct_exchange import DirectExchange
from api.http.connections.uvicorn_protocol import ApiProtocol

_API = Path(uvicorn_protocol.__file__).parents[2]
_ADVICE = (
    f"uvicorn {version('uvicorn')} {{}}: adapt api/http/connections/uvicorn_protocol.py, "
    "or lower the bound in pyproject.toml"
)
_OUR_METHODS = {"waits_since_s", "give_way", "answer_directly", "pass_on"}
_ATTRIBUTES = {
    HttpToolsProtocol: "access_log access_logger app app_state cycle expect_100_continue flow "
    "headers limit_concurrency logger loop parser pipeline root_path scope server_state "
    "timeout_keep_alive transport url",
    RequestResponseCycle: "access_log default_headers disconnected flow keep_alive "
    "message_event more_body on_response response_complete response_started scope transport "
    "waiting_for_100_continue",
    FlowControl: "write_paused",
}
_METHODS = {
    HttpToolsProtocol: "_start_asgi_task _unset_keepalive_if_required connection_lost "
    "connection_made data_received on_body on_header on_headers_complete on_message_begin "
    "on_message_complete on_response_complete on_url resume_writing send_400_response shutdown",
    FlowControl: "pause_reading",
}
#: What the protocol does not call for the exchange that takes uvicorn's place, because its
#: request has no body; and methods of an exchange that a task runs.
_OF_A_CYCLE_ONLY = {"body", "run_asgi", "scope", "access_log"}
#: Methods that do uvicorn's part themselves, and what uvicorn's use.
_REPLACED = {
    "on_message_begin": "url expect_100_continue headers scope asgi_version server client scheme "
    "root_path app_state",
    "on_response_complete": "server_state transport _unset_keepalive_if_required flow pipeline "
    "_start_asgi_task timeout_keep_alive_task loop timeout_keep_alive timeout_keep_alive_handler",
}


class _Nobody:
    """Takes no answer."""

    def answer_directly(self, exchange: DirectExchange, body: bytes, lines: bytes) -> None:
        raise AssertionError(exchange, body, lines)

    def pass_on(self, exchange: DirectExchange) -> None:
        raise AssertionError(exchange)


_NOBODY = _Nobody()


def _pairs(names: dict[type, str]) -> list[tuple[type, str]]:
    return [(kind, name) for kind, listed in names.items() for name in listed.split()]


@pytest.mark.parametrize(("kind", "name"), _pairs(_ATTRIBUTES))
def test_attribute__that_is_read__is_set_by_uvicorn(kind: type, name: str) -> None:
    found = re.search(rf"\bself\.{name}\b[^=\n]*= ", inspect.getsource(kind))
    assert found, _ADVICE.format(f"sets no {kind.__name__}.{name}")


@pytest.mark.parametrize(("kind", "name"), _pairs(_METHODS))
def test_method__that_is_called_or_overridden__is_there(kind: type, name: str) -> None:
    found = getattr(kind, name, None)
    assert found is not None, _ADVICE.format(f"has no {kind.__name__}.{name}")
    ours = vars(ApiProtocol).get(name)
    if kind is HttpToolsProtocol and ours is not None:
        theirs = list(inspect.signature(found).parameters)
        assert list(inspect.signature(ours).parameters) == theirs, _ADVICE.format(
            f"calls {name} with {theirs[1:]}"
        )


def test_methods__of_the_protocol__are_all_held_against_uvicorn() -> None:
    names = {name for name, value in vars(ApiProtocol).items() if callable(value)}
    overridden = {name for name in names if hasattr(HttpToolsProtocol, name)} - {"__init__"}
    assert overridden <= set(_METHODS[HttpToolsProtocol].split())
    public = {name for name in vars(ApiProtocol) if not name.startswith("_")}
    assert {name for name in public if not hasattr(HttpToolsProtocol, name)} == _OUR_METHODS


def test_exchange__in_place_of_uvicorns__has_what_the_protocol_looks_at() -> None:
    source = inspect.getsource(HttpToolsProtocol) + inspect.getsource(ApiProtocol)
    read = set(re.findall(r"\b(?:cycle|before)\.(\w+)", source)) - _OF_A_CYCLE_ONLY
    exchange = DirectExchange(_NOBODY, b"/", [])
    assert {name for name in read if not hasattr(exchange, name)} == set(), _ADVICE.format(
        "reads more of an exchange"
    )


def test_exchange__made_for_a_request_passed_on__has_all_of_uvicorns_parts() -> None:
    parts = set(inspect.signature(RequestResponseCycle).parameters)
    source = inspect.getsource(ApiProtocol._make_cycle)
    assert set(re.findall(r"^ {12}(\w+)=", source, re.MULTILINE)) == parts, _ADVICE.format(
        "makes an exchange of other parts"
    )


@pytest.mark.parametrize(("name", "used"), _REPLACED.items())
def test_method__that_is_replaced__does_nothing_else(name: str, used: str) -> None:
    source = inspect.getsource(getattr(HttpToolsProtocol, name))
    assert set(re.findall(r"self\.(\w+)", source)) == set(used.split()), _ADVICE.format(
        f"does something else in {name}"
    )


def test_header_name__by_uvicorn__is_asked_for_in_lower_case() -> None:
    source = inspect.getsource(RequestResponseCycle.send)
    assert "name.lower()" in source, _ADVICE.format("writes names of headers another way")


def test_internals__of_uvicorn__are_imported_in_one_file() -> None:
    users = {
        path.name
        for path in _API.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom | ast.Import)
        and "uvicorn." in ast.unparse(node)
        and "uvicorn_protocol" not in ast.unparse(node)
    }
    assert users == {"uvicorn_protocol.py"}
    assert httptools_impl.__name__ in Path(uvicorn_protocol.__file__).read_text()


def test_version__of_what_is_leaned_on__has_an_upper_bound() -> None:
    project = tomllib.loads((_API.parent / "pyproject.toml").read_text())["project"]
    [line] = [line for line in project["dependencies"] if line.startswith("uvicorn>")]
    assert "<" in line
