"""Sphinx extension: writes the pages that follow from the code and from the measured figures; git ignores them.

- ``reference/api.md``: the public names, from ``imgsim.__all__``
- ``_generated/cli.md``: every command with its help, from the typer app
- ``_generated/benchmarks/*.md``: a table each, from ``benchmarks.json``
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

HERE = Path(__file__).parent
INTRODUCTION = """# Python API

All names of the first three tables are attributes of `imgsim`; `import imgsim` loads nothing heavy.
"""
KINDS = ("Functions", "Classes", "Errors")
ROOMS = {
    "Insights": (
        "imgsim.insights.compute.compute",
        "imgsim.references.insight.Insight",
        "imgsim.insights.registry.InsightKind",
    ),
    "Decisions": (
        "imgsim.decisions.open_decisions",
        "imgsim.decisions.Decisions",
        "imgsim.decisions.with_decided_labels",
        "imgsim.decisions.import_csv",
        "imgsim.decisions.export_csv",
        "imgsim.decisions.export_pairs_csv",
    ),
    "What a model holds": ("imgsim.references.references.References",),
    "Backbones": ("imgsim.backbones.spec.Backbone", "imgsim.backbones.spec.BackboneSpec"),
    "Core ML": (
        "imgsim.coreml.export_coreml",
        "imgsim.coreml.verify",
        "imgsim.coreml.Interpreter",
    ),
    "ONNX": ("imgsim.onnx_model.export_onnx", "imgsim.onnx_model.verify", "imgsim.onnx_model.OnnxModel"),
    "Exports for devices": ("imgsim.deployment.DeviceExport", "imgsim.deployment.VerificationReport"),
    "MLflow": (
        "imgsim.mlflow.flavor.load_model",
        "imgsim.mlflow.flavor.log_model",
        "imgsim.mlflow.flavor.save_model",
        "imgsim.mlflow.registry.register",
    ),
    "Many processes, many machines": (
        "imgsim.workers.get_workers",
        "imgsim.workers.InProcess",
        "imgsim.workers.Processes",
        "imgsim.workers.Ray",
        "imgsim.costs.measure",
        "imgsim.costs.plan",
    ),
}
"""Public names that are imported from a module of their own."""


def benchmarks() -> dict[str, dict[str, Any]]:
    """Return the committed results: by name a table's ``columns``, ``rows`` and where it was measured."""
    found: dict[str, dict[str, Any]] = json.loads((HERE / "benchmarks.json").read_text(encoding="utf-8"))
    return found


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def benchmark_page(result: Mapping[str, Any]) -> str:
    """Return a table with its machine, its command and its notes."""
    facts = [f"*Measured on {result['machine']}.*"] if "machine" in result else []
    facts += [f"```sh\n{result['command']}\n```"] if "command" in result else []
    return "\n\n".join([table(result["columns"], result["rows"]), *result.get("notes", ()), *facts]) + "\n"


def api_page() -> str:
    """Return the public names as tables of links: those of `imgsim` by kind, then those of its rooms."""
    import imgsim

    groups: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for name in imgsim.__all__:
        if not name.startswith("__"):
            groups[_kind(getattr(imgsim, name))].append(f"imgsim.{name}")
    tables = [_summary(title, names) for title, names in (groups | ROOMS).items()]
    return "\n".join([INTRODUCTION, *tables])


def _kind(value: Any) -> str:
    if not inspect.isclass(value):
        return "Functions"
    return "Errors" if issubclass(value, Exception) else "Classes"


def _summary(title: str, names: Sequence[str]) -> str:
    listed = "\n".join(f"   {name}" for name in names)
    return (
        f"## {title}\n\n```{{eval-rst}}\n.. autosummary::\n   :toctree: generated\n   :nosignatures:\n\n{listed}\n```\n"
    )


def cli_page() -> str:
    """Return every command of ``imgsim`` with its help."""
    return "\n".join(f"## {title}\n\n```text\n{text}\n```\n" for title, text in _helps())


def _helps() -> Iterator[tuple[str, str]]:
    import typer
    from typer.testing import CliRunner

    from imgsim.cli import app

    runner = CliRunner(env={"COLUMNS": "80", "TERMINAL_WIDTH": "80", "NO_COLOR": "1"})
    group: Any = typer.main.get_command(app)
    with group.make_context("imgsim", [], resilient_parsing=True) as context:
        names = group.list_commands(context)  # those that other packages add too
        inner = [(name, *(f"{name} {one}" for one in _commands(group.get_command(context, name)))) for name in names]
    for name in ("", *chain.from_iterable(inner)):
        result = runner.invoke(app, [*name.split(), "--help"], prog_name="imgsim", catch_exceptions=False)
        yield f"`imgsim {name}`" if name else "`imgsim`", result.output.strip()


def _commands(command: Any) -> list[str]:
    """Return the names of the commands of a group; none if it is no group."""
    return list(getattr(command, "commands", ()))


def write_pages() -> None:
    """Write all of them; a file that did not change keeps its time, so that its page is not built again.

    Stubs of names that are gone are removed: autosummary leaves them.
    """
    pages = {"reference/api.md": api_page(), "_generated/cli.md": cli_page()}
    pages |= {f"_generated/benchmarks/{name}.md": benchmark_page(result) for name, result in benchmarks().items()}
    for name, text in pages.items():
        path = HERE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
    for stub in (HERE / "reference" / "generated").glob("*.rst"):
        if f"   {stub.stem}\n" not in pages["reference/api.md"]:
            stub.unlink()


def setup(app: Sphinx) -> dict[str, Any]:
    """Write the pages before Sphinx lists what there is."""
    write_pages()
    return {"parallel_read_safe": True, "parallel_write_safe": True}
