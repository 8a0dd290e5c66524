"""The command ``imgsim mcp``, asked by the client of the package mcp through a process, as assistants do."""

import asyncio
import base64
import os
import sys

import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from typer.testing import CliRunner

from imgsim.cli import app


@pytest.fixture
def saved(tiny_model, tmp_path):
    tiny_model.save(tmp_path / "tiny")
    return str(tmp_path / "tiny")


def talk(*models, do):
    """Start the command for models, and return what ``do`` returns of a client."""

    async def session():
        server = StdioServerParameters(
            command=sys.executable, args=["-m", "imgsim", "mcp", *models], env=dict(os.environ)
        )
        async with Client(stdio_client(server)) as client:
            return await do(client)

    return asyncio.run(asyncio.wait_for(session(), 120))


def test_an_assistant_looks_around(saved, tiny_model):
    async def do(client):
        tools = (await client.list_tools()).tools
        models = await client.call_tool("list_models", {})
        similar = await client.call_tool("find_similar", {"image": tiny_model.images.paths[0], "k": 3})
        shown = await client.call_tool("show_picture", {"image": tiny_model.images.paths[0]})
        wrong = await client.call_tool("find_similar", {"image": "no/such.jpg"})
        return tools, models, similar, shown, wrong

    tools, models, similar, shown, wrong = talk(saved, do=do)
    assert {tool.name for tool in tools} == {
        "list_models",
        "find_similar",
        "show_picture",
        "duplicates",
        "label_errors",
        "insight",
    }
    assert all(tool.annotations.read_only_hint and tool.description for tool in tools)
    assert models.structured_content["result"][0]["model"] == saved
    expected = tiny_model.query([tiny_model.ids[0]], k=4)["reference_label"].tolist()[1:]
    assert [row["id"] for row in similar.structured_content["neighbors"]] == expected
    assert base64.b64decode(shown.content[0].data) == tiny_model.thumbnails([0])[0]
    assert wrong.is_error
    assert "no/such.jpg" in wrong.content[0].text


def test_a_model_given_twice_is_refused(saved):
    result = CliRunner().invoke(app, ["mcp", saved, saved])
    assert result.exit_code == 1
    assert "given twice" in result.output
