"""How the commands reach the API: requests, answers, refusals."""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any, Final, Self, TypeVar

import httpx

from api.cli.access.access import Access
from api.cli.access.identification import identifying_transport
from api.cli.access.tls import make_tls_context
from api.cli.connection.downloaded_part import DownloadedPart
from api.cli.connection.refusals import describe_content, not_bigseg, refusal, transport_failure
from api.cli.errors import CommandError, ExitStatus

T = TypeVar("T")

_CONNECT_S: Final = 5.0
#: The API answers an upload once its last part is in the bucket.
READ_S: Final = 300.0
#: Tries of a request that only reads, while the API answers that it is unavailable.
TRIES: Final = 8
_PAUSE_S: Final = 0.25
_UNAVAILABLE: Final = 503
_PAGE: Final = 200
_SEMANTIC: Final = "application/json; domain-model=launchdarkly.semanticpatch"
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})

#: Told of each answer, with the seconds that it took: method, path, status.
OnAnswer = Callable[[str, str, int, float], None]


class Connection:
    """Requests to one API, over one pool of connections; a context manager, usable by threads.

    Every method raises ``CommandError`` when there is no answer or a refusal.
    """

    def __init__(
        self,
        access: Access,
        *,
        environment: Mapping[str, str] = os.environ,
        sleep: Callable[[float], None] = time.sleep,
        on_answer: OnAnswer | None = None,
        limit_s: float = READ_S,
        tries: int = TRIES,
    ) -> None:
        """Connect with the first request.

        Args:
            access: the server and the token for it.
            environment: names the certificate authorities to trust.
            sleep: waits between tries.
            on_answer: told of each answer.
            limit_s: seconds to wait for an answer.
            tries: how often a request that only reads is sent while the API is unavailable.
        """
        self._sleep = sleep
        self._tries = tries
        self._url = access.url
        self._on_answer = on_answer
        context = make_tls_context(access.url, environment)
        transport: httpx.HTTPTransport | None = None
        if access.key is not None:
            transport = identifying_transport(access.key, str(access.directory), context)
        self._http = httpx.Client(
            base_url=access.url,
            headers={"Authorization": access.token} if access.token else {},
            timeout=httpx.Timeout(min(_CONNECT_S, limit_s), read=limit_s, write=limit_s),
            verify=context,
            transport=transport,
            # A proxy is for other machines.
            trust_env=httpx.URL(access.url).host not in _LOOPBACK,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    @property
    def url(self) -> str:
        """The server's address."""
        return self._url

    @property
    def has_token(self) -> bool:
        """Whether requests carry a token."""
        return "Authorization" in self._http.headers

    def get(self, path: str, **parameters: str | int) -> Any:  # noqa: ANN401 - any JSON
        """Read JSON; tries again for a while when the API cannot answer."""
        return self._read_with_retries(lambda: self._send("GET", path, params=parameters))

    def get_all(self, path: str, **parameters: str | int) -> list[Any]:
        """Read all items of a collection, page by page."""
        items: list[Any] = []
        while True:
            page = self.get(path, limit=_PAGE, offset=len(items), **parameters)
            items += page["items"]
            if not page["items"] or len(items) >= page["totalCount"]:
                return items

    def count(self, path: str) -> int:
        """Count the items of a collection."""
        return int(self.get(path, limit=1)["totalCount"])

    def get_health(self, path: str) -> tuple[bool, Any]:
        """Read a health check, with one try: whether all is well, and the answer."""
        with self._translated_errors():
            reply = self._send("GET", path, check=False)
        if reply.status_code not in {httpx.codes.OK, _UNAVAILABLE}:
            raise refusal(reply, self._url)
        return reply.is_success, self._read(reply)

    def query(self, path: str, body: object) -> Any:  # noqa: ANN401 - any JSON
        """Read JSON as ``get`` does, with a body that says what."""
        return self._read_with_retries(lambda: self._send("POST", path, json=body))

    def query_bytes(self, path: str, body: object, *, accept: str) -> bytes:
        """Read what is not JSON as ``query`` does.

        Args:
            path: of the operation.
            body: says what is asked.
            accept: the media type of the answer.
        """

        def send() -> httpx.Response:
            reply = self._send("POST", path, json=body, headers={"Accept": accept})
            if reply.headers.get("Content-Type") != accept:
                raise not_bigseg(self._url, describe_content(reply))
            return reply

        return self._with_retries(lambda: send().content)

    def post(
        self, path: str, body: object, *, idempotency_key: str | None = None
    ) -> httpx.Response:
        """Send JSON."""
        with self._translated_errors():
            return self._send("POST", path, json=body, headers=_headers(idempotency_key))

    def create(self, path: str, body: object) -> Any:  # noqa: ANN401 - any JSON
        """Send JSON, and read what was created."""
        return self._read(self.post(path, body))

    def put(self, path: str, body: object) -> Any:  # noqa: ANN401 - any JSON
        """Send JSON, and read what it made."""
        with self._translated_errors():
            return self._read(self._send("PUT", path, json=body))

    def put_content(self, path: str, content: bytes) -> Any:  # noqa: ANN401 - any JSON
        """Send JSON as it is, and read what it made."""
        headers = {"Content-Type": "application/json"}
        with self._translated_errors():
            return self._read(self._send("PUT", path, content=content, headers=headers))

    def patch(self, path: str, body: object) -> Any:  # noqa: ANN401 - any JSON
        """Send JSON, and read what was changed."""
        with self._translated_errors():
            return self._read(self._send("PATCH", path, json=body))

    def instruct(self, path: str, *instructions: Mapping[str, object]) -> None:
        """Change a segment by instructions."""
        body = json.dumps({"instructions": instructions})
        with self._translated_errors():
            self._send("PATCH", path, content=body, headers={"Content-Type": _SEMANTIC})

    def upload(
        self,
        path: str,
        file: IO[bytes],
        name: str,
        fields: Mapping[str, str],
        *,
        idempotency_key: str | None = None,
    ) -> str:
        """Send a form with a file, as a stream; returns the ``Location`` of what was created."""
        headers, files = _headers(idempotency_key), {"file": (name, file)}
        with self._translated_errors():
            reply = self._send("POST", path, data=dict(fields), files=files, headers=headers)
        return self.location(reply)

    def location(self, reply: httpx.Response) -> str:
        """The path of what an answer says was created."""
        try:
            return str(reply.headers["Location"])
        except KeyError:
            raise not_bigseg(self._url, describe_content(reply)) from None

    def delete(self, path: str, *, force: bool = False) -> None:
        """Delete a resource; with ``force``, even if others refer to it."""
        parameters = {"force": "true"} if force else {}
        with self._translated_errors():
            self._send("DELETE", path, params=parameters)

    def download(self, path: str, take: Callable[[bytes, int], None]) -> None:
        """Download a file and pass it on piece by piece, with the size of the whole.

        A download that is cut goes on where it was, unless several tries in a row gave nothing.
        """
        part, tries_left = DownloadedPart(), self._tries
        while True:
            before = part.done_bytes
            try:
                with self._translated_errors():
                    return self._download_rest(path, part, take)
            except CommandError as exc:
                tries_left = self._tries if part.done_bytes > before else tries_left - 1
                cut = exc.exit_status is ExitStatus.UNREACHABLE and part.etag is not None
                if not cut or not tries_left:
                    raise
                self._sleep(_PAUSE_S * 2 ** (self._tries - tries_left))

    def _download_rest(
        self, path: str, part: DownloadedPart, take: Callable[[bytes, int], None]
    ) -> None:
        with self._http.stream("GET", path, headers=part.headers) as reply:
            if not reply.is_success:
                reply.read()
                raise refusal(reply, self._url)
            total_bytes = part.begin(reply)
            for piece in reply.iter_bytes():
                take(piece, total_bytes)
                part.done_bytes += len(piece)

    def _send(
        self,
        method: str,
        path: str,
        *,
        check: bool = True,
        **content: Any,  # noqa: ANN401 - httpx's arguments
    ) -> httpx.Response:
        started_s = time.monotonic()
        reply = self._http.request(method, path, **content)
        if self._on_answer is not None:
            self._on_answer(method, path, reply.status_code, time.monotonic() - started_s)
        if check and not reply.is_success:
            raise refusal(reply, self._url)
        return reply

    def _read(self, reply: httpx.Response) -> Any:  # noqa: ANN401 - any JSON
        try:
            content = json.loads(reply.content, object_hook=self._make_answer)
        except (ValueError, RecursionError) as exc:
            raise not_bigseg(self._url, describe_content(reply)) from exc
        if not isinstance(content, dict):
            raise not_bigseg(self._url, "other JSON")
        return content

    def _make_answer(self, content: dict[str, Any]) -> "_Answer":
        answer = _Answer(content)
        answer.url = self._url
        return answer

    def _read_with_retries(self, send: Callable[[], httpx.Response]) -> Any:  # noqa: ANN401 - any JSON
        return self._with_retries(lambda: self._read(send()))

    def _with_retries(self, ask: Callable[[], T]) -> T:
        for tries_left in reversed(range(self._tries)):
            try:
                with self._translated_errors():
                    return ask()
            except CommandError as exc:
                if exc.status != _UNAVAILABLE or not tries_left:
                    raise
            self._sleep(_PAUSE_S)
        raise AssertionError  # the last try returns or raises

    @contextmanager
    def _translated_errors(self) -> Iterator[None]:
        try:
            yield
        except httpx.RequestError as exc:
            raise transport_failure(exc, self._url) from exc
        except httpx.InvalidURL as exc:
            raise CommandError(f"no request can be sent to {self._url}: {exc}") from exc


def _headers(idempotency_key: str | None) -> dict[str, str]:
    return {} if idempotency_key is None else {"Idempotency-Key": idempotency_key}


class _Answer(dict[str, Any]):
    """A JSON object of an answer; a missing field means that the server is not bigseg's."""

    url = ""

    def __missing__(self, name: str) -> Any:  # noqa: ANN401 - never returns
        raise not_bigseg(self.url, f"JSON without `{name}`")
