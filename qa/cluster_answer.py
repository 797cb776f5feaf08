"""A question comes in; what a library of several shards answers goes out, and how many of them did not answer.

It is asked, read and decided as any library is (qa/library_answer.py); only what is missing is said in addition.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, cast

from cluster.asking import ClusterLibrary, ShardLost
from cluster.serve import opened_on_cluster
from index.build import cache_folder
from index.embeddings import Encoder
from library import Library, Only, library_folder
from library import only as only_these
from qa.answer import DEFAULT_READER, USER_CACHE, Answer, open_models
from qa.confidence import Calibration, load_calibration
from qa.dialogue import Turn
from qa.library_answer import LibraryAnswerer
from qa.reader import Reader

TRIES = 3  # of a question during which a shard was lost; the next try goes without it


@dataclass(frozen=True, slots=True)
class ClusterAnswer(Answer):
    """An answer of a library of several shards."""

    shards: int = 0  # of the library
    missing: tuple[str, ...] = ()  # the ids of those that did not answer: what stands in them was not searched

    @property
    def not_searched(self) -> str:
        """What was not searched, in a sentence for people; empty where all was."""
        if not self.missing:
            return ""
        return (
            f"{len(self.missing):,} of {self.shards:,} shards did not answer: what stands in them was not searched. "
            "They are started anew; ask again in a minute."
        )


class ClusterAnswerer(LibraryAnswerer):
    """Answers questions about all articles of a library that is spread over a cluster, or about some."""

    def __init__(
        self,
        library: ClusterLibrary,
        encoder: Encoder,
        reader: Reader,
        calibration: Calibration,
        *,
        which: Only | None = None,
        min_confidence: float | None = None,
        dense_weight: float | None = None,
    ) -> None:
        """As `LibraryAnswerer`. Raises LibraryMismatch."""
        # It offers all that is asked of a library here, and nothing is added or removed.
        super().__init__(
            cast(Library, library), encoder, reader, calibration, which=which,
            min_confidence=min_confidence, dense_weight=dense_weight,
        )  # fmt: skip
        self.shards = library

    def ask(self, question: str, history: Sequence[Turn] = ()) -> ClusterAnswer:
        """Return the answer to a question in the light of earlier turns (oldest first).

        Raises ShardsMissing when none answers, and for no question text.
        """
        for last in (*[False] * (TRIES - 1), True):
            self.shards.begin()
            try:
                answer = super().ask(question, history)
                break
            except ShardLost:
                if last:
                    raise
        known = {field.name: getattr(answer, field.name) for field in fields(Answer)}
        shards = self.shards.manifest.shards
        missing = tuple(shards[number].id for number in self.shards.missing)
        said = ClusterAnswer(**known, shards=len(shards), missing=missing)
        if said.not_searched and said.home is None:  # where no sentence is shown, only the reason is
            return replace(said, reason=f"{said.reason} {said.not_searched}")
        return said

    @property
    def described(self) -> str:
        """What is asked, in a line for people."""
        manifest = self.shards.manifest
        articles = sum(shard.articles for shard in manifest.shards)
        some = f", only {self.which.said}" if self.which else ""
        return f"{self.shards.folder.name}: {articles:,} articles in {len(manifest.shards):,} shards{some}."

    def as_text(self, answer: Answer, *, k: int = 1, bold: bool = False) -> str:
        """Return an answer as lines for people; the last says what was not searched, where something was not."""
        text = super().as_text(answer, k=k, bold=bold)
        if isinstance(answer, ClusterAnswer) and answer.not_searched and answer.home is not None:
            text += f"\n{answer.not_searched}"
        return text

    def as_dict(self, answer: Answer) -> dict[str, Any]:
        """Return an answer as JSON types: as of a library, with the number of shards and which of them were missing."""
        record = super().as_dict(answer)
        if isinstance(answer, ClusterAnswer):
            record["library"] = {**record["library"], "shards": answer.shards, "missing_shards": list(answer.missing)}
        return record


@contextmanager
def cluster_answerer(
    address: str,
    name: str,
    *,
    replicas: int = 1,
    only: Sequence[str] = (),
    model: str | None = None,
    reader: str = DEFAULT_READER,
    cache: Path | None = USER_CACHE,
    min_confidence: float | None = None,
    dense_weight: float | None = None,
) -> Iterator[ClusterAnswerer]:
    """Yield what answers questions about a library whose shards the nodes of a cluster hold meanwhile.

    name: of the library, or its folder, which all nodes must share. replicas: how often each shard is held.
    Raises UserError.
    """
    which = only_these(only)
    with opened_on_cluster(address, library_folder(name), replicas=replicas) as library:
        encoder, chosen = open_models(model, reader, cache_folder() if cache is USER_CACHE else cache)
        yield ClusterAnswerer(
            library, encoder, chosen, load_calibration(chosen.name, library=True), which=which,
            min_confidence=min_confidence, dense_weight=dense_weight,
        )  # fmt: skip
