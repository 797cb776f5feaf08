"""cluster/ on a real Ray cluster of three nodes, of which some are killed: nothing is lost, and nothing is kept back.

No test depends on how fast anything is: each waits for what must come, for as long as LONG, and where an answer may
come before what was lost is back, it must either be that of one library or say what it is without.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from conftest import Ran
from test_cluster import CALIBRATION, ENCODER, QUESTIONS, BagEncoder, built, ranking, single, written

import qa.answer
from cluster.asking import ClusterLibrary, ShardSet
from cluster.blocks import blocks_of
from cluster.build import build
from cluster.errors import ClusterError, NoCluster, NotShared, ShardsMissing, UnlikeNode
from cluster.ray_nodes import check_nodes, connected
from cluster.serve import Holder, RayHosts, opened_on_cluster
from cluster.shards import SHARDS, Manifest, made_by, read_copies, read_manifest
from index.embeddings import Encoder, FloatArray
from library import Library, check
from library.errors import NoSuchLibrary
from qa.cluster_answer import ClusterAnswerer
from qa.reader import FusedReader

ray = pytest.importorskip("ray", reason="ray is not installed: pip install 'article-qa[cluster]'")

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.filterwarnings("ignore"),  # Ray's own: of its sockets, processes and future defaults
]
LONG = 240.0  # seconds after which a wait is given up; nothing is measured by it
# Three nodes on a machine of two processors and 2 GB: one process each, and little memory for what is passed between.
NODE = {"num_cpus": 1, "object_store_memory": 80_000_000, "include_dashboard": False}


class Nodes:
    """A cluster whose first node is where the tests run, and two more; it leaves no process behind."""

    def __init__(self) -> None:
        import psutil  # Ray brings it
        from ray.cluster_utils import Cluster

        self._psutil = psutil
        self._started: set[Any] = set()
        self._before = set(psutil.Process().children(recursive=True))
        self.cluster: Any = self._begun(lambda: Cluster(initialize_head=True, head_node_args=NODE))

    def three(self) -> str:
        """See to it that there are three nodes, and return the address."""
        while len(self.cluster.worker_nodes) < 2:
            self._begun(lambda: self.cluster.add_node(wait=False, **NODE))
        self.cluster.wait_for_nodes(timeout=LONG)
        self._count()
        return str(self.cluster.address)

    def _begun(self, begin: Callable[[], Any]) -> Any:
        """What `begin` returns; Ray gives a node 30 s to come up, in which a busy machine may not get to it."""
        end = time.monotonic() + LONG
        while True:
            before = set(self._psutil.Process().children(recursive=True))
            try:
                return begin()
            except Exception:
                for process in set(self._psutil.Process().children(recursive=True)) - before:
                    with suppress(self._psutil.NoSuchProcess):
                        process.kill()
                if time.monotonic() > end:
                    raise

    def kill_one(self) -> str:
        """Kill a node, not the first, with a signal that cannot be caught; return its id."""
        self._count()
        victim = next(iter(self.cluster.worker_nodes))
        self.cluster.remove_node(victim, allow_graceful=False)
        return str(victim.node_id)

    def _count(self) -> None:
        self._started |= set(self._psutil.Process().children(recursive=True)) - self._before

    def close(self) -> None:
        """End every process that was started."""
        self._count()
        try:
            ray.shutdown()
            self.cluster.shutdown()
        finally:
            _, left = self._psutil.wait_procs(self._started, timeout=30)
            for process in left:
                process.kill()
            self._psutil.wait_procs(left, timeout=30)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with pytest.MonkeyPatch.context() as environment:
        # The nodes import the toy encoder from here.
        tests = Path(__file__).parent
        environment.setenv("PYTHONPATH", os.pathsep.join(map(str, (tests.parent, tests))))
        environment.setenv("RAY_prestart_worker_first_driver", "0")
        # Ray lets its processes wait for all others, which on a busy machine is for a long time.
        environment.setenv("RAY_worker_niceness", "0")
        nodes = Nodes()
        try:
            yield nodes
        finally:
            nodes.close()


@pytest.fixture
def address(nodes: Nodes) -> Iterator[str]:
    """The cluster's address, as a driver that is connected; there are three nodes."""
    with connected(nodes.three()):
        yield str(nodes.cluster.address)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return written(tmp_path_factory.mktemp("sources") / "news")


@pytest.fixture(scope="module")
def one_library(places: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    library = single(places, tmp_path_factory.mktemp("single") / "library")
    yield library
    library.close()


@pytest.fixture(scope="module")
def folder(places: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same sources in shards."""
    folder = tmp_path_factory.mktemp("cluster")
    built(places, folder)
    return folder


def until(true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + LONG
    while not true():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.1)


# ── Building ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Waiting:
    """Makes, on a node, an encoder that says where it begins with a block and waits to be let on."""

    notes: Path

    def __call__(self) -> Encoder:
        notes = self.notes

        class WaitingEncoder(BagEncoder):
            def encode_documents(self, texts: Sequence[str]) -> FloatArray:
                here = ray.get_runtime_context().get_node_id()
                (notes / f"{here} {time.time_ns()}").touch()
                until((notes / "go").exists, "being let on")
                return super().encode_documents(texts)

        return WaitingEncoder()

    def begun(self) -> list[str]:
        """The node of each block that was begun."""
        return [note.name.split()[0] for note in self.notes.iterdir() if " " in note.name]


def test_a_node_killed_during_a_build_loses_nothing_and_doubles_nothing(
    nodes: Nodes, address: str, places: list[str], one_library: Library, tmp_path: Path
):
    """Ray gives a block of the lost node to another, perhaps more than once; its shard stands once."""
    notes = tmp_path / "notes"
    notes.mkdir()
    waiting = Waiting(notes)
    folder = tmp_path / "library"
    killed: list[str] = []

    def kill() -> None:
        try:
            until(lambda: len(set(waiting.begun())) == 3, "a block on every node")
            killed.append(nodes.kill_one())
        finally:
            (notes / "go").touch()

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        done = build(address, places, folder, ENCODER, factory=waiting, block_bytes=2_000)
    finally:
        killer.join()
    assert killed
    assert killed[0] in waiting.begun()
    manifest = read_manifest(folder)
    blocks = [block.id for block in blocks_of(places, made_by=made_by(ENCODER, None), size=2_000)]
    assert [shard.id for shard in manifest.shards] == blocks
    assert done.made == done.shards == len(set(blocks))
    assert {one.name for one in (folder / SHARDS).iterdir()} == set(blocks), "no shard more, and nothing half written"
    sources: Counter[str] = Counter()
    for shard in manifest.shards:
        with Library(folder / SHARDS / shard.id) as library:
            assert check(library) == []
            sources.update(held.source for held in library.articles())
    assert sources == Counter(held.source for held in one_library.articles())
    shards = ShardSet(folder, manifest, range(len(blocks)), read_copies(folder, manifest))
    whole = shards.reply("ready")
    assert sum(whole.searched.values()) - done.copies == one_library.statistics().sentences
    shards.close()
    with opened_on_cluster(address, folder, patience=LONG) as asked:
        same_as_one(asked, one_library)


def test_a_second_build_makes_only_what_is_missing(address: str, places: list[str], tmp_path: Path):
    former = built(places, tmp_path)
    again = build(address, places, tmp_path, ENCODER, factory=BagEncoder, block_bytes=2_000)
    assert (again.made, again.shards) == (0, len(former.shards))
    assert again.left_out
    for shard in former.shards[:2]:
        (tmp_path / SHARDS / shard.id).rename(tmp_path / shard.id)
    mended = build(address, places, tmp_path, ENCODER, factory=BagEncoder, block_bytes=2_000)
    assert mended.made == 2
    assert read_manifest(tmp_path).shards == former.shards


# ── Asking ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def same_as_one(library: ClusterLibrary, one_library: Library) -> None:
    """Every shard answers, and what is found is what one library finds, to the last rank."""
    for question, k in ((QUESTIONS[0], 1), (QUESTIONS[0], 1000), *((question, 10) for question in QUESTIONS)):
        got = ranking(library, question, k=k)
        assert library.missing == (), question
        assert got == ranking(one_library, question, k=k), question


def same_or_said(library: ClusterLibrary, one_library: Library, question: str) -> bool:
    """Whether every shard answered; then it must be the answer of one library, and else it must hold none of theirs."""
    try:
        got = ranking(library, question, k=10)
    except ShardsMissing:
        return False  # that is said too: on a busy machine, no shard may be in time
    lost = {
        number
        for shard in library.missing
        for number in range(library.manifest.first_articles[shard] + 1, library.manifest.first_articles[shard + 1] + 1)
    }
    if not lost:
        assert got == ranking(one_library, question, k=10), question
    assert not lost & {place.article for _, _, there in got for place in there}
    return not lost


def test_a_question_waits_for_what_a_killed_node_held(nodes: Nodes, address: str, folder: Path, one_library: Library):
    """With patience enough, no answer is without the lost shards: they are opened on a node that is left."""
    with opened_on_cluster(address, folder, patience=LONG) as library:
        assert len(library.hosts.groups) == 3
        same_as_one(library, one_library)
        nodes.kill_one()
        same_as_one(library, one_library)


def test_answers_while_a_node_is_lost_are_those_of_one_library_or_say_what_is_missing(
    nodes: Nodes, address: str, folder: Path, one_library: Library
):
    """Questions are asked without a pause, before the node is killed, while it dies, and until all is back."""
    stop = threading.Event()
    wholes: list[bool] = []
    wrong: list[BaseException] = []

    def ask_on(library: ClusterLibrary) -> None:
        try:
            while not stop.is_set():
                wholes.extend(same_or_said(library, one_library, question) for question in QUESTIONS)
        except BaseException as error:
            wrong.append(error)

    with opened_on_cluster(address, folder, patience=2.0) as library:
        asking = threading.Thread(target=ask_on, args=(library,))
        asking.start()
        try:
            until(lambda: any(wholes) or bool(wrong), "an answer of all shards")
            nodes.kill_one()
            seen = len(wholes)
            # That the node is gone may be noticed late: more than one round must have been asked since.
            until(lambda: bool(wrong) or (len(wholes) > seen + 12 and all(wholes[-6:])), "the lost shards elsewhere")
        finally:
            stop.set()
            asking.join()
    assert wrong == []


def test_with_two_replicas_a_killed_node_is_not_missed(nodes: Nodes, address: str, folder: Path, one_library: Library):
    with opened_on_cluster(address, folder, replicas=2, patience=LONG) as library:
        same_as_one(library, one_library)
        nodes.kill_one()
        same_as_one(library, one_library)


class Blindable(Holder):
    """Does not see the shards on the nodes that are named in a file beside them."""

    def opened(self) -> ShardSet:
        """Return the shards, where they are seen."""
        if ray.get_runtime_context().get_node_id() in blind_file(self._folder).read_text(encoding="utf-8"):
            raise NoSuchLibrary(f"{self._folder}: no library is there.")
        return super().opened()


def blind_file(folder: Path) -> Path:
    return folder.parent / f"{folder.name}.blind"


def hosted(folder: Path, **options: Any) -> tuple[ClusterLibrary, RayHosts]:
    manifest = read_manifest(folder)
    hosts = RayHosts(folder, manifest, holder=Blindable, **options)
    return ClusterLibrary(folder, manifest, hosts, copies=len(read_copies(folder, manifest))), hosts


def test_a_lost_actor_comes_back_on_a_node_that_sees_its_shards(
    nodes: Nodes, address: str, folder: Path, one_library: Library
):
    """Two of three nodes lose the folder, and the actors that they held are killed: all end on the third."""
    blind_file(folder).write_text("", encoding="utf-8")
    library, hosts = hosted(folder, patience=LONG)
    try:
        hosts.wait_until_open()
        same_as_one(library, one_library)
        blind = {str(node.node_id) for node in nodes.cluster.worker_nodes}
        blind_file(folder).write_text(" ".join(blind), encoding="utf-8")
        for replica in (replica for alike in hosts._replicas for replica in alike):
            ray.kill(replica.actor, no_restart=False)
        same_as_one(library, one_library)
        assert {replica.node for alike in hosts._replicas for replica in alike}.isdisjoint(blind)
    finally:
        hosts.close()


def test_shards_that_no_node_sees_are_said_to_be_missing_and_found_again_when_one_does(
    address: str, folder: Path, one_library: Library
):
    blind_file(folder).write_text("", encoding="utf-8")
    library, hosts = hosted(folder, groups=2, patience=3.0)
    try:
        hosts.wait_until_open()
        blind_file(folder).write_text(" ".join(node["NodeID"] for node in ray.nodes()), encoding="utf-8")
        ray.kill(hosts._replicas[1][0].actor)
        answerer = ClusterAnswerer(library, ENCODER, FusedReader(), CALIBRATION)
        ids = tuple(library.manifest.shards[number].id for number in hosts.groups[1])

        def missed() -> bool:
            try:
                return answerer.ask(QUESTIONS[0]).missing == ids
            except ShardsMissing:  # on a busy machine the others may not be in time either
                return False

        until(missed, "an answer without the shards that nobody sees, and only without those")
        assert same_or_said(library, one_library, QUESTIONS[0]) is False
        blind_file(folder).write_text("", encoding="utf-8")
        until(lambda: same_or_said(library, one_library, QUESTIONS[0]), "the shards to be found again")
    finally:
        hosts.close()
    blind_file(folder).write_text(" ".join(node["NodeID"] for node in ray.nodes()), encoding="utf-8")
    _, never = hosted(folder)
    try:
        with pytest.raises(ShardsMissing, match=r"no node can open some of the shards: .*no library is there"):
            never.wait_until_open()
    finally:
        never.close()


def test_actors_begun_after_another_build_still_hold_the_library_that_is_asked(
    address: str, places: list[str], one_library: Library, tmp_path: Path
):
    built(places, tmp_path)
    with opened_on_cluster(address, tmp_path, patience=LONG) as library:
        later: Manifest = built(places[:-5], tmp_path)
        assert later.generation != library.manifest.generation
        for alike in library.hosts._replicas:
            ray.kill(alike[0].actor)
        same_as_one(library, one_library)


# ── What a user can mend, and the commands ───────────────────────────────────────────────────────────────────────────


def test_what_a_user_can_mend_is_said_in_one_line(
    address: str, places: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(ClusterError, match=r"wanted|processors|largest node has 1"):
        build(address, places, tmp_path, ENCODER, factory=BagEncoder, cpus=8)

    class Other(BagEncoder):
        fingerprint = "c" * 64

    with pytest.raises(ClusterError, match="a node has other weights"):
        build(address, places, tmp_path / "other", Other(), factory=BagEncoder)
    # What a node with its own disk in that place sees.
    built(places, tmp_path / "own")
    monkeypatch.setattr("cluster.ray_nodes._probe", lambda _folder, _file, _writes: ("does not see it", ""))
    with (
        pytest.raises(NotShared, match=r"does not see it\. Give a folder that all nodes share"),
        opened_on_cluster(address, tmp_path / "own"),
    ):
        pass
    monkeypatch.setattr("cluster.ray_nodes._probe", lambda _folder, _file, _writes: ("", "an older one"))
    with pytest.raises(UnlikeNode, match="another version"), opened_on_cluster(address, tmp_path / "own"):
        pass


def test_a_node_that_was_lost_just_now_is_not_taken_for_one_that_cannot_run_the_program(
    nodes: Nodes, address: str, folder: Path
):
    """For some seconds Ray knows it as alive still."""
    nodes.kill_one()
    check_nodes(folder, writes=False)


@pytest.mark.parametrize("wrong", ["127.0.0.1:1", "nowhere", "http://127.0.0.1:6379", "ray://127.0.0.1:10001"])
def test_a_wrong_address_is_told_at_once(wrong: str, places: list[str], tmp_path: Path):
    with pytest.raises(NoCluster, match="HOST:"):
        build(wrong, places, tmp_path, ENCODER, factory=BagEncoder)


@pytest.fixture
def _toy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No model is loaded, here or on a node, and no folder of the user's is touched."""
    monkeypatch.setattr(qa.answer, "_shared_encoder", lambda model, *, cache: ENCODER)
    # By its name in full: the package shows the function of that name.
    monkeypatch.setattr(import_module("cluster.build"), "ModelOnNode", lambda model, threads: BagEncoder)
    monkeypatch.setenv("ARTICLE_QA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ARTICLE_QA_LIBRARIES", str(tmp_path / "libraries"))


@pytest.mark.usefixtures("_toy")
def test_the_commands_build_a_library_and_answer_as_from_one_on_this_machine(
    run: Callable[..., Ran], address: str, places: list[str], tmp_path: Path
):
    news = str(Path(places[0]).parent)
    shared = str(tmp_path / "shared" / "news")
    made = run("library", "build", "--ray", address, "--library", shared, "--block", "0.002", news)
    assert made.status == 0, made.err
    assert made.out.startswith("10 of 10 shards made, 2 sources left out. news: 54 articles, ")
    again = json.loads(run("library", "build", "--ray", address, "-l", shared, "--block", "0.002", news, "--json").out)
    assert (again["made"], again["shards"], again["folder"]) == (0, 10, shared)
    run("library", "add", news)
    asked = ("ask", "--reader", "fused", "--json", QUESTIONS[0])
    one = json.loads(run(*asked, "--library", "default").out)
    ran = run(*asked, "--library", shared, "--ray", address)
    got = json.loads(ran.out)
    assert (got["library"]["shards"], got["library"]["missing_shards"]) == (10, [])
    for record in (one, got):
        del record["library"], record["ms"]
    assert got == one


def test_a_cluster_is_asked_for_a_library_only(run: Callable[..., Ran]):
    ran = run("ask", "--ray", "auto", QUESTIONS[0])
    assert ran.status == 2
    assert "it belongs to --library" in ran.err
