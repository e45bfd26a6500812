"""How the commands reach the API: address, token, requests, refusals."""

import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, Self

import httpx

DEFAULT_URL: Final = "http://127.0.0.1:8000"
TOKEN_FILE: Final = Path(".bigseg/admin-token")

_CONNECT_S: Final = 5.0
#: The API answers an upload once its last part is in the bucket.
_READ_S: Final = 300.0
#: Tries of a request that only reads, while the API answers that it is unavailable.
_TRIES: Final = 8
_PAUSE_S: Final = 0.25
_UNAVAILABLE: Final = 503
_SCHEMES: Final = frozenset({"http", "https"})
_PAGE: Final = 200
#: Where in a patch the API found a fault; the user of a command wrote no patch.
_INSTRUCTION: Final = re.compile(r"^(invalid request: )?instructions(\[\d+\])?: ")
_SEMANTIC: Final = "application/json; domain-model=launchdarkly.semanticpatch"


class CommandError(Exception):
    """A command failed; the message says why and what to do."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        """Say why, and with which HTTP status if the API refused."""
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Access:
    """Where the API is, and the token for it."""

    url: str
    token: str = field(repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Access":
        """Read ``BIGSEG_URL`` and ``BIGSEG_TOKEN``, or the files of a local ``bigseg up``.

        Raises:
            CommandError: there is no token, or one of them cannot be used.
        """
        url = _check_url(environment.get("BIGSEG_URL") or DEFAULT_URL)
        token = environment.get("BIGSEG_TOKEN", "").strip()
        if not token:
            try:
                token = TOKEN_FILE.read_text().strip()
            except OSError as exc:
                message = (
                    f"no access token: set BIGSEG_TOKEN, or run this where `bigseg up` keeps "
                    f"its data ({TOKEN_FILE} is not there)"
                )
                raise CommandError(message) from exc
        if not (token.isascii() and token.isprintable()):
            message = "the access token contains invalid characters: copy it again"
            raise CommandError(message)
        return cls(url, token)


class Connection:
    """Requests to one API; a context manager.

    Every method raises ``CommandError`` when there is no answer or a refusal.
    """

    def __init__(self, access: Access, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep
        self._url = access.url
        self._http = httpx.Client(
            base_url=access.url,
            headers={"Authorization": access.token},
            timeout=httpx.Timeout(_CONNECT_S, read=_READ_S, write=_READ_S),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, **parameters: str | int) -> Any:  # noqa: ANN401 - any JSON
        """Read JSON; tries again for a while when the API cannot answer."""
        return self._ask_again(lambda: self._http.get(path, params=parameters))

    def get_all(self, path: str) -> list[Any]:
        """Read all items of a collection, page by page."""
        items: list[Any] = []
        while True:
            page = self.get(path, limit=_PAGE, offset=len(items))
            items += page["items"]
            if not page["items"] or len(items) >= page["totalCount"]:
                return items

    def ask(self, path: str, body: object) -> Any:  # noqa: ANN401 - any JSON
        """Read JSON as ``get`` does, with the question in a body."""
        return self._ask_again(lambda: self._http.post(path, json=body))

    def post(self, path: str, body: object) -> httpx.Response:
        """Send JSON."""
        with self._answering():
            return self._http.post(path, json=body).raise_for_status()

    def instruct(self, path: str, instruction: Mapping[str, object]) -> None:
        """Change a segment by one instruction; a refusal does not say where that stood."""
        body = json.dumps({"instructions": [instruction]})
        try:
            with self._answering():
                headers = {"Content-Type": _SEMANTIC}
                self._http.patch(path, content=body, headers=headers).raise_for_status()
        except CommandError as exc:
            raise CommandError(_INSTRUCTION.sub("", str(exc)), status=exc.status) from exc

    def upload(self, path: str, file: IO[bytes], name: str, fields: Mapping[str, str]) -> str:
        """Send a form with a file, as a stream; returns the ``Location`` of what was created."""
        with self._answering():
            reply = self._http.post(path, data=dict(fields), files={"file": (name, file)})
            return reply.raise_for_status().headers["Location"]

    def delete(self, path: str, *, force: bool = False) -> None:
        """Delete a resource; with ``force``, even if others refer to it."""
        parameters = {"force": "true"} if force else {}
        with self._answering():
            self._http.delete(path, params=parameters).raise_for_status()

    def download(self, path: str, take: Callable[[bytes], None]) -> None:
        """Download a file and pass it on piece by piece."""
        with self._answering(), self._http.stream("GET", path) as reply:
            if reply.is_error:
                reply.read()
            reply.raise_for_status()
            for piece in reply.iter_bytes():
                take(piece)

    def _ask_again(self, send: Callable[[], httpx.Response]) -> Any:  # noqa: ANN401 - any JSON
        for tries_left in reversed(range(_TRIES)):
            try:
                with self._answering():
                    return send().raise_for_status().json()
            except CommandError as exc:
                if exc.status != _UNAVAILABLE or not tries_left:
                    raise
            self._sleep(_PAUSE_S)
        raise AssertionError  # the last try returns or raises

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except httpx.HTTPStatusError as exc:
            status = exc.response.status_code
            raise CommandError(_describe_refusal(exc.response), status=status) from exc
        except httpx.TransportError as exc:
            message = f"no answer from {self._url} ({type(exc).__name__}): is `bigseg up` running?"
            raise CommandError(message) from exc
        except httpx.InvalidURL as exc:
            raise _invalid_url(exc) from exc


def _check_url(given: str) -> str:
    """The API's address without a slash at its end; the scheme may be left out.

    Raises:
        CommandError: no request can be sent to it.
    """
    url = given.rstrip("/") if "://" in given else f"http://{given.rstrip('/')}"
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as exc:
        raise _invalid_url(exc) from exc
    if parsed.scheme not in _SCHEMES or not parsed.host:
        raise _invalid_url("write http://HOST:PORT or https://HOST")
    if parsed.userinfo:
        # httpx would send them in the token's place.
        raise CommandError(
            "BIGSEG_URL contains a user or password: put the token into BIGSEG_TOKEN"
        )
    return url


def _invalid_url(reason: object) -> CommandError:
    return CommandError(f"BIGSEG_URL is not an address: {reason}")


def _describe_refusal(reply: httpx.Response) -> str:
    try:
        body = reply.json()
        return f"{body['message']} ({reply.status_code})"
    except (ValueError, KeyError, TypeError):
        return f"the API answered {reply.status_code}"
