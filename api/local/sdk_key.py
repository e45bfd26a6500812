"""The SDK key of a local system: made at its first start, kept for later ones."""

import json
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final

from api.local.errors import DataDirectoryError
from api.private_files import write_private

_LIMIT_S: Final = 10.0
_LABEL: Final = "bigseg up"


def find_sdk_key(host: str, port: int, token: str, environment: str, file: Path) -> bool:
    """Have a file hold an SDK key that the API accepts.

    Args:
        host: Where the API listens.
        port: Its port.
        token: Of an admin.
        environment: ``project/environment`` that the key is of.
        file: Which only its owner can read.

    Returns:
        Whether it does; not if the environment is deleted, or the API does not answer.

    Raises:
        DataDirectoryError: The file cannot be read or written.
    """
    try:
        key = file.read_text().strip() if file.exists() else ""
        status = _post(host, port, "/diagnostic", key, {})[0] if key else HTTPStatus.UNAUTHORIZED
        if status != HTTPStatus.UNAUTHORIZED:
            return status is not None
        project, _, name = environment.partition("/")
        path = f"/api/v2/projects/{project}/environments/{name}/sdk-keys"
        status, made = _post(host, port, path, token, {"label": _LABEL})
        if status != HTTPStatus.CREATED or made is None:
            return False
        write_private(file, made["key"] + "\n")
    except OSError as exc:
        raise DataDirectoryError(f"{file}: {exc.strerror}") from exc
    return True


def _post(
    host: str, port: int, path: str, token: str, body: object
) -> tuple[int | None, dict[str, Any] | None]:
    """Send a body; the status and the answer, ``None`` without one that is JSON."""
    headers = {"Authorization": token, "Content-Type": "application/json"}
    with closing(HTTPConnection(host, port, timeout=_LIMIT_S)) as connection:
        try:
            connection.request("POST", path, json.dumps(body), headers)
            reply = connection.getresponse()
            content = reply.read()
        except (HTTPException, ConnectionError, TimeoutError):
            return None, None
    try:
        return reply.status, json.loads(content)
    except ValueError:
        return reply.status, None
