"""imgsim: a folder of images in, similar images out.

>>> import imgsim
>>> model = imgsim.create(imgsim.load_images("photos"))  # doctest: +SKIP
>>> model.query("photos/cat.jpg", k=5)  # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from imgsim.distribution import installed_version
from imgsim.errors import (
    ArgumentError,
    ArgumentTypeError,
    BackboneError,
    CoreMLError,
    DecisionsError,
    DeploymentError,
    ImageError,
    ImgsimError,
    MissingExtraError,
    ModelFormatError,
    OnnxModelError,
    QueryError,
    RegistryError,
    RowError,
    ShardError,
    SourceError,
    StoreError,
    UnsupportedOperationError,
    WorkersError,
    WriteError,
)

if TYPE_CHECKING:
    from imgsim.backbones.get import get_backbone, list_backbones
    from imgsim.comparison import compare
    from imgsim.creation import create
    from imgsim.evaluation import Evaluation
    from imgsim.features.extract import extract_features
    from imgsim.features.store import FeatureStore
    from imgsim.images.load import load_images
    from imgsim.images.table import ImageTable
    from imgsim.model import SimilarityModel, load_model
    from imgsim.neighbors.graph import NeighborGraph, build_graph
    from imgsim.sample.unpack import unpack_sample

__version__ = installed_version()

_LAZY = {
    "Evaluation": "evaluation",
    "FeatureStore": "features.store",
    "ImageTable": "images.table",
    "NeighborGraph": "neighbors.graph",
    "SimilarityModel": "model",
    "build_graph": "neighbors.graph",
    "compare": "comparison",
    "create": "creation",
    "extract_features": "features.extract",
    "get_backbone": "backbones.get",
    "list_backbones": "backbones.get",
    "load_images": "images.load",
    "load_model": "model",
    "unpack_sample": "sample.unpack",
}

__all__ = [
    "ArgumentError",
    "ArgumentTypeError",
    "BackboneError",
    "CoreMLError",
    "DecisionsError",
    "DeploymentError",
    "Evaluation",
    "FeatureStore",
    "ImageError",
    "ImageTable",
    "ImgsimError",
    "MissingExtraError",
    "ModelFormatError",
    "NeighborGraph",
    "OnnxModelError",
    "QueryError",
    "RegistryError",
    "RowError",
    "ShardError",
    "SimilarityModel",
    "SourceError",
    "StoreError",
    "UnsupportedOperationError",
    "WorkersError",
    "WriteError",
    "__version__",
    "build_graph",
    "compare",
    "create",
    "extract_features",
    "get_backbone",
    "list_backbones",
    "load_images",
    "load_model",
    "unpack_sample",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'imgsim' has no attribute {name!r}")
    return getattr(import_module(f"imgsim.{_LAZY[name]}"), name)


def __dir__() -> list[str]:
    return __all__
