"""The official SQuAD 2.0 script and a recorded run go in; each of the script's figures beside ours comes out.

    python -m benchmarks.squad_script evaluate-v2.0.py runs/new

The script is on SQuAD's page (rajpurkar.github.io/SQuAD-explorer); the Python package `farm` 0.8.0 ships a copy as
farm/evaluation/squad_evaluation.py. It is given the files that `article-qa export` writes. Exits with 1 when any figure
differs.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from qa.evaluate import Outcome
from qa.exchange import export_run, squad_holds
from qa.metrics import mean
from qa.run import Run, read_run
from qa.summary import figures_of, summarise

CLOSE = 1e-9  # points of a hundred: both add up the same numbers, in another order


def ours(run: Run) -> dict[str, float]:
    """Return what the script should say of a run without errors, in percent, under the script's names.

    HasAns and NoAns are figures of the summary; the others put the two together, or move the threshold.
    """
    everything = summarise(run).everything
    held = [outcome for outcome in run.outcomes if squad_holds(outcome.answers, answerable=outcome.answerable)]
    silent = [outcome for outcome in held if not outcome.answerable]
    said: dict[str, float | None] = {
        "HasAns_exact": everything["exact_match"].value,
        "HasAns_f1": everything["token_f1"].value,
        "NoAns_exact": figures_of(silent, only=["decision"], seed=run.seed)["decision"].value,
        "exact": mean([_worth(outcome, outcome.exact_match) for outcome in held]),
        "f1": mean([_worth(outcome, outcome.token_f1) for outcome in held]),
        "best_exact": _best(held, {outcome.id: _worth(outcome, outcome.exact_match) for outcome in held}),
        "best_f1": _best(held, {outcome.id: _worth(outcome, outcome.token_f1) for outcome in held}),
    }
    said["NoAns_f1"] = said["NoAns_exact"]
    return {name: 100 * value for name, value in said.items() if value is not None}


def _worth(outcome: Outcome, score: float | bool | None) -> float:
    return float(score or 0) if outcome.answerable else float(not outcome.answered)


def _best(outcomes: list[Outcome], worth: dict[str, float]) -> float:
    """Return the best mean worth when only the most confident answers are given, whatever their number.

    Every answer not given is worth 1 where the article does not answer. One that the run itself refused stays refused.
    """
    by_confidence = sorted(outcomes, key=lambda outcome: 1 - outcome.confidence)  # as in na_prob.json; ties keep order
    total = best = float(sum(not outcome.answerable for outcome in outcomes))
    for outcome in by_confidence:
        total += worth[outcome.id] - (not outcome.answerable)
        best = max(best, total)
    return best / len(outcomes)


def theirs(script: Path, run: Run) -> dict[str, float]:
    """Return what the script says of the files that a run is exported to."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        export_run(run, folder, ["squad"])
        command = [sys.executable, str(script.resolve()), "squad.json", "predictions.json"]
        subprocess.run([*command, "-n", "na_prob.json", "-o", "figures.json"], cwd=folder, check=True)
        figures: dict[str, float] = json.loads((folder / "figures.json").read_text(encoding="utf-8"))
    return figures


def main() -> None:
    """Compare them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("script", type=Path)
    parser.add_argument("run", type=Path)
    arguments = parser.parse_args()
    run = read_run(arguments.run)
    if any(outcome.error is not None for outcome in run.outcomes):
        sys.exit("the run has errors, which the script takes for wrong answers and we leave out")
    said = theirs(arguments.script, run)
    mine = ours(run)
    print(f"{run.name}: {said['total']} questions\n{'':14}{'script':>12}{'ours':>12}")
    for name, value in mine.items():
        differs = "" if abs(value - said[name]) < CLOSE else "  DIFFERS"
        print(f"{name:14}{said[name]:12.6f}{value:12.6f}{differs}")
    if any(abs(value - said[name]) >= CLOSE for name, value in mine.items()):
        sys.exit(1)


if __name__ == "__main__":
    main()
