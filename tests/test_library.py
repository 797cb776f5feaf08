"""library/store.py: what is added, changed and removed, what is found, and what is left when a process is killed."""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
from conftest import SMALL_ARTICLE, WordEncoder
from hypothesis import given
from hypothesis import strategies as st

from index.article import article_from_text
from index.embeddings import FloatArray
from index.terms import CUTTING, Terms, content_terms
from library import (
    Found,
    Incoming,
    Library,
    best_of,
    check,
    create_library,
    library_folder,
    only,
    open_library,
    repair,
)
from library.errors import LibraryError, LibraryMismatch, NoSuchLibrary
from library.store import DATABASE, LENGTHS, VECTORS, key_of

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the interrupted process is made by fork")

AGENCY = "The flood took the bridge. Mayor Jane Carter wept."
QUESTION = "What did the flood do to the bridge?"


class CountingEncoder(WordEncoder):
    """Remembers what it was asked to embed."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def encode_documents(self, texts: Sequence[str]) -> FloatArray:
        self.seen += texts
        return super().encode_documents(texts)


class OtherEncoder(WordEncoder):
    name = "other-words"
    fingerprint = "0" * 64


def incoming(text: str, source: str, date: str | None = None) -> Incoming:
    return Incoming(article_from_text(text, title=f"Title of {source}", source=source), date)


@pytest.fixture
def library(tmp_path: Path, encoder: WordEncoder) -> Iterable[Library]:
    with create_library(tmp_path / "lib", encoder) as made:
        yield made


def contents(library: Library) -> list[tuple[str, str, list[tuple[int, int, str, list[float]]]]]:
    """Articles with the place, text and vector of each sentence: what two libraries of the same articles agree on."""
    found = []
    with library.reading() as snapshot:
        for held in library.articles():
            rows, places = snapshot.sentences_of(held.id)
            vectors = snapshot.vectors[rows].tolist()
            texts = snapshot.texts(rows)
            sentences = [(start, end, text, v) for (start, end, _), text, v in zip(places, texts, vectors, strict=True)]
            found.append((held.source, held.title, sentences))
    return found


def found_texts(library: Library, question: str, encoder: WordEncoder, **options: Any) -> list[str]:
    with library.reading() as snapshot:
        asked = snapshot.asked(question, encoder.encode_queries([question])[0], **options)
        return snapshot.texts([one.row for one in asked.candidates(k=3)])


# ── Adding ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_unchanged_article_embeds_nothing_and_counts_as_unchanged(library):
    encoder = CountingEncoder()
    library.add([incoming(SMALL_ARTICLE, "a")], encoder)
    first = len(encoder.seen)
    done = library.add([incoming(SMALL_ARTICLE, "a")], encoder)
    assert (done.unchanged, done.changed, done.added, done.embedded) == (1, 0, 0, 0)
    assert len(encoder.seen) == first == 6


def test_of_a_changed_article_only_the_changed_sentences_are_embedded(library):
    encoder = CountingEncoder()
    library.add([incoming(SMALL_ARTICLE, "a")], encoder)
    encoder.seen.clear()
    done = library.add([incoming(SMALL_ARTICLE.replace("Monday", "Tuesday"), "a")], encoder)
    assert encoder.seen == ["The river rose on Tuesday."]
    assert (done.changed, done.sentences, done.embedded) == (1, 6, 1)
    assert check(library) == []
    assert "The river rose on Monday." not in found_texts(library, "When did the river rise?", encoder)


def test_a_changed_article_keeps_its_number(library, encoder):
    library.add([incoming("The bridge fell.", "a"), incoming("The river rose.", "b")], encoder)
    library.add([incoming("The bridge stood.", "a")], encoder)
    assert [(held.id, held.source) for held in library.articles()] == [(1, "a"), (2, "b")]


def test_a_new_title_or_date_is_taken_over_without_embedding(library):
    encoder = CountingEncoder()
    library.add([incoming(AGENCY, "a")], encoder)
    encoder.seen.clear()
    library.add([Incoming(article_from_text(AGENCY, title="New", source="a"), "2024-05-01")], encoder)
    (held,) = library.articles()
    assert (held.title, held.date, encoder.seen) == ("New", "2024-05-01", [])


def test_the_same_sentence_in_ten_articles_is_embedded_once_and_has_ten_places(library):
    encoder = CountingEncoder()
    library.add([incoming(f"Agency {n} reports.\n\n{AGENCY}", f"paper {n}") for n in range(10)], encoder)
    assert encoder.seen.count("The flood took the bridge.") == 1
    with library.reading() as snapshot:
        found = snapshot.search(QUESTION, encoder.encode_queries([QUESTION])[0], k=3)
        (row,) = [one.row for one in found if snapshot.texts([one.row]) == ["The flood took the bridge."]]
        places = snapshot.places([row])[row]
        assert [place.source for place in places] == [f"paper {n}" for n in range(10)]
        for place in places:
            assert snapshot.article(place.article).text[place.start : place.end] == "The flood took the bridge."


def test_white_space_inside_a_sentence_does_not_make_it_another():
    assert key_of("The flood\n  took it.") == key_of("The flood took it.") != key_of("The flood took  him.")


def test_an_article_twice_in_one_call_is_there_as_it_came_last(library, encoder):
    done = library.add([incoming("The bridge fell.", "a"), incoming("The river rose.", "a")], encoder)
    assert (done.added, done.changed) == (1, 1)
    assert [text for _, _, sentences in contents(library) for _, _, text, _ in sentences] == ["The river rose."]
    assert check(library) == []


def test_a_removed_article_is_no_longer_found_and_costs_nothing_when_it_comes_back(library):
    encoder = CountingEncoder()
    library.add([incoming(SMALL_ARTICLE, "a"), incoming("The river rose on Monday.", "b")], encoder)
    before = contents(library)
    assert library.remove([1]) == 5  # of six, one stands in the other article too
    assert found_texts(library, "river flood bridge mayor", encoder) == ["The river rose on Monday."]
    assert library.statistics().removed == 5
    assert check(library) == []
    encoder.seen.clear()
    library.add([incoming(SMALL_ARTICLE, "a")], encoder)
    assert encoder.seen == []
    assert sorted(contents(library)) == sorted(before)
    assert check(library) == []


def test_the_number_of_a_removed_article_is_never_given_again(library, encoder):
    library.add([incoming("The bridge fell.", "a")], encoder)
    library.remove([1])
    library.add([incoming("The bridge fell.", "b")], encoder)
    assert [held.id for held in library.articles()] == [2]


def test_two_that_add_at_once_lose_nothing(tmp_path, encoder):
    with create_library(tmp_path / "lib", encoder) as library:
        texts = {f"{who}{n}": f"{who} saw river {n}. The flood took bridge {n}." for who in "ab" for n in range(40)}
        errors: list[BaseException] = []

        def adding(who: str) -> None:
            try:
                for source, text in texts.items():
                    if source.startswith(who):
                        library.add([incoming(text, source)], encoder)
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=adding, args=(who,)) for who in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert {held.source for held in library.articles()} == set(texts)
        assert library.statistics().sentences == 120  # "The flood took bridge n." stands in two articles
        assert check(library) == []


def test_a_reader_goes_on_seeing_what_it_began_with_while_others_add_and_remove(library, encoder, tmp_path):
    library.add([incoming(AGENCY, "a")], encoder)
    with open_library(tmp_path / "lib") as reader, reading_texts(reader, encoder) as texts:
        assert texts() == ["The flood took the bridge.", "Mayor Jane Carter wept."]
        library.add([incoming("The bridge and the flood.", "b")], encoder)
        library.remove([1])
        assert texts() == ["The flood took the bridge.", "Mayor Jane Carter wept."]
    with open_library(tmp_path / "lib") as reader, reading_texts(reader, encoder) as texts:
        assert texts() == ["The bridge and the flood."]


class reading_texts:  # noqa: N801  # reads as a verb
    """What one snapshot finds, as often as it is asked."""

    def __init__(self, library: Library, encoder: WordEncoder) -> None:
        self._context, self._encoder = library.reading(), encoder

    def __enter__(self) -> Any:
        snapshot = self._context.__enter__()
        vector = self._encoder.encode_queries([QUESTION])[0]
        return lambda: snapshot.texts([one.row for one in snapshot.search(QUESTION, vector, k=9)])

    def __exit__(self, *error: Any) -> None:
        self._context.__exit__(*error)


# ── Refusing ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_library_is_not_filled_or_opened_with_another_model(tmp_path, library, encoder):
    with pytest.raises(LibraryMismatch, match=r"toy-words.*other-words"):
        library.add([incoming(AGENCY, "a")], OtherEncoder())
    with pytest.raises(LibraryMismatch, match="cannot be compared"):
        open_library(tmp_path / "lib", encoder=OtherEncoder())


@pytest.mark.parametrize(("filled_by", "opens"), [
    (f"bm25 lucene k1=1.5 b=0.75, {CUTTING}", True),  # words are weighed when they are asked for
    ("snowball english, rules 1", False),
])  # fmt: skip
def test_a_library_filled_under_other_rules_is_mended_by_repair(tmp_path, library, encoder, filled_by, opens):
    library.add([incoming(AGENCY, "a")], encoder)
    with sqlite3.connect(tmp_path / "lib" / DATABASE) as database:
        database.execute("UPDATE about SET value = ? WHERE name = 'terms'", (filled_by,))
    database.close()
    assert [one.part for one in check(library)] == ([] if opens else ["words"])
    if not opens:
        with pytest.raises(LibraryMismatch, match="library repair"):
            library.refuse_mismatch(encoder)
        assert repair(library, encoder) == []
    library.refuse_mismatch(encoder)
    assert found_texts(library, QUESTION, encoder)[0] == "The flood took the bridge."


def test_what_is_not_there_is_said_with_what_to_do(tmp_path, library):
    with pytest.raises(NoSuchLibrary, match="library add"):
        open_library(tmp_path / "none")
    with pytest.raises(NoSuchLibrary, match="library list"):
        library.find("story.txt")


def test_a_name_is_a_folder_of_the_users_and_a_path_is_a_path(tmp_path, monkeypatch):
    monkeypatch.setenv("ARTICLE_QA_LIBRARIES", str(tmp_path))
    assert library_folder("news") == tmp_path / "news"
    assert library_folder("./news") == Path("news")
    assert library_folder(str(tmp_path / "x")) == tmp_path / "x"


@pytest.mark.parametrize("name", ["", " ", "\t\n"])
def test_an_empty_name_is_refused_and_not_the_folder_of_all_libraries(tmp_path, monkeypatch, name):
    monkeypatch.setenv("ARTICLE_QA_LIBRARIES", str(tmp_path))
    with pytest.raises(LibraryError, match=r"is no name of a library\. Give"):
        library_folder(name)


# ── Searching ────────────────────────────────────────────────────────────────────────────────────────────────────────

LINES = [
    "The river rose on Monday and the river fell on Tuesday.",
    "The flood took the bridge; the flood took U.S. Highway 40.",
    "It cost £2,000 in 1953, O'Brien said.",
    "Nobody was hurt.",
    "The mayor, the mayor's wife and a bridge-builder met at 10:30.",
    "Café Überblick flooded.",
    "洪水冲走了桥",
]


@pytest.mark.parametrize("question", ["river Tuesday", "2000 in 1953?", "U.S. flood flood bridge", "the", "10:30 mayor",
                                      "cafe", "洪水", "O'Brien's"])  # fmt: skip
def test_bm25_is_that_of_a_single_article_with_the_same_sentences(library, encoder, question):
    library.add([incoming("\n\n".join(LINES), "a")], encoder)
    with library.reading() as snapshot:
        rows = np.arange(len(snapshot.vectors))
        asked = snapshot.asked(question, encoder.encode_queries([question])[0])
        expected = Terms.from_sentences(snapshot.texts(rows.tolist()))
        np.testing.assert_allclose([one.bm25 for one in asked.found(rows)], expected.scores(question), rtol=1e-5)
        assert asked.words == expected.words(question)


@given(st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=5))
def test_fts5_keeps_every_stem_as_it_is(texts):
    from library.words import SCHEMA, insert_words

    database = sqlite3.connect(":memory:")
    database.executescript(SCHEMA)
    stems = [content_terms(text) for text in texts]
    insert_words(database, enumerate(stems))
    kept = sorted(database.execute("SELECT doc, term FROM word_places").fetchall())
    database.close()
    assert kept == sorted((row, stem) for row, one in enumerate(stems) for stem in one)


def test_the_words_of_removed_sentences_weigh_nothing(library, encoder):
    """As if they had never been there: BM25 over what is left is that of a library of only that."""
    library.add([incoming(SMALL_ARTICLE, "a"), incoming("\n\n".join(LINES), "b")], encoder)
    library.remove([1])
    with library.reading() as snapshot:
        rows, _ = snapshot.sentences_of(2)
        asked = snapshot.asked(QUESTION, encoder.encode_queries([QUESTION])[0])
        expected = Terms.from_sentences(snapshot.texts(rows)).scores(QUESTION)
        np.testing.assert_allclose([one.bm25 for one in asked.found(np.array(rows))], expected, rtol=1e-5)


def test_only_limits_to_articles_by_title_source_or_date(library, encoder):
    library.add(
        [
            incoming("The flood took the bridge in May.", "/news/a.txt", "2024-05-17"),
            incoming("The flood took the bridge in June.", "/news/b.txt", "2024-06-01"),
            incoming("The flood took the bridge once.", "/old/c.txt"),
        ],
        encoder,
    )

    def texts(*conditions: str) -> set[str]:
        return {text.rsplit(" ", 1)[1] for text in found_texts(library, QUESTION, encoder, which=only(conditions))}

    assert texts() == {"May.", "June.", "once."}
    assert texts("source:/NEWS/") == {"May.", "June."}
    assert texts("date:2024-05") == texts("date:2024-05-17") == texts("date:..2024-05") == {"May."}
    assert texts("date:2024-05..2024-06-01") == texts("date:2024") == {"May.", "June."}
    assert texts("date:2024-05-18..") == {"June."}
    assert texts("article:3") == texts("article:title of /old") == texts("/old/c") == {"once."}
    assert texts("source:news", "date:2024-06") == {"June."}
    assert texts("source:100%") == set()


def test_a_sentence_that_also_stands_elsewhere_is_shown_only_where_it_may_be(library, encoder):
    library.add([incoming(AGENCY, "a", "2024"), incoming(AGENCY, "b", "2023")], encoder)
    with library.reading() as snapshot:
        which = only(["date:2023"])
        assert [place.source for place in snapshot.places([0], which)[0]] == ["b"]
        assert len(snapshot.places([0])[0]) == 2


def test_shards_that_know_of_each_other_find_what_one_library_of_all_finds(tmp_path, encoder):
    """Word statistics are added up; each shard searches alone, and the best of what they found is the best of all."""
    texts = [
        f"River {n} rose. The flood of 19{n + 30} took {'bridge ' * n} away. Mayor {n}, spring." for n in range(30)
    ]
    question = "Which mayor spoke of the flood of 1953 and of a bridge in spring?"
    vector = encoder.encode_queries([question])[0]

    def values(found: Sequence[Found]) -> tuple[list[float], list[float]]:
        return sorted(one.cosine for one in found)[-5:], sorted(one.bm25 for one in found)[-5:]

    with create_library(tmp_path / "all", encoder) as whole:
        whole.add([incoming(text, str(n)) for n, text in enumerate(texts)], encoder)
        with whole.reading() as snapshot:
            expected = values(snapshot.search(question, vector, k=5))
            expected_words = snapshot.word_statistics(question)
    shards = [create_library(tmp_path / f"shard{n}", encoder) for n in range(3)]
    for n, text in enumerate(texts):
        shards[n % 3].add([incoming(text, str(n))], encoder)
    words = []
    for shard in shards:
        with shard.reading() as snapshot:
            words.append(snapshot.word_statistics(question))
    total = words[0] + words[1] + words[2]
    assert total == expected_words
    found: list[Found] = []
    for shard in shards:
        with shard.reading() as snapshot:
            found += snapshot.asked(question, vector, of_all=total).candidates(k=5)
        shard.close()
    assert values(best_of(found, k=5)) == expected


# ── Being killed ─────────────────────────────────────────────────────────────────────────────────────────────────────

STORY = [(f"s{n}", f"River {n} rose on day {n}. The flood took bridge {n}.\n\nMayor {n} wept.") for n in range(24)]


def add_story(folder: Path, encoder: WordEncoder) -> None:
    """In groups of a few articles each, with a change and a removal between."""
    import library.store as store

    store.GROUP_ARTICLES = 4
    with create_library(folder, encoder) as library:
        library.add([incoming(text, source) for source, text in STORY], encoder)
    store.GROUP_ARTICLES = 256


def killed_after(events: int, folder: Path, encoder: WordEncoder) -> bool:
    """Add the story in a child that kills itself at the so-manieth call of any function; whether it came to that."""
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
            add_story(folder, encoder)
            sys.setprofile(None)
            os._exit(0)
        except BaseException:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert not os.WIFEXITED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


@needs_fork
def test_killed_at_any_moment_it_opens_with_the_first_articles_whole_and_goes_on(tmp_path, encoder):
    add_story(tmp_path / "whole", encoder)
    with open_library(tmp_path / "whole") as whole:
        expected = contents(whole)
    sources = [source for source, _ in STORY]
    reached = set()
    events, step = 20, 137  # no multiple of what one article takes, so that the moments differ
    while killed_after(events, folder := tmp_path / str(events), encoder):
        if (folder / DATABASE).exists():
            with create_library(folder, encoder) as left:
                assert check(left) == []
                there = [held.source for held in left.articles()]
                assert there == sources[: len(there)]
                reached.add(len(there))
        add_story(folder, encoder)
        with open_library(folder) as finished:
            assert contents(finished) == expected
            assert check(finished) == []
        events += step
        step = min(step + 40, 900)
    assert {0, 4, 20} <= reached  # it was killed before, between and after groups
    assert events > 3000


@needs_fork
def test_what_a_killed_writer_left_behind_the_last_row_is_overwritten(tmp_path, encoder):
    with create_library(tmp_path / "lib", encoder) as library:
        library.add([incoming(AGENCY, "a")], encoder)
        for name in (VECTORS, LENGTHS):
            with (tmp_path / "lib" / name).open("ab") as file:
                file.write(b"\xff" * 13)  # half a row
        assert check(library) == []
        library.add([incoming(SMALL_ARTICLE, "b")], encoder)
        assert check(library) == []
        assert [held.source for held in library.articles()] == ["a", "b"]


@needs_fork
def test_where_nothing_more_can_be_written_what_was_there_stays_and_is_said(tmp_path, encoder):
    import resource

    with create_library(tmp_path / "lib", encoder) as library:
        library.add([incoming(AGENCY, "a")], encoder)
        before = contents(library)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (16, 16))  # bytes that any file may have
        try:
            open_library(tmp_path / "lib").add([incoming(SMALL_ARTICLE, "b")], encoder)
            os._exit(1)
        except LibraryError:
            os._exit(0)
        except BaseException:
            os._exit(2)
    _, status = os.waitpid(child, 0)
    assert os.WEXITSTATUS(status) == 0
    with open_library(tmp_path / "lib") as library:
        assert contents(library) == before
        assert check(library) == []
