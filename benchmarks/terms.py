"""Validation sets in the normal form go in; P@1 and Success@10 of BM25 with other constants, alone and fused, come out.

    python -m benchmarks.terms ../shared/data/validation/newsqa.jsonl.gz ../shared/data/validation/squad2.jsonl.gz

Every question is asked of its own article, and of all articles of the set at once, where the hundred nearest by meaning
and the hundred best by words are candidates, as in a library. Before any reading. k1: how much a second mention of a
word adds (0: nothing); b: how much a long sentence is marked down (0: not at all). Robertson and Zaragoza 2009,
doi:10.1561/1500000019. The interval is that of the difference from the first line, which has the usual constants.
"""

import argparse
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

from index.article import article_from_text
from index.build import cache_folder, open_index
from index.embeddings import FloatArray, open_encoder
from index.terms import K1, B, Terms
from qa.retrieve import fuse, order
from training.evaluate import right_rows, tasks

CONSTANTS = ((1.5, 0.75), (1.2, 0.75), (0.9, 0.4), (0.6, 0.3), (0.3, 0.5), (K1, B), (0.3, 0.1), (0.1, 0.3))
CANDIDATES = 100
Found = npt.NDArray[np.bool_]


def first_and_ten(values: FloatArray, gold: npt.NDArray[np.int64]) -> tuple[bool, bool]:
    """Return whether the best place is a right one, and whether one of the best ten is."""
    right = np.isin(order(values)[:10], gold)
    return bool(right[0]), bool(right.any())


def main() -> None:
    """Compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--every", type=int, default=1, help="ask every so manieth question of all articles at once")
    parser.add_argument("--cache", type=Path, default=cache_folder())
    arguments = parser.parse_args()
    encoder = open_encoder(None, cache=arguments.cache)
    for path in arguments.data:
        texts: dict[str, list[str]] = {}
        vectors: dict[str, FloatArray] = {}
        asked: list[tuple[str, str, list[int]]] = []
        opened = None
        for name, text, task, places in tasks(path, own=False):
            if not places:
                continue
            if opened is None or opened[0] != name:
                opened = name, open_index(article_from_text(text, source=name), encoder, cache=arguments.cache)
                texts[name] = [sentence.text for sentence in opened[1].sentences]
                vectors[name] = opened[1].store.vectors()
            asked.append((name, task["question"], right_rows(opened[1], places)))
        queries = encoder.encode_queries([question for _, question, _ in asked])
        starts = dict(zip(texts, np.cumsum([0, *map(len, texts.values())]), strict=False))
        everything = np.concatenate(list(vectors.values()))
        counts = f"{len(asked):,} questions, {len(texts)} articles, {len(everything):,} sentences"
        print(f"\n{path.name}: {counts}")
        baseline: dict[str, Found] = {}
        for k1, b in CONSTANTS:
            terms = {name: Terms.from_sentences(lines, k1=k1, b=b) for name, lines in texts.items()}
            of_all = Terms.from_sentences([line for lines in texts.values() for line in lines], k1=k1, b=b)
            found: dict[str, list[tuple[bool, bool]]] = {}
            for number, ((name, question, rows), query) in enumerate(zip(asked, queries, strict=True)):
                words, gold = terms[name].scores(question), np.array(rows)
                found.setdefault("own, BM25", []).append(first_and_ten(words, gold))
                found.setdefault("own, fused", []).append(first_and_ten(fuse(vectors[name] @ query, words), gold))
                if number % arguments.every:
                    continue
                words, near, gold = of_all.scores(question), everything @ query, gold + starts[name]
                some = np.union1d(order(words)[:CANDIDATES], order(near)[:CANDIDATES])
                at = np.flatnonzero(np.isin(some, gold))
                found.setdefault("all, fused", []).append(first_and_ten(fuse(near[some], words[some]), at))
            print(f"k1 {k1}, b {b}")
            for way, rows_found in found.items():
                table = np.array(rows_found)
                less = table[:, 0].astype(float) - baseline.setdefault(way, table[:, 0])
                half = 1.96 * less.std() / math.sqrt(len(less))
                print(
                    f"  {way:11} P@1 {table[:, 0].mean():.3f} ({less.mean():+.3f}, 95 % ± {half:.3f}, n {len(less)})"
                    f"  Success@10 {table[:, 1].mean():.3f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
