"""Prepared articles go in; the same come out, each question with "near": the sentences that look most like an answer.

    python -m training.near build/train.jsonl.gz build/train-near.jsonl.gz [--sets stories squad11 ...]

As at run time, a sentence's score is the question's cosine and its share of the question's words, weighed by how rare
they are in the article, each divided by the article's greatest, half and half. The right sentence is left in where it
is among them. A digest, a window of sentences that do not follow each other, is made of them (`training/examples.py`).
"""

import argparse
import gzip
import json
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index.embeddings import Encoder, FloatArray, open_encoder
from training.examples import content_words

MOST = 12  # sentences a question
FEWEST_SENTENCES = 6  # an article with fewer is read whole anyway


def likeness(question: str, words: Sequence[frozenset[str]], cosines: FloatArray) -> NDArray[np.float64]:
    """Return how much each sentence looks like an answer, float64 (sentences,), from 0 or below to 1."""
    spread = Counter(word for of_sentence in words for word in of_sentence)
    asked = content_words(question)
    shared = np.array([sum(math.log(1 + len(words) / spread[w]) for w in asked & of) for of in words])
    return 0.5 * cosines / max(float(cosines.max()), 1e-9) + 0.5 * shared / max(float(shared.max()), 1e-9)


def with_near(article: dict[str, Any], encoder: Encoder) -> dict[str, Any]:
    """Return the article, each of its questions with the rows of the sentences most like an answer, best first."""
    sentences = encoder.encode_documents(article["sentences"])
    questions = encoder.encode_queries([question["question"] for question in article["questions"]])
    words = [content_words(text) for text in article["sentences"]]
    found = []
    for question, cosines in zip(article["questions"], questions @ sentences.T, strict=True):
        scores = likeness(question["question"], words, cosines)
        found.append(question | {"near": [int(row) for row in np.argsort(-scores, kind="stable")[:MOST]]})
    return article | {"questions": found}


def main() -> None:
    """Find them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prepared", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--sets", nargs="+", default=["stories", "squad11", "squad2", "newwiki", "quoref", "coqa"])
    arguments = parser.parse_args()
    encoder = open_encoder(None, cache=None)
    with (
        gzip.open(arguments.prepared, "rt", encoding="utf-8") as lines,
        gzip.open(arguments.output, "wt", encoding="utf-8") as output,
    ):
        for line in lines:
            article = json.loads(line)
            if article["set"] in arguments.sets and len(article["sentences"]) >= FEWEST_SENTENCES:
                article = with_near(article, encoder)
            output.write(json.dumps(article, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
