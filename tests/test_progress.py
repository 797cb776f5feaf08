"""Tests of qa/progress.py: what a person sees of long work, in a terminal and in a log."""

from __future__ import annotations

import io
import sys

import pytest

from qa import progress
from qa.progress import ProgressBar


class Stream(io.StringIO):
    """Standard error that is a terminal, or is none."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.fixture
def work(monkeypatch):
    """Do 1,000 steps of so many seconds each, and return what was written."""

    def done(seconds: float, *, terminal: bool, start: int = 0) -> str:
        now = [0.0]
        written = Stream(terminal=terminal)
        monkeypatch.setattr(sys, "stderr", written)
        monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
        with ProgressBar() as bar:
            for step in range(start, 1000):
                now[0] += seconds
                bar("asking", step + 1, 1000)
        return written.getvalue()

    return done


def test_a_log_is_told_twice_a_minute_with_the_time_left(work):
    """An eighth of a second a step, 125 s in all. After 30 s 240 steps are done and 760 left: 95 s."""
    lines = work(0.125, terminal=False).splitlines()
    assert lines[0] == "asking: 240 of 1,000, 1 min 35 s left, 8 a second"
    assert len(lines) == 4


def test_a_log_hears_nothing_of_quick_work(work):
    assert work(0.02, terminal=False) == ""


def test_a_terminal_gets_one_line_that_wipes_itself_away(work):
    written = work(0.01, terminal=True)
    assert "\n" not in written
    assert "asking [###" in written
    assert written.endswith("\r\x1b[2K")


def test_the_next_of_several_articles_has_a_speed_of_its_own(monkeypatch):
    now = [0.0]
    written = Stream(terminal=False)
    monkeypatch.setattr(sys, "stderr", written)
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    with ProgressBar() as bar:
        for began in (0.0, 1000.0):  # a quick one, a long pause, then one at ten a second
            for step in range(1001):
                now[0] = began + step / 10
                bar("embedding sentences", step, 1000)
    assert written.getvalue().splitlines()[-1] == "embedding sentences: 900 of 1,000, 10 s left, 10 a second"


def test_work_that_is_taken_up_again_does_not_count_the_old_steps_as_speed(work):
    """At 900 of 1,000 already; 30 s later 30 more are done at 1 s each: 70 s are left."""
    assert work(1.0, terminal=False, start=900).startswith("asking: 930 of 1,000, 1 min 10 s left")
