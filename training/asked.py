"""Questions of our own on paragraphs of the training sets go in; they come out prepared, and what is wrong with them.

The sets have few questions that their paragraph does not answer though it seems to: 2,182. Those in training/asked are
more of that kind, and some that it answers in other words. Those in training/twins are made as people make them, by
changing a word or two of a question of the set so that the paragraph answers it no more; beside them are others that
ask the same as the set does, in words that the paragraph has not. A file names paragraphs and questions and holds none
of their sentences; of a changed question it holds the change:

    @ squad11.train:0 | 3                             article of the set, number of the paragraph from 0
    ! Which magazine did the bishop found?            the paragraph does not answer
    ? In what year did the yearbook first come out? | 1906        it does: the answer, letter for letter
    ~ 5733be28 | 3-5 by the rector; 9-9 not           nor this: a question of the set with its words 3 and 4 (from 0)
                                                      replaced and one put in before its word 9

    python -m training.asked training/asked/*.txt training/twins/*.txt --data ../shared/data/train     reads and checks
    python -m training.asked FILES --data ../shared/data/train --as-changes FOLDER

The last writes the files into FOLDER with every "!" that shares most of its words with a question of its article
turned into "~": so twins are written down in full and kept without the sets' words.
"""

import argparse
import gzip
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "asked"
TWINS = Path(__file__).parent / "twins"
OURS = {"asked": FOLDER, "twins": TWINS}  # by the names of the sets that are made of them
SETS = ("squad11", "squad2", "newwiki")
ALIKE = 0.5  # a question that shares so much of its words with one of the set is a change of that one
_CHANGE = re.compile(r"(\d+)-(\d+)((?: .*)?)")


@dataclass(frozen=True, slots=True)
class Edit:
    """Words `first` to `end` - 1 of a question (from 0, cut at spaces) replaced by `words`, none or several."""

    first: int
    end: int
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """A question on one paragraph, in full or as changes to a question that the set has."""

    article: str
    paragraph: int
    question: str  # "" where it is a changed one
    answers: tuple[str, ...]  # none: the paragraph does not answer
    of: str = ""  # id of the question that is changed
    changes: tuple[Edit, ...] = ()


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
            elif kind == "~" and article:
                of, changes = (part.strip() for part in rest.split("|", 1))
                found.append(AskedQuestion(article, paragraph, "", (), of, read_changes(changes)))
            else:
                raise ValueError("wanted @, !, ? or ~ at the beginning, and @ first")
            if kind in "!?" and len(found[-1].question.split()) < 2:
                raise ValueError("that is no question")
        except ValueError as error:
            raise ValueError(f"line {number}: {error}: {line.strip()[:80]}") from error
    return found


def read_changes(text: str) -> tuple[Edit, ...]:
    """Return the changes that "3-5 by the rector; 9-9 not" writes. Raises ValueError where that is not readable."""
    found = []
    for part in text.split("; "):
        match = _CHANGE.fullmatch(part.strip())
        if match is None or int(match[1]) > int(match[2]):
            raise ValueError("wanted changes such as 3-5 by the rector; 9-9 not")
        found.append(Edit(int(match[1]), int(match[2]), tuple(match[3].split())))
    return tuple(found)


def written(changes: Iterable[Edit]) -> str:
    """Return changes as `read_changes` reads them."""
    return "; ".join(" ".join((f"{one.first}-{one.end}", *one.words)) for one in changes)


def changes_between(question: str, changed: str) -> tuple[Edit, ...]:
    """Return the fewest changes by words that make one question of the other."""
    before, after = question.split(), changed.split()
    steps = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    return tuple(Edit(i, end, tuple(after[j:to])) for kind, i, end, j, to in steps if kind != "equal")


def with_changes(question: str, changes: Iterable[Edit]) -> str:
    """Return the question with the changes made, its words one space apart. Raises ValueError where it is too short."""
    words = question.split()
    for one in sorted(changes, key=lambda change: -change.first):  # from the end, so that the places stay
        if one.end > len(words):
            raise ValueError(f"the question has {len(words)} words, the change wants {one.end}")
        words[one.first : one.end] = one.words
    return " ".join(words)


def read_folder(folder: Path = FOLDER) -> dict[str, list[AskedQuestion]]:
    """Return all questions by the article they are on."""
    found: dict[str, list[AskedQuestion]] = {}
    for path in sorted(folder.glob("*.txt")):
        for one in read_asked(path.read_text(encoding="utf-8").splitlines()):
            found.setdefault(one.article, []).append(one)
    return found


def as_question(asked: AskedQuestion, article: Mapping[str, Any], number: int) -> dict[str, Any] | None:
    """Return the question in the normal form of the sets; None where paragraph, question or answer is not to be found.

    article: of the set, in its normal form.
    """
    if not 0 <= asked.paragraph < len(article["paragraphs"]):
        return None
    text = article["paragraphs"][asked.paragraph]
    if not all(answer in text for answer in asked.answers):
        return None
    question = asked.question
    if asked.of:
        try:
            of = next(q["question"] for q in article["questions"] if q["id"] == asked.of)
            question = with_changes(of, asked.changes)
        except (StopIteration, ValueError):
            return None
    answers = [{"text": answer, "paragraph": asked.paragraph, "start": text.index(answer)} for answer in asked.answers]
    return {
        "id": f"{asked.article}-asked-{number}", "question": question, "answers": answers,
        "answerable": bool(answers), "asked_of_paragraph": asked.paragraph,
    }  # fmt: skip


def as_change(asked: AskedQuestion, questions: Sequence[Mapping[str, Any]]) -> AskedQuestion:
    """Return an unanswerable question as changes to the one of the set that is most like it; itself where none is.

    questions: of the article, in the set's normal form.
    """
    if asked.answers or asked.of:
        return asked
    after = asked.question.split()
    alike = [SequenceMatcher(None, q["question"].split(), after, autojunk=False).ratio() for q in questions]
    if not alike or max(alike) < ALIKE:
        return asked
    nearest = questions[alike.index(max(alike))]
    changes = changes_between(nearest["question"], asked.question)
    if not changes or any(word.endswith(";") for change in changes for word in change.words):
        return asked
    return AskedQuestion(asked.article, asked.paragraph, "", (), nearest["id"], changes)


def lines_of(asked: Iterable[AskedQuestion]) -> list[str]:
    """Return the lines that `read_asked` reads as these questions."""
    lines: list[str] = []
    at: tuple[str, int] | None = None
    for one in asked:
        if at != (one.article, one.paragraph):
            at = (one.article, one.paragraph)
            lines += [*([""] if lines else []), f"@ {one.article} | {one.paragraph}"]
        if one.of:
            lines.append(f"~ {one.of} | {written(one.changes)}")
        elif one.answers:
            lines.append(f"? {one.question} | {'; '.join(one.answers)}")
        else:
            lines.append(f"! {one.question}")
    return lines


def main() -> None:
    """Check files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--data", type=Path, required=True, help="the folder of the training sets")
    parser.add_argument("--as-changes", type=Path, metavar="FOLDER", help="write them there without the sets' words")
    arguments = parser.parse_args()
    articles: dict[str, dict[str, Any]] = {}
    for name in SETS:
        with gzip.open(arguments.data / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            articles.update((article["id"], article) for article in map(json.loads, lines))
    nothing: dict[str, Any] = {"paragraphs": [], "questions": []}
    traps = answered = wrong = 0
    for path in arguments.files:
        try:
            asked = read_asked(path.read_text(encoding="utf-8").splitlines())
        except ValueError as error:
            print(f"{path}: {error}")
            wrong += 1
            continue
        for number, one in enumerate(asked):
            if as_question(one, articles.get(one.article, nothing), number) is None:
                print(f"{path}: {one.article} | {one.paragraph}: not there, or not in these letters: "
                      f"{one.question or one.of} | {'; '.join(one.answers)}")  # fmt: skip
                wrong += 1
            traps += not one.answers
            answered += bool(one.answers)
        if arguments.as_changes:
            arguments.as_changes.mkdir(parents=True, exist_ok=True)
            kept = [as_change(one, articles.get(one.article, nothing)["questions"]) for one in asked]
            (arguments.as_changes / path.name).write_text("\n".join(lines_of(kept)) + "\n", encoding="utf-8")
    print(f"{traps} questions that nothing answers, {answered} that the paragraph answers; {wrong} to be mended")
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
