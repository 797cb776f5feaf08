"""The address of a Ray cluster comes in; a connection to it goes out, and what is wrong with one of its nodes.

Ray is asked for no more than it is good at: to run a call somewhere, to run it again when a node is lost, and to start
an actor anew. What moves between nodes is small; texts and vectors lie in the folder that all share.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.errors import ClusterError, NoCluster, NotShared, UnlikeNode
from cluster.shards import FORMAT, MANIFEST, SHARDS
from index.embeddings import Encoder
from index.errors import MissingExtra
from index.sentences import SPLITTER
from index.terms import TERMS
from library.store import FORMAT as SHARD_FORMAT

ANSWERS_WITHIN = 5.0  # seconds, to a connection; a cluster on the same network takes milliseconds
NOTICED_WITHIN = 60.0  # seconds in which Ray notices that a node is lost; by its own settings it takes up to 30
PROBED_WITHIN = 120.0  # seconds for every node to say that it is there: the first call starts a process on each

EncoderFactory = Callable[[], Encoder]  # called on the node, which has its own copy of the model


@dataclass(frozen=True, slots=True)
class Node:
    """A machine of the cluster."""

    id: str
    name: str  # its network address, as its owner knows it
    cpus: float


def ray_module() -> Any:
    """Return Ray. Raises MissingExtra."""
    # It would tell its makers how it is used.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise MissingExtra("working on a cluster needs ray", extra="cluster") from error
    return ray


@contextmanager
def connected(address: str) -> Iterator[None]:
    """Be a driver of the cluster at this address (HOST:PORT, "auto", or "local": this machine alone) for a while.

    Whoever is connected already stays so, after as well. Raises NoCluster or MissingExtra.
    """
    ray = ray_module()
    if ray.is_initialized():
        yield
        return
    _refuse_silence(address)
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", configure_logging=False)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        raise NoCluster(_no_cluster(address, str(error).strip().splitlines()[0])) from error
    try:
        yield
    finally:
        ray.shutdown()


def _refuse_silence(address: str) -> None:
    """Raise NoCluster at once where nothing listens: Ray would try for much longer, and then say much more."""
    if address in ("auto", "local"):
        return
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdecimal() or "/" in host:
        raise NoCluster(
            f"{address!r} is no address of a cluster. Give HOST:PORT of its head node (6379 is Ray's usual port), "
            '"auto" on a node of it, or "local" for this machine alone.'
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWERS_WITHIN).close()
    except (OSError, OverflowError) as error:
        raise NoCluster(_no_cluster(address, getattr(error, "strerror", None) or str(error))) from error


def _no_cluster(address: str, why: str) -> str:
    return (
        f"{address}: no Ray cluster answers there ({why}). Start its head node with: ray start --head --port 6379, "
        "and give HOST:6379, or run on one of its nodes with --ray auto."
    )


def nodes() -> list[Node]:
    """Return the nodes that are alive."""
    found = [
        Node(str(node["NodeID"]), str(node["NodeManagerAddress"]), float(node["Resources"].get("CPU", 0.0)))
        for node in ray_module().nodes()
        if node["Alive"]
    ]
    return sorted(found, key=lambda node: (node.name, node.id))


def check_nodes(folder: Path, *, writes: bool) -> None:
    """Raise NotShared or UnlikeNode when a node does not see the folder, cannot write there, or has another program."""
    ray = ray_module()
    token = f".seen-{secrets.token_hex(8)}"
    try:
        if writes:
            (folder / SHARDS).mkdir(parents=True, exist_ok=True)
            (folder / token).touch()
    except OSError as error:
        raise NotShared(
            f"{folder}: cannot be written ({error.strerror}). Give a folder that all nodes share."
        ) from error
    try:
        probe = ray.remote(_probe)
        asked = {}
        for node in nodes():
            here = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(node.id, soft=False)
            asked[node] = probe.options(num_cpus=0, max_retries=0, scheduling_strategy=here).remote(
                str(folder), token if writes else MANIFEST, writes
            )
        for node, answer in asked.items():
            try:
                complaint, program = ray.get(answer, timeout=PROBED_WITHIN)
            except ray.exceptions.RayError as error:
                if not isinstance(error, ray.exceptions.RayTaskError) and _goes(node):
                    continue
                raise UnlikeNode(
                    f"node {node.name} cannot run this program ({_last_line(error)}). "
                    "Install article-qa[cluster] of the same version there, with the same Python."
                ) from error
            if complaint:
                raise NotShared(
                    f"node {node.name} {complaint}. Give a folder that all nodes share, under the same name on each."
                )
            if program != _program():
                raise UnlikeNode(
                    f"node {node.name} has another version of this program ({program}) than this one ({_program()}). "
                    "Install the same on all nodes."
                )
    finally:
        (folder / token).unlink(missing_ok=True)


def _goes(node: Node) -> bool:
    """Whether a node that does not answer is lost: it is known to be alive until its silence has been noticed."""
    until = time.monotonic() + NOTICED_WITHIN
    while any(other.id == node.id for other in nodes()):
        if time.monotonic() > until:
            return False
        time.sleep(0.2)
    return True


def _probe(folder: str, file: str, writes: bool) -> tuple[str, str]:
    """What is wrong with the folder as this node sees it, and what program this is."""
    place = Path(folder)
    if not (place / file).exists():
        return f"does not see what is in {folder}", _program()
    if writes and not os.access(place / SHARDS, os.W_OK):
        return f"may not write in {folder}", _program()
    return "", _program()


def _program() -> str:
    return f"{SPLITTER}, {TERMS}, formats {SHARD_FORMAT} and {FORMAT}"


def _last_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1].strip() if lines else type(error).__name__


def enough_cpus(wanted: float) -> None:
    """Raise ClusterError when no node has so many: Ray would wait for one that has."""
    most = max((node.cpus for node in nodes()), default=0.0)
    if most < wanted:
        raise ClusterError(
            f"a block is to have {wanted:g} processors and the largest node has {most:g}. Give --cpus {max(most, 1):g}."
        )
