"""Questions of our own on paragraphs of the training sets go in; they come out prepared, and what is wrong with them.

The sets have few questions that their paragraph does not answer though it seems to: 2,182. Those in training/asked are
more of that kind, and some that it answers in other words. Those in training/twins ask the same as the sets do,
in words that the paragraph has not; whoever trains puts beside them questions of the sets changed by a word or two, so
that the paragraph answers them no more, which is how people make them. Those are the sets' words and not kept here. A
file names paragraphs and holds none of their sentences:

    @ squad11.train:0 | 3                             article of the set, number of the paragraph from 0
    ! Which magazine did the bishop found?            the paragraph does not answer
    ? In what year did the yearbook first come out? | 1906        it does: the answer, letter for letter

    python -m training.asked training/asked/*.txt --data ../shared/data/train      reads and checks
"""

import argparse
import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "asked"
TWINS = Path(__file__).parent / "twins"
OURS = {"asked": FOLDER, "twins": TWINS}  # by the names of the sets that are made of them
SETS = ("squad11", "squad2", "newwiki")


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question on one paragraph."""

    article: str
    paragraph: int
    question: str
    answers: tuple[str, ...]  # none: the paragraph does not answer


def read_asked(lines: Iterable[str]) -> list[AskedQuestion]:
    """Return the questions of one file. Raises ValueError naming the line."""
    found: list[AskedQuestion] = []
    article, paragraph = "", -1
    for number, line in enumerate(lines, start=1):
        kind, rest = line[:1], line[1:].strip()
        if not line.strip():
            continue
        try:
            if kind == "@":
                article, after = (part.strip() for part in rest.split("|"))
                paragraph = int(after)
            elif kind == "!" and article:
                found.append(AskedQuestion(article, paragraph, rest, ()))
            elif kind == "?" and article:
                question, answers = rest.rsplit("|", 1)
                kept = tuple(answer.strip() for answer in answers.split(";") if answer.strip())
                found.append(AskedQuestion(article, paragraph, question.strip(), kept))
                if not kept:
                    raise ValueError("a question with ? wants an answer")
            else:
                raise ValueError("wanted @, ! or ? at the beginning, and @ first")
            if kind != "@" and len(found[-1].question.split()) < 2:
                raise ValueError("that is no question")
        except ValueError as error:
            raise ValueError(f"line {number}: {error}: {line.strip()[:80]}") from error
    return found


def read_folder(folder: Path = FOLDER) -> dict[str, list[AskedQuestion]]:
    """Return all questions by the article they are on."""
    found: dict[str, list[AskedQuestion]] = {}
    for path in sorted(folder.glob("*.txt")):
        for one in read_asked(path.read_text(encoding="utf-8").splitlines()):
            found.setdefault(one.article, []).append(one)
    return found


def as_question(asked: AskedQuestion, paragraphs: list[str], number: int) -> dict[str, Any] | None:
    """Return the question in the normal form of the sets; None where paragraph or answer is not to be found."""
    if not 0 <= asked.paragraph < len(paragraphs):
        return None
    text = paragraphs[asked.paragraph]
    if not all(answer in text for answer in asked.answers):
        return None
    answers = [{"text": answer, "paragraph": asked.paragraph, "start": text.index(answer)} for answer in asked.answers]
    return {
        "id": f"{asked.article}-asked-{number}", "question": asked.question, "answers": answers,
        "answerable": bool(answers), "asked_of_paragraph": asked.paragraph,
    }  # fmt: skip


def main() -> None:
    """Check files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--data", type=Path, required=True, help="the folder of the training sets")
    arguments = parser.parse_args()
    paragraphs = {}
    for name in SETS:
        with gzip.open(arguments.data / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for article in map(json.loads, lines):
                paragraphs[article["id"]] = article["paragraphs"]
    traps = answered = wrong = 0
    for path in arguments.files:
        try:
            asked = read_asked(path.read_text(encoding="utf-8").splitlines())
        except ValueError as error:
            print(f"{path}: {error}")
            wrong += 1
            continue
        for number, one in enumerate(asked):
            if as_question(one, paragraphs.get(one.article, []), number) is None:
                print(f"{path}: {one.article} | {one.paragraph}: not there, or not in these letters: {one.question} | "
                      f"{'; '.join(one.answers)}")  # fmt: skip
                wrong += 1
            traps += not one.answers
            answered += bool(one.answers)
    print(f"{traps} questions that nothing answers, {answered} that the paragraph answers; {wrong} to be mended")
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
