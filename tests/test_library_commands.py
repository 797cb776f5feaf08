"""`article-qa library ...` and --library: what is typed, what is printed, and how it exits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from conftest import Ran, WordEncoder

import qa.answer
from index.embeddings import FloatArray

pytestmark = pytest.mark.usefixtures("_toy")


class CountingEncoder(WordEncoder):
    """Remembers what it was asked to embed."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def encode_documents(self, texts: Sequence[str]) -> FloatArray:
        self.seen += texts
        return super().encode_documents(texts)


FLOOD = "The great flood\n\nThe river rose on Monday. The flood took the bridge in one night.\n"
MAYOR = "The mayor\n\nMayor Jane Carter said the town would rebuild. The flood took the bridge in one night.\n"


@pytest.fixture
def _toy(monkeypatch, tmp_path, encoder):
    """No model is loaded and no folder of the user's is touched."""
    monkeypatch.setattr(qa.answer, "_shared_encoder", lambda model, *, cache: encoder)
    monkeypatch.setenv("ARTICLE_QA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ARTICLE_QA_LIBRARIES", str(tmp_path / "libraries"))


@pytest.fixture
def stories(tmp_path) -> Path:
    folder = tmp_path / "stories"
    (folder / "deeper").mkdir(parents=True)
    (folder / "2024-05-17-flood.txt").write_text(FLOOD, encoding="utf-8")
    (folder / "deeper" / "mayor.txt").write_text(MAYOR, encoding="utf-8")
    return folder


@pytest.fixture
def ask(run, stories) -> Callable[..., Ran]:
    run("library", "add", str(stories))
    return lambda *arguments: run("ask", "--reader", "fused", "--library", "default", *arguments)


def test_a_folder_is_added_and_the_second_time_nothing_is_read_again(run, stories):
    first = run("library", "add", str(stories))
    assert (first.status, first.err) == (0, "")
    assert first.out == (
        "2 added, 0 changed, 0 unchanged, 0 left out; 5 of 6 sentences embedded. default: 2 articles, 5 sentences.\n"
    )
    assert run("library", "add", str(stories)).out.startswith("0 added, 0 changed, 2 unchanged, 0 left out; 0 of 0 ")


def test_bad_files_are_left_out_with_the_reason_and_the_others_are_added(run, stories):
    (stories / "empty.txt").write_text("", encoding="utf-8")
    (stories / "picture.jpg").write_bytes(b"\xff\xd8\xff")
    (stories / "binary.txt").write_bytes(b"\0\1\2")
    (stories / "wire.jsonl").write_text(
        '{"id": 7, "title": "Wire", "text": "The mayor wept in spring.", "date": "2024-06-01T10:00:00Z"}\n'
        'not json\n{"title": "no text"}\n{"text": "Fine.", "date": "May"}\n',
        encoding="utf-8",
    )
    ran = run("library", "add", str(stories), "--json")
    done = json.loads(ran.out)
    assert (ran.status, done["added"], done["articles"]) == (0, 3, 3)
    why = {Path(one["source"]).name: one["why"] for one in done["left_out"]}
    assert set(why) == {"empty.txt", "picture.jpg", "binary.txt", "wire.jsonl:2", "wire.jsonl:3", "wire.jsonl:4"}
    assert "empty" in why["empty.txt"]
    assert "not a kind of file" in why["picture.jpg"]
    assert '"text" is missing' in why["wire.jsonl:3"]
    assert "'May'" in why["wire.jsonl:4"]
    listed = json.loads(run("library", "list", "--json").out)["articles"]
    assert {(Path(one["source"]).name, one["date"]) for one in listed} == {
        ("2024-05-17-flood.txt", "2024-05-17"),
        ("mayor.txt", None),
        ("wire.jsonl#7", "2024-06-01"),
    }


def test_only_left_out_is_an_error_and_a_mistyped_name_adds_nothing(run, stories, tmp_path):
    (tmp_path / "x.txt").write_text("", encoding="utf-8")
    assert run("library", "add", str(tmp_path / "x.txt")).status == 1
    ran = run("library", "add", str(stories), str(tmp_path / "missing"))
    assert ran.status == 1
    assert "missing: there is no such file or folder" in ran.err
    assert run("library", "list").out == ""


@pytest.mark.parametrize("command", [("add", "STORIES"), ("list",), ("stats",)])
def test_an_empty_name_of_a_library_is_one_line_and_nothing_is_written(run, stories, tmp_path, command):
    name, *sources = command
    ran = run("library", name, *(str(stories) for _ in sources), "-l", "")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err == "article-qa: '' is no name of a library. Give a name, such as news, or a folder.\n"
    assert not (tmp_path / "libraries").exists()


def test_a_title_a_source_or_a_reason_steers_no_terminal(run, tmp_path):
    title, url = "The \x1b[31mgreat\nflood", "https://news.example/a\x9b2J"
    text = "The flood took the bridge in one night.\n\nThe flood took the river."
    wire = tmp_path / "wire\x1b[2J.jsonl"
    lines = [{"title": title, "url": url, "text": text}, {"text": "x", "date": "2024"}, {"text": 1}]
    wire.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    added = run("library", "add", str(wire))
    listed = run("library", "list")
    told = run("ask", "--reader", "fused", "-l", "default", "-k", "3", "What did the flood do to the bridge?")
    assert "The [31mgreat flood  (https://news.example/a2J)" in listed.out
    assert "  In: The [31mgreat flood (https://news.example/a2J)\n" in told.out
    assert "(The [31mgreat flood; relevance" in told.out
    assert "wire[2J.jsonl:3: " in added.err
    said = added.out + added.err + listed.out + told.out
    assert [one for one in said if one != "\n" and unicodedata.category(one) == "Cc"] == []


def test_a_changed_file_is_taken_in_anew_and_a_removed_one_is_not_found(ask, run, stories):
    path = stories / "2024-05-17-flood.txt"
    path.write_text(FLOOD.replace("Monday", "Tuesday"), encoding="utf-8")
    assert run("library", "add", str(stories)).out.startswith("0 added, 1 changed, 1 unchanged, 0 left out; 1 of 3 ")
    assert ask("When did the river rise?").out.startswith("The river rose on Tuesday.\n")
    assert run("library", "remove", str(path)).err == "1 removed, and 2 sentences that stood nowhere else.\n"
    assert "The river" not in ask("When did the river rise?", "-k", "9").out
    assert run("library", "check").out == "All is well.\n"


def test_of_a_folder_half_of_which_changed_only_the_changed_sentences_are_embedded_and_the_answers_follow(
    run, tmp_path, encoder, monkeypatch
):
    """12 stories of 3 sentences, one of them in all: 25 texts. 6 change one sentence of theirs: 6 texts."""
    counting = CountingEncoder()
    monkeypatch.setattr(qa.answer, "_shared_encoder", lambda model, *, cache: counting)
    folder = tmp_path / "twelve"
    folder.mkdir()
    rivers = "Avon Boyne Clyde Danube Elbe Forth Ganges Humber Indus Jordan Kent Loire".split()
    for river in rivers:
        text = f"The {river} rose on Monday. The mayor of {river} wept.\n\nThe flood took the bridge.\n"
        (folder / f"{river}.txt").write_text(text, encoding="utf-8")
    run("library", "add", str(folder))
    assert len(counting.seen) == 25

    counting.seen.clear()
    assert run("library", "add", str(folder)).out.startswith("0 added, 0 changed, 12 unchanged")
    assert counting.seen == []

    for river in rivers[::2]:
        path = folder / f"{river}.txt"
        path.write_text(path.read_text(encoding="utf-8").replace("on Monday", "at dawn on Friday"), encoding="utf-8")
    again = run("library", "add", str(folder))
    assert again.out.startswith("0 added, 6 changed, 6 unchanged, 0 left out; 6 of 18 sentences embedded.")
    assert sorted(counting.seen) == [f"The {river} rose at dawn on Friday." for river in rivers[::2]]

    def best(question: str) -> str:
        ran = run("ask", "--reader", "fused", "-l", "default", "--json", question)
        return str(json.loads(ran.out)["candidates"][0]["text"])

    assert best("The Elbe rose when?") == "The Elbe rose at dawn on Friday."
    assert best("The Forth rose when?") == "The Forth rose on Monday."
    assert run("library", "check").out == "All is well.\n"


def test_an_answer_names_its_article_and_every_place_of_the_sentence(ask, stories):
    ran = ask("What did the flood do to the bridge?")
    assert ran.status == 0
    lines = ran.out.splitlines()
    assert lines[0] == "The flood took the bridge in one night."
    named = {line.split(": ", 1)[1] for line in lines if line.startswith(("  In: ", "  Also in: "))}
    assert named == {
        f"The great flood ({stories / '2024-05-17-flood.txt'}, 2024-05-17)",
        f"The mayor ({stories / 'deeper' / 'mayor.txt'})",
    }


def test_a_sentence_that_stands_twice_in_an_article_names_each_article_once(run, tmp_path):
    folder = tmp_path / "twice"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.txt").write_text(f"Story {name}\n\nThe flood came.\n\nThe flood came.\n", encoding="utf-8")
    run("library", "add", str(folder / "a.txt"))
    asked = ("ask", "--reader", "fused", "-l", "default", "The flood came?")
    assert [line.split(" (")[0] for line in run(*asked).out.splitlines()[2:]] == ["  In: Story a"]
    run("library", "add", str(folder / "b.txt"))
    assert [line.split(" (")[0] for line in run(*asked).out.splitlines()[2:]] == ["  In: Story a", "  Also in: Story b"]
    places = json.loads(run(*asked, "--json").out)["places"]
    assert [(place["title"], place["number"]) for place in places] == [("Story a", 1), ("Story b", 1)]


def test_the_offsets_of_an_answer_are_those_of_the_article_it_names(ask):
    told = json.loads(ask("Who said the town would rebuild?", "--json").out)
    assert told["article"]["title"] == told["places"][0]["title"] == "The mayor"
    for passage in (told["sentence"], told["candidates"][0]):
        assert MAYOR[passage["start"] : passage["end"]] == passage["text"]
    assert told["places"][0]["start"] == told["sentence"]["start"]
    assert {Path(one["article"]).name for one in told["candidates"]} == {"2024-05-17-flood.txt", "mayor.txt"}


def test_only_asks_the_articles_that_meet_it(ask):
    told = json.loads(ask("What did the flood do to the bridge?", "--only", "source:deeper", "--json").out)
    assert [Path(place["source"]).name for place in told["places"]] == ["mayor.txt"]
    ran = ask("What did the flood do?", "--only", "date:1999")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err == "article-qa: No article of the library meets --only date:1999.\n"
    assert "is no date" in ask("What?", "--only", "date:May").err
    assert ask("What?", "--only", "date:2024-13").err == (
        "article-qa: --only date:2024-13: '2024-13' is no date. Write 2024, 2024-05 or 2024-05-17.\n"
    )


def test_what_no_article_mentions_is_said_of_the_library(ask):
    ran = ask("Who painted the ceiling?")
    assert ran.status == 3
    assert "no article mentions “painted”, “ceiling”" in ran.out


def test_chat_and_batch_ask_a_library_too(ask, run, tmp_path):
    ran = run("chat", "--reader", "fused", "-l", "default", stdin="When did the river rise?\n/quit\n")
    assert "default: 2 articles, 5 sentences." in ran.err
    assert ran.out.startswith("The river rose on Monday.\n")
    questions = tmp_path / "q.jsonl"
    questions.write_text(
        '{"id": 1, "question": "Who said the town would rebuild?"}\n{"id": 2, "question": "Who?", "article": "a.txt"}\n'
    )
    ran = run("batch", str(questions), "--reader", "fused", "-l", "default")
    one, two = map(json.loads, ran.out.splitlines())
    assert one["places"][0]["title"] == "The mayor"
    assert "no article can be named" in two["error"]


def test_a_batch_is_not_gone_on_with_in_another_library_nor_in_other_articles_of_it(ask, run, stories, tmp_path):
    run("library", "add", str(stories), "-l", "copy")
    questions, path = tmp_path / "q.jsonl", tmp_path / "a.jsonl"
    questions.write_text('{"id": 1, "question": "Who said it?"}\n{"id": 2, "question": "When did the river rise?"}\n')
    begun = ["batch", str(questions), "-o", str(path), "--reader", "fused", "-l"]
    only = ["--only", "source:mayor", "--only", "date:2024"]
    home = tmp_path / "libraries"
    for first, then, told in (
        (["default"], ["copy"], f"--library {home / 'default'} and would go on with --library {home / 'copy'}"),
        (["default"], ["default", *only[:2]], "no --only and would go on with --only source:mayor"),
        (["default", *only[:2]], ["default"], "--only source:mayor and would go on with no --only"),
    ):
        assert run(*begun, *first).status == 0
        before = path.read_bytes().splitlines(keepends=True)[0]
        path.write_bytes(before)
        ran = run(*begun, *then, "--resume")
        assert (ran.status, ran.err.count("\n")) == (1, 1)
        assert ran.err.startswith(f"article-qa: {path} was begun with {told}: ")
        assert path.read_bytes() == before
        assert "2 lines, 1 of them by an earlier run" in run(*begun, *first, "--resume").err


def test_a_batch_knows_its_library_and_its_conditions_however_they_are_written(ask, run, tmp_path):
    questions, path = tmp_path / "q.jsonl", tmp_path / "a.jsonl"
    questions.write_text('{"id": 1, "question": "Who said it?"}\n')
    begun = ["batch", str(questions), "-o", str(path), "--reader", "fused"]
    run(*begun, "-l", "default", "--only", "source:a", "--only", "source:mayor")
    again = [*begun, "-l", str(tmp_path / "libraries" / "default"), "--only", "source:mayor", "--only", "source:a"]
    assert run(*again, "--resume").status == 0


def test_an_article_beside_a_library_is_one_line_and_the_answers_stay(ask, run, stories, tmp_path):
    questions, path = tmp_path / "q.jsonl", tmp_path / "a.jsonl"
    questions.write_text('{"id": 1, "question": "Who?"}\n')
    path.write_text("mine")
    ran = run("batch", str(questions), "-o", str(path), "-l", "default", "-a", str(stories / "deeper" / "mayor.txt"))
    assert (ran.status, ran.err.count("\n")) == (1, 1)
    assert "no article can be named" in ran.err
    assert path.read_text() == "mine"


def test_options_that_do_not_go_together_are_refused(ask, run, stories):
    assert "--library" in run("ask", "x", "--only", "date:2024").err
    assert "no article can be named" in ask("x", "--article", str(stories / "mayor.txt")).err
    assert "no library is there" in run("ask", "x", "-l", "none").err


def test_serving_a_library_refuses_what_does_not_go_together_before_a_page_is_made(ask, run, stories):
    assert "no library is there" in run("serve", "-l", "none", "--no-open").err
    assert "it belongs to --library" in run("serve", "--only", "date:2024", "--no-open").err
    assert "no article can be named" in run("serve", "-l", "default", "--article", str(stories / "deeper")).err
    assert "is no date" in run("serve", "-l", "default", "--only", "date:soon").err


def test_check_finds_damage_and_repair_mends_it(ask, run, tmp_path):
    folder = tmp_path / "libraries" / "default"
    with (folder / "vectors.f16").open("r+b") as file:
        file.seek(3)
        file.write(b"\x7f")
    (folder / "lengths.u16").unlink()
    ran = run("library", "check")
    assert ran.status == 1
    assert ran.out.splitlines()[:2] == [
        "vectors: 1 of 5 are missing or are not what was written (repair mends this)",
        "lengths: lengths.u16 is not what was written (repair mends this)",
    ]
    assert "library repair" in ask("When did the river rise?").err
    assert run("library", "repair").out == "All is well.\n"
    assert ask("When did the river rise?").out.startswith("The river rose on Monday.")


def test_stats_say_how_it_is_searched(ask, run):
    lines = run("library", "stats").out.splitlines()
    assert lines[0].endswith("default: 2 articles, 2024-05-17 to 2024-05-17")
    assert lines[1] == "5 sentences in 6 places, 0 rows of removed ones"
    assert "searched exactly: every sentence is compared" in lines


def test_asking_one_article_does_not_import_the_library(tmp_path):
    code = "import sys, qa.__main__, qa.answer, qa.batch, qa.trained_reader; print('library' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ))
    assert ran.stdout.strip() == "False"
