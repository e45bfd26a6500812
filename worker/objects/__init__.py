"""S3: ranged reads, streams into new objects, and where bigseg's own objects are.

Knows no segments. This is all of it that other packages use.
"""

from worker.objects.client import load_descriptions
from worker.objects.errors import (
    BucketMissing,
    CredentialsRefused,
    DestinationNotAllowed,
    ObjectAccessDenied,
    ObjectArchived,
    ObjectChanged,
    ObjectError,
    ObjectNotFound,
    ObjectStoreRefused,
    ObjectStoreUnavailable,
    ObjectTooLarge,
    SourceNotAllowed,
    UnusableSelection,
    UploadLost,
)
from worker.objects.info import ObjectInfo
from worker.objects.layout import (
    INTERNAL_PREFIX,
    SPILLS_PREFIX,
    export_key,
    export_prefix,
    rejected_key,
    rejected_prefix,
    spill_key,
    spill_owner,
    spill_prefix,
    upload_key,
)
from worker.objects.reading.concurrently import in_threads
from worker.objects.selecting.named import NamedSource, parse_manifest_source, parse_named
from worker.objects.selecting.selection import Selection, Selector
from worker.objects.sources import FOLDER_FAULT, is_folder_marker, parse_destination, parse_source
from worker.objects.store import ObjectStore
from worker.objects.writing.direct_uploads import DirectUploads, UploadedPart
from worker.objects.writing.part_sizes import MAX_PARTS
from worker.objects.writing.writer import ObjectWriter, cleaning_up
from worker.settings import ObjectSettings

__all__ = [
    "FOLDER_FAULT",
    "INTERNAL_PREFIX",
    "MAX_PARTS",
    "SPILLS_PREFIX",
    "BucketMissing",
    "CredentialsRefused",
    "DestinationNotAllowed",
    "DirectUploads",
    "NamedSource",
    "ObjectAccessDenied",
    "ObjectArchived",
    "ObjectChanged",
    "ObjectError",
    "ObjectInfo",
    "ObjectNotFound",
    "ObjectSettings",
    "ObjectStore",
    "ObjectStoreRefused",
    "ObjectStoreUnavailable",
    "ObjectTooLarge",
    "ObjectWriter",
    "Selection",
    "Selector",
    "SourceNotAllowed",
    "UnusableSelection",
    "UploadLost",
    "UploadedPart",
    "cleaning_up",
    "export_key",
    "export_prefix",
    "in_threads",
    "is_folder_marker",
    "load_descriptions",
    "parse_destination",
    "parse_manifest_source",
    "parse_named",
    "parse_source",
    "rejected_key",
    "rejected_prefix",
    "spill_key",
    "spill_owner",
    "spill_prefix",
    "upload_key",
]
