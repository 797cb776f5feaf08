"""What the reader said of validation questions goes in; figures, weights and the calibration come out.

python -m training.choose figures build/newsqa.jsonl build/squad2.jsonl ...      P@1 of each stage, span F1, AUROC
python -m training.choose weights build/newsqa.jsonl build/squad2.jsonl ...      P@1 over a grid of weights
python -m training.choose calibration build/*.jsonl --write      coefficients into qa/weights/calibration.json

The lines are what `training.evaluate` writes.
"""

import argparse
import itertools
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from index.sentences import Sentence
from qa.confidence import Calibration, features, load_calibration, save_calibration
from qa.metrics import token_f1
from qa.reader import Reading, ReadSentence
from qa.retrieve import Candidate
from qa.trained_reader import UNREAD_SHARE, WEIGHTS, ReaderSettings, weighed

FEATURES = ("top_logit", "none_logit", "cosine", "log_bm25", "log_rank", "entropy", "log_sentences")
Line = dict[str, Any]


def read_lines(path: Path) -> list[Line]:
    """Return the lines of one evaluated set."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def values(line: Line, settings: ReaderSettings) -> np.ndarray[Any, Any]:
    """Return the logit of every listed sentence, as the reader weighs it; those that were not read stand last."""
    return np.array(
        [
            -99.0 - i if sentence is None else weighed(sentence, span, fused, row, settings)
            for i, (sentence, span, fused, row) in enumerate(
                zip(line["sentence"], line["span"], line["fused"], line["rows"], strict=True)
            )
        ]
    )


def right_first(lines: Sequence[Line], settings: ReaderSettings) -> np.ndarray[Any, Any]:
    """Return, for each answerable question, whether its best sentence is a right one."""
    answerable = [line for line in lines if line["gold"]]
    return np.array(
        [line["rows"][int(np.argmax(values(line, settings)))] in line["gold"] for line in answerable], dtype=float
    )


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
    """Return the line as the Reading that TrainedReader gives."""
    is_read = np.array([sentence is not None for sentence in line["sentence"]])
    logits = np.append(values(line, settings)[is_read], settings.none_logit)
    shares = np.exp(logits - logits.max())
    shares /= shares.sum()
    if is_read.sum() < line["sentences"]:
        shares *= 1 - UNREAD_SHARE
    sentences = []
    for share, i in zip(shares, np.flatnonzero(is_read), strict=False):
        candidate = Candidate(
            line["rows"][i], Sentence(0, 0, "", 0), line["cosine"][i], line["bm25"][i], line["fused"][i],
            line["rank"][i], line["dense_rank"][i], line["bm25_rank"][i],
        )  # fmt: skip
        sentences.append(ReadSentence(candidate, float(share), None, None))
    sentences.sort(key=lambda sentence: -sentence.relevance)
    return Reading(tuple(sentences), float(shares[-1]), len(sentences))


def mentioned(line: Line) -> float:
    """Return the share of the question's content words that the article has."""
    has, lacks = line["mentioned"]
    return has / (has + lacks) if has + lacks else 1.0


def shipped() -> ReaderSettings:
    """Return the settings that the shipped reader uses."""
    return ReaderSettings(**json.loads((WEIGHTS / "reader.json").read_text(encoding="utf-8")))


def print_figures(path: Path, settings: ReaderSettings) -> None:
    """Print what one set says."""
    lines = read_lines(path)
    answerable = [line for line in lines if line["gold"]]
    print(f"{path.stem}: {len(lines)} questions, {len(answerable)} answerable")
    for stage in ("cosine", "bm25", "fused"):
        best = [line["rows"][int(np.argmax(line[stage]))] in line["gold"] for line in answerable]
        print(f"  P@1 {stage:8}", interval(np.array(best, dtype=float)))
    alone = replace(settings, span_weight=0.0, fused_weight=0.0, lead_weight=0.0)
    print("  P@1 sentence", interval(right_first(lines, alone)))
    print("  P@1 reader  ", interval(right_first(lines, settings)))
    was_read = [
        any(row in line["gold"] and s is not None for row, s in zip(line["rows"], line["sentence"], strict=True))
        for line in answerable
    ]
    print("  gold read   ", interval(np.array(was_read, dtype=float)))
    f1 = []
    for line in answerable:
        best_text = line["text"][int(np.argmax(values(line, settings)))] or ""
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


def print_grid(paths: Sequence[Path]) -> None:
    """Print P@1 for a grid of weights, sets side by side."""
    sets = [read_lines(path) for path in paths]
    print("span fused lead", *[path.stem for path in paths])
    grid = itertools.product((0.0, 0.3, 0.6), (1.0, 2.0, 3.0, 4.0, 6.0), (0.0, 0.3, 0.6))
    for span, fused, lead in grid:
        settings = replace(shipped(), span_weight=span, fused_weight=fused, lead_weight=lead)
        print(span, fused, lead, *[f"{right_first(lines, settings).mean():.4f}" for lines in sets], flush=True)


def rows_of(lines: Sequence[Line], settings: ReaderSettings) -> Iterator[tuple[dict[str, float], bool, str]]:
    """Yield the features of every question, whether its best sentence is right, and its article."""
    for line in lines:
        read = reading(line, settings)
        right = bool(read.sentences) and read.sentences[0].candidate.row in line["gold"]
        yield features(read, mentioned_share=mentioned(line)), right, line["article"].split("#")[0]


def calibration_error(confidence: np.ndarray[Any, Any], right: np.ndarray[Any, Any], bins: int = 10) -> float:
    """Return the expected calibration error over bins of equal width (Naeini et al. 2015)."""
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    return float(
        sum(
            abs(confidence[which == b].mean() - right[which == b].mean()) * (which == b).mean()
            for b in range(bins)
            if (which == b).any()
        )
    )


def fit(
    x: np.ndarray[Any, Any], y: np.ndarray[Any, Any], w: np.ndarray[Any, Any], ridge: float = 1e-4
) -> np.ndarray[Any, Any]:
    """Return the coefficients (the intercept last) of a logistic regression with a small ridge."""
    from scipy.optimize import minimize

    x = np.column_stack([x, np.ones(len(x))])

    def loss(c: np.ndarray[Any, Any]) -> tuple[float, np.ndarray[Any, Any]]:
        z = x @ c
        p = 1 / (1 + np.exp(-z))
        value = float((w * (np.logaddexp(0, z) - y * z)).sum() / w.sum() + ridge * (c[:-1] ** 2).sum())
        return value, x.T @ (w * (p - y)) / w.sum() + np.append(2 * ridge * c[:-1], 0.0)

    return np.asarray(minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B").x)


def fit_calibration(paths: Sequence[Path], threshold: float, *, write: bool) -> None:
    """Fit on all sets, each with the same weight; print the error that five-fold cross-validation by article finds."""
    settings = shipped()
    x, y, group, which = [], [], [], []
    for path in paths:
        for seen, right, article in rows_of(read_lines(path), settings):
            x.append([seen[name] for name in FEATURES])
            y.append(float(right))
            group.append(article)
            which.append(path.stem)
    xs, ys, sets = np.array(x), np.array(y), np.array(which)
    each = np.array([1 / (sets == name).sum() for name in sets])
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
                f"{len(ys)} validation questions ({names}), each set with the same weight",
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
        default=0.2,
        help="a wrong answer costs t / (1 - t) of what a right one is worth: at 0.2 a quarter",
    )
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    if arguments.what == "weights":
        print_grid(arguments.lines)
    elif arguments.what == "figures":
        for path in arguments.lines:
            print_figures(path, shipped())
    else:
        fit_calibration(arguments.lines, arguments.threshold, write=arguments.write)


if __name__ == "__main__":
    main()
