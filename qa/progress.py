"""How many of how many are done comes in; how far that is, and the time left, goes out on standard error.

A terminal gets a line that redraws itself. A file or a build log gets a line now and then, and none from what is quick.
"""

from __future__ import annotations

import sys
import time
from types import TracebackType

PATIENCE = 1.0  # seconds before the bar appears: what is done by then needs none
REDRAW = 0.1  # seconds between two drawings
BETWEEN_LINES = 30.0  # seconds between two lines where nothing can be redrawn
WIDTH = 30  # characters of the bar itself


class ProgressBar:
    """A progress bar to be used in a `with` block; it wipes itself away at the end."""

    def __init__(self) -> None:
        self._drawn_at = time.monotonic()
        self._first: dict[str, tuple[float, int]] = {}  # when each kind of work began, and at what count
        self._terminal = sys.stderr.isatty()
        self._wait = PATIENCE if self._terminal else BETWEEN_LINES
        self._on_screen = False

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._on_screen:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()

    def __call__(self, doing: str, done: int, total: int) -> None:
        """Say how far it is: `doing` is a word or two, for example "embedding"."""
        now = time.monotonic()
        if not done:  # the next of several articles begins
            self._first[doing] = (now, 0)
        began, at = self._first.setdefault(doing, (now, done))
        if now - self._drawn_at < self._wait:
            return
        self._drawn_at = now
        left = (now - began) / (done - at) * (total - done) if done > at and now > began else None
        ending = f", {_duration(left)} left, {_rate((done - at) / (now - began))}" if left is not None else ""
        if self._terminal:
            self._wait = REDRAW
            self._on_screen = True
            full = WIDTH * done // max(total, 1)
            bar = "#" * full + "." * (WIDTH - full)
            sys.stderr.write(f"\r\x1b[2K{doing} [{bar}] {done:,} of {total:,}{ending}")
        else:
            sys.stderr.write(f"{doing}: {done:,} of {total:,}{ending}\n")
        sys.stderr.flush()


def _rate(rate: float) -> str:
    """How fast it goes, in a unit that leaves a number to read."""
    return f"{rate:,.0f} a second" if rate >= 2 else f"{60 * rate:,.0f} a minute"


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
