"""library/compact.py: what is dead is gone, what lives is as it was, and a killed run leaves either."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from conftest import SMALL_ARTICLE, WordEncoder

from index.article import article_from_text
from index.embeddings import FloatArray
from library import Incoming, Library, check, compact, create_library, open_library
from library import nearest as library_nearest
from library.store import DATABASE, LENGTHS, VECTORS
from qa.confidence import Calibration
from qa.library_answer import LibraryAnswerer
from qa.reader import FusedReader

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the interrupted process is made by fork")

RIVERS = "Avon Boyne Clyde Danube Elbe Forth Ganges Humber Indus Jordan Kent Loire".split()
SECRET = "The mayor of Boyne hid the money"


def story(river: str) -> Incoming:
    text = f"The river {river} rose on Monday. The mayor of {river} hid the money.\n\nThe flood took the bridge."
    return Incoming(article_from_text(text, title=river, source=river), "2024-05-17")


def fill(folder: Path, encoder: WordEncoder) -> None:
    """12 stories with 25 sentences; every second one is removed and one is changed: 14 of 26 rows are dead."""
    with create_library(folder, encoder) as library:
        library.add(map(story, RIVERS), encoder)
        library.remove([held.id for held in library.articles() if held.id % 2 == 0])
        changed = article_from_text("The river Avon fell.\n\nThe flood took the bridge.", title="Avon", source="Avon")
        library.add([Incoming(changed)], encoder)


@pytest.fixture
def library(tmp_path: Path, encoder: WordEncoder) -> Iterator[Library]:
    fill(tmp_path / "lib", encoder)
    with open_library(tmp_path / "lib", encoder=encoder) as opened:
        yield opened


def contents(library: Library) -> list[tuple[int, str, str | None, list[tuple[int, int, str, list[float]]]]]:
    """Every article with the place, text and vector of each sentence."""
    found = []
    with library.reading() as snapshot:
        for held in library.articles():
            rows, places = snapshot.sentences_of(held.id)
            vectors, texts = snapshot.vectors[rows].tolist(), snapshot.texts(rows)
            sentences = [(start, end, text, v) for (start, end, _), text, v in zip(places, texts, vectors, strict=True)]
            found.append((held.id, held.source, held.date, sentences))
    return found


def found(library: Library, question: str, encoder: WordEncoder) -> list[tuple[str, float, float]]:
    """What a search finds, by text."""
    with library.reading() as snapshot:
        asked = snapshot.asked(question, encoder.encode_queries([question])[0]).candidates(k=20)
        texts = snapshot.texts([one.row for one in asked])
        return sorted((text, one.cosine, one.bm25) for text, one in zip(texts, asked, strict=True))


class NeverEncoder(WordEncoder):
    def encode_documents(self, texts: Any) -> FloatArray:
        raise AssertionError("embedded")


def test_what_is_dead_is_dropped_and_what_lives_is_found_as_before(library, encoder):
    before, found_before = contents(library), found(library, "Which river took the bridge?", encoder)
    size = sum(library.statistics().bytes.values())
    assert (library.statistics().removed, library.statistics().sentences) == (14, 12)
    done = compact(library)
    held = library.statistics()
    assert (done.rows, held.removed, held.sentences) == (14, 0, 12)
    assert sum(held.bytes.values()) == size - done.bytes
    assert contents(library) == before
    assert found(library, "Which river took the bridge?", encoder) == found_before
    assert check(library) == []


def test_what_was_removed_is_in_no_file_any_more(library):
    folder = library.folder
    everything = b"".join(path.read_bytes() for path in folder.iterdir())
    assert SECRET.encode() in everything
    compact(library)
    library.close()
    assert SECRET.encode() not in b"".join(path.read_bytes() for path in folder.iterdir())
    assert sorted(path.suffix for path in folder.iterdir()) == [".f16", ".sqlite", ".u16"]


def test_a_compacted_library_is_added_to_removed_from_and_compacted_again(library, encoder):
    compact(library)
    library.add([story("Boyne"), Incoming(article_from_text(SMALL_ARTICLE, source="small"))], encoder)
    library.remove([1])
    assert check(library) == []
    compact(library)
    assert check(library) == []
    assert [held.source for held in library.articles()][-2:] == ["Boyne", "small"]


def test_where_nothing_is_dead_nothing_is_dropped_and_nothing_ever_embedded(tmp_path, encoder):
    with create_library(tmp_path / "lib", encoder) as library:
        library.add(map(story, RIVERS), encoder)
        before = contents(library)
        assert compact(library).rows == 0
        assert contents(library) == before
        library.remove([1])
        compact(library)  # takes no encoder at all
        assert library.add(map(story, RIVERS[1:]), NeverEncoder()).embedded == 0


def test_an_answerer_that_is_open_goes_on_through_a_compaction(library, encoder):
    answerer = LibraryAnswerer(library, encoder, FusedReader(), Calibration("fused", 0.0, {"top_logit": 1.0}))
    question = "What did the flood do to the bridge?"
    before = answerer.ask(question)
    compact(open_library(library.folder))  # as another process would
    after = answerer.ask(question)
    assert [place.source for place in after.places] == [place.source for place in before.places]
    assert after.candidates[0].candidate.sentence == before.candidates[0].candidate.sentence
    assert after.confidence == before.confidence


def test_a_reader_that_began_before_goes_on_seeing_what_it_began_with(library, encoder):
    question = "Which river took the bridge?"
    with library.reading() as snapshot:
        vector = encoder.encode_queries([question])[0]
        first = [(one.row, one.cosine) for one in snapshot.asked(question, vector).candidates()]
        other = threading.Thread(target=lambda: compact(open_library(library.folder)))
        other.start()
        other.join()
        assert [(one.row, one.cosine) for one in snapshot.asked(question, vector).candidates()] == first
        assert len(snapshot.vectors) == 26
    with library.reading() as snapshot:
        assert len(snapshot.vectors) == 12


def test_with_a_file_of_codes_the_codes_are_made_again(library, encoder, monkeypatch):
    monkeypatch.setattr(library_nearest, "EXACT_UP_TO", 5)
    many = " ".join(f"Bridge {n} of the river stood in {n + 1900}." for n in range(60))
    library.add([Incoming(article_from_text(many, source="many"))], encoder)
    library.index_nearest(force=True)
    before = found(library, "Which river took the bridge?", encoder)
    compact(library)
    assert library.statistics().nearest is not None
    assert found(library, "Which river took the bridge?", encoder) == before
    assert check(library) == []
    assert len(list(library.folder.glob("nearest-*.faiss"))) == 1


def killed_after(events: int, folder: Path) -> bool:
    """Compact in a child that kills itself at the so-manieth call of any function; whether it came to that."""
    child = os.fork()
    if child == 0:
        left = events

        def count(frame: FrameType, event: str, argument: Any) -> None:
            nonlocal left
            if event in ("call", "c_call") and "library" in frame.f_code.co_filename:
                left -= 1
                if left <= 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        try:
            sys.setprofile(count)
            compact(open_library(folder))
            sys.setprofile(None)
            os._exit(0)
        except BaseException:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert not os.WIFEXITED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


@needs_fork
def test_killed_at_any_moment_it_is_as_before_or_compacted_and_goes_on(tmp_path, encoder):
    fill(tmp_path / "whole", encoder)
    with open_library(tmp_path / "whole") as whole:
        expected = contents(whole)
    seen = set()
    events = 40
    while killed_after(events, shutil.copytree(tmp_path / "whole", folder := tmp_path / str(events))):
        with open_library(folder, encoder=encoder) as left:
            assert check(left) == []
            assert contents(left) == expected
            seen.add(left.statistics().removed)
            left.add([story("Boyne")], encoder)  # whoever was killed stands in nobody's way
            left.remove([left.find("Boyne").id])
            compact(left)
            assert check(left) == []
            assert contents(left) == expected
            assert left.statistics().removed == 0
        assert len(list(folder.glob(f"{Path(VECTORS).stem}*"))) == len(list(folder.glob(f"{Path(LENGTHS).stem}*"))) == 1
        assert (folder / DATABASE).exists()
        events += 97
    assert seen == {0, 14}  # it was killed before the transaction and after


def test_the_command_says_what_was_dropped_and_stats_what_could_be(run: Callable[..., Any], library, monkeypatch):
    name = str(library.folder)
    assert "14 rows of removed ones (54 %, " in run("library", "stats", "-l", name).out
    assert run("library", "compact", "-l", name).out.startswith("14 rows of removed sentences dropped; ")
    assert "0 rows of removed ones\n" in run("library", "stats", "-l", name).out
