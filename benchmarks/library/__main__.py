"""Articles with questions go in; how well and how fast a library finds their answers comes out.

    python -m benchmarks.library retrieval DATA/newsqa.jsonl.gz DATA/squad2.jsonl.gz     right article, right sentence
    python -m benchmarks.library embed DATA/*.jsonl.gz                   embeds beforehand what the others need
    python -m benchmarks.library growth DATA/*.jsonl.gz                  time and memory from 1,000 to 1,000,000 rows
    python -m benchmarks.library nearest DATA/*.jsonl.gz                 kinds of index: time and recall by size
    python -m benchmarks.library embedding DATA/newsqa.jsonl.gz          against sentence-transformers' own encode
    python -m benchmarks.library crowd DATA/newsqa.jsonl.gz DATA/*.gz    what other sentences cost in right answers
    python -m benchmarks.library beside DATA/*.jsonl.gz --txtai V/bin/python        against txtai
    python -m benchmarks.library stories DATA/newsqa.jsonl.gz            a folder added, asked, half changed

DATA are files of {id, title, paragraphs[], questions[{question, answers[{text, paragraph, start}]}]} lines.
With --kept FOLDER nothing is embedded twice, and what --minutes breaks off goes on when it is started again.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from benchmarks.library.data import machine, read, sentences_of
from benchmarks.library.growth import SIZES, growth
from benchmarks.library.kept import KeptEncoder
from index.build import cache_folder
from index.embeddings import open_encoder

KEPT = "ARTICLE_QA_BENCHMARK"  # environment variable: what --kept is when it is not given
KINDS = ("retrieval", "embed", "growth", "nearest", "embedding", "crowd", "beside", "stories")


def main() -> None:
    """Run one of the benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=KINDS)
    parser.add_argument("data", nargs="+", type=Path)
    parser.add_argument("--kept", type=Path, default=os.environ.get(KEPT), help="folder for vectors and libraries")
    parser.add_argument("--minutes", type=float, default=600, help="stop after so many; the same command goes on")
    parser.add_argument("--largest", type=int, default=SIZES[-1], help="growth, nearest: sentences at most")
    parser.add_argument("--sentences", type=int, default=100_000, help="embed, crowd, beside, embedding: at most")
    parser.add_argument("--questions", type=int, default=300, help="crowd, beside, stories: asked at most")
    parser.add_argument("--stories", type=int, default=300, help="stories: files in the folder")
    parser.add_argument("--graph-at", type=int, default=100_000, help="nearest: the size at which HNSW is tried")
    parser.add_argument("--rounds", type=int, default=3, help="beside: how often each is filled and asked, in turn")
    parser.add_argument("--txtai", type=Path, help="beside: the Python of an environment that has txtai")
    given = parser.parse_args()
    until = time.monotonic() + 60 * given.minutes
    print(machine(), flush=True)
    if given.what == "embedding":
        from benchmarks.library.embedding import embedding

        embedding(given.data, most=given.sentences, until=until)
        return
    if given.what == "stories":
        from benchmarks.library.stories import stories

        stories(given.data, count=given.stories, questions=given.questions)
        return
    folder = Path(given.kept) if given.kept else Path(tempfile.mkdtemp(prefix="article-qa-benchmark-"))
    kept = KeptEncoder(open_encoder(cache=cache_folder()), folder)
    if given.what == "embed":
        began = time.monotonic()
        articles, asked = read(given.data)
        texts = [*(one.question for one in asked), *sentences_of(articles)[: given.sentences]]
        kept.embed(
            texts,
            until=until,
            said=lambda n: print(f"{n:,}, {n / (time.monotonic() - began):.0f} a second", flush=True),
        )
        print(f"{len(kept):,} vectors are kept in {folder}")
    elif given.what == "growth":
        growth(given.data, kept, largest=given.largest, until=until)
    elif given.what == "retrieval":
        from benchmarks.library.retrieval import retrieval

        retrieval(given.data, kept)
    elif given.what == "nearest":
        from benchmarks.library.nearest import nearest

        nearest(given.data, kept, largest=given.largest, graph_at=given.graph_at, until=until)
    elif given.what == "crowd":
        from benchmarks.library.crowd import crowd

        crowd(given.data, kept, others=given.sentences, most=given.questions, until=until)
    else:
        from benchmarks.library.beside import beside

        if given.txtai is None:
            parser.error("beside: name the Python of an environment that has txtai: --txtai V/bin/python")
        beside(
            given.data, kept, python=given.txtai, most=given.sentences, questions=given.questions, rounds=given.rounds
        )


if __name__ == "__main__":
    main()
