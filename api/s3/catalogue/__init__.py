"""What the S3 stand-in keeps beside the bytes themselves: buckets, objects and uploads."""

from api.s3.catalogue.catalogue import LAST_CHARACTER, Catalogue
from api.s3.catalogue.records import Condition, StoredObject, StoredPart, StoredUpload

__all__ = [
    "LAST_CHARACTER",
    "Catalogue",
    "Condition",
    "StoredObject",
    "StoredPart",
    "StoredUpload",
]
