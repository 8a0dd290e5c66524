"""Whether this machine has what imgsim needs: a table of checks, each a name and a function that explains itself."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import TYPE_CHECKING, Literal

from imgsim.distribution import DISTRIBUTION, install_command, installed_version
from imgsim.errors import ImgsimError

if TYPE_CHECKING:
    from PIL.Image import Image

MINI_SHA256 = "cf7d41d135421861c704fd96057d67098799fac94f790706ac86563301cc4df2"
MIN_PYTHON = (3, 11)
FREE_LOW, FREE_LEAST = 2e9, 1e8  # bytes on the disk of home(): warn below, fail below
TOLERANCE = 24  # grey levels a lossy format may differ by, on average, from the picture it was made of

# distribution: (module, oldest version)
REQUIRED = {
    "fsspec": ("fsspec", "2024.6"),
    "graspologic-native": ("graspologic_native", "1.3"),
    "matplotlib": ("matplotlib", "3.8"),
    "networkx": ("networkx", "3.2"),
    "numpy": ("numpy", "1.26"),
    "onnx": ("onnx", "1.16"),
    "onnxruntime": ("onnxruntime", "1.18"),
    "onnxscript": ("onnxscript", "0.2"),
    "pandas": ("pandas", "2.2"),
    "pillow": ("PIL", "11.3"),
    "protobuf": ("google.protobuf", "4.25"),
    "pyarrow": ("pyarrow", "16"),
    "pynndescent": ("pynndescent", "0.5.13"),
    "rich": ("rich", "13"),
    "safetensors": ("safetensors", "0.4.3"),
    "scipy": ("scipy", "1.11"),
    "simplejpeg": ("simplejpeg", "1.7.6"),
    "threadpoolctl": ("threadpoolctl", "3.1"),
    "torch": ("torch", "2.6"),
    "torchvision": ("torchvision", "0.21"),
    "typer": ("typer", "0.12"),
}
EXTRAS = {
    "pipeline": {
        "dagster": ("dagster", "1.11"),
        "dagster-webserver": ("dagster_webserver", "1.11"),
        "mlflow": ("mlflow", "3.1"),
        "psutil": ("psutil", "5.9"),
    },
    "heic": {"pillow-heif": ("pillow_heif", "1.0")},
    "s3": {"s3fs": ("s3fs", "2024.6")},
    "coreml": {"coremltools": ("coremltools", "9.0")},
    "train": {"mlflow": ("mlflow", "3.1")},
    "dashboard": {
        "mlflow": ("mlflow", "3.1"),
        "starlette": ("starlette", "0.40"),
        "streamlit": ("streamlit", "1.67"),
    },
}
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


def run_checks() -> list[Result]:
    """Run every check, in order; one that breaks has failed, and the others still run."""
    checks: list[tuple[str, Callable[[], Result]]] = [
        ("python", check_python),
        ("distribution", check_distribution),
        *((name, _package_check(name, *needs)) for name, needs in REQUIRED.items()),
        *((f"extra {name}", _extra_check(name)) for name in EXTRAS),
        ("home", check_home),
        ("weights of mini", check_weights),
        *((f"decode {name}", _decode_check(name)) for name in FORMATS),
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
    """Version of Python and the platform."""
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
        return Result("distribution", "ok", own)
    detail = f"{own}; beside it imgsim {foreign}, another package that writes into the same folder"
    advice = f"Run pip uninstall imgsim {DISTRIBUTION}, then install {DISTRIBUTION} again."
    return Result("distribution", "warning", detail, advice)


def check_package(name: str, module: str, oldest: str) -> Result:
    """Whether a package is there and new enough; it is not imported."""
    advice = f'pip install "{name}>={oldest}"'
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Result(name, "failed", "not installed", advice)
    if find_spec(module) is None:
        return Result(name, "failed", f"{version} is listed, but its module {module} is missing", advice)
    if _numbers(version) < _numbers(oldest):
        return Result(name, "failed", f"{version} is older than {oldest}", advice)
    return Result(name, "ok", version)


def _package_check(name: str, module: str, oldest: str) -> Callable[[], Result]:
    return lambda: check_package(name, module, oldest)


def _numbers(version: str) -> tuple[int, ...]:
    """``2.6.0rc1+cpu`` as (2, 6, 0)."""
    numbers = []
    for part in version.partition("+")[0].split("."):
        digits = part[: next((i for i, c in enumerate(part) if not c.isdecimal()), len(part))]
        if not digits:
            break
        numbers.append(int(digits))
    return tuple(numbers)


def check_extra(extra: str) -> Result:
    """Whether the packages of an optional extra are there."""
    results = [check_package(name, *needs) for name, needs in EXTRAS[extra].items()]
    detail = ", ".join(f"{result.name} {result.detail}" for result in results)
    if all(result.status == "ok" for result in results):
        return Result(f"extra {extra}", "ok", detail)
    return Result(f"extra {extra}", "warning", detail, f"optional: {install_command(extra)}")


def _extra_check(extra: str) -> Callable[[], Result]:
    return lambda: check_extra(extra)


def check_home() -> Result:
    """Whether the working store can be written, and has space; nothing is left behind."""
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


def check_weights() -> Result:
    """Whether the packaged weights are there, whole."""
    import hashlib
    from importlib.resources import files

    path = files("imgsim.backbones.mini").joinpath("mini.safetensors")
    if not path.is_file():
        return Result("weights of mini", "failed", f"{path} is missing", "Install imgsim again.")
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != MINI_SHA256:
        return Result("weights of mini", "failed", f"{path} is damaged ({len(data):,} bytes)", "Install imgsim again.")
    return Result("weights of mini", "ok", f"{len(data) / 1e6:.1f} MB, checksum correct")


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


def _decode_check(name: str) -> Callable[[], Result]:
    return lambda: check_decode(name)


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
    """Run mini by ONNX Runtime on a picture; exports it into a temporary folder unless the store has it."""
    import time

    import numpy as np

    from imgsim.backbones.get import get_backbone
    from imgsim.backbones.onnx_export import ONNX_FILE, export_onnx
    from imgsim.backbones.runtime import OnnxRuntime
    from imgsim.decoding.decode import resize
    from imgsim.features.store import FeatureStore

    backbone = get_backbone("mini")
    spec = backbone.spec
    pixels = resize(np.asarray(sample_picture()), (spec.height, spec.width))[None]
    with TemporaryDirectory(prefix="imgsim-") as temporary:
        stored = FeatureStore().backbone_folder(spec.fingerprint)
        folder = stored if (stored / ONNX_FILE).is_file() else Path(temporary) / "mini"
        if folder != stored:
            export_onnx(backbone, folder)
        runtime = OnnxRuntime(folder / ONNX_FILE)
        runtime(pixels)
        start = time.perf_counter()
        feature = runtime(pixels)
        seconds = time.perf_counter() - start
    if not np.isfinite(feature).all() or not float(np.abs(feature).max()) > 0:
        return Result("network", "failed", "mini gives no usable feature", "Install onnxruntime again.")
    return Result("network", "ok", f"mini by ONNX Runtime: {feature.shape[1]} values in {seconds * 1000:.1f} ms")


def check_mlflow() -> Result:
    """Whether MLflow's store answers."""
    if find_spec("mlflow") is None:
        return Result("mlflow store", "warning", "MLflow is not installed", f"optional: {install_command('pipeline')}")
    from imgsim.mlflow.connection import connect, default_tracking_uri, exists

    uri = default_tracking_uri()
    if not exists():
        return Result("mlflow store", "ok", f"{uri} will be created by the first run")
    try:
        with connect() as connection:
            connection.client.search_experiments(max_results=1)
    except ImgsimError as error:
        return Result("mlflow store", "warning", f"{uri} does not answer", str(error))
    return Result("mlflow store", "ok", f"{uri} answers")


def check_cores() -> Result:
    """How many cores this process may use, and limits set by variables."""
    from imgsim.workers import usable_cores

    limits = [f"{name}={os.environ[name]}" for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS") if name in os.environ]
    detail = f"{usable_cores()} of {os.cpu_count()} usable"
    return Result("cores", "ok", ", ".join([detail, *limits]))


def check_gpu() -> Result:
    """What ``device="auto"`` means here; never needed."""
    from imgsim.backbones.runtime import resolve_device

    device = resolve_device("auto")
    return Result("gpu", "ok", "none: the CPU is used, by ONNX Runtime" if device == "cpu" else f"{device} is used")
