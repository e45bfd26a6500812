"""The files of ``bigseg api --tls-cert --tls-key``, tried before the server starts."""

import ssl
from pathlib import Path


class TlsError(Exception):
    """The files cannot be used; the message says which and why."""


def tls_files(certificate: Path | None, key: Path | None) -> tuple[Path, Path] | None:
    """Both files, known to belong together; ``None`` when neither is given.

    Raises:
        TlsError: one is missing, cannot be read, or does not fit the other.
    """
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise TlsError("give both, the certificate and its key")
    for file in (certificate, key):
        _require_readable(file)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, _no_passphrase)
    except ssl.SSLError as exc:
        reason = exc.reason or "not in PEM format"
        message = f"{certificate} and {key} are not a certificate and its key ({reason})"
        raise TlsError(message) from exc
    return certificate.absolute(), key.absolute()


def _require_readable(file: Path) -> None:
    try:
        file.read_bytes()
    except OSError as exc:
        raise TlsError(f"{file} cannot be read: {exc.strerror}") from exc


def _no_passphrase() -> str:
    # Else OpenSSL would ask the terminal, and a server in the background would wait for ever.
    raise TlsError("the key is encrypted: decrypt it first, as with `openssl pkey`")
