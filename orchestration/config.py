"""Run configuration of each asset; the launchpad shows invalid values, and the library checks them again."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from pydantic import Field

from imgsim.arguments import DEFAULT_BACKBONE, DEFAULT_DIMENSIONS, DEFAULT_K, FEWEST_DIMENSIONS
from imgsim.backbones.default import default_backbone
from imgsim.backbones.spec import FP32
from imgsim.errors import ArgumentError
from imgsim.evaluation import BACKGROUND, SAMPLE
from imgsim.neighbors.partitioned.plan import Partitioning


class ImagesConfig(dg.Config):
    """The source of the images, and the largest acceptable share of rejected files."""

    source: str = Field(
        default="",
        description="Folder, file, CSV or Parquet table, or fsspec URL. Empty: the source this collection had last "
        "time, else the sub-folder of the watched root with the collection's name.",
    )
    recursive: bool = Field(default=True, description="Also list sub-folders.")
    labels: str = Field(
        default="auto",
        description="'auto' (the column 'label' of a table, else the folders' names if there are several), 'folder', "
        "'top-folder' (the first below the source), 'none', or a column of the source table.",
    )
    exclude: list[str] = Field(
        default=[],
        description="Patterns of names to leave out besides hidden files, recycle bins and thumbnails of network "
        "drives, such as '*_thumb.jpg'; '!NAME' takes what would be left out.",
    )
    rehash: bool = Field(default=False, description="Read all files, also those unchanged since an earlier scan.")
    decisions: bool = Field(
        default=True, description="Use the labels that people decided (imgsim decisions) in place of the source's."
    )
    max_rejected_share: float = Field(
        default=0.5, ge=0.0, le=1.0, description="Above this share of unreadable files the run stops."
    )


class FeaturesConfig(dg.Config):
    """The network, and the options of feature extraction."""

    backbone: str = Field(
        default=DEFAULT_BACKBONE,
        min_length=1,
        description="auto (the best installed), a name of imgsim.list_backbones(), 'timm:NAME', 'hf-hub:ORG/NAME', "
        "'local-dir:FOLDER' or 'module:factory'.",
    )
    weights: str = Field(default="", description="Path of a state dict; empty: the network's own weights.")
    image_size: int | None = Field(default=None, ge=1, description="Pixels of the input's side; null: its own.")
    pooling: str = Field(default="model", pattern="^(model|cls|mean|gem)$", description="model, cls, mean or gem.")
    resize: str = Field(default="stretch", pattern="^(stretch|model)$", description="stretch, or model: as it crops.")
    revision: str = Field(default="", description="Branch, tag or commit of a hub's repository.")
    cache_dir: str = Field(default="", description="Folder of downloaded weights; empty: the library's own.")
    batch_size: int = Field(
        default=64, ge=1, le=4096, description="Images per step on a GPU; results do not depend on it."
    )
    device: str = Field(default="auto", pattern="^(auto|cpu|cuda|mps)$", description="auto, cpu, cuda or mps.")
    precision: str = Field(
        default=FP32,
        pattern="^(fp32|bf16|auto)$",
        description="fp32, bf16 (faster on some processors; extra openvino), or auto: the faster of equal ones.",
    )
    max_rejected_share: float = Field(
        default=0.5, ge=0.0, le=1.0, description="Above this share of undecodable files the run stops."
    )

    def options(self) -> dict[str, Any]:
        """Return the options of `imgsim.backbones.get.get_backbone`."""
        return {
            "image_size": self.image_size,
            "pooling": self.pooling,
            "resize": self.resize,
            "revision": self.revision or None,
            "cache_dir": self.cache_dir or None,
        }


class EmbeddingsConfig(dg.Config):
    """The projection, whether it is learnt from labels, and the averages with neighbours."""

    projection: int | None = Field(
        default=DEFAULT_DIMENSIONS, ge=FEWEST_DIMENSIONS, description="Dimensions to keep; null: raw features."
    )
    refine: bool = Field(
        default=False,
        description="Average each vector with those of its 10 nearest: mostly better neighbours. Duplicates go on by "
        "the plain vectors.",
    )
    refine_method: str = Field(
        default="auto",
        pattern="^(auto|exact|nn_descent|partitioned|pynndescent)$",
        description="How these 10 are found, as method of neighbor_graph.",
    )

    learn: str = Field(
        default="",
        pattern="^(|labels)$",
        description="labels: learn the projection from the labels of the images; empty: without labels.",
    )
    others: str = Field(
        default="auto",
        pattern="^(auto|protect|ignore)$",
        description="What classes without labels count for when it is learnt: as much as there seem to be of them "
        "(auto), at least as much as the others (protect), or nothing (ignore).",
    )

    def key(self) -> list[Any]:
        """Return the values that the vectors depend on."""
        learnt = [self.learn, self.others, self.refine_method] if self.learn else []
        return [self.projection, *(["refined", self.refine_method] if self.refine else []), *learnt]


class GraphConfig(dg.Config):
    """The k-nearest-neighbour graph."""

    k: int = Field(default=DEFAULT_K, ge=1, le=1000, description="Neighbours per image.")
    method: str = Field(
        default="auto",
        pattern="^(auto|exact|nn_descent|partitioned|pynndescent)$",
        description="auto, exact, nn_descent, pynndescent or partitioned (run by the resource 'workers').",
    )
    partition_size: int = Field(
        default=Partitioning.size, ge=1, description="Rows per partition, of a partitioned graph."
    )
    overlap: int = Field(default=Partitioning.overlap, ge=1, description="Partitions per row, of a partitioned graph.")
    seed: int = Field(default=0, ge=0)

    @property
    def partitioning(self) -> Partitioning:
        """Size and overlap of a partitioned graph's partitions."""
        return Partitioning(self.partition_size, self.overlap)

    def key(self) -> list[Any]:
        """Return the values that the graph depends on."""
        partitioned = [self.partition_size, self.overlap] if self.method == "partitioned" else []
        return [self.k, self.method, self.seed, *partitioned]


class EvaluationConfig(dg.Config):
    """The measurement of recall and precision."""

    k: int = Field(default=DEFAULT_K, ge=1, le=1000, description="Neighbours that count.")
    background: list[str] = Field(default=list(BACKGROUND), description="Labels that are no class: never queries.")
    sample: int = Field(default=SAMPLE, ge=1, description="Queries of the recall estimate.")
    seed: int = Field(default=0, ge=0)
    min_recall: float = Field(default=0.95, ge=0.0, le=1.0, description="Below this recall the run stops.")


class InsightsConfig(dg.Config):
    """The search for duplicates, leaks, wrong labels and more."""

    flips: bool = Field(default=False, description="Also mirrored pictures are the same picture.")
    rotations: bool = Field(default=False, description="Also pictures turned by 90, 180 or 270 degrees are the same.")
    background: list[str] = Field(default=list(BACKGROUND), description="Labels that are no class: never wrong.")
    split: str = Field(default="", description="How images are split into train, test, ...; empty: by their folders.")
    max_leaks: int = Field(default=0, ge=0, description="Above this number of leaks between splits the check warns.")
    seed: int = Field(default=0, ge=0)

    def params(self, insight: str) -> dict[str, Any]:
        """Return the parameters of one insight."""
        chosen: dict[str, dict[str, Any]] = {
            "duplicates": {"flips": self.flips, "rotations": self.rotations},
            "label_errors": {"background": sorted(self.background)},
            "leaks": {"split": self.split or None},
            "clusters": {"seed": self.seed},
        }
        return chosen.get(insight, {})


class CoreMLConfig(dg.Config):
    """The Core ML package."""

    enabled: bool = Field(default=True, description="Whether one is made.")
    outputs: str = Field(default="distance", pattern="^(distance|topk|classifier|features)$")
    k: int = Field(default=DEFAULT_K, ge=1, description="Neighbours of topk.")
    precision: str = Field(default="mixed", pattern="^(mixed|float16|float32)$")
    compress: str = Field(default="", pattern="^(|int8)$", description="Of the reference rows; empty: none.")
    minimum_target: str = Field(default="iOS16", pattern="^iOS(1[5-8]|26)$", description="Oldest system.")
    ids: str = Field(default="path", description="Column that the app calls images by; empty: the model's ids.")
    backbone: str = Field(default="", description="Empty: as for the features. Another one is refused.")
    weights: str = Field(default="", description="Empty: as for the features. Others are refused.")
    verify: int = Field(default=8, ge=1, description="Images that are compared with Python.")

    def options(self) -> dict[str, Any]:
        """Return the options of `imgsim.coreml.export_coreml`."""
        return {
            "outputs": self.outputs,
            "k": self.k,
            "precision": self.precision,
            "compress": self.compress or None,
            "minimum_target": self.minimum_target,
            "ids": self.ids or None,
        }


class OnnxConfig(dg.Config):
    """The ONNX file."""

    enabled: bool = Field(default=True, description="Whether one is made.")
    outputs: str = Field(default="distance", pattern="^(distance|topk|features)$")
    k: int = Field(default=DEFAULT_K, ge=1, description="Neighbours of topk.")
    compress: str = Field(default="", pattern="^(|int8)$", description="Of the reference rows; empty: none.")
    any_size: bool = Field(default=True, description="Takes pictures of any size; else those of the network's.")
    ids: str = Field(default="path", description="Column that the app calls images by; empty: the model's ids.")
    verify: int = Field(default=8, ge=1, description="Images that are compared with Python.")

    def options(self) -> dict[str, Any]:
        """Return the options of `imgsim.onnx_model.export_onnx`."""
        return {
            "outputs": self.outputs,
            "k": self.k,
            "compress": self.compress or None,
            "any_size": self.any_size,
            "ids": self.ids or None,
        }


class MapConfig(dg.Config):
    """The map of all images."""

    seed: int = Field(default=0, ge=0)


def check_one_network(run_config: Mapping[str, Any]) -> None:
    """Check that ``coreml_package`` is not given another network than ``features`` of the same run.

    Raises
    ------
    ArgumentError
        It is; the message names the setting to use.
    """
    ops = run_config.get("ops") or {}
    features, coreml = ((ops.get(name) or {}).get("config") or {} for name in ("features", "coreml_package"))
    for name in ("backbone", "weights"):
        given, used = coreml.get(name), features.get(name) or FeaturesConfig.model_fields[name].default
        if name == "backbone" and used == DEFAULT_BACKBONE:
            used = default_backbone()
        if isinstance(given, str) and given and given != used:
            raise ArgumentError(
                f"ops.coreml_package.config.{name} is {given!r}, but the features are computed with "
                f"{used or 'none'!r}: give ops.features.config.{name} instead, which holds for both."
            )
