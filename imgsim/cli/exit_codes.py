"""Outcomes of a command, each as an exit code and one clean message."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

from imgsim.cli.console import note
from imgsim.errors import ImgsimError

FAILED = 1
INTERRUPTED = 130
TYPED = {
    "imgsim.list_backbones()": "imgsim backbones",
    "imgsim.mlflow.flavor.load_model(uri)": "models:/NAME@ALIAS",
    "give root, where": "give --root DIR, where",
}
"""What the library's messages advise in Python, as it is typed on the command line."""
_ARGUMENT = re.compile(r"\b(backbone|weights|device)='([^']*)'")
STOPPED = "stopped. Features stored so far are kept: the same command goes on from there."


class CleanGroup(TyperGroup):
    """A group of commands whose expected errors are messages; ``--debug`` lets them through as tracebacks."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        debug = bool(ctx.params.get("debug"))
        try:
            with _clean_warnings(debug):
                return super().invoke(ctx)
        except KeyboardInterrupt:
            if debug:
                raise
            note(STOPPED)
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            raise
        except (ImgsimError, OSError) as error:
            if debug:
                raise
            note(f"error: {_message(error)}")
            raise typer.Exit(FAILED) from None


def _message(error: Exception) -> str:
    if isinstance(error, OSError) and not isinstance(error, ImgsimError) and error.strerror:
        return f"{error.filename}: {error.strerror.lower()}." if error.filename else f"{error.strerror.lower()}."
    return _typed(str(error)) or type(error).__name__


def _typed(message: str) -> str:
    for python, typed in TYPED.items():
        message = message.replace(python, typed)
    return _ARGUMENT.sub(r"--\1 \2", message)


@contextmanager
def _clean_warnings(debug: bool) -> Iterator[None]:
    """Show warnings as messages, without the line of code that raised them."""
    with warnings.catch_warnings():
        if not debug:
            warnings.showwarning = _show_warning
        yield


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    note(f"warning: {message}")
