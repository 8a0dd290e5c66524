"""Quality of a model's neighbours: metrics of the graph and of labels, and the labels that lie among each other."""

from imgsim.evaluation.classes import (
    BACKGROUND,
    Confusion,
    confusion,
    images_of_class,
    label_codes,
    labels_met,
    precision_by_rank,
)
from imgsim.evaluation.held_out import compared_with_label_free
from imgsim.evaluation.intervals import SHARED_NEIGHBORS, difference_interval, mean_interval
from imgsim.evaluation.likeness import Likeness, measure_likeness
from imgsim.evaluation.metrics import SAMPLE, SCORES, Evaluation, evaluate, metric_titles, recall
from imgsim.evaluation.pictures import nearest_pictures

__all__ = [
    "BACKGROUND",
    "SAMPLE",
    "SCORES",
    "SHARED_NEIGHBORS",
    "Confusion",
    "Evaluation",
    "Likeness",
    "compared_with_label_free",
    "confusion",
    "difference_interval",
    "evaluate",
    "images_of_class",
    "label_codes",
    "labels_met",
    "mean_interval",
    "measure_likeness",
    "metric_titles",
    "nearest_pictures",
    "precision_by_rank",
    "recall",
]
