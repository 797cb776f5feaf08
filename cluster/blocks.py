"""Files, web addresses and JSON Lines files come in; blocks go out: what one node reads and embeds at a time.

    places ─► items: a file, an address, a line ─► cut where an item's content says so ─► [Block(id, pieces)]

A block's id is made of what it holds and of who embeds it, so the same sources give the same blocks, and a block whose
shard is there need not be done again. Where a block ends is decided by the content of its last item, not by counting:
a file that is added or removed changes the block that it stands in and leaves the others as they are.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster.errors import SourceChanged
from index.article import LARGEST_FILE, SUFFIXES
from library.sources import LINES, LeftOut, Unchanged, read_line, read_sources
from library.store import Incoming

BLOCK_BYTES = 4_000_000  # of sources: some 25,000 sentences of news; a shard below 50,000 is searched exactly
LEAST, MOST = 0.25, 2.0  # of that size
_READ = 1 << 20


@dataclass(frozen=True, slots=True)
class Piece:
    """A whole file, a web address, or some lines of a JSON Lines file."""

    place: str  # a path or a web address
    digest: str  # of its content; of an address, and of what cannot be read, of the name
    size: int  # bytes
    lines: tuple[int, int, int] | None = None  # first byte, first byte behind, number of the first line from 1


@dataclass(frozen=True, slots=True)
class Block:
    """What becomes one shard."""

    id: str  # 32 hexadecimal digits
    pieces: tuple[Piece, ...]

    @property
    def size(self) -> int:
        """Bytes of sources."""
        return sum(piece.size for piece in self.pieces)


def blocks_of(places: Sequence[str], *, made_by: str, size: int = BLOCK_BYTES) -> Iterator[Block]:
    """Yield the blocks of these places (from `library.sources.listed`), in their order.

    made_by: whatever else decides what a shard holds: the model, the rules for sentences and words, the date given.
    size: bytes of sources that a block has on average. Every file is read once, to know what is in it.
    """
    pending: list[Piece] = []
    held = 0
    for item in _items(places):
        pending.append(item)
        held += item.size
        if (_ends(item, size) and held >= LEAST * size) or held >= MOST * size:
            yield _block(pending, made_by)
            pending, held = [], 0
    if pending:
        yield _block(pending, made_by)


def read_block(block: Block, *, date: str | None = None) -> Iterator[Incoming | LeftOut]:
    """Yield the articles of a block, and what is none. Raises SourceChanged."""
    for piece in block.pieces:
        if piece.lines is None:
            if not _is_address(piece.place) and _file(piece.place).digest != piece.digest:
                raise _changed(piece)
            for _, read in read_sources([piece.place], date=date):
                assert not isinstance(read, Unchanged), "without stamps, every file is read"
                yield read
        else:
            yield from _read_lines(piece, *piece.lines, date)


def _read_lines(piece: Piece, first: int, behind: int, number: int, date: str | None) -> Iterator[Incoming | LeftOut]:
    path = Path(piece.place)
    try:
        with path.open("rb") as file:
            file.seek(first)
            content = file.read(behind - first)
    except OSError as error:
        raise _changed(piece) from error
    digests = hashlib.sha256()
    lines = content.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    for line in lines:
        digests.update(_digest(line).encode())
    if digests.hexdigest() != piece.digest:
        raise _changed(piece)
    for place, line in enumerate(lines, start=number):
        if line.strip():
            yield read_line(line, path, place, date)


def _changed(piece: Piece) -> SourceChanged:
    return SourceChanged(
        f"{piece.place}: it is not what it was when the build began, or a node does not see it. "
        "Give the same command again when it is at rest, on a folder that all nodes share."
    )


def _items(places: Iterable[str]) -> Iterator[Piece]:
    for place in places:
        if not _is_address(place) and Path(place).suffix.lower() in LINES:
            yield from _lines(place)
        else:
            yield _address(place) if _is_address(place) else _file(place)


def _is_address(place: str) -> bool:
    return re.match(r"https?://", place, re.IGNORECASE) is not None


def _address(place: str) -> Piece:
    # What stands there is not asked: it would be fetched twice, and might differ.
    return Piece(place, _digest(place.encode()), 50_000)


def _file(place: str) -> Piece:
    path = Path(place)
    try:
        size = path.stat().st_size
        if path.suffix.lower() not in SUFFIXES or size > LARGEST_FILE:
            return Piece(place, _digest(f"{place} {size}".encode()), 0)  # will be left out, whatever is in it
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while part := file.read(_READ):
                digest.update(part)
    except OSError:
        return Piece(place, _digest(os.fsencode(place)), 0)
    return Piece(place, digest.hexdigest(), size)


def _lines(place: str) -> Iterator[Piece]:
    try:
        with Path(place).open("rb") as file:
            start = 0
            for number, line in enumerate(file, start=1):
                digest = _digest(line.removesuffix(b"\n"))
                yield Piece(place, digest, len(line), (start, start + len(line), number))
                start += len(line)
    except OSError:
        yield _file(place)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _ends(item: Piece, size: int) -> bool:
    """Whether a block ends behind this item: as likely as the item is large."""
    return int(item.digest[:16], 16) < (1 << 64) * item.size // size


def _block(items: Sequence[Piece], made_by: str) -> Block:
    pieces: list[Piece] = []
    digests = hashlib.sha256()
    for item in items:
        last = pieces[-1] if pieces else None
        if item.lines and last and last.lines and last.place == item.place:
            digests.update(item.digest.encode())
            start, _, number = last.lines
            lines = (start, item.lines[1], number)
            pieces[-1] = Piece(item.place, digests.hexdigest(), last.size + item.size, lines)
        elif item.lines:
            digests = hashlib.sha256(item.digest.encode())
            pieces.append(Piece(item.place, digests.hexdigest(), item.size, item.lines))
        else:
            pieces.append(item)
    known = hashlib.blake2b(made_by.encode(), digest_size=16)
    for piece in pieces:
        # The number of a line is the name of an article that has no other; how far on in the file it stands is not.
        number = piece.lines[2] if piece.lines else 0
        known.update(f"\0{piece.place}\0{piece.digest}\0{number}".encode("utf-8", "surrogateescape"))
    return Block(known.hexdigest(), tuple(pieces))
