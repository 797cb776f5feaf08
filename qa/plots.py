"""Figures come in; charts go out as SVG text that can stand inside a page.

Drawn by hand rather than by a plotting library, because the colours must come from the page: one file then serves
light, dark and print, weighs a few kilobytes a chart, and every number in it can be read by a screen reader. What an
axis shows always goes from 0 to 1 unless said otherwise; `y` grows upwards in the arguments and downwards in SVG.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from qa.summary import Bin, CurvePoint, Figure

WIDTH = 420  # of every chart, in its own units; a page scales it


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the axes stand inside a chart."""

    left: float = 48
    right: float = WIDTH - 14
    top: float = 12
    bottom: float = 250

    def x(self, share: float) -> float:
        """Return the place of a share (0 to 1) on the horizontal axis."""
        return self.left + share * (self.right - self.left)

    def y(self, share: float) -> float:
        """Return the place of a share (0 to 1) on the vertical axis."""
        return self.bottom - share * (self.bottom - self.top)


def chart(parts: Sequence[str], *, height: float, title: str, description: str) -> str:
    """Return an SVG image with a name and a description that screen readers tell."""
    name = "-".join(re.findall(r"[a-z0-9]+", title.lower()))  # titles differ within a page, so the ids do
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {height:g}" role="img" aria-labelledby="t-{name} d-{name}" '
        f'xmlns="http://www.w3.org/2000/svg"><title id="t-{name}">{escape(title)}</title>'
        f'<desc id="d-{name}">{escape(description)}</desc>{"".join(parts)}</svg>'
    )


def intervals(rows: Sequence[tuple[str, Figure]], *, title: str, of: str) -> str:
    """Return a dot with its 95 % interval for each row; a row without a value says so in words.

    of: what is shown, for the axis and the description.
    """
    step, top = 26, 8
    frame = Frame(left=146, top=top, bottom=top + step * len(rows))
    parts = _percent_grid(frame, upwards=False)
    told = []
    for place, (label, figure) in enumerate(rows):
        y = top + step * (place + 0.5)
        parts.append(_text(frame.left - 8, y + 4, _short(label, 18), anchor="end"))
        if figure.value is None:
            parts.append(_text(frame.x(0) + 6, y + 4, "undefined", css="axis"))
            told.append(f"{label}: undefined")
            continue
        ends = ""
        if figure.low is not None and figure.high is not None:
            parts.append(_line(frame.x(figure.low), y, frame.x(figure.high), y, "whisker"))
            ends = f" ({100 * figure.low:.0f} to {100 * figure.high:.0f})"
        told.append(f"{label}: {100 * figure.value:.0f}{ends}, n {figure.n}")
        parts.append(_dot(frame.x(figure.value), y, 5, told[-1]))
    parts.append(_text((frame.left + frame.right) / 2, frame.bottom + 34, f"{of}, %", anchor="middle", css="axis"))
    return chart(parts, height=frame.bottom + 42, title=title, description="; ".join(told))


def reliability_diagram(bins: Sequence[Bin]) -> str:
    """Return the share that is right against the confidence; a good calibration lies on the diagonal."""
    frame = Frame()
    parts = _percent_grid(frame)
    parts.append(_line(frame.x(0), frame.y(0), frame.x(1), frame.y(1), "diagonal"))
    most = max((step.n for step in bins), default=1) or 1
    told = []
    for step in bins:
        if step.confidence is None or step.right.value is None:
            continue
        x, y = frame.x(step.confidence), frame.y(step.right.value)
        if step.right.low is not None and step.right.high is not None:
            parts.append(_line(x, frame.y(step.right.low), x, frame.y(step.right.high), "whisker"))
        told.append(f"confidence {100 * step.confidence:.0f}: {100 * step.right.value:.0f} right of {step.n}")
        parts.append(_dot(x, y, 3 + 6 * math.sqrt(step.n / most), told[-1]))
    parts += _axis_titles(frame, "confidence, %", "right, %")
    return chart(parts, height=292, title="Is the confidence to be believed?", description="; ".join(told))


def risk_coverage_curve(points: Sequence[CurvePoint]) -> str:
    """Return the share wrong among the answers given, against the share of questions answered."""
    frame = Frame()
    parts = _percent_grid(frame)
    if points:
        # Between two thresholds nothing can be chosen, but the line is what answering some of the ties would give.
        path = " ".join(f"{frame.x(p.coverage):.1f},{frame.y(p.risk):.1f}" for p in _thinned(points))
        parts.append(f'<polyline class="line" points="{path}"/>')
        parts.append(_line(frame.x(0), frame.y(0.05), frame.x(1), frame.y(0.05), "diagonal"))
        parts.append(_text(frame.right, frame.y(0.05) - 4, "5 % wrong", anchor="end", css="axis"))
    told = []
    for share in (0.25, 0.5, 0.75, 1.0):
        reached = next((point for point in points if point.coverage >= share), None)
        if reached is not None:
            told.append(f"answering {100 * reached.coverage:.0f} %: {100 * reached.risk:.0f} % wrong")
    parts += _axis_titles(frame, "questions answered, %", "of these wrong, %")
    return chart(parts, height=292, title="What caution buys", description="; ".join(told))


def _thinned(points: Sequence[CurvePoint], limit: int = 400) -> list[CurvePoint]:
    """Return at most about `limit` of the points, first and last included: more cannot be seen."""
    step = max(1, math.ceil(len(points) / limit))
    return [*points[:-1:step], points[-1]]


def time_histogram(milliseconds: Sequence[float]) -> str:
    """Return how many questions took how long; the horizontal axis is logarithmic."""
    frame = Frame()
    values = [max(value, 0.01) for value in milliseconds]
    if not values:
        return chart(
            [_text(60, 60, "no question was timed")], height=100, title="Time", description="nothing was timed"
        )
    per_decade = 8
    low = math.floor(min(math.log10(value) for value in values) * per_decade)
    high = max(low + 1, math.ceil(max(math.log10(value) for value in values) * per_decade))
    counts = [0] * (high - low)
    for value in values:
        counts[min(len(counts) - 1, math.floor(math.log10(value) * per_decade) - low)] += 1
    most = max(counts)
    parts = [_line(frame.left, frame.bottom, frame.right, frame.bottom, "grid")]
    told = []
    width = (frame.right - frame.left) / len(counts)
    for place, found in enumerate(counts):
        if not found:
            continue
        start, end = 10 ** ((low + place) / per_decade), 10 ** ((low + place + 1) / per_decade)
        told.append(f"{start:.3g} to {end:.3g} ms: {found}")
        y = frame.y(found / most)
        parts.append(
            f'<rect class="bar" x="{frame.left + place * width + 1:.1f}" y="{y:.1f}" width="{max(1.0, width - 2):.1f}" '
            f'height="{frame.bottom - y:.1f}"><title>{escape(told[-1])}</title></rect>'
        )
    every = max(1, math.ceil(len(counts) / 5))
    for place in range(0, len(counts) + 1, every):
        label = _milliseconds(10 ** ((low + place) / per_decade))
        parts.append(_text(frame.left + place * width, frame.bottom + 16, label, anchor="middle", css="axis"))
    parts.append(_text(frame.left - 6, frame.y(1) + 4, str(most), anchor="end", css="axis"))
    parts += _axis_titles(frame, "milliseconds a question", "questions")
    return chart(parts, height=292, title="How long a question takes", description="; ".join(told))


def differences(rows: Sequence[tuple[str, float, float | None, float | None]], *, title: str) -> str:
    """Return differences with their intervals around a line at zero: (label, difference, low, high), as shares."""
    step, top = 26, 8
    ends = [abs(end) for _, value, low, high in rows for end in (value, low or 0.0, high or 0.0)]
    reach = max([0.02, *ends]) * 1.05
    frame = Frame(left=146, top=top, bottom=top + step * len(rows))

    def x(value: float) -> float:
        return frame.x((value / reach + 1) / 2)

    parts = [_line(x(0), frame.top, x(0), frame.bottom, "diagonal")]
    told = []
    for place, (label, value, low, high) in enumerate(rows):
        y = top + step * (place + 0.5)
        parts.append(_text(frame.left - 8, y + 4, _short(label, 18), anchor="end"))
        ending = ""
        if low is not None and high is not None:
            parts.append(_line(x(low), y, x(high), y, "whisker"))
            ending = f" ({100 * low:+.1f} to {100 * high:+.1f})"
        told.append(f"{label}: {100 * value:+.1f} points{ending}")
        parts.append(_dot(x(value), y, 5, told[-1]))
    for share in (-1, 0, 1):
        label = f"{100 * share * reach / 1.05:+.1f}" if share else "0"
        parts.append(_text(x(share * reach / 1.05), frame.bottom + 16, label, anchor="middle", css="axis"))
    middle = (frame.left + frame.right) / 2
    parts.append(_text(middle, frame.bottom + 34, "B minus A, percentage points", anchor="middle", css="axis"))
    return chart(parts, height=frame.bottom + 42, title=title, description="; ".join(told))


def trade_offs(labels: Sequence[str], points: Sequence[tuple[float, Figure]], best: Collection[int], *, of: str) -> str:
    """Return quality against milliseconds, a dot for each (milliseconds, quality); the best for their time are joined.

    The axes hold what there is to see: between settings the differences are small.
    """
    frame = Frame()
    shown = {row: (ms, figure.value) for row, (ms, figure) in enumerate(points) if figure.value is not None and ms > 0}
    if not shown:
        return chart([], height=292, title="Quality against time", description="nothing was measured")
    ends = [value for _, value in shown.values()]
    for row in best:
        ends += [end for end in (points[row][1].low, points[row][1].high) if end is not None]
    floor, ceiling = math.floor(10 * min(ends)) / 10, math.ceil(10 * max(ends)) / 10
    ceiling = max(ceiling, floor + 0.1)
    low, high = math.log10(min(ms for ms, _ in shown.values())), math.log10(max(ms for ms, _ in shown.values()))
    low, high = low - 0.1, max(high, low + 0.1) + 0.1

    def x(ms: float) -> float:
        return frame.x((math.log10(ms) - low) / (high - low))

    def y(share: float) -> float:
        return frame.y((share - floor) / (ceiling - floor))

    parts = []
    step = 10 if ceiling - floor < 0.6 else 20
    for percent in range(round(100 * floor), round(100 * ceiling) + 1, step):
        parts.append(_line(frame.left, y(percent / 100), frame.right, y(percent / 100), "grid"))
        parts.append(_text(frame.left - 6, y(percent / 100) + 4, str(percent), anchor="end", css="axis"))
    for ms in _round_numbers(10**low, 10**high):
        parts.append(_line(x(ms), frame.bottom, x(ms), frame.bottom + 4, "grid"))
        parts.append(_text(x(ms), frame.bottom + 18, _milliseconds(ms), anchor="middle", css="axis"))
    rest = shown.keys() - set(best)
    parts += [_dot(x(shown[row][0]), y(shown[row][1]), 4, _told(labels[row], *shown[row]), css="faint") for row in rest]
    front = sorted((x(shown[row][0]), y(shown[row][1]), row) for row in best)
    parts += [_line(x1, y1, x2, y2, "line") for (x1, y1, _), (x2, y2, _) in pairwise(front)]
    numbers = []
    taken: list[tuple[float, float]] = []
    for at_x, at_y, row in front:
        dots = [(other_x, other_y + 4) for other_x, other_y, other in front if other != row]
        figure = points[row][1]
        if figure.low is not None and figure.high is not None:
            parts.append(_line(at_x, y(figure.low), at_x, y(figure.high), "whisker"))
        parts.append(_dot(at_x, at_y, 6, _told(labels[row], *shown[row])))
        number_x, number_y = at_x + 9, at_y - 6
        while any(abs(number_x - other_x) < 20 and abs(number_y - other_y) < 14 for other_x, other_y in taken + dots):
            number_y -= 14  # two dots that nearly coincide: their numbers stand one above the other
        taken.append((number_x, number_y))
        numbers.append(_text(number_x, number_y, str(row + 1)))
    parts += numbers  # over the dots
    parts += _axis_titles(frame, "median milliseconds a question", f"{of}, %")
    told = [
        _told(labels[row], ms, value) + (", best for its time" * (row in best)) for row, (ms, value) in shown.items()
    ]
    return chart(parts, height=292, title="Quality against time", description="; ".join(told))


def _told(label: str, ms: float, value: float) -> str:
    return f"{label}: {100 * value:.1f} in {_milliseconds(ms)} ms"


def _round_numbers(low: float, high: float) -> list[float]:
    """Return 1, 2, 5, 10, 20, ... as far as they lie between two positive numbers."""
    tens = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [number for ten in tens for one in (1, 2, 5) if low <= (number := one * 10.0**ten) <= high]


def best_for_their_time(points: Sequence[tuple[float, Figure]], *, lower: bool = False) -> set[int]:
    """Return the rows of (milliseconds, quality) that no other beats; one without a value or a time is none of them.

    lower: whether a lower quality is the better one.
    """
    known = [row for row, (ms, figure) in enumerate(points) if figure.value is not None and ms > 0]
    worth = [(points[row][0], (-1 if lower else 1) * (points[row][1].value or 0.0)) for row in known]
    return {known[place] for place in pareto(worth)}


def pareto(points: Sequence[tuple[float, float]]) -> set[int]:
    """Return the rows that no other beats: (time, quality), none is at least as fast and as good, and better in one."""
    return {
        row
        for row, (ms, quality) in enumerate(points)
        if not any(
            other_ms <= ms and other >= quality and (other_ms < ms or other > quality) for other_ms, other in points
        )
    }


def _percent_grid(frame: Frame, *, across: bool = True, upwards: bool = True) -> list[str]:
    """Return grid lines every 20 %, with their numbers, for the scale across, the one upwards, or both."""
    parts = []
    for tens in range(0, 11, 2):
        share = tens / 10
        if across:
            parts.append(_line(frame.x(share), frame.top, frame.x(share), frame.bottom, "grid"))
            parts.append(_text(frame.x(share), frame.bottom + 16, str(10 * tens), anchor="middle", css="axis"))
        if upwards:
            parts.append(_line(frame.left, frame.y(share), frame.right, frame.y(share), "grid"))
            parts.append(_text(frame.left - 6, frame.y(share) + 4, str(10 * tens), anchor="end", css="axis"))
    return parts


def _milliseconds(value: float) -> str:
    """Three digits, and never an exponent: 1,330 and not 1.33e+03."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _axis_titles(frame: Frame, below: str, beside: str) -> list[str]:
    middle = (frame.top + frame.bottom) / 2
    return [
        _text((frame.left + frame.right) / 2, frame.bottom + 36, below, anchor="middle", css="axis"),
        f'<text class="axis" text-anchor="middle" transform="translate(14 {middle:.1f}) rotate(-90)">'
        f"{escape(beside)}</text>",
    ]


def _line(x1: float, y1: float, x2: float, y2: float, css: str) -> str:
    return f'<line class="{css}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _dot(x: float, y: float, radius: float, told: str, *, css: str = "dot") -> str:
    return f'<circle class="{css}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"><title>{escape(told)}</title></circle>'


def _text(x: float, y: float, text: str, *, anchor: str = "start", css: str = "label") -> str:
    return f'<text class="{css}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
