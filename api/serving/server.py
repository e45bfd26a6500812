"""Uvicorn with the protocol and the settings that the API wants."""

import contextlib
import socket
import sys
from functools import partial
from typing import Final

from uvicorn import Config, Server

from api.http.connections.uvicorn_protocol import ApiProtocol
from api.main import create_app
from api.metrics.tally import Tally
from api.serving.options import OPEN_REQUESTS_GRACE_S, Address, Tls

#: What uvicorn's own command says when it could not start.
_NOT_STARTED: Final = 3


def serve(at: Address | socket.socket, tls: Tls | None, tally: Tally) -> None:
    """Serve until a signal: first what is open is answered, for some seconds at most.

    Args:
        at: where to listen, or a socket that listens.
        tls: to speak HTTPS only.
        tally: where this process counts.

    Raises:
        SystemExit: it cannot be started; the reason has been printed or logged.
    """
    config = Config(
        partial(create_app, tally),
        factory=True,
        http=ApiProtocol,
        ws="none",
        timeout_graceful_shutdown=OPEN_REQUESTS_GRACE_S,
        # A line for each look-up would cost more than the look-up itself.
        access_log=False,
        server_header=False,
        # Nothing here depends on the caller's address.
        proxy_headers=False,
        ssl_certfile=None if tls is None else tls.certificate,
        ssl_keyfile=None if tls is None else str(tls.key),
    )
    sockets = None
    if isinstance(at, Address):
        config.host, config.port = at.host, at.port
    else:
        sockets = [at]
    server = Server(config)
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets)
    if not server.started:
        sys.exit(_NOT_STARTED)
