"""cluster/ on a real Ray cluster of three nodes, one of which is killed during a build: nothing is lost."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from test_cluster import ENCODER, QUESTIONS, BagEncoder, Here, built, ranking, single, written

from cluster.asking import ClusterLibrary
from cluster.build import build
from cluster.errors import ClusterError, NoCluster, NotShared, UnlikeNode
from cluster.ray_nodes import connected
from cluster.ray_nodes import nodes as alive_nodes
from cluster.serve import opened_on_cluster
from cluster.shards import SHARDS, read_manifest
from index.embeddings import Encoder, FloatArray
from library import Library, check

ray = pytest.importorskip("ray", reason="ray is not installed: pip install 'article-qa[cluster]'")

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.filterwarnings("ignore"),  # Ray's own: of its sockets, processes and future defaults
]
LONG = 120.0  # seconds after which a wait is given up; nothing is measured by it
NODE = {"num_cpus": 1, "object_store_memory": 80_000_000}


@pytest.fixture(scope="module")
def nodes() -> Iterator[Any]:
    """A cluster whose first node is where the tests run, and two more."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as environment:
        # The nodes import the toy encoder from here.
        tests = Path(__file__).parent
        environment.setenv("PYTHONPATH", os.pathsep.join(map(str, (tests.parent, tests))))
        cluster = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
        for _ in range(2):
            cluster.add_node(**NODE)
        cluster.wait_for_nodes()
        yield cluster
        ray.shutdown()
        cluster.shutdown()


@pytest.fixture
def address(nodes: Any) -> Iterator[str]:
    """The cluster's address, as a driver that is connected; there are three nodes."""
    while len(nodes.worker_nodes) < 2:
        nodes.add_node(**NODE)
    nodes.wait_for_nodes()
    with connected(nodes.address):
        yield nodes.address


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return written(tmp_path_factory.mktemp("sources") / "news")


@pytest.fixture(scope="module")
def one_library(places: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    library = single(places, tmp_path_factory.mktemp("single") / "library")
    yield library
    library.close()


def until(true: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + LONG
    while not true():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.1)


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


def test_a_node_killed_during_a_build_costs_only_its_unfinished_blocks(
    nodes: Any, address: str, places: list[str], one_library: Library, tmp_path: Path
):
    notes = tmp_path / "notes"
    notes.mkdir()
    waiting = Waiting(notes)
    folder = tmp_path / "library"
    victim = next(iter(nodes.worker_nodes))
    killed: list[Any] = []

    def kill() -> None:
        until(lambda: len(set(waiting.begun())) == 3, "a block on every node")
        nodes.remove_node(victim, allow_graceful=False)
        killed.append(victim)
        (notes / "go").touch()

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        done = build(address, places, folder, ENCODER, factory=waiting, block_bytes=2_000)
    finally:
        killer.join()
    assert killed
    assert done.made == done.shards == len(read_manifest(folder).shards)
    alive = {node.id for node in alive_nodes()}
    lost = sum(node not in alive for node in waiting.begun())
    assert len(waiting.begun()) - done.shards <= lost, "blocks of the other nodes were not made twice"
    for shard in read_manifest(folder).shards:
        with Library(folder / SHARDS / shard.id) as library:
            assert check(library) == []
    assert not [one for one in (folder / SHARDS).iterdir() if one.name.startswith(".")]
    hosts = Here(folder)
    library = ClusterLibrary(folder, hosts.manifest, hosts, copies=len(hosts.copies))
    for question in QUESTIONS:
        assert ranking(library, question, k=10) == ranking(one_library, question, k=10)
    hosts.close()


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


@pytest.mark.parametrize("wrong", ["127.0.0.1:1", "nowhere", "http://127.0.0.1:6379", "ray://127.0.0.1:10001"])
def test_a_wrong_address_is_told_at_once(wrong: str, places: list[str], tmp_path: Path):
    with pytest.raises(NoCluster, match="HOST:"):
        build(wrong, places, tmp_path, ENCODER, factory=BagEncoder)
