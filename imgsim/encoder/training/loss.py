"""How far the student is from the teacher; the heads live only during training."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from imgsim.encoder.network import CELLS, WIDTHS

FEATURE, CLASSES, LABELS = 4.0, 1.0, 0.3
TEMPERATURE = 2.0


class Distillation(nn.Module):
    """4 (1 - cosine to the centred feature) + KL to the teacher's classes + 0.3 cross-entropy on labels.

    Parameters
    ----------
    center : (D,) float
        Mean of the teacher's features.
    teacher_classes : torch.nn.Linear or None
        The teacher's classifier; without one the second term is left out.
    labels : int
        Number of labels in the photos; below 2 the third term is left out.
    """

    center: torch.Tensor

    def __init__(self, center: torch.Tensor, teacher_classes: nn.Linear | None, labels: int) -> None:
        super().__init__()
        self.register_buffer("center", center)
        self.teacher_classes = teacher_classes
        self.feature = nn.Linear(WIDTHS[-1], len(center))
        self.classes = None if teacher_classes is None else nn.Linear(WIDTHS[-1], teacher_classes.out_features)
        self.labels = nn.Linear(WIDTHS[-1], labels) if labels > 1 else None

    def forward(self, features: torch.Tensor, targets: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        """Loss of (n, 1024) ``features``: the total under ``loss``, and its terms.

        ``targets`` (n, D) are the teacher's features, ``labels`` (n,) int64, -1 where there is none.
        """
        pooled = features.view(len(features), WIDTHS[-1], CELLS**2).mean(2)
        terms = {"feature": 1 - functional.cosine_similarity(self.feature(pooled), targets - self.center).mean()}
        total = FEATURE * terms["feature"]
        if self.classes is not None and self.teacher_classes is not None:
            terms["classes"] = _divergence(self.classes(pooled), self.teacher_classes(targets))
            total = total + CLASSES * terms["classes"]
        if self.labels is not None and bool((labels >= 0).any()):
            terms["labels"] = functional.cross_entropy(
                self.labels(pooled), labels, ignore_index=-1, label_smoothing=0.1
            )
            total = total + LABELS * terms["labels"]
        return {"loss": total, **terms}


def _divergence(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    ours, theirs = (functional.log_softmax(logits / TEMPERATURE, 1) for logits in (student, teacher))
    return functional.kl_div(ours, theirs, log_target=True, reduction="batchmean") * TEMPERATURE**2
