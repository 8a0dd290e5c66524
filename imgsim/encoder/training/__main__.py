"""The command: photos and a teacher in, the packaged network out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from imgsim.errors import ImgsimError

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
    samples: Annotated[int, typer.Option(min=1, help="Train on this many crops ...")] = 4_000_000,
    minutes: Annotated[float | None, typer.Option(help="... or for this long, whichever ends first.")] = None,
    sizes: Annotated[
        str, typer.Option(help="Pixels of the student's input, for equal shares of the run.")
    ] = "48,64,64,80",
    batch: Annotated[int, typer.Option(min=2)] = 256,
    lr: Annotated[float, typer.Option(help="Highest learning rate.")] = 2e-3,
    start: Annotated[Path | None, typer.Option(help="Packaged weights to go on from.")] = None,
    seed: Annotated[int, typer.Option()] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    mlflow: Annotated[bool, typer.Option(help="Log to MLflow.")] = True,
) -> None:
    """Distil a teacher into ``mini``; stopped or killed, the same command goes on where it was."""
    import torch

    from imgsim.encoder.training.distill import Distiller, Schedule, run
    from imgsim.encoder.training.package import read_packaged, write_packaged
    from imgsim.encoder.training.photos import prepare
    from imgsim.encoder.training.reports import reporter
    from imgsim.encoder.training.teacher import Teacher
    from imgsim.inference import resolve_device

    where = resolve_device(device)
    network = Teacher(teacher, weights, teacher_size, where)
    sets = [prepare(source, work / "photos", network, views, side, seed) for source in photos]
    schedule = Schedule(
        samples, minutes or float("inf"), batch, lr, sizes=tuple(int(size) for size in sizes.split(",")), seed=seed
    )
    distiller = Distiller(sets, network.head, schedule, torch.device(where), read_packaged(start) if start else None)
    checkpoint = work / "checkpoint.pt"
    if checkpoint.exists():
        distiller.resume(checkpoint)
        typer.echo(f"going on from {checkpoint}: {distiller.samples:,} samples seen", err=True)
    facts: dict[str, Any] = {"teacher": network.identity, "photos": sum(len(s.rows) for s in sets), "views": views}
    with reporter(work, {**facts, **vars(schedule)}, mlflow) as report:
        run(distiller, checkpoint, report)
    write_packaged(distiller.packaged(), output)
    typer.echo(
        json.dumps({"output": str(output), "bytes": output.stat().st_size, "samples": distiller.samples, **facts})
    )


def main() -> None:
    """Run the command; errors of the project are one line."""
    try:
        app(prog_name="python -m imgsim.encoder.training")
    except ImgsimError as error:
        raise SystemExit(f"error: {error}") from error


if __name__ == "__main__":
    main()
