"""The logs of the rounds of training go in, in their order; their learning curves come out as one picture.

python -m training.curves build/reader/log.jsonl build/reader2/log.jsonl docs/learning-curves.svg
"""

import argparse
import json
from pathlib import Path


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log", type=Path, nargs="+")
    parser.add_argument("picture", type=Path)
    arguments = parser.parse_args()
    import matplotlib

    matplotlib.use("Agg")
    # Without a fixed seed and date the same log would give another file each time.
    matplotlib.rcParams["svg.hashsalt"] = "article-qa"
    from matplotlib import pyplot

    lines: dict[int, dict[str, float]] = {}
    begins: list[int] = []
    for log in arguments.log:
        begins.append(max(lines, default=0))
        # A resumed run writes some steps again: the later line counts.
        for text in log.read_text(encoding="utf-8").splitlines():
            line = json.loads(text)
            lines[begins[-1] + line["step"]] = line
    steps = sorted(lines)
    figure, loss = pyplot.subplots(figsize=(7, 3.6), layout="constrained")
    for name, label, colour in (("sentence_loss", "sentence", "#8a1c1c"), ("span_loss", "short answer", "#1c4f8a")):
        loss.plot(steps, [lines[step][name] for step in steps], color=colour, linewidth=1, label=label)
    for begin in begins[1:]:
        loss.axvline(begin, color="#cccccc", linewidth=1)
    loss.set_xlabel("step; a line where a round begins")
    loss.set_ylabel("loss, nats")
    loss.set_ylim(bottom=0)
    rate = loss.twinx()
    rate.plot(
        steps,
        [lines[step]["rate"] for step in steps],
        color="#888888",
        linewidth=1,
        linestyle=":",
        label="learning rate",
    )
    rate.set_ylabel("share of the full learning rate")
    rate.set_ylim(0, 1.5)
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    arguments.picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(arguments.picture, metadata={"Date": None} if arguments.picture.suffix == ".svg" else None)


if __name__ == "__main__":
    main()
