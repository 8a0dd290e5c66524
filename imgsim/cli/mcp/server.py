"""Server of the Model Context Protocol: the tools, and how they say what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from mcp.server.mcpserver import Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

from imgsim import __version__
from imgsim.cli.mcp.answers import MOST, Answers
from imgsim.errors import ImgsimError

if TYPE_CHECKING:
    from imgsim.model import SimilarityModel

T = TypeVar("T")

Model = Annotated[str | None, Field(description="Which model, as list_models names it; default: the first.")]
Stored = Annotated[str, Field(description="Id or path of an image of the model.")]
Limit = Annotated[int, Field(ge=1, le=MOST, description="Rows to return.")]
Offset = Annotated[int, Field(ge=0, description="Rows to leave out at the start, for the next page.")]
INSTRUCTIONS = (
    "Collections of images with their nearest neighbours. Start with list_models. Distances are euclidean, from 0 (the "
    "same picture) to 2; only tools of imgsim itself change a collection."
)


def build_server(models: Mapping[str, SimilarityModel]) -> MCPServer[Any]:
    """Make a server of the Model Context Protocol whose tools read models and change nothing.

    Parameters
    ----------
    models : mapping of str to SimilarityModel
        At least one, by the names that clients use; the first is the default.
    """
    answers = Answers(models)
    server: MCPServer[Any] = MCPServer(
        "imgsim", instructions=INSTRUCTIONS, version=__version__, log_level="WARNING", subscriptions=False
    )
    reading = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)

    @server.tool(annotations=reading)
    def list_models() -> list[dict[str, Any]]:
        """List the models: images, labels, network, whether words can be asked, and the insights they carry."""
        return _told(answers.models)

    @server.tool(annotations=reading)
    def find_similar(
        image: Annotated[str | None, Field(description="Id or path of an image of the model.")] = None,
        file: Annotated[str | None, Field(description="Path of a picture on this machine.")] = None,
        text: Annotated[str | None, Field(description="Words, where the model takes words.")] = None,
        k: Limit = 10,
        label: Annotated[str | None, Field(description="Only images with this label.")] = None,
        model: Model = None,
    ) -> dict[str, Any]:
        """Find the images nearest to a stored image, a picture file or words: give one of image, file and text."""
        asked = {"image": image, "file": file, "text": text}
        given = {name: value for name, value in asked.items() if value is not None}
        return _told(lambda: answers.similar(model, given, k, label))

    @server.tool(annotations=reading)
    def show_picture(image: Stored, model: Model = None) -> Image:
        """Show the thumbnail of a stored image."""
        return Image(data=_told(lambda: answers.picture(model, image)), format="jpeg")

    @server.tool(annotations=reading)
    def duplicates(limit: Limit = 20, offset: Offset = 0, model: Model = None) -> dict[str, Any]:
        """List groups of duplicates, with the image to keep of each."""
        return _told(lambda: answers.insight(model, "duplicates", None, limit, offset))

    @server.tool(annotations=reading)
    def label_errors(limit: Limit = 20, offset: Offset = 0, model: Model = None) -> dict[str, Any]:
        """List labels that are probably wrong, the likeliest first, with the label that the neighbours suggest."""
        return _told(lambda: answers.insight(model, "label_errors", None, limit, offset))

    @server.tool(annotations=reading)
    def insight(
        name: Annotated[str, Field(description="Name of an insight, as list_models gives them.")],
        table: Annotated[str | None, Field(description="One of its tables; default: its highlights.")] = None,
        limit: Limit = 20,
        offset: Offset = 0,
        model: Model = None,
    ) -> dict[str, Any]:
        """Return the figures and rows of an insight: outliers, hubness, leaks, quality, clusters and others."""
        return _told(lambda: answers.insight(model, name, table, limit, offset))

    return server


def _told(answer: Callable[[], T]) -> T:
    """Return an answer; an error of imgsim becomes one that the client may read."""
    try:
        return answer()
    except ImgsimError as error:
        raise ToolError(str(error)) from error
