"""A run comes in; its outcomes in groups that may differ go out: by article, question word, shared words, length.

A question belongs to one group of each slice. Unanswerable questions share no words with evidence they do not have, so
they are in no group of "words shared"; everything else has its place.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from index.terms import content_terms
from qa.evaluate import Outcome
from qa.run import Run

LENGTHS = (
    (200, "under 200 words"),
    (500, "200 to 499 words"),
    (1000, "500 to 999 words"),
    (3000, "1,000 to 2,999 words"),
)
LONGEST = "3,000 words and more"
MOST_ARTICLES = 40  # with a row of their own; the rest, with the fewest questions, share one
NONE, FEW, MANY = "no word shared", "fewer than half shared", "half or more shared"
_QUESTION_WORD = re.compile(
    r"\b(how (?:many|much|long|old|far|often)|who|whom|whose|what|when|where|why|which|how)\b", re.I
)
_YES_NO = re.compile(
    r"^\W*(?:is|are|was|were|am|do|does|did|has|have|had|can|could|will|would|should|may|might|must)\b", re.I
)


def slices_of(run: Run, outcomes: Sequence[Outcome]) -> dict[str, dict[str, list[Outcome]]]:
    """Return slice -> group -> outcomes; a slice of a single group says nothing and is left out."""
    texts = {fingerprint: article.text for fingerprint, article in run.articles.items()}
    lengths = {fingerprint: length_group(len(text.split())) for fingerprint, text in texts.items()}
    titles = _distinct_titles(run)
    slices = {
        "question word": _grouped(outcomes, [question_word(o.question) for o in outcomes]),
        "words shared with the evidence": _grouped(
            outcomes, [shared_words_group(o, texts.get(o.article, "")) for o in outcomes], order=(NONE, FEW, MANY)
        ),
        "article length": _grouped(
            outcomes, [lengths.get(o.article) for o in outcomes], order=[*(name for _, name in LENGTHS), LONGEST]
        ),
        "article": _largest(_grouped(outcomes, [titles.get(o.article) for o in outcomes])),
    }
    return {name: groups for name, groups in slices.items() if len(groups) > 1}


def question_word(question: str) -> str:
    """Return the word a question asks with ("how many" is one), "yes or no", or "other".

    The first one anywhere counts, because "In which year ..." asks with "which"; but "Did she say who ..." is a yes-no
    question.
    """
    if _YES_NO.match(question):
        return "yes or no"
    found = _QUESTION_WORD.search(question)
    return found.group(1).lower() if found else "other"


def shared_words(question: str, evidence: str) -> tuple[int, int]:
    """Return how many different content words of the question the evidence has, and how many the question has."""
    asked, said = set(content_terms(question)), set(content_terms(evidence))
    return len(asked & said), len(asked)


def shared_words_level(shared: int, asked: int) -> str:
    """Return which of the three groups that is; a question without content words shares none."""
    if shared == 0:
        return NONE
    return MANY if 2 * shared >= asked else FEW


def shared_words_group(outcome: Outcome, text: str) -> str | None:
    """Return the group of the right sentence that shares the most with the question; None without a right sentence."""
    counts = [shared_words(outcome.question, text[start:end]) for start, end in outcome.gold]
    return shared_words_level(*max(counts)) if counts else None


def length_group(words: int) -> str:
    """Return the group of an article of so many words."""
    return next((name for limit, name in LENGTHS if words < limit), LONGEST)


def _distinct_titles(run: Run) -> Mapping[str, str]:
    titles = Counter(article.title for article in run.articles.values())
    return {
        fingerprint: article.title if titles[article.title] == 1 else f"{article.title} ({fingerprint[:6]})"
        for fingerprint, article in run.articles.items()
    }


def _largest(groups: dict[str, list[Outcome]]) -> dict[str, list[Outcome]]:
    """Return the largest groups, and the outcomes of all others as one: a table of 300 articles is read by nobody."""
    if len(groups) <= MOST_ARTICLES + 1:
        return groups
    names = list(groups)
    rest = [outcome for name in names[MOST_ARTICLES:] for outcome in groups[name]]
    kept = {name: groups[name] for name in names[:MOST_ARTICLES]}
    return {**kept, f"the {len(names) - MOST_ARTICLES:,} other articles": rest}


def _grouped(
    outcomes: Sequence[Outcome], groups: Sequence[str | None], *, order: Sequence[str] = ()
) -> dict[str, list[Outcome]]:
    """Return the outcomes of each group, in `order`, else the largest group first."""
    found: dict[str, list[Outcome]] = {name: [] for name in order}
    for outcome, group in zip(outcomes, groups, strict=True):
        if group is not None:
            found.setdefault(group, []).append(outcome)
    kept = {name: members for name, members in found.items() if members}
    return kept if order else dict(sorted(kept.items(), key=lambda item: (-len(item[1]), item[0])))
