"""Errors of the S3 stand-in.

StandInError
├── S3Refusal       a request that is answered with an S3 error   (terminal)
└── BodyCutError    a body ended before its announced end         (transient)
"""

from worker.errors import BigsegError, TerminalError, TransientError


class StandInError(BigsegError):
    """A request to the stand-in could not be carried out."""


class S3Refusal(StandInError, TerminalError):
    """A request that is answered with an S3 error.

    Source: Amazon S3 API reference, "Error responses".

    Attributes:
        status: of the answer.
        code: S3's name of the error, which clients act on.
        message: for people.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class BodyCutError(StandInError, TransientError):
    """The client went away in the middle of a body."""


def no_such_bucket(bucket: str) -> S3Refusal:
    """Refuse a request to a bucket that is not there."""
    return S3Refusal(404, "NoSuchBucket", f"there is no bucket {bucket}")


def no_such_key(key: str) -> S3Refusal:
    """Refuse a request for an object that is not there."""
    return S3Refusal(404, "NoSuchKey", f"there is no object {key}")


def no_such_upload(upload_id: str) -> S3Refusal:
    """Refuse a request to an upload that was completed, aborted or never started."""
    return S3Refusal(404, "NoSuchUpload", f"there is no multipart upload {upload_id}")


def invalid_argument(message: str) -> S3Refusal:
    """Refuse a request whose parameters make no sense."""
    return S3Refusal(400, "InvalidArgument", message)


def not_implemented(what: str) -> S3Refusal:
    """Refuse a request for what the stand-in does not have."""
    return S3Refusal(501, "NotImplemented", f"the S3 stand-in has no {what}")
