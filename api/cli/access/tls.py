"""Which certificates a command trusts."""

import ssl
from collections.abc import Mapping
from pathlib import Path

from api.cli.errors import UsageError

#: In order of precedence; the second is OpenSSL's own, which many programs read.
_VARIABLES = ("BIGSEG_CA_FILE", "SSL_CERT_FILE")


def make_tls_context(url: str, environment: Mapping[str, str]) -> ssl.SSLContext:
    """Make the context for a server: the system's authorities, or those of a file.

    Raises:
        UsageError: the file cannot be used; the message names the variable.
    """
    if not url.startswith("https:"):
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # not used; reading authorities takes time
    for variable in _VARIABLES:
        if name := environment.get(variable, "").strip():
            return _trust(Path(name).expanduser(), variable)
    return ssl.create_default_context()


def _trust(file: Path, variable: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(file))
    except ssl.SSLError as exc:
        raise UsageError(f"{variable}: {file} holds no certificate in PEM format") from exc
    except OSError as exc:
        raise UsageError(f"{variable}: {file} cannot be read: {exc.strerror}") from exc
