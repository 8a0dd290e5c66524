"""Zip archive of the sample; the same pictures give the same bytes."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile, ZipInfo

from imgsim.io.atomic import atomic_path
from tools.render_sample.folder import render_sample


def write_archive(path: Path, **options: Any) -> None:
    """Render the sample and write it to ``path`` as a zip archive without compression, because JPEGs are compressed.

    Parameters
    ----------
    path : Path
        The archive; replaced if it exists.
    **options
        Arguments of `render_sample`.
    """
    with TemporaryDirectory() as temporary, atomic_path(path) as target:
        folder = render_sample(Path(temporary) / "sample", **options)
        with ZipFile(target, "w") as archive:
            for file in sorted(file for file in folder.rglob("*") if file.is_file()):
                archive.writestr(ZipInfo(file.relative_to(folder).as_posix()), file.read_bytes())
