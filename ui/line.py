"""Questions come in, in the order in which they were asked; how many are before each, and then its turn, go out.

Gradio has a queue of its own, but it shows a page only figures of its own wording; this one can be asked.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from index.errors import UserError
from ui.words import count

REMEMBERED = 20  # answers whose time tells how long the next ones will take


class TooManyWaiting(UserError):
    """So many questions wait already that one more would be in vain."""


class Line:
    """The questions that a server has not answered yet, the oldest first."""

    def __init__(self, at_once: int, *, longest: int) -> None:
        """`at_once`: questions answered side by side; `longest`: how many more may wait."""
        self._at_once = at_once
        self._longest = longest
        self._places: list[Place] = []
        self._took: deque[float] = deque(maxlen=REMEMBERED)  # seconds
        self._moved = threading.Condition()

    @contextmanager
    def place(self) -> Iterator[Place]:
        """Stand in line until the block is left. Raises TooManyWaiting."""
        place = Place(self)
        with self._moved:
            if len(self._places) >= self._at_once + self._longest:
                raise TooManyWaiting(f"{count(self._longest, 'question')} are waiting already. Ask again in a minute.")
            self._places.append(place)
            self._note_turns()
        try:
            yield place
        finally:
            with self._moved:
                self._places.remove(place)
                if place.began is not None:
                    self._took.append(time.monotonic() - place.began)
                self._note_turns()
                self._moved.notify_all()

    def before(self, place: Place) -> int:
        """Return how many questions must be answered before this one's turn; 0: it is its turn."""
        with self._moved:
            return self._before(place)

    def wait(self, place: Place, seconds: float | None = None) -> None:
        """Return when it is the place's turn, or after that many seconds."""
        with self._moved:
            self._moved.wait_for(lambda: self._before(place) == 0, timeout=seconds)

    def seconds(self, place: Place) -> float | None:
        """Return about how long the place must wait, judged by the last answers; None before there were any."""
        with self._moved:
            if not self._took:
                return None
            return self._before(place) * sum(self._took) / len(self._took) / self._at_once

    def _before(self, place: Place) -> int:
        return max(0, self._places.index(place) + 1 - self._at_once)

    def _note_turns(self) -> None:
        for place in self._places[: self._at_once]:
            place.began = place.began or time.monotonic()


class Place:
    """A question's place in the line."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.began: float | None = None  # when its turn came, by the monotonic clock

    @property
    def before(self) -> int:
        """How many questions must be answered before this one's turn; 0: it is its turn."""
        return self._line.before(self)

    @property
    def seconds(self) -> float | None:
        """About how long that takes; None before any question was answered."""
        return self._line.seconds(self)

    def wait(self, seconds: float | None = None) -> None:
        """Return when it is this one's turn, or after that many seconds."""
        self._line.wait(self, seconds)
