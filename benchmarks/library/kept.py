"""Texts go in; their vectors come out, each text embedded once and never again, however often a run is broken off.

    FOLDER/keys.b16       16 bytes a text: the hash of its words
    FOLDER/vectors.f32    the vector of the same text, float32

Vectors are written before keys, so what counts is as many as there are keys; several processes may write at once.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from index.embeddings import Encoder, FloatArray
from library.store import key_of

KEY = 16  # bytes
TOGETHER = 2_048  # texts embedded before they are written: half a minute of work


class KeptEncoder:
    """An encoder that remembers in a folder; `seconds` says how long it has waited for the real one and the disk."""

    def __init__(self, real: Encoder, folder: Path) -> None:
        """Raises ValueError when the folder holds vectors of another model."""
        self.name, self.fingerprint, self.dim = real.name, real.fingerprint, real.dim
        self.seconds = 0.0
        self._real = real
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        about = folder / "about.json"
        if not about.exists():
            about.write_text(json.dumps({"model": real.fingerprint, "dim": real.dim}), encoding="utf-8")
        if json.loads(about.read_text(encoding="utf-8"))["model"] != real.fingerprint:
            raise ValueError(f"{folder} holds vectors of another model; give another folder")
        self._path = folder / "keys.b16"
        self._rows: dict[bytes, int] = {}
        self._vectors: FloatArray = np.empty((0, self.dim), dtype=np.float32)
        self.refresh()

    def __len__(self) -> int:
        return len(self._rows)

    def refresh(self) -> None:
        """Read what others have written since."""
        found = self._path.read_bytes() if self._path.exists() else b""
        count = len(found) // KEY
        self._rows = {found[KEY * row : KEY * (row + 1)]: row for row in range(count)}
        if count:
            shape = (count, self.dim)
            self._vectors = np.asarray(np.memmap(self.folder / "vectors.f32", np.float32, "r", shape=shape))

    def knows(self, text: str) -> bool:
        """Return whether the text has been embedded before."""
        return key_of(text) in self._rows

    def encode_documents(self, texts: Sequence[str]) -> FloatArray:
        """Return the vectors, float32 (len(texts), dim), rows of length 1; those that are new are embedded and kept."""
        began = time.perf_counter()
        keys = [key_of(text) for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._rows}
        for start in range(0, len(new), TOGETHER):
            some = dict(list(new.items())[start : start + TOGETHER])
            self._keep(list(some), self._real.encode_documents(list(some.values())))
        if new:
            self.refresh()
        found = self._vectors[[self._rows[key] for key in keys]] if keys else np.empty((0, self.dim), np.float32)
        self.seconds += time.perf_counter() - began
        return found

    encode_queries = encode_documents

    def embed(self, texts: Sequence[str], *, until: float, said: Callable[[int], None]) -> int:
        """Embed what is new of the texts, in order, until `time.monotonic()` is past `until`; return how many were."""
        missing = [text for text in dict.fromkeys(texts) if not self.knows(text)]
        done = 0
        for start in range(0, len(missing), TOGETHER):
            if time.monotonic() > until:
                break
            some = missing[start : start + TOGETHER]
            self._keep([key_of(text) for text in some], self._real.encode_documents(some))
            done += len(some)
            said(done)
        self.refresh()
        return done

    def _keep(self, keys: Sequence[bytes], vectors: FloatArray) -> None:
        with self._locked():
            count = self._path.stat().st_size // KEY if self._path.exists() else 0
            for name, at, data in (
                ("vectors.f32", count * 4 * self.dim, np.ascontiguousarray(vectors, dtype=np.float32).tobytes()),
                ("keys.b16", count * KEY, b"".join(keys)),
            ):
                handle = os.open(self.folder / name, os.O_RDWR | os.O_CREAT)
                with os.fdopen(handle, "r+b") as file:
                    file.seek(at)
                    file.write(data)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
