"""Run configuration of each asset; the launchpad shows invalid values, and the library checks them again."""

from typing import Any

import dagster as dg
from pydantic import Field

from imgsim.arguments import DEFAULT_BACKBONE, DEFAULT_DIMENSIONS, DEFAULT_K
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
    labels: str = Field(default="folder", description="'folder', 'none', or a column of the source table.")
    max_rejected_share: float = Field(
        default=0.5, ge=0.0, le=1.0, description="Above this share of unreadable files the run stops."
    )

    @property
    def label_column(self) -> str | None:
        """``labels`` as `load_images` takes them."""
        return None if self.labels == "none" else self.labels


class FeaturesConfig(dg.Config):
    """The network, and the options of feature extraction."""

    backbone: str = Field(
        default=DEFAULT_BACKBONE, min_length=1, description="A name of imgsim.list_backbones() or 'module:factory'."
    )
    weights: str = Field(default="", description="Path of a state dict; empty: the network's own weights.")
    batch_size: int = Field(
        default=64, ge=1, le=4096, description="Images per step on a GPU; results do not depend on it."
    )
    device: str = Field(default="auto", pattern="^(auto|cpu|cuda|mps)$", description="auto, cpu, cuda or mps.")
    max_rejected_share: float = Field(
        default=0.5, ge=0.0, le=1.0, description="Above this share of undecodable files the run stops."
    )


class EmbeddingsConfig(dg.Config):
    """The projection."""

    projection: int | None = Field(
        default=DEFAULT_DIMENSIONS, ge=1, description="Dimensions to keep; null: raw features."
    )
    seed: int = Field(default=0, ge=0)


class GraphConfig(dg.Config):
    """The k-nearest-neighbour graph."""

    k: int = Field(default=DEFAULT_K, ge=1, le=1000, description="Neighbours per image.")
    method: str = Field(
        default="auto",
        pattern="^(auto|exact|nn_descent|partitioned)$",
        description="auto, exact, nn_descent or partitioned (run by the resource 'workers').",
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
    backbone: str = Field(default="", description="Empty: as for the features in the same run.")
    weights: str = Field(default="", description="Empty: as for the features in the same run.")
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


class MapConfig(dg.Config):
    """The map of all images."""

    seed: int = Field(default=0, ge=0)
