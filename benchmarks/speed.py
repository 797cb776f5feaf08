"""An article goes in; seconds and memory of a question, cold and warm, ours beside sentence-transformers, come out.

    python -m benchmarks.speed ../shared/article/article.txt [--rounds 7]

Both ways are run in turn, round by round, in processes of their own, so that whatever else the machine does falls on
both.
"""

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

QUESTIONS = (
    "Who ran him over?",
    "Why was he arrested?",
    "What did the solicitor say?",
    "Where did it happen?",
    "Was anybody charged?",
)
OURS = """
import json, resource, sys, time
began = time.perf_counter()
from index.article import read_article
from qa.answer import open_answerer
answerer = open_answerer(read_article(sys.argv[1]))
answerer.ask("What happened to the ex-husband?")
cold = time.perf_counter() - began
QUESTIONS = json.loads(sys.argv[3])
warm = []
for _ in range(int(sys.argv[2])):
    for question in QUESTIONS:
        began = time.perf_counter()
        answerer.ask(question)
        warm.append(1000 * (time.perf_counter() - began))
print(json.dumps({"cold": cold, "warm": warm, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""
PLAIN = """
import json, os, resource, sys, time
os.environ["HF_HUB_OFFLINE"] = "1"
began = time.perf_counter()
from index.article import read_article
from index.embeddings import default_model_folder
from index.sentences import split_sentences
from sentence_transformers import SentenceTransformer
import faiss
model = SentenceTransformer(str(default_model_folder()), local_files_only=True, device="cpu")
texts = [s.text for s in split_sentences(read_article(sys.argv[1]).text)]
vectors = model.encode_document(texts, normalize_embeddings=True)
store = faiss.IndexFlatIP(vectors.shape[1])
store.add(vectors)
def ask(question):
    return store.search(model.encode_query([question], normalize_embeddings=True), 5)
ask("What happened to the ex-husband?")
cold = time.perf_counter() - began
QUESTIONS = json.loads(sys.argv[3])
warm = []
for _ in range(int(sys.argv[2])):
    for question in QUESTIONS:
        began = time.perf_counter()
        ask(question)
        warm.append(1000 * (time.perf_counter() - began))
print(json.dumps({"cold": cold, "warm": warm, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def measured(code: str, article: Path, repeats: int, cache: str) -> dict[str, float]:
    """Return cold seconds, median warm milliseconds and peak megabytes of one process."""
    ran = subprocess.run(
        [sys.executable, "-c", code, str(article), str(repeats), json.dumps(QUESTIONS)],
        capture_output=True, text=True, check=True, env={**os.environ, "ARTICLE_QA_CACHE": cache},
    )  # fmt: skip
    found = json.loads(ran.stdout.strip().splitlines()[-1])
    return {"cold s": found["cold"], "warm ms": statistics.median(found["warm"]), "peak MB": found["mb"]}


def write_long(article: Path, path: Path, *, sentences: int) -> int:
    """Write the article over and over until it has so many sentences, no two the same; return how many it has."""
    from index.article import article_from_text, read_article
    from index.sentences import split_sentences

    lines: list[str] = []
    once = split_sentences(read_article(article).text)
    for number in range(sentences):
        sentence = once[number % len(once)]
        # A paragraph of the article is a line of its own; each copy's number stands before the full stop.
        begins = number == 0 or sentence.paragraph != once[(number - 1) % len(once)].paragraph
        text = re.sub(r"\W*$", rf" in copy {number // len(once)}\g<0>", sentence.text, count=1)
        lines.append(("\n\n" if begins else " ") + text)
    path.write_text("".join(lines).strip() + "\n", encoding="utf-8")
    return len(split_sentences(article_from_text(path.read_text(encoding="utf-8")).text))


def spread(values: Sequence[float]) -> str:
    """Return the median with the smallest and the largest."""
    return f"{statistics.median(values):8.2f} ({min(values):.2f} to {max(values):.2f})"


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("article", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=4)
    parser.add_argument("--long", type=int, default=10_000, help="sentences of the long article; 0 leaves it out")
    arguments = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(
        ", ".join(f"{name} {version(name)}" for name in ("onnxruntime", "torch", "sentence-transformers", "faiss-cpu"))
    )
    with tempfile.TemporaryDirectory() as cache:
        # Makes the graph and the index: a first time is not what is compared.
        measured(OURS, arguments.article, 1, cache)
        ours, plain = [], []
        for _ in range(arguments.rounds):
            ours.append(measured(OURS, arguments.article, arguments.repeats, cache))
            plain.append(measured(PLAIN, arguments.article, arguments.repeats, cache))
        print(f"\n{arguments.rounds} rounds, median (least to most)")
        print(f"{'':10}{'article-qa, with its reader':34}sentence-transformers + FAISS, no reader")
        for name in ("cold s", "warm ms", "peak MB"):
            print(f"{name:10}{spread([r[name] for r in ours]):34}{spread([r[name] for r in plain])}")
        ratios = [p["cold s"] / o["cold s"] for p, o in zip(plain, ours, strict=True)]
        print(f"cold start: {spread(ratios)} times as fast")
        if arguments.long:
            path = Path(cache) / "long.txt"
            count = write_long(arguments.article, path, sentences=arguments.long)
            measured(OURS, path, 1, cache)
            long = [measured(OURS, path, arguments.repeats, cache) for _ in range(3)]
            print(f"\na long article ({count:,} sentences), index in the cache")
            for name in ("cold s", "warm ms", "peak MB"):
                print(f"{name:10}{spread([r[name] for r in long])}")


if __name__ == "__main__":
    main()
