"""The command ``imgsim`` in this process."""

from imgsim.cli import app


def imgsim_command(*arguments: object) -> int:
    """Run ``imgsim`` with these arguments; gives the exit code."""
    try:
        app([str(argument) for argument in arguments], prog_name="imgsim")
    except SystemExit as end:
        return int(end.code or 0)
    raise AssertionError("a command ends with an exit code")
