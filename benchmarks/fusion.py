"""Validation sets in the normal form go in; P@1, R@10 and RR@10 of meaning, words and every way to join them come out.

    python -m benchmarks.fusion ../shared/data/validation/newsqa.jsonl.gz ../shared/data/validation/squad2.jsonl.gz

All sentences of the whole article are candidates. R@10 is the share of the right sentences among the first ten; a
question often has one. The interval is Wilson's for P@1.
"""

import argparse
import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np

from index.article import article_from_text
from index.build import cache_folder, open_index
from index.embeddings import FloatArray, open_encoder
from qa.retrieve import by_max, min_max, order, reciprocal_ranks, weighted_sum, z_scores
from training.choose import interval
from training.evaluate import right_rows, tasks

Fusion = Callable[[FloatArray, FloatArray], FloatArray]


def fusions() -> dict[str, Fusion]:
    """Return every fusion that is compared, by name."""
    found: dict[str, Fusion] = {"dense": lambda cosines, _: cosines, "BM25": lambda _, bm25: bm25}
    for name, scale in (("by max", by_max), ("min-max", min_max), ("z-scores", z_scores)):
        for weight in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8):
            found[f"{name}, dense {weight}"] = functools.partial(weighted_sum, dense_weight=weight, scale=scale)
    for constant in (10.0, 60.0):
        found[f"reciprocal ranks, k {constant:.0f}"] = functools.partial(reciprocal_ranks, constant=constant)
    return found


def main() -> None:
    """Compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--cache", type=Path, default=cache_folder())
    arguments = parser.parse_args()
    encoder = open_encoder(None, cache=arguments.cache)
    for path in arguments.data:
        measured: dict[str, list[tuple[float, float, float]]] = {name: [] for name in fusions()}
        opened = None
        for name, text, question, places in tasks(path, own=False):
            if opened is None or opened[0] != name:
                opened = name, open_index(article_from_text(text, source=name), encoder, cache=arguments.cache)
            article_index = opened[1]
            gold = set(right_rows(article_index, places))
            count = len(article_index.sentences)
            near = article_index.store.search(encoder.encode_queries([question["question"]]), k=count)
            cosines = np.empty(count, dtype=np.float32)
            cosines[near.rows[0]] = near.cosines[0]
            bm25 = article_index.terms.scores(question["question"])
            for fusion, fused in fusions().items():
                ranked = order(fused(cosines, bm25))[:10].tolist()
                first = next((rank for rank, row in enumerate(ranked, start=1) if row in gold), None)
                measured[fusion].append(
                    (float(ranked[0] in gold), len(gold.intersection(ranked)) / len(gold), 1 / first if first else 0.0)
                )
        print(f"\n{path.name.split('.')[0]}\n{'':26}P@1{'':31}R@10   RR@10")
        for fusion, rows in measured.items():
            table = np.array(rows)
            print(f"{fusion:25} {interval(table[:, 0]):33} {table[:, 1].mean():.3f}  {table[:, 2].mean():.3f}")


if __name__ == "__main__":
    main()
