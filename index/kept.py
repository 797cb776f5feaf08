"""A cache folder comes in; what is kept in it goes out, and can be deleted."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

# All that this program writes into a cache folder. Nothing else is ever deleted: --cache may name any folder.
INDEXES = "indexes"
OTHERS = ("graphs", "weights.json")


@dataclass(frozen=True, slots=True)
class Kept:
    """An index in the cache."""

    folder: Path
    title: str | None  # None where the manifest cannot be read
    source: str | None
    sentences: int | None
    model: str | None
    size: int  # bytes on disk
    built: datetime  # UTC


def kept_indexes(cache: Path) -> list[Kept]:
    """Return the indexes in the cache, the newest first; none when there is no such folder."""
    indexes = cache / INDEXES
    if not indexes.is_dir():
        return []
    kept = [_kept(folder) for folder in indexes.iterdir() if folder.is_dir() and not folder.name.startswith(".")]
    return sorted(kept, key=lambda one: (one.built, one.folder.name), reverse=True)


def clear(cache: Path) -> int:
    """Delete every index and graph in the cache, and nothing else there; return the bytes that were freed."""
    freed = 0
    for name in (INDEXES, *OTHERS):
        place = cache / name
        freed += _size(place)
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place, ignore_errors=True)  # another process may be writing: what it adds stays, whole
        else:
            place.unlink(missing_ok=True)
    return freed


def _kept(folder: Path) -> Kept:
    try:
        manifest: Any = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        manifest = None
    fields = manifest if isinstance(manifest, dict) else {}
    return Kept(
        folder=folder,
        title=fields.get("title"),
        source=fields.get("source"),
        sentences=fields.get("sentences"),
        model=fields.get("model"),
        size=_size(folder),
        built=datetime.fromtimestamp(folder.stat().st_mtime, tz=timezone.utc),
    )


def _size(place: Path) -> int:
    if place.is_file():
        return place.stat().st_size
    return sum(file.stat().st_size for file in place.rglob("*") if file.is_file()) if place.is_dir() else 0
