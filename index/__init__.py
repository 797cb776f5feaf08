"""From an article to an index that can be searched by meaning.

    file, URL, pasted text
      └─ article.py ──► Article(title, text, source, fingerprint)
           └─ sentences.py ──► [Sentence(start, end, text, paragraph)]
                ├─ embeddings.py ──► vectors ─► faiss_store.py ─┐
                └─ terms.py (BM25) ─────────────────────────────┴─► build.py ──► ArticleIndex

What a user can put right is an `index.errors.UserError`. Importing this package loads no model library: torch,
FAISS and the document readers are imported by the call that needs them.
"""

from index.article import Article, article_from_text, builtin_article, read_article
from index.errors import UserError
from index.sentences import Sentence, split_sentences

__all__ = [
    "Article",
    "Sentence",
    "UserError",
    "article_from_text",
    "builtin_article",
    "read_article",
    "split_sentences",
]
