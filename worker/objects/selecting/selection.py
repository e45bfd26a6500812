"""Finds the list files that an importer's sources name, each with its size and ETag."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from os.path import commonprefix
from typing import Final

from worker.objects.errors import ObjectAccessDenied, ObjectNotFound, UnusableSelection
from worker.objects.info import ObjectInfo
from worker.objects.layout import INTERNAL_PREFIX
from worker.objects.reading.concurrently import in_threads
from worker.objects.selecting.manifests import (
    MAX_MANIFEST_BYTES,
    ManifestEntry,
    parse_manifest,
)
from worker.objects.selecting.named import NamedSource
from worker.objects.selecting.patterns import KeyPattern
from worker.objects.selecting.skipping import SkipReason, skip_reason
from worker.objects.sources import parse_source
from worker.objects.store import ObjectStore
from worker.options.lists import ListOptions

#: Objects that a pattern may be compared with, for each that an import may have.
_SCANNED_PER_OBJECT: Final = 100
#: Heads that are read at the same time.
_HEADS: Final = 16
#: Objects of one folder for which a listing is worth it, a page for each as many.
_LISTED_FROM: Final = 32
#: Skipped objects that are named; all are counted.
MOST_SKIPPED: Final = 20


@dataclass(slots=True)
class Selection:
    """List files in the order in which they were named, and what was left out."""

    files: dict[tuple[str, str], ObjectInfo] = field(default_factory=dict)
    """By bucket and key: an object that is named twice is imported once."""
    skipped: dict[SkipReason, int] = field(default_factory=dict)
    skipped_first: list[tuple[str, SkipReason]] = field(default_factory=list)
    """Addresses of some of them."""

    def add(self, info: ObjectInfo) -> None:
        """Take a file, unless it is there already."""
        if (info.bucket, info.key) in self.files:
            self.skip(info.address, "repeated")
        else:
            self.files[info.bucket, info.key] = info

    def skip(self, address: str, reason: SkipReason) -> None:
        """Count what is left out."""
        self.skipped[reason] = self.skipped.get(reason, 0) + 1
        if len(self.skipped_first) < MOST_SKIPPED:
            self.skipped_first.append((address, reason))


@dataclass(frozen=True, slots=True)
class Selector:
    """Looks up what sources name. Every call may raise ``ObjectStoreUnavailable``."""

    objects: ObjectStore
    allowed: tuple[str, ...]
    """Each file has to be below one of these prefixes."""
    most: int
    """Files that may be found in all."""
    reading: ListOptions
    """How the files are to be read."""
    on_wait: Callable[[], None]
    """Called between requests, often; may raise."""
    briefly: bool = False
    """Whether each request has one short try."""

    def add_to(self, found: Selection, source: NamedSource) -> None:
        """Add all list files that one source names.

        Raises:
            UnusableSelection: it names none, or there are too many.
            SourceNotAllowed: one is not below an allowed prefix.
            ObjectNotFound: an object that is named does not exist.
            ObjectArchived: one has to be restored first.
        """
        files, skipped = len(found.files), Counter(found.skipped)
        if source.kind == "manifest":
            self._add_listed(found, self.read_manifest(source))
        elif source.kind == "object":
            found.add(self.objects.head(source.key, bucket=source.bucket, briefly=self.briefly))
        else:
            self._find(found, source)
        self.check_count(len(found.files))
        more = Counter(found.skipped) - skipped
        if files == len(found.files) and not more["repeated"]:
            raise _nothing(source, more)

    def read_manifest(self, source: NamedSource) -> list[tuple[ManifestEntry, str, str]]:
        """Read a manifest; its entries with bucket and key, each of them allowed.

        Raises:
            UnusableSelection: it is too long, or not a manifest.
            SourceNotAllowed: an entry is not below an allowed prefix.
        """
        content = self.objects.read_small(
            source.key, bucket=source.bucket, limit=MAX_MANIFEST_BYTES, briefly=self.briefly
        )
        if content is None:
            limit = MAX_MANIFEST_BYTES >> 20
            raise UnusableSelection(f"the manifest {source.address} is over {limit} MiB: split it")
        entries = parse_manifest(content, source.address, self.reading)
        self.check_count(len(entries))
        return [(entry, *parse_source(entry.address, self.allowed)) for entry in entries]

    def check_count(self, count: int) -> None:
        """Make sure that an import may have so many files.

        Raises:
            UnusableSelection: it may not.
        """
        if count > self.most:
            raise UnusableSelection(
                f"over {self.most:,} objects are named, the most that one import takes: name "
                "fewer, join them, or raise BIGSEG_IMPORT_OBJECTS"
            )

    def _find(self, found: Selection, source: NamedSource) -> None:
        """Add the list files below a prefix, or those of a glob.

        An object whose key is the glob itself, character by character, is taken instead.
        """
        if source.kind == "glob" and (exact := self._find_exact(source)) is not None:
            found.add(exact)
            return
        is_match, shown = _matcher(source)
        scanned = 0
        for page in self.objects.list_pages(source.bucket, source.start, briefly=self.briefly):
            self.on_wait()
            scanned += len(page)
            self._check_scanned(scanned, source)
            for listed in page:
                info = listed.info
                if info.key.startswith(INTERNAL_PREFIX) or not is_match(info.key):
                    continue
                if reason := skip_reason(info, source.base, shown):
                    found.skip(info.address, reason)
                    continue
                parse_source(info.address, self.allowed)
                if listed.archived:
                    self.objects.head(info.key, bucket=info.bucket, briefly=self.briefly)
                found.add(info)
            self.check_count(len(found.files))

    def _add_listed(
        self, found: Selection, entries: Sequence[tuple[ManifestEntry, str, str]]
    ) -> None:
        """Add a manifest's objects: those of one folder are listed, of others heads are read."""
        known = self._list_folders([(bucket, key) for _, bucket, key in entries])

        def head(listed: tuple[ManifestEntry, str, str]) -> ObjectInfo | None:
            entry, bucket, key = listed
            if (bucket, key) in known:
                return known[bucket, key]
            try:
                return self.objects.head(key, bucket=bucket, briefly=self.briefly)
            except ObjectNotFound:
                if not entry.mandatory:
                    return None
                raise UnusableSelection(
                    f"there is no {entry.address}, which the manifest names: put it there, or give "
                    'its entry "mandatory": false'
                ) from None

        for (entry, *_), info in zip(entries, in_threads(head, entries, _HEADS), strict=True):
            self.on_wait()
            if info is None:
                found.skip(entry.address, "missing")
                continue
            entry.check_size(info)
            found.add(info)

    def _list_folders(self, places: Sequence[tuple[str, str]]) -> dict[tuple[str, str], ObjectInfo]:
        """Find most of many objects by listing the folders that hold several of them.

        A request lists up to 1,000 objects, and a head is a request of its own.
        """
        folders: dict[tuple[str, str], list[str]] = {}
        for bucket, key in places:
            folders.setdefault((bucket, key[: key.rfind("/") + 1]), []).append(key)
        found: dict[tuple[str, str], ObjectInfo] = {}
        for (bucket, _), keys in folders.items():
            if len(keys) < _LISTED_FROM:
                continue
            # Where the folder holds far more than is wanted, heads are the better way.
            start = commonprefix(keys)  # noqa: RUF071 - a listing's prefix is any text
            pages = self.objects.list_pages(bucket, start, briefly=self.briefly)
            try:
                for page in islice(pages, 1 + len(keys) // _LISTED_FROM):
                    self.on_wait()
                    found |= {
                        (bucket, listed.info.key): listed.info
                        for listed in page
                        if not listed.archived
                    }
            except ObjectAccessDenied:
                continue
        return found

    def _find_exact(self, source: NamedSource) -> ObjectInfo | None:
        try:
            parse_source(source.address, self.allowed)
            return self.objects.head(source.key, bucket=source.bucket, briefly=self.briefly)
        except ObjectNotFound:
            return None

    def _check_scanned(self, scanned: int, source: NamedSource) -> None:
        if scanned > self.most * _SCANNED_PER_OBJECT:
            raise UnusableSelection(
                f"over {self.most * _SCANNED_PER_OBJECT:,} objects begin like {source.address}: "
                "name a folder further down"
            )


def _matcher(source: NamedSource) -> tuple[Callable[[str], bool], frozenset[str]]:
    """Whether a key is meant, and which hidden names are."""
    if source.kind != "glob":
        return lambda _: True, frozenset()
    pattern = KeyPattern.parse(source.key)
    names = source.key.removeprefix(source.base).split("/")
    return pattern.matches, frozenset(name[0] for name in names if name[:1] in ("_", "."))


def _nothing(source: NamedSource, skipped: Mapping[SkipReason, int]) -> UnusableSelection:
    counts = ", ".join(f"{count:,} {reason}" for reason, count in sorted(skipped.items()))
    left = f"; what is there was skipped ({counts})" if counts else ""
    return UnusableSelection(f"{source.address} names no object that could be a list{left}")
