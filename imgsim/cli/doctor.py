"""``imgsim doctor``: whether this machine has what is needed."""

from __future__ import annotations

from dataclasses import asdict

import typer

from imgsim.cli.console import emit, plain, print_table, say
from imgsim.cli.load import AsJson


def doctor(as_json: AsJson = False) -> None:
    """Check packages, disk, weights, decoders, the network and MLflow; exit code 1 when something required fails."""
    from imgsim.cli.doctor_checks import run_checks
    from imgsim.progress import status

    with status("checking", enabled=not as_json):
        results = run_checks()
    failed = [result for result in results if result.status == "failed"]
    if as_json:
        emit({"ok": not failed, "checks": [asdict(result) for result in results]})
    else:
        print_table(("check", "result", "detail"), [(r.name, r.status, r.detail) for r in results])
        for result in results:
            if result.advice:
                say(f"{plain(result.name)}: {plain(result.advice)}")
        say(f"{len(failed)} of {len(results)} checks failed." if failed else "Everything required works.")
    if failed:
        raise typer.Exit(1)
