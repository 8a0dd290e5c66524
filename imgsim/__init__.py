"""imgsim: a folder of images in, similar images out.

>>> import imgsim
>>> model = imgsim.create(imgsim.load_images("photos"))  # doctest: +SKIP
>>> model.query("photos/cat.jpg", k=5)  # doctest: +SKIP
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from imgsim.errors import (
    ArgumentError,
    ArgumentTypeError,
    BackboneError,
    CoreMLError,
    EngineError,
    ImageError,
    ImgsimError,
    MissingExtraError,
    ModelFormatError,
    QueryError,
    RegistryError,
    ShardError,
    SourceError,
    StoreError,
    UnsupportedOperationError,
)

if TYPE_CHECKING:
    from imgsim.backbones import get_backbone, list_backbones
    from imgsim.creation import create
    from imgsim.evaluation import Evaluation
    from imgsim.features import extract_features
    from imgsim.graph import NeighborGraph, build_graph
    from imgsim.images import ImageTable, load_images
    from imgsim.model import SimilarityModel
    from imgsim.persistence import load_model
    from imgsim.sample import render_sample
    from imgsim.store import FeatureStore

try:
    __version__ = version("imgsim")
except PackageNotFoundError:  # run from a source tree that is not installed
    __version__ = "0+source"

_LAZY = {
    "Evaluation": "evaluation",
    "FeatureStore": "store",
    "ImageTable": "images",
    "NeighborGraph": "graph",
    "SimilarityModel": "model",
    "build_graph": "graph",
    "create": "creation",
    "extract_features": "features",
    "get_backbone": "backbones",
    "list_backbones": "backbones",
    "load_images": "images",
    "load_model": "persistence",
    "render_sample": "sample",
}

__all__ = [
    "ArgumentError",
    "ArgumentTypeError",
    "BackboneError",
    "CoreMLError",
    "EngineError",
    "Evaluation",
    "FeatureStore",
    "ImageError",
    "ImageTable",
    "ImgsimError",
    "MissingExtraError",
    "ModelFormatError",
    "NeighborGraph",
    "QueryError",
    "RegistryError",
    "ShardError",
    "SimilarityModel",
    "SourceError",
    "StoreError",
    "UnsupportedOperationError",
    "__version__",
    "build_graph",
    "create",
    "extract_features",
    "get_backbone",
    "list_backbones",
    "load_images",
    "load_model",
    "render_sample",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'imgsim' has no attribute {name!r}")
    return getattr(import_module(f"imgsim.{_LAZY[name]}"), name)


def __dir__() -> list[str]:
    return __all__
