"""What the reader said of validation questions goes in; figures, weights and the calibration come out.

The weights are those of the greatest likelihood (a conditional logit, McFadden 1974): one softmax over the sentences of
each question and "none", which is right where nothing answers. So they are chosen for honest shares, not ranks only.

python -m training.choose figures build/newsqa.jsonl build/squad2.jsonl ...      P@1 of each stage, span F1, AUROC
python -m training.choose weights build/*.jsonl --write      the weights of what was noticed into reader.json
python -m training.choose calibration build/*.jsonl --write      coefficients into qa/weights/calibration.json,
    with --picture FILE the reliability diagrams of what was held out

The lines are what `training.evaluate` writes.
"""

import argparse
import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from index.sentences import Sentence
from qa.confidence import Calibration, features, load_calibration, save_calibration
from qa.metrics import token_f1
from qa.reader import Reading, ReadSentence
from qa.retrieve import Candidate
from qa.trained_reader import WEIGHTS, ReaderSettings
from qa.weighing import NONE_SIGNALS, OF_SORTS, SIGNALS, Noticed, QuestionType, none_signals, shared_out, signals, weigh
from training.reliability import calibration_error, draw

FEATURES = (
    "top_logit", "none_logit", "cosine", "log_bm25", "log_rank", "entropy", "log_sentences", "top_logit_in_length",
    "cosine_in_length", "none_logit_in_length", "log_bm25_in_length", "follow_up", "top_logit_of_follow_up",
)  # fmt: skip
UNREAD = Candidate(-1, Sentence(0, 0, "", 0), 0.0, 0.0, 0.0, 1, 1, 1)  # the lines do not list them all
CALLED = {
    "newsqa": "NewsQA",
    "squad2": "SQuAD 2.0, whole articles",
    "squad2own": "SQuAD 2.0, own paragraph",
    "coqa": "CoQA, conversations",
    "stories": "invented stories",
}  # the sets in a picture, by the names of their lines
CONTRADICTIONS = ("undenied", "opposed", "none_number")
SORTED = np.array([name in OF_SORTS for name in SIGNALS])
ENOUGH = 500  # questions of a set, to count as much as any other
Line = dict[str, Any]


def read_lines(path: Path) -> list[Line]:
    """Return the lines of one evaluated set."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def goes_on(line: Line) -> bool:
    """Return whether the reader saw earlier turns with the question."""
    return bool(line["turns"])


def read_places(line: Line) -> list[int]:
    """Return which of the listed sentences were read, in the order of the article."""
    was_read = [i for i, sentence in enumerate(line["sentence"]) if sentence is not None]
    return sorted(was_read, key=lambda i: line["rows"][i])


def noticed(line: Line) -> Noticed:
    """Return what was noticed about the sentences that were read, in the order of `read_places`."""
    seen = {
        name: [line[name][i] for i in read_places(line)]
        for name in ("rows", "sentence", "span", "cosine", "bm25", "place", "characters", "undenied", "opposed")
    }
    question = QuestionType(line["yes_no"], 1 - mentioned(line), line["words"])
    return Noticed(places=seen.pop("place"), strange_numbers=line["strange_numbers"], question=question, **seen)


def values(line: Line, settings: ReaderSettings) -> tuple[np.ndarray[Any, Any], float]:
    """Return the logit of every listed sentence, as the reader weighs it, and of "none".

    Sentences that were not read stand last.
    """
    logits = -99.0 - np.arange(len(line["rows"]), dtype=float)
    weighed = weigh(noticed(line), settings.weights_for(follow_up=goes_on(line)))
    logits[read_places(line)] = weighed[:-1]
    return logits, float(weighed[-1])


def best(line: Line, settings: ReaderSettings) -> int:
    """Return which of the listed sentences stands first."""
    return int(np.argmax(values(line, settings)[0]))


def right_first(lines: Sequence[Line], settings: ReaderSettings) -> np.ndarray[Any, Any]:
    """Return, for each answerable question, whether its best sentence is a right one."""
    answerable = [line for line in lines if line["gold"]]
    return np.array([line["rows"][best(line, settings)] in line["gold"] for line in answerable], dtype=float)


def interval(right: np.ndarray[Any, Any]) -> str:
    """Return a share with its 95 % Wilson interval and n, for people."""
    n, p, z = len(right), float(right.mean()) if len(right) else math.nan, 1.96
    if not n:
        return "n 0"
    middle, half = (
        (p + z * z / 2 / n) / (1 + z * z / n),
        z * math.sqrt(p * (1 - p) / n + z * z / 4 / n / n) / (1 + z * z / n),
    )
    return f"{p:.3f} [{middle - half:.3f}, {middle + half:.3f}] n {n}"


def auroc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Return the probability that a positive outranks a negative."""
    from scipy.stats import rankdata

    ranks = rankdata([*positive, *negative])
    n = len(positive)
    return float((ranks[:n].sum() - n * (n + 1) / 2) / max(n * len(negative), 1))


def reading(line: Line, settings: ReaderSettings) -> Reading:
    """Return the line as the Reading that TrainedReader gives; of unread sentences, only how many there are is true."""
    is_read = np.array([sentence is not None for sentence in line["sentence"]])
    of_sentences, none_logit = values(line, settings)
    shares, unread_shares = shared_out(
        np.append(of_sentences[is_read], none_logit), line["sentences"] - int(is_read.sum())
    )
    sentences = []
    for share, i in zip(shares, np.flatnonzero(is_read), strict=False):
        candidate = Candidate(
            line["rows"][i], Sentence(0, 0, "", 0), line["cosine"][i], line["bm25"][i], line["fused"][i],
            line["rank"][i], line["dense_rank"][i], line["bm25_rank"][i],
        )  # fmt: skip
        sentences.append(ReadSentence(candidate, float(share), None, None))
    sentences.sort(key=lambda sentence: -sentence.relevance)
    sentences += [ReadSentence(UNREAD, float(share), None, None) for share in unread_shares]
    return Reading(tuple(sentences), float(shares[-1]), int(is_read.sum()), follow_up=goes_on(line))


def mentioned(line: Line) -> float:
    """Return the share of the question's content words that the article has."""
    has, lacks = line["mentioned"]
    return has / (has + lacks) if has + lacks else 1.0


def shipped() -> ReaderSettings:
    """Return the settings that the shipped reader uses."""
    return ReaderSettings(**json.loads((WEIGHTS / "reader.json").read_text(encoding="utf-8")))


def weighing(weights: dict[str, float]) -> ReaderSettings:
    """Return the shipped settings with these weights and no others."""
    nothing = dict.fromkeys((*SIGNALS, *NONE_SIGNALS), 0.0)
    return replace(shipped(), weights={**nothing, **weights}, follow_up={})


def print_figures(path: Path, settings: ReaderSettings) -> None:
    """Print what one set says."""
    lines = read_lines(path)
    answerable = [line for line in lines if line["gold"]]
    print(f"{path.stem}: {len(lines)} questions, {len(answerable)} answerable")
    for stage in ("cosine", "bm25", "fused"):
        right = [line["rows"][int(np.argmax(line[stage]))] in line["gold"] for line in answerable]
        print(f"  P@1 {stage:8}", interval(np.array(right, dtype=float)))
    alone = weighing({"sentence": 1.0})
    print("  P@1 sentence", interval(right_first(lines, alone)))
    print("  P@1 reader  ", interval(right_first(lines, settings)))
    for kind in dict.fromkeys(line["kind"] for line in answerable if line.get("kind")):
        some = [line for line in answerable if line["kind"] == kind]
        print(f"    {kind:8}  ", interval(right_first(some, settings)))
    was_read = [
        any(row in line["gold"] and s is not None for row, s in zip(line["rows"], line["sentence"], strict=True))
        for line in answerable
    ]
    print("  gold read   ", interval(np.array(was_read, dtype=float)))
    f1 = []
    for line in answerable:
        best_text = line["text"][best(line, settings)] or ""
        f1.append(max(token_f1(best_text, gold=answer) for answer in line["answers"]))
    print(f"  span F1      {np.mean(f1):.3f}")
    if len(answerable) < len(lines):
        calibration = load_calibration("trained")
        sure = [calibration.confidence(reading(line, settings), mentioned_share=mentioned(line)) for line in lines]
        by_confidence = auroc(*split(sure, lines))
        by_none = auroc(*split([-reading(line, settings).none for line in lines], lines))
        print(f"  AUROC of answerable: by confidence {by_confidence:.3f}, by none {by_none:.3f}")


def split(numbers: Sequence[float], lines: Sequence[Line]) -> tuple[list[float], list[float]]:
    """Return the numbers of answerable questions and of the others."""
    both = list(zip(numbers, lines, strict=True))
    return [n for n, line in both if line["answerable"]], [n for n, line in both if not line["answerable"]]


@dataclass(frozen=True, slots=True)
class Case:
    """A question that weights are fitted to."""

    of_set: str
    article: str
    signals: np.ndarray[Any, Any]  # (sentences, 19)
    none_signals: np.ndarray[Any, Any]  # (7,)
    right: np.ndarray[Any, Any]  # bool (sentences,)
    counts: float  # how much


def likeliest(cases: Sequence[Case], ridge: float = 1e-3) -> np.ndarray[Any, Any]:
    """Return the weights of SIGNALS and NONE_SIGNALS, (26,), under which what is right is likeliest.

    ridge: on the weights of signals that are brought to a standard deviation of 1, so that no unit is favoured.
    """
    from scipy.optimize import minimize

    sizes = np.array([len(case.right) + 1 for case in cases])
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    x = np.zeros((sizes.sum(), len(SIGNALS) + len(NONE_SIGNALS)))
    target = np.zeros(len(x))
    for case, start in zip(cases, starts, strict=True):
        end = start + len(case.right)
        x[start:end, : len(SIGNALS)] = case.signals
        x[end, len(SIGNALS) :] = case.none_signals
        target[start:end] = case.right
        target[end] = not case.right.any()
    of_case = np.repeat(np.arange(len(cases)), sizes)
    weight = np.array([case.counts for case in cases])
    weight /= weight.sum()
    spread = x.std(axis=0)
    spread[spread == 0] = 1.0
    x /= spread

    def loss(c: np.ndarray[Any, Any]) -> tuple[float, np.ndarray[Any, Any]]:
        logits = x @ c
        shares = np.exp(logits - np.maximum.reduceat(logits, starts)[of_case])
        shares /= np.add.reduceat(shares, starts)[of_case]
        hit = shares * target
        hits = np.maximum(np.add.reduceat(hit, starts), 1e-300)
        slope = x.T @ ((shares - hit / hits[of_case]) * weight[of_case])
        return float(ridge * c @ c - weight @ np.log(hits)), slope + 2 * ridge * c

    found = np.asarray(minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B").x)
    return np.asarray(found / spread)


def cases_of(lines: Sequence[tuple[str, Line]], half: Sequence[str]) -> list[Case]:
    """Return what weights are fitted to: questions without evidence or whose evidence was read.

    Sets of ENOUGH questions weigh alike, however large they are, smaller ones by their size; those named in `half`
    count half.
    """
    size = Counter(name for name, _ in lines)
    cases = []
    for name, line in lines:
        seen = noticed(line)
        right = np.array([row in line["gold"] for row in seen.rows])
        if line["gold"] and not right.any():
            continue  # nothing is learned from it about weighing
        of_sentences = signals(seen)
        counts = (0.5 if name in half else 1.0) / max(size[name], ENOUGH)
        article = line["article"].split("#")[0]
        cases.append(Case(name, article, of_sentences, none_signals(of_sentences, seen.strange_numbers), right, counts))
    return cases


def fitted(cases: Sequence[Case], *, called: str) -> dict[str, float]:
    """Return the likeliest weights; print P@1 as six-fold cross-validation by article finds it."""
    articles = sorted({case.article for case in cases})
    np.random.default_rng(7).shuffle(articles)
    fold = {article: number % 6 for number, article in enumerate(articles)}
    found: dict[str, list[float]] = {}
    for number in range(6):
        c = likeliest([case for case in cases if fold[case.article] != number])
        for case in cases:
            if fold[case.article] == number and case.right.any():
                top = int(np.argmax(case.signals @ c[: len(SIGNALS)]))
                found.setdefault(case.of_set, []).append(float(case.right[top]))
    for name, share in found.items():
        print(f"{name:14} {called}: P@1 where the evidence was read, held out: {interval(np.array(share))}")
    c = likeliest(cases)
    return {name: round(float(value), 4) for name, value in zip((*SIGNALS, *NONE_SIGNALS), c, strict=True)}


def fit_weights(paths: Sequence[Path], half: Sequence[str], *, write: bool) -> None:
    """Fit the weights, those of follow-ups by themselves."""
    lines = [(path.stem, line) for path in paths for line in read_lines(path)]
    alone = [one for one in lines if not one[1]["history"]]  # of a conversation, neither counts: it may lean unseen
    weights = fitted(cases_of(alone, half), called="alone")
    following = [one for one in lines if goes_on(one[1])]
    # Follow-ups are too few to tell their sorts apart: without a signal a weight stays at 0.
    of_all = [replace(case, signals=np.where(SORTED, 0.0, case.signals)) for case in cases_of(following, half)]
    follow_up = fitted(of_all, called="follow-ups") if following else {}
    # Too few follow-ups have a denial, an opposite or a strange number: those weigh as in any other question.
    follow_up = {name: weight for name, weight in follow_up.items() if name not in CONTRADICTIONS}
    print(weights, follow_up)
    if write:
        path = WEIGHTS / "reader.json"
        settings = json.loads(path.read_text(encoding="utf-8")) | {"weights": weights, "follow_up": follow_up}
        path.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def rows_of(lines: Sequence[Line], settings: ReaderSettings) -> Iterator[tuple[dict[str, float], bool, str]]:
    """Yield the features of every question, whether its best sentence is right, and its article."""
    for line in lines:
        read = reading(line, settings)
        right = bool(read.sentences) and read.sentences[0].candidate.row in line["gold"]
        yield features(read, mentioned_share=mentioned(line)), right, line["article"].split("#")[0]


def fit(
    x: np.ndarray[Any, Any], y: np.ndarray[Any, Any], w: np.ndarray[Any, Any], ridge: float = 1e-4
) -> np.ndarray[Any, Any]:
    """Return the coefficients (the intercept last) of a logistic regression with a small ridge.

    The columns are brought to one scale first, so that the ridge bears on all alike and the search for the least loss
    ends where it should; what comes back is of the columns as they came.
    """
    from scipy.optimize import minimize

    middle, spread = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-9)
    x = np.column_stack([(x - middle) / spread, np.ones(len(x))])

    def loss(c: np.ndarray[Any, Any]) -> tuple[float, np.ndarray[Any, Any]]:
        z = x @ c
        p = 1 / (1 + np.exp(-z))
        value = float((w * (np.logaddexp(0, z) - y * z)).sum() / w.sum() + ridge * (c[:-1] ** 2).sum())
        return value, x.T @ (w * (p - y)) / w.sum() + np.append(2 * ridge * c[:-1], 0.0)

    found = np.asarray(minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B").x)
    slopes = found[:-1] / spread
    return np.append(slopes, found[-1] - slopes @ middle)


def fit_calibration(paths: Sequence[Path], threshold: float, *, write: bool, picture: Path | None = None) -> None:
    """Fit on all sets; print the error that five-fold cross-validation by article finds, and draw it into `picture`.

    Sets of ENOUGH questions weigh alike, smaller ones by their size.
    """
    settings = shipped()
    x, y, group, which = [], [], [], []
    for path in paths:
        for seen, right, article in rows_of(read_lines(path), settings):
            x.append([seen[name] for name in FEATURES])
            y.append(float(right))
            group.append(article)
            which.append(path.stem)
    xs, ys, sets = np.array(x), np.array(y), np.array(which)
    each = np.array([1 / max((sets == name).sum(), ENOUGH) for name in sets])
    articles = sorted(set(group))
    np.random.default_rng(7).shuffle(articles)
    fold = {article: number % 5 for number, article in enumerate(articles)}
    folds = np.array([fold[article] for article in group])
    held_out = np.zeros(len(ys))
    for number in range(5):
        inside = folds != number
        c = fit(xs[inside], ys[inside], each[inside])
        held_out[~inside] = 1 / (1 + np.exp(-(xs[~inside] @ c[:-1] + c[-1])))
    for name in dict.fromkeys(which):
        here = sets == name
        order = np.argsort(-held_out[here], kind="stable")
        precision = np.cumsum(ys[here][order]) / np.arange(1, here.sum() + 1)
        cover = {
            p: max((i + 1 for i in range(len(precision)) if precision[i] >= p), default=0) / here.sum()
            for p in (0.9, 0.95)
        }
        ranked = auroc(held_out[here][ys[here] > 0], held_out[here][ys[here] == 0])
        print(
            f"{name:22} n {here.sum():5} right {ys[here].mean():.3f} mean confidence {held_out[here].mean():.3f} "
            f"ECE {calibration_error(held_out[here], ys[here]):.3f} AUROC right/wrong {ranked:.3f} "
            f"coverage at 90 % {cover[0.9]:.2f}, at 95 % {cover[0.95]:.2f}; "
            f"answered {(held_out[here] >= threshold).mean():.2f}"
        )
    if picture is not None:
        # Where nothing is ever right there is nothing to believe or disbelieve but the mean, which is printed.
        drawn = [name for name in dict.fromkeys(which) if ys[sets == name].any()]
        draw({CALLED.get(name, name): (held_out[sets == name], ys[sets == name]) for name in drawn}, picture)
    c = fit(xs, ys, each)
    found = dict(zip(FEATURES, map(float, c[:-1]), strict=True))
    print({name: round(value, 3) for name, value in found.items()}, "intercept", round(float(c[-1]), 3))
    if write:
        names = ", ".join(dict.fromkeys(which))
        save_calibration(
            Calibration(
                "trained",
                float(c[-1]),
                found,
                threshold,
                f"{len(ys)} validation questions ({names}), each set of {ENOUGH} with the same weight",
            )
        )


def main() -> None:
    """Choose."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("figures", "weights", "calibration"))
    parser.add_argument("lines", type=Path, nargs="+")
    parser.add_argument(
        "--threshold",
        type=float,
        default=0.3,
        help="a wrong answer costs t / (1 - t) of what a right one is worth: at 0.3 three sevenths",
    )
    parser.add_argument("--half", nargs="+", default=[], metavar="SET", help="weights: sets that count half")
    parser.add_argument("--write", action="store_true")
    parser.add_argument(
        "--picture", type=Path, metavar="FILE", help="calibration: draw reliability diagrams (.svg, .png)"
    )
    arguments = parser.parse_args()
    if arguments.what == "weights":
        fit_weights(arguments.lines, arguments.half, write=arguments.write)
    elif arguments.what == "figures":
        for path in arguments.lines:
            print_figures(path, shipped())
    else:
        fit_calibration(arguments.lines, arguments.threshold, write=arguments.write, picture=arguments.picture)


if __name__ == "__main__":
    main()
