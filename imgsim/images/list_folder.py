"""Lists the images below a folder of this machine; nothing in it makes the walk hang or fail."""

import os
import stat
from dataclasses import dataclass, field

from imgsim.decoding.formats import EXTENSIONS
from imgsim.images.read_files import describe_kind, explain, is_utf8, printable


@dataclass
class Walk:
    """Outcome of a walk: relative paths of images, (path, reason) of broken entries, number of others."""

    root: str
    recursive: bool = True
    paths: list[str] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    skipped: int = 0
    _folders: list[str] = field(default_factory=list)  # still to visit, relative, ending in "/"
    _links: list[str] = field(default_factory=list)  # linked folders, visited after all real ones
    _following: bool = False  # only links can lead to a folder twice
    _seen: set[tuple[int, int]] = field(default_factory=set)

    def run(self) -> "Walk":
        """Visit every folder once, real folders before linked ones; lists end sorted.

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
                self._sort_in(entry, prefix)

    def _sort_in(self, entry: "os.DirEntry[str]", prefix: str) -> None:
        path = prefix + entry.name
        if entry.name.startswith("."):
            self.skipped += 1
        elif not is_utf8(entry.name):
            self._refuse_name(entry, path)
        elif entry.is_symlink():
            self._sort_in_link(entry, path)
        elif entry.is_dir(follow_symlinks=False):
            self._enqueue(path, self._folders)
        elif entry.is_file(follow_symlinks=False):
            self._take(path)
        else:
            self._special(path, describe_kind(entry.stat(follow_symlinks=False).st_mode))

    def _sort_in_link(self, entry: "os.DirEntry[str]", path: str) -> None:
        try:
            mode = entry.stat().st_mode
        except OSError as error:
            gone = isinstance(error, FileNotFoundError)
            self._special(path, "dangling link: what it points to does not exist" if gone else explain(error))
            return
        if stat.S_ISDIR(mode):
            self._enqueue(path, self._links)
        elif stat.S_ISREG(mode):
            self._take(path)
        else:
            self._special(path, describe_kind(mode))

    def _enqueue(self, path: str, queue: list[str]) -> None:
        if self.recursive:
            queue.append(path + "/")

    def _follow(self, prefix: str) -> None:
        """Visit a linked folder unless that would list the same files again, or for ever."""
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

    def _take(self, path: str) -> None:
        if has_image_extension(path):
            self.paths.append(path)
        else:
            self.skipped += 1

    def _special(self, path: str, reason: str) -> None:
        """Report what is no file if it claims to be an image or makes no claim at all."""
        if has_image_extension(path) or "." not in path.rsplit("/", 1)[-1]:
            self._reject(path, reason)
        else:
            self.skipped += 1

    def _refuse_name(self, entry: "os.DirEntry[str]", path: str) -> None:
        if has_image_extension(path) or entry.is_dir():
            self._reject(path, "the name is not valid UTF-8: rename it")
        else:
            self.skipped += 1

    def _reject(self, path: str, reason: str) -> None:
        self.rejected.append((printable(path), reason))


def has_image_extension(path: str) -> bool:
    """Whether the name's last extension is one of an image format imgsim reads."""
    stem, _, extension = path.rsplit("/", 1)[-1].rpartition(".")
    return bool(stem) and extension.lower() in EXTENSIONS
