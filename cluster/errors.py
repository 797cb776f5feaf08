"""What went wrong with a cluster comes in as one line of plain words; what goes out is a UserError that says so.

UserError (index/errors.py)
├── MissingExtra             Ray is not installed
└── ClusterError             the cluster, or the library on it, cannot be used
    ├── NoCluster            nothing answers at the address
    ├── NotShared            a node does not see the library's folder, or cannot write there
    ├── UnlikeNode           a node has another version of this program, or other weights
    ├── SourceChanged        a file is not what it was when the build began
    ├── UnfinishedLibrary    no build of the library has come to its end
    └── ShardsMissing        so many shards did not answer that nothing can be said
"""

from __future__ import annotations

from index.errors import UserError


class ClusterError(UserError):
    """The cluster, or the library on it, cannot be used."""


class NoCluster(ClusterError):
    """Nothing answers at the address."""


class NotShared(ClusterError):
    """A node does not see the library's folder, or cannot write there."""


class UnlikeNode(ClusterError):
    """A node has another version of this program, or other weights."""


class SourceChanged(ClusterError):
    """A file is not what it was when the build began."""


class UnfinishedLibrary(ClusterError):
    """No build of the library has come to its end."""


class ShardsMissing(ClusterError):
    """So many shards did not answer that nothing can be said."""
