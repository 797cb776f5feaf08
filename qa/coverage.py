"""A questions file comes in; what is wrong or weak in it, and what of its articles nobody asks about, go out.

For whoever writes questions: `examine` looks at the file, `uncovered` at the article.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from index.article import Article
from index.sentences import Sentence, split_sentences
from index.terms import content_terms
from qa.dialogue import words_of
from qa.metrics import overlaps, squad_words
from qa.questions import Complaint, Question, QuestionSet, check_questions, read_question_set
from qa.slices import shared_words, shared_words_level
from qa.statistics import smallest_difference

NEAR = 0.8  # two questions that share this much of their content words are told as near-duplicates
FEWEST_TERMS = 3  # below that any two short questions would be near
_NUMBER = re.compile(r"[£$€]?\d+(?:[.,:]\d+)*(?:st|nd|rd|th|%)?")
_CAPITAL = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*")


@dataclass(frozen=True, slots=True)
class Examination:
    """What is to be said of a questions file."""

    complaints: tuple[Complaint, ...]  # serious ones first, then advice in the order of the lines
    questions: int
    unanswerable: int
    drafts: int
    kinds: Mapping[str, int] = field(default_factory=dict)
    levels: Mapping[str, int] = field(default_factory=dict)  # how many words question and evidence share -> questions

    @property
    def usable(self) -> bool:
        """Whether the file can be scored."""
        return not any(complaint.serious for complaint in self.complaints)

    @property
    def smallest_difference(self) -> float | None:
        """The difference between two runs that so many questions can show, 0 to 1, if one in ten flips."""
        return smallest_difference(self.questions)


def examine(path: str | Path, article: Article | None) -> Examination:
    """Return everything worth saying of a questions file.

    Raises:
        BadQuestionFile: when there is no such file, it is not UTF-8 text, or it has no question.
    """
    serious = check_questions(path, article)
    if serious:
        return Examination(tuple(serious), 0, 0, 0)
    question_set = read_question_set(path, article)
    questions = question_set.questions
    advice = sorted(
        [*_duplicates(path, questions), *_shared_evidence(path, questions), *_strange_answers(path, question_set)],
        key=lambda complaint: complaint.line,
    )
    return Examination(
        complaints=tuple(advice),
        questions=len(questions),
        unanswerable=sum(not question.answerable for question in questions),
        drafts=question_set.left_out.get("drafts", 0),
        # Plain dictionaries: dataclasses.asdict makes nonsense of a Counter.
        kinds=dict(Counter(question.kind for question in questions)),
        levels=dict(Counter(_level(question, question_set) for question in questions if question.answerable)),
    )


def _level(question: Question, question_set: QuestionSet) -> str:
    text = question_set.articles[question.article].text
    return shared_words_level(*max(shared_words(question.question, text[start:end]) for start, end in question.places))


def _duplicates(path: str | Path, questions: Sequence[Question]) -> Iterable[Complaint]:
    """Complain of a question that repeats an earlier one, word for word or nearly, with the same turns before it."""
    told: dict[tuple[object, ...], list[tuple[Question, list[str], frozenset[str]]]] = {}
    for question in questions:
        words, terms = squad_words(question.question), frozenset(content_terms(question.question))
        before = told.setdefault((question.article, question.history), [])
        for earlier, earlier_words, earlier_terms in before:
            if words == earlier_words:
                yield Complaint(str(path), question.line, f"asks the same as line {earlier.line}", serious=False)
            elif len(terms) >= FEWEST_TERMS and len(terms & earlier_terms) >= NEAR * len(terms | earlier_terms):
                said = f"asks nearly the same as line {earlier.line}: “{earlier.question}”"
                yield Complaint(str(path), question.line, said, serious=False)
        before.append((question, words, terms))


def _shared_evidence(path: str | Path, questions: Sequence[Question]) -> Iterable[Complaint]:
    """Tell which questions have exactly the same evidence: they stand and fall together, and count as less than n."""
    groups: dict[tuple[object, ...], list[Question]] = {}
    for question in questions:
        if question.places:
            groups.setdefault((question.article, question.places), []).append(question)
    for members in groups.values():
        if len(members) > 1:
            others = ", ".join(str(question.line) for question in members[1:])
            said = f"has the same evidence as line{'' if len(members) == 2 else 's'} {others}"
            yield Complaint(str(path), members[0].line, said, serious=False)


def _strange_answers(path: str | Path, question_set: QuestionSet) -> Iterable[Complaint]:
    for question in question_set.questions:
        text = question_set.articles[question.article].text
        quotes = [" ".join(squad_words(text[start:end])) for start, end in question.places]
        for answer in question.answers:
            if not any(" ".join(squad_words(answer)) in quote for quote in quotes):
                said = f"the answer “{answer}” is not in its evidence"
                yield Complaint(str(path), question.line, said, serious=False)


@dataclass(frozen=True, slots=True)
class Uncovered:
    """What of an article no question asks about."""

    title: str
    sentences: int
    unasked: tuple[Sentence, ...]  # sentences that are evidence of no question
    names: tuple[str, ...]  # that occur in no question and no accepted answer
    numbers: tuple[str, ...]


def uncovered(question_set: QuestionSet) -> list[Uncovered]:
    """Return what no question asks about yet, for each article. Numbers in words ("ninety") are not looked for."""
    found = []
    for fingerprint, article in question_set.articles.items():
        asked = [question for question in question_set.questions if question.article == fingerprint]
        sentences = split_sentences(article.text)
        places = [place for question in asked for place in question.places]
        said = " ".join(part for q in asked for part in (q.question, *q.answers))
        known = {word.lower() for word in words_of(said)}
        numbers = dict.fromkeys(_NUMBER.findall(article.text))
        known_numbers = set(_NUMBER.findall(said))
        found.append(
            Uncovered(
                title=article.title,
                sentences=len(sentences),
                unasked=tuple(s for s in sentences if not any(overlaps((s.start, s.end), place) for place in places)),
                names=tuple(
                    name for name in names_of(sentences) if not all(word.lower() in known for word in words_of(name))
                ),
                numbers=tuple(number for number in numbers if number not in known_numbers),
            )
        )
    return found


def names_of(sentences: Sequence[Sentence]) -> list[str]:
    """Return the names in some sentences, each once, in order: runs of words with a capital.

    The first word of a sentence has a capital in any case, so a run that begins there counts only when it goes on, or
    when the word has its capital elsewhere too.
    """
    runs: dict[str, bool] = {}  # name -> seen where only a name has a capital
    for sentence in sentences:
        words = list(_CAPITAL.finditer(sentence.text))
        place = 0
        while place < len(words):
            if not words[place].group()[0].isupper():
                place += 1
                continue
            last = place
            while (
                last + 1 < len(words)
                and words[last + 1].group()[0].isupper()
                and sentence.text[words[last].end() : words[last + 1].start()] == " "
            ):
                last += 1
            name = sentence.text[words[place].start() : words[last].end()]
            first = not sentence.text[: words[place].start()].strip(" “\"'‘(")
            if first and last > place and not content_terms(words[place].group()):
                # "The Metropolitan Police": the run without its first word.
                name = sentence.text[words[place + 1].start() : words[last].end()]
                first = False
            runs[name] = runs.get(name, False) or not first or last > place
            place = last + 1
    return [name for name, sure in runs.items() if sure and content_terms(name)]
