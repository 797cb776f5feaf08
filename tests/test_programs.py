"""What docs/programs.md shows is run here, against the app with the toy encoder."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

SHOWN = (Path(__file__).parent.parent / "docs" / "programs.md").read_text(encoding="utf-8")

pytestmark = [
    pytest.mark.browser,  # not one, but as slow to start
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def code(language: str, *, section: str) -> str:
    """All that is shown in that language under the heading that begins so."""
    (under,) = (part for part in SHOWN.split("\n## ") if part.startswith(section))
    return "\n".join(re.findall(rf"```{language}\n(.*?)```", under, re.DOTALL))


@pytest.fixture(scope="module")
def address(serve_toy: Any) -> Iterator[str]:
    with serve_toy(mcp=True) as url:
        yield url.rstrip("/")


def test_the_python_that_is_shown_runs(address):
    names: dict[str, Any] = {}
    exec(code("python", section="With gradio_client").replace("http://127.0.0.1:7860", address), names)
    assert names["answer"]["article"]["title"] == "News"
    assert [record["id"] for record in names["records"]] == [1, 2]
    assert [record["error"] for record in names["records"]] == [None, None]
    assert names["figures"]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_shell_that_is_shown_runs(address):
    ran = subprocess.run(
        ["sh", "-c", code("sh", section="With plain HTTP").replace("http://127.0.0.1:7860", address)],
        capture_output=True,
        text=True,
        check=True,
    )
    last = [line for line in ran.stdout.splitlines() if line.startswith("data:")][-1]
    (answer,) = json.loads(last.removeprefix("data:"))
    assert {"answered", "confidence", "sentence"} <= answer.keys()


def test_the_assistant_that_is_shown_finds_the_tools_and_gets_an_answer(address):
    names: dict[str, Any] = {}
    exec(code("python", section="From an assistant").replace("http://127.0.0.1:7860", address), names)
    assert set(names["tools"]) == {"ask", "open", "articles", "batch", "evaluate"}
    assert names["answer"]["article"]["title"] == "The great flood"
    assert {"answered", "confidence", "sentence"} <= names["answer"].keys()


def test_an_assistant_that_asks_an_article_nobody_opened_is_told_so(address):
    async def ask() -> Any:
        async with (
            streamable_http_client(f"{address}/gradio_api/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            return await session.call_tool("ask", {"question": "Who?", "article": "0123456789abcdef"})

    result = asyncio.run(ask())
    assert result.isError
    assert "not open here any more" in result.content[0].text


def test_a_tool_tells_an_assistant_what_it_takes_and_gives(address):
    with urlopen(f"{address}/gradio_api/mcp/schema") as reply:
        tools = {tool["name"]: tool for tool in json.load(reply)}
    assert "one of its sentences" in tools["ask"]["description"]
    assert "plain English" in tools["ask"]["inputSchema"]["properties"]["question"]["description"]


def test_nothing_is_offered_to_assistants_without_the_flag(serve_toy):
    with serve_toy() as url, pytest.raises(HTTPError, match="404"):
        urlopen(f"{url.rstrip('/')}/gradio_api/mcp/schema")


def test_every_endpoint_is_shown():
    shown = set(re.findall(r'api_name="/(\w+)"', SHOWN))
    assert shown == {"ask", "open", "articles", "batch", "evaluate"}
