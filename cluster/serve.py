"""A library of shards and a cluster come in; actors that hold the shards go out, as the `Hosts` of a `ClusterLibrary`.

    group 0 ── shards 0, 3, 6 ...   replica 0 on node A, replica 1 on node B
    group 1 ── shards 1, 4, 7 ...   replica 0 on node B, replica 1 on node C
    group 2 ── ...

One replica of each group is asked. When it does not answer as it should, the next is. When none does, a question waits
for one to come back, up to its patience; then the group is left out of this answer, which says so, and later questions
do not wait for it until it is there again.

An actor is made from a few words that name the library: nothing of it lies in memory that may be lost. Ray starts a
process that ended anew where it was; when the node is lost, or the shards cannot be opened there, another is begun on a
node that has not been tried.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cluster.asking import OF_ONE, ClusterLibrary, Reply, ShardSet, wrong
from cluster.errors import ClusterError, ShardsMissing
from cluster.ray_nodes import check_nodes, connected, nodes, ray_module
from cluster.shards import Manifest, read_copies, read_manifest
from library.errors import LibraryError

PATIENCE = 10.0  # seconds for a call: a search takes milliseconds, a new process with its shards a few seconds
STARTED_WITHIN = 300.0  # seconds for all actors, at the beginning
LOOK = 0.1  # seconds between two looks at an actor that is being started
PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds before the next look, or the next start: twice as long after each of these
AT_ONCE = 4  # questions that an actor works on at the same time


@contextmanager
def opened_on_cluster(
    address: str, folder: Path, *, replicas: int = 1, groups: int | None = None, patience: float = PATIENCE
) -> Iterator[ClusterLibrary]:
    """Yield the library, held by the nodes of a cluster as long as the block lasts.

    replicas: actors that hold each shard. groups: parts that the shards are dealt into; None: one for each node.
    Raises NoCluster, NotShared, UnfinishedLibrary, DamagedLibrary, ShardsMissing when no node can open a shard.
    """
    folder = folder.resolve()
    manifest = read_manifest(folder)
    copies = read_copies(folder, manifest)
    with connected(address):
        check_nodes(folder, writes=False)
        hosts = RayHosts(folder, manifest, replicas=replicas, groups=groups, patience=patience)
        try:
            hosts.wait_until_open()
            yield ClusterLibrary(folder, manifest, hosts, copies=len(copies))
        finally:
            hosts.close()


def dealt(manifest: Manifest, groups: int) -> list[list[int]]:
    """Return the shards of each group, by their place in the manifest; those without a sentence are in none."""
    full = [number for number, shard in enumerate(manifest.shards) if shard.sentences]
    count = max(1, min(groups, len(full)))
    return [full[first::count] for first in range(count)]


class Holder:
    """The actor: the shards of a group, opened when they are first asked for."""

    def __init__(self, folder: str, generation: str, group: int, groups: int) -> None:
        """Short arguments: Ray keeps them with its list of actors, and makes a lost one from them again."""
        self._folder, self._generation, self._group, self._groups = Path(folder), generation, group, groups
        self._lock = threading.Lock()
        self._set: ShardSet | None = None

    def ask(self, method: str, *arguments: Any) -> tuple[str, Reply | str]:
        """Return the id of this node, and what `ShardSet.reply` returns, or why the shards cannot be asked here."""
        node = str(ray_module().get_runtime_context().get_node_id())
        try:
            with self._lock:
                if self._set is None:
                    self._set = self.opened()
                held = self._set
            return node, held.reply(method, *arguments)
        except (LibraryError, ClusterError, OSError) as error:
            with self._lock:
                self._set = None  # not closed: other threads may be reading in it
            return node, str(error)

    def opened(self) -> ShardSet:
        """Return the shards, opened. Raises UnfinishedLibrary or LibraryError."""
        manifest = read_manifest(self._folder, generation=self._generation)
        shards = dealt(manifest, self._groups)[self._group]
        return ShardSet(self._folder, manifest, shards, read_copies(self._folder, manifest))


@dataclass(slots=True, eq=False)
class _Replica:
    """One place of a group: an actor, or the one that came after it."""

    group: int
    actor: Any
    node: str | None  # where it was put, or where it last spoke from
    looked: Any  # the call that shows whether it is there; None: it is
    since: float = 0.0  # when that was called
    due: float = 0.0  # not looked at before
    starts: int = 0  # since it was there
    why: str = ""  # of the last failure
    blind: set[str] = field(default_factory=set)  # nodes where its shards cannot be opened


@dataclass(frozen=True, slots=True)
class _Call:
    """Who was asked, and until when it may take."""

    replica: _Replica
    actor: Any
    which: Sequence[int]  # the shards that must be in the reply
    end: float


class RayHosts:
    """Actors that hold the shards of a library; any number of threads may ask."""

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        *,
        replicas: int = 1,
        groups: int | None = None,
        patience: float = PATIENCE,
        holder: type[Holder] = Holder,
    ) -> None:
        """The same as `opened_on_cluster`, connected already. Raises ValueError for less than one of anything."""
        if replicas < 1 or (groups is not None and groups < 1):
            raise ValueError(f"{replicas} replicas of {groups} groups: wanted at least one of each")
        self._folder, self._manifest, self._patience = folder, manifest, patience
        self.groups: Sequence[Sequence[int]] = dealt(manifest, groups or len(_working()))
        self._class = ray_module().remote(holder)
        self._lock = threading.Lock()  # of all below
        self._turn = 0
        self._lost: set[int] = set()  # groups for which a question has waited in vain
        self._replicas: list[list[_Replica]] = [[] for _ in self.groups]
        for group, alike in enumerate(self._replicas):
            for _ in range(replicas):
                replica = _Replica(group, None, None, None)
                alike.append(replica)
                self._start(replica)

    def wait_until_open(self) -> None:
        """Return when every actor has opened its shards. Raises ShardsMissing when some cannot."""
        until = time.monotonic() + STARTED_WITHIN
        every = [replica for alike in self._replicas for replica in alike]
        while True:
            with self._lock:
                closed = [replica for replica in every if not self._there(replica)]
            if not closed:
                return
            working = {node.id for node in _working()}
            for replica in closed:
                if replica.blind >= working:
                    raise ShardsMissing(f"no node can open some of the shards: {replica.why}")
            if time.monotonic() > until:
                why = next((replica.why for replica in closed if replica.why), "no more is known")
                raise ShardsMissing(
                    f"{len(closed):,} of {len(every):,} actors did not open their shards within {STARTED_WITHIN:.0f} s "
                    f"({why}). `ray status` shows what the nodes are doing."
                )
            time.sleep(LOOK)

    def ask(self, groups: Sequence[int], method: str, *arguments: Any) -> dict[int, Reply]:
        """Return what `ShardSet.reply` returns in each of these groups; a group that does not answer is left out.

        It takes no longer than the patience for each replica. What the call itself raises is raised, but for what
        says that the shards cannot be opened there.
        """
        ray = ray_module()
        until = time.monotonic() + self._patience * len(self._replicas[0])
        with self._lock:
            lost = set(self._lost)  # not waited for
        found: dict[int, Reply] = {}
        waiting = set(groups)
        which = [int(arguments[0])] if method in OF_ONE else None
        flying: dict[Any, _Call] = {}
        while waiting:
            asked = {call.replica.group for call in flying.values()}
            for group in sorted(waiting - asked):
                there = self._next(group)
                if there is not None:
                    replica, actor = there
                    end = min(until, time.monotonic() + self._patience)
                    flying[actor.ask.remote(method, *arguments)] = _Call(
                        replica, actor, which or self.groups[group], end
                    )
                elif group in lost:
                    waiting.discard(group)
            if time.monotonic() >= until:
                break
            if not flying:
                time.sleep(LOOK if waiting else 0.0)
                continue
            for answer in ray.wait(list(flying), num_returns=1, timeout=LOOK)[0]:
                call = flying.pop(answer)
                reply = self._heard(call, answer)
                if reply is not None:
                    found[call.replica.group] = reply
                    waiting.discard(call.replica.group)
            for answer, call in list(flying.items()):
                if time.monotonic() >= call.end:
                    self._failed(flying.pop(answer), "it took too long")
        for call in flying.values():
            self._failed(call, "it took too long")
        with self._lock:
            self._lost |= waiting
            self._lost -= found.keys()
        return found

    def _next(self, group: int) -> tuple[_Replica, Any] | None:
        """A replica that is there, by turns, and its actor."""
        with self._lock:
            self._turn += 1
            alike = self._replicas[group]
            for place in range(len(alike)):
                replica = alike[(self._turn + place) % len(alike)]
                if self._there(replica):
                    return replica, replica.actor
        return None

    def _heard(self, call: _Call, answer: Any) -> Reply | None:
        """The reply to a call that is done; None when it is none. Raises what the call raised."""
        ray = ray_module()
        try:
            node, said = ray.get(answer)
        except ray.exceptions.RayTaskError as error:
            raise (error.cause or error) from None
        except ray.exceptions.RayError as error:
            self._failed(call, _first_line(error))
            return None
        complaint = said if isinstance(said, str) else wrong(said, self._manifest, call.which)
        if complaint is not None:
            self._failed(call, complaint, blind=node)
            return None
        assert isinstance(said, Reply)
        return said

    def _failed(self, call: _Call, why: str, *, blind: str | None = None) -> None:
        """Note that an actor cannot be asked now; blind: the node where its shards cannot be opened."""
        with self._lock:
            replica = call.replica
            if replica.actor is not call.actor or replica.looked is not None:
                return  # another thread has noted it
            if blind is None:
                self._doubt(replica, why)
            else:
                self._move(replica, why, blind)

    # What follows is called with the lock held.

    def _there(self, replica: _Replica) -> bool:
        """Whether a replica can be asked; when it could not, what has come of it since is looked at."""
        ray = ray_module()
        if replica.looked is None and replica.actor is not None:
            return True
        if time.monotonic() < replica.due:
            return False
        if replica.actor is None:
            self._start(replica)
            return False
        if not ray.wait([replica.looked], timeout=0)[0]:
            if time.monotonic() > replica.since + STARTED_WITHIN:
                self._move(replica, f"it did not come up within {STARTED_WITHIN:.0f} s", replica.node)
            return False
        try:
            node, said = ray.get(replica.looked)
        except (ray.exceptions.ActorDiedError, ray.exceptions.ActorUnschedulableError) as error:  # for good
            self._move(replica, _first_line(error), replica.node)
            return False
        except ray.exceptions.RayError as error:
            self._doubt(replica, _first_line(error))
            return False
        complaint = said if isinstance(said, str) else wrong(said, self._manifest, self.groups[replica.group])
        if complaint is not None:
            self._move(replica, complaint, node)
            return False
        replica.node, replica.looked, replica.starts, replica.why = node, None, 0, ""
        replica.blind.clear()
        return True

    def _doubt(self, replica: _Replica, why: str) -> None:
        """Ask a replica for nothing more until it has said that it is there."""
        replica.why, replica.due = why, time.monotonic() + PAUSE
        self._look(replica)

    def _look(self, replica: _Replica) -> None:
        replica.since = time.monotonic()
        replica.looked = replica.actor.ask.remote("ready")

    def _move(self, replica: _Replica, why: str, blind: str | None) -> None:
        """End an actor that is of no use on this node; another is started after a pause."""
        with suppress(ray_module().exceptions.RayError):
            ray_module().kill(replica.actor)
        if blind is not None:
            replica.blind.add(blind)
        replica.actor = replica.looked = None
        replica.why, replica.due = why, time.monotonic() + min(LONGEST_PAUSE, PAUSE * 2**replica.starts)

    def _start(self, replica: _Replica) -> None:
        working = _working()
        if replica.blind >= {node.id for node in working}:
            replica.blind.clear()  # what no node saw may have come back
        others = [other for alike in self._replicas for other in alike if other is not replica]
        same = {other.node for other in others if other.group == replica.group}
        taken = [other.node for other in others]
        place = min(
            (node.id for node in working if node.id not in replica.blind),
            key=lambda node: (node in same, node == replica.node, taken.count(node)),
        )
        # Not a wish (soft=True), which Ray may pass over: then both replicas of a group could be lost with one node,
        # and a node that does not see the shards be given them again and again.
        strategies = ray_module().util.scheduling_strategies
        there = strategies.NodeAffinitySchedulingStrategy(place, soft=False)
        replica.actor = self._class.options(
            num_cpus=0,  # set aside: a lost actor must find room on the nodes that are left
            max_restarts=-1,  # on its node
            max_task_retries=0,
            max_concurrency=AT_ONCE,
            scheduling_strategy=there,
        ).remote(str(self._folder), self._manifest.generation, replica.group, len(self.groups))
        replica.node = place
        replica.starts += 1
        self._look(replica)

    def close(self) -> None:
        """End the actors."""
        ray = ray_module()
        with self._lock:
            for replica in (replica for alike in self._replicas for replica in alike):
                # Without a connection there are none: they end with it.
                if replica.actor is not None and ray.is_initialized():
                    with suppress(ray.exceptions.RayError):
                        ray.kill(replica.actor)


def _working() -> list[Any]:
    """The nodes that can be given an actor."""
    return [node for node in nodes() if node.cpus] or nodes()


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].strip() if lines else type(error).__name__
