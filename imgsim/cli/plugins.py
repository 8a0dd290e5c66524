"""Commands that other packages add to ``imgsim`` by entry points of the group ``imgsim.commands``."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

import typer

from imgsim.cli.exit_codes import CleanGroup

GROUP = "imgsim.commands"


class PluginGroup(CleanGroup):
    """Looks for further commands when help is shown or a name is not its own; their modules are imported then."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands."""
        self._add_plugins()
        return super().list_commands(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command, None if there is none of this name."""
        if cmd_name not in self.commands:
            self._add_plugins()
        return super().get_command(ctx, cmd_name)

    def _add_plugins(self) -> None:
        for entry in entry_points(group=GROUP):
            if entry.name not in self.commands:
                self.add_command(_command(entry))


def _command(entry: EntryPoint) -> Any:
    """Return the command of a function that is annotated as Typer wants it."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(entry.name)(entry.load())
    return typer.main.get_command(app)
