"""Tests of qa/evaluation_commands.py: what is typed, what is printed where, and the exit status."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

import qa.answer
from index.article import Article, builtin_article
from index.errors import UserError
from qa import evaluation_commands
from qa.answer import Answerer
from qa.evaluation_commands import mount, own_questions
from qa.options import article_of
from qa.run import FORMAT, BadRun, read_run, replace_text, run_questions
from qa.sweep import folder_name

LINES = [
    {"id": "a", "question": "When did the river rise?", "evidence": ["The river rose on Monday."], "kind": "direct"},
    {
        "id": "b",
        "question": "What took the bridge?",
        "evidence": ["The flood took the bridge"],
        "answers": ["The flood"],
    },
    {"id": "c", "question": "Who painted the ceiling?", "evidence": [], "kind": "unanswerable"},
]


@pytest.fixture
def folder(small_article: Article, tmp_path: Path) -> Path:
    (tmp_path / "article.txt").write_text(small_article.text, encoding="utf-8")
    (tmp_path / "q.jsonl").write_text("".join(json.dumps(line) + "\n" for line in LINES), encoding="utf-8")
    return tmp_path


@pytest.fixture
def type_in(open_toy, monkeypatch, folder: Path):
    """Type a command line in the folder of the files; articles are opened with the toy encoder."""

    def open_answerer(
        article: Article, *, model=None, reader="fused", cache=None, min_confidence=None, dense_weight=None,
        window_pieces=None, most_pieces=None,
    ) -> Answerer:  # fmt: skip
        made = open_toy(article)
        parts = (made.article_index, made.encoder, made.reader, made.calibration)
        return Answerer(*parts, min_confidence=min_confidence, dense_weight=dense_weight)

    monkeypatch.setattr(qa.answer, "open_answerer", open_answerer)
    monkeypatch.chdir(folder)
    cli = typer.Typer()
    mount(cli)

    def typed(*words: str, answers: str = "") -> Result:
        return CliRunner().invoke(cli, list(words), input=answers, catch_exceptions=True)

    return typed


EVAL = ("eval", "q.jsonl", "--article", "article.txt")
NOWHERE = Path("/proc/article-qa")  # where nobody can make a folder, root neither


def told(done: Result) -> str:
    """What went wrong, without the frame and the line breaks that typer may put around it."""
    return " ".join(f"{done.stderr} {done.exception}".replace("│", " ").split())


def test_eval_prints_the_table_by_kind_and_in_all(type_in):
    done = type_in(*EVAL)
    assert done.exit_code == 0, done.output
    for words in ("P@1", "95 % interval", "unanswerable", "Ranking after each stage", "handled rightly"):
        assert words in done.stdout


def test_eval_json_is_all_there_is_on_standard_output(type_in):
    told = json.loads(type_in(*EVAL, "--json").stdout)
    assert told["figures"]["questions"] == 3
    assert told["figures"]["all"]["P@1"]["n"] == 2


def test_check_says_all_is_well_or_points_at_the_line(type_in, folder):
    assert type_in(*EVAL, "--check").exit_code == 0
    with (folder / "q.jsonl").open("a") as file:
        file.write('{"id": "a"}\n')
    done = type_in(*EVAL, "--check")
    assert done.exit_code == 1
    assert done.stdout.startswith("q.jsonl:4: ")


def test_a_recorded_run_is_reported_again_without_asking(type_in, folder, monkeypatch):
    assert type_in(*EVAL, "--run", "one", "-o", "one.html").exit_code == 0
    assert "<h1>one: 3 questions on 1 article" in (folder / "one.html").read_text(encoding="utf-8")
    monkeypatch.setattr(qa.answer, "open_answerer", None)
    done = type_in("report", "one", "-o", "r.md", "-o", "r.xml", "-o", "r.csv", "-o", "r.json")
    assert done.exit_code == 0, done.output
    summary = json.loads((folder / "one" / "summary.json").read_text(encoding="utf-8"))
    assert json.loads((folder / "r.json").read_text(encoding="utf-8"))["figures"] == summary["figures"]


def test_a_run_is_not_written_over_but_resumed(type_in):
    assert type_in(*EVAL, "--run", "one").exit_code == 0
    assert "already holds a run" in str(type_in(*EVAL, "--run", "one").exception)
    assert type_in(*EVAL, "--run", "one", "--resume").exit_code == 0


def test_the_gate_exits_100_when_worse_and_0_when_the_same(type_in, folder):
    """Twelve questions right, then none: p = 2 / 2**12."""
    lines = [LINES[0] | {"id": f"q{n}"} for n in range(12)]
    (folder / "q.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert type_in(*EVAL, "--run", "good").exit_code == 0
    gate = ("--baseline", "good", "--fail-if", "worse")
    assert type_in(*EVAL, *gate, "--seed", "7").exit_code == 0
    worse = type_in(*EVAL, *gate, "--min-confidence", "1")
    assert worse.exit_code == 100
    assert "Gate: Right is worse than the baseline: 100.0 -> 0.0 (p < 0.001)." in worse.stderr
    assert type_in(*EVAL, "--baseline", "good", "--min-confidence", "1").exit_code == 0


def test_a_floor_exits_100_and_an_unknown_measure_is_wrong_usage(type_in):
    assert type_in(*EVAL, "--floor", "p@1=10").exit_code == 0
    assert type_in(*EVAL, "--floor", "right=100", "--min-confidence", "1").exit_code == 100
    assert type_in(*EVAL, "--floor", "beauty=10").exit_code == 2
    assert type_in(*EVAL, "--floor", "right=much").exit_code == 2


@pytest.mark.parametrize("percent", ["nan", "inf", "-inf", "300", "-1", "100.5"])
def test_a_floor_that_always_or_never_holds_is_wrong_usage(type_in, percent):
    done = type_in(*EVAL, "--floor", f"right={percent}")
    assert done.exit_code == 2
    assert f"wanted a percentage from 0 to 100, not '{percent}'" in told(done)


@pytest.mark.parametrize("floor", ["right", "=70", "right="])
def test_a_floor_without_its_measure_or_its_percentage_says_what_was_wanted(type_in, floor):
    done = type_in(*EVAL, "--floor", floor)
    assert done.exit_code == 2
    assert f"wanted MEASURE=PERCENT, for example P@1=70, not '{floor}'" in told(done)


def test_a_run_by_shared_words_alone_says_so_and_ranks_by_them(type_in, folder):
    assert type_in(*EVAL, "--run", "words", "--dense-weight", "0").exit_code == 0
    run = read_run(folder / "words")
    assert run.settings["dense_weight"] == 0
    assert run.info["models"]["dense_weight"] == 0
    assert all(c.fused == c.bm25 for outcome in run.outcomes for c in outcome.candidates)
    assert "was run with another dense_weight" in str(type_in(*EVAL, "--run", "words", "--resume").exception)
    assert type_in(*EVAL, "--dense-weight", "1.5").exit_code == 2


@pytest.mark.parametrize(
    "words",
    [
        ("--paragraph",), ("--resume",), ("--fail-if", "worse"), ("--gate", "right"), ("--squad", "x.json"),
        ("--fail-if", "ugly", "--baseline", "x"),
    ],
)  # fmt: skip
def test_options_that_do_not_fit_together_are_wrong_usage(type_in, words):
    assert type_in(*EVAL, *words).exit_code == 2


def test_an_error_in_a_question_is_reported_and_exits_1(type_in, monkeypatch, folder):
    (folder / "other.txt").write_text("Another article. It is short.")
    with (folder / "q.jsonl").open("a") as file:
        file.write(
            json.dumps({"id": "d", "question": "Short?", "evidence": ["It is short."], "article": "other.txt"}) + "\n"
        )
    toy = qa.answer.open_answerer

    def breaks(article: Article, **options: object) -> Answerer:
        if "Another" in article.text:
            raise OSError("the disk is gone")
        return toy(article, **options)

    monkeypatch.setattr(qa.answer, "open_answerer", breaks)
    done = type_in(*EVAL)
    assert done.exit_code == 1
    assert "1 of 4 questions ended in an error; the first, d: OSError: the disk is gone" in done.stderr
    assert "1 question ended in an error; no figure includes it." in " ".join(done.stdout.split())


def test_compare_says_the_sentence_and_writes_files(type_in, folder):
    type_in(*EVAL, "--run", "one")
    type_in(*EVAL, "--run", "two", "--min-confidence", "1")
    done = type_in("compare", "one", "two", "-o", "c.html", "-o", "c.md", "-o", "c.json")
    assert done.exit_code == 0, done.output
    told = json.loads((folder / "c.json").read_text(encoding="utf-8"))
    assert told["sentence"] in done.stdout
    assert "Lost" in type_in("compare", "one", "two").stdout


def test_export_and_import_go_round(type_in, folder):
    type_in(*EVAL, "--run", "one")
    assert type_in("export", "one", "out").exit_code == 0
    assert type_in("questions", "import", "out/beir", "back").exit_code == 0
    done = type_in("questions", "check", "back/questions.jsonl", "--article", "article.txt", "--json")
    assert json.loads(done.stdout)["questions"] == 3


@pytest.mark.parametrize(("source", "questions"), [("squad.json", 2), ("beir", 3), ("trec", 2)])
def test_questions_go_out_and_come_in_again_in_every_format(type_in, source, questions):
    """SQuAD has no place for the question without a short answer, TREC none for the one without evidence."""
    done = type_in("questions", "export", "q.jsonl", "out", "--article", "article.txt")
    assert done.exit_code == 0, done.output
    assert "no place for evidence without a short answer: 1." in done.stderr
    assert type_in("questions", "import", f"out/{source}", "back", "--paragraph").exit_code == 0
    told = json.loads(type_in("eval", "back/questions.jsonl", "--article", "article.txt", "--json").stdout)
    assert told["figures"]["questions"] == questions


def test_only_one_format_goes_out_where_one_is_named(type_in, folder):
    assert type_in("questions", "export", "q.jsonl", "out", "--article", "article.txt", "--as", "trec").exit_code == 0
    assert [path.name for path in (folder / "out").iterdir()] == ["trec"]
    assert type_in("questions", "export", "q.jsonl", "out", "--as", "csv").exit_code == 2


def test_another_tools_ranking_is_reported_and_compared(type_in):
    assert type_in(*EVAL, "--run", "ours").exit_code == 0
    assert type_in("export", "ours", "out", "--as", "trec").exit_code == 0
    words = ("q.jsonl", "--article", "article.txt")
    done = type_in("import", "out/trec/bm25.trec", "theirs", *words)
    assert done.exit_code == 0, done.output
    assert type_in("report", "theirs").exit_code == 0
    assert type_in("compare", "ours", "theirs").exit_code == 0
    assert "is not empty" in str(type_in("import", "out/trec/bm25.trec", "theirs", *words).exception)


def test_coverage_lists_what_nobody_asks_about(type_in):
    done = type_in("questions", "coverage", "q.jsonl", "--article", "article.txt")
    assert "): Mayor Jane Carter said the town would rebuild it.\n" in done.stdout
    assert "The river rose" not in done.stdout


def test_review_asks_about_each_draft_and_mends_it(type_in, folder, small_article):
    draft = LINES[0] | {"id": "new", "draft": True, "origin": "the app"}
    (folder / "d.jsonl").write_text(json.dumps(draft) + "\n")
    # m: mend, then answers, id, question, kind as they are or new, then a: accept
    typed = "\n".join(["x", "m", "Monday", "better", "What day was it?", "", "a", ""])
    done = type_in("questions", "review", "d.jsonl", "--into", "q.jsonl", "--article", "article.txt", answers=typed)
    assert done.exit_code == 0, done.output
    last = json.loads((folder / "q.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert last == {
        "id": "better", "question": "What day was it?", "evidence": ["The river rose on Monday."], "kind": "direct",
        "answers": ["Monday"],
    }  # fmt: skip
    assert (folder / "d.jsonl").read_text() == ""


def test_sweep_prints_one_table_sorted_by_the_measure(type_in, folder):
    (folder / "s.toml").write_text(
        'questions = "q.jsonl"\narticle = "article.txt"\n[settings]\nmin_confidence = [1.0, 0.1]'
    )
    done = type_in("sweep", "s.toml", "-o", "s.html")
    assert done.exit_code == 0, done.output
    assert done.stdout.index("min_confidence 0.1") < done.stdout.index("min_confidence 1.0")
    assert "<svg" in (folder / "s.html").read_text(encoding="utf-8")
    assert read_run(folder / "runs" / "sweep" / folder_name({"min_confidence": 0.1})).outcomes
    assert "2 run before" in type_in("sweep", "s.toml").stderr


def test_a_sweep_may_ask_a_part_of_the_questions(type_in, folder):
    (folder / "s.toml").write_text('questions = "q.jsonl"\narticle = "article.txt"\nlimit = 2\n[settings]')
    done = type_in("sweep", "s.toml", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["runs"][0]["right"]["n"] == 2


def test_squad_files_are_asked_and_say_what_was_left_out(type_in, folder, question_set, open_toy, small_article):
    from qa.exchange import export_run

    export_run(run_questions(question_set, open_toy), folder / "out")
    done = type_in("eval", "--squad", "out/squad.json")
    assert done.exit_code == 0, done.output
    assert "2 questions left out: unanswerable only in their own paragraph." in done.stdout
    told = json.loads(type_in("eval", "--squad", "out/squad.json", "--paragraph", "--json").stdout)
    assert told["figures"]["unanswerable"] == 2


def test_a_limit_asks_so_many_questions_spread_over_the_file(type_in, folder):
    lines = [LINES[0] | {"id": f"q{number}"} for number in range(10)]
    (folder / "q.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = type_in(*EVAL, "--limit", "4", "--run", "few")
    assert done.exit_code == 0, done.output
    assert [outcome.id for outcome in read_run(folder / "few").outcomes] == ["q0", "q2", "q5", "q7"]
    assert "6 questions left out: passed over by --limit." in " ".join(done.stdout.split())
    assert type_in(*EVAL, "--limit", "4", "--run", "few", "--resume").exit_code == 0
    assert "over other questions" in str(type_in(*EVAL, "--limit", "5", "--run", "few", "--resume").exception)
    assert json.loads(type_in(*EVAL, "--limit", "99", "--json").stdout)["figures"]["questions"] == 10
    assert type_in(*EVAL, "--limit", "0").exit_code == 2


def test_the_built_in_article_is_the_default():
    assert article_of(None) == builtin_article()


def test_installed_without_a_checkout_the_projects_own_questions_are_found_beside_it(tmp_path, monkeypatch):
    share, info = tmp_path / "share" / "article-qa", tmp_path / "lib" / "article_qa-0.0.dist-info"
    share.mkdir(parents=True)
    info.mkdir(parents=True)
    (share / "questions.jsonl").write_text("{}")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: article-qa\nVersion: 0.0\n")
    (info / "RECORD").write_text("../share/article-qa/questions.jsonl,,\n")
    monkeypatch.setattr(evaluation_commands, "OWN_QUESTIONS", tmp_path / "nowhere")
    monkeypatch.syspath_prepend(tmp_path / "lib")
    assert own_questions() == (share / "questions.jsonl").resolve()
    (share / "questions.jsonl").unlink()
    with pytest.raises(UserError, match=r"were not installed with it. Give one: article-qa eval QUESTIONS.jsonl"):
        own_questions()


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "words",
    [
        ("eval", "q.json", "-a", "article.txt", "-o", "q.json"),
        ("eval", "q.json", "-a", "article.txt", "-o", "./out/../q.json"),
        ("eval", "q.json", "-a", "article.txt", "-o", "link.json"),
        ("eval", "q.json", "-a", "art.md", "-o", "art.md"),
        ("eval", "--squad", "out/squad.json", "-o", "out/squad.json"),
        ("eval", "q.json", "-a", "article.txt", "--run", "new", "-o", "new/run.json"),
        ("eval", "q.json", "-a", "article.txt", "--baseline", "one", "-o", "one/run.json"),
        ("report", "one", "-o", "one/run.json"),
        ("compare", "one", "one", "-o", "one/run.json"),
        ("compare", "one", "one", "-o", "one/summary.json"),
        ("sweep", "s.toml", "-o", "art.html"),
    ],
)
def test_what_a_command_reads_is_not_written_over(type_in, folder, small_article, words):
    (folder / "art.md").write_text(small_article.text, encoding="utf-8")
    paragraphs = "".join(f"<p>{paragraph}</p>" for paragraph in small_article.text.split("\n\n"))
    (folder / "art.html").write_text(f"<html><body><article>{paragraphs}</article></body></html>", encoding="utf-8")
    (folder / "q.json").write_bytes((folder / "q.jsonl").read_bytes())
    (folder / "link.json").hardlink_to(folder / "q.json")
    (folder / "s.toml").write_text('questions = "q.jsonl"\narticle = "art.html"\n[settings]')
    assert type_in(*EVAL, "--run", "one").exit_code == 0
    assert type_in("export", "one", "out", "--as", "squad").exit_code == 0
    before = contents(folder)
    done = type_in(*words)
    assert f"{Path(words[-1])} is read by this command and would be overwritten. Name another file." in told(done)
    assert contents(folder) == before


def test_a_report_may_lie_in_the_folder_of_its_run_and_be_made_again(type_in):
    assert type_in(*EVAL, "--run", "one", "-o", "one/report.html").exit_code == 0
    assert type_in("report", "one", "-o", "one/report.html").exit_code == 0


@pytest.mark.parametrize(
    ("words", "there"),
    [
        (("questions", "import", "out/squad.json", "back"), "back/questions.jsonl"),
        (("questions", "export", "q.jsonl", "out", "--article", "article.txt"), "out/squad.json"),
        (("questions", "export", "q.jsonl", "out", "--article", "article.txt", "--as", "beir"), "out/beir"),
        (("questions", "export", "q.jsonl", "out", "--article", "article.txt", "--as", "trec"), "out/trec"),
        (("export", "one", "out", "--as", "squad"), "out/predictions.json"),
    ],
)
def test_what_was_imported_or_exported_is_not_written_over(type_in, folder, words, there):
    assert type_in(*EVAL, "--run", "one").exit_code == 0
    assert type_in("export", "one", "out").exit_code == 0
    assert type_in("questions", "import", "out/squad.json", "back").exit_code == 0
    before = contents(folder)
    assert f"{Path(there)} is there already; name another folder" in told(type_in(*words))
    assert contents(folder) == before


def test_a_second_format_may_be_exported_beside_the_first(type_in):
    for name in ("squad", "trec", "beir"):
        done = type_in("questions", "export", "q.jsonl", "out", "--article", "article.txt", "--as", name)
        assert done.exit_code == 0, done.output


@pytest.mark.skipif(not NOWHERE.parent.exists(), reason="there is no folder that surely cannot be written")
@pytest.mark.parametrize(
    "words",
    [
        (*EVAL, "--run", str(NOWHERE / "run")),
        ("export", "one", str(NOWHERE / "out")),
        ("questions", "export", "q.jsonl", str(NOWHERE / "out"), "--article", "article.txt"),
        ("questions", "import", "out/squad.json", str(NOWHERE / "back")),
        ("import", "out/trec/bm25.trec", str(NOWHERE / "theirs"), "q.jsonl", "--article", "article.txt"),
        ("compare", "one", "one", "-o", str(NOWHERE / "c.json")),
    ],
)
def test_a_folder_that_cannot_be_written_is_told_in_one_line(type_in, words):
    assert type_in(*EVAL, "--run", "one").exit_code == 0
    assert type_in("export", "one", "out").exit_code == 0
    wrong = type_in(*words).exception
    assert isinstance(wrong, UserError)
    assert str(NOWHERE) in str(wrong)
    assert " cannot be written: " in str(wrong)


def test_a_run_whose_disk_fills_up_says_so(type_in, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("qa.run.replace_text", full)
    assert "one cannot be written: No space left on device. Free some space" in told(type_in(*EVAL, "--run", "one"))


def test_a_run_json_that_holds_no_object_is_told_in_one_line(type_in, folder):
    assert type_in(*EVAL, "--run", "one").exit_code == 0
    (folder / "one" / "run.json").write_text("[]")
    wrong = type_in("report", "one").exception
    assert isinstance(wrong, BadRun)
    assert str(wrong).startswith(f"{Path('one/run.json')} holds a list where an object was wanted.")


@pytest.mark.parametrize(
    "changed",
    [
        {"settings": []}, {"left_out": {"draft": "many"}}, {"models": [1]}, {"resumed": None}, {"seed": -1},
        {"cold_start_ms": "x"}, {"questions": {"sha256": "x", "n": "three"}},
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", [("report", "one"), (*EVAL, "--run", "one", "--resume")])
def test_a_run_json_of_other_types_is_told_in_one_line(type_in, folder, changed, command):
    assert type_in(*EVAL, "--run", "one").exit_code == 0
    path = folder / "one" / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changed), encoding="utf-8")
    wrong = type_in(*command).exception
    assert isinstance(wrong, BadRun)
    assert str(wrong).startswith(f"{Path('one/run.json')} holds a field of another type than was written.")


@pytest.mark.parametrize("name", ["run.json", "outcomes.jsonl", "articles.jsonl"])
def test_json_too_deep_to_be_read_is_told_in_one_line(type_in, folder, name):
    assert type_in(*EVAL, "--run", "one").exit_code == 0
    (folder / "one" / name).write_text("[" * 100_000 + "\n")
    wrong = type_in("report", "one").exception
    assert isinstance(wrong, BadRun)
    assert name in str(wrong)


@pytest.mark.parametrize(
    "changed",
    [
        {"id": ["a"]}, {"question": None}, {"kind": 1}, {"article": {}}, {"answers": [1]}, {"confidence": "0.5"},
        {"sentence": "x"}, {"span": [1]}, {"ms": 5}, {"ms": {"total": "x"}},
    ],
)  # fmt: skip
def test_an_outcome_of_other_types_is_told_with_its_line(type_in, folder, changed):
    assert type_in(*EVAL, "--run", "one").exit_code == 0
    path = folder / "one" / "outcomes.jsonl"
    first, second, third = path.read_text(encoding="utf-8").splitlines()
    second = json.dumps(json.loads(second) | changed)
    path.write_text(f"{first}\n{second}\n{third}\n", encoding="utf-8")
    for command in (("report", "one"), (*EVAL, "--run", "one", "--resume"), (*EVAL, "--baseline", "one")):
        wrong = type_in(*command).exception
        assert isinstance(wrong, BadRun)
        assert str(wrong).startswith(f"{Path('one/outcomes.jsonl')}:2: ")


def test_a_question_that_has_two_outcomes_is_told_with_its_line(type_in, folder):
    """As when two runs went on in one folder at once; "-1 questions are missing" was said of it."""
    assert type_in(*EVAL, "--run", "one").exit_code == 0
    path = folder / "one" / "outcomes.jsonl"
    path.write_text(path.read_text(encoding="utf-8") * 2, encoding="utf-8")
    for command in (("report", "one"), ("compare", "one", "one"), (*EVAL, "--run", "one", "--resume")):
        wrong = type_in(*command).exception
        assert isinstance(wrong, BadRun)
        assert str(wrong).startswith(f"{Path('one/outcomes.jsonl')}:4: a second outcome of 'a'")


@pytest.mark.parametrize(("changed", "told"), [({"fingerprint": "x"}, "lacks an article"), ({"text": None}, "no text")])
def test_articles_that_are_not_those_that_were_asked_are_told_in_one_line(type_in, folder, changed, told):
    assert type_in(*EVAL, "--run", "one").exit_code == 0
    path = folder / "one" / "articles.jsonl"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changed), encoding="utf-8")
    wrong = type_in("report", "one", "-o", "one.html").exception
    assert isinstance(wrong, BadRun)
    assert told in str(wrong)


def test_a_text_that_cannot_be_put_in_its_place_leaves_nothing_behind(tmp_path):
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(OSError, match=r"a\.txt"):
        replace_text(tmp_path / "a.txt", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("content", ['{"format": %d}', '{"format": %d, "questions": []}'])
def test_a_run_json_that_lacks_its_fields_is_told_in_one_line(type_in, folder, content):
    assert type_in(*EVAL, "--run", "one").exit_code == 0
    (folder / "one" / "run.json").write_text(content % FORMAT)
    wrong = type_in("report", "one").exception
    assert isinstance(wrong, BadRun)
    assert str(wrong).startswith(f"{Path('one/run.json')} lacks what it should say")
