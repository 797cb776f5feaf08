"""An article and an encoder go in; an ArticleIndex comes out: built, or read from a folder or from the cache.

A saved index is a folder that a program may be killed over at any moment:

    FOLDER/manifest.json       names the one folder below that is in force, and the size and SHA-256 of its files
    FOLDER/3f9c.../            article.txt, sentences.npy, index.faiss, terms.npz

Saving writes the four files into a new folder beside the one in force, waits until they are on the disk, and then
replaces manifest.json in one step. Before that step the old index is the index, after it the new one; there is no
moment between. What an interrupted save leaves behind is swept up by a later one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import logging
import os
import re
import secrets
import shutil
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from index.article import Article
from index.embeddings import Encoder, FloatArray
from index.errors import DamagedIndex, EmptyArticle, IndexMismatch, SavedIndexError
from index.faiss_store import FaissStore
from index.sentences import SPLITTER, Sentence, split_sentences
from index.terms import TERMS, Terms

FORMAT = 1  # of the folder; count up when an older program could not read what is written

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many are done, and of how many."""

EMBEDDING = "embedding sentences"
CHUNK = 256  # sentences embedded between two calls of Progress

MANIFEST = "manifest.json"
FILES = ("article.txt", "sentences.npy", "index.faiss", "terms.npz")
LIBRARIES = ("sentence-transformers", "torch", "onnxruntime", "faiss-cpu", "bm25s", "PyStemmer", "numpy")

logger = logging.getLogger(__name__)  # without a handler of the application's, warnings are lines on standard error

_GENERATION = re.compile(r"[0-9a-f]{16}(\.tmp)?")
_STALE_SECONDS = 3600  # a folder not in force may be another process's that is being written; after an hour it is not


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an index was built from, and with what."""

    format: int  # of the saved folder
    article: str  # fingerprint of the article
    title: str
    source: str
    characters: int
    sentences: int
    splitter: str
    terms: str  # how terms are made and weighed
    model: str
    model_fingerprint: str  # SHA-256 of the weights
    dim: int
    built: str  # UTC, ISO 8601
    libraries: Mapping[str, str]  # versions at the time


@dataclass(frozen=True, slots=True)
class ArticleIndex:
    """An article made searchable: row i of the store and of the terms is sentence i."""

    article: Article
    sentences: tuple[Sentence, ...]
    store: FaissStore
    terms: Terms
    manifest: Manifest


# ── Building ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def build_index(article: Article, encoder: Encoder, *, progress: Progress | None = None) -> ArticleIndex:
    """Split the article into sentences, embed and weigh them. Raises EmptyArticle, ModelNotFound."""
    sentences = tuple(split_sentences(article.text))
    if not sentences:
        raise EmptyArticle(f"{article.source}: no sentence was found. Give a text with at least one sentence.")
    texts = [sentence.text for sentence in sentences]
    vectors = _embedded(texts, encoder, progress or (lambda _what, _done, _of: None))
    manifest = Manifest(
        format=FORMAT,
        article=article.fingerprint,
        title=article.title,
        source=article.source,
        characters=len(article.text),
        sentences=len(sentences),
        splitter=SPLITTER,
        terms=TERMS,
        model=encoder.name,
        model_fingerprint=encoder.fingerprint,
        dim=encoder.dim,
        built=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        libraries=dict(_versions()),
    )
    return ArticleIndex(article, sentences, FaissStore.from_vectors(vectors), Terms.from_sentences(texts), manifest)


def _embedded(texts: list[str], encoder: Encoder, progress: Progress) -> FloatArray:
    vectors = np.empty((len(texts), encoder.dim), dtype=np.float32)
    progress(EMBEDDING, 0, len(texts))
    for start in range(0, len(texts), CHUNK):
        chunk = texts[start : start + CHUNK]
        found = encoder.encode_documents(chunk)
        if found.shape != (len(chunk), encoder.dim):
            raise ValueError(
                f"{encoder.name} returned vectors of shape {found.shape} for {len(chunk)} sentences, "
                f"wanted {(len(chunk), encoder.dim)}"
            )
        vectors[start : start + len(chunk)] = found
        progress(EMBEDDING, start + len(chunk), len(texts))
    return vectors


@cache
def _versions() -> dict[str, str]:
    found = {}
    for library in LIBRARIES:
        with contextlib.suppress(PackageNotFoundError):
            found[library] = version(library)
    return found


# ── Saving ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def save_index(article_index: ArticleIndex, folder: str | Path) -> None:
    """Write the index to a folder, new or of an index, whole or not at all.

    Killed at any moment, it leaves the index that was there before or the new one. Raises SavedIndexError when the
    folder holds something else or cannot be written; the index that was there is then unharmed.
    """
    folder = Path(folder)
    _refuse_other_contents(folder)
    token = secrets.token_hex(8)
    draft = folder / f"{token}.tmp"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replaced = _generation_in_force(folder)
        draft.mkdir()
        _write_files(article_index, draft)
        record = _record(article_index.manifest, draft, token)
        draft.rename(folder / token)
        _flush_folder(folder)
        _replace_manifest(folder, record, token)
    except (OSError, RuntimeError) as error:  # RuntimeError is what faiss raises when it cannot write
        for left in (draft, folder / token):
            shutil.rmtree(left, ignore_errors=True)
        why = getattr(error, "strerror", None) or str(error).strip().splitlines()[-1]
        raise SavedIndexError(
            f"{folder}: the index cannot be written ({why}). Free some space or give another folder."
        ) from error
    _sweep(folder, in_force=token, replaced=replaced)


def _refuse_other_contents(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise SavedIndexError(f"{folder} is a file: give a new folder to save the index in.")
    if not folder.is_dir() or (folder / MANIFEST).exists():
        return
    foreign = [entry.name for entry in folder.iterdir() if not _GENERATION.fullmatch(entry.name)]
    foreign = [name for name in foreign if not name.startswith(MANIFEST)]
    if foreign:
        raise SavedIndexError(
            f"{folder} holds other files ({min(foreign)}) and no index: give a new folder to save the index in."
        )


def _write_files(article_index: ArticleIndex, folder: Path) -> None:
    (folder / "article.txt").write_bytes(article_index.article.text.encode("utf-8"))
    places = [(sentence.start, sentence.end, sentence.paragraph) for sentence in article_index.sentences]
    np.save(folder / "sentences.npy", np.array(places, dtype=np.int64).reshape(-1, 3), allow_pickle=False)
    article_index.store.save(folder / "index.faiss")
    article_index.terms.save(folder / "terms.npz")
    for name in FILES:
        _flush(folder / name)
    _flush_folder(folder)


def _record(manifest: Manifest, draft: Path, token: str) -> dict[str, Any]:
    """What manifest.json holds: the Manifest, where its files lie and what they are, and a checksum of all that."""
    files = {name: {"bytes": (draft / name).stat().st_size, "sha256": sha256_of(draft / name)} for name in FILES}
    record = {**dataclasses.asdict(manifest), "format": FORMAT, "folder": token, "files": files}
    return {**record, "checksum": _checksum(record)}


def _replace_manifest(folder: Path, record: Mapping[str, Any], token: str) -> None:
    draft = folder / f"{MANIFEST}.{token}.tmp"
    try:
        draft.write_text(json.dumps(record, indent=1, ensure_ascii=False), encoding="utf-8")
        _flush(draft)
        draft.replace(folder / MANIFEST)  # the moment at which the new index is the index
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    _flush_folder(folder)


def _sweep(folder: Path, *, in_force: str, replaced: str | None) -> None:
    """Delete the index that was replaced and what interrupted saves left; nothing that another save is writing."""
    for entry in folder.iterdir():
        ours = _GENERATION.fullmatch(entry.name) or (entry.name.startswith(MANIFEST) and entry.name.endswith(".tmp"))
        if not ours or entry.name == in_force:
            continue
        with contextlib.suppress(OSError):
            stale = time.time() - entry.stat().st_mtime > _STALE_SECONDS
            if entry.name == replaced or stale:
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _generation_in_force(folder: Path) -> str | None:
    with contextlib.suppress(OSError, ValueError):
        record = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if isinstance(record, dict) and _GENERATION.fullmatch(str(record.get("folder"))):
            return str(record["folder"])
    return None


def _flush(path: Path) -> None:
    """Wait until a file's content is on the disk: a rename may reach it before what was written."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    if os.name == "nt":  # where a folder cannot be opened, and a rename needs no flush of it
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _checksum(record: Mapping[str, Any]) -> str:
    rest = {name: value for name, value in record.items() if name != "checksum"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode("utf-8")).hexdigest()


# ── Loading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def load_index(folder: str | Path, *, encoder: Encoder | None = None, article: Article | None = None) -> ArticleIndex:
    """Read an index from a folder; every file is checked against the manifest before it is used.

    The encoder that questions will be asked with, and the article that they are to be about, are compared with those
    of the index where they are given; the article then also gives its title and source. No model is loaded.

    Raises IndexMismatch (another model, another article, another format) or DamagedIndex (a file missing, cut short
    or changed, or no index there at all).
    """
    folder = Path(folder)
    for last_try in (False, False, True):
        record = _read_record(folder)
        manifest = _manifest(record, folder)
        _refuse_mismatch(manifest, folder, encoder, article)
        try:
            return _read_files(record, manifest, folder, article)
        except (FileNotFoundError, DamagedIndex) as error:
            # A save by another process may have replaced the index between the manifest and its files.
            if last_try or _generation_in_force(folder) == record["folder"]:
                if isinstance(error, DamagedIndex):
                    raise
                raise _damaged(folder, f"{error.filename} is missing") from error
    raise AssertionError("unreachable: the last try returns or raises")


def _damaged(folder: Path, why: str) -> DamagedIndex:
    return DamagedIndex(f"{folder}: the index is damaged ({why}). Build it again with: article-qa index")


def _read_record(folder: Path) -> dict[str, Any]:
    try:
        record = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DamagedIndex(f"{folder}: no index is there (no {MANIFEST}). Build one with: article-qa index") from error
    except (OSError, ValueError) as error:
        raise _damaged(folder, f"{MANIFEST} cannot be read") from error
    if not isinstance(record, dict) or not isinstance(record.get("format"), int):
        raise _damaged(folder, f"{MANIFEST} says no format")
    # Before the checksum: another format may make it in another way.
    if record["format"] > FORMAT:
        raise IndexMismatch(
            f"{folder} was written by a newer version of this program (format {record['format']}, this one reads "
            f"{FORMAT}). Upgrade article-qa, or build the index again with: article-qa index"
        )
    if record["format"] < FORMAT:
        raise IndexMismatch(
            f"{folder} was written by an older version of this program (format {record['format']}, this one reads "
            f"{FORMAT}). Build the index again with: article-qa index"
        )
    if record.get("checksum") != _checksum(record):
        raise _damaged(folder, f"{MANIFEST} is not what was written")
    return record


def _manifest(record: Mapping[str, Any], folder: Path) -> Manifest:
    try:
        return Manifest(**{field.name: record[field.name] for field in dataclasses.fields(Manifest)})
    except KeyError as error:
        raise _damaged(folder, f"{MANIFEST} lacks {error}") from error


def _refuse_mismatch(manifest: Manifest, folder: Path, encoder: Encoder | None, article: Article | None) -> None:
    if encoder is not None and encoder.fingerprint != manifest.model_fingerprint:
        raise IndexMismatch(
            f"{folder} was built with {_model(manifest.model, manifest.model_fingerprint)} but you are asking with "
            f"{_model(encoder.name, encoder.fingerprint)}: their vectors cannot be compared. "
            "Ask with the same model, or build the index again."
        )
    if article is not None and article.fingerprint != manifest.article:
        raise IndexMismatch(
            f"{folder} was built from another article ({manifest.title!r}, {manifest.characters:,} characters) than "
            f"{article.title!r} ({len(article.text):,} characters). Build the index of this article, or leave it out."
        )
    if manifest.terms != TERMS:
        raise IndexMismatch(
            f"{folder} was built with other rules for words ({manifest.terms}) than this version's ({TERMS}). "
            "Build the index again with: article-qa index"
        )


def _model(name: str, fingerprint: str) -> str:
    return f"{name} ({fingerprint[:12]})"


def _read_files(record: Mapping[str, Any], manifest: Manifest, folder: Path, article: Article | None) -> ArticleIndex:
    """Raises FileNotFoundError, DamagedIndex."""
    place = folder / str(record["folder"])
    for name in FILES:
        written = record["files"][name]
        if (place / name).stat().st_size != written["bytes"]:
            raise _damaged(folder, f"{name} has {(place / name).stat().st_size:,} bytes, wanted {written['bytes']:,}")
        if sha256_of(place / name) != written["sha256"]:
            raise _damaged(folder, f"{name} is not what was written")
    try:
        text = (place / "article.txt").read_bytes().decode("utf-8")
        places = np.load(place / "sentences.npy", allow_pickle=False)
        store = FaissStore.load(place / "index.faiss")
        terms = Terms.load(place / "terms.npz")
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, RuntimeError, zipfile.BadZipFile) as error:
        raise _damaged(folder, str(error).strip().splitlines()[0]) from error
    counts = {len(places), len(store), len(terms), manifest.sentences}
    if len(counts) != 1 or store.dim != manifest.dim:
        raise _damaged(folder, "its parts are not of one index")
    sentences = tuple(Sentence(start, end, text[start:end], paragraph) for start, end, paragraph in places.tolist())
    saved = Article(title=manifest.title, text=text, source=manifest.source, fingerprint=manifest.article)
    return ArticleIndex(article or saved, sentences, store, terms, manifest)


# ── The cache ────────────────────────────────────────────────────────────────────────────────────────────────────────


def cache_folder() -> Path:
    """Return where indexes and graphs are kept: $ARTICLE_QA_CACHE, or the user's cache folder of this system."""
    chosen = os.environ.get("ARTICLE_QA_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("article-qa", appauthor=False))


def cached_index_folder(article: Article, encoder: Encoder, cache: Path) -> Path:
    """Return where the cache keeps the index of this article, made with this encoder and these rules."""
    made_from = (str(FORMAT), article.fingerprint, encoder.fingerprint, SPLITTER, TERMS)
    return cache / "indexes" / hashlib.sha256("\n".join(made_from).encode("utf-8")).hexdigest()[:32]


def open_index(
    article: Article, encoder: Encoder, *, cache: Path | None, progress: Progress | None = None
) -> ArticleIndex:
    """Return the article's index from the cache where it is kept; else build it, and keep it there.

    Without a cache (None) it is built and not kept. A damaged index in the cache is built again and a cache that
    cannot be written is left alone, each with a line on standard error. Raises what `build_index` raises.
    """
    if cache is None:
        return build_index(article, encoder, progress=progress)
    folder = cached_index_folder(article, encoder, cache)
    if (folder / MANIFEST).exists():
        try:
            found = load_index(folder, encoder=encoder, article=article)
        except SavedIndexError as error:
            logger.warning("The kept index of %r is built again: %s", article.title, error)
        else:
            with contextlib.suppress(OSError):
                os.utime(folder / MANIFEST)  # when it was last used, for the list of what is kept
            return found
    built = build_index(article, encoder, progress=progress)
    try:
        save_index(built, folder)
    except (SavedIndexError, OSError) as error:
        logger.warning("The index is not kept: %s", error)
    return built


def is_kept(article: Article, encoder: Encoder, cache: Path) -> bool:
    """Return whether `open_index` would find the article's index in the cache, whole."""
    try:
        load_index(cached_index_folder(article, encoder, cache), encoder=encoder, article=article)
    except SavedIndexError:
        return False
    return True
