"""From sources to a library that several machines make and answer for, by Ray; the same questions, the same answers.

    sources ─► blocks.py ─► one node reads and embeds a block: shards.py ─► a folder of shards, and their list
                            build.py gives the blocks out
    question ─► asking.py asks every shard in two rounds and merges ─► what one library of all would find
                serve.py keeps the shards open, in actors

Ray is imported by ray_nodes.py alone, when something is asked of a cluster.
"""

from __future__ import annotations

from cluster.asking import ClusterLibrary, ShardSet
from cluster.build import Built, build
from cluster.errors import ClusterError
from cluster.serve import opened_on_cluster
from cluster.shards import Manifest, read_manifest

__all__ = [
    "Built",
    "ClusterError",
    "ClusterLibrary",
    "Manifest",
    "ShardSet",
    "build",
    "opened_on_cluster",
    "read_manifest",
]
