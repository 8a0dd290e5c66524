"""Outcomes of a command, each as an exit code and one clean message."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

from imgsim.cli.console import note
from imgsim.cli.interrupts import INTERRUPTED, tell_stopped, was_interrupted
from imgsim.errors import ImgsimError
from imgsim.io.home import home

FAILED = 1
TYPED = {
    "imgsim.list_backbones()": "imgsim backbones",
    "imgsim.mlflow.flavor.load_model(uri)": "models:/NAME@ALIAS",
    "pass overwrite=True to": "give --overwrite to",
    "give root, where": "give --root DIR, where",
}
"""What the library's messages advise in Python, as it is typed on the command line."""
_ARGUMENT = re.compile(r"\b(backbone|weights|device)='([^']*)'")


class CleanGroup(TyperGroup):
    """A group of commands whose expected errors are messages; ``--debug`` lets them through as tracebacks."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        debug, new = bool(ctx.params.get("debug")), not home().exists()
        try:
            with _clean_warnings(debug):
                return super().invoke(ctx)
        except (KeyboardInterrupt, Exception) as error:
            if debug or isinstance(error, BrokenPipeError):
                raise
            if isinstance(error, KeyboardInterrupt) or was_interrupted():
                tell_stopped()
                raise typer.Exit(INTERRUPTED) from None
            if _belongs_to_typer(error):
                raise
            note(f"error: {_message(error)}")
            raise typer.Exit(FAILED) from None
        finally:
            if new and home().exists():
                note(f"made {home()}: features and records are kept there. IMGSIM_HOME chooses another folder.")


def _belongs_to_typer(error: Exception) -> bool:
    """Return whether Typer answers this itself: wrong usage, and the end of a command."""
    return type(error).__module__.partition(".")[0] in ("typer", "click")


def _message(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "memory is short. Close other programs, or give fewer images, dimensions or workers."
    if not isinstance(error, (ImgsimError, OSError)):
        said = " ".join(str(error).split())[:300]
        return (
            f"unexpected {type(error).__name__}: {said}. This is a fault of imgsim: please report it with what "
            "`imgsim --debug` prints before the same command."
        )
    if isinstance(error, OSError) and not isinstance(error, ImgsimError) and error.strerror:
        where = error.filename2 or error.filename  # of a copy, its target: sources have messages of their own
        return f"{where}: {error.strerror.lower()}." if where else f"{error.strerror.lower()}."
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
