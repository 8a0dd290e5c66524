"""Feature extraction: each distinct file is decoded and run through the network once, and stored by content."""

from __future__ import annotations

import hashlib
import json
import time
import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imgsim import arguments
from imgsim.backbones.onnx_export import ONNX_FILE, ExportError, export_onnx
from imgsim.backbones.runtime import device_kind
from imgsim.backbones.spec import FP32, Backbone, BackboneSpec
from imgsim.backbones.text.export import export_text
from imgsim.backbones.text.files import TEXT_FOLDER
from imgsim.decoding.formats import FORMATS
from imgsim.decoding.version import decoding_version
from imgsim.errors import BackboneError, StoreError
from imgsim.features.choose_precision import CHOICES, in_precision
from imgsim.features.compute import Computation
from imgsim.features.store import FeatureStore
from imgsim.features.stored import StoredFeatures
from imgsim.images.table import ImageTable
from imgsim.io.atomic import atomic_path
from imgsim.io.error_text import explain
from imgsim.io.held_file import HeldFile
from imgsim.progress import status
from imgsim.workers import usable_cores


@dataclass(frozen=True)
class Features:
    """Raw features of the images that could be decoded, in their order; they stay in the store.

    ``vectors`` are (n, D), row i belongs to ``images[i]``; ``images.rejected`` lists every file that is missing from
    them. ``stats`` holds ``computed`` and ``reused`` (images), ``seconds``, ``images_per_second``.
    ``precision_reason`` tells why the precision of ``backbone`` was chosen; it is empty if it was given.
    """

    images: ImageTable
    store: FeatureStore
    backbone: BackboneSpec
    stats: dict[str, float] = field(default_factory=dict)
    precision_reason: str = ""

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the network and preprocessing that made the features."""
        return self.backbone.fingerprint

    @property
    def vectors(self) -> StoredFeatures:
        """Features (n, D) in the store, which are read block by block."""
        return StoredFeatures(self.store, self.fingerprint, self.images.sha256, self.backbone.dim)

    @property
    def matrix(self) -> NDArray[np.float32]:
        """All features, (n, D) float32: read from the store at each access, and 4 n D bytes large."""
        return np.asarray(self.vectors)

    @property
    def digest(self) -> str:
        """Hexadecimal sha256 of the images' digest, the backbone's fingerprint and the decoders' versions."""
        return self._digest_with(self.images.digest)

    @property
    def source_digest(self) -> str:
        """The digest with the labels that the source gave: vectors do not depend on what people decided."""
        return self._digest_with(self.images.source_digest)

    def _digest_with(self, images: str) -> str:
        decoders = [decoding_version(kind) for kind in sorted({*self.images.column("format")} & {*FORMATS})]
        return hashlib.sha256(f"{images} {self.fingerprint} {decoders}".encode()).hexdigest()

    def save(self, folder: Path) -> None:
        """Write tables and the backbone's description; the vectors stay in the store."""
        self.images.save(folder / "images.parquet")
        self.images.save_rejected(folder / "rejected.parquet")
        with atomic_path(folder / "features.json") as path:
            notes = {"backbone": self.backbone.to_dict(), "stats": self.stats, "precision": self.precision_reason}
            path.write_text(json.dumps(notes, indent=1))

    @classmethod
    def load(cls, folder: Path, store: FeatureStore) -> Features:
        """Read what `save` wrote; whether the store still holds the vectors is asked when they are read."""
        images = ImageTable.load(folder / "images.parquet")
        notes = json.loads((folder / "features.json").read_text())
        spec = BackboneSpec.from_dict(notes["backbone"])
        return cls(images, store, spec, notes["stats"], notes.get("precision", ""))


def extract_features(
    images: ImageTable,
    backbone: Backbone,
    store: FeatureStore | None = None,
    batch_size: int = 64,
    device: str = "auto",
    threads: int | None = None,
    progress: bool = False,
    onnx: Path | HeldFile | None = None,
    *,
    precision: str = FP32,
) -> Features:
    """Return the features of every image; only those that the store lacks are computed.

    Each distinct file is read and decoded once, for its feature and its thumbnail. Files that cannot
    be read or decoded, or that changed since they were scanned, go to ``.images.rejected``.

    Parameters
    ----------
    batch_size : int
        Images per step on a GPU. On a CPU images are computed one by one on ``threads`` threads, and
        results do not depend on it.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    threads : int, optional
        Threads that read, decode and (on CPU) run the network; all usable cores by default.
    onnx : Path, optional
        File of the network's ONNX form; by default it is exported on first use.
    precision : str
        ``"fp32"``; ``"bf16"`` (OpenVINO, extra ``openvino``), which is faster on processors with AVX512-BF16 or AMX;
        or ``"auto"``: see `imgsim.features.choose_precision.choose_precision`. Features of each are stored apart.

    Raises
    ------
    ArgumentError
        An unknown device or precision.
    BackboneError
        The network cannot be built, or this machine does not compute in bf16.
    MissingExtraError
        bf16 needs OpenVINO.
    StoreError
        The store cannot be written; what was stored is kept.
    """
    batch_size = arguments.positive_int(batch_size, "batch_size")
    device_kind(device)
    arguments.one_of(precision, CHOICES, "precision")
    store = store or FeatureStore()
    with status(f"preparing {backbone.spec.name}", progress):
        onnx = onnx or export_once(backbone, store)  # saved models carry it, even when every feature is stored
        export_text_once(backbone, store)
    start = time.perf_counter()
    backbone, reason = in_precision(precision, images, backbone, store, device, onnx)
    extraction = Computation(images, backbone, store, threads or usable_cores(), batch_size, device, onnx, progress)
    found, dim = extraction.complete()
    rejected, computed = extraction.rejected, extraction.computed
    accepted = images[found].with_rejected([_row(images, int(i), rejected) for i in np.flatnonzero(~found)])
    seconds = time.perf_counter() - start
    stats = {
        "computed": float(computed),
        "reused": float(len(images) - computed),
        "seconds": seconds,
        "images_per_second": computed / seconds,
    }
    return Features(accepted, store, replace(backbone.spec, dim=dim), stats, reason)


def export_once(backbone: Backbone, store: FeatureStore) -> Path | None:
    """Return the file of the exported network, exporting it on first use; None if it has no ONNX form.

    Raises
    ------
    BackboneError
        The network cannot be built.
    StoreError
        The store cannot be written.
    """
    folder = store.backbone_folder(backbone.spec.network)
    try:
        export_onnx(replace(backbone, spec=backbone.spec.in_precision(FP32)), folder)
    except OSError as error:
        raise _unwritable("network", folder, error) from error
    except ExportError as error:
        warnings.warn(f"{error} It runs in torch instead; saved models cannot query new images.", stacklevel=3)
        return None
    return folder / ONNX_FILE


def export_text_once(backbone: Backbone, store: FeatureStore) -> None:
    """Export the text tower of a network that has one, on first use; one that has no ONNX form is left out.

    Raises
    ------
    StoreError
        The store cannot be written.
    """
    folder = store.backbone_folder(backbone.spec.network) / TEXT_FOLDER
    try:
        export_text(backbone, folder)
    except OSError as error:
        raise _unwritable("text tower", folder, error) from error
    except BackboneError as error:
        warnings.warn(f"{error} The model cannot be asked in words.", stacklevel=3)


def _unwritable(what: str, folder: Path, error: OSError) -> StoreError:
    return StoreError(
        f"cannot write the exported {what} to {folder}: {explain(error)}. Free space there, or set IMGSIM_HOME to "
        "another place, and run again."
    )


def _row(images: ImageTable, i: int, rejected: dict[str, tuple[str, str]]) -> dict[str, str]:
    stage, reason = rejected.get(images.sha256[i], ("decode", "it could not be decoded"))
    return {"path": images.paths[i], "stage": stage, "reason": reason}
