"""A library of shards and a cluster come in; actors that hold the shards go out, as the `Hosts` of a `ClusterLibrary`.

    group 0 ── shards 0, 3, 6 ...   replica 0 on node A, replica 1 on node B
    group 1 ── shards 1, 4, 7 ...   replica 0 on node B, replica 1 on node C
    group 2 ── ...

One replica of each group is asked. When it does not answer, the next is; when none does, the group is left out of this
answer, which says so. Ray starts a lost actor anew on a node that is there, and it opens its shards again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cluster.asking import ClusterLibrary, ShardSet
from cluster.errors import ShardsMissing
from cluster.ray_nodes import check_nodes, connected, nodes, ray_module
from cluster.shards import Manifest, read_copies, read_manifest
from library.errors import LibraryError
from library.vectors import RowArray

PATIENCE = 10.0  # seconds that a replica may take: a search takes milliseconds, opening its shards a few seconds
STARTED_WITHIN = 300.0  # seconds for all actors, at the beginning
AT_ONCE = 4  # questions that an actor works on at the same time


@contextmanager
def opened_on_cluster(
    address: str, folder: Path, *, replicas: int = 1, groups: int | None = None, patience: float = PATIENCE
) -> Iterator[ClusterLibrary]:
    """Yield the library, held by the nodes of a cluster as long as the block lasts.

    replicas: actors that hold each shard. groups: parts that the shards are dealt into; None: one for each node.
    Raises NoCluster, NotShared, UnfinishedLibrary, LibraryError when a shard cannot be opened.
    """
    folder = folder.resolve()
    manifest = read_manifest(folder)
    copies = read_copies(folder, manifest)
    with connected(address):
        check_nodes(folder, writes=False)
        hosts = RayHosts(folder, manifest, copies, replicas=replicas, groups=groups, patience=patience)
        try:
            hosts.wait_until_open()
            yield ClusterLibrary(folder, manifest, hosts, copies=len(copies))
        finally:
            hosts.close()


class RayHosts:
    """Actors that hold the shards of a library; any number of threads may ask."""

    def __init__(
        self,
        folder: Path,
        manifest: Manifest,
        copies: RowArray,
        *,
        replicas: int = 1,
        groups: int | None = None,
        patience: float = PATIENCE,
    ) -> None:
        """The same as `opened_on_cluster`, connected already. Raises ValueError for less than one of anything."""
        if replicas < 1 or (groups is not None and groups < 1):
            raise ValueError(f"{replicas} replicas of {groups} groups: wanted at least one of each")
        ray = ray_module()
        working = [node for node in nodes() if node.cpus] or nodes()
        full = [number for number, shard in enumerate(manifest.shards) if shard.sentences]
        count = max(1, min(groups or len(working), len(full)))
        self.groups: Sequence[Sequence[int]] = [full[first::count] for first in range(count)]
        self._patience = patience
        self._failed: dict[tuple[int, int], float] = {}  # (group, replica) -> when it last did not answer
        self._lock = threading.Lock()
        self._turn = 0
        self._actors: list[list[Any]] = []
        self._shared = ray.put((str(folder), manifest, copies))  # kept: a lost actor is made from it again
        holder = ray.remote(_Holder)
        for group, shards in enumerate(self.groups):
            alike = []
            for replica in range(replicas):
                there = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
                    working[(group + replica) % len(working)].id, soft=True
                )
                placed = holder.options(
                    num_cpus=0,  # set aside: a lost actor must find room on the nodes that are left
                    max_restarts=-1,
                    max_task_retries=0,
                    max_concurrency=AT_ONCE,
                    scheduling_strategy=there,
                )
                alike.append(placed.remote(self._shared, list(shards)))
            self._actors.append(alike)

    def wait_until_open(self) -> None:
        """Return when every actor has opened its shards. Raises LibraryError, or ShardsMissing when some do not."""
        ray = ray_module()
        asked = [actor.ask.remote("ready") for alike in self._actors for actor in alike]
        try:
            ray.get(asked, timeout=STARTED_WITHIN)
        except ray.exceptions.RayTaskError as error:
            raise error.cause or error from None
        except ray.exceptions.RayError as error:
            raise ShardsMissing(
                f"the shards were not open within {STARTED_WITHIN:.0f} s ({str(error).strip().splitlines()[0]}). "
                "`ray status` shows what the nodes are doing."
            ) from error

    def ask(self, groups: Sequence[int], method: str, *arguments: Any) -> dict[int, Any]:
        """Return what a method of `ShardSet` returns in each of these groups; a group that does not answer is left out.

        What the method itself raises is raised, but for LibraryError: a node may have lost the folder.
        """
        ray = ray_module()
        found: dict[int, Any] = {}
        order = {group: self._replicas_of(group) for group in groups}
        for attempt in range(max((len(one) for one in order.values()), default=0)):
            asked = {
                group: self._actors[group][order[group][attempt]].ask.remote(method, *arguments)
                for group in groups
                if group not in found
            }
            until = time.monotonic() + self._patience
            for group, answer in asked.items():
                try:
                    found[group] = ray.get(answer, timeout=max(0.0, until - time.monotonic()))
                except ray.exceptions.RayTaskError as error:
                    if not isinstance(error.cause, LibraryError):
                        raise (error.cause or error) from None
                    self._note(group, order[group][attempt])
                except ray.exceptions.RayError:
                    self._note(group, order[group][attempt])
        return found

    def _replicas_of(self, group: int) -> list[int]:
        """The replicas in the order in which they are asked: by turns, those that failed last at the end."""
        count = len(self._actors[group])
        with self._lock:
            self._turn += 1
            turns = [(self._turn + place) % count for place in range(count)]
            return sorted(turns, key=lambda replica: self._failed.get((group, replica), 0.0))

    def _note(self, group: int, replica: int) -> None:
        with self._lock:
            self._failed[group, replica] = time.monotonic()

    def close(self) -> None:
        """End the actors."""
        ray = ray_module()
        for actor in (actor for alike in self._actors for actor in alike):
            ray.kill(actor)


class _Holder:
    """The actor: some shards, opened when they are first asked for."""

    def __init__(self, shared: tuple[str, Manifest, RowArray], which: Sequence[int]) -> None:
        self._shared, self._which = shared, which
        self._lock = threading.Lock()
        self._set: ShardSet | None = None

    def ask(self, method: str, *arguments: Any) -> Any:
        """Return what a method of `ShardSet` returns; "ready" only opens the shards."""
        with self._lock:
            if self._set is None:
                folder, manifest, copies = self._shared
                self._set = ShardSet(Path(folder), manifest, self._which, copies)
        return None if method == "ready" else getattr(self._set, method)(*arguments)
