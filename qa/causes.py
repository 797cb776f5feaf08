"""An outcome comes in; why it failed goes out, or None where it did not.

The first cause that holds, in the order of the stages, is the one to mend: where the right sentence was never read, it
does not matter that the question was then refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from qa.evaluate import Outcome
from qa.metrics import overlaps

Cause = Literal["error", "split", "not_read", "ranked_below", "wrong_span", "refused", "answered"]

CAUSES: Mapping[Cause, tuple[str, str]] = {  # cause -> heading, explanation
    "error": ("Error", "the question could not be asked"),
    "split": ("Evidence split", "the evidence runs over several sentences, and the best sentence is none of them"),
    "not_read": ("Not among the candidates", "no right sentence was among those the reader looked at"),
    "ranked_below": ("Ranked below", "a right sentence was looked at, and another was preferred"),
    "wrong_span": (
        "Wrong short answer",
        "the right sentence, but less than half of the short answer's words (F1 under 0.5)",
    ),
    "refused": ("Refused", "the best sentence is right, and the confidence was too low to say so"),
    "answered": ("Answered all the same", "the article does not say, and an answer was given"),
}
LEAST_F1 = 0.5


def cause_of(outcome: Outcome) -> Cause | None:
    """Return why the outcome is a failure; None when it is right. A sentence without a short answer is no failure."""
    if outcome.error is not None:
        return "error"
    if not outcome.answerable:
        return "answered" if outcome.answered else None
    if not outcome.best_is_right:
        if all(_is_split(place, outcome.gold) for place in outcome.places):
            return "split"
        ranks = outcome.gold_ranks("reader")
        read = outcome.read or len(outcome.candidates)
        return "ranked_below" if ranks and ranks[0] <= read else "not_read"
    if not outcome.answered:
        return "refused"
    f1 = outcome.token_f1
    if outcome.span is not None and f1 is not None and f1 < LEAST_F1:
        return "wrong_span"
    return None


def by_cause(outcomes: Sequence[Outcome]) -> dict[Cause, list[Outcome]]:
    """Return the failures under each cause, in the order of the stages; the worst first, which is the most confident.

    A refusal is worst where the confidence is lowest: the sentence was right.
    """
    found: dict[Cause, list[Outcome]] = {cause: [] for cause in CAUSES}
    for outcome in outcomes:
        cause = cause_of(outcome)
        if cause is not None:
            found[cause].append(outcome)
    for cause, members in found.items():
        members.sort(key=lambda outcome: outcome.confidence, reverse=cause != "refused")
    return {cause: members for cause, members in found.items() if members}


def _is_split(place: tuple[int, int], gold: Sequence[tuple[int, int]]) -> bool:
    return sum(overlaps(place, sentence) for sentence in gold) > 1
