"""Data files go in; articles, questions with the places of their answers, and real sentences come out.

A line of a data file: {id, title, paragraphs[], questions[{question, answers[{text, paragraph, start}]}]}; gzip.
"""

from __future__ import annotations

import gzip
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from index.article import article_from_text
from index.sentences import split_sentences
from library import Incoming

BETWEEN = "\n\n"  # paragraphs


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the places of its answers in one article."""

    question: str
    source: str  # of the article
    places: tuple[tuple[int, int], ...]


def read(paths: Sequence[Path]) -> tuple[list[Incoming], list[Asked]]:
    """Return the articles of data files, and the questions that they answer."""
    articles: list[Incoming] = []
    asked: list[Asked] = []
    for path in paths:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                if "paragraphs" not in record:
                    continue
                starts = [0]
                for paragraph in record["paragraphs"]:
                    starts.append(starts[-1] + len(paragraph) + len(BETWEEN))
                text = BETWEEN.join(record["paragraphs"])
                article = article_from_text(text, title=record.get("title") or None, source=record["id"])
                articles.append(Incoming(article))
                if article.text != text:  # offsets would not hold
                    continue
                for question in record["questions"]:
                    places = tuple(
                        (
                            starts[one["paragraph"]] + one["start"],
                            starts[one["paragraph"]] + one["start"] + len(one["text"]),
                        )
                        for one in question.get("answers", ())
                        if one.get("start") is not None
                    )
                    if places and question.get("answerable", True) and not question.get("history"):
                        asked.append(Asked(question["question"], article.source, places))
    return articles, asked


def sentences_of(articles: Sequence[Incoming]) -> list[str]:
    """Return the sentences of articles, each text once, with single spaces, in the order in which they come."""
    return list(dict.fromkeys(" ".join(s.text.split()) for one in articles for s in split_sentences(one.article.text)))


def share(hits: Sequence[bool]) -> str:
    """Return the share of hits in per cent, with half its 95 % interval (Wald)."""
    found = sum(hits) / max(len(hits), 1)
    return f"{100 * found:.1f} ({196 * (found * (1 - found) / max(len(hits), 1)) ** 0.5:.1f})"


def machine() -> str:
    """Return what the figures were taken on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    libraries = ", ".join(f"{name} {version(name)}" for name in ("faiss-cpu", "numpy", "onnxruntime"))
    return f"{platform.machine()}, {cores} cores, Python {platform.python_version()}, {libraries}"
