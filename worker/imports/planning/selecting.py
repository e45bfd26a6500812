"""Finds the list files of an import, and pins each by its ETag."""

from dataclasses import dataclass

from worker.imports.planning.inspection import find_object
from worker.imports.stage_run import StageRun
from worker.objects import NamedSource, ObjectInfo, Selection, Selector, in_threads
from worker.store.jobs import ImportFile, SelectedFiles, SourceFile

#: Heads that are read at the same time.
_HEADS = 16


@dataclass(frozen=True, slots=True)
class SelectedList:
    """The list files of an import, in the order in which they were named."""

    files: tuple[ImportFile, ...]
    summary: SelectedFiles

    def info(self, number: int) -> ObjectInfo:
        """One file, with the ETag that every read requires."""
        file = self.files[number]
        return ObjectInfo(file.bucket, file.key, file.size_bytes, file.etag)


def select_files(run: StageRun) -> SelectedList:
    """Find all files that the request names: one, those below a prefix, of a glob, a manifest.

    Raises:
        ImportStopped: one that is named is gone, or was changed since it was uploaded.
        UnusableSelection: nothing is left that could be a list, or there are too many.
        SourceNotAllowed: a file is not below an allowed prefix.
    """
    sources, services = run.request.sources, run.services
    selector = Selector(
        services.objects,
        services.settings.sources,
        services.settings.import_objects,
        run.request.reading,
        run.progress.add,
    )
    found, names = Selection(), dict[tuple[str, str], str]()
    objects = [source for source in sources if source.kind == "object"]
    heads = in_threads(lambda source: find_object(services, source), objects, _HEADS)
    for source in sources:
        if source.kind == "object":
            found.add(next(heads))
            names[source.bucket, source.key] = source.filename
        else:
            selector.add_to(found, _named(source))
        run.progress.add()
    files = tuple(
        ImportFile(
            info.bucket,
            info.key,
            names.get(place, info.address),
            info.size_bytes,
            info.etag,
        )
        for place, info in found.files.items()
    )
    skipped = {str(reason): count for reason, count in found.skipped.items()}
    return SelectedList(
        files, SelectedFiles(len(files), run.unit.token, skipped, tuple(found.skipped_first))
    )


def _named(source: SourceFile) -> NamedSource:
    return NamedSource(source.bucket, source.key, source.kind)
