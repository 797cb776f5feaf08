"""library/sources.py and library/only.py: what names mean, what dates are found, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from index.errors import NoSuchArticle
from library.errors import BadFilter
from library.only import both, only
from library.sources import LeftOut, date_in_name, expected, is_date, listed, read_sources
from library.store import Incoming


@pytest.mark.parametrize(
    ("name", "date"),
    [
        ("2024-05-17-flood.txt", "2024-05-17"),
        ("flood_20240517.txt", "2024-05-17"),
        ("2024_05_17.md", "2024-05-17"),
        ("2024-13-17.txt", None),
        ("flood-120240517.txt", None),
        ("flood.txt", None),
    ],
)
def test_the_day_in_a_files_name_is_its_date(name, date):
    assert date_in_name(name) == date


@pytest.mark.parametrize(
    ("text", "good"), [("2024", True), ("2024-02-29", True), ("2023-02-29", False), ("May", False)]
)
def test_a_date_is_a_year_a_month_or_a_day_that_there_is(text, good):
    assert is_date(text) is good


def test_a_folder_means_all_below_it_in_order_without_what_is_hidden(tmp_path):
    for name in ("b.txt", "a/z.txt", "a/.hidden.txt", ".git/config.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert [Path(place).relative_to(tmp_path.resolve()).as_posix() for place in listed([str(tmp_path)])] == [
        "b.txt",
        "a/z.txt",
    ]
    assert listed([str(tmp_path / "b.txt"), str(tmp_path / "b.txt")]) == [str((tmp_path / "b.txt").resolve())]
    with pytest.raises(NoSuchArticle, match="no such file or folder"):
        listed([str(tmp_path / "b.txt"), str(tmp_path / "c.txt")])


def test_a_line_is_known_by_its_url_its_id_or_its_number(tmp_path):
    lines = [
        {"text": "The river rose.", "url": "https://example.org/1", "id": 9},
        {"paragraphs": ["The river rose.", "The mayor wept."], "id": "x", "date": "2024-05"},
        {"text": "The flood took it."},
        {"text": "…"},
    ]
    path = tmp_path / "wire.jsonl"
    path.write_text("\n\n".join(map(json.dumps, lines)), encoding="utf-8")
    read = [one for _, one in read_sources(listed([str(path)]), date="2023")]
    articles = [one for one in read if isinstance(one, Incoming)]
    assert [one.article.source for one in articles] == ["https://example.org/1", f"{path}#x", f"{path}#5"]
    assert [one.date for one in articles] == ["2023", "2024-05", "2023"]
    assert articles[1].article.text == "The river rose.\n\nThe mayor wept."
    (bad,) = [one for one in read if isinstance(one, LeftOut)]
    assert (bad.source, "no sentence was found" in bad.why) == (f"{path}:7", True)


def test_a_page_that_states_its_date_is_believed_before_the_command_and_the_name_of_its_file(tmp_path):
    stated = tmp_path / "2020-01-01-a.html"
    body = "<article><h1>Flood</h1><p>The river rose on Monday and took the bridge with it, and nobody was hurt.</p>"
    meta = '<meta property="article:published_time" content="2024-05-17">'
    stated.write_text(f"<html><head>{meta}</head><body>{body}</article></body></html>", encoding="utf-8")
    silent = tmp_path / "2020-01-02-b.html"
    silent.write_text(f"<html><body>{body}</article></body></html>", encoding="utf-8")
    for date, expected_dates in ((None, ["2024-05-17", "2020-01-02"]), ("2023", ["2024-05-17", "2023"])):
        read = [one for _, one in read_sources(listed([str(tmp_path)]), date=date)]
        assert [one.date for one in read if isinstance(one, Incoming)] == expected_dates


def test_how_far_it_is_ends_at_what_was_expected(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "One."}\n{"text": "Two."}\n', encoding="utf-8")
    (tmp_path / "b.txt").write_text("Three.", encoding="utf-8")
    (tmp_path / "c.jpg").write_bytes(b"")
    places = listed([str(tmp_path)])
    assert [done for done, _ in read_sources(places)] == [1, 2, 3, 4]
    assert expected(places) == 4


@pytest.mark.parametrize(
    "condition", ["", "article:", "date:soon", "date:2024-5", "date:2024..x", "date:2024-13", "date:2023-02-29.."]
)
def test_a_condition_that_says_nothing_is_refused_with_an_example(condition):
    with pytest.raises(BadFilter, match="--only"):
        only([condition])


def test_two_conditions_are_met_together_and_none_limits_nothing():
    one, two = only(["date:2024"]), only(["flood"])
    assert one is not None
    assert two is not None
    together = both(one, two)
    assert together is not None
    assert together.parameters == (*one.parameters, *two.parameters)
    assert together.said == "date:2024 and flood"
    assert both(one, None) == both(None, one) == one
    assert both(None, None) is None


def test_a_text_with_a_colon_that_is_no_kind_is_looked_for_as_it_is():
    which = only(["https://example.org"])
    assert which is not None
    assert which.parameters == ("%https://example.org%",) * 2
    assert only([]) is None
