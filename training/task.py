"""One training from photos to the packaged file, by as many processes as are wanted."""

from __future__ import annotations

import json
import os
import uuid
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import typer
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException, start_processes

from imgsim.errors import ArgumentError, ImgsimError
from imgsim.images.load import load_images
from imgsim.io.atomic import sweep
from training.distill import Distiller, Schedule, run
from training.package import read_packaged, write_packaged
from training.photos import PhotoSet, prepare
from training.reports import check_mlflow, reporter, tell
from training.teacher import Teacher
from training.team import Team


@dataclass(frozen=True)
class Task:
    """The order for a training; ``work`` holds prepared photos, checkpoints and the MLflow run's id."""

    photos: list[str]
    output: Path
    teacher: str
    weights: Path | None
    teacher_size: int | None
    work: Path
    views: int
    side: int
    schedule: Schedule
    start: Path | None
    device: str
    mlflow: bool

    def run(self, processes: int = 1) -> None:
        """Train to the end and write ``output``; stopped or killed, the same task goes on where it was.

        Raises
        ------
        ArgumentError
            Several processes for something else than a CPU, an output that cannot be written, or
            photos that cannot be used.
        BackboneError
            A teacher, or packaged weights to start from, that cannot be read.
        ImgsimError
            One of several processes failed.
        """
        if processes > 1 and self.device != "cpu":
            raise ArgumentError(
                f"several processes train on a CPU, one trains on {self.device}: leave --processes out."
            )
        self._check()
        sweep(self.work)
        network, sets = self._prepared(progress=True)
        if processes == 1:
            self.member(Team(), network, sets)
            return
        meeting = self.work / f".meeting-{uuid.uuid4().hex}.tmp"
        try:
            start_processes(_join, (self, processes, meeting.absolute()), processes, start_method="spawn")  # type: ignore[no-untyped-call]
        except ProcessRaisedException as error:
            raise ImgsimError(str(error).strip().splitlines()[-1].partition("Error: ")[2] or str(error)) from error
        except ProcessExitedException as error:
            raise ImgsimError(f"{error}; run the same command again to go on from the last checkpoint.") from error
        finally:
            meeting.unlink(missing_ok=True)

    def _check(self) -> None:
        """Refuse at once what would otherwise be found after hours."""
        folder = next(parent for parent in self.output.absolute().parents if parent.exists())
        if self.output.is_dir() or not os.access(folder, os.W_OK):
            raise ArgumentError(
                f"{self.output} cannot be written; give another --output, a file that ends in .safetensors."
            )
        if self.start:
            read_packaged(self.start)
        if self.mlflow:
            check_mlflow()

    def _prepared(self, progress: bool) -> tuple[Teacher, list[PhotoSet]]:
        network = Teacher(self.teacher, self.weights, self.teacher_size, self.device)
        where, seed, sets = self.work / "photos", self.schedule.seed, []
        tables = [load_images(source, progress=progress) for source in self.photos]  # a wrong one is refused at once
        for source, table in zip(self.photos, tables, strict=True):
            photos = prepare(table, where, network, self.views, self.side, seed, progress, Path(source).name)
            undecoded = np.setdiff1d(np.arange(len(table)), photos.rows)
            lost = [*table.rejected["path"], *(table.paths[row] for row in undecoded)]
            if progress and lost:
                tell(f"{source}: {len(lost)} left out that cannot be read: {', '.join(lost[:5])}")
            sets.append(photos)
        return network, sets

    def member(self, team: Team, network: Teacher, sets: list[PhotoSet]) -> None:
        """Train as one of a team, on batches of its own; the first reports and writes."""
        first_one, checkpoint = (self.work / f"checkpoint-{rank}.pt" for rank in (0, team.rank))
        going_on = first_one.exists()
        start = read_packaged(self.start) if self.start and not going_on else None
        distiller = Distiller(sets, network.head, self.schedule, torch.device(self.device), start, team)
        if going_on:  # its weights are the team's, however many are in it now
            distiller.resume(first_one, checkpoint)
        first = team.rank == 0
        if first and distiller.samples:
            unused = ", and --start is not read again" if self.start else ""
            tell(f"going on from {checkpoint}: {distiller.samples:,} samples seen{unused}")
            if distiller.share >= 1:
                tell(
                    "nothing is left to train: give more --samples or --minutes, or another --work for a new training."
                )
        facts, seen = self._facts(network, sets, team), distiller.samples
        telling = reporter(self.work, facts, self.output, self.mlflow, seen) if first else nullcontext(_nothing)
        with telling as report:
            run(distiller, checkpoint, report)
            if first:
                write_packaged(distiller.packaged(), self.output)
        if first:
            written = {"output": str(self.output), "bytes": self.output.stat().st_size, "samples": distiller.samples}
            typer.echo(json.dumps(written | {name: facts[name] for name in ("teacher", "photos", "views")}))

    def _facts(self, network: Teacher, sets: list[PhotoSet], team: Team) -> dict[str, Any]:
        """Return the parameters that MLflow is told."""
        return {
            "sources": ", ".join(Path(source).name for source in self.photos),
            "photos": sum(len(photos.rows) for photos in sets),
            "teacher": network.identity,
            "views": self.views,
            "side": self.side,
            "start": self.start.name if self.start else "chance",
            "processes": team.size,
            **vars(self.schedule),
        }


def _join(rank: int, task: Task, size: int, meeting: Path) -> None:
    """Run one process of a team."""
    torch.set_num_threads(1)
    team = Team(rank, size, meeting)
    try:
        task.member(team, *task._prepared(progress=False))
    finally:
        team.leave()


def _nothing(_: dict[str, float]) -> None:
    """Report nothing, as all but the first do."""
