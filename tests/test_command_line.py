"""qa/__main__.py: what is printed where, and the exit status; the toy encoder stands where the real one is opened."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Ran

import index.embeddings
import qa.answer
from qa.__main__ import main

pytestmark = pytest.mark.usefixtures("_toy")
FULL = Path("/dev/full")


@pytest.fixture
def _toy(monkeypatch, tmp_path, encoder):
    """No model is loaded and no cache of the user's is touched."""
    monkeypatch.setattr(qa.answer, "_shared_encoder", lambda model, *, cache: encoder)
    monkeypatch.setenv("ARTICLE_QA_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.fixture
def article(tmp_path, small_article) -> str:
    path = tmp_path / "flood.txt"
    path.write_text(small_article.text, encoding="utf-8")
    return str(path)


@pytest.fixture
def ask(run, article) -> Callable[..., Ran]:
    return lambda *arguments: run("ask", "--reader", "fused", "--article", article, *arguments)


def test_an_answer_is_printed_with_its_place_and_its_confidence_and_the_status_is_0(ask):
    ran = ask("When did the river rise?")
    assert ran.status == 0
    assert ran.out.startswith("The river rose on Monday.\n  paragraph 2, sentence 1; ")
    assert ran.err == ""


def test_the_question_needs_no_quotation_marks(ask):
    assert ask("When", "did", "the", "river", "rise?").out == ask("When did the river rise?").out


def test_what_the_article_does_not_say_has_the_status_3_the_nearest_miss_and_the_words_it_lacks(ask):
    ran = ask("Who painted the ceiling?")
    assert ran.status == 3
    assert ran.out.startswith("The article does not say.\n")
    assert "never mentions “painted”, “ceiling”" in ran.out
    assert "Nearest miss (paragraph" in ran.out


def test_k_shows_what_came_next(ask):
    assert "Next best:" not in ask("river").out
    assert [line[:5] for line in ask("river bridge", "-k", "3").out.splitlines()[-2:]] == ["  2. ", "  3. "]


def test_json_is_one_line_with_the_whole_answer(ask, small_article):
    answer = json.loads(ask("When did the river rise?", "--json").out)
    assert answer["answered"]
    assert small_article.text[answer["sentence"]["start"] : answer["sentence"]["end"]] == answer["sentence"]["text"]
    assert answer["article"]["fingerprint"] == small_article.fingerprint
    assert len(answer["candidates"]) == answer["article"]["sentences"]


def test_min_confidence_decides(ask):
    assert [ask("bridge", "--min-confidence", least).status for least in ("0", "1")] == [0, 3]


@pytest.mark.parametrize("question", ["", "???", "x" * 100_000])
def test_what_cannot_be_asked_is_one_line_on_standard_error_and_the_status_1(ask, question):
    ran = ask(question)
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith("article-qa: The question ")
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--article", "missing.txt"], ["--reader", "best"], ["--article", "."]])
def test_what_the_user_can_mend_is_one_line_on_standard_error_and_the_status_1(run, arguments):
    ran = run("ask", "--reader", "fused", *arguments, "river?")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith("article-qa: ")
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["ask"],
        ["ask", "--no-such-option", "river?"],
        ["ask", "--min-confidence", "2", "river?"],
        ["ask", "--cache", "x", "--no-cache", "river?"],
        ["ask", "-k", "0", "river?"],
        ["no-such-command"],
        ["chat", "--article", "-"],
        ["batch", "q.jsonl", "--resume"],
        ["batch", "q.jsonl", "--resume", "-o", "-"],
        ["batch", "-", "--article", "-"],
        ["batch", "q.jsonl", "--only", "source:a"],
        ["batch", "q.jsonl", "--ray", "auto"],
        ["batch", "q.jsonl", "--cache", "x", "--no-cache"],
    ],
)
def test_wrong_usage_has_the_status_2(run, arguments):
    assert run(*arguments).status == 2


def test_the_article_may_come_from_standard_input(run, small_article):
    ran = run("ask", "--reader", "fused", "--article", "-", "When did the river rise?", stdin=small_article.text)
    assert (ran.status, ran.out.splitlines()[0]) == (0, "The river rose on Monday.")


def test_the_second_question_finds_the_index_in_the_cache(ask, run):
    ask("river?")
    assert "1 kept in" in run("cache", "list").err
    listed = json.loads(run("cache", "list", "--json").out)["indexes"]
    assert [one["sentences"] for one in listed] == [6]
    ask("bridge?")
    assert "1 kept in" in run("cache", "list").err


def test_no_cache_keeps_nothing(ask, run):
    ask("river?", "--no-cache")
    assert "0 kept in" in run("cache", "list").err


def test_index_says_whether_it_was_kept_and_has_the_status_1_where_it_could_not_be(
    run, article, tmp_path, monkeypatch, encoder
):
    monkeypatch.setattr(index.embeddings, "open_encoder", lambda model, *, cache: encoder)
    (tmp_path / "file").write_text("not a folder")
    refused = ("index", "--article", article, "--cache", str(tmp_path / "file" / "cache"))
    ran = run(*refused)
    assert (ran.status, ran.out) == (1, "The great flood: 6 sentences, 7 dimensions, toy-words; not kept\n")
    ran = run(*refused, "--json")
    assert (ran.status, json.loads(ran.out)["kept"]) == (1, None)

    ran = run("index", "--article", article)
    assert (ran.status, ran.out.rpartition("; ")[2]) == (0, f"kept in {tmp_path / 'cache'}\n")
    assert json.loads(run("index", "--article", article, "--json").out)["kept"] == str(tmp_path / "cache")
    ran = run("index", "--article", article, "--no-cache")  # a trial: as it was wanted
    assert (ran.status, ran.out.rpartition("; ")[2]) == (0, "not kept\n")


def test_a_title_or_a_file_name_steers_no_terminal(run, tmp_path, small_article, monkeypatch, encoder):
    monkeypatch.setattr(index.embeddings, "open_encoder", lambda model, *, cache: encoder)
    path = tmp_path / "a  b\x1b[2J.txt"
    path.write_text(f"\x1b[31mThe great flood\n\n{small_article.text}", encoding="utf-8")
    said = [
        run("index", "--article", str(path)).out,
        run("cache", "list").out,
        run("chat", "--reader", "fused", "--article", str(path), stdin="/quit\n").err,
    ]
    assert [one for one in said if "The great flood" not in one] == []
    assert f"({tmp_path}/a  b[2J.txt)" in said[1]
    path.write_bytes(b"\0")
    said.append(run("index", "--article", str(path)).err)
    assert "/a  b[2J.txt: " in said[3]
    assert [one for one in "".join(said) if one != "\n" and unicodedata.category(one) == "Cc"] == []


def test_clearing_the_cache_leaves_what_is_not_ours(ask, run, tmp_path):
    ask("river?")
    (tmp_path / "cache" / "holiday.txt").write_text("mine", encoding="utf-8")
    assert "freed" in run("cache", "clear").err
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["holiday.txt"]


def test_chat_understands_a_follow_up_and_forgets_when_told(run, article):
    typed = "What did Mayor Jane Carter say?\nWill she rebuild it?\n\n/new\nWill she rebuild it?\n/quit\nriver?\n"
    ran = run("chat", "--reader", "fused", "--article", article, "--json", "--min-confidence", "0", stdin=typed)
    assert ran.status == 0
    understood = [json.loads(line)["understood"] for line in ran.out.splitlines()]
    assert understood[1:] == ["Will Mayor Jane Carter rebuild it?", "Will she rebuild it?"]


def test_what_was_typed_in_another_encoding_is_asked_all_the_same(article, monkeypatch, capsys):
    arguments = ["article-qa", "chat", "--reader", "fused", "--article", article, "--json"]
    monkeypatch.setattr(sys, "argv", arguments)
    typed = io.BytesIO("When did the river rise in the café?\n".encode("latin-1"))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(typed, encoding="utf-8"))
    with pytest.raises(SystemExit) as left:
        main()
    assert not left.value.code
    assert json.loads(capsys.readouterr().out)["candidates"][0]["text"] == "The river rose on Monday."


def test_chat_ends_with_its_input(run, article):
    assert run("chat", "--reader", "fused", "--article", article, stdin="river?").status == 0


def test_batch_writes_every_line_and_says_how_many_have_an_error(run, article, tmp_path):
    lines = [
        '{"id": 1, "question": "When did the river rise?"}',
        "{",
        '{"id": 3, "question": "bridge?", "article": "no.txt"}',
    ]
    (tmp_path / "q.jsonl").write_text("\n".join(lines), encoding="utf-8")
    arguments = ["batch", str(tmp_path / "q.jsonl"), "--reader", "fused", "--article", article]
    ran = run(*arguments, "-o", str(tmp_path / "a.jsonl"))
    assert (ran.status, ran.out) == (0, "")
    assert ran.err == '3 lines: 1 answered, 2 with an error: see "error" in their lines.\n'
    written = (tmp_path / "a.jsonl").read_text(encoding="utf-8")
    assert [json.loads(line)["id"] for line in written.splitlines()] == [1, None, 3]
    again = run(*arguments, "-o", str(tmp_path / "a.jsonl"), "--resume")
    assert again.err.startswith("3 lines, 3 of them by an earlier run: 1 answered")
    assert (tmp_path / "a.jsonl").read_text(encoding="utf-8") == written


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (["--min-confidence", "0.5"], "no --min-confidence and would go on with --min-confidence 0.5"),
        (["--reader", "trained"], "--reader fused and would go on with --reader trained"),
        (["--model", "other"], "no --model and would go on with --model other"),
        (["-k", "20"], "-k 10 and would go on with -k 20"),
    ],
)
def test_a_batch_goes_on_with_the_options_it_was_begun_with_or_not_at_all(run, article, tmp_path, changed, told):
    (tmp_path / "q.jsonl").write_text('{"id": 1, "question": "river?"}\n{"id": 2, "question": "bridge?"}\n')
    path = tmp_path / "a.jsonl"
    arguments = ["batch", str(tmp_path / "q.jsonl"), "-o", str(path), "--article", article, "--reader", "fused"]
    assert run(*arguments).err == "2 lines: 1 answered.\n"
    before = path.read_bytes().splitlines(keepends=True)[0]
    path.write_bytes(before)
    ran = run(*arguments, *changed, "--resume")
    assert (ran.status, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert ran.err.startswith(f"article-qa: {path} was begun with {told}: ")
    assert path.read_bytes() == before
    assert run(*arguments, "-k", "3", "--resume").err == "2 lines, 1 of them by an earlier run: 1 answered.\n"


@pytest.mark.parametrize(
    ("options", "told"),
    [(["--reader", "oracle"], "no reader is called 'oracle'"), (["--library", "nowhere"], "no library is there")],
)
def test_a_mistyped_option_of_a_batch_is_told_once_and_not_in_every_line(run, tmp_path, options, told):
    (tmp_path / "q.jsonl").write_text('{"id": 1, "question": "When did it rise?"}\n', encoding="utf-8")
    ran = run("batch", str(tmp_path / "q.jsonl"), "-o", str(tmp_path / "a.jsonl"), *options)
    assert (ran.status, ran.out) == (1, "")
    assert told in ran.err
    assert not (tmp_path / "a.jsonl").exists()


def test_an_interrupted_batch_says_how_to_go_on(run, article, tmp_path, monkeypatch):
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    (tmp_path / "q.jsonl").write_text('{"id": 1, "question": "river?"}', encoding="utf-8")
    monkeypatch.setattr("qa.__main__._open", interrupted)
    ran = run("batch", str(tmp_path / "q.jsonl"), "-o", str(tmp_path / "a.jsonl"), "--article", article)
    assert ran.status in (1, 130)  # typer before 0.17 says 1
    assert ran.err.startswith("Interrupted. The same command with --resume goes on from here.\n")


def test_an_interruption_has_the_status_130_and_no_traceback(run, article, monkeypatch):
    class Interrupted(io.StringIO):
        def readline(self, size: int = -1) -> str:
            raise KeyboardInterrupt

    monkeypatch.setattr("qa.__main__._typed_lines", lambda: iter(Interrupted().readline, ""))
    ran = run("chat", "--reader", "fused", "--article", article)
    assert ran.status in (1, 130)  # typer before 0.17 says 1
    assert "Traceback" not in ran.err


@pytest.mark.skipif(os.name == "nt", reason="a pipe that is closed early is another error on Windows")
def test_a_reader_that_goes_away_is_no_error_to_report():
    """As in `article-qa --help | true`."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        ran = subprocess.run(
            [sys.executable, "-m", "qa", "--help"], stdout=write_end, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(write_end)
    assert ran.stderr == ""


def test_answers_are_not_written_over_the_article(run, article, tmp_path, small_article):
    (tmp_path / "q.jsonl").write_text('{"id": 1, "question": "river?"}', encoding="utf-8")
    ran = run("batch", str(tmp_path / "q.jsonl"), "--article", article, "-o", article)
    assert ran.status == 1
    assert ran.err == f"article-qa: {article} is read by this command and would be overwritten. Name another file.\n"
    assert (tmp_path / "flood.txt").read_text(encoding="utf-8") == small_article.text


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the output: No space left on device. "),
        (PermissionError(errno.EACCES, "Permission denied", "kept/a.json"), "kept/a.json: Permission denied. "),
        (OSError("several\nlines"), "the output: several lines. "),
    ],
)
def test_what_the_system_refuses_is_one_line_on_standard_error_and_the_status_1(run, monkeypatch, error, told):
    def refused(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("qa.__main__._open", refused)
    ran = run("ask", "river?")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err == f"article-qa: {told}See that it can be read or written, and has room.\n"


@pytest.mark.skipif(not FULL.exists(), reason="there is no device that is always full")
@pytest.mark.parametrize("arguments", [["--help"], ["questions", "coverage", "--json"]])
def test_a_full_disk_under_standard_output_is_told_in_one_line(arguments):
    """The first is refused while it is printed, the second, if it is short, when the program leaves."""
    with FULL.open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "qa", *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert ran.returncode == 1
    assert ran.stderr == (
        "article-qa: the output: No space left on device. See that it can be read or written, and has room.\n"
    )


@pytest.mark.model
def test_a_question_about_an_article_asked_before_is_answered_without_torch(tmp_path):
    code = (
        "import sys\nfrom qa.__main__ import main\n"
        "sys.argv = ['article-qa', 'ask', '--min-confidence', '0', 'What happened to the former husband?']\n"
        "try:\n    main()\nfinally:\n    print('torch' in sys.modules, file=sys.stderr)"
    )
    environment = {**os.environ, "ARTICLE_QA_CACHE": str(tmp_path)}
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
        for _ in range(2)
    ]
    assert runs[0].stdout == runs[1].stdout != ""
    assert runs[1].stderr.splitlines()[-1] == "False"
