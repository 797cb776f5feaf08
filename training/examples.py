"""Prepared articles go in; batches of questions and windows, the right places marked, come out, drawn anew each time.

What a reader must learn is made here: windows cut at a random place so that no position is favoured; hard windows of
the same article; questions whose answer was taken away, or that were changed so that nothing answers; earlier turns;
typos.
"""

import gzip
import json
import math
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from qa.speakers import said_by, speakers
from qa.trained_reader import Pieces, in_pieces
from training.follow_up import shared_names, with_pronoun
from training.traps import NAME, NUMBER, Change, changed_word, replaced, trap, without_span

CLS, SEP, PAD = 101, 102, 0
POSITIONS = 512  # word pieces that the encoder can tell the places of
LONGEST_SENTENCE = 400  # word pieces, with what stands before it
STOP = set(
    "a an the of in on at to for from by with and or is are was were be been do does did has have had it its this that "
    "what which who whom whose when where why how as his her their he she they i you we my your".split()
)


@dataclass(frozen=True, slots=True)
class Sentences:
    """The sentences of an article in word pieces."""

    texts: list[str]
    said: list[str]  # what stands before each sentence for the reader: "Ines Mora said:", or nothing
    pieces: list[list[int]]  # those of what stands before it, then its own
    places: list[list[tuple[int, int]]]  # characters of each piece in its sentence; (0, 0) of what stands before it
    words: list[frozenset[str]]
    paragraph_of: list[int]


@dataclass(frozen=True, slots=True)
class Window:
    """One row of a batch."""

    pieces: list[int]  # [CLS] (earlier turns [SEP]) question [SEP] sentences [SEP]
    article_from: int  # first piece of the article
    sentence_of_piece: list[int]  # -1 where there is none, else 0, 1, ... within the window
    gold: list[int]  # right sentences, numbered as above
    starts: list[int]  # right first and last pieces of the short answer
    ends: list[int]


@dataclass(frozen=True, slots=True)
class Example:
    """A question with all windows shown for it."""

    windows: list[Window]
    has_spans: bool  # False: the set does not say where in the sentence the answer is


def content_words(text: str) -> frozenset[str]:
    """Return the words that carry meaning, cut to six letters (a poor man's stem is enough to choose negatives)."""
    return frozenset(w[:6] for w in re.findall(r"\w+", text.lower()) if w not in STOP)


def won_by_words(question: dict[str, Any], cut: Sentences) -> bool:
    """Return whether a right sentence shares more words with the question than any other sentence does."""
    words = content_words(question["question"])
    gold = set(question["gold"])
    shared = [len(words & of_sentence) for of_sentence in cut.words]
    right = max((shared[number] for number in gold), default=0)
    return bool(gold) and right > max((n for number, n in enumerate(shared) if number not in gold), default=0)


class Examples:
    """Draws training examples from prepared articles."""

    def __init__(self, prepared: Path, tokenizer: Tokenizer, settings: dict[str, Any], data: dict[str, Any]) -> None:
        self.tokenizer = tokenizer
        self.settings = settings
        self.weights = data["weights"]
        self.easy_share = data["easy_share"]
        self.articles: list[dict[str, Any]] = []
        with gzip.open(prepared, "rt", encoding="utf-8") as lines:
            for line in lines:
                article = json.loads(line)
                if article["set"] not in data["sets"]:
                    continue  # the stories, which the first four rounds did not have
                said = [said_by(who) for who in speakers(article["sentences"], article["paragraph_of"])]
                cut = in_pieces(tokenizer, said, article["sentences"], LONGEST_SENTENCE)
                article["cut"] = Sentences(
                    article["sentences"],
                    said,
                    [one.ids for one in cut],
                    [places_of(one) for one in cut],
                    [content_words(text) for text in article["sentences"]],
                    article["paragraph_of"],
                )
                text = " ".join(article["sentences"])
                article["names"] = sorted(set(NAME.findall(text)))
                article["numbers"] = sorted(set(NUMBER.findall(text)))
                spread = Counter(word for words in article["cut"].words for word in words)
                article["idf"] = {w: math.log(1 + len(article["sentences"]) / n) for w, n in spread.items()}
                by_own: dict[int, list[int]] = {}
                for number, question in enumerate(article["questions"]):
                    question["easy"] = won_by_words(question, article["cut"])
                    by_own.setdefault(question["own"][0], []).append(number)
                article["by_own"] = by_own
                self.articles.append(article)

    def epoch(self, rng: random.Random) -> list[tuple[int, int]]:
        """Return (article, question) pairs in random order, each set as often as its weight says."""
        chosen = []
        for number, article in enumerate(self.articles):
            # Stories are named after who wrote them (docket-20-1), and new ones may be shown more often than old ones.
            writer = article["id"].partition("-")[0]
            weight = self.weights.get(writer, self.weights.get(article["set"], 1.0))
            for question in range(len(article["questions"])):
                wanted = weight * (self.easy_share if article["questions"][question]["easy"] else 1.0)
                times = int(wanted) + (rng.random() < wanted - int(wanted))
                chosen += [(number, question)] * times
        rng.shuffle(chosen)
        return chosen

    def example(self, article_number: int, question_number: int, rng: random.Random) -> Example | None:
        """Return one example, or None when nothing of it fits."""
        s = self.settings
        article = self.articles[article_number]
        question = article["questions"][question_number]
        text, history = question["question"], [tuple(turn) for turn in question["history"]][-2:]
        gold = set(question["gold"])
        shown = article
        draw = rng.random()
        first, end = 0, len(article["sentences"])
        if not question["answerable"]:
            first, end = question["own"]  # elsewhere in the article there may be an answer
        withheld = dropped = False
        rewrite: Change | None = None  # words of the text shown that are others than in the article
        emptied: list[tuple[int, int, int]] = []  # answers that are taken out of their sentences
        if gold and not history:
            case = chosen(draw, s)
            if case == "withheld":
                withheld = end - first > 8
            elif case == "changed":
                changed = self.changed(text, article, question_number, rng)
                if changed is not None:
                    text, gold = changed, set()
                    first, end = question["own"]
            elif case == "rewritten":
                rewrite = self.rewriting(text, article, question, rng)
                if rewrite is not None:
                    gold = set()
                    first, end = question["own"]
            elif case == "emptied" and question["spans"]:
                emptied, gold = question["spans"], set()
                first, end = question["own"]
            elif case == "dropped":
                dropped = end - first > len(gold) + 2
            elif case == "foreign":
                shown, gold = self.articles[rng.randrange(len(self.articles))], set()
                first, end = 0, len(shown["sentences"])
            elif case == "renamed":
                rewrite = self.renaming(text, question, article, rng)
                text = replaced(text, rewrite) if rewrite else text
            elif rng.random() < s["history_share"]:
                text, history = self.with_earlier_turn(text, article, question_number, rng)
        elif not question["answerable"] and rng.random() < s["renamed_trap_share"]:
            rewrite = self.renaming(text, question, article, rng)
            text = replaced(text, rewrite) if rewrite else text
        # Else whatever goes on from a turn would have an answer. A text that was changed may not say it any more.
        nothing_answers = not gold or emptied or withheld or dropped
        if (
            shown is article
            and nothing_answers
            and rewrite is None
            and not history
            and rng.random() < s.get("history_none_share", 0.0)
        ):
            text, history = self.with_earlier_turn(text, article, question_number, rng, sharing=True)
        if rng.random() < s["noise_share"]:
            text = noisy(text, rng)
        head = self.head(text, history)
        budget = rng.randint(*s["window_pieces"])
        spans_by_sentence: dict[int, list[tuple[int, int]]] = {}
        for sentence, a, b in question["spans"]:
            spans_by_sentence.setdefault(sentence, []).append((a, b))
        cut: Sentences = shown["cut"]
        windows: list[Sequence[int]] = []
        if gold and not withheld:
            one, (low, high) = rng.choice(sorted(gold)), question["own"]
            # What nothing answers is shown with its own paragraph only; were all else shown in windows that are full,
            # a short window would be a sign that there is no answer.
            if rng.random() >= s.get("own_share", 0.0) or not low <= one < high:
                low, high = first, end
            windows.append(window_around(cut, one, budget, low, high, rng))
        near = [number for number in question.get("near", ()) if first <= number < end and shown is article]
        if len(near) > 2 and not dropped and rng.random() < s.get("digest_share", 0.0):
            lost = withheld or not gold or rng.random() < s["digest_lost_share"]
            wanted = rng.choice(sorted(gold)) if not lost else None
            window = digest(cut, near, wanted, gold if lost else set(), budget, first, end, rng)
            if rewrite or emptied:
                cut, spans_by_sentence = self.rewritten(cut, [window], rewrite, emptied, spans_by_sentence)
            return Example(
                [row(head, cut, window, gold, spans_by_sentence)],
                bool(question["spans"]) or not gold.intersection(window),
            )
        if dropped:
            # The sentence that answers is cut out of its paragraph: what stays is as near as a wrong passage can be.
            windows = [[number for number in windows[0] if number not in gold]]
            windows = [window for window in windows if window]
        many = rng.random() < s.get("many_share", 0.0)  # the rounds before the seventh had none such
        negatives = rng.randint(*s["many_negatives" if many else "negatives"])
        rest = [
            window
            for window in partition(cut, first, end, budget, rng)
            if not gold.intersection(window) and not any(set(window) & set(w) for w in windows)
        ]
        if not gold and question["own"] == [first, end] and shown is article:
            negatives = 3  # unanswerable in its paragraph: all of the paragraph is shown
        query = content_words(text)
        rest.sort(
            key=lambda w: (
                -sum(article["idf"].get(x, 0.0) for x in query & frozenset().union(*(cut.words[i] for i in w)))
            )
        )
        while rest and negatives:
            windows.append(rest.pop(0 if rng.random() < s["hard_negative_share"] else rng.randrange(len(rest))))
            negatives -= 1
        if not windows:
            return None
        right = set() if withheld or dropped else gold
        if rewrite or emptied:
            cut, spans_by_sentence = self.rewritten(cut, windows, rewrite, emptied, spans_by_sentence)
        rows = [row(head, cut, window, right, spans_by_sentence) for window in windows]
        return Example(rows, bool(question["spans"]) or not right)

    def head(self, text: str, history: Sequence[tuple[str, str]]) -> list[int]:
        """Return [CLS] (earlier turns [SEP]) question [SEP] in word pieces."""
        pieces = [CLS]
        if history:
            earlier = " ".join(f"{q} {a}" for q, a in history)
            pieces += self.tokenizer.encode(earlier, add_special_tokens=False).ids[-self.settings["history_pieces"] :]
            pieces.append(SEP)
        pieces += self.tokenizer.encode(text, add_special_tokens=False).ids[: self.settings["question_pieces"]]
        return [*pieces, SEP]

    def changed(self, text: str, article: dict[str, Any], number: int, rng: random.Random) -> str | None:
        """Return the question changed so that its own paragraph answers it no more, or None where no way was found."""
        own = article["questions"][number]["own"]
        near = [other for other in article["questions"] if other["own"] and abs(other["own"][0] - own[0]) <= 6]
        near = [other for other in near if other is not article["questions"][number]]
        elsewhere = [other["question"] for other in near if other["own"] != own]
        if elsewhere and rng.random() < self.settings["neighbour_share"]:
            return str(rng.choice(elsewhere))  # a real question, asked of the paragraph beside its own
        names, numbers = self.of_paragraph(article, own, rng)
        return trap(text, names=names, numbers=numbers, near=[other["question"] for other in near], rng=rng)

    def of_paragraph(
        self, article: dict[str, Any], own: Sequence[int], rng: random.Random
    ) -> tuple[list[str], list[str]]:
        """Return the names and numbers of the paragraph; at times of the article, and where the paragraph has few."""
        paragraph = " ".join(article["sentences"][own[0] : own[1]])
        names, numbers = sorted(set(NAME.findall(paragraph))), sorted(set(NUMBER.findall(paragraph)))
        if len(names) < 3 or rng.random() < 0.25:
            names = article["names"]
        if len(numbers) < 2 or rng.random() < 0.25:
            numbers = article["numbers"]
        return names, numbers

    def rewriting(
        self, text: str, article: dict[str, Any], question: dict[str, Any], rng: random.Random
    ) -> Change | None:
        """Return a word that question and evidence share and what the evidence says instead, to answer no more."""
        names, numbers = self.of_paragraph(article, question["own"], rng)
        evidence = " ".join(article["sentences"][number] for number in question["gold"])
        for _ in range(12):  # many words of the question are not in the evidence
            change = changed_word(text, names, numbers, rng)
            if change is not None and replaced(evidence, change) != evidence:
                return change
        return None

    def renaming(
        self, text: str, question: dict[str, Any], article: dict[str, Any], rng: random.Random
    ) -> Change | None:
        """Return a name or number of the question and another from anywhere, to be put in question and text alike.

        The answer stays where it is: who knows the article by heart is none the wiser, who reads it is none the worse.
        """
        found = [match.group() for match in NAME.finditer(text)]
        other = self.articles[rng.randrange(len(self.articles))]
        alike = [name for name in other["names"] if any(name.count(" ") == own.count(" ") for own in found)]
        evidence = " ".join(article["sentences"][number] for number in question["gold"] or range(*question["own"]))
        found = [name for name in found if name in evidence]
        if not found or not alike:
            return None
        return rng.choice(found), rng.choice(alike)

    def rewritten(
        self,
        cut: Sentences,
        windows: Sequence[Sequence[int]],
        change: Change | None,
        emptied: Sequence[Sequence[int]],
        spans: dict[int, list[tuple[int, int]]],
    ) -> tuple[Sentences, dict[int, list[tuple[int, int]]]]:
        """Return the sentences with words replaced or answers taken out, and where the answers now stand in them."""
        texts, said, pieces, places = list(cut.texts), list(cut.said), list(cut.pieces), list(cut.places)
        moved = dict(spans)
        for number in {number for window in windows for number in window}:
            text = cut.texts[number]
            for sentence, start, end in emptied:
                if sentence == number and text == cut.texts[number]:
                    text = without_span(text, start, end)
            if change is not None and change[0] in text:
                kept = []
                for start, end in spans.get(number, []):
                    at = len(replaced(text[:start], change))
                    kept.append((at, at + len(replaced(text[start:end], change))))
                text, moved[number] = replaced(text, change), kept
            if change is not None:
                said[number] = replaced(said[number], change)
            if text != cut.texts[number] or said[number] != cut.said[number]:
                texts[number] = text
                (one,) = in_pieces(self.tokenizer, [said[number]], [text], LONGEST_SENTENCE)
                pieces[number], places[number] = one.ids, places_of(one)
        return Sentences(texts, said, pieces, places, cut.words, cut.paragraph_of), moved

    def with_earlier_turn(
        self, text: str, article: dict[str, Any], question_number: int, rng: random.Random, *, sharing: bool = False
    ) -> tuple[str, list[tuple[str, str]]]:
        """Put another question on the same paragraph before this one; a name they share may become a pronoun.

        sharing: none is put before it unless they share one.
        """
        question = article["questions"][question_number]
        near = [n for n in article["by_own"][question["own"][0]] if n != question_number]
        turns = [
            (earlier["question"], article["sentences"][sentence][a:b])
            for earlier in (article["questions"][n] for n in near)
            for sentence, a, b in earlier["spans"][:1]
        ]
        if sharing or rng.random() < self.settings["pronoun_share"]:
            alike = [turn for turn in turns if shared_names(text, turn)]
            if alike:
                turn = rng.choice(alike)
                return with_pronoun(text, rng.choice(shared_names(text, turn)), article["sentences"], rng), [turn]
            if sharing:
                return text, []
        return text, [rng.choice(turns)] if turns else []


def places_of(pieces: Pieces) -> list[tuple[int, int]]:
    """Return the characters of every piece in its sentence; (0, 0) for those that stand before it."""
    return [*((0, 0) for _ in range(pieces.before)), *pieces.places]


def chosen(draw: float, settings: dict[str, Any]) -> str:
    """Return what is done to an answerable question: the case whose share the draw (0 to 1) falls into."""
    for case in ("withheld", "changed", "rewritten", "emptied", "dropped", "foreign", "renamed"):
        draw -= settings[f"{case}_share"]
        if draw < 0:
            return case
    return "as it is"


def window_around(cut: Sentences, gold: int, budget: int, first: int, end: int, rng: random.Random) -> range:
    """Return whole sentences around one, up to `budget` word pieces, with a random share of them before it."""
    low, high = gold, gold + 1
    used = len(cut.pieces[gold])
    before = rng.random() * max(budget - used, 0)
    while low > first and (size := len(cut.pieces[low - 1])) <= before:
        low, before, used = low - 1, before - size, used + size
    while high < end and used + len(cut.pieces[high]) <= budget:
        used, high = used + len(cut.pieces[high]), high + 1
    while low > first and used + len(cut.pieces[low - 1]) <= budget:
        used, low = used + len(cut.pieces[low - 1]), low - 1
    return range(low, high)


def digest(
    cut: Sentences,
    near: Sequence[int],
    wanted: int | None,
    unwanted: set[int],
    budget: int,
    first: int,
    end: int,
    rng: random.Random,
) -> list[int]:
    """Return sentences that look like an answer, in their order, with or without those around them, up to `budget`.

    Which of them, and how many, is drawn: a reader's own choice of them is neither this one nor always right.
    """
    before, after = rng.choice(((0, 0), (1, 0), (1, 0), (1, 1)))
    picked = [number for number in near if number not in unwanted and rng.random() < 0.75] or list(near)
    picked = picked[: rng.randint(3, 10)]
    if wanted is not None:
        picked.insert(0, wanted)  # it finds room, whatever else does
    kept: set[int] = set()
    used = 0
    for number in picked:
        around = range(max(number - before, first), min(number + after + 1, end))
        for beside in sorted(around, key=lambda n: n != number):
            size = len(cut.pieces[beside])
            if beside not in kept | unwanted and (used + size <= budget or not kept):
                kept.add(beside)
                used += size
    return sorted(kept)


def partition(cut: Sentences, first: int, end: int, budget: int, rng: random.Random) -> list[range]:
    """Cut an article into consecutive windows of at most `budget` pieces, the first of a random length."""
    windows = []
    low, used, room = first, 0, budget if end - first < 12 else rng.randint(budget // 3, budget)
    for number in range(first, end):
        size = len(cut.pieces[number])
        if number > low and used + size > room:
            windows.append(range(low, number))
            low, used, room = number, 0, budget
        used += size
    windows.append(range(low, end))
    return [window for window in windows if len(window)]


def row(
    head: list[int],
    cut: Sentences,
    window: Sequence[int],
    gold: set[int],
    spans: dict[int, list[tuple[int, int]]],
    limit: int = POSITIONS,
) -> Window:
    """Return a window as a row of word pieces with its targets."""
    pieces, sentence_of = list(head), [-1] * len(head)
    starts: list[int] = []
    ends: list[int] = []
    for number, sentence in enumerate(window):
        at = len(pieces)
        room = max(limit - at - 1, 0)
        pieces += cut.pieces[sentence][:room]
        sentence_of += [number] * (len(pieces) - at)
        if sentence in gold:
            places = cut.places[sentence][: len(pieces) - at]
            for a, b in spans.get(sentence, []):
                inside = [i for i, (x, y) in enumerate(places) if x < b and y > a]
                if inside:
                    starts.append(at + inside[0])
                    ends.append(at + inside[-1])
    return Window(
        [*pieces, SEP],
        len(head),
        [*sentence_of, -1],
        [number for number, sentence in enumerate(window) if sentence in gold and number in sentence_of],
        starts,
        ends,
    )


def noisy(text: str, rng: random.Random) -> str:
    """Return the question as people type it: no mark, keywords only, a slip of the finger."""
    way = rng.random()
    text = text.rstrip("? ")
    words = text.split()
    if way < 0.35 and len(words) > 4:
        kept = [w for w in words if w.lower() not in STOP or rng.random() < 0.15]
        return " ".join(kept) if len(kept) >= 2 else text
    if way < 0.75:
        for _ in range(rng.randint(1, 2)):
            long = [i for i, w in enumerate(words) if len(w) > 3]
            if not long:
                break
            i = rng.choice(long)
            w = words[i]
            j = rng.randrange(1, len(w) - 1)
            words[i] = rng.choice([w[:j] + w[j + 1 :], w[:j] + w[j + 1] + w[j] + w[j + 2 :], w[:j] + w[j] + w[j:]])
        return " ".join(words)
    return text


def batches(
    examples: Examples, rng: random.Random, *, pieces_per_step: int, pool: int = 600
) -> Iterator[list[Example]]:
    """Yield batches of about `pieces_per_step` padded pieces, for ever; alike lengths go together to waste little."""
    queue: list[Example] = []
    order: Iterator[tuple[int, int]] = iter(())
    while True:
        while len(queue) < pool:
            pair = next(order, None)
            if pair is None:
                order = iter(examples.epoch(rng))
                continue
            example = examples.example(*pair, rng)
            if example is not None:
                queue.append(example)
        queue.sort(key=lambda e: max(len(w.pieces) for w in e.windows))
        made: list[list[Example]] = []
        batch: list[Example] = []
        rows = longest = 0
        for example in queue:
            longest_now = max(longest, *(len(w.pieces) for w in example.windows))
            if batch and (rows + len(example.windows)) * longest_now > pieces_per_step:
                made.append(batch)
                batch, rows, longest_now = [], 0, max(len(w.pieces) for w in example.windows)
            batch.append(example)
            rows, longest = rows + len(example.windows), longest_now
        made.append(batch)
        queue = []
        rng.shuffle(made)
        yield from made
