"""Tests of qa/report.py, qa/html_report.py and qa/plots.py: what is shown, and that no article becomes markup."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from test_compare import ARTICLE, made, run_of

from qa.html_report import passage_html, sweep_page
from qa.plots import best_for_their_time, intervals, pareto, time_histogram, trade_offs
from qa.report import NothingToReport, UnknownFormat, as_csv, as_junit, as_markdown, verdict, write_report
from qa.run import Run
from qa.summary import Figure, summarise
from qa.sweep import Swept

NASTY = '<script>alert("x")</script> & "quotes"'


@pytest.fixture
def nasty_run() -> Run:
    """A run in which everything that comes from outside tries to be markup."""
    run = run_of(NASTY, [True, False, True, False])
    outcomes = tuple(
        dataclasses.replace(o, question=f"{NASTY} {o.id}?", kind=NASTY, reason=NASTY) for o in run.outcomes
    )
    article = dataclasses.replace(ARTICLE, title=NASTY)
    return dataclasses.replace(run, outcomes=outcomes, articles={ARTICLE.fingerprint: article})


class Page(HTMLParser):
    """Collects the tags of a page, and checks that they are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "input", "link", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def page_of(run: Run, tmp_path) -> tuple[str, Page]:
    write_report(run, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    return text, Page(text)


def test_the_page_is_well_formed_and_asks_for_nothing_from_outside(toy_run, tmp_path):
    text, page = page_of(toy_run, tmp_path)
    assert page.open == []
    assert [a for _, a in page.tags if a.get("src") or (a.get("href") or "").startswith(("http", "//"))] == []
    assert "@import" not in text
    assert "url(" not in text


def test_nothing_that_comes_from_outside_becomes_markup(nasty_run, tmp_path):
    text, page = page_of(nasty_run, tmp_path)
    assert page.open == []
    assert sum(tag == "script" for tag, _ in page.tags) == 1
    assert "alert(&#34;x&#34;)" in text


def test_every_chart_has_a_name_and_a_description_and_every_table_has_headers(toy_run, tmp_path):
    text, page = page_of(toy_run, tmp_path)
    charts = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert len(charts) == 5
    for attributes in charts:
        for name in (attributes["aria-labelledby"] or "").split():
            assert text.count(f'id="{name}"') == 1
    assert text.count("<table") == text.count("<thead")
    assert all(a.get("scope") for tag, a in page.tags if tag == "th")
    assert sum(tag == "h1" for tag, _ in page.tags) == 1


def test_ids_of_the_page_are_unique(toy_run, tmp_path):
    _, page = page_of(toy_run, tmp_path)
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_every_question_is_on_the_page_with_its_cause(toy_run, tmp_path):
    _, page = page_of(toy_run, tmp_path)
    cards = [attributes for tag, attributes in page.tags if tag == "article"]
    assert len(cards) == len(toy_run.outcomes)
    assert {card["data-show"] for card in cards} <= {"failed", "right"}


def test_the_same_run_gives_the_same_page(toy_run, tmp_path):
    one, _ = page_of(toy_run, tmp_path)
    other, _ = page_of(toy_run, tmp_path)
    assert one == other


def test_a_passage_marks_answer_evidence_and_both():
    text = "One <b>. Two & two. Three."
    shown = passage_html(text, answer=(0, 8), evidence=[(0, 8), (9, 19)], span=(4, 7))
    assert shown == (
        '<mark class="a e">One </mark><mark class="a e s">&lt;b&gt;</mark><mark class="a e">.</mark> '
        '<mark class="e">Two &amp; two.</mark> Three.'
    )


def test_a_passage_leaves_out_what_is_far_from_every_mark():
    text = "Start. " + "word " * 400 + "End."
    shown = str(passage_html(text, answer=(0, 6), evidence=[(len(text) - 4, len(text))], span=None))
    assert shown.startswith('<mark class="a">Start.</mark> word')
    assert shown.endswith('word <mark class="e">End.</mark>')
    assert len(shown) < 700
    assert " …\n… " in shown


def test_what_is_marked_is_the_article_word_for_word(toy_run, tmp_path):
    for outcome in toy_run.outcomes:
        text = toy_run.articles[outcome.article].text
        shown = str(passage_html(text, answer=outcome.best, evidence=outcome.places, span=None))
        marked = "".join(re.findall(r'<mark class="a(?: e)?">(.*?)</mark>', shown, re.S))
        start, end = outcome.best
        assert marked == text[start:end].replace("&", "&amp;")


def test_the_verdict_says_how_many_and_how_sure():
    assert verdict(summarise(run_of("x", [True] * 3 + [False]))).startswith(
        "75 % of 4 questions were handled rightly (between 30 % and 95 %, 95 % sure)"
    )


def test_csv_has_a_row_a_question_and_no_cell_that_a_spreadsheet_would_run(toy_run):
    outcomes = (dataclasses.replace(toy_run.outcomes[0], question="=HYPERLINK(1)"), *toy_run.outcomes[1:])
    rows = list(
        csv.DictReader(io.StringIO(as_csv(dataclasses.replace(toy_run, outcomes=outcomes), summarise(toy_run))))
    )
    assert [row["id"] for row in rows] == [outcome.id for outcome in toy_run.outcomes]
    assert rows[0]["question"] == "'=HYPERLINK(1)"
    assert rows[0]["rank_reader"] == "1"
    assert rows[4]["rank_reader"] == ""


def test_junit_counts_failures_and_errors_apart(nasty_run):
    outcomes = (
        *nasty_run.outcomes,
        dataclasses.replace(made("broken", right=False, error="OSError: \x00 gone"), kind="other"),
    )
    run = dataclasses.replace(nasty_run, outcomes=outcomes)
    suites = ElementTree.fromstring(as_junit(run, summarise(run)))
    assert (suites.get("tests"), suites.get("failures"), suites.get("errors")) == ("5", "2", "1")
    assert [suite.get("tests") for suite in suites] == ["4", "1"]
    assert suites.find(".//failure").text.startswith("wanted: Sentence 0 says something.\ncame: Sentence 1")


def test_json_says_the_same_as_the_summary(toy_run, tmp_path):
    write_report(toy_run, tmp_path / "x.json")
    told = json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))
    assert told["figures"]["all"]["P@1"] == summarise(toy_run).everything["P@1"].to_json()
    assert sum(len(ids) for ids in told["causes"].values()) <= len(toy_run.outcomes)


def test_an_undefined_figure_is_a_dash_and_not_a_zero():
    told = as_markdown(run_of("x", [True] * 4), summarise(run_of("x", [True] * 4)))
    assert re.search(r"\| AUROC \| – \|  \| 0 \|", told)


def test_a_run_without_a_candidate_is_refused(toy_run, tmp_path):
    empty = dataclasses.replace(
        toy_run, outcomes=tuple(dataclasses.replace(o, candidates=()) for o in toy_run.outcomes)
    )
    with pytest.raises(NothingToReport, match="no sentence was retrieved"):
        write_report(empty, tmp_path / "x.html")


def test_an_ending_without_a_format_is_refused_before_anything_is_written(toy_run, tmp_path):
    with pytest.raises(UnknownFormat, match=r"no report ends in '.pdf'"):
        write_report(toy_run, tmp_path / "new" / "x.pdf")
    assert not (tmp_path / "new").exists()


def test_the_best_trade_offs_are_those_that_nothing_beats():
    """1: fast and poor. 2: slower, better. 3: slower still and no better than 2. 4: as fast as 1, poorer."""
    assert pareto([(10, 0.5), (20, 0.8), (30, 0.8), (10, 0.4)]) == {0, 1}


def test_where_less_is_better_the_least_is_best_for_its_time_and_what_is_undefined_never_is():
    figures = [Figure(value, None, None, 9) for value in (0.3, 0.1, None, 0.2)]
    points = list(zip([10, 20, 1, 30], figures, strict=True))
    assert best_for_their_time(points, lower=True) == {0, 1}
    assert best_for_their_time(points) == {0}


def test_settings_that_nearly_coincide_have_numbers_that_can_be_told_apart():
    points = [(100.0 + row, Figure(0.5 + row / 1000, None, None, 9)) for row in range(3)]
    drawn = ElementTree.fromstring(trade_offs(["a", "b", "c"], points, {0, 1, 2}, of="right"))
    labels = [text for text in drawn.iter("{http://www.w3.org/2000/svg}text") if text.get("class") == "label"]
    assert sorted(text.text or "" for text in labels) == ["1", "2", "3"]
    heights = sorted(float(text.get("y") or 0) for text in labels)
    assert min(after - before for before, after in pairwise(heights)) >= 14


def test_a_sweep_has_a_column_for_what_was_varied_and_a_line_for_what_was_not(toy_run: Run):
    summary = summarise(toy_run)
    swept = [
        Swept({"reader": NASTY, "window_pieces": size}, summary, ms, False) for size, ms in ((96, 5.0), (160, 9.0))
    ]
    text = sweep_page("Sweep of mine", swept, "right")
    page = Page(text)
    assert page.open == []
    assert re.findall(r'<th scope="col">([^<]*)</th>', text)[:4] == ["Row", "Right", "window pieces", "P@1"]
    assert "The same in all: reader &lt;script&gt;" in text
    assert "from the record of 2 runs" in text
    assert [tag for tag, _ in page.tags].count("script") == 0


def test_a_chart_says_undefined_where_there_is_no_value():
    assert "undefined" in intervals([("reason", Figure(None, None, None, 0))], title="x", of="P@1")


@pytest.mark.parametrize("times", [[], [5.0], [0.0, 0.0], [1.0, 10_000.0], [10.0, 100.0, 1000.0]])
def test_a_histogram_counts_every_question_once(times):
    counts = re.findall(r"<title>[^<]* ms: (\d+)</title>", time_histogram(times))
    assert sum(map(int, counts)) == len(times)
