"""The Core ML package that a version carries: what it is, how it was checked, how an app calls it."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import pandas as pd

from dashboards.services.commands import pipeline_command
from imgsim.coreml.runtime.package import read_package
from imgsim.deployment.metadata import COMPRESSION, OUTPUTS, PRECISION
from imgsim.deployment.package_folder import DevicePackage
from imgsim.deployment.verification import AT_LEAST
from imgsim.errors import CoreMLError, ModelFormatError
from imgsim.io.atomic import atomic_path
from imgsim.io.error_text import explain, temporary_cause
from imgsim.io.home import home
from imgsim.mlflow.registry import PREFIX

if TYPE_CHECKING:
    from dashboards.services.models.loaded_model import Loaded
    from imgsim.deployment.verification import VerificationReport
    from imgsim.mlflow.version import Version

SYSTEMS = {
    6: "iOS 15, macOS 12",
    7: "iOS 16, macOS 13",
    8: "iOS 17, macOS 14",
    9: "iOS 18, macOS 15",
    10: "iOS 26, macOS 26",
}
"""Version of the specification to the oldest system that runs it."""
MEANINGS = {
    "distance_error_max": "Largest error of a distance",
    "distance_error_mean": "Mean error of a distance",
    "relative_error_max": "Largest error, as a share of the true distance",
    "relative_error_mean": "Mean error, as a share of the true distance",
    "self_distance": "Largest error for the picture itself and its copies, against the nearest other",
    "top1": "Share of pictures whose nearest image is right",
    "topk": "Share of the nearest k that are right",
    "reference_error": "Largest deviation of a stored vector; 1 is what its type may round",
    "not_finite": "It answers with infinity or NaN",
}
_SOURCES = {"file": "the files", "thumbnail": "thumbnails", "generated": "a generator", "given": "the caller"}
"""Sources of the pictures that a package was tried with."""
KEPT = 4
"""Zips that stay on disk."""

_lock = Lock()


@dataclass(frozen=True)
class Package:
    """A package that travels with a version, as the page shows it."""

    name: str
    bytes: int
    inputs: dict[str, str]
    outputs: dict[str, str]
    n: int
    dim: int
    kind: str
    precision: str
    compression: str
    system: str
    verification: VerificationReport | None
    folder: Path

    @property
    def stem(self) -> str:
        """The name without its suffix."""
        return Path(self.name).stem


class NoPackage(Exception):  # noqa: N818  it is shown, not only raised
    """The version has no package that can be shown; the message says why."""


def package(loaded: Loaded) -> Package:
    """Read the package of a version.

    Raises
    ------
    NoPackage
        It carries none, or a damaged one, or it cannot be read at the moment.
    """
    folder = loaded.model.references.coreml
    if folder is None:
        raise NoPackage("This version carries no Core ML package: it was registered without one.")
    try:
        found = DevicePackage.load(folder)
        if found.path is None or found.folder is None:
            raise NoPackage(f"There is no Core ML package, because the export was not possible: {found.reason}")
        metadata, system = _read(found.path)
    except (ModelFormatError, CoreMLError) as error:
        if (cause := temporary_cause(error)) is not None:
            reason = explain(cause) if isinstance(cause, Exception) else str(cause)
            raise NoPackage(
                f"The Core ML package of this version cannot be read at the moment ({reason}). Reload the page."
            ) from error
        raise NoPackage(
            f"The Core ML package of this version is damaged ({str(error).replace(str(folder), '...')})."
        ) from error
    facts = found.facts
    return Package(
        name=found.name,
        bytes=int(facts["bytes"]),
        inputs=dict(facts["inputs"]),
        outputs=dict(facts["outputs"]),
        n=int(facts["n"]),
        dim=int(facts["dim"]),
        kind=metadata.get(OUTPUTS, "distance"),
        precision=metadata.get(PRECISION, "unknown"),
        compression=metadata.get(COMPRESSION, "none"),
        system=system,
        verification=found.verification,
        folder=found.folder,
    )


def _read(path: Path) -> tuple[dict[str, str], str]:
    """Read the metadata of a package, and the oldest system that runs it."""
    if path.suffix == ".mlmodel":
        return {}, "iOS 13, macOS 10.15"
    found = read_package(path)
    number = int(found.spec.specificationVersion)
    return found.metadata, SYSTEMS.get(number, f"specification {number}")


def verification_table(report: VerificationReport) -> pd.DataFrame:
    """Return columns figure, meaning, value, limit, result (passes, FAILS, no limit)."""
    rows = []
    for name, value in report.metrics.items():
        limit = report.limits.get(name)
        least = name in AT_LEAST
        if limit is None:
            words, result = "", "FAILS" if name == "not_finite" else "no limit"
        else:
            words = f"{'at least' if least else 'at most'} {limit:g}"
            result = "passes" if (value >= limit if least else value <= limit) else "FAILS"
        rows.append((name, MEANINGS.get(name, ""), value, words, result))
    return pd.DataFrame(rows, columns=["figure", "meaning", "value", "limit", "result"])


def verdict(report: VerificationReport | None) -> tuple[str, str]:
    """Return ``"passed"``, ``"failed"`` or ``"not verified"``, and a sentence that says what was compared."""
    if report is None:
        return "not verified", "The package was never run."
    if not report.images:
        return report.status, report.reason
    sources = ", ".join(f"{count} from {_SOURCES.get(name, name)}" for name, count in report.sources.items())
    return report.status, f"{report.images} pictures ({sources}) were compared with Python: {report.reason}"


def swift_call(found: Package) -> str:
    """Write the lines of Swift that ask this package for the nearest images of a picture."""
    name, row = swift_string(found.stem), "row"
    load = (
        "import ImageSimilarity\n\n"
        f'let url = Bundle.main.url(forResource: {name}, withExtension: "mlmodelc")!   // Xcode compiles the package\n'
        "let search = try await CoreMLSearch.load(contentsOf: url)\n"
    )
    if found.kind == "features":
        return (
            f"{load}"
            f"var index = FeatureIndex(dimension: {found.dim})                  // the app keeps its own rows\n"
            'try index.add(id: "first", features: await search.features(of: firstJPEG))\n\n'
            f"let {row} = try await search.features(of: jpegData)\n"
            f"for neighbor in try index.nearest(to: {row}, k: 5) {{\n    print(neighbor.id, neighbor.distance)\n}}\n"
        )
    return (
        f"{load}"
        "for neighbor in try await search.nearest(to: jpegData, k: 5) {     // or a CGImage and its orientation\n"
        "    print(neighbor.id, neighbor.distance)                          // the numbers of model.query in Python\n"
        "}\n"
    )


def swift_string(text: str) -> str:
    """Write a Swift string literal."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    safe = "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in escaped)
    return f'"{safe}"'


def commands(version: Version) -> str:
    """Write the command lines that make a package of a version."""
    name = version.name.removeprefix(PREFIX)
    return (
        f"imgsim export {version.uri} {name}.mlpackage   # this version, to a file\n"
        f"{pipeline_command(version)}   # the pipeline: the next version carries it\n"
    )


def archive(loaded: Loaded, found: Package) -> Path:
    """Zip the package, its side file, the notes and the Swift package; once per content, kept on disk."""
    return keep_zip("coreml", loaded.token, lambda path: _write(path, found))


def keep_zip(kind: str, token: str, write: Callable[[Path], None]) -> Path:
    """Return the path of a zip, written once; the last `KEPT` of a kind stay on disk."""
    folder = home() / "dashboard" / kind
    target = folder / f"{token}.zip"
    with _lock:
        if not target.exists():
            folder.mkdir(parents=True, exist_ok=True)
            with atomic_path(target) as temporary:
                write(temporary)
            _tidy(folder)
        os.utime(target)
    return target


def _write(path: Path, found: Package) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as bundle:
        for file in sorted(found.folder.rglob("*")):
            if file.is_file():
                bundle.write(file, f"{found.stem}/{file.relative_to(found.folder).as_posix()}")
        for name, item in _swift_files(files("imgsim.coreml") / "swift"):
            bundle.writestr(f"{found.stem}/ImageSimilarity/{name}", item.read_bytes())


def _swift_files(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    """Yield files of the Swift package with their paths in it; hidden and build folders left out."""
    for item in sorted(folder.iterdir(), key=lambda item: item.name):
        if item.is_dir() and not item.name.startswith("."):
            yield from _swift_files(item, f"{prefix}{item.name}/")
        elif item.name.endswith((".swift", ".md")):
            yield f"{prefix}{item.name}", item


def _tidy(folder: Path) -> None:
    """Remove the zips that were asked for longest ago, beyond `KEPT`."""
    there = sorted(folder.glob("*.zip"), key=lambda path: path.stat().st_mtime)
    for path in there[:-KEPT]:
        path.unlink(missing_ok=True)
