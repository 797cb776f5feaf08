"""index/build.py: an index that is built, saved, loaded or refused, and what is left when a process is killed."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import WordEncoder

from index.article import Article, article_from_text
from index.build import (
    EMBEDDING,
    FILES,
    ArticleIndex,
    build_index,
    cache_folder,
    cached_index_folder,
    is_kept,
    load_index,
    open_index,
    save_index,
)
from index.errors import DamagedIndex, IndexMismatch, SavedIndexError, UserError

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the interrupted process is made by fork")


class OtherEncoder(WordEncoder):
    """Another model of the same length: only the fingerprint of its weights tells."""

    name = "other-words"
    fingerprint = "0" * 64


def other_index(encoder: WordEncoder) -> ArticleIndex:
    return build_index(article_from_text("The bridge fell. The mayor wept.", title="Other"), encoder)


def content(article_index: ArticleIndex) -> tuple[object, ...]:
    """All that an index says, to compare two of them."""
    return (
        article_index.article,
        article_index.sentences,
        article_index.store.vectors().tolist(),
        article_index.terms.scores("river bridge mayor £2,000").tolist(),
        article_index.manifest,
    )


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def one_line(error: pytest.ExceptionInfo[UserError]) -> str:
    message = str(error.value)
    assert "\n" not in message
    return message


# ── Building ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_row_i_is_sentence_i(small_index: ArticleIndex, encoder: WordEncoder) -> None:
    texts = [sentence.text for sentence in small_index.sentences]
    np.testing.assert_allclose(small_index.store.vectors(), encoder.encode_documents(texts))
    for row, text in enumerate(texts):
        assert text == small_index.article.text[small_index.sentences[row].start : small_index.sentences[row].end]
        assert small_index.terms.scores(text).argmax() == row


def test_the_manifest_says_what_the_index_was_built_from(small_index: ArticleIndex, encoder: WordEncoder) -> None:
    manifest = small_index.manifest
    assert manifest.article == small_index.article.fingerprint
    assert (manifest.model, manifest.model_fingerprint, manifest.dim) == (encoder.name, encoder.fingerprint, 7)
    assert (manifest.sentences, manifest.characters) == (len(small_index.sentences), len(small_index.article.text))
    assert manifest.libraries["faiss-cpu"].startswith("1.")


def test_building_says_how_far_it_is_from_the_first_sentence_to_the_last(encoder: WordEncoder) -> None:
    said: list[tuple[str, int, int]] = []
    article = article_from_text("\n\n".join(f"The river rose on day {day}." for day in range(600)))
    build_index(article, encoder, progress=lambda *step: said.append(step))
    assert said == [(EMBEDDING, done, 600) for done in (0, 256, 512, 600)]


# ── Saving and loading ───────────────────────────────────────────────────────────────────────────────────────────────


def test_an_index_read_from_a_folder_is_the_one_that_was_saved(small_index: ArticleIndex, tmp_path: Path) -> None:
    save_index(small_index, tmp_path / "a" / "new folder")
    assert content(load_index(tmp_path / "a" / "new folder")) == content(small_index)


def test_a_saved_index_needs_no_pickle_and_no_article(small_index: ArticleIndex, tmp_path: Path) -> None:
    save_index(small_index, tmp_path)
    assert load_index(tmp_path).article == small_index.article
    names = sorted(file.name for file in tmp_path.rglob("*") if file.is_file())
    assert names == sorted(["manifest.json", *FILES])


def test_line_ends_and_letters_outside_ascii_survive_saving(encoder: WordEncoder, tmp_path: Path) -> None:
    article = article_from_text("Der Fluß stieg.\r\n\r\nEin 🙂 kostet 2 €.\u2028東京。", title="Über “alles”")
    save_index(build_index(article, encoder), tmp_path)
    assert load_index(tmp_path, article=article).article == article


def test_saving_over_an_index_leaves_only_the_new_one(
    small_index: ArticleIndex, encoder: WordEncoder, tmp_path: Path
) -> None:
    for _ in range(3):
        save_index(small_index, tmp_path)
        save_index(other_index(encoder), tmp_path)
    assert load_index(tmp_path).article.title == "Other"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_folder_with_other_files_is_never_written_to(small_index: ArticleIndex, tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(SavedIndexError) as error:
        save_index(small_index, tmp_path)
    assert "holds other files (thesis.docx) and no index: give a new folder" in one_line(error)
    with pytest.raises(SavedIndexError) as error:
        save_index(small_index, tmp_path / "thesis.docx")
    assert "is a file" in one_line(error)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.docx"]


# ── Refusing ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_index_of_another_model_is_refused_with_both_names(small_index: ArticleIndex, tmp_path: Path) -> None:
    save_index(small_index, tmp_path)
    with pytest.raises(IndexMismatch) as error:
        load_index(tmp_path, encoder=OtherEncoder())
    assert "built with toy-words (" in one_line(error)
    assert "you are asking with other-words (000000000000)" in one_line(error)
    assert "build the index again" in one_line(error)


def test_an_index_of_another_article_is_refused_with_both_titles(small_index: ArticleIndex, tmp_path: Path) -> None:
    save_index(small_index, tmp_path)
    with pytest.raises(IndexMismatch) as error:
        load_index(tmp_path, article=article_from_text("Quite another text.", title="Another"))
    assert "'The great flood'" in one_line(error)
    assert "'Another' (19 characters)" in one_line(error)


@pytest.mark.parametrize(("written", "expected"), [(2, "newer version.*Upgrade"), (0, "older version.*again")])
def test_an_index_of_another_format_is_refused_with_what_to_do(
    small_index: ArticleIndex, tmp_path: Path, written: int, expected: str
) -> None:
    save_index(small_index, tmp_path)
    record = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps({**record, "format": written}))
    with pytest.raises(IndexMismatch, match=expected) as error:
        load_index(tmp_path)
    one_line(error)


def test_a_folder_without_an_index_is_refused_with_how_to_build_one(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(DamagedIndex, match=r"no index is there.*Build one with: article-qa index"):
            load_index(folder)


def damaged(file: Path) -> Iterator[str]:
    """Damage a file in every way in turn, and say how; it is whole again after each."""
    whole = file.read_bytes()
    for length in {0, 1, len(whole) // 2, len(whole) - 1}:
        file.write_bytes(whole[:length])
        yield f"cut to {length} bytes"
    for place in {0, len(whole) // 3, len(whole) // 2, len(whole) - 2}:
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        yield f"one bit changed at {place}"
    file.write_bytes(whole + b"\0")
    yield "one byte added"
    file.unlink()
    yield "deleted"
    file.write_bytes(whole)


@pytest.mark.parametrize("name", ["manifest.json", *FILES])
def test_a_damaged_file_is_refused_in_one_line_that_says_what_to_do(
    small_index: ArticleIndex, tmp_path: Path, name: str
) -> None:
    save_index(small_index, tmp_path)
    (file,) = tmp_path.rglob(name)
    for how in damaged(file):
        with pytest.raises((DamagedIndex, IndexMismatch)) as error:
            load_index(tmp_path)
        assert "article-qa index" in one_line(error), how
    assert content(load_index(tmp_path)) == content(small_index)


# ── Interruptions: a real process, really killed ─────────────────────────────────────────────────────────────────────


def in_child(work: Callable[[], object]) -> int:
    """Run something in a forked process and return how it ended: 0, or the signal that killed it."""
    with contextlib.suppress(DeprecationWarning):  # Python 3.12 warns of threads, which the child does not use
        child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(70)
    return os.waitpid(child, 0)[1]


def kill_at_step(step: int) -> None:
    """Kill this process at the given one of its steps: every open, rename, mkdir and removal of a file is one."""
    seen = 0

    def count(event: str, _arguments: object) -> None:
        nonlocal seen
        if event in ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree"):
            seen += 1
            if seen == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


@needs_fork
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("there", [True, False])
def test_a_save_killed_at_any_step_leaves_the_old_index_or_the_new_one(
    small_index: ArticleIndex, encoder: WordEncoder, tmp_path: Path, there: bool
) -> None:
    new = other_index(encoder)
    new.terms.scores("warm up")
    outcomes = []
    for step in range(1, 200):
        folder = tmp_path / str(step)
        if there:
            save_index(small_index, folder)

        def killed_save(folder: Path = folder, step: int = step) -> None:
            kill_at_step(step)
            save_index(new, folder)

        ended = in_child(killed_save)
        try:
            found = content(load_index(folder))
        except DamagedIndex:
            assert not there
            found = ()
        assert found in (content(new), content(small_index) if there else ())
        outcomes.append(found == content(new))
        save_index(new, folder)  # and what was left behind is no obstacle
        assert content(load_index(folder)) == content(new)
        if ended == 0:
            break
        assert ended == signal.SIGKILL
    assert outcomes[0] is False
    assert outcomes[-1] is True
    assert outcomes == sorted(outcomes)  # never back to the old one
    assert len(outcomes) > 15  # it was really killed at many steps


@needs_fork
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_process_killed_while_it_saves_again_and_again_leaves_a_whole_index(
    small_index: ArticleIndex, encoder: WordEncoder, tmp_path: Path
) -> None:
    new = other_index(encoder)
    save_index(small_index, tmp_path)
    for milliseconds in (1, 2, 3, 5, 8, 13, 21):
        child = os.fork()
        if child == 0:
            while True:
                save_index(new, tmp_path)
                save_index(small_index, tmp_path)
        time.sleep(milliseconds / 1000)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert content(load_index(tmp_path)) in (content(new), content(small_index))


@needs_fork
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_reader_never_sees_half_of_what_another_process_is_saving(
    small_index: ArticleIndex, encoder: WordEncoder, tmp_path: Path
) -> None:
    new = other_index(encoder)
    save_index(small_index, tmp_path)
    child = os.fork()
    if child == 0:
        while True:
            save_index(new, tmp_path)
            save_index(small_index, tmp_path)
    try:
        for _ in range(60):
            assert content(load_index(tmp_path)) in (content(new), content(small_index))
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


@needs_fork
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_full_disk_is_one_line_and_leaves_the_old_index(
    small_index: ArticleIndex, encoder: WordEncoder, tmp_path: Path
) -> None:
    import resource

    save_index(small_index, tmp_path)

    def save_where_no_file_may_grow() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        try:
            save_index(other_index(encoder), tmp_path)
        except SavedIndexError as error:
            if "cannot be written" in str(error) and "\n" not in str(error):
                os._exit(0)

    assert in_child(save_where_no_file_may_grow) == 0
    assert content(load_index(tmp_path)) == content(small_index)
    assert len(list(tmp_path.iterdir())) == 2


def test_what_interrupted_saves_left_is_swept_up_after_an_hour_and_not_before(
    small_index: ArticleIndex, tmp_path: Path
) -> None:
    save_index(small_index, tmp_path)
    (tmp_path / "0123456789abcdef.tmp").mkdir()  # another process may be writing it
    (tmp_path / "fedcba9876543210").mkdir()
    (tmp_path / "notes.txt").write_text("the user's")
    long_ago = time.time() - 7200
    for name in ("fedcba9876543210", "notes.txt"):
        os.utime(tmp_path / name, (long_ago, long_ago))
    save_index(small_index, tmp_path)
    names = {entry.name for entry in tmp_path.iterdir()}
    assert "0123456789abcdef.tmp" in names
    assert "notes.txt" in names
    assert "fedcba9876543210" not in names


# ── The cache ────────────────────────────────────────────────────────────────────────────────────────────────────────


class CountingEncoder(WordEncoder):
    """Counts the sentences it embeds."""

    def __init__(self) -> None:
        self.embedded = 0

    def encode_documents(self, texts):  # type: ignore[no-untyped-def]
        self.embedded += len(texts)
        return super().encode_documents(texts)


def test_the_second_time_an_article_is_opened_nothing_is_embedded(small_article: Article, tmp_path: Path) -> None:
    encoder = CountingEncoder()
    first = open_index(small_article, encoder, cache=tmp_path)
    assert encoder.embedded == len(first.sentences)
    renamed = dataclasses.replace(small_article, title="The same text", source="another file")
    second = open_index(renamed, encoder, cache=tmp_path)
    assert encoder.embedded == len(first.sentences)
    assert second.article == renamed
    assert second.sentences == first.sentences


def test_another_model_or_another_text_is_kept_beside_and_not_instead(small_article: Article, tmp_path: Path) -> None:
    encoders = (CountingEncoder(), OtherEncoder())
    changed = article_from_text(small_article.text.replace("1953", "1954"))
    folders = {cached_index_folder(article, one, tmp_path) for article in (small_article, changed) for one in encoders}
    assert len(folders) == 4


def test_without_a_cache_nothing_is_written(
    small_article: Article, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARTICLE_QA_CACHE", str(tmp_path / "cache"))
    open_index(small_article, WordEncoder(), cache=None)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_index_in_the_cache_is_built_again_with_a_line_that_says_so(
    small_article: Article, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    encoder = CountingEncoder()
    first = open_index(small_article, encoder, cache=tmp_path)
    (file,) = tmp_path.rglob("index.faiss")
    file.write_bytes(file.read_bytes()[:-1])
    with caplog.at_level(logging.WARNING):
        again = open_index(small_article, encoder, cache=tmp_path)
    assert encoder.embedded == 2 * len(first.sentences)
    assert again.store.vectors().tolist() == first.store.vectors().tolist()
    (line,) = warnings_of(caplog)
    assert "The kept index of 'The great flood' is built again" in line
    caplog.clear()
    open_index(small_article, encoder, cache=tmp_path)
    assert encoder.embedded == 2 * len(first.sentences)
    assert warnings_of(caplog) == []


def test_a_cache_that_cannot_be_written_is_no_reason_not_to_answer(
    small_article: Article, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("not a folder")
    with caplog.at_level(logging.WARNING):
        opened = open_index(small_article, WordEncoder(), cache=tmp_path / "file" / "cache")
    assert opened.article == small_article
    (line,) = warnings_of(caplog)
    assert "The index is not kept" in line


def test_an_index_is_kept_where_it_would_be_found_whole(small_article: Article, tmp_path: Path) -> None:
    encoder = WordEncoder()
    assert not is_kept(small_article, encoder, tmp_path)
    open_index(small_article, encoder, cache=tmp_path)
    assert is_kept(small_article, encoder, tmp_path)
    (file,) = tmp_path.rglob("index.faiss")
    file.write_bytes(file.read_bytes()[:-1])
    assert not is_kept(small_article, encoder, tmp_path)


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ARTICLE_QA_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("ARTICLE_QA_CACHE")
    assert "article-qa" in str(cache_folder())
