"""Validation articles with their questions go in; how sure a library of all of them may be of an answer comes out.

The odds of three articles are put together there, so a share means less than in one article, and the calibration of a
single article is not theirs. This fits one of the same form, from what the shipped reader says of a library.

python -m training.library ask ../shared/data/validation/newsqa.jsonl.gz build/library.jsonl [--limit 900]
python -m training.library fit build/library.jsonl [--write]      into qa/weights/calibration.json, beside the article's

`ask` goes on where it stopped. Every question is asked of all articles, and every third also of all but its own, where
nothing is right. Half of the articles fit, the other half are held out; their questions are what the figures are of.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from index.article import article_from_text
from index.build import cache_folder
from library import Incoming, Library, Only, create_library
from qa.answer import Answer, open_models
from qa.confidence import CALIBRATION_FILE, Calibration, features, load_calibration, save_calibration
from qa.library_answer import LibraryAnswerer
from qa.reader import Reading
from training.choose import FEATURES, auroc, fit, interval
from training.evaluate import offsets
from training.reliability import calibration_error

WITHOUT_EVERY = 3  # of so many questions, one is also asked where its article is not
Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the places of its answers."""

    id: str
    question: str
    source: str  # of its article
    places: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Noting(Calibration):
    """The calibration that notes what it was asked about, so that nothing here need know how a library is read."""

    seen: list[dict[str, float]] = field(default_factory=list)

    def confidence(self, reading: Reading, *, mentioned_share: float = 1.0) -> float:
        """Return the probability that the one it stands for gives."""
        self.seen.append(features(reading, mentioned_share=mentioned_share))
        return Calibration.confidence(self, reading, mentioned_share=mentioned_share)


def read(path: Path) -> tuple[list[Incoming], list[Asked]]:
    """Return the articles of a file in the normal form, and the questions that they answer without earlier turns."""
    articles, asked = [], []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            paragraphs = record["paragraphs"]
            starts = [sum(len(p) + 2 for p in paragraphs[:i]) for i in range(len(paragraphs))]
            title = record.get("title") or None
            article = article_from_text("\n\n".join(paragraphs), title=title, source=str(record["id"]))
            articles.append(Incoming(article))
            for number, question in enumerate(record["questions"]):
                if question.get("answerable", True) and question["answers"] and not question.get("history"):
                    name = str(question.get("id") or f"{article.source} {number}")
                    places = tuple(offsets(question, starts))
                    asked.append(Asked(name, question["question"], article.source, places))
    return articles, asked


def is_right(answer: Answer, one: Asked) -> bool:
    """Return whether the best sentence, in any of its places, holds a part of an answer."""
    return any(
        place.source == one.source and any(place.start < end and start < place.end for start, end in one.places)
        for place in answer.places
    )


def lines_of(
    library: Library, numbered: Sequence[tuple[int, Asked]], answerer: LibraryAnswerer, noting: Noting
) -> Iterator[Line]:
    """Yield for each question, and for every third once more without its article, what confidence may look at."""
    for number, one in numbered:
        held = library.find(one.source)
        others = Only(f"all but {held.id}", "id <> CAST(? AS INTEGER)", (str(held.id),))
        for which in (None, others)[: 1 + (number % WITHOUT_EVERY == 0)]:
            answerer.which = which
            noting.seen.clear()
            answer = answerer.ask(one.question)
            if noting.seen:
                yield {
                    "id": one.id, "article": one.source, "question": one.question, "within": which is None,
                    "right": is_right(answer, one), "confidence": answer.confidence, "features": noting.seen[-1],
                }  # fmt: skip


def ask(data: Path, output: Path, *, limit: int | None = None) -> None:
    """Put the articles together as one library, ask their questions, and write a line of each."""
    articles, asked = read(data)
    if limit and limit < len(asked):
        asked = [asked[place * len(asked) // limit] for place in range(limit)]
    encoder, reader = open_models(None, "trained", cache_folder())
    known = load_calibration(reader.name, library=True)
    noting = Noting(known.reader, known.intercept, known.coefficients, known.threshold)
    output.parent.mkdir(parents=True, exist_ok=True)
    already = read_lines(output) if output.exists() else []
    if any(line.get("reader") != reader.fingerprint for line in already):
        raise SystemExit(f"{output} has what another reader said. Give another file, or remove it.")
    done = {line["id"] for line in already}
    left = [(number, one) for number, one in enumerate(asked) if one.id not in done]
    with create_library(output.with_suffix(".library"), encoder) as library, output.open("a", encoding="utf-8") as into:
        library.add(articles, encoder)
        library.index_nearest()
        answerer = LibraryAnswerer(library, encoder, reader, noting)
        for number, line in enumerate(lines_of(library, left, answerer, noting)):
            into.write(json.dumps({**line, "reader": reader.fingerprint}, ensure_ascii=False) + "\n")
            into.flush()
            if number % 100 == 0:
                print(f"{number:,} lines; {len(left):,} questions to ask", file=sys.stderr, flush=True)


def read_lines(path: Path) -> list[Line]:
    """Return what `ask` wrote."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def halves(articles: Sequence[str]) -> tuple[set[str], set[str]]:
    """Return the articles in two halves, the same ones each time."""
    shuffled = sorted(set(articles))
    np.random.default_rng(7).shuffle(shuffled)
    return set(shuffled[::2]), set(shuffled[1::2])


def fit_lines(lines: Sequence[Line], *, reader: str = "trained", threshold: float) -> Calibration:
    """Fit on the questions of half of the articles; print what the other half's say of it, and of the one in use."""
    fitting, held_out = halves([line["article"] for line in lines])
    x = np.array([[line["features"][name] for name in FEATURES] for line in lines])
    y = np.array([float(line["right"]) for line in lines])
    inside = np.array([line["article"] in fitting for line in lines])
    c = fit(x[inside], y[inside], np.ones(int(inside.sum())))
    fitted = 1 / (1 + np.exp(-(x @ c[:-1] + c[-1])))
    former = np.array([line["confidence"] for line in lines])
    print(f"{inside.sum():,} lines of {len(fitting):,} articles fit; {(~inside).sum():,} of {len(held_out):,} held out")
    within = np.array([line["within"] for line in lines])
    for name, some in (("all", ~inside), ("own article in the library", ~inside & within)):
        print(f"{name}: best sentence right {interval(y[some])}")
        for told, confidence in (("the one in use", former[some]), ("fitted", fitted[some])):
            answered = confidence >= threshold
            print(
                f"  {told:14} mean {confidence.mean():.3f} ECE {calibration_error(confidence, y[some]):.3f} "
                f"AUROC right/wrong {auroc(confidence[y[some] > 0].tolist(), confidence[y[some] == 0].tolist()):.3f} "
                f"answered at {threshold} {answered.mean():.2f}, right of those {interval(y[some][answered])}"
            )
    found = dict(zip(FEATURES, map(float, c[:-1]), strict=True))
    told = f"{inside.sum()} questions asked of a library of validation articles; as many others were held out"
    return Calibration(reader, float(c[-1]), found, threshold, told)


def main() -> None:
    """Ask, or fit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(dest="what", required=True)
    asking = parts.add_parser("ask", help="write a line of every question")
    asking.add_argument("data", type=Path)
    asking.add_argument("output", type=Path)
    asking.add_argument("--limit", type=int, help="only so many questions, spread evenly over the file")
    fitting = parts.add_parser("fit", help="fit on half of the articles")
    fitting.add_argument("lines", type=Path)
    fitting.add_argument("--threshold", type=float, default=0.3, help="see training.choose")
    fitting.add_argument("--write", action="store_true", help=f"into {CALIBRATION_FILE.name}")
    arguments = parser.parse_args()
    if arguments.what == "ask":
        ask(arguments.data, arguments.output, limit=arguments.limit)
        return
    found = fit_lines(read_lines(arguments.lines), threshold=arguments.threshold)
    print({name: round(value, 3) for name, value in found.coefficients.items()}, "intercept", round(found.intercept, 3))
    if arguments.write:
        save_calibration(found, library=True)


if __name__ == "__main__":
    main()
