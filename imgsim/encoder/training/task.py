"""One training from photos to the packaged file, by as many processes as are wanted."""

from __future__ import annotations

import json
import uuid
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import typer
from torch.multiprocessing.spawn import start_processes

from imgsim.encoder.training.distill import Distiller, Schedule, run
from imgsim.encoder.training.package import read_packaged, write_packaged
from imgsim.encoder.training.photos import PhotoSet, prepare
from imgsim.encoder.training.reports import reporter
from imgsim.encoder.training.teacher import Teacher
from imgsim.encoder.training.team import Team
from imgsim.errors import ArgumentError


@dataclass(frozen=True)
class Task:
    """What is trained, from what, until when; ``work`` holds prepared photos, checkpoints and the MLflow run's id."""

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
            Several processes for something else than a CPU, or photos that cannot be used.
        """
        if processes > 1 and self.device != "cpu":
            raise ArgumentError(
                f"several processes train on a CPU, one trains on {self.device}: leave --processes out."
            )
        network, sets = self._prepared(progress=True)
        if processes == 1:
            self.member(Team(), network, sets)
            return
        meeting = self.work / f".meeting-{uuid.uuid4().hex}"
        try:
            start_processes(_join, (self, processes, meeting.absolute()), processes, start_method="spawn")  # type: ignore[no-untyped-call]
        finally:
            meeting.unlink(missing_ok=True)

    def _prepared(self, progress: bool) -> tuple[Teacher, list[PhotoSet]]:
        network = Teacher(self.teacher, self.weights, self.teacher_size, self.device)
        where, seed = self.work / "photos", self.schedule.seed
        return network, [prepare(s, where, network, self.views, self.side, seed, progress) for s in self.photos]

    def member(self, team: Team, network: Teacher, sets: list[PhotoSet]) -> None:
        """Train as one of a team, on batches of its own; the first reports and writes."""
        schedule = replace(self.schedule, seed=self.schedule.seed + team.rank)
        start = read_packaged(self.start) if self.start else None
        distiller = Distiller(sets, network.head, schedule, torch.device(self.device), start, team)
        first_one, checkpoint = (self.work / f"checkpoint-{rank}.pt" for rank in (0, team.rank))
        if first_one.exists():  # its weights are the team's, however many are in it now
            distiller.resume(first_one, checkpoint)
        first = team.rank == 0
        if first and distiller.samples:
            typer.echo(f"going on from {checkpoint}: {distiller.samples:,} samples seen", err=True)
        photos = sum(len(photos.rows) for photos in sets)
        facts: dict[str, Any] = {"teacher": network.identity, "photos": photos, "views": self.views}
        telling = reporter(self.work, {**facts, **vars(schedule)}, self.mlflow) if first else nullcontext(_nothing)
        with telling as report:
            run(distiller, checkpoint, report)
        if first:
            write_packaged(distiller.packaged(), self.output)
            written = {"output": str(self.output), "bytes": self.output.stat().st_size, "samples": distiller.samples}
            typer.echo(json.dumps(written | facts))


def _join(rank: int, task: Task, size: int, meeting: Path) -> None:
    """One process of a team."""
    torch.set_num_threads(1)
    team = Team(rank, size, meeting)
    try:
        task.member(team, *task._prepared(progress=False))
    finally:
        team.leave()


def _nothing(_: dict[str, float]) -> None:
    """What all but the first report."""
