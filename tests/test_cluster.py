"""cluster/: shards are blocks of the sources, and all of them together find what one library finds."""

from __future__ import annotations

import json
import os
import random
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from conftest import WordEncoder

from cluster.asking import ClusterLibrary, Reply, ShardLost, ShardSet, merged, total, wrong
from cluster.blocks import Block, blocks_of, read_block
from cluster.build import build
from cluster.errors import ShardsMissing, SourceChanged, UnfinishedLibrary
from cluster.shards import (
    SHARDS,
    Manifest,
    copies_between,
    finished,
    made_by,
    ranges_of_keys,
    read_copies,
    read_manifest,
    sweep,
    write_manifest,
    write_shard,
)
from index.embeddings import FloatArray, unit_rows
from index.errors import MissingExtra
from index.terms import CUTTING
from library import Found, Incoming, Library, check, create_library, only
from library.errors import DamagedLibrary, LibraryMismatch, NoSuchLibrary
from library.sources import LeftOut, listed, read_sources
from library.words import WordStatistics
from qa.cluster_answer import ClusterAnswerer
from qa.confidence import Calibration
from qa.library_answer import LibraryAnswerer
from qa.reader import FusedReader
from ui.archive import Archive
from ui.conversation import conversation_html


class BagEncoder(WordEncoder):
    """A direction for each word, and their sum for a text: two sentences are as near as their words are many.

    Cosines are hardly ever equal, so that which sentence is the tenth is no matter of chance.
    """

    name = "toy-bag"
    fingerprint = "b" * 64
    dim = 24

    def encode_documents(self, texts: Sequence[str]) -> FloatArray:
        return unit_rows(np.array([self._sum(text) for text in texts], dtype=np.float32).reshape(-1, self.dim))

    def _sum(self, text: str) -> npt.NDArray[np.float64]:
        return sum(map(direction, re.findall(r"\w+", text.lower())), np.zeros(self.dim))


@cache
def direction(word: str) -> npt.NDArray[np.float64]:
    return np.random.default_rng(list(word.encode())).normal(size=BagEncoder.dim)


ENCODER = BagEncoder()
MADE_BY = made_by(ENCODER, None)
SUBJECTS = ("The river", "A flood", "The old bridge", "Mayor Carter", "The town", "Nobody", "A ferry", "The school")
VERBS = ("reached", "damaged", "saw", "was to rebuild", "left", "praised", "closed")
OBJECTS = ("the bridge", "the river", "the spring fair", "the market", "the mayor", "a house of 1953", "the flood wall")
QUESTIONS = (
    "What did the flood do to the bridge?",
    "When did the river reach the market?",
    "Who was to rebuild the old bridge of 1953?",
    "Did the mayor praise the school?",
    "Who left?",
    "Where is the observatory?",
)


def sentence(chance: random.Random) -> str:
    return f"{chance.choice(SUBJECTS)} {chance.choice(VERBS)} {chance.choice(OBJECTS)} on day {chance.randint(1, 40)}."


def written(folder: Path, *, stories: int = 24, lines: int = 30) -> list[str]:
    """Text files and a JSON Lines file, in which many sentences are copies of others; the places, as `listed`."""
    chance = random.Random(7)
    shared = [sentence(chance) for _ in range(12)]
    folder.mkdir(parents=True)

    def story() -> str:
        said = [chance.choice(shared) if chance.random() < 0.3 else sentence(chance) for _ in range(6)]
        return "\n\n".join(" ".join(said[start : start + 3]) for start in (0, 3))

    for number in range(stories):
        (folder / f"2024-{1 + number % 12:02}-10-story-{number}.txt").write_text(story(), encoding="utf-8")
    wires = [{"id": number, "title": f"Wire {number}", "text": story(), "date": "2023-05"} for number in range(lines)]
    wires.insert(3, {"id": "empty", "text": "   "})
    (folder / "wires.jsonl").write_text("".join(json.dumps(wire) + "\n" for wire in wires), encoding="utf-8")
    (folder / "picture.png").write_bytes(b"\x89PNG")
    return listed([str(folder)])


def single(places: Sequence[str], folder: Path) -> Library:
    """One library of the same sources."""
    library = create_library(folder, ENCODER)
    reads = (read for _, read in read_sources(places))
    library.add((read for read in reads if isinstance(read, Incoming)), ENCODER)
    return library


def built(places: Sequence[str], folder: Path, *, size: int = 2_000) -> Manifest:
    """The same sources in shards."""
    (folder / SHARDS).mkdir(parents=True, exist_ok=True)
    shards = [write_shard(block, folder, ENCODER) for block in blocks_of(places, made_by=MADE_BY, size=size)]
    names = [shard.id for shard in shards]
    return write_manifest(folder, shards, ENCODER, [copies_between(folder, names, *ranges_of_keys(1)[0])])


class Here:
    """Groups of shards in this process; those in `dead` do not answer."""

    def __init__(self, folder: Path, *, count: int = 3) -> None:
        self.manifest = read_manifest(folder)
        self.copies = read_copies(folder, self.manifest)
        numbers = range(len(self.manifest.shards))
        self.groups: list[list[int]] = [list(numbers[first::count]) for first in range(count)]
        self.sets = [ShardSet(folder, self.manifest, group, self.copies) for group in self.groups]
        self.dead: set[int] = set()
        self.dies_at = ""  # the method at which the last group that is asked dies, once
        self.changed: Callable[[int, str, Reply], Reply] = lambda _group, _method, reply: reply  # on its way

    def ask(self, groups: Sequence[int], method: str, *arguments: Any) -> dict[int, Reply]:
        if method == self.dies_at:
            self.dead.add(groups[-1])
            self.dies_at = ""
        found = {}
        for group in groups:
            with suppress(DamagedLibrary):
                if group not in self.dead:
                    found[group] = self.changed(group, method, self.sets[group].reply(method, *arguments))
        return found

    def close(self) -> None:
        for one in self.sets:
            one.close()


def opened(folder: Path) -> tuple[ClusterLibrary, Here]:
    hosts = Here(folder)
    return ClusterLibrary(folder, hosts.manifest, hosts, copies=len(hosts.copies)), hosts


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return written(tmp_path_factory.mktemp("sources") / "news")


@pytest.fixture(scope="module")
def folder(places: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cluster")
    built(places, folder)
    return folder


@pytest.fixture(scope="module")
def one_library(places: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    library = single(places, tmp_path_factory.mktemp("single") / "library")
    yield library
    library.close()


def ranking(
    library: Library | ClusterLibrary, question: str, *, k: int, which: Sequence[str] = ()
) -> list[tuple[float, float, tuple[Any, ...]]]:
    """What is found, best first: cosine, BM25 and every place; numbers of sentences are the library's own."""
    condition = only(which)
    vector = ENCODER.encode_queries([question])[0]
    with library.reading() as snapshot:
        found = snapshot.asked(question, vector, which=condition).candidates(k=k)
        places = snapshot.places([one.row for one in found], condition)
        return [(one.cosine, one.bm25, tuple(places[one.row])) for one in found]


# ── Blocks ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def blocks(places: Sequence[str], size: int = 2_000) -> list[Block]:
    return list(blocks_of(places, made_by=MADE_BY, size=size))


def test_the_same_sources_give_the_same_blocks(places: list[str]):
    assert blocks(places) == blocks(places)
    assert len(blocks(places)) > 5
    assert len({block.id for block in blocks(places)}) == len(blocks(places))


def test_another_model_gives_other_blocks(places: list[str]):
    ids = {block.id for block in blocks(places)}
    assert ids.isdisjoint(block.id for block in blocks_of(places, made_by="another", size=2_000))


@pytest.mark.parametrize("size", [1, 500, 2_000, 10**9])
def test_blocks_hold_every_article_once_in_order_with_what_is_left_out(places: list[str], size: int):
    wanted = [read for _, read in read_sources(places)]
    got = [read for block in blocks(places, size) for read in read_block(block)]
    for one in wanted:
        if isinstance(one, Incoming):
            object.__setattr__(one, "stamp", None)
    for one in got:
        if isinstance(one, Incoming):
            object.__setattr__(one, "stamp", None)
    assert got == wanted
    assert any(isinstance(one, LeftOut) for one in got)


def test_a_new_file_and_a_changed_one_leave_most_blocks_as_they_are(tmp_path: Path):
    places = written(tmp_path / "news", stories=80, lines=80)
    before = {block.id for block in blocks(places)}
    (tmp_path / "news" / "2024-01-10-story-0b.txt").write_text("The bridge stood.", encoding="utf-8")
    (tmp_path / "news" / "2024-08-10-story-7.txt").write_text("The bridge fell.", encoding="utf-8")
    after = {block.id for block in blocks(listed([str(tmp_path / "news")]))}
    assert 1 <= len(after - before) <= 6
    assert len(before & after) >= len(before) - 6


def test_lines_at_the_end_of_a_file_leave_the_blocks_before_as_they_are(tmp_path: Path):
    places = written(tmp_path / "news", stories=0, lines=100)
    before = blocks(places)
    with (tmp_path / "news" / "wires.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"text": "The ferry sank."}) + "\n")
    jsonl = [block for block in before if any("wires" in piece.place for piece in block.pieces)]
    after = {block.id for block in blocks(places)}
    assert {block.id for block in jsonl[:-1]} <= after


def test_a_file_that_changed_after_the_blocks_were_cut_is_not_taken_for_what_it_was(tmp_path: Path):
    places = written(tmp_path / "news", stories=1, lines=3)
    (block,) = blocks(places, 10**9)
    (tmp_path / "news" / "wires.jsonl").write_text("{}\n", encoding="utf-8")
    with pytest.raises(SourceChanged, match=r"wires\.jsonl: it is not what it was"):
        list(read_block(block))
    (tmp_path / "news" / "2024-01-10-story-0.txt").write_text("Another.", encoding="utf-8")
    with pytest.raises(SourceChanged, match="story-0"):
        list(read_block(block))


# ── Shards ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_shard_is_a_library_in_which_nothing_is_wrong(folder: Path):
    for shard in read_manifest(folder).shards:
        with Library(folder / SHARDS / shard.id) as library:
            assert check(library) == []
            assert not (library.folder / "library.sqlite-wal").exists()


def test_a_shard_that_is_there_is_not_made_again(places: list[str], folder: Path):
    class Refusing(BagEncoder):
        def encode_documents(self, texts: Sequence[str]) -> Any:
            raise AssertionError("embedded again")

    for block in blocks(places):
        assert write_shard(block, folder, Refusing()) == finished(folder, block.id)


def test_what_is_killed_before_a_shard_is_in_its_place_leaves_no_shard(places: list[str], tmp_path: Path):
    (tmp_path / SHARDS).mkdir()
    (block, *_) = blocks(places)

    def killed() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shard(block, tmp_path, ENCODER, before=killed)
    assert finished(tmp_path, block.id) is None
    assert write_shard(block, tmp_path, ENCODER) == finished(tmp_path, block.id)


def test_two_nodes_with_the_same_block_leave_one_shard(places: list[str], tmp_path: Path):
    (tmp_path / SHARDS).mkdir()
    (block, *_) = blocks(places)
    both = write_shard(block, tmp_path, ENCODER, before=lambda: void(write_shard(block, tmp_path, ENCODER)))
    assert both == finished(tmp_path, block.id)
    assert [one.name for one in (tmp_path / SHARDS).iterdir()] == [block.id]


def void(_: object) -> None:
    return None


def test_what_a_lost_node_was_writing_is_swept_and_finished_shards_stay(folder: Path):
    half = folder / SHARDS / ".new-run1-abcd"
    other = folder / SHARDS / ".new-run2-abcd"
    half.mkdir()
    other.mkdir()
    names = [shard.id for shard in read_manifest(folder).shards]
    assert sweep(folder, run="run1", named=names) == 0
    assert not half.exists()
    assert other.exists(), "another build may be writing it"
    assert sweep(folder, run="run2", named=names[1:]) > 0, "the bytes of the shard that is not named"
    assert finished(folder, names[0]) is not None


def test_a_half_built_library_says_what_is_there_and_what_to_do(places: list[str], tmp_path: Path):
    with pytest.raises(UnfinishedLibrary, match="no library of shards is there"):
        read_manifest(tmp_path)
    (tmp_path / SHARDS).mkdir()
    write_shard(blocks(places)[0], tmp_path, ENCODER)
    with pytest.raises(UnfinishedLibrary, match=r"1 shards are there, and no list of them.*library build --ray"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 1}', '{"format": 99}'])
def test_a_damaged_list_of_shards_is_refused(content: str, tmp_path: Path):
    (tmp_path / "cluster.json").write_text(content, encoding="utf-8")
    with pytest.raises(DamagedLibrary, match=r"cluster\.json"):
        read_manifest(tmp_path)


def test_the_list_of_shards_is_read_as_it_was_written(places: list[str], tmp_path: Path):
    manifest = built(places, tmp_path)
    assert read_manifest(tmp_path) == manifest
    again = built(places, tmp_path)
    assert again.shards == manifest.shards
    assert len(list(tmp_path.glob("copies-*.npy"))) == 1


def test_a_build_puts_a_damaged_list_of_shards_right(places: list[str], tmp_path: Path):
    manifest = built(places, tmp_path)
    (tmp_path / "cluster.json").write_text("{", encoding="utf-8")
    assert built(places, tmp_path).shards == read_manifest(tmp_path).shards == manifest.shards


def test_a_library_of_nothing_can_be_asked(tmp_path: Path):
    built([], tmp_path)
    library, _ = opened(tmp_path)
    answer = ClusterAnswerer(library, ENCODER, FusedReader(), CALIBRATION).ask(QUESTIONS[0])
    assert (answer.reason or "").startswith("The library is empty.")


@pytest.mark.parametrize("rows", [0, 1, 3_500_000])
def test_ranges_of_keys_hold_every_key_once(rows: int):
    ranges = ranges_of_keys(rows)
    keys = [bytes(16), b"\xff" * 16, *(random.Random(1).randbytes(16) for _ in range(200))]
    assert all(sum(first <= key < behind for first, behind in ranges) == 1 for key in keys)


def test_copies_are_the_same_however_the_keys_are_parted(folder: Path, monkeypatch: pytest.MonkeyPatch):
    manifest = read_manifest(folder)
    names = [shard.id for shard in manifest.shards]
    (everything,) = ranges_of_keys(1)
    whole = copies_between(folder, names, *everything)
    monkeypatch.setattr("cluster.shards.KEYS_AT_ONCE", 10)
    parts = [copies_between(folder, names, *some) for some in ranges_of_keys(100)]
    assert len(parts) == 10
    assert len(whole) > 10
    assert set(map(tuple, np.concatenate(parts).tolist())) == set(map(tuple, whole.tolist()))


def test_without_ray_the_command_that_installs_it_is_told(
    places: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=r"needs ray, which is not installed.*article-qa\[cluster\]"):
        build("auto", places, tmp_path, ENCODER)


# ── Merging ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_word_statistics_of_shards_add_up():
    """2 of 10 sentences and 3 of 5 have "flood": 5 of 15; nobody has "ferry"."""
    one = WordStatistics(10, 80, {"flood": 2, "ferri": 0})
    two = WordStatistics(5, 30, {"flood": 3, "ferri": 0})
    assert total([one, two]) == WordStatistics(15, 110, {"flood": 5, "ferri": 0})


def test_merging_keeps_the_best_by_either_measure_and_each_sentence_once():
    """k = 1: of cosines 0.9 (row 4) and 0.8, the first; of BM25 2.0 and 3.0 (row 9), the second."""
    one = [Found(4, 0.9, 0.0), Found(2, 0.8, 2.0)]
    two = [Found(9, 0.1, 3.0), Found(4, 0.9, 0.0)]
    assert merged([one, two], k=1) == [Found(4, 0.9, 0.0), Found(9, 0.1, 3.0)]


def test_of_equal_sentences_the_first_in_the_library_is_better():
    found = [[Found(7, 0.5, 1.0)], [Found(3, 0.5, 1.0)]]
    assert merged(found, k=1) == [Found(3, 0.5, 1.0)]


@pytest.mark.parametrize(
    "which", [(), ("wires",), ("story",), ("date:2024-03",), ("article:7",), ("story", "date:..2024-06")]
)
@pytest.mark.parametrize("k", [1, 3, 20, 1000])
def test_shards_find_what_one_library_finds_to_the_last_rank(
    folder: Path, one_library: Library, k: int, which: tuple[str, ...]
):
    """A third of the sentences are copies, most of them of sentences in another shard."""
    library, hosts = opened(folder)
    assert len(hosts.manifest.shards) > 5
    assert library.copies > 10
    for question in QUESTIONS:
        got = ranking(library, question, k=k, which=which)
        assert got == ranking(one_library, question, k=k, which=which), question
    hosts.close()


@pytest.mark.parametrize("size", [300, 10**9])
def test_many_small_shards_and_a_single_one_find_the_same(
    places: list[str], one_library: Library, tmp_path: Path, size: int
):
    built(places, tmp_path, size=size)
    library, hosts = opened(tmp_path)
    for question in QUESTIONS:
        assert ranking(library, question, k=10) == ranking(one_library, question, k=10)
    hosts.close()


def test_articles_sentences_and_vectors_are_those_of_one_library(folder: Path, one_library: Library):
    library, hosts = opened(folder)
    with library.reading() as ours, one_library.reading() as theirs:
        assert ours.sentences == theirs.sentences
        for held in one_library.articles():
            assert ours.article(held.id) == theirs.article(held.id)
            our_rows, our_places = ours.sentences_of(held.id)
            their_rows, their_places = theirs.sentences_of(held.id)
            assert our_places == their_places
            np.testing.assert_array_equal(ours.vectors[our_rows], theirs.vectors[their_rows])
            assert list(ours.places(our_rows).values()) == list(theirs.places(their_rows).values())
        with pytest.raises(KeyError):
            ours.article(0)
        with pytest.raises(KeyError):
            ours.article(10_000)
    hosts.close()


@pytest.mark.parametrize("which", [(), ("wires",), ("article:7",), ("nothing has this name",)])
def test_the_contents_are_those_of_one_library(folder: Path, one_library: Library, which: tuple[str, ...]):
    library, hosts = opened(folder)
    assert library.count(only(which)) == one_library.count(only(which))
    for count in (1, 7, 100):
        ours, theirs = (some.newest(count, only(which)) for some in (library, one_library))
        assert [replace(held, added="") for held in ours] == [replace(held, added="") for held in theirs]
    for held in one_library.articles(only(which)):
        assert library.with_text(held.fingerprint).id == one_library.with_text(held.fingerprint).id
    with pytest.raises(NoSuchLibrary, match="no article of that text"):
        library.with_text("0" * 64)
    hosts.close()


def test_words_that_no_shard_has_are_named(folder: Path, one_library: Library):
    library, hosts = opened(folder)
    vector = ENCODER.encode_queries([QUESTIONS[5]])[0]
    with library.reading() as ours, one_library.reading() as theirs:
        assert ours.asked(QUESTIONS[5], vector).words == theirs.asked(QUESTIONS[5], vector).words
        assert ours.word_statistics(QUESTIONS[0]) == theirs.word_statistics(QUESTIONS[0])
    hosts.close()


def test_shards_that_do_not_answer_are_counted_and_the_others_answer(folder: Path):
    library, hosts = opened(folder)
    hosts.dead = {1}
    found = ranking(library, QUESTIONS[0], k=5)
    assert found
    assert library.missing == tuple(hosts.groups[1])
    lost = {shard for number in hosts.groups[1] for shard in _articles(hosts.manifest, number)}
    assert not lost & {place.article for _, _, places in found for place in places}
    hosts.dead = set()
    ranking(library, QUESTIONS[0], k=5)
    assert library.missing == ()
    hosts.close()


METHODS = ("statistics", "search", "places")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "change",
    [
        lambda reply: replace(reply, generation="0" * 16),
        lambda reply: replace(reply, searched=dict(list(reply.searched.items())[1:])),
        lambda reply: replace(reply, searched={one: count - 1 for one, count in reply.searched.items()}),
        lambda reply: replace(reply, searched={**reply.searched, "f" * 32: 1}),
    ],
    ids=["another generation", "a shard less", "a sentence less", "a shard more"],
)
def test_a_reply_that_is_not_what_was_asked_counts_as_none(folder: Path, method: str, change: Callable[[Reply], Reply]):
    """Only shards whose every sentence was searched are in an answer; the others are named."""
    library, hosts = opened(folder)
    hosts.dead = {1}
    without = ranking(library, QUESTIONS[0], k=10)
    hosts.dead = set()
    hosts.changed = lambda group, called, reply: change(reply) if (group, called) == (1, method) else reply
    got = ranking(library, QUESTIONS[0], k=10)
    assert library.missing == tuple(hosts.groups[1])
    if method == "statistics":
        assert got == without
    hosts.close()


@pytest.mark.parametrize("method", ["article", "sentences_of", "vectors"])
def test_an_article_is_not_read_from_a_reply_that_is_not_what_was_asked(folder: Path, method: str):
    library, hosts = opened(folder)
    answerer = ClusterAnswerer(library, ENCODER, FusedReader(), CALIBRATION)
    hosts.changed = lambda _group, called, reply: replace(reply, generation="0") if called == method else reply
    with pytest.raises(ShardLost, match="does not answer any more"):
        answerer.ask(QUESTIONS[0])
    hosts.close()


def test_a_reply_names_its_shards_and_the_sentences_that_were_searched(folder: Path):
    hosts = Here(folder)
    manifest = hosts.manifest
    for group, numbers in enumerate(hosts.groups):
        reply = hosts.sets[group].reply("ready")
        assert reply.generation == manifest.generation
        assert reply.searched == {manifest.shards[n].id: manifest.shards[n].sentences for n in numbers}
        assert wrong(reply, manifest, numbers) is None
        assert "shards were not searched as they are listed" in (wrong(reply, manifest, numbers[1:]) or "")
    hosts.close()


@pytest.mark.parametrize("before", [True, False], ids=["before it is opened", "while it is asked"])
def test_a_shard_that_somebody_wrote_to_is_not_taken_for_what_was_built(
    places: list[str], tmp_path: Path, before: bool
):
    manifest = built(places, tmp_path)

    def write() -> None:
        with Library(tmp_path / SHARDS / manifest.shards[1].id) as shard:
            shard.remove([shard.articles()[0].id])

    if before:
        write()
    library, hosts = opened(tmp_path)
    if not before:
        assert ranking(library, QUESTIONS[0], k=5)
        assert library.missing == ()
        write()
    assert ranking(library, QUESTIONS[0], k=5)
    assert library.missing == tuple(hosts.groups[1])
    with pytest.raises(DamagedLibrary, match="was written to after it was built"):
        hosts.sets[1].reply("ready")
    hosts.close()


def test_who_asks_a_library_can_open_its_generation_again_after_another_build(places: list[str], tmp_path: Path):
    first = built(places, tmp_path)
    second = built(places[:-5], tmp_path)
    assert first.generation != second.generation
    assert read_manifest(tmp_path) == second
    assert read_manifest(tmp_path, generation=first.generation) == first
    assert len(read_copies(tmp_path, first)) > 0
    assert built(places, tmp_path) == first, "the same shards are the same generation"
    with pytest.raises(UnfinishedLibrary, match="built anew since"):
        read_manifest(tmp_path, generation="0" * 16)


def test_lists_that_nobody_asks_any_more_are_deleted_after_a_day(places: list[str], tmp_path: Path):
    oldest, former = built(places[:3], tmp_path), built(places[:5], tmp_path)
    for path in tmp_path.glob("c*-*"):
        os.utime(path, (0, 0))
    now = built(places[:7], tmp_path)
    kept = {path.stem.partition("-")[2] for path in tmp_path.glob("c*-*")}
    assert kept == {former.generation, now.generation}
    assert oldest.generation not in kept


def test_copies_of_another_list_are_refused(places: list[str], tmp_path: Path):
    manifest = built(places, tmp_path)
    np.save(tmp_path / manifest.copies, read_copies(tmp_path, manifest)[1:])
    with pytest.raises(DamagedLibrary, match="it is not what was written"):
        read_copies(tmp_path, manifest)


def _articles(manifest: Manifest, number: int) -> range:
    firsts = manifest.first_articles
    return range(firsts[number] + 1, firsts[number + 1] + 1)


def test_without_any_shard_nothing_is_answered(folder: Path):
    library, hosts = opened(folder)
    hosts.dead = {0, 1, 2}
    with pytest.raises(ShardsMissing, match=r"none of .* shards answers"):
        ranking(library, QUESTIONS[0], k=5)
    hosts.close()


def test_another_model_may_not_ask_the_shards(folder: Path):
    class Other(BagEncoder):
        name = "other-words"
        fingerprint = "0" * 64

    library, hosts = opened(folder)
    library.refuse_mismatch(ENCODER)
    with pytest.raises(LibraryMismatch, match=r"toy-bag.*other-words"):
        library.refuse_mismatch(Other())
    hosts.close()


def test_shards_whose_words_were_cut_alike_may_be_asked_whatever_they_weighed_then(folder: Path):
    library, hosts = opened(folder)
    library.manifest = replace(library.manifest, terms=f"bm25 lucene k1=1.5 b=0.75, {CUTTING}")
    library.refuse_mismatch(ENCODER)
    library.manifest = replace(library.manifest, terms="snowball english, rules 1")
    with pytest.raises(LibraryMismatch, match=r"rules 1.*rules 3.*Build it again"):
        library.refuse_mismatch(ENCODER)
    hosts.close()


# ── Answering ────────────────────────────────────────────────────────────────────────────────────────────────────────

CALIBRATION = Calibration("fused", 0.0, {"top_logit": 1.0}, threshold=0.3)


@pytest.mark.parametrize("which", [(), ("wires",), ("nothing has this name",)])
def test_shards_answer_as_one_library_does_to_the_last_digit(
    folder: Path, one_library: Library, which: tuple[str, ...]
):
    library, hosts = opened(folder)
    ours = ClusterAnswerer(library, ENCODER, FusedReader(), CALIBRATION, which=only(which))
    theirs = LibraryAnswerer(one_library, ENCODER, FusedReader(), CALIBRATION, which=only(which))
    for question in (*QUESTIONS, "", "?"):
        got, wanted = ours.as_dict(ours.ask(question)), theirs.as_dict(theirs.ask(question))
        assert got.pop("library")["missing_shards"] == []
        wanted.pop("library")
        assert {**got, "ms": 0} == {**wanted, "ms": 0}
        assert ours.as_text(ours.ask(question), k=3) == theirs.as_text(theirs.ask(question), k=3)
    assert "54 articles in" in ours.described
    hosts.close()


def test_an_answer_says_how_many_shards_were_missing(folder: Path):
    library, hosts = opened(folder)
    answerer = ClusterAnswerer(library, ENCODER, FusedReader(), CALIBRATION)
    hosts.dead = {2}
    answer = answerer.ask(QUESTIONS[0])
    ids = [hosts.manifest.shards[number].id for number in hosts.groups[2]]
    count, of = len(ids), len(hosts.manifest.shards)
    assert (answer.missing, answer.shards) == (tuple(ids), of)
    assert answerer.as_text(answer).count(f"{count} of {of} shards did not answer") == 1
    assert answerer.as_dict(answer)["library"]["missing_shards"] == ids
    hosts.dead = set()
    assert "did not answer" not in answerer.as_text(answerer.ask(QUESTIONS[0]))
    hosts.dead = {2}
    answerer.ask(QUESTIONS[0])
    assert answerer.ask("").missing == (), "nothing was asked of the shards"
    hosts.close()


def test_the_app_shows_a_library_of_shards_as_it_shows_any_other_and_says_what_was_not_searched(
    folder: Path, one_library: Library
):
    library, hosts = opened(folder)
    ours, theirs = (
        Archive(answerer(some, ENCODER, FusedReader(), CALIBRATION))
        for answerer, some in ((ClusterAnswerer, library), (LibraryAnswerer, one_library))
    )
    assert ours.suggestions() == theirs.suggestions()
    assert ours.contents("wires").replace(ours.name, "") == theirs.contents("wires").replace(theirs.name, "")
    for question in QUESTIONS:
        got, wanted = (archive.ask(question, (), pane="contents") for archive in (ours, theirs))
        shown, plain = (re.sub(r"\d+ ms", "", conversation_html([one])) for one in (got, wanted))
        assert shown == plain
        assert "did not answer" not in shown
        assert ours.pane(got.key) == theirs.pane(wanted.key)
    hosts.dead = {1}
    for question in (QUESTIONS[0], QUESTIONS[5]):
        shown = conversation_html([ours.ask(question, (), pane="contents")])
        assert shown.count("shards did not answer: what stands in them was not searched.") == 1
    hosts.close()


def test_where_nothing_is_found_what_was_not_searched_is_said_as_well(folder: Path):
    library, hosts = opened(folder)
    answerer = ClusterAnswerer(library, ENCODER, FusedReader(), CALIBRATION, which=only(["nothing has this name"]))
    hosts.dead = {0}
    answer = answerer.ask(QUESTIONS[0])
    assert not answer.candidates
    assert "shards did not answer" in (answer.reason or "")
    assert answerer.as_text(answer).count("shards did not answer") == 1
    hosts.close()


@pytest.mark.parametrize("method", ["statistics", "search", "places", "article", "sentences_of", "vectors"])
def test_shards_that_are_lost_in_the_middle_of_a_question_do_not_spoil_its_answer(folder: Path, method: str):
    library, hosts = opened(folder)
    answerer = ClusterAnswerer(library, ENCODER, FusedReader(), CALIBRATION)
    hosts.dies_at = method
    answer = answerer.ask(QUESTIONS[0])
    assert answer.candidates
    assert answer.missing
    lost = {
        number for group in hosts.dead for shard in hosts.groups[group] for number in _articles(hosts.manifest, shard)
    }
    assert not lost & {place.article for place in answer.places}
    hosts.close()
