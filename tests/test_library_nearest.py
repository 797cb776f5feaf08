"""library/nearest.py: what the file of codes finds against comparing everything, and when it is made anew."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import library.nearest as nearest
import library.store as store
from index.article import article_from_text
from index.embeddings import FloatArray, unit_rows
from library import Incoming, Library, check, create_library, only, open_library, repair
from library.errors import DamagedLibrary
from library.vectors import cosines_of, let_go, map_vectors, write_rows

DIM = 32
ROWS = 3_000


class SpreadEncoder:
    """A vector by chance for each text, near one of forty topics: the same text, the same vector."""

    name = "spread"
    fingerprint = "5" * 64
    dim = DIM

    def __init__(self) -> None:
        self._topics = np.random.default_rng(0).standard_normal((40, DIM))

    def encode_documents(self, texts: Sequence[str]) -> FloatArray:
        vectors = []
        for text in texts:
            seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little")
            rng = np.random.default_rng(seed)
            vectors.append(self._topics[seed % 40] + 0.7 * rng.standard_normal(DIM))
        return unit_rows(np.array(vectors, dtype=np.float32).reshape(len(texts), DIM))

    encode_queries = encode_documents


def article(number: int, sentences: int = 30) -> Incoming:
    text = "\n\n".join(f"Sentence {place} of article {number}." for place in range(sentences))
    return Incoming(article_from_text(text, title=f"Article {number}", source=f"a{number}"), f"20{number % 50:02}")


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    """What is large from 50,000 rows on is large from 1,000 on here."""
    monkeypatch.setattr(nearest, "EXACT_UP_TO", 1_000)


@pytest.fixture(scope="module")
def encoder() -> SpreadEncoder:
    return SpreadEncoder()


@pytest.fixture
def large(tmp_path, encoder) -> Library:
    library = create_library(tmp_path / "large", encoder)
    library.add((article(n) for n in range(ROWS // 30)), encoder)
    yield library
    library.close()


def questions(encoder: SpreadEncoder, count: int = 40) -> FloatArray:
    return encoder.encode_queries([f"Question {n}?" for n in range(count)])


def ten_nearest(library: Library, vectors: FloatArray, *, which: str | None = None) -> list[list[int]]:
    some = only([which] if which else [])
    with library.reading() as snapshot:
        return [snapshot.asked("", vector, which=some).nearest(10)[0].tolist() for vector in vectors]


def plainly(library: Library, vectors: FloatArray, allowed: Sequence[bool] | None = None) -> list[list[int]]:
    with library.reading() as snapshot:
        cosines = vectors @ snapshot.vectors.astype(np.float32).T
    if allowed is not None:
        cosines[:, ~np.array(allowed)] = -2
    return np.argsort(-np.round(cosines, 6), axis=1, kind="stable")[:, :10].tolist()


def recall(found: list[list[int]], expected: list[list[int]]) -> float:
    return float(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, expected, strict=True)]))


def test_without_a_file_of_codes_the_search_is_exact(large, encoder):
    vectors = questions(encoder)
    assert large.statistics().nearest is None
    assert ten_nearest(large, vectors) == plainly(large, vectors)


def test_the_file_of_codes_finds_99_of_100_and_says_so(large, encoder):
    vectors = questions(encoder)
    described = large.index_nearest()
    assert described is not None
    assert (described.rows, described.kind) == (ROWS, "IVF64,SQ8")
    assert described.recall >= 0.99
    assert large.statistics().nearest == described
    assert recall(ten_nearest(large, vectors), plainly(large, vectors)) >= 0.99
    assert check(large) == []


def test_the_cosine_told_is_that_of_the_vector_and_not_of_its_code(large, encoder):
    large.index_nearest()
    vector = questions(encoder)[0]
    with large.reading() as snapshot:
        rows, cosines = snapshot.asked("", vector).nearest(10)
        np.testing.assert_allclose(cosines, snapshot.vectors[rows].astype(np.float32) @ vector, atol=1e-6)


def test_looking_aside_while_the_words_are_read_finds_what_one_thing_after_the_other_finds(large, encoder, monkeypatch):
    """In any number of threads, and with or without the file of codes."""
    texts = [f"Sentence {n} of article {3 * n}." for n in range(30)]
    vectors = encoder.encode_queries(texts)

    def candidates(number: int) -> list[tuple[int, float, float]]:
        with large.reading() as snapshot:
            found = snapshot.asked(texts[number], vectors[number]).candidates()
            return [(one.row, one.cosine, one.bm25) for one in found]

    for _ in range(2):
        monkeypatch.setattr(store, "ASIDE_FROM", ROWS + 1)
        expected = list(map(candidates, range(30)))
        assert all(len(found) >= store.CANDIDATES and max(bm25 for *_, bm25 in found) > 0 for found in expected)
        monkeypatch.setattr(store, "ASIDE_FROM", ROWS)
        with ThreadPoolExecutor(4) as several:
            assert list(several.map(candidates, range(30))) == expected
        large.index_nearest()


def test_what_is_added_after_the_file_was_made_is_found_at_once(large, encoder):
    large.index_nearest()
    large.add([article(1000)], encoder)
    vectors = encoder.encode_queries([f"Sentence {n} of article 1000." for n in range(30)])
    assert [rows[0] for rows in ten_nearest(large, vectors)] == list(range(ROWS, ROWS + 30))
    assert large.index_nearest().rows == ROWS  # thirty more are no reason to make it anew


def test_what_is_removed_is_not_found_in_the_file_nor_behind_it(large, encoder):
    large.index_nearest()
    large.add([article(1000)], encoder)
    vectors = encoder.encode_queries(["Sentence 3 of article 1000.", "Sentence 3 of article 7."])
    large.remove([large.find("a1000").id, large.find("a7").id])
    found = ten_nearest(large, vectors)
    assert not {ROWS + 3, 7 * 30 + 3} & {row for rows in found for row in rows}
    with large.reading() as snapshot:
        allowed = snapshot._state.live.tolist()
    assert recall(found, plainly(large, vectors, allowed)) >= 0.9


@pytest.mark.parametrize("which", ["source:a7", "date:2001..2040"])  # few rows, and most of them
def test_only_finds_the_nearest_among_those_it_allows(large, encoder, which):
    large.index_nearest()
    vectors = questions(encoder)
    with large.reading() as snapshot:
        allowed = snapshot._allowed(only([which])).tolist()
    found = ten_nearest(large, vectors, which=which)
    assert all(allowed[row] for rows in found for row in rows)
    assert recall(found, plainly(large, vectors, allowed)) >= 0.97


def test_it_grows_with_its_cells_and_gets_new_ones_when_outgrown(tmp_path, encoder):
    with create_library(tmp_path / "growing", encoder) as library:
        library.add((article(n) for n in range(40)), encoder)
        first = library.index_nearest()
        library.add((article(n) for n in range(40, 80)), encoder)
        second = library.index_nearest()
        assert (second.trained_on, second.rows) == (first.trained_on, 2_400)
        library.add((article(n) for n in range(80, 165)), encoder)
        third = library.index_nearest()
        assert third.trained_on == third.rows == 4_950
        assert [path.name for path in library.folder.glob("nearest-*")] == [third.file]
        vectors = questions(encoder)
        assert recall(ten_nearest(library, vectors), plainly(library, vectors)) >= 0.99


def test_a_reader_with_the_former_file_open_goes_on(large, encoder):
    first = large.index_nearest()
    vectors = questions(encoder, 5)
    with open_library(large.folder) as reader, reader.reading() as snapshot:
        before = [snapshot.asked("", vector).nearest(10)[0].tolist() for vector in vectors]
        large.index_nearest(force=True)
        assert not (large.folder / first.file).exists()
        assert [snapshot.asked("", vector).nearest(10)[0].tolist() for vector in vectors] == before


@pytest.mark.parametrize("damage", ["missing", "cut", "changed"])
def test_a_damaged_file_of_codes_is_told_and_made_again(large, encoder, damage):
    path = large.folder / large.index_nearest().file
    large.close()
    if damage == "missing":
        path.unlink()
    else:
        content = path.read_bytes()
        path.write_bytes(content[:-100] if damage == "cut" else content[:-100] + b"\0" * 100)
    if damage != "changed":  # a changed byte is only looked for by check
        with pytest.raises(DamagedLibrary, match="library repair"):
            ten_nearest(large, questions(encoder))
    assert [(one.part, one.mends) for one in check(large)] == [("nearest", True)]
    assert repair(large, encoder) == []
    vectors = questions(encoder)
    assert recall(ten_nearest(large, vectors), plainly(large, vectors)) >= 0.99


def resident(path: Path) -> int:
    """Return how many bytes of a mapped file this process holds in memory."""
    lines = Path("/proc/self/smaps").read_text(encoding="utf-8").splitlines()
    here = next(number for number, line in enumerate(lines) if line.endswith(str(path)))
    size = next(line for line in lines[here:] if line.startswith("Rss:"))
    return 1024 * int(size.split()[1])


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="only Linux tells what is in memory")
def test_a_large_library_does_not_come_to_hold_all_its_vectors_question_by_question(tmp_path: Path) -> None:
    count, dim = 100_000, 384
    path = tmp_path / "vectors.f16"
    rng = np.random.default_rng(0)
    write_rows(path, 0, np.repeat(rng.standard_normal((1_000, dim)).astype(np.float16), 100, axis=0))
    vectors = map_vectors(path, count, dim)
    question = rng.standard_normal(dim).astype(np.float32)
    rows = rng.permutation(count).reshape(-1, 400)  # at the end, each row has been read once
    for some in rows:
        wanted = np.einsum("ij,j->i", np.array(vectors[some], dtype=np.float32), question)
        assert np.array_equal(cosines_of(vectors, some, question), wanted)
    let_go(vectors)
    assert resident(path) == 0
    held = []
    for some in rows[:30]:
        cosines_of(vectors, some, question)
        held.append(resident(path))
    assert max(held) > 0
    assert min(held[10:]) == 0  # every eleventh question it lets go of what the others have brought
    assert np.array_equal(vectors[7], vectors[8])  # what was let go of can still be read
