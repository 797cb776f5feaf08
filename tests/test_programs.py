"""What docs/programs.md shows is run here, against the app with the toy encoder."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from index.article import Article
from index.build import build_index
from index.embeddings import Encoder
from qa.answer import Answerer
from qa.confidence import load_calibration
from qa.reader import FusedReader

SHOWN = (Path(__file__).parent.parent / "docs" / "programs.md").read_text(encoding="utf-8")

pytestmark = [
    pytest.mark.browser,  # not one, but as slow to start
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def code(language: str) -> str:
    return "\n".join(re.findall(rf"```{language}\n(.*?)```", SHOWN, re.DOTALL))


@pytest.fixture(scope="module")
def address(encoder: Encoder, small_article: Article, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    from app import _keep_local_calls_off_proxies, build_app, looks

    def open_article(article: Article) -> Answerer:
        index = build_index(article, encoder)
        return Answerer(index, encoder, FusedReader(), load_calibration("fused"), min_confidence=0.3)

    _keep_local_calls_off_proxies()
    app = build_app(small_article, open_article=open_article, cache=tmp_path_factory.mktemp("kept"))
    _, url, _ = app.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, _frontend=False, **looks())
    yield url.rstrip("/")
    app.close()


def test_the_python_that_is_shown_runs(address):
    names: dict[str, Any] = {}
    exec(code("python").replace("http://127.0.0.1:7860", address), names)
    assert names["answer"]["article"]["title"] == "News"
    assert [record["id"] for record in names["records"]] == [1, 2]
    assert [record["error"] for record in names["records"]] == [None, None]
    assert names["figures"]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_shell_that_is_shown_runs(address):
    ran = subprocess.run(
        ["sh", "-c", code("sh").replace("http://127.0.0.1:7860", address)], capture_output=True, text=True, check=True
    )
    last = [line for line in ran.stdout.splitlines() if line.startswith("data:")][-1]
    (answer,) = json.loads(last.removeprefix("data:"))
    assert {"answered", "confidence", "sentence"} <= answer.keys()


def test_every_endpoint_is_shown():
    shown = set(re.findall(r'api_name="/(\w+)"', SHOWN))
    assert shown == {"ask", "open", "articles", "batch", "evaluate"}
