"""Tests of benchmarks/to_squad.py: what it writes is read by `eval --squad` with every answer where it stands."""

from __future__ import annotations

import gzip
import json

from benchmarks import to_squad
from qa.questions import read_squad

LINE = {
    "id": "flood",
    "title": "",
    "paragraphs": ["The river rose on Monday.", "It rose again on Tuesday, and nobody was hurt."],
    "questions": [
        {
            "id": "when",
            "question": "When did it rise?",
            "answers": [
                {"text": "Monday", "paragraph": 0, "start": 18},
                {"text": "Tuesday", "paragraph": 1, "start": 17},
            ],
        },
        {
            "id": "who",
            "question": "Who was hurt?",
            "answers": [
                {"text": "nobody", "paragraph": 1, "start": 30, "start_exact": True},
                {"text": "no one", "paragraph": 1, "start": 0, "start_exact": False},
            ],
        },
        {"id": "why", "question": "Why?", "answers": [], "answerable": False, "asked_of_paragraph": 1},
        {"id": "lost", "question": "What is lost?", "answers": []},
    ],
}  # fmt: skip


def test_a_question_goes_with_the_paragraph_of_its_first_answer_and_the_rest_is_counted():
    found, left_out = to_squad.squad([LINE])
    asked = {qa["id"]: (number, qa) for number, p in enumerate(found["data"][0]["paragraphs"]) for qa in p["qas"]}
    assert list(asked) == ["when", "who", "why"]
    assert asked["when"][0] == 0
    assert asked["when"][1]["answers"] == [{"text": "Monday", "answer_start": 18}]
    assert left_out == 1
    assert asked["who"][1]["answers"] == [{"text": "nobody", "answer_start": 30}]
    assert (asked["why"][0], asked["why"][1]["is_impossible"]) == (1, True)


def test_what_was_written_is_read_whole_or_by_paragraph(tmp_path, monkeypatch):
    with gzip.open(tmp_path / "set.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write(json.dumps(LINE) + "\n")
    monkeypatch.setattr("sys.argv", ["to_squad", str(tmp_path / "set.jsonl.gz"), str(tmp_path / "set.json")])
    to_squad.main()
    whole = read_squad(tmp_path / "set.json")
    assert [(q.id, q.evidence) for q in whole.questions] == [("when", ("Monday",)), ("who", ("nobody",))]
    assert sum(whole.left_out.values()) == 1
    assert len(whole.articles) == 1
    assert [q.id for q in read_squad(tmp_path / "set.json", paragraph=True).questions] == ["when", "who", "why"]
