"""What the tests share: a toy encoder whose cosines can be done by hand, a small article, and its index."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import pytest

from index.article import Article, article_from_text
from index.build import ArticleIndex, build_index
from index.embeddings import FloatArray, unit_rows

SMALL_ARTICLE = """The great flood

The river rose on Monday. By 1953 the old bridge had stood for ninety years.
The flood took the bridge in one night, and nobody was hurt.

Mayor Jane Carter said the town would rebuild it. Work began in the spring and cost £2,000.
"""


class WordEncoder:
    """One dimension per known word: the cosine of two texts can be done by hand.

    "The river, the river, the flood" counts river 2, flood 1; against "river" its cosine is 2 / sqrt(2*2 + 1*1).
    A text with no known word is the zero vector, whose cosine with everything is 0.
    """

    name = "toy-words"
    words = ("river", "flood", "bridge", "1953", "mayor", "rebuild", "spring")
    fingerprint = hashlib.sha256(" ".join(words).encode()).hexdigest()
    dim = len(words)

    def encode_documents(self, texts: Sequence[str]) -> FloatArray:
        counts = np.array([[text.lower().count(word) for word in self.words] for text in texts], dtype=np.float32)
        return unit_rows(counts.reshape(len(texts), self.dim))

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        return self.encode_documents(texts)


@pytest.fixture(scope="session")
def encoder() -> WordEncoder:
    return WordEncoder()


@pytest.fixture(scope="session")
def small_article() -> Article:
    return article_from_text(SMALL_ARTICLE, title="The great flood", source="tests/conftest.py")


@pytest.fixture(scope="session")
def small_index(small_article: Article, encoder: WordEncoder) -> ArticleIndex:
    return build_index(small_article, encoder)
