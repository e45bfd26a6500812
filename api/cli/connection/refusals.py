"""What the API's refusals and failures of the connection mean to the user of a command."""

import re
import ssl
from collections.abc import Iterator
from typing import Final

import httpx

from api.cli.errors import CommandError, ExitStatus, UnreachableError

#: What the API calls the options of the commands.
_OPTIONS: Final = {
    "allowEmpty": "--allow-empty",
    "allowRejected": "--allow-rejected",
    "allowShrink": "--allow-shrink",
    "allowErased": "--allow-erased",
    "waitOnApprovals": "--wait-for-approval",
    "dryRun": "--dry-run",
    "onWarning": "--on-warning",
    "onGuard": "--on-guard",
    "maxRejectedShare": "--max-rejected-share",
    "maxWarningShare": "--max-warning-share",
    "maxShrinkShare": "--max-shrink-share",
    "maxGrowthShare": "--max-growth-share",
    "unboundedContextKind": "--kind",
    "totalCount": "the total count",
}
#: A reason names both: ``send allowEmpty=true (bigseg import --allow-empty)``.
_BOTH: Final = re.compile(r"\bsend \w+=\w+ \((bigseg [a-z][^)]*)\)")
#: Options of how a list is read: their flags are called as the fields are.
_READING: Final = re.compile(r"\bsend (header|delimiter|encoding|format|column)(?:=(\w[\w-]*))?")
_FIELD: Final = re.compile(rf"\b({'|'.join(_OPTIONS)})(=true)?\b")
#: Where in a patch the API found a fault; the user of a command wrote no patch.
_INSTRUCTION: Final = re.compile(r"^(invalid request: )?instructions(\[\d+\])?: ")
_REFUSED: Final = frozenset({401, 403})
_NOT_FOUND: Final = 404
_TOO_MANY: Final = 429
_BROKEN: Final = 500
_REDIRECTS: Final = range(300, 400)
#: What a load balancer answers for a server that is down.
_GATEWAY: Final = frozenset({502, 503, 504})


def name_options(text: str) -> str:
    """Put a message of the API in the words of the command line."""
    text = _BOTH.sub(lambda match: f"use `{match[1]}`", text)
    text = _READING.sub(_name_reading_option, text)
    text = _FIELD.sub(lambda match: _OPTIONS[match[1]], text)
    return _INSTRUCTION.sub("", text)


def _name_reading_option(match: re.Match[str]) -> str:
    name, value = match[1], match[2]
    return f"use --{name}" if value in {None, "true"} else f"use --{name} {value}"


def refusal(reply: httpx.Response, url: str) -> CommandError:
    """Make the error of an answer that refuses."""
    status = reply.status_code
    try:
        body = reply.json()
        body = body.get("error", body)  # where Vercel's clients call, refusals have its form
        message, code, error_id = body["message"], body["code"], body.get("id")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return _foreign_refusal(reply, url)
    exit_status = ExitStatus.FAILED
    if status in _REFUSED:
        exit_status = ExitStatus.REFUSED
    elif status == _NOT_FOUND:
        exit_status = ExitStatus.NOT_FOUND
    elif status == _TOO_MANY or status >= _BROKEN:
        exit_status = ExitStatus.UNREACHABLE
    text = f"{name_options(str(message))} ({status})"
    return CommandError(
        text, exit_status, status=status, code=str(code), error_id=str(error_id or "") or None
    )


def not_bigseg(url: str, what: str) -> UnreachableError:
    """Make the error of an answer that no bigseg gives."""
    return UnreachableError(f"{url} is not a bigseg API: it answered {what}; check the address")


def describe_content(reply: httpx.Response) -> str:
    """Describe an answer that is not the API's, without its content."""
    kind = reply.headers.get("content-type", "").partition(";")[0].strip() or "no content type"
    return f"{reply.status_code} with {kind}"


def transport_failure(exc: httpx.RequestError, url: str) -> UnreachableError:
    """Make the error of a request that got no answer."""
    fault = _find_tls_fault(exc)
    if fault is not None:
        return UnreachableError(_describe_tls(fault, url))
    if isinstance(exc, (httpx.RemoteProtocolError, httpx.ReadError)):
        remedy = "write https:// if it speaks TLS" if url.startswith("http:") else "check the port"
        return UnreachableError(
            f"{url} ended the connection without an HTTP answer: try again, or {remedy}"
        )
    if isinstance(exc, httpx.TimeoutException):
        return UnreachableError(f"no answer from {url} in time: is it the right address?")
    if isinstance(exc, httpx.DecodingError):
        return not_bigseg(url, "with a body that is not encoded as it says")
    reason = _find_reason(exc) or type(exc).__name__
    return UnreachableError(f"no answer from {url} ({reason}): is `bigseg up` running?")


def _foreign_refusal(reply: httpx.Response, url: str) -> CommandError:
    status = reply.status_code
    if status in _REDIRECTS:
        target = reply.headers.get("location", "")
        return UnreachableError(
            f"{url} redirects ({status} to {target or 'nowhere'}): name that address if it "
            f"is the bigseg API; nothing was sent there",
            status=status,
        )
    if status in _GATEWAY:
        return UnreachableError(f"{url} is not ready: it answered {status}", status=status)
    error = not_bigseg(url, describe_content(reply))
    error.status = status
    return error


def _find_tls_fault(exc: BaseException) -> ssl.SSLError | None:
    return next((cause for cause in _causes(exc) if isinstance(cause, ssl.SSLError)), None)


def _find_reason(exc: BaseException) -> str | None:
    """The system's reason, such as ``Connection refused``."""
    reasons = (cause.strerror for cause in _causes(exc) if isinstance(cause, OSError))
    return next((reason for reason in reasons if reason), None)


def _causes(exc: BaseException) -> Iterator[BaseException]:
    """The exception, and those that led to it."""
    cause: BaseException | None = exc
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def _describe_tls(fault: ssl.SSLError, url: str) -> str:
    if not isinstance(fault, ssl.SSLCertVerificationError):
        if fault.reason in {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"}:
            return f"{url} does not speak TLS: write http://, or check the port"
        return f"no TLS connection to {url} ({fault.reason or 'it was closed'}): check the address"
    why = fault.verify_message.rstrip(".")
    if "expired" in why:
        return f"the certificate of {url} has expired: its operator must renew it"
    if "not yet valid" in why:
        return f"the certificate of {url} is not yet valid: check this machine's clock"
    if "match" in why or "not valid for" in why:
        return f"the certificate of {url} is for another name: {why}"
    return (
        f"the certificate of {url} is not trusted ({why}): name the file of its authority in "
        f"BIGSEG_CA_FILE or SSL_CERT_FILE"
    )
