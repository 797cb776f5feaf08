"""Story files go in, stories written for this project with their questions; prepared articles come out.

    python -m training.story training/stories/*.txt               # check: every fault, and how hard the questions are
    python -m training.story --held-back build/stories.jsonl.gz   # those never trained on, to evaluate a reader with

A story file is text, one story after the other:

    @ Headline
    1 The first sentence of the first paragraph.
    2 The second sentence.

    3 The first sentence of the second paragraph.
    ?why Why did the sluice jam? | 2 | a fallen willow
    ?para Who looked after the gates? | 1,3 | Ines Mora; the keeper
    +ref And where was she that night? | 3 | -
    !    Who paid for the new gates? | 2

A blank line ends a paragraph. `?` is a question that each of the sentences named answers by itself, with the short
answers found in them literally ("-" where the sentence is the answer); `+` goes on from the question before it; `!` is
a question that nothing in the story answers, with the sentence that comes nearest. The letters after `?` and `+` name
the kind of question.
"""

import argparse
import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent / "stories"
KINDS = {
    "para": "says it in other words than the sentence",
    "said": "asks who said or thought it, or what somebody said",
    "why": "asks for a reason, a cause, a consequence or a manner",
    "ref": "needs a name found in a sentence before or after",
    "fact": "asks for a figure, a date, a place, a name",
    "yes": "answered by yes or no",
    "key": "typed in haste: key words, lower case, no mark",
}
HELD_BACK = 6  # files whose number is a multiple (courts-06, courts-12) measure and are never trained on
STOP = frozenset(
    "a an the of in on at to for from by with and or is are was were be been do does did has have had it its this that "
    "what which who whom whose when where why how as his her their he she they i you we my your not no".split()
)


class BadStory(ValueError):
    """A line of a story file that cannot be read; the message names the file, the line and what was wanted."""


@dataclass(frozen=True, slots=True)
class StoryQuestion:
    """One question on a story."""

    text: str
    kind: str  # a key of KINDS; "none" where nothing answers
    evidence: tuple[int, ...]  # sentences, counted from 0; where nothing answers, the nearest miss
    answers: tuple[str, ...]  # found literally in a sentence of the evidence
    follows: bool  # goes on from the question before it
    line: int

    @property
    def answerable(self) -> bool:
        """Whether the story answers it."""
        return self.kind != "none"


@dataclass(frozen=True, slots=True)
class Story:
    """One story with its questions."""

    name: str  # its file's and its number in it: courts-06-2
    headline: str
    sentences: tuple[str, ...]
    paragraph_of: tuple[int, ...]
    questions: tuple[StoryQuestion, ...]


def read_question(line: str, sentences: list[str], place: str, number: int) -> StoryQuestion:
    """Return the question on a line that starts with ?, + or !; raises BadStory."""
    head, *rest = [part.strip() for part in line[1:].split("|")]
    wanted = 1 if line[0] == "!" else 2
    if len(rest) != wanted:
        raise BadStory(
            f"{place}: {len(rest)} bars; wanted `{line[0]}kind question | sentences{' | answer' * (wanted - 1)}`"
        )
    kind, _, text = head.partition(" ")
    if line[0] == "!":
        kind, text = "none", head
    text = text.strip()
    if kind != "none" and kind not in KINDS:
        raise BadStory(f"{place}: kind {kind!r}; wanted one of {', '.join(KINDS)}")
    if len(text.split()) < (1 if line[0] == "+" else 2):  # "Why?" is enough of a follow-up
        raise BadStory(f"{place}: no question")
    try:
        evidence = tuple(int(part) - 1 for part in rest[0].split(","))
    except ValueError:
        raise BadStory(f"{place}: sentences {rest[0]!r}; wanted numbers, such as 3 or 3,5") from None
    for sentence in evidence:
        if not 0 <= sentence < len(sentences):
            raise BadStory(f"{place}: there is no sentence {sentence + 1}")
    answers = tuple(part.strip() for part in rest[1].split(";")) if wanted == 2 and rest[1] != "-" else ()
    for answer in answers:
        if not answer or not any(answer in sentences[sentence] for sentence in evidence):
            raise BadStory(f"{place}: {answer!r} is not, letter for letter, in sentence {rest[0]}")
    return StoryQuestion(text, kind, evidence, answers, line[0] == "+", number)


def read_stories(path: Path) -> list[Story]:
    """Return the stories of a file, in order; raises BadStory with file and line where one is at fault."""
    stories: list[Story] = []
    headline = ""
    sentences: list[str] = []
    paragraphs: list[int] = []
    questions: list[StoryQuestion] = []
    paragraph, broken = 0, False

    def end_story() -> None:
        if headline:
            name = f"{path.stem}-{len(stories) + 1}"
            stories.append(Story(name, headline, tuple(sentences), tuple(paragraphs), tuple(questions)))

    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        line, place = raw.strip(), f"{path.name}:{number}"
        if not line:
            broken = True
        elif line[0] == "@":
            end_story()
            headline, sentences, paragraphs, questions, paragraph, broken = line[1:].strip(), [], [], [], 0, False
        elif not headline:
            raise BadStory(f"{place}: a story begins with `@ Headline`")
        elif line[0] in "?+!":
            if line[0] == "+" and not questions:
                raise BadStory(f"{place}: nothing for this question to go on from")
            questions.append(read_question(line, sentences, place, number))
        else:
            match = re.fullmatch(r"(\d+) (.+)", line)
            if match is None or int(match[1]) != len(sentences) + 1:
                raise BadStory(
                    f"{place}: wanted `{len(sentences) + 1} Sentence.`, or a line that begins with ?, + or !"
                )
            paragraph += broken and bool(sentences)
            broken = False
            sentences.append(match[2])
            paragraphs.append(paragraph)
    end_story()
    return stories


def is_held_back(path: Path) -> bool:
    """Return whether the stories of a file measure, and are never trained on."""
    return int(path.stem.rpartition("-")[2]) % HELD_BACK == 0


def stories_of(folder: Path, *, held_back: bool) -> Iterator[Story]:
    """Yield the stories of a folder that are held back, or those to train on, in the order of their names."""
    for path in sorted(folder.glob("*.txt")):
        if is_held_back(path) == held_back:
            yield from read_stories(path)


def history(story: Story, number: int) -> list[list[str]]:
    """Return the turns a question goes on from, oldest first: [[question, answer], ...]."""
    turns: list[list[str]] = []
    while story.questions[number].follows:
        number -= 1
        before = story.questions[number]
        sentence = story.sentences[before.evidence[0]] if before.answerable else ""
        turns.insert(0, [before.text, before.answers[0] if before.answers else sentence])
    return turns


def prepared_stories(*, held_back: bool, folder: Path = HERE) -> Iterator[dict[str, Any]]:
    """Yield stories in the form of `training.prepare`: those held back, or those to train on."""
    for story in stories_of(folder, held_back=held_back):
        questions = []
        for number, question in enumerate(story.questions):
            spans = []
            for sentence in question.evidence:
                text = story.sentences[sentence]
                spans += [[sentence, text.index(a), text.index(a) + len(a)] for a in question.answers if a in text]
            questions.append(
                {
                    "id": f"{story.name}-{number + 1}",
                    "question": question.text,
                    "history": history(story, number),
                    "gold": sorted(set(question.evidence)) if question.answerable else [],
                    "spans": spans,
                    "own": [0, len(story.sentences)],
                    "answerable": question.answerable,
                }
            )
        yield {
            "set": "stories",
            "id": story.name,
            "sentences": list(story.sentences),
            "paragraph_of": list(story.paragraph_of),
            "questions": questions,
        }


def normal_form(story: Story) -> dict[str, Any]:
    """Return the story in the normal form of question sets (training/README.md), to be evaluated like any other.

    Where no short answer is marked, the sentence is the answer.
    """
    paragraphs: list[str] = []
    starts: list[int] = []  # of each sentence in its paragraph
    for text, number in zip(story.sentences, story.paragraph_of, strict=True):
        if number == len(paragraphs):
            paragraphs.append("")
        starts.append(len(paragraphs[number]) + bool(paragraphs[number]))
        paragraphs[number] += " " * bool(paragraphs[number]) + text
    questions = []
    for number, question in enumerate(story.questions):
        answers = []
        for sentence in question.evidence if question.answerable else ():
            text = story.sentences[sentence]
            for answer in [a for a in question.answers if a in text] or [text]:
                start = starts[sentence] + text.index(answer)
                answers.append({"text": answer, "paragraph": story.paragraph_of[sentence], "start": start})
        questions.append(
            {
                "id": f"{story.name}-{number + 1}",
                "question": question.text,
                "kind": question.kind,
                "history": history(story, number),
                "answers": answers,
                "answerable": question.answerable,
            }
        )
    return {
        "id": story.name,
        "title": story.headline,
        "source": "written for this project",
        "paragraphs": paragraphs,
        "questions": questions,
    }


def write_held_back(path: Path, folder: Path = HERE) -> None:
    """Write the stories that are held back, in the normal form, gzip-compressed JSON Lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as lines:
        for story in stories_of(folder, held_back=True):
            lines.write(json.dumps(normal_form(story), ensure_ascii=False) + "\n")


def stems(text: str) -> set[str]:
    """Return the words that carry meaning, cut to six letters."""
    return {word[:6] for word in re.findall(r"\w+", text.lower()) if word not in STOP}


def won_by_words(story: Story, question: StoryQuestion) -> bool:
    """Return whether a right sentence shares more words with the question than any other: too easy a question."""
    shared = [len(stems(question.text) & stems(sentence)) for sentence in story.sentences]
    others = [count for number, count in enumerate(shared) if number not in question.evidence]
    return max(shared[number] for number in question.evidence) > max(others, default=0)


def main() -> int:
    """Check files, the exit code being 1 where one is at fault; or write those held back."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="*", help="to check; none: all")
    parser.add_argument("--held-back", type=Path, metavar="FILE", help="write the stories that measure to FILE")
    arguments = parser.parse_args()
    if arguments.held_back:
        write_held_back(arguments.held_back)
        return 0
    faults = 0
    kinds: Counter[str] = Counter()
    easy: Counter[str] = Counter()
    stories = sentences = 0
    for path in arguments.files or sorted(HERE.glob("*.txt")):
        try:
            of_file = read_stories(path)
        except (BadStory, OSError) as fault:
            print(fault)
            faults += 1
            continue
        for story in of_file:
            stories, sentences = stories + 1, sentences + len(story.sentences)
            for question in story.questions:
                kinds[question.kind] += 1
                easy[question.kind] += won_by_words(story, question)
    print(f"{stories} stories, {sentences} sentences, {kinds.total()} questions")
    for kind, count in kinds.most_common():
        print(f"  {kind:5} {count:6}   found by counting words: {easy[kind] / count:.0%}")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
