"""Listing of the images below an fsspec URL: a bucket, a folder, an archive, or a pattern in one of these."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from imgsim.errors import MissingExtraError, SourceError
from imgsim.images.exclude import Exclude
from imgsim.images.file_names import FIRST_BYTES, NO_EXTENSION, is_image_start, kind_of_name
from imgsim.images.listing import Entry, Listing
from imgsim.images.patterns import exclude_unnamed, has_magic, path_matcher, split_pattern
from imgsim.images.scanning.stamp import listed_stamp, modified
from imgsim.io.error_text import explain, is_missing
from imgsim.io.urls import open_url, split_url


class RemoteSource:
    """Content of an fsspec URL: an object, a folder or bucket, or what a pattern matches.

    Raises
    ------
    SourceError, MissingExtraError
        It cannot be opened; the methods raise them where it cannot be read or listed.
    """

    def __init__(self, url: str, options: Mapping[str, Any] | None = None) -> None:
        self.url = url
        self._options = options
        self._began = time.time()  # what changes from now on may be listed as it was before
        self._filesystem, self._base = open_url(url, options)

    def is_file(self) -> bool:
        """Tell if there is an object at the URL; a web address that ends with a slash is a folder."""
        head, inside, _ = split_url(self.url)
        if head in ("http://", "https://") and (inside.endswith("/") or "/" not in inside):
            return False
        with self._refusals():
            self._filesystem.invalidate_cache()
            return self._kind(self._base) == "file"

    def read(self) -> bytes:
        """Return the content of the object."""
        with self._refusals():
            return bytes(self._filesystem.cat_file(self._base))

    def list(self, recursive: bool, exclude: Exclude) -> Listing:
        """List the images of a folder or a pattern, sorted by path."""
        head, inside, links = split_url(self.url)
        with self._refusals():
            if not has_magic(inside) or self._kind(self._base):
                found = self._find(self._base, recursive)
                return self._listing(head + inside.rstrip("/") + links, found, exclude)
            start, pattern = split_pattern(inside, lambda path: bool(self._kind(path)))
            root = f"{head}{start}{links}"
            matches = path_matcher(pattern, recursive)
            below = self._find(open_url(root, self._options)[1], recursive or "/" in pattern)
            found = {path: info for path, info in below.items() if matches(path)}
            if not found:
                raise FileNotFoundError(self.url)
            return self._listing(root, found, exclude_unnamed(exclude, pattern))

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        """Turn the errors of a service, each of which has its own, into one that names the URL."""
        try:
            yield
        except (SourceError, MissingExtraError):
            raise
        except Exception as error:
            reason = (
                ": there is no such file or folder" if is_missing(error) else f" cannot be listed: {explain(error)}"
            )
            raise SourceError(f"{self.url}{reason}. Check the URL and storage_options.") from error

    def _kind(self, path: str) -> str | None:
        try:
            return str(self._filesystem.info(path)["type"]) if path else "directory"
        except FileNotFoundError as error:
            if is_missing(error):
                return None
            raise

    def _find(self, base: str, recursive: bool) -> dict[str, Any]:
        """Return what the service knows about each file below a folder, by its path from there."""
        if self._kind(base) is None:
            raise FileNotFoundError(base)
        if recursive:
            found = self._filesystem.find(base, detail=True)
        else:
            found = {info["name"]: info for info in self._filesystem.ls(base, detail=True) if info["type"] == "file"}
        paths = {str(name).lstrip("/"): info for name, info in found.items()}
        start = f"{base}/".lstrip("/")
        return {path.removeprefix(start): info for path, info in paths.items() if path.startswith(start)}

    def _listing(self, root: str, found: Mapping[str, Any], exclude: Exclude) -> Listing:
        listing = Listing(root)
        nameless = {}
        for path in sorted(found):
            reason = exclude.reason_of_any(path) or kind_of_name(path)
            if reason is None:
                listing.entries.append(self._entry(path, found[path]))
            elif reason == NO_EXTENSION:
                nameless[path] = found[path]
            else:
                listing.skipped.append((path, reason))
        self._sniff(listing, nameless)
        return listing

    def _entry(self, path: str, info: Mapping[str, Any]) -> Entry:
        return Entry(path, mtime=modified(info), stamp=listed_stamp(info, self._began))

    def _sniff(self, listing: Listing, nameless: Mapping[str, Any]) -> None:
        """Add the files without an extension whose first bytes are those of an image."""
        if not nameless:
            return
        names = [info["name"] for info in nameless.values()]
        starts = self._filesystem.cat_ranges(names, [0] * len(names), [FIRST_BYTES] * len(names), on_error="return")
        for (path, info), start in zip(nameless.items(), starts, strict=True):
            if isinstance(start, bytes) and is_image_start(start):
                listing.entries.append(self._entry(path, info))
            else:
                listing.skipped.append((path, NO_EXTENSION))
        listing.entries.sort(key=lambda entry: entry.path)
        listing.skipped.sort()
