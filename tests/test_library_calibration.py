"""training/library.py: what a library's confidence is fitted on, and that fitting finds what is there to be found."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import WordEncoder

from library import create_library
from qa.confidence import Calibration
from qa.library_answer import LibraryAnswerer
from qa.reader import FusedReader
from training.choose import FEATURES
from training.library import Noting, fit_lines, halves, lines_of, read

DATA = [
    {"id": "a", "title": "Flood", "paragraphs": ["The flood was bad.", "The river rose on Monday."],
     "questions": [
         {"id": "a1", "question": "When did the river rise?",
          "answers": [{"text": "Monday", "paragraph": 1, "start": 18}]},
         {"id": "a2", "question": "And then?", "history": [["Who?", "Me"]],
          "answers": [{"text": "Monday", "paragraph": 1, "start": 18}]},
         {"id": "a3", "question": "Who sang?", "answerable": False, "answers": []},
     ]},
    {"id": "b", "title": "Mayor", "paragraphs": ["The mayor will rebuild the bridge."],
     "questions": [{"id": "b1", "question": "What will the mayor do?",
                    "answers": [{"text": "rebuild the bridge", "paragraph": 0, "start": 15}]}]},
]  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "set.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(record) + "\n" for record in DATA)
    return path


def test_only_questions_that_stand_alone_and_have_an_answer_are_asked(data):
    articles, asked = read(data)
    assert [one.id for one in asked] == ["a1", "b1"]
    text = articles[0].article.text
    assert [text[start:end] for start, end in asked[0].places] == ["Monday"]


def test_a_line_says_what_confidence_looked_at_and_without_its_article_nothing_is_right(data, tmp_path):
    encoder = WordEncoder()
    articles, asked = read(data)
    noting = Noting("fused", 0.0, {"top_logit": 1.0}, 0.3)
    with create_library(tmp_path / "lib", encoder) as library:
        library.add(articles, encoder)
        answerer = LibraryAnswerer(library, encoder, FusedReader(), noting)
        lines = list(lines_of(library, list(enumerate(asked)), answerer, noting))
    assert [(line["id"], line["within"], line["right"]) for line in lines] == [
        ("a1", True, True),
        ("a1", False, False),
        ("b1", True, True),
    ]
    for line in lines:
        assert line["confidence"] == pytest.approx(1 / (1 + math.exp(-line["features"]["top_logit"])))
        assert set(FEATURES) <= line["features"].keys()


def test_an_article_is_in_one_half_only_and_always_in_the_same():
    names = [f"article {n}" for n in range(11)] * 3
    one, two = halves(names)
    assert one.isdisjoint(two)
    assert (len(one), len(two)) == (6, 5)
    assert halves(list(reversed(names))) == (one, two)


def line(number: int, logit: float, *, right: bool) -> dict[str, Any]:
    seen = {**dict.fromkeys(FEATURES, 0.0), "top_logit": logit}
    return {"article": str(number), "features": seen, "right": right, "confidence": 0.1, "within": True}


def test_what_is_fitted_gives_the_probability_that_the_lines_show(capsys):
    """Right with probability 1 / (1 + e^-(1 + 2 x)): the fit should find 2 and 1."""
    rng = np.random.default_rng(0)
    lines = []
    for number, logit in enumerate(rng.normal(size=4000)):
        lines.append(line(number, float(logit), right=bool(rng.random() < 1 / (1 + math.exp(-1 - 2 * logit)))))
    found = fit_lines(lines, threshold=0.3)
    assert isinstance(found, Calibration)
    assert found.coefficients["top_logit"] == pytest.approx(2, abs=0.35)
    assert found.intercept == pytest.approx(1, abs=0.25)
    told = capsys.readouterr().out
    assert "2,000 lines of 2,000 articles fit; 2,000 of 2,000 held out" in told
