"""Everything that the object store raises.

Every call may raise ObjectStoreUnavailable, and retrying is safe then unless the call says
otherwise; docstrings name it only where they add something.

ObjectError
├── ObjectStoreUnavailable (transient)   no answer, a cut stream, or a reply a retry may change
├── UploadLost (transient)               the service no longer knows this multipart upload
├── ObjectNotFound (terminal)            the bucket holds no object with this key
├── ObjectArchived (terminal)            it lies in an archive and must be restored first
├── ObjectChanged (terminal)             the object is not the one the import was planned with
├── ObjectTooLarge (terminal)            over what S3 stores in one object
├── BucketMissing (terminal)
├── CredentialsRefused (terminal)        missing, unknown, wrong or expired credentials
├── ObjectAccessDenied (terminal)        the credentials may not do this to this object
├── ObjectStoreRefused (terminal)        the service refused the request itself
├── SourceNotAllowed (terminal)          the address may not be imported from
├── DestinationNotAllowed (terminal)     the address may not be exported to
└── UnusableSelection (terminal)         what was named is no list, or too many, or no manifest
"""

from worker.errors import TerminalError, TransientError


class ObjectError(Exception):
    """Anything this package raises; catch it with one of the two roots beside it."""


class ObjectStoreUnavailable(ObjectError, TransientError):
    """S3 did not answer in time, cut the stream again and again, or asked to slow down. Retry."""


class UploadLost(ObjectError, TransientError):
    """Another process ended the multipart upload; write the object again."""


class ObjectNotFound(ObjectError, TerminalError):
    """The bucket holds no object with this key."""


class ObjectArchived(ObjectError, TerminalError):
    """The object lies in an archive: none of its bytes can be read before it is restored."""


class ObjectChanged(ObjectError, TerminalError):
    """The object was replaced since its head was read: the list changed."""


class ObjectTooLarge(ObjectError, TerminalError):
    """The object does not fit into the parts that S3 allows."""


class BucketMissing(ObjectError, TerminalError):
    """There is no such bucket; create it or correct ``BIGSEG_S3_BUCKET``."""


class CredentialsRefused(ObjectError, TerminalError):
    """The service accepts nothing from this process: its credentials or its clock are wrong."""


class ObjectAccessDenied(ObjectError, TerminalError):
    """The credentials, or a key that they need, are not allowed to do this."""


class ObjectStoreRefused(ObjectError, TerminalError):
    """The service understood the request and refused it; retrying does not help."""


class SourceNotAllowed(ObjectError, TerminalError):
    """The address is malformed, outside the allow-list, or inside bigseg's own prefix."""


class DestinationNotAllowed(ObjectError, TerminalError):
    """The address is malformed, outside the allow-list, or inside bigseg's own prefix."""


class UnusableSelection(ObjectError, TerminalError):
    """What was named holds no list or too many, or is a manifest that cannot be used."""
