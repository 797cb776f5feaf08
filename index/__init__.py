"""From an article to an index that can be searched by meaning.

    file, URL, pasted text
      └─ article.py ──► Article(title, text, source, fingerprint)
           └─ sentences.py ──► [Sentence(start, end, text, paragraph)]
                ├─ embeddings.py ──► vectors ─► faiss_store.py ─┐
                └─ terms.py (BM25) ─────────────────────────────┴─► build.py ──► ArticleIndex

What a user can put right is an `index.errors.UserError`. Importing this package loads no model library: torch,
FAISS and the document readers are imported by the call that needs them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from index.article import Article, article_from_text, builtin_article, read_article
from index.errors import UserError
from index.sentences import Sentence, split_sentences

if TYPE_CHECKING:
    from index.build import ArticleIndex, Manifest, build_index, load_index, open_index, save_index
    from index.embeddings import Encoder, open_encoder

__all__ = [
    "Article",
    "ArticleIndex",
    "Encoder",
    "Manifest",
    "Sentence",
    "UserError",
    "article_from_text",
    "build_index",
    "builtin_article",
    "load_index",
    "open_encoder",
    "open_index",
    "read_article",
    "save_index",
    "split_sentences",
]

# These need numpy, which `--help` does not: each is imported when it is first asked for.
_LATER = {
    "ArticleIndex": "index.build",
    "Encoder": "index.embeddings",
    "Manifest": "index.build",
    "build_index": "index.build",
    "load_index": "index.build",
    "open_encoder": "index.embeddings",
    "open_index": "index.build",
    "save_index": "index.build",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module 'index' has no attribute {name!r}")
