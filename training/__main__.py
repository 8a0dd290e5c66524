"""The command: photos and a teacher in, the packaged network out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from imgsim.errors import ImgsimError

SMALLEST = 32
"""Pixels of which 2 x 2 places are left for the teacher's 2 x 2 parts."""

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def train(
    photos: Annotated[
        list[str], typer.Argument(help="Folders or Parquet tables of images; labels are used where there are some.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The packaged network, float16 .safetensors.")],
    teacher: Annotated[str, typer.Option(help="Backbone to learn from, or 'module:factory'.")] = "mobilenet_v2",
    weights: Annotated[Path | None, typer.Option(help="File with the teacher's weights.")] = None,
    teacher_size: Annotated[
        int | None, typer.Option(help="Pixels of the teacher's input; 160 suits photos of 64.")
    ] = None,
    work: Annotated[
        Path, typer.Option(help="Where prepared photos and the checkpoint lie: run again to go on.")
    ] = Path("training"),
    views: Annotated[int, typer.Option(min=1, help="Crops of each photo that the teacher judges.")] = 4,
    side: Annotated[int, typer.Option(min=32, help="Pixels of the stored pictures.")] = 96,
    samples: Annotated[int, typer.Option(min=1, help="Train on this many crops (whole batches) ...")] = 4_000_000,
    minutes: Annotated[float | None, typer.Option(help="... or for this long, whichever ends first.")] = None,
    sizes: Annotated[
        str, typer.Option(help="Pixels of the student's input, 32 or more, for equal shares of the run.")
    ] = "48,64,64,80",
    batch: Annotated[int, typer.Option(min=2)] = 256,
    lr: Annotated[float, typer.Option(help="Highest learning rate.")] = 2e-3,
    start: Annotated[Path | None, typer.Option(help="Packaged weights to go on from.")] = None,
    seed: Annotated[int, typer.Option()] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    processes: Annotated[int, typer.Option(min=1, help="Processes of one thread each, on a CPU.")] = 1,
    mlflow: Annotated[bool, typer.Option(help="Log to MLflow.")] = True,
) -> None:
    """Distil a teacher into ``mini``; stopped or killed, the same command goes on where it was."""
    from imgsim.backbones.runtime import resolve_device
    from training.distill import Schedule
    from training.task import Task

    try:
        pixels = tuple(int(size) for size in sizes.split(","))
    except ValueError:
        pixels = (0,)
    if min(pixels) < SMALLEST:
        raise typer.BadParameter(
            f"{sizes!r} is no list of pixels such as 48,64, {SMALLEST} or more", param_hint="--sizes"
        )
    if minutes is not None and not minutes > 0:
        raise typer.BadParameter(f"{minutes} is no time; leave it out for no limit", param_hint="--minutes")
    limit = float("inf") if minutes is None else minutes
    schedule = Schedule(samples, limit, batch, lr, sizes=pixels, seed=seed)
    where = resolve_device(device)
    task = Task(photos, output, teacher, weights, teacher_size, work, views, side, schedule, start, where, mlflow)
    task.run(processes)


def main() -> None:
    """Run the command; errors of the project are one line."""
    try:
        app(prog_name="python -m training")
    except (ImgsimError, OSError) as error:
        raise SystemExit(f"error: {error}") from error


if __name__ == "__main__":
    main()
