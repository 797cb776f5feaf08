"""Question sets in the normal form go in; articles cut into sentences, each question with its right ones, come out.

    python -m training.prepare ../shared/data/train build/train.jsonl.gz
    python -m training.prepare ../shared/data/validation build/validation.jsonl.gz --all

One article a line: {"set", "id", "sentences": [text], "paragraph_of": [int], "questions": [{"id", "question",
"history", "gold": [sentence], "spans": [[sentence, start, end]], "own": [first, last + 1], "answerable"}]}; spans are
character offsets in their sentence, "own" is the range of sentences of the paragraph that the question was asked about.
"""

import argparse
import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import sentencex
import tomllib

from training.asked import OURS, as_question, read_folder
from training.story import prepared_stories

HERE = Path(__file__).parent


def cut(paragraphs: list[str]) -> list[tuple[int, int, str]]:
    """Return (paragraph, start in the paragraph, text) of every sentence, in reading order."""
    found = []
    for number, paragraph in enumerate(paragraphs):
        for boundary in sentencex.get_sentence_boundaries("en", paragraph):
            text = boundary["text"]
            if text.strip():
                lead = len(text) - len(text.lstrip())
                found.append((number, boundary["start_index"] + lead, text.strip()))
    return found


def prepared_question(question: dict[str, Any], sentences: list[tuple[int, int, str]]) -> dict[str, Any]:
    """Return the question with the sentences and spans that answer it."""
    gold: list[int] = []
    spans: list[list[int]] = []
    answers = question.get("answers", [])
    # Where a source gives the place of one answer and only the wording of the others, the place is believed.
    exact = [answer for answer in answers if answer.get("start_exact", True)]
    for answer in exact or answers:
        for start in answer.get("starts", [answer["start"]]):
            end = start + len(answer["text"])
            overlaps = {}
            for number, (of_paragraph, at, text) in enumerate(sentences):
                if of_paragraph == answer["paragraph"]:
                    shared = min(end, at + len(text)) - max(start, at)
                    if shared > 0:
                        overlaps[number] = shared
            if not overlaps:
                continue
            best = max(overlaps, key=lambda number: (overlaps[number], -number))
            gold.append(best)
            at, text = sentences[best][1], sentences[best][2]
            spans.append([best, max(start - at, 0), min(end - at, len(text))])
    answered = bool(question.get("answerable", True)) and bool(gold)
    paragraph = question.get("asked_of_paragraph")
    if paragraph is None and gold:
        paragraph = sentences[gold[0]][0]
    own = [number for number, sentence in enumerate(sentences) if sentence[0] == paragraph]
    return {
        "id": question["id"],
        "question": question["question"],
        "history": question.get("history", []),
        "gold": sorted(set(gold)) if answered else [],
        "spans": spans if answered else [],
        "own": [own[0], own[-1] + 1] if own else [0, len(sentences)],
        "answerable": bool(question.get("answerable", True)),
    }


def prepared_articles(
    folder: Path, names: list[str], domains: list[str] | None, *, ours: Mapping[str, Path] = OURS
) -> Iterator[dict[str, Any]]:
    """Yield every article of the sets, prepared; questions without any known evidence are left out.

    An article that questions of our own are on comes again: as one of the set "asked", of "twins", with those.
    """
    of_ours = {} if domains is None else {name: read_folder(place) for name, place in ours.items()}
    for name in names:
        if name == "stories":
            yield from prepared_stories(held_back=False)
            continue
        with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for line in lines:
                article = json.loads(line)
                if name == "coqa" and domains is not None and article["domain"] not in domains:
                    continue
                if "sentences" in article:
                    sentences = [(0, 0, text) for text in article["sentences"]]
                    questions = [
                        {
                            "id": q["id"],
                            "question": q["question"],
                            "history": [],
                            "gold": q["positive"],
                            "spans": [],
                            "own": [0, len(sentences)],
                            "answerable": bool(q["positive"]),
                        }
                        for q in article["questions"]
                    ]
                else:
                    sentences = cut(article["paragraphs"])
                    questions = [prepared_question(q, sentences) for q in article["questions"]]
                questions = [q for q in questions if q["gold"] or not q["answerable"]]
                if questions and sentences:
                    yield {
                        "set": name,
                        "id": article["id"],
                        "sentences": [text for _, _, text in sentences],
                        "paragraph_of": [paragraph for paragraph, _, _ in sentences],
                        "questions": questions,
                    }
                for of_set, asked in of_ours.items():
                    own = [as_question(one, article, n) for n, one in enumerate(asked.get(article["id"], ()))]
                    prepared = [prepared_question(question, sentences) for question in own if question is not None]
                    if prepared:
                        yield {
                            "set": of_set,
                            "id": article["id"],
                            "sentences": [text for _, _, text in sentences],
                            "paragraph_of": [paragraph for paragraph, _, _ in sentences],
                            "questions": [q for q in prepared if q["gold"] or not q["answerable"]],
                        }


def main() -> None:
    """Prepare one folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--all", action="store_true", help="every set in the folder (for validation)")
    arguments = parser.parse_args()
    config = tomllib.loads((HERE / "config.toml").read_text(encoding="utf-8"))["data"]
    names = [*config["sets"], "stories"]
    if arguments.all:
        names = sorted(path.name.removesuffix(".jsonl.gz") for path in arguments.folder.glob("*.jsonl.gz"))
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    counts: dict[str, list[int]] = {}
    with gzip.open(arguments.output, "wt", encoding="utf-8", compresslevel=3) as output:
        for article in prepared_articles(arguments.folder, names, None if arguments.all else config["coqa_domains"]):
            output.write(json.dumps(article, ensure_ascii=False) + "\n")
            count = counts.setdefault(article["set"], [0, 0])
            count[0] += 1
            count[1] += len(article["questions"])
    for name, (articles, questions) in counts.items():
        print(f"{name:14} {articles:6} articles {questions:7} questions")


if __name__ == "__main__":
    main()
