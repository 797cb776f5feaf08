"""An article and questions with the numbers of their evidence go in; P@1 by kind and the decision to answer come out.

    python -m benchmarks.users_article ../shared/article/article.txt [--reader fused | --weights FOLDER] [--verbose]

For an article whose text may not be copied: benchmarks/users_article.jsonl names its sentences by number, from 1, as
`index.sentences` counts them. Unanswerable questions have no number.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from index.article import read_article
from qa.answer import Answerer, open_answerer
from qa.trained_reader import TrainedReader
from training.choose import auroc, interval

QUESTIONS = Path(__file__).with_suffix(".jsonl")
SENTENCES = 20


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("article", type=Path)
    parser.add_argument("--reader", default="trained")
    parser.add_argument("--weights", type=Path, help="a folder that training.export wrote, instead of the reader's own")
    parser.add_argument(
        "--questions", type=Path, default=QUESTIONS, help="others on the same article, in the same form"
    )
    parser.add_argument("--verbose", action="store_true", help="print every question and what was answered")
    arguments = parser.parse_args()
    answerer = open_answerer(read_article(arguments.article), reader=arguments.reader)
    if arguments.weights:
        candidate = TrainedReader(arguments.weights)
        answerer = Answerer(answerer.article_index, answerer.encoder, candidate, answerer.calibration)
    rows = {sentence.start: number for number, sentence in enumerate(answerer.article_index.sentences, start=1)}
    if len(rows) != SENTENCES:
        raise SystemExit(
            f"{arguments.article} has {len(rows)} sentences; the questions count {SENTENCES}: another article?"
        )
    right: dict[str, list[float]] = {}
    decided: list[float] = []
    confidences: dict[bool, list[float]] = {True: [], False: []}
    milliseconds = []
    with arguments.questions.open(encoding="utf-8") as lines:
        for line in lines:
            question = json.loads(line)
            answer = answerer.ask(question["question"])
            milliseconds.append(answer.ms["total"])
            best = answer.candidates[0].candidate.sentence
            answerable = bool(question["sentences"])
            hit = rows[best.start] in question["sentences"]
            if answerable:
                right.setdefault(question["kind"], []).append(float(hit))
            decided.append(float(answer.answered == answerable))
            confidences[answerable].append(answer.confidence)
            if arguments.verbose:
                mark = ("right" if hit else "WRONG") if answerable else ("ANSWERED" if answer.answered else "refused")
                print(f"{mark:9}{answer.confidence:.2f} {question['question']}")
                print(f"            {best.text[:110]}  [{answer.span.text if answer.span else ''}]")
    for kind, found in right.items():
        print(f"P@1 {kind:15}", interval(np.array(found)))
    asked = [hit for kind in ("paraphrase", "who-said", "reason") for hit in right.get(kind, [])]
    print("P@1 these three    ", interval(np.array(asked)))
    print("P@1 all answerable ", interval(np.array([hit for found in right.values() for hit in found])))
    print("decided rightly    ", interval(np.array(decided)))
    print(f"AUROC of answerable  {auroc(confidences[True], confidences[False]):.3f}")
    print(f"milliseconds, median {np.median(milliseconds):.0f}, 95th percentile {np.percentile(milliseconds, 95):.0f}")


if __name__ == "__main__":
    main()
