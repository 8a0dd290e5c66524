"""Options of the commands that take a network: ``--backbone``, ``--weights`` and how it is loaded."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Annotated, Any

import typer

from imgsim.arguments import DEFAULT_BACKBONE

_NAME = "the best installed (auto), another of `imgsim backbones`, 'timm:NAME', 'local-dir:FOLDER' or 'module:factory'."


@dataclass(frozen=True)
class NetworkChoice:
    """The network that the options of a command name; `options` are those of `imgsim.backbones.get.get_backbone`."""

    backbone: str = DEFAULT_BACKBONE
    weights: str | None = None
    options: dict[str, Any] = field(default_factory=dict)


DEFAULT_NETWORK = NetworkChoice()


def _parameters(about: str) -> dict[str, tuple[Any, Any]]:
    """Return name to (annotation, default) of the options."""
    text = str | None
    return {
        "backbone": (Annotated[str, typer.Option(help=f"Network{about}: {_NAME}")], DEFAULT_BACKBONE),
        "weights": (Annotated[text, typer.Option(help="File with the network's weights.")], None),
        "image_size": (Annotated[int | None, typer.Option(min=1, help="Pixels of its input's side.")], None),
        "pooling": (Annotated[str, typer.Option(help="Of its last features: model, cls, mean or gem.")], "model"),
        "resize": (Annotated[str, typer.Option(help="stretch, or model: as its library crops.")], "stretch"),
        "revision": (Annotated[text, typer.Option(help="Branch, tag or commit of a hub's repository.")], None),
        "cache_dir": (Annotated[text, typer.Option(help="Folder of downloaded weights.")], None),
    }


def takes_network(about: str = "") -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that gives a command these options in place of its parameter ``network``, a `NetworkChoice`.

    Parameters
    ----------
    about : str
        When the network is used, for the help.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True)
        added = _parameters(about)

        @wraps(command)
        def wrapper(*args: Any, **kwargs: Any) -> None:
            given = {name: kwargs.pop(name, default) for name, (_, default) in added.items()}
            choice = NetworkChoice(given.pop("backbone"), given.pop("weights"), given)
            command(*args, network=choice, **kwargs)

        parameters = [parameter for name, parameter in own.parameters.items() if name != "network"]
        place = list(own.parameters).index("network")
        kind = inspect.Parameter.KEYWORD_ONLY if any(p.kind is p.KEYWORD_ONLY for p in parameters) else None
        parameters[place:place] = [
            inspect.Parameter(name, kind or inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=hint, default=default)
            for name, (hint, default) in added.items()
        ]
        vars(wrapper)["__signature__"] = own.replace(parameters=parameters)
        wrapper.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters} | {"return": None}
        return wrapper

    return decorate
