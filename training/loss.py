"""Distance of the student from the teacher; the heads live only during training."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from imgsim.backbones.mini.network import WIDTHS
from training.network import PARTS

FEATURE, PART, CLASSES, LABELS = 3.0, 3.0, 1.0, 0.3
TEMPERATURE = 2.0


class Distillation(nn.Module):
    """Weighted sum of up to four terms.

    ``feature``: 1 - cosine of the whole picture's feature to the teacher's, centred; ``parts``: the same
    for each of 2 x 2 parts; ``classes``: KL to the teacher's classes; ``labels``: cross-entropy.

    Parameters
    ----------
    center : (D,) float
        Mean of the teacher's features.
    teacher_classes : torch.nn.Linear or None
        The teacher's classifier; without one ``classes`` is left out.
    labels : int
        Number of labels in the photos; below 2 ``labels`` is left out.
    """

    center: torch.Tensor

    def __init__(self, center: torch.Tensor, teacher_classes: nn.Linear | None, labels: int) -> None:
        super().__init__()
        self.register_buffer("center", center)
        self.teacher_classes = teacher_classes
        self.feature = nn.Linear(WIDTHS[-1], len(center))
        self.classes = None if teacher_classes is None else nn.Linear(WIDTHS[-1], teacher_classes.out_features)
        self.labels = nn.Linear(WIDTHS[-1], labels) if labels > 1 else None

    def forward(self, maps: torch.Tensor, targets: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        """Compute the loss of (n, 256, h, w) ``maps`` of features: the total under ``loss``, and its terms.

        ``targets`` (n, parts, D) are the teacher's features, one or four to a picture; ``parts`` needs
        four. ``labels`` (n,) int64, -1 where there is none.
        """
        parts = functional.adaptive_avg_pool2d(maps, PARTS).flatten(2).transpose(1, 2)
        pooled, wanted = parts.mean(1), targets.mean(1)
        terms = {"feature": self._angle(pooled, wanted)}
        total = FEATURE * terms["feature"]
        if targets.shape[1] == PARTS**2:
            terms["parts"] = self._angle(parts, targets)
            total = total + PART * terms["parts"]
        if self.classes is not None and self.teacher_classes is not None:
            terms["classes"] = _divergence(self.classes(pooled), self.teacher_classes(wanted))
            total = total + CLASSES * terms["classes"]
        if self.labels is not None and bool((labels >= 0).any()):
            terms["labels"] = functional.cross_entropy(
                self.labels(pooled), labels, ignore_index=-1, label_smoothing=0.1
            )
            total = total + LABELS * terms["labels"]
        return {"loss": total, **terms}

    def _angle(self, ours: torch.Tensor, theirs: torch.Tensor) -> torch.Tensor:
        return 1 - functional.cosine_similarity(self.feature(ours), theirs - self.center, dim=-1).mean()


def _divergence(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    ours, theirs = (functional.log_softmax(logits / TEMPERATURE, 1) for logits in (student, teacher))
    return functional.kl_div(ours, theirs, log_target=True, reduction="batchmean") * TEMPERATURE**2
