"""An article and an encoder go in; an ArticleIndex comes out, fresh, from a folder or from the cache."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from index.article import Article
from index.embeddings import Encoder
from index.errors import DamagedIndex, EmptyArticle, IndexMismatch, SavedIndexError
from index.faiss_store import FaissStore
from index.sentences import SPLITTER, Sentence, split_sentences
from index.terms import TERMS, Terms

FORMAT = 1
Progress = Callable[[str, int, int], None]  # what is being done, how many are done, of how many


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an index was built from."""

    format: int
    article: str
    title: str
    source: str
    splitter: str
    terms: str
    model: str
    model_fingerprint: str
    dim: int
    sentences: int


@dataclass(frozen=True, slots=True)
class ArticleIndex:
    """An article made searchable; row i of the store and of the terms is sentence i."""

    article: Article
    sentences: tuple[Sentence, ...]
    store: FaissStore
    terms: Terms
    manifest: Manifest


def build_index(article: Article, encoder: Encoder, *, progress: Progress | None = None) -> ArticleIndex:
    """Split, embed and weigh the article's sentences."""
    sentences = tuple(split_sentences(article.text))
    if not sentences:
        raise EmptyArticle(f"{article.source}: no sentence was found. Give a text with at least one sentence.")
    texts = [sentence.text for sentence in sentences]
    store = FaissStore.from_vectors(encoder.encode_documents(texts))
    manifest = Manifest(
        FORMAT, article.fingerprint, article.title, article.source, SPLITTER, TERMS,
        encoder.name, encoder.fingerprint, encoder.dim, len(sentences),
    )  # fmt: skip
    return ArticleIndex(article, sentences, store, Terms.from_sentences(texts), manifest)


def cache_folder() -> Path:
    """Return where indexes and graphs are kept."""
    chosen = os.environ.get("ARTICLE_QA_CACHE")
    if chosen:
        return Path(chosen)
    import platformdirs

    return Path(platformdirs.user_cache_dir("article-qa"))


def save_index(article_index: ArticleIndex, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    article_index.store.save(folder / "index.faiss")
    article_index.terms.save(folder / "terms.npz")
    (folder / "article.txt").write_bytes(article_index.article.text.encode("utf-8"))
    spans = np.array([(s.start, s.end, s.paragraph) for s in article_index.sentences], dtype=np.int64)
    np.save(folder / "sentences.npy", spans)
    (folder / "manifest.json").write_text(json.dumps(dataclasses.asdict(article_index.manifest)), "utf-8")


def load_index(folder: Path, *, encoder: Encoder | None = None, article: Article | None = None) -> ArticleIndex:
    try:
        manifest = Manifest(**json.loads((folder / "manifest.json").read_text("utf-8")))
        text = (folder / "article.txt").read_bytes().decode("utf-8")
        spans = np.load(folder / "sentences.npy")
        store = FaissStore.load(folder / "index.faiss")
        terms = Terms.load(folder / "terms.npz")
    except (OSError, ValueError, RuntimeError) as error:
        raise DamagedIndex(f"{folder}: the index cannot be read ({error}). Build it again.") from error
    if encoder is not None and encoder.fingerprint != manifest.model_fingerprint:
        raise IndexMismatch(f"{folder} was built with {manifest.model} but you are asking with {encoder.name}.")
    if article is not None and article.fingerprint != manifest.article:
        raise IndexMismatch(f"{folder} was built from another article.")
    sentences = tuple(Sentence(a, b, text[a:b], p) for a, b, p in spans.tolist())
    saved = Article(manifest.title, text, manifest.source, manifest.article)
    return ArticleIndex(article or saved, sentences, store, terms, manifest)


def open_index(article: Article, encoder: Encoder, *, cache: Path | None, progress: Progress | None = None) -> ArticleIndex:
    """Return the article's index from the cache when it is there, else build and store it."""
    if cache is None:
        return build_index(article, encoder, progress=progress)
    key = hashlib.sha256("\n".join((article.fingerprint, encoder.fingerprint, SPLITTER, TERMS)).encode()).hexdigest()
    folder = cache / "indexes" / key[:32]
    if folder.is_dir():
        try:
            return load_index(folder, encoder=encoder, article=article)
        except SavedIndexError as error:
            print(f"{error} It is built again.", file=sys.stderr)
    built = build_index(article, encoder, progress=progress)
    save_index(built, folder)
    return built
