"""A file of articles comes in; out goes how several splitters cut them: sentences, seconds, and where they disagree.

    pip install pysbd syntok && python benchmarks/splitters.py ARTICLE... [--show 5]

ARTICLE is anything `read_article` reads, or a .jsonl or .jsonl.gz file whose lines hold "paragraphs", a list of texts.
No splitter is right by definition: the disagreements are printed to be judged by a reader.
"""

from __future__ import annotations

import argparse
import gzip
import json
import platform
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import sentencex

from index.article import read_article
from index.sentences import SPLITTER, split_sentences

Ends = Callable[[str], set[int]]  # a paragraph -> offsets after the last visible character of each sentence


def texts(source: str) -> Iterator[str]:
    """Yield the paragraphs of an article or of a file of articles."""
    if not source.endswith((".jsonl", ".jsonl.gz")):
        yield from read_article(source).text.split("\n\n")
        return
    content = Path(source).read_bytes()
    for line in (gzip.decompress(content) if source.endswith(".gz") else content).splitlines():
        yield from json.loads(line)["paragraphs"]


def visible(text: str, end: int) -> int:
    """Return `end` moved left over white space."""
    return len(text[:end].rstrip())


def splitters() -> dict[str, Ends]:
    """Return the splitters that are installed, ours first."""
    found: dict[str, Ends] = {
        f"ours ({SPLITTER})": lambda text: {sentence.end for sentence in split_sentences(text)},
        f"sentencex {version('sentencex')}": lambda text: {
            visible(text, boundary["end_index"]) for boundary in sentencex.get_sentence_boundaries("en", text)
        },
    }
    try:
        syntok = import_module("syntok.segmenter")
        found[f"syntok {version('syntok')}"] = lambda text: {
            visible(text, part[-1].offset + len(part[-1].value)) for whole in syntok.analyze(text) for part in whole
        }
    except ImportError:
        print("syntok is not installed: left out")
    try:
        segmenter = import_module("pysbd").Segmenter(language="en", clean=False, char_span=True)
        found[f"pysbd {version('pysbd')}"] = lambda text: {visible(text, span.end) for span in segmenter.segment(text)}
    except ImportError:
        print("pysbd is not installed: left out")
    return found


def main() -> None:
    """Print the table and a sample of each kind of disagreement."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("article", nargs="+")
    arguments.add_argument("--show", type=int, default=5, help="disagreements of each kind to print")
    asked = arguments.parse_args()
    paragraphs = [paragraph for source in asked.article for paragraph in texts(source)]
    print(f"{platform.platform()}, Python {platform.python_version()}; {len(paragraphs):,} paragraphs")
    ends: dict[str, list[set[int]]] = {}
    for name, cut in splitters().items():
        began = time.process_time()
        ends[name] = [cut(paragraph) for paragraph in paragraphs]
        spent = time.process_time() - began
        print(f"{name:32} {sum(map(len, ends[name])):8,} sentences {spent:8.2f} s of processor time")

    examples: dict[tuple[str, ...], list[str]] = {}
    for number, paragraph in enumerate(paragraphs):
        for end in sorted(set().union(*(found[number] for found in ends.values()))):
            who = tuple(name.split()[0] for name, found in ends.items() if end in found[number])
            if len(who) < len(ends):
                shown = f"{paragraph[max(0, end - 50) : end]} | {paragraph[end : end + 40].lstrip()}"
                examples.setdefault(who, []).append(shown.replace("\n", " "))
    for who, count in Counter({who: len(found) for who, found in examples.items()}).most_common():
        print(f"\n{count:,} times only {' and '.join(who)} cut:")
        for example in random.Random(0).sample(examples[who], min(asked.show, count)):
            print(f"    {example}")


if __name__ == "__main__":
    main()
