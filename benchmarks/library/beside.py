"""The same sentences, vectors and questions go into this library and into txtai; what each takes and finds comes out.

txtai stands in an environment of its own, whose Python is named: `python -m venv V && V/bin/pip install txtai`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.library.data import BETWEEN, read, sentences_of
from benchmarks.library.growth import MixedEncoder
from benchmarks.library.kept import KeptEncoder
from benchmarks.library.one_of_two import Search, report_asked
from index.article import article_from_text
from index.embeddings import FloatArray
from index.sentences import split_sentences
from library import Incoming, create_library, open_library
from qa.retrieve import fuse, order

SENTENCES_OF_ARTICLE = 30


def beside(paths: Sequence[Path], kept: KeptEncoder, *, python: Path, most: int, questions: int, rounds: int) -> None:
    """Print both, in turn, each in a process of its own."""
    articles, asked = read(paths)
    joined = _joined(sentences_of(articles)[:most])
    # As the library will cut them: a sentence beside another may be cut otherwise than where it stood.
    texts = list(dict.fromkeys(one for text in joined for one in _sentences(text)))
    encoder = MixedEncoder(kept, texts)
    folder = kept.folder / "beside"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    answers: dict[str, list[str]] = {}
    by_source = {one.article.source: one.article.text for one in articles}
    for one in asked[:: max(len(asked) // questions, 1)][:questions]:
        text = by_source[one.source]
        answers.setdefault(one.question, [" ".join(text[start:stop].split()) for start, stop in one.places])
    (folder / "articles.json").write_text(json.dumps(joined), encoding="utf-8")
    (folder / "texts.json").write_text(json.dumps(texts), encoding="utf-8")
    (folder / "questions.json").write_text(json.dumps(answers), encoding="utf-8")
    np.save(folder / "vectors.npy", encoder.encode_documents(texts))
    np.save(folder / "questions.npy", kept.encode_queries(list(answers)))
    own = sum(map(kept.knows, texts))
    print(
        f"{len(texts):,} sentences, {own:,} with their own vectors, {len(answers)} questions; {rounds} rounds in turn"
    )
    theirs = str(Path(__file__).with_name("one_of_two.py"))
    for number in range(rounds):
        for name, command in (
            ("ours", [sys.executable, "-m", "benchmarks.library.beside"]),
            ("txtai", [str(python), theirs]),
        ):
            said = []
            for what in ("add", "ask"):
                place = folder / f"{name}-{number}"
                ran = subprocess.run([*command, what, str(folder), str(place)], capture_output=True, text=True)
                said.append(ran.stdout.strip() if ran.returncode == 0 else ran.stderr[-2000:])
            print(f"  {name:6} {'; '.join(said)}", flush=True)


class _Given:
    """Hands out vectors made before."""

    name, fingerprint = "given", "0" * 64

    def __init__(self, texts: Sequence[str], vectors: FloatArray) -> None:
        self.dim = vectors.shape[1]
        self._rows = {text: row for row, text in enumerate(texts)}
        self._vectors = vectors

    def encode_documents(self, texts: Sequence[str]) -> FloatArray:
        return np.asarray(self._vectors[[self._rows[text] for text in texts]])

    encode_queries = encode_documents


def _add(folder: Path, place: Path) -> None:
    texts = json.loads((folder / "texts.json").read_text(encoding="utf-8"))
    encoder = _Given(texts, np.load(folder / "vectors.npy", mmap_mode="r"))
    began = time.perf_counter()
    with create_library(place, encoder) as library:
        library.add(_articles(json.loads((folder / "articles.json").read_text(encoding="utf-8"))), encoder)
        library.index_nearest()
    print(f"added in {time.perf_counter() - began:.1f} s")


def _opened(place: Path) -> Search:
    library = open_library(place)
    with library.reading():
        pass

    def search(question: str, vector: FloatArray) -> list[str]:
        with library.reading() as snapshot:
            found = snapshot.asked(question, vector).candidates()
            cosines = np.array([one.cosine for one in found], dtype=np.float32)
            bm25 = np.array([one.bm25 for one in found], dtype=np.float32)
            best = order(fuse(cosines, bm25, dense_weight=0.5))[:10]
            return snapshot.texts([found[row].row for row in best])

    return search


def _joined(texts: Sequence[str]) -> list[str]:
    starts = range(0, len(texts), SENTENCES_OF_ARTICLE)
    return [BETWEEN.join(texts[start : start + SENTENCES_OF_ARTICLE]) for start in starts]


def _sentences(text: str) -> list[str]:
    return [" ".join(sentence.text.split()) for sentence in split_sentences(text)]


def _articles(joined: Sequence[str]) -> list[Incoming]:
    return [
        Incoming(article_from_text(text, title="An article", source=f"article {n}")) for n, text in enumerate(joined)
    ]


if __name__ == "__main__":
    if sys.argv[1] == "add":
        _add(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        import faiss  # noqa: F401  # txtai has it imported by then too

        report_asked(Path(sys.argv[2]), Path(sys.argv[3]), _opened)
