"""Quality of a model's neighbours: metrics of the graph and of labels, and the labels that lie among each other."""

from imgsim.evaluation.classes import (
    BACKGROUND,
    Confusion,
    confusion,
    images_of_class,
    label_codes,
    mean_interval,
    precision_by_rank,
)
from imgsim.evaluation.metrics import SAMPLE, Evaluation, evaluate, metric_titles, recall

__all__ = [
    "BACKGROUND",
    "SAMPLE",
    "Confusion",
    "Evaluation",
    "confusion",
    "evaluate",
    "images_of_class",
    "label_codes",
    "mean_interval",
    "metric_titles",
    "precision_by_rank",
    "recall",
]
