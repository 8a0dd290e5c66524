"""The training loop: seeded, resumable after a kill, annealed to zero at a given number of samples or minutes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from imgsim.backbones.mini.network import MiniEncoder
from imgsim.errors import ArgumentError
from imgsim.io.atomic import atomic_path
from training.augment import mirror_parts, student_view
from training.loss import Distillation
from training.muon import Muon
from training.network import TrainableEncoder
from training.photos import PhotoSet
from training.precision import fast_bfloat16
from training.team import EVERY, Team

Report = Callable[[dict[str, float]], None]

AVERAGE = 0.995
"""Decay of the exponential moving average of weights that is packaged."""


@dataclass(frozen=True)
class Schedule:
    """Length and rates of a run, which ends at ``samples`` or after ``minutes`` of training, whichever comes first.

    ``sizes`` are the pixels of the student's input, each for an equal share of the run (progressive
    resizing, Howard et al. 2018); ``lr`` rises for ``warmup`` of the run and falls along a cosine.
    """

    samples: int = 4_000_000
    minutes: float = math.inf
    batch: int = 256
    lr: float = 2e-3
    warmup: float = 0.03
    sizes: tuple[int, ...] = (48, 64, 64, 80)
    seed: int = 0

    def rate(self, share: float) -> float:
        """Return the learning rate after ``share`` of the run."""
        if share < self.warmup:
            return self.lr * max(0.02, share / self.warmup)
        return self.lr * 0.5 * (1 + math.cos(math.pi * min(1.0, (share - self.warmup) / (1 - self.warmup))))

    def size(self, share: float) -> int:
        """Return the pixels of the student's input after ``share`` of the run."""
        return self.sizes[min(len(self.sizes) - 1, int(share * len(self.sizes)))]


class Batches:
    """Random photos of all sets, each photo as often as every other, each with one of its crops."""

    def __init__(self, sets: Sequence[PhotoSet], seed: int) -> None:
        self.sets = sets
        self._numbers: dict[str, int] = {}
        self._labels = [self._number(photos.labels) for photos in sets]
        self.classes = len(self._numbers)
        self._ends = np.cumsum([len(photos.rows) for photos in sets])
        self.random = np.random.default_rng(seed)

    def _number(self, labels: Sequence[str | None]) -> NDArray[np.int64]:
        """Turn labels into numbers, the same name the same in all sets; -1 for none, or where all photos share one."""
        names = {label for label in labels if label is not None}
        if len(names) < 2:
            return np.full(len(labels), -1)
        for name in sorted(names):
            self._numbers.setdefault(name, len(self._numbers))
        return np.array([-1 if label is None else self._numbers[label] for label in labels])

    def draw(self, count: int) -> Iterator[tuple[NDArray[Any], ...]]:
        """Draw (m, side, side, 3) pixels, (m, 4) boxes, (m, parts, D) targets and (m,) labels, one group per set."""
        drawn = np.sort(self.random.integers(self._ends[-1], size=count))
        for index, photos in enumerate(self.sets):
            start = self._ends[index - 1] if index else 0
            rows = photos.rows[drawn[(drawn >= start) & (drawn < self._ends[index])] - start]
            if not len(rows):
                continue
            views = self.random.integers(len(photos.targets), size=len(rows))
            targets = np.stack([photos.targets[v][row] for v, row in zip(views, rows, strict=True)])
            yield photos.pixels[rows], photos.boxes[views, rows], targets, self._labels[index][rows]


class Distiller:
    """Everything that a checkpoint holds, and one step of training."""

    def __init__(
        self,
        sets: Sequence[PhotoSet],
        classes: nn.Linear | None,
        schedule: Schedule,
        device: torch.device,
        start: MiniEncoder | None = None,
        team: Team | None = None,
    ) -> None:
        torch.manual_seed(schedule.seed)
        self.schedule, self.device, self.team = schedule, device, team or Team()
        self.photos = [photos.name for photos in sets]
        self.batches = Batches(sets, schedule.seed + self.team.rank)
        self.random = torch.Generator(device).manual_seed(schedule.seed + self.team.rank)
        sample = np.concatenate([photos.targets[0][photos.rows[:: 1 + len(photos.rows) // 1000]] for photos in sets])
        center = torch.from_numpy(sample.astype(np.float32).mean((0, 1)))
        self.network = TrainableEncoder()
        if start is not None:
            self.network.unfold(start, self._batch(schedule.size(0))[0].cpu())
        self.network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.heads = Distillation(center, classes, self.batches.classes).to(device)
        average = torch.optim.swa_utils.get_ema_multi_avg_fn(AVERAGE)  # type: ignore[no-untyped-call]
        self.average = torch.optim.swa_utils.AveragedModel(self.network, multi_avg_fn=average, use_buffers=True)
        self.optimizers = self._optimizers()
        self.samples = 0
        self.seconds = 0.0

    def _optimizers(self) -> list[torch.optim.Optimizer]:
        trained = [p for p in (*self.network.parameters(), *self.heads.parameters()) if p.requires_grad]
        kernels = [p for p in self.network.parameters() if p.ndim == 4 and p.shape[1] > 3]
        own = {id(p) for p in kernels}
        rest = [p for p in trained if id(p) not in own]
        groups = [
            {"params": [p for p in rest if p.ndim > 1], "weight_decay": 0.02},
            {"params": [p for p in rest if p.ndim == 1], "weight_decay": 0.0},
        ]
        lr = self.schedule.lr
        return [Muon(kernels, lr), torch.optim.AdamW(groups, lr=lr, betas=(0.9, 0.99))]

    @property
    def share(self) -> float:
        """Share of the run that is done, 0 to 1."""
        return min(1.0, max(self.samples / self.schedule.samples, self.seconds / 60 / self.schedule.minutes))

    def _batch(self, size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Make (batch, 3, size, size) normalised views, (batch, parts, D) targets and (batch,) numbers of labels."""
        views, targets, labels = [], [], []
        for group in self.batches.draw(self.schedule.batch):
            pixels, boxes, wanted, numbers = (torch.from_numpy(np.ascontiguousarray(a)).to(self.device) for a in group)
            view, mirrored = student_view(pixels, boxes, size, self.random)
            views.append(view)
            targets.append(mirror_parts(wanted.float(), mirrored))
            labels.append(numbers)
        x = torch.cat(views).contiguous(memory_format=torch.channels_last)
        return x, torch.cat(targets), torch.cat(labels)

    def step(self) -> dict[str, torch.Tensor]:
        """Train on one batch; returns the loss and its terms."""
        began = time.perf_counter()
        size = self.schedule.size(self.share)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.schedule.rate(self.share)
        self.network.zero_grad()
        self.heads.zero_grad()
        x, targets, labels = self._batch(size)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=fast_bfloat16(self.device)):
            maps = self.network(x)
        terms: dict[str, torch.Tensor] = self.heads(maps.float(), targets, labels)
        terms["loss"].backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        for optimizer in self.optimizers:
            optimizer.step()
        self.average.update_parameters(self.network)
        self.samples += self.schedule.batch * self.team.size
        self.seconds += time.perf_counter() - began
        return {name: value.detach() for name, value in terms.items()}

    def meet(self) -> None:
        """Average the weights of the team: those in training, and those that are packaged."""
        for module in (self.network, self.heads, self.average):
            self.team.average([t for t in module.state_dict().values() if t.is_floating_point()])

    def packaged(self) -> MiniEncoder:
        """Return the averaged network, folded."""
        network: Any = self.average.module
        return network.fold()  # type: ignore[no-any-return]

    def save(self, path: Path) -> None:
        """Write a checkpoint; the one before it stays until this one is complete."""
        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "heads": self.heads.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "samples": self.samples,
            "seconds": self.seconds,
            "views": self.random.get_state(),
            "batches": self.batches.random.bit_generator.state,
            "photos": self.photos,
        }
        with atomic_path(path) as temporary:
            torch.save(state, temporary)

    def resume(self, path: Path, own: Path | None = None) -> None:
        """Go on from what `save` wrote; a member of a team draws on from ``own``, where it has one, or anew.

        Raises
        ------
        ArgumentError
            The checkpoint is of other photos or another teacher.
        """
        state = torch.load(path, map_location=self.device, weights_only=True)
        if state["photos"] != self.photos:
            raise ArgumentError(
                f"{path} is of other photos, another teacher or another seed. Give another --work, or remove it."
            )
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.heads.load_state_dict(state["heads"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.samples, self.seconds = state["samples"], state["seconds"]
        own = own or path
        if own.exists():
            drawn = state if own == path else torch.load(own, map_location=self.device, weights_only=True)
            self.random.set_state(drawn["views"].cpu())
            self.batches.random.bit_generator.state = drawn["batches"]


def run(distiller: Distiller, checkpoint: Path, report: Report, every: float = 30.0, save_every: float = 60.0) -> None:
    """Train to the end: averages to ``report`` every ``every`` seconds, a checkpoint every ``save_every``.

    Raises
    ------
    ArgumentError
        The loss is no longer a number; the checkpoint before that is kept.
    """
    distiller.network.train()
    distiller.meet()
    reported = saved = time.monotonic()
    sums: dict[str, float] = {}
    steps, since, done = 0, distiller.samples, distiller.team.agree(distiller.share >= 1)
    while not done:
        for _ in range(1 if distiller.team.size == 1 else EVERY):
            for name, value in distiller.step().items():
                sums[name] = sums.get(name, 0.0) + float(value)
            steps += 1
        distiller.meet()
        now, done = time.monotonic(), distiller.team.agree(distiller.share >= 1)
        if not math.isfinite(sums["loss"]):
            raise ArgumentError(
                f"the loss is no longer a number after {distiller.samples:,} samples; "
                "go on from the last checkpoint with a lower --lr."
            )
        if now - saved >= save_every or done:
            distiller.save(checkpoint)
            saved = now
        if now - reported >= every or done:
            rate = (distiller.samples - since) / max(1e-9, now - reported)
            left = distiller.seconds * (1 - distiller.share) / max(1e-9, distiller.share)
            means = {name: value / steps for name, value in sums.items()}
            report({"samples": distiller.samples, "samples_per_second": rate, "seconds_left": left, **means})
            reported, steps, since, sums = now, 0, distiller.samples, {}
