"""qa/batch.py: the batch contract, line by line, with the toy encoder."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from index.article import article_from_text, read_article
from index.build import build_index
from index.errors import BadQuestionFile
from library.store import Place
from qa.answer import Answer, Answerer
from qa.batch import ARTICLES_OPEN, BatchDone, answer_file
from qa.confidence import Calibration
from qa.options import InputAtRisk
from qa.reader import FusedReader

RIVER = {"id": "r", "question": "When did the river rise?"}
CEILING = {"id": "c", "question": "Who painted the ceiling?"}
FIELDS = ["id", "question", "answered", "confidence", "answer", "sentence", "candidates", "ms", "error"]
FULL = Path("/dev/full")


class Opened:
    """Opens articles with the toy encoder and remembers which."""

    def __init__(self, encoder, default: Answerer) -> None:
        self.encoder = encoder
        self.default = default
        self.sources: list[str | None] = []

    def __call__(self, source: str | None) -> Answerer:
        self.sources.append(source)
        if source is None:
            return self.default
        return toy_answerer(build_index(read_article(source), self.encoder), self.encoder)


def toy_answerer(article_index, encoder) -> Answerer:
    return Answerer(article_index, encoder, FusedReader(), Calibration("fused", 0.0, {"top_logit": 1.0}))


@pytest.fixture
def opened(small_index, encoder) -> Opened:
    return Opened(encoder, toy_answerer(small_index, encoder))


@pytest.fixture
def ask(tmp_path, opened) -> Callable[..., tuple[list[dict], BatchDone]]:
    """Ask lines (objects, or raw text or bytes) and return the records with the count."""

    def ask_lines(*lines: object, **options: object) -> tuple[list[dict], BatchDone]:
        raw = [
            line if isinstance(line, bytes) else (line if isinstance(line, str) else json.dumps(line)).encode()
            for line in lines
        ]
        (tmp_path / "questions.jsonl").write_bytes(b"".join(line + b"\n" for line in raw))
        done = answer_file(tmp_path / "questions.jsonl", tmp_path / "answers.jsonl", opened, **options)
        return records(tmp_path / "answers.jsonl"), done

    return ask_lines


def records(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]


def test_an_answered_line_has_the_sentence_at_its_place(ask, small_article):
    (record,), done = ask(RIVER)
    assert list(record) == FIELDS
    assert (record["id"], record["question"], record["answered"], record["error"]) == (
        "r",
        RIVER["question"],
        True,
        None,
    )
    sentence = record["sentence"]
    assert sentence["text"] == small_article.text[sentence["start"] : sentence["end"]] == "The river rose on Monday."
    assert record["answer"] is None  # this reader knows no short answers
    assert 0.5 < record["confidence"] <= 1
    assert record["ms"] > 0
    assert done == BatchDone(lines=1, answered=1, errors=0, resumed=0)


def test_an_unanswered_line_still_lists_the_best(ask, small_article):
    (record,), _ = ask(CEILING)
    assert (record["answered"], record["sentence"], record["answer"], record["error"]) == (False, None, None, None)
    relevances = [candidate["relevance"] for candidate in record["candidates"]]
    assert len(relevances) == 6  # all there are
    assert relevances == sorted(relevances, reverse=True)
    for candidate in record["candidates"]:
        assert small_article.text[candidate["start"] : candidate["end"]] == candidate["text"]


def test_ten_candidates_are_listed_of_a_longer_article_or_as_many_as_asked_for(ask, tmp_path):
    (tmp_path / "long.txt").write_text(
        "\n\n".join(f"The river was {n} feet high." for n in range(30)), encoding="utf-8"
    )
    line = {**RIVER, "article": "long.txt"}
    assert [
        len(ask(line, **options)[0][0]["candidates"]) for options in ({}, {"candidates": 20}, {"candidates": 1})
    ] == [10, 20, 10]


def test_lines_come_out_in_the_order_in_which_they_went_in(ask):
    lines = [{"id": n, "question": "river" if n % 2 else ""} for n in range(7)]
    assert [record["id"] for record in ask(*lines)[0]] == list(range(7))


def test_a_bad_line_is_reported_in_its_place_and_the_batch_goes_on(ask):
    bad = ["{", '"text"', "[1]", '{"id": 5}', '{"question": "river?"}', '{"id": 7, "question": 3}',
           '{"id": 8, "question": "river?", "history": ["a"]}', '{"id": 9, "question": "?", "history": [["a"]]}',
           '{"id": 10, "question": "river?", "article": 4}', b'{"id": 11, "question": "\xff"}',
           "[" * 100_000]  # fmt: skip
    found, done = ask(RIVER, *bad, RIVER)
    assert [record["error"] is None for record in found] == [True, *[False] * len(bad), True]
    assert done.errors == len(bad)
    for number, record in enumerate(found[1:-1], start=2):
        assert list(record) == FIELDS
        assert f"questions.jsonl:{number}: " in record["error"]
        assert (record["answered"], record["sentence"], record["candidates"]) == (False, None, [])
    assert [record["id"] for record in found[4:9]] == [5, None, 7, 8, 9]


def test_a_question_that_cannot_be_asked_says_why(ask):
    found, done = ask(
        {"id": 1, "question": ""}, {"id": 2, "question": "?!"}, {"id": 3, "question": "x" * 100_000}, RIVER
    )
    assert ["empty" in found[0]["error"], "no word" in found[1]["error"], "100,000" in found[2]["error"]] == [True] * 3
    assert (done.errors, done.answered) == (3, 1)


def test_an_article_is_found_relative_to_the_file_of_questions(ask, tmp_path, opened):
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.txt").write_text("The mayor was Ann Lee.", encoding="utf-8")
    (record,), _ = ask({"id": 1, "question": "Who was the mayor?", "article": "more/a.txt"})
    assert record["sentence"]["text"] == "The mayor was Ann Lee."
    assert opened.sources == [str(tmp_path / "more" / "a.txt")]


def test_an_article_that_is_missing_costs_only_its_own_lines(ask):
    missing = {**RIVER, "article": "missing.txt"}
    found, done = ask(missing, RIVER, missing)
    assert ["missing.txt" in (record["error"] or "") for record in found] == [True, False, True]
    assert (done.answered, done.errors) == (1, 2)


def test_an_article_is_opened_once_for_its_questions(ask, opened):
    ask(RIVER, CEILING, RIVER)
    assert opened.sources == [None]


def test_only_so_many_articles_are_kept_open(ask, tmp_path, opened):
    for number in range(ARTICLES_OPEN + 1):
        (tmp_path / f"{number}.txt").write_text("The river rose.", encoding="utf-8")
    lines = [{**RIVER, "article": f"{number}.txt"} for number in range(ARTICLES_OPEN + 1)]
    ask(*lines, lines[0], lines[-1])
    opens = [Path(source or "").stem for source in opened.sources]
    assert opens == [*map(str, range(ARTICLES_OPEN + 1)), "0"]


def test_the_default_article_is_opened_once_for_it_may_come_from_standard_input(ask, tmp_path, opened):
    for number in range(ARTICLES_OPEN + 1):
        (tmp_path / f"{number}.txt").write_text("The river rose.", encoding="utf-8")
    ask(RIVER, *({**RIVER, "article": f"{number}.txt"} for number in range(ARTICLES_OPEN + 1)), RIVER)
    assert opened.sources.count(None) == 1


def test_a_bug_in_one_answer_is_reported_in_its_line(tmp_path, opened):
    class Broken:
        def ask(self, question: str, history: object) -> None:
            raise ZeroDivisionError("by hand")

    (tmp_path / "q.jsonl").write_text(json.dumps(RIVER), encoding="utf-8")
    done = answer_file(tmp_path / "q.jsonl", tmp_path / "a.jsonl", lambda source: Broken())  # type: ignore[arg-type,return-value]
    assert records(tmp_path / "a.jsonl")[0]["error"].endswith("ZeroDivisionError: by hand")
    assert done.errors == 1


def test_earlier_turns_help_to_understand(ask):
    line = {"id": 1, "question": "And why did she do it?", "history": [["Who was the mayor?", "Jane Carter"]]}
    alone, together = ask({**line, "history": None}, line)[0]
    assert alone["candidates"][0]["text"] != together["candidates"][0]["text"]
    assert together["candidates"][0]["text"] == "Mayor Jane Carter said the town would rebuild it."


def test_blank_lines_are_no_questions_but_count_in_line_numbers(ask):
    found, _ = ask("", RIVER, "   ", "{")
    assert [record["error"] is None for record in found] == [True, False]
    assert "questions.jsonl:4: " in found[1]["error"]


def test_a_line_separator_inside_a_question_does_not_end_its_line(ask):
    (record,), _ = ask(json.dumps({"id": 1, "question": "When did the river\u2028rise?"}, ensure_ascii=False))
    assert record["answered"]
    assert record["question"] == "When did the river\u2028rise?"


def test_a_byte_order_mark_windows_line_ends_and_half_a_character_are_taken(ask):
    found, _ = ask(
        b"\xef\xbb\xbf" + json.dumps(RIVER).encode() + b"\r", b'{"id": "\\ud800", "question": "river \\ud800?"}'
    )
    assert [record["error"] for record in found] == [None, None]
    assert found[1]["id"] == "\ud800"


def test_a_batch_that_was_stopped_goes_on_where_it_was(ask, tmp_path, opened):
    """Killed in the third of four lines: two are whole, the third is torn."""
    lines = [{**RIVER, "id": n} for n in range(4)]
    whole, _ = ask(*lines)
    path = tmp_path / "answers.jsonl"
    first, second, third, _ = path.read_bytes().splitlines(keepends=True)
    for torn in (b"", third[:1], third[: len(third) // 2], third[:-1]):
        path.write_bytes(first + second + torn)
        resumed, done = ask(*lines, resume=True)
        assert path.read_bytes().startswith(first + second)
        assert [record["id"] for record in resumed] == [0, 1, 2, 3]
        assert [record["sentence"] for record in resumed] == [record["sentence"] for record in whole]
        assert done == BatchDone(lines=4, answered=4, errors=0, resumed=2)


def test_a_batch_that_is_done_asks_nothing_again(ask, opened):
    ask(RIVER, "{")
    opened.sources.clear()
    _, done = ask(RIVER, "{", resume=True)
    assert opened.sources == []
    assert done == BatchDone(lines=2, answered=1, errors=1, resumed=2)


def test_resuming_without_answers_begins_at_the_beginning(ask):
    assert ask(RIVER, resume=True)[1].resumed == 0


@pytest.fixture
def other_article(encoder, opened) -> Callable[[], None]:
    """Makes another article the default one."""

    def change() -> None:
        text = "The great flood\n\nA river ran dry on Friday. Nobody saw the river again."
        opened.default = toy_answerer(build_index(article_from_text(text), encoder), encoder)

    return change


def test_answers_from_another_article_are_not_taken_up(ask, tmp_path, opened, other_article):
    lines = ["{", {**RIVER, "article": "own.txt"}, CEILING, RIVER]
    (tmp_path / "own.txt").write_text("The river rose.", encoding="utf-8")
    ask(*lines)
    path = tmp_path / "answers.jsonl"
    before = b"".join(path.read_bytes().splitlines(keepends=True)[:3])
    path.write_bytes(before)
    article = opened.default
    other_article()
    with pytest.raises(BadQuestionFile, match=r"answers\.jsonl:3: an answer from another article than the one"):
        ask(*lines, resume=True)
    assert path.read_bytes() == before
    opened.default = article
    assert ask(*lines, resume=True)[1].resumed == 3


def test_answers_from_one_article_are_not_taken_up_for_a_library_nor_the_other_way(ask, tmp_path, opened):
    class LibraryOf:
        """Answers like the article it holds; as far as a batch can see, a library."""

        def __init__(self, article: Answerer) -> None:
            self.article = article

        def ask(self, question: str, history: object) -> Answer:
            here = Place(article=0, title="", source="", date=None, number=0, start=0, end=0)
            return replace(self.article.ask(question), places=(here,))

    path = tmp_path / "answers.jsonl"
    article, library = opened.default, LibraryOf(opened.default)
    for earlier, now in ((article, library), (library, article)):
        opened.default = earlier
        ask(RIVER, CEILING)
        path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
        opened.default = now
        with pytest.raises(BadQuestionFile, match=r"answers\.jsonl:1: an answer from another article"):
            ask(RIVER, CEILING, resume=True)
        opened.default = earlier
        assert ask(RIVER, CEILING, resume=True)[1].resumed == 1


def test_another_default_article_is_no_matter_where_no_line_left_asks_it(ask, tmp_path, opened, other_article):
    (tmp_path / "own.txt").write_text("The river rose.", encoding="utf-8")
    lines = [RIVER, {**RIVER, "article": "own.txt"}]
    ask(*lines)
    path = tmp_path / "answers.jsonl"
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    other_article()
    opened.sources.clear()
    assert ask(*lines, resume=True)[1].resumed == 1
    assert None not in opened.sources


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "[-1e999]", '{"a": NaN}'])
def test_a_number_that_json_does_not_know_is_an_error_of_its_line_and_goes_on(ask, tmp_path, number):
    lines = [f'{{"id": {number}, "question": "river?"}}', '{"id": 1.5, "question": "river?"}']
    found, _ = ask(*lines)
    assert "questions.jsonl:1: not JSON (" in found[0]["error"]
    assert "is not a finite number" in found[0]["error"]
    assert (found[0]["id"], found[1]["id"], found[1]["error"]) == (None, 1.5, None)
    for line in (tmp_path / "answers.jsonl").read_text(encoding="utf-8").splitlines():
        json.loads(line, parse_constant=pytest.fail)
    assert ask(*lines, resume=True)[1].resumed == 2


@pytest.mark.skipif(not FULL.exists(), reason="there is no device that is always full")
def test_a_full_disk_stops_the_batch(tmp_path, opened):
    (tmp_path / "q.jsonl").write_text(json.dumps(RIVER), encoding="utf-8")
    with pytest.raises(BadQuestionFile, match=r"/dev/full: no space left on device\. Give a file that can be written"):
        answer_file(tmp_path / "q.jsonl", FULL, opened)


def test_answers_to_other_questions_are_not_taken_up(ask, tmp_path):
    ask(RIVER, CEILING)
    before = (tmp_path / "answers.jsonl").read_bytes()
    with pytest.raises(BadQuestionFile, match="do not belong together"):
        ask(CEILING, RIVER, resume=True)
    with pytest.raises(BadQuestionFile, match="do not belong together"):
        ask(RIVER, resume=True)
    with pytest.raises(BadQuestionFile, match="to another question than"):
        ask({**RIVER, "question": "Who is the mayor?"}, CEILING, resume=True)
    (tmp_path / "answers.jsonl").write_text("my notes\nof today\n", encoding="utf-8")
    with pytest.raises(BadQuestionFile, match=r"answers\.jsonl:1: not an answer"):
        ask(RIVER, resume=True)
    assert before
    assert (tmp_path / "answers.jsonl").read_text(encoding="utf-8") == "my notes\nof today\n"


@pytest.mark.parametrize(
    "theirs",
    [b"my notes", b"my notes\n", b'{"id": 1, "question": "river?"}\n', b"[" * 100_000 + b"\n"],
)
def test_what_is_no_answer_is_not_cut_off_as_if_it_were_torn(ask, tmp_path, theirs):
    ask(RIVER)
    path = tmp_path / "answers.jsonl"
    for before in (theirs, path.read_bytes() + theirs):
        path.write_bytes(before)
        with pytest.raises(BadQuestionFile, match=r"answers\.jsonl:\d: not an answer"):
            ask(RIVER, CEILING, resume=True)
        assert path.read_bytes() == before


@pytest.mark.parametrize("end", [b"", b"\n\n", b"\0" * 100, b'{"i', b'{"id": 2, "question": "a'])
def test_what_an_interruption_leaves_is_cut_off(ask, tmp_path, end):
    ask(RIVER)
    path = tmp_path / "answers.jsonl"
    first = path.read_bytes()
    path.write_bytes(first + end)
    assert ask(RIVER, CEILING, resume=True)[1].resumed == 1
    assert path.read_bytes().startswith(first + b'{"id": "c"')


BEGUN = {"--library": None, "--only": ["source:a", "source:b"], "--min-confidence": None}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (
            {"--only": ["source:a"]},
            "was begun with --only source:a --only source:b and would go on with --only source:a: ",
        ),
        ({"--only": None}, "was begun with --only source:a --only source:b and would go on with no --only: "),
        (
            {"--library": "news", "--min-confidence": 0.5},
            "no --library, no --min-confidence and would go on with --library news, --min-confidence 0.5: ",
        ),
    ],
)
def test_answers_of_other_settings_are_not_taken_up_and_nothing_is_lost(ask, tmp_path, changed, told):
    ask(RIVER, CEILING, settings=BEGUN)
    path = tmp_path / "answers.jsonl"
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + second[:20])
    with pytest.raises(BadQuestionFile) as refused:
        ask(RIVER, CEILING, resume=True, settings={**BEGUN, **changed})
    assert told in str(refused.value)
    assert str(refused.value).endswith("Give the same as before, or drop --resume to answer everything anew.")
    assert path.read_bytes() == first + second[:20]
    assert ask(RIVER, CEILING, resume=True, settings=BEGUN)[1].resumed == 1


def test_settings_stand_beside_the_answers_and_not_in_them(ask, tmp_path):
    (record,), _ = ask(RIVER, settings=BEGUN)
    assert list(record) == FIELDS
    assert json.loads((tmp_path / "answers.jsonl.settings.json").read_text(encoding="utf-8")) == BEGUN
    ask(RIVER, settings={})
    assert json.loads((tmp_path / "answers.jsonl.settings.json").read_text(encoding="utf-8")) == {}


def test_answers_without_settings_beside_them_are_taken_up_and_get_some(ask, tmp_path):
    """As answers of an earlier version, or moved without the other file."""
    ask(RIVER)
    beside = tmp_path / "answers.jsonl.settings.json"
    assert not beside.exists()
    assert ask(RIVER, CEILING, resume=True, settings=BEGUN)[1].resumed == 1
    assert json.loads(beside.read_text(encoding="utf-8")) == BEGUN


def test_settings_left_by_answers_that_are_gone_are_no_matter(ask, tmp_path):
    ask(RIVER, settings={"--only": ["x"]})
    (tmp_path / "answers.jsonl").unlink()
    assert ask(RIVER, resume=True, settings=BEGUN)[1].resumed == 0


@pytest.mark.parametrize("content", ["", "[]", "[" * 100_000, "\xff"])
def test_damaged_settings_are_told_in_one_line(ask, tmp_path, content):
    ask(RIVER, settings=BEGUN)
    (tmp_path / "answers.jsonl.settings.json").write_text(content, encoding="latin-1")
    with pytest.raises(
        BadQuestionFile, match=r"answers\.jsonl\.settings\.json .*\. Delete it to go on without comparing"
    ):
        ask(RIVER, resume=True, settings=BEGUN)


def test_settings_that_cannot_be_written_cost_no_answer(ask, tmp_path):
    (tmp_path / "answers.jsonl.settings.json").mkdir()
    assert ask(RIVER, settings=BEGUN)[1].answered == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "answers.jsonl", "answers.jsonl.settings.json", "questions.jsonl"
    ]  # fmt: skip


def test_a_device_gets_no_file_beside_it(tmp_path, opened):
    (tmp_path / "q.jsonl").write_text(json.dumps(RIVER), encoding="utf-8")
    answer_file(tmp_path / "q.jsonl", Path(os.devnull), opened, settings=BEGUN)
    assert not Path(f"{os.devnull}.settings.json").exists()


def test_without_resume_the_answers_are_written_anew(ask):
    ask(RIVER, CEILING)
    assert len(ask(RIVER)[0]) == 1


def test_the_questions_are_not_overwritten_with_answers(tmp_path, opened):
    path = tmp_path / "q.jsonl"
    path.write_text(json.dumps(RIVER), encoding="utf-8")
    with pytest.raises(InputAtRisk, match="would be overwritten"):
        answer_file(path, path, opened)
    assert json.loads(path.read_text(encoding="utf-8")) == RIVER


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize("output", ["own.txt", "more/../own.txt", "link.txt"])
def test_an_article_that_only_a_line_names_is_not_overwritten_with_answers(tmp_path, opened, output, resume):
    (tmp_path / "more").mkdir()
    (tmp_path / "own.txt").write_text("The river rose.", encoding="utf-8")
    (tmp_path / "link.txt").symlink_to("own.txt")
    lines = [RIVER, "no object", {**RIVER, "article": "own.txt"}]
    (tmp_path / "q.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    with pytest.raises(InputAtRisk, match="is read by this command and would be overwritten"):
        answer_file(tmp_path / "q.jsonl", tmp_path / output, opened, resume=resume)
    assert (tmp_path / "own.txt").read_text(encoding="utf-8") == "The river rose."


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b", "x" * 5_000])
def test_a_name_that_no_file_can_have_costs_only_its_own_line(ask, name):
    found, _ = ask({**RIVER, "article": name}, RIVER)
    assert [record["error"] is None for record in found] == [False, True]


def test_standard_input_is_no_article_of_a_line_however_it_is_written(ask, tmp_path, opened, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("q.jsonl").write_text(json.dumps({**RIVER, "article": "./-"}), encoding="utf-8")
    answer_file(Path("q.jsonl"), Path("a.jsonl"), opened)
    assert records(Path("a.jsonl"))[0]["error"] == 'q.jsonl:1: "article" must be the path of a file'
    assert opened.sources == []


def test_an_address_in_capitals_is_an_address_too(tmp_path, opened):
    def open_answerer(source: str | None) -> Answerer:
        opened.sources.append(source)
        return opened.default

    (tmp_path / "q.jsonl").write_text(json.dumps({**RIVER, "article": "HTTPS://news.example/a"}), encoding="utf-8")
    answer_file(tmp_path / "q.jsonl", None, open_answerer)
    assert opened.sources == ["HTTPS://news.example/a"]


@pytest.mark.parametrize("missing", ["q.jsonl", "folder"])
def test_questions_that_cannot_be_read_stop_the_batch(tmp_path, opened, missing):
    (tmp_path / "folder").mkdir()
    with pytest.raises(BadQuestionFile, match="Give a file with one JSON object a line"):
        answer_file(tmp_path / missing, tmp_path / "a.jsonl", opened)


def test_answers_that_cannot_be_written_stop_the_batch(tmp_path, opened):
    (tmp_path / "q.jsonl").write_text(json.dumps(RIVER), encoding="utf-8")
    with pytest.raises(BadQuestionFile, match="Give a file that can be written"):
        answer_file(tmp_path / "q.jsonl", tmp_path, opened)


def test_each_answer_is_on_disk_before_the_next_question_is_asked(tmp_path, opened):
    seen = []

    def progress(doing: str, done: int, total: int) -> None:
        seen.append((done, total, len(records(tmp_path / "a.jsonl"))))

    (tmp_path / "q.jsonl").write_text("\n".join(json.dumps(RIVER) for _ in range(3)), encoding="utf-8")
    answer_file(tmp_path / "q.jsonl", tmp_path / "a.jsonl", opened, progress=progress)
    assert seen == [(0, 3, 0), (1, 3, 1), (2, 3, 2)]
