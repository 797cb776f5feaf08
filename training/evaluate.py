"""A validation set and a folder of weights go in; what retriever and reader say of every question comes out.

    python -m training.evaluate ../shared/data/validation/newsqa.jsonl.gz qa/weights build/newsqa.jsonl [--own]

The set is in the normal form (training/README.md). One question a line, in the order of the file: {"id", "article",
"gold": [row], "rows": [row], "characters", "cosine", "bm25", "fused", "sentence", "span": [...] by row, "answers",
"text"}. `training.choose` turns these lines into figures and settings, so that a weight can be chosen without reading
anything again. --own asks each question of its own paragraph.
"""

import argparse
import gzip
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from index.article import article_from_text
from index.build import ArticleIndex, open_index
from index.embeddings import open_encoder
from qa.contradiction import asks_yes_or_no, held_against
from qa.dialogue import Turn, understand
from qa.retrieve import retrieve
from qa.spelling import mended, vocabulary
from qa.trained_reader import TrainedReader, lead_place
from training.model import PIECES
from training.teacher import TorchReader


def offsets(question: dict[str, Any], paragraph_starts: list[int]) -> list[tuple[int, int]]:
    """Return where the answers stand in the article made of the paragraphs with a blank line between."""
    answers = question.get("answers", [])
    exact = [answer for answer in answers if answer.get("start_exact", True)]
    found = []
    for answer in exact or answers:
        for start in answer.get("starts", [answer["start"]]):
            at = paragraph_starts[answer["paragraph"]] + start
            found.append((at, at + len(answer["text"])))
    return found


def right_rows(article_index: ArticleIndex, places: list[tuple[int, int]]) -> list[int]:
    """Return the sentence that holds most of each answer."""
    rows = set()
    for start, end in places:
        shared = [min(end, s.end) - max(start, s.start) for s in article_index.sentences]
        best = max(range(len(shared)), key=lambda row: (shared[row], -row))
        if shared[best] > 0:
            rows.add(best)
    return sorted(rows)


def tasks(path: Path, *, own: bool) -> Iterator[tuple[str, str, dict[str, Any], list[tuple[int, int]]]]:
    """Yield (article id, text, question, answer places), whole articles or each question's own paragraph."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            article = json.loads(line)
            paragraphs = article["paragraphs"]
            starts = [sum(len(p) + 2 for p in paragraphs[:i]) for i in range(len(paragraphs))]
            for question in article["questions"]:
                answerable = question.get("answerable", True)
                if own:
                    number = question.get("asked_of_paragraph")
                    if number is None:
                        number = question["answers"][0]["paragraph"]
                    here = {**question, "answers": [a for a in question["answers"] if a["paragraph"] == number]}
                    places = [(a - starts[number], b - starts[number]) for a, b in offsets(here, starts)]
                    yield f"{article['id']}#{number}", paragraphs[number], question, places if answerable else []
                elif not answerable and question.get("asked_of_paragraph") is None:
                    yield str(article["id"]), "\n\n".join(paragraphs), question, []  # nowhere in the article
                elif answerable and question["answers"]:
                    yield str(article["id"]), "\n\n".join(paragraphs), question, offsets(question, starts)


def main() -> None:
    """Evaluate one set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("weights", type=Path, help="a folder as training.export writes it, or a checkpoint")
    parser.add_argument("--encoder", default=PIECES, help="the package or folder that the checkpoint began from")
    parser.add_argument("output", type=Path)
    parser.add_argument("--limit", type=int, help="only so many questions, spread evenly over the file")
    parser.add_argument("--own", action="store_true", help="ask each question of its own paragraph")
    parser.add_argument("--follow-ups", action="store_true", help="only questions that have a history")
    parser.add_argument(
        "--foreign", action="store_true", help="ask each question of another article: nothing answers it"
    )
    parser.add_argument("--most-pieces", type=int)
    parser.add_argument("--window-pieces", type=int)
    parser.add_argument("--again-windows", type=int)
    parser.add_argument("--again-pieces", type=int)
    parser.add_argument("--digest-sentences", type=int)
    parser.add_argument("--digest-pieces", type=int)
    parser.add_argument("--cache", type=Path)
    arguments = parser.parse_args()
    encoder = open_encoder(None, cache=arguments.cache)
    of_torch = arguments.weights.suffix == ".pt"
    reader = TorchReader(arguments.encoder, arguments.weights) if of_torch else TrainedReader(arguments.weights)
    named = ("most_pieces", "window_pieces", "again_windows", "again_pieces", "digest_sentences", "digest_pieces")
    changes = {name: getattr(arguments, name) for name in named if getattr(arguments, name) is not None}
    reader.settings = replace(reader.settings, **changes)
    everything = [
        t for t in tasks(arguments.data, own=arguments.own) if t[2].get("history") or not arguments.follow_ups
    ]
    if arguments.limit and arguments.limit < len(everything):
        everything = [everything[i * len(everything) // arguments.limit] for i in range(arguments.limit)]
    if arguments.foreign:
        # Half the file away is another article, and the same one each time.
        half = len(everything) // 2
        others = [everything[(number + half) % len(everything)] for number in range(len(everything))]
        everything = [
            (other[0], other[1], {**mine[2], "answerable": False}, [])
            for mine, other in zip(everything, others, strict=True)
        ]
    opened: dict[str, ArticleIndex] = {}
    with arguments.output.open("w", encoding="utf-8") as output:
        for number, (name, text, question, places) in enumerate(everything):
            if name not in opened:
                opened = {name: open_index(article_from_text(text, source=name), encoder, cache=arguments.cache)}
            article_index = opened[name]
            history = [Turn(q, a) for q, a in question.get("history", [])]
            words = article_index.terms.words(question["question"])
            asked = mended(question["question"], words.unmentioned, partial(vocabulary, article_index.article))
            understood = understand(asked, history)
            candidates = retrieve(understood.search, article_index, encoder)
            logits = reader.logits(asked, understood.turns, article_index, candidates)
            rows = [c.row for c in candidates if c.row in logits] + [c.row for c in candidates if c.row not in logits][
                :10
            ]
            by_row = {c.row: c for c in candidates}
            spans = {}
            for row in logits:
                # A sentence of signs the tokenizer knows nothing of has no pieces, and so no span.
                likeliest = logits[row].spans(1)
                a, b = reader.span_offsets(article_index, row, *likeliest[0]) if likeliest else (0, 0)
                spans[row] = (logits[row].span_logit, article_index.article.text[a:b])
            words = article_index.terms.words(asked)
            held = held_against(asked, article_index, rows)
            line = {
                "id": question["id"], "article": name, "question": question["question"], "history": len(history),
                "turns": len(understood.turns),
                "answerable": bool(places), "gold": right_rows(article_index, places), "rows": rows,
                "sentences": len(article_index.sentences),
                "place": [lead_place(article_index.sentences, r) for r in rows],
                "undenied": held.undenied, "opposed": [found is not None for found in held.opposed],
                "strange_numbers": len(held.premises.strange_numbers),
                "characters": [len(article_index.sentences[r].text) for r in rows],
                "cosine": [round(by_row[r].cosine, 5) for r in rows], "bm25": [round(by_row[r].bm25, 4) for r in rows],
                "rank": [by_row[r].rank for r in rows], "dense_rank": [by_row[r].dense_rank for r in rows],
                "bm25_rank": [by_row[r].bm25_rank for r in rows], "fused": [round(by_row[r].fused, 5) for r in rows],
                "sentence": [round(logits[r].sentence, 4) if r in logits else None for r in rows],
                "span": [round(spans[r][0], 4) if r in spans else None for r in rows],
                "text": [spans[r][1] if r in spans else None for r in rows],
                "answers": [a["text"] for a in question["answers"]] if places else [],
                "kind": question.get("kind"),
                "mentioned": [len(words.mentioned), len(words.unmentioned)],
                "yes_no": asks_yes_or_no(asked), "words": len(asked.split()),
            }  # fmt: skip
            output.write(json.dumps(line, ensure_ascii=False) + "\n")
            if number % 200 == 0:
                print(f"{number}/{len(everything)}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
