"""A question set in the normal form goes in; the same in SQuAD's JSON comes out, for `article-qa eval --squad`.

    python -m benchmarks.to_squad ../shared/data/validation/newsqa.jsonl.gz newsqa.json
    article-qa eval --squad newsqa.json

The normal form has one article a line: {"id", "title", "paragraphs": [text], "questions": [{"id", "question",
"answers": [{"text", "paragraph", "start"}], "answerable"}]}, gzip-compressed or not. An outsider makes the same file
from the published data: NewsQA's stories and questions in SQuAD's form as published for MRQA 2019 (its development
set), with each story's text as the paragraphs that its blank lines make; SQuAD 2.0's own file needs no converter.
A question is put under the paragraph that holds its first answer, or that it was asked of; answers in other paragraphs,
which SQuAD's form cannot hold, are left out and counted.
"""

import argparse
import gzip
import json
import sys
from pathlib import Path
from typing import Any


def squad(lines: list[dict[str, Any]]) -> tuple[dict[str, Any], int]:
    """Return the set in SQuAD 2.0's form, and how many answers it could not hold."""
    articles = []
    left_out = 0
    for line in lines:
        paragraphs: list[dict[str, Any]] = [{"context": text, "qas": []} for text in line["paragraphs"]]
        for question in line["questions"]:
            answerable = question.get("answerable", True)
            exact = [a for a in question["answers"] if a.get("start_exact", True)] or question["answers"]
            places = [(a["paragraph"], start, a["text"]) for a in exact for start in a.get("starts", [a["start"]])]
            if answerable and not places:
                continue
            of = question.get("asked_of_paragraph")
            number = of if of is not None else places[0][0]
            here = [{"text": text, "answer_start": start} for paragraph, start, text in places if paragraph == number]
            left_out += len(places) - len(here) if answerable else 0
            paragraphs[number]["qas"].append(
                {
                    "id": question["id"],
                    "question": question["question"],
                    "is_impossible": not answerable,
                    "answers": here if answerable else [],
                }
            )
        articles.append({"title": line.get("title") or str(line["id"]), "paragraphs": paragraphs})
    return {"version": "v2.0", "data": articles}, left_out


def main() -> None:
    """Convert one file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("normal_form", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    opened = gzip.open if arguments.normal_form.suffix == ".gz" else open
    with opened(arguments.normal_form, "rt", encoding="utf-8") as file:
        found, left_out = squad([json.loads(line) for line in file])
    arguments.output.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
    count = sum(len(p["qas"]) for a in found["data"] for p in a["paragraphs"])
    print(
        f"{len(found['data'])} articles, {count} questions; {left_out} answers in other paragraphs left out",
        file=sys.stderr,
    )


if __name__ == "__main__":
    main()
