"""What an importer names: an object, a prefix, a glob or a manifest, checked to be allowed."""

from dataclasses import dataclass
from typing import Literal

from worker.objects.driver_errors import s3_address
from worker.objects.selecting.patterns import has_wildcard, literal_start
from worker.objects.sources import parse_folder, parse_source

SourceKind = Literal["object", "prefix", "glob", "manifest"]


@dataclass(frozen=True, slots=True)
class NamedSource:
    """One thing that an importer names."""

    bucket: str
    key: str
    """Of a prefix with its ``/``; of a glob the pattern."""
    kind: SourceKind

    @property
    def address(self) -> str:
        """As it was named."""
        return s3_address(self.bucket, self.key)

    @property
    def start(self) -> str:
        """What the keys of all its objects begin with."""
        return literal_start(self.key) if self.kind == "glob" else self.key

    @property
    def base(self) -> str:
        """The folder that holds all its objects."""
        return self.start[: self.start.rfind("/") + 1]


def parse_named(uri: str, allowed: tuple[str, ...]) -> NamedSource:
    """Read an address that may name several objects, if an import may read them.

    One that ends with ``/`` is a prefix. One with ``*``, ``?`` or ``[`` is a glob, unless there is
    an object with just this key, which only asking S3 tells.

    Args:
        uri: The address.
        allowed: As for :func:`parse_source`.

    Raises:
        SourceNotAllowed: as :func:`parse_source`; what is before the first wildcard has to be
            below an allowed prefix.
    """
    if uri.endswith("/") and not has_wildcard(uri):
        return NamedSource(*parse_folder(uri, uri, allowed), "prefix")
    if has_wildcard(uri):
        # A pattern that ends with a slash means all below the folders that it matches.
        pattern = f"{uri}**" if uri.endswith("/") else uri
        return NamedSource(*parse_folder(pattern, literal_start(uri), allowed), "glob")
    return NamedSource(*parse_source(uri, allowed), "object")


def parse_manifest_source(uri: str, allowed: tuple[str, ...]) -> NamedSource:
    """Read the address of a manifest; its key is taken literally.

    Raises:
        SourceNotAllowed: as :func:`parse_source`.
    """
    return NamedSource(*parse_source(uri, allowed), "manifest")
