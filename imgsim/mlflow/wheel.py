"""A wheel of the imgsim that runs here, for a model to carry: on the package index, `imgsim` is somebody else's."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from imgsim.distribution import DISTRIBUTION, installed_version

PACKAGE = Path(__file__).parents[1]

_METADATA = """\
Metadata-Version: 2.4
Name: {name}
Version: {version}
Summary: The modules of imgsim that a registered model is served with; its requirements.txt names what they need.
License-Expression: Apache-2.0
Requires-Python: >=3.11
"""
_WHEEL = "Wheel-Version: 1.0\nGenerator: imgsim\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def write_wheel(folder: Path) -> Path:
    """Write a wheel of all Python modules of imgsim, without weights and other data; return its path.

    The same modules give the same name: the version ends with a digest of them, since MLflow takes environments
    for equal whose requirements read the same.

    Parameters
    ----------
    folder : Path
        Where it goes; made when missing.
    """
    modules = {f"imgsim/{path.relative_to(PACKAGE).as_posix()}": path for path in sorted(PACKAGE.rglob("*.py"))}
    contents = {name: path.read_bytes() for name, path in modules.items()}
    version = _version(contents)
    stem = f"{DISTRIBUTION.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    contents[f"{info}/METADATA"] = _METADATA.format(name=DISTRIBUTION, version=version).encode()
    contents[f"{info}/WHEEL"] = _WHEEL.encode()
    contents[f"{info}/RECORD"] = _record(contents, f"{info}/RECORD")
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{stem}-py3-none-any.whl"
    with ZipFile(wheel, "w", ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            archive.writestr(ZipInfo(name), data, ZIP_DEFLATED)  # ZipInfo's own time: 1980, always the same
    return wheel


def _version(contents: dict[str, bytes]) -> str:
    """Return the installed version with a digest of the modules as its local part (PEP 440)."""
    lines = "\n".join(f"{hashlib.sha256(data).hexdigest()} {name}" for name, data in contents.items())
    version = installed_version()
    return f"{version}{'.' if '+' in version else '+'}{hashlib.sha256(lines.encode()).hexdigest()[:12]}"


def _record(contents: dict[str, bytes], own: str) -> bytes:
    """Return the list of files with their hashes that installers check."""
    lines = [f"{name},sha256={_unpadded(data)},{len(data)}" for name, data in contents.items()]
    return "\n".join([*lines, f"{own},,", ""]).encode()


def _unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
