"""A question and a turn before it come in; the question as one who has just heard that turn would ask it goes out.

    python -m training.follow_up build/stories.jsonl.gz build/stories-on.jsonl.gz

A name that both have becomes "he", "her", "its" or "there". Which, the article says around the name. As a program it
makes follow-ups of a set's questions (normal form: training/README.md), of those that nothing answers too: the sets
with conversations have an answer to every one. Of an unanswerable question on a paragraph the earlier turn is on that
paragraph. A question that shares a name with no other is left out.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from index.sentences import split_sentences
from training.traps import NAME

_FORMS = {  # as what acts, as what something is done to, as an owner
    "he": ("he", "him", "his"),
    "she": ("she", "her", "her"),
    "it": ("it", "it", "its"),
    "they": ("they", "them", "their"),
}
_SAID = {  # which of them a word speaks for
    "he": "he", "him": "he", "his": "he", "himself": "he", "she": "she", "her": "she", "hers": "she", "herself": "she",
}  # fmt: skip
_TITLES = {
    "Mr": "he",
    "Sir": "he",
    "Lord": "he",
    "Mrs": "she",
    "Ms": "she",
    "Miss": "she",
    "Dame": "she",
    "Lady": "she",
}
# After these a name is what acts; elsewhere it is what something is done to.
_BEFORE_SUBJECT = re.compile(
    r"\b(?:do|does|did|has|have|had|is|was|are|were|will|would|can|could|may|might|shall|should|must|that|when|why|if"
    r"|because|after|before|while|until|n['’]t)\s$",
    re.I,
)
_IN_A_PLACE = re.compile(r"\b(?:in|at)\s$", re.I)
_OWNER = re.compile(r"['’]s?$")


def shared_names(text: str, turn: tuple[str, str]) -> list[re.Match[str]]:
    """Return where the names stand in a question that its earlier turn, question and answer, has too."""
    said = f"{turn[0]} {turn[1]}"
    return [match for match in NAME.finditer(text) if _OWNER.sub("", match.group()) in said]


def with_pronoun(text: str, match: re.Match[str], sentences: Sequence[str], rng: random.Random) -> str:
    """Return the question with the name that was found in it as a pronoun."""
    name = _OWNER.sub("", match.group())
    before, after = text[: match.start()], text[match.end() :]
    if place := _IN_A_PLACE.search(before):
        return before[: place.start()] + "there" + after
    thing = re.search(r"\bthe\s$", before, re.I)  # "the BBC"
    before = before[: thing.start()] if thing else before
    subject, object_, owner = _FORMS["it" if thing else _meant(name, sentences, rng)]
    if name != match.group():
        return before + owner + after
    return before + (subject if _BEFORE_SUBJECT.search(before) else object_) + after


def _meant(name: str, sentences: Sequence[str], rng: random.Random) -> str:
    """Which pronoun the article has for the name: that which follows it most often, within two sentences."""
    title = _TITLES.get(name.split()[0].rstrip("."))
    if title:
        return title
    last = name.split()[-1]
    counts = {"he": 0, "she": 0}
    for number, sentence in enumerate(sentences):
        at = sentence.find(last)
        if at >= 0:
            following = " ".join([sentence[at:], *sentences[number + 1 : number + 2]])
            for word in re.findall(r"[a-z]+", following.lower()):
                if word in _SAID:
                    counts[_SAID[word]] += 1
    if not any(counts.values()):
        return rng.choice(["it", "it", "they"])
    return max(counts, key=lambda pronoun: (counts[pronoun], pronoun == "he"))


def follow_ups(article: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the questions of an article that share a name with another one, as follow-ups of it; the same each time."""
    sentences = [one.text for paragraph in article["paragraphs"] for one in split_sentences(paragraph)]
    for question in article["questions"]:
        if question.get("history"):
            continue
        rng = random.Random(str(question["id"]))
        paragraph = question.get("asked_of_paragraph")
        turns = [
            (other["question"], other["answers"][0]["text"])
            for other in article["questions"]
            if other["answers"] and other.get("answerable", True) and other["id"] != question["id"]
            if paragraph is None or other["answers"][0]["paragraph"] == paragraph
        ]
        alike = [turn for turn in turns if shared_names(question["question"], turn)]
        if alike:
            turn = rng.choice(alike)
            match = rng.choice(shared_names(question["question"], turn))
            asked = with_pronoun(question["question"], match, sentences, rng)
            yield {**question, "question": asked, "history": [list(turn)]}


def main() -> None:
    """Make follow-ups of a set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("questions", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    with gzip.open(arguments.questions, "rt") as lines, gzip.open(arguments.output, "wt") as output:
        for line in lines:
            article = json.loads(line)
            output.write(json.dumps({**article, "questions": list(follow_ups(article))}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
