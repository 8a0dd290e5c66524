"""Recursive listing of the images below a local folder: pipes, link cycles and unreadable folders never stop it."""

import os
import stat
from dataclasses import dataclass, field

from imgsim.images.exclude import Exclude
from imgsim.images.file_names import (
    FIRST_BYTES,
    NO_EXTENSION,
    has_image_extension,
    is_image_start,
    is_utf8,
    kind_of_name,
    printable,
)
from imgsim.images.read_files import describe_kind
from imgsim.io.error_text import explain


@dataclass
class Walk:
    """Recursive walk through a folder, and its result.

    ``paths`` are the relative paths of images, ``rejected`` the (path, reason) of entries that cannot be used,
    ``skipped`` those of hidden and excluded names and of files of other kinds. A hidden folder is one skipped entry,
    and each image in it another; an excluded folder is one and is not entered.
    """

    root: str
    recursive: bool = True
    exclude: Exclude = field(default_factory=Exclude)
    paths: list[str] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    _folders: list[str] = field(default_factory=list)  # still to visit, relative, ending in "/"
    _links: list[str] = field(default_factory=list)  # linked folders, visited after all real ones
    _following: bool = False  # only links can lead to a folder twice
    _seen: set[tuple[int, int]] = field(default_factory=set)

    def run(self) -> "Walk":
        """Visit every folder once, real folders before linked ones, and sort the result.

        Raises
        ------
        OSError
            The root itself cannot be listed.
        """
        self._visit("")
        while self._folders or self._links:
            if self._folders:
                self._visit_safely(self._folders.pop())
            else:
                self._links.sort(reverse=True)
                self._follow(self._links.pop())
        self.paths.sort()
        self.rejected.sort()
        self.skipped.sort()
        return self

    def _visit_safely(self, prefix: str) -> None:
        try:
            self._visit(prefix)
        except OSError as error:
            self._reject(prefix.rstrip("/"), f"the folder cannot be listed: {explain(error)}")

    def _visit(self, prefix: str) -> None:
        folder = os.path.join(self.root, prefix)
        status = os.stat(folder)
        if self._following and (status.st_dev, status.st_ino) in self._seen:
            return
        self._seen.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    self._add_entry(entry, prefix + entry.name)
                except OSError as error:  # it vanished, or its disk fails
                    self._reject(prefix + entry.name, explain(error))

    def _add_entry(self, entry: "os.DirEntry[str]", path: str) -> None:
        left_out = self.exclude.reason(path)
        if left_out:
            self._leave_out(entry, path, left_out)
        elif not is_utf8(entry.name):
            self._refuse_name(entry, path)
        elif entry.is_symlink():
            self._add_link(entry, path)
        elif entry.is_dir(follow_symlinks=False):
            self._enqueue(path, self._folders)
        elif entry.is_file(follow_symlinks=False):
            self._add_file(path)
        else:
            self._reject_special(path, describe_kind(entry.stat(follow_symlinks=False).st_mode))

    def _leave_out(self, entry: "os.DirEntry[str]", path: str, reason: str) -> None:
        folder = entry.is_dir(follow_symlinks=False)
        self._skip(f"{path}/" if folder else path, reason)
        if folder and self.recursive and reason == "hidden":
            for place, _, names in os.walk(os.path.join(self.root, path)):
                inside = os.path.relpath(place, self.root)
                for name in filter(has_image_extension, names):
                    self._skip(f"{inside}/{name}", reason)

    def _add_link(self, entry: "os.DirEntry[str]", path: str) -> None:
        try:
            mode = entry.stat().st_mode
        except OSError as error:
            gone = isinstance(error, FileNotFoundError)
            self._reject_special(path, "dangling link: what it points to does not exist" if gone else explain(error))
            return
        if stat.S_ISDIR(mode):
            self._enqueue(path, self._links)
        elif stat.S_ISREG(mode):
            self._add_file(path)
        else:
            self._reject_special(path, describe_kind(mode))

    def _enqueue(self, path: str, queue: list[str]) -> None:
        if self.recursive:
            queue.append(path + "/")

    def _follow(self, prefix: str) -> None:
        """Visit a linked folder unless its files are listed already or the link leads to a folder above."""
        self._following = True
        target = os.path.join(self.root, prefix)
        try:
            status = os.stat(target)
        except OSError as error:
            self._reject(prefix.rstrip("/"), explain(error))
            return
        above = os.path.realpath(self.root).startswith(os.path.join(os.path.realpath(target), ""))
        if above or (status.st_dev, status.st_ino) in self._seen:
            self._reject(prefix.rstrip("/"), "a link to a folder that is listed already or contains this one")
        else:
            self._visit_safely(prefix)

    def _add_file(self, path: str) -> None:
        kind = kind_of_name(path)
        if kind is None or (kind == NO_EXTENSION and is_image_start(self._first_bytes(path))):
            self.paths.append(path)
        else:
            self._skip(path, kind)

    def _first_bytes(self, path: str) -> bytes:
        with open(os.path.join(self.root, path), "rb", buffering=0) as file:
            return file.read(FIRST_BYTES)

    def _reject_special(self, path: str, reason: str) -> None:
        """Reject an entry that is no regular file if its name has an image extension or none; else skip it."""
        kind = kind_of_name(path)
        if kind in (None, NO_EXTENSION):
            self._reject(path, reason)
        else:
            self._skip(path, kind)

    def _refuse_name(self, entry: "os.DirEntry[str]", path: str) -> None:
        kind = kind_of_name(path)
        if kind is None or entry.is_dir():
            self._reject(path, "the name is not valid UTF-8: rename it")
        else:
            self._skip(path, kind)

    def _reject(self, path: str, reason: str) -> None:
        self.rejected.append((printable(path), reason))

    def _skip(self, path: str, reason: str) -> None:
        self.skipped.append((printable(path), reason))
