"""The text of an article comes in; its sentences go out, each with its place: text[start:end] is the sentence.

First version: see `split_sentences`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import version

import sentencex

SPLITTER = f"sentencex {version('sentencex')}, rules 1"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of an article and where it stands."""

    start: int  # offset of its first character in the article's text
    end: int  # offset after its last character
    text: str  # text[start:end] of the article, unchanged
    paragraph: int  # 0 is the first


def split_sentences(text: str) -> list[Sentence]:
    """Return the sentences of `text` in reading order; only white space lies between them."""
    sentences: list[Sentence] = []
    for number, paragraph in enumerate(re.finditer(r"\S(?:.*\S)?", text)):
        for found in sentencex.get_sentence_boundaries("en", paragraph.group()):
            inner = found["text"].strip()
            if inner:
                start = paragraph.start() + found["start_index"] + found["text"].index(inner)
                sentences.append(Sentence(start, start + len(inner), inner, number))
    return sentences
